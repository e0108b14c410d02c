/* row_store.c - see row_store.h.
 *
 * Chunk c of a pass works in buffer c % n_buffers.  In a file, invariants of a buffer:
 *   1. Its job is pending only between the pass's begin and end.
 *   2. open(c) waits for the job that reads chunk c, then, once the job that writes
 *      chunk c - 2 is done, submits the one that reads chunk c + 1 into its buffer.
 *   3. close(c) submits the job that writes chunk c; passes never read rows that the
 *      same pass has written. */
#include "stream/row_store.h"

#include "base/checked.h"
#include "base/memory.h"
#include "io/scratch.h"
#include "stream/reader.h"

#include <assert.h>
#include <string.h>

enum { FILE_BUFFERS = 3 };

typedef struct buffer {
    float *rows; /* [chunk_rows][width] */
    grt_row_store *store;
    grt_job job;
    size_t chunk; /* that the job reads or writes */
} buffer;

struct grt_row_store {
    /* set at creation */
    grt_row_store_options options;
    float *rows_f32;     /* [n_rows][width], GRT_ROWS_F32 */
    uint16_t *rows_bf16; /* [n_rows][width], GRT_ROWS_BF16 */
    grt_scratch *file;   /* GRT_ROWS_FILE */
    grt_reader *reader;  /* GRT_ROWS_FILE */
    buffer buffers[FILE_BUFFERS];
    size_t n_buffers;
    /* the pass at hand */
    grt_row_pass pass;
    size_t chunk;
    bool is_open;
    grt_status failure; /* the pass's first, of a write or a read ahead */
    grt_error failure_error;
};

static size_t n_buffers_of(const grt_row_store_options *options)
{
    return options->storage == GRT_ROWS_FILE ? FILE_BUFFERS : 1;
}

static size_t value_bytes(grt_row_storage storage)
{
    switch (storage) {
    case GRT_ROWS_F32: return sizeof(float);
    case GRT_ROWS_BF16: return sizeof(uint16_t);
    case GRT_ROWS_FILE: return 0;
    }
    return 0;
}

size_t grt_row_store_bytes(const grt_row_store_options *options)
{
    size_t store, chunk, total;
    if (!grt_mul_size(&store, options->n_rows, options->width) ||
        !grt_mul_size(&store, store, value_bytes(options->storage)) ||
        !grt_mul_size(&chunk, options->chunk_rows, options->width) ||
        !grt_mul_size(&chunk, chunk, n_buffers_of(options) * sizeof(float)) ||
        !grt_add_size(&total, store, chunk) ||
        !grt_add_size(&total, total, sizeof(grt_row_store)))
        return SIZE_MAX;
    return total;
}

static grt_status allocate(grt_row_store *store, grt_error *err)
{
    const grt_row_store_options *options = &store->options;
    size_t n_values, chunk_bytes;
    if (!grt_mul_size(&n_values, options->n_rows, options->width) ||
        !grt_mul_size(&chunk_bytes, options->chunk_rows, options->width) ||
        !grt_mul_size(&chunk_bytes, chunk_bytes, sizeof(float)) ||
        n_values > SIZE_MAX / sizeof(float))
        GRT_FAIL(err, GRT_E_NO_MEMORY, "no memory for hidden states (%zu rows of %zu)",
                 options->n_rows, options->width);
    for (size_t i = 0; i < store->n_buffers; i++) {
        store->buffers[i].store = store;
        GRT_TRY(grt_alloc(&store->buffers[i].rows, chunk_bytes,
                          "a chunk's hidden states", err));
    }
    switch (options->storage) {
    case GRT_ROWS_F32:
        return grt_alloc(&store->rows_f32, n_values * sizeof(float), "hidden states",
                         err);
    case GRT_ROWS_BF16:
        return grt_alloc(&store->rows_bf16, n_values * sizeof(uint16_t),
                         "hidden states", err);
    case GRT_ROWS_FILE:
        GRT_TRY(grt_scratch_create(&store->file, options->directory,
                                   n_values * sizeof(float), err));
        return grt_reader_create(&store->reader, err);
    }
    return GRT_OK;
}

grt_status grt_row_store_create(grt_row_store **out,
                                const grt_row_store_options *options, grt_error *err)
{
    grt_row_store *store;
    GRT_TRY(grt_alloc_array(&store, 1, sizeof(*store), "the hidden states", err));
    store->options = *options;
    store->n_buffers = n_buffers_of(options);
    grt_status status = allocate(store, err);
    if (status != GRT_OK) {
        grt_row_store_free(store);
        return status;
    }
    *out = store;
    return GRT_OK;
}

/* ---- One range, in and out ---- */

static void to_bf16(uint16_t *dst, const float *src, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &src[i], sizeof(bits));
        uint32_t rounded = bits + 0x7FFF + ((bits >> 16) & 1);
        bool is_nan = (bits & 0x7FFFFFFF) > 0x7F800000;
        dst[i] = (uint16_t)((is_nan ? bits | 0x400000 : rounded) >> 16);
    }
}

static void from_bf16(float *dst, const uint16_t *src, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)src[i] << 16;
        memcpy(&dst[i], &bits, sizeof(bits));
    }
}

static grt_status load_range(grt_row_store *store, grt_row_range range, float *rows,
                             grt_error *err)
{
    size_t at = range.first * store->options.width;
    size_t n = range.n * store->options.width;
    if (store->rows_f32) memcpy(rows, store->rows_f32 + at, n * sizeof(float));
    if (store->rows_bf16) from_bf16(rows, store->rows_bf16 + at, n);
    if (store->file)
        return grt_scratch_read(store->file, (uint64_t)at * sizeof(float), rows,
                                n * sizeof(float), err);
    return GRT_OK;
}

