/* buffer.c - see buffer.h. */
#include "rank/buffer.h"

#include "base/checked.h"
#include "base/memory.h"

grt_status grt_buffer_need(grt_buffer *buffer, size_t count, size_t size,
                           const char *what, grt_error *err)
{
    size_t n_bytes;
    if (!grt_mul_size(&n_bytes, count, size))
        GRT_FAIL(err, GRT_E_NO_MEMORY, "no memory for %s (%zu x %zu bytes)", what,
                 count, size);
    if (buffer->data && n_bytes <= buffer->n_bytes) return GRT_OK;
    grt_buffer_release(buffer);
    GRT_TRY(grt_alloc(&buffer->data, n_bytes, what, err));
    buffer->n_bytes = n_bytes;
    return GRT_OK;
}

grt_status grt_buffer_fit(grt_buffer *buffer, size_t count, size_t size,
                          const char *what, grt_error *err)
{
    size_t n_bytes;
    if (grt_mul_size(&n_bytes, count, size) && n_bytes < buffer->n_bytes)
        grt_buffer_release(buffer);
    return grt_buffer_need(buffer, count, size, what, err);
}

void grt_buffer_release(grt_buffer *buffer)
{
    grt_free(buffer->data);
    *buffer = (grt_buffer){NULL, 0};
}
