/* buffer.h - a block that grows and is kept between requests. */
#ifndef GRT_RANK_BUFFER_H
#define GRT_RANK_BUFFER_H

#include "base/error.h"

typedef struct grt_buffer {
    void *data;
    size_t n_bytes;
} grt_buffer;

/* Makes the buffer hold at least count * size bytes; contents are lost when it grows.
 */
GRT_NODISCARD grt_status grt_buffer_need(grt_buffer *buffer, size_t count, size_t size,
                                         const char *what, grt_error *err);

/* The same, but a block that is larger goes back: under a memory promise. */
GRT_NODISCARD grt_status grt_buffer_fit(grt_buffer *buffer, size_t count, size_t size,
                                        const char *what, grt_error *err);

void grt_buffer_release(grt_buffer *buffer);

#endif /* GRT_RANK_BUFFER_H */