static grt_status save_range(grt_row_store *store, grt_row_range range,
                             const float *rows, grt_error *err)
{
    size_t at = range.first * store->options.width;
    size_t n = range.n * store->options.width;
    if (store->rows_f32) memcpy(store->rows_f32 + at, rows, n * sizeof(float));
    if (store->rows_bf16) to_bf16(store->rows_bf16 + at, rows, n);
    if (store->file)
        return grt_scratch_write(store->file, (uint64_t)at * sizeof(float), rows,
                                 n * sizeof(float), err);
    return GRT_OK;
}

/* ---- One chunk ---- */

static buffer *buffer_of(grt_row_store *store, size_t chunk)
{
    return &store->buffers[chunk % store->n_buffers];
}

typedef grt_status range_fn(grt_row_store *store, grt_row_range range, float *rows,
                            grt_error *err);

static grt_status save_range_of_chunk(grt_row_store *store, grt_row_range range,
                                      float *rows, grt_error *err)
{
    return save_range(store, range, rows, err);
}

static grt_status for_each_range(const buffer *b, range_fn *fn, grt_error *err)
{
    grt_row_store *store = b->store;
    const grt_row_pass *pass = &store->pass;
    float *rows = b->rows;
    size_t first = b->chunk ? pass->chunk_ends[b->chunk - 1] : 0;
    for (size_t i = first; i < pass->chunk_ends[b->chunk]; i++) {
        GRT_TRY(fn(store, pass->ranges[i], rows, err));
        rows += pass->ranges[i].n * store->options.width;
    }
    return GRT_OK;
}

static grt_status read_chunk(grt_job *job, grt_error *err)
{
    return for_each_range(job->payload, load_range, err);
}

static grt_status write_chunk(grt_job *job, grt_error *err)
{
    return for_each_range(job->payload, save_range_of_chunk, err);
}

static void submit(buffer *b, grt_job_fn *run, size_t chunk)
{
    b->chunk = chunk;
    b->job.run = run;
    b->job.payload = b;
    grt_reader_submit(b->store->reader, &b->job);
}

/* Waits until the buffer's rows may be used again; keeps the first failure.  A failure
 * is told once: the next pass waits for the same job. */
static void finish_write(grt_row_store *store, buffer *b)
{
    grt_status status = grt_reader_wait(store->reader, &b->job);
    b->job.status = GRT_OK;
    if (status == GRT_OK || store->failure != GRT_OK) return;
    store->failure = status;
    store->failure_error = b->job.error;
}

void grt_row_store_begin(grt_row_store *store, const grt_row_pass *pass)
{
    assert(!store->is_open);
    store->pass = *pass;
    store->chunk = 0;
    store->failure = GRT_OK;
    if (store->reader && !pass->is_first && pass->n_chunks > 0)
        submit(buffer_of(store, 0), read_chunk, 0);
}

/* Waits for the chunk's own rows and has the next chunk's rows read. */
static grt_status open_in_file(grt_row_store *store, buffer *b, grt_error *err)
{
    if (store->pass.is_first) {
        finish_write(store, b);
    } else {
        grt_status status = grt_reader_wait(store->reader, &b->job);
        if (status != GRT_OK) {
            if (err) *err = b->job.error;
            return status;
        }
        size_t next = store->chunk + 1;
        if (next < store->pass.n_chunks) {
            finish_write(store, buffer_of(store, next));
            submit(buffer_of(store, next), read_chunk, next);
        }
    }
    if (store->failure != GRT_OK && err) *err = store->failure_error;
    return store->failure;
}

grt_status grt_row_store_open(grt_row_store *store, float **rows, grt_error *err)
{
    assert(!store->is_open && store->chunk < store->pass.n_chunks);
    buffer *b = buffer_of(store, store->chunk);
    if (store->reader) {
        GRT_TRY(open_in_file(store, b, err));
    } else if (!store->pass.is_first) {
        b->chunk = store->chunk;
        GRT_TRY(for_each_range(b, load_range, err));
    }
    store->is_open = true;
    *rows = b->rows;
    return GRT_OK;
}

void grt_row_store_close(grt_row_store *store)
{
    assert(store->is_open);
    buffer *b = buffer_of(store, store->chunk);
    store->is_open = false;
    if (!store->pass.is_last && store->reader) {
        submit(b, write_chunk, store->chunk);
    } else if (!store->pass.is_last) {
        b->chunk = store->chunk;
        (void)for_each_range(b, save_range_of_chunk, NULL); /* in memory: cannot fail */
    }
    store->chunk++;
}

grt_status grt_row_store_end(grt_row_store *store, grt_error *err)
{
    store->is_open = false;
    for (size_t i = 0; store->reader && i < store->n_buffers; i++)
        finish_write(store, &store->buffers[i]);
    if (store->failure != GRT_OK && err) *err = store->failure_error;
    return store->failure;
}

void grt_row_store_free(grt_row_store *store)
{
    if (!store) return;
    grt_reader_free(store->reader);
    grt_scratch_free(store->file);
    for (size_t i = 0; i < store->n_buffers; i++)
        grt_free(store->buffers[i].rows);
    grt_free(store->rows_f32);
    grt_free(store->rows_bf16);
    grt_free(store);
}
