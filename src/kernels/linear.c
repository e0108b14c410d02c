/* linear.c - y = x * W^T with weights unpacked just in time.
 *
 * A task is one panel: PANEL_COLUMNS outputs.  For each block of inputs the worker
 * unpacks the panel into its scratch in strips [words][GRT_STRIP], L2-sized, then goes
 * through all rows in blocks (grt_gemm_block): the block of x is copied next to each
 * other (rows of a matrix whose width is a power of two would fall into the same cache
 * sets) and multiplied with strip after strip from L2.  Meanwhile the next block is
 * fetched: with many rows x comes from memory.
 *
 * A block is GRT_GEMM_WORDS words: as many inputs in f32, twice as many in bf16, where
 * weights and rows are rounded as they are unpacked and copied.  An odd last input gets
 * a zero beside it.
 *
 * An output is always the sum over the same blocks in the same order, so its bits
 * depend neither on the rows in the call nor on the threads. */
#include "kernels/words.h"

#include <stdbool.h>

enum {
    WIDE_PANEL = 256, /* columns; for matrices wide enough to keep all threads busy */
    NARROW_PANEL = 64,
    WIDE_FROM = 1024,
    MIN_GROUP_ROWS = 192, /* unpacking a panel costs as much as a few rows */
    PANEL_WORDS = WIDE_PANEL * GRT_GEMM_WORDS,
    STRIP_WORDS = GRT_STRIP * GRT_GEMM_LD_A, /* one strip's rows of W, unpacked */
    A_WORDS = GRT_GEMM_ROWS * GRT_GEMM_LD_A,
    ROW_WORDS = 2 * GRT_GEMM_WORDS, /* of f32 values before they are rounded */
    WORKER_WORDS = PANEL_WORDS + STRIP_WORDS + A_WORDS + ROW_WORDS
};

/* Inputs k0.. of a row begin with a whole block. */
#define GRT_X(name, values, bytes)                 \
    _Static_assert(GRT_GEMM_WORDS % (values) == 0, \
                   #name " blocks cross GRT_GEMM_WORDS");
GRT_DTYPE_LIST(GRT_X)
#undef GRT_X

typedef struct linear_job {
    const grt_kernels *kernels;
    const grt_linear_args *args;
    uint32_t *scratch; /* [n_threads][WORKER_WORDS] */
    bool is_bf16;
    grt_gemm_block block; /* of the kernel; its columns between two prefetches */
    size_t panel_columns;
    size_t n_groups; /* row groups; each unpacks the panel for itself */
    size_t group_rows;
} linear_job;

/* A worker's scratch. */
typedef struct worker_space {
    uint32_t *panel; /* [strips][words][GRT_STRIP] */
    uint32_t *rows;  /* [GRT_STRIP][GRT_GEMM_LD_A] */
    uint32_t *a;     /* [GRT_GEMM_ROWS][GRT_GEMM_LD_A] */
    float *values;   /* [ROW_WORDS] */
} worker_space;

/* What one task computes. */
typedef struct linear_part {
    size_t column, n_columns;
    size_t first_row, last_row;
} linear_part;

size_t grt_linear_scratch_bytes(const grt_kernels *kernels, size_t n_threads)
{
    (void)kernels;
    return n_threads * WORKER_WORDS * sizeof(uint32_t);
}

static worker_space space_of(const linear_job *job, size_t worker)
{
    worker_space space = {.panel = job->scratch + worker * WORKER_WORDS};
    space.rows = space.panel + PANEL_WORDS;
    space.a = space.rows + STRIP_WORDS;
    space.values = (float *)(space.a + A_WORDS);
    return space;
}

/* n weights in storage type to words. */
static void unpack_row(const linear_job *job, uint32_t *words, float *values,
                       const unsigned char *from, size_t n)
{
    grt_dtype dtype = job->args->weight->dtype;
    if (!job->is_bf16) {
        job->kernels->unpack_row[dtype]((float *)words, from, n);
    } else if (dtype == GRT_DTYPE_BF16) {
        if (n % 2) words[n / 2] = 0;
        memcpy(words, from, n * sizeof(uint16_t));
    } else {
        job->kernels->unpack_row[dtype](values, from, n);
        grt_to_words(job->kernels, job->is_bf16, words, values, n);
    }
}

/* Columns first.. of W, inputs k0..k0+k-1, into one strip. */
static void unpack_strip(const linear_job *job, const worker_space *space,
                         uint32_t *strip, size_t first, size_t n_columns, size_t k0,
                         size_t k)
{
    const grt_weight *w = job->args->weight;
    uint64_t row_bytes = 0, skip_bytes = 0;
    size_t n_words = grt_words_of(job->is_bf16, k);
    (void)grt_dtype_bytes(&row_bytes, w->dtype, w->n_in);
    (void)grt_dtype_bytes(&skip_bytes, w->dtype, k0);
    const unsigned char *from =
        (const unsigned char *)w->data + first * row_bytes + skip_bytes;
    for (size_t c = 0; c < n_columns; c++)
        unpack_row(job, space->rows + c * GRT_GEMM_LD_A, space->values,
                   from + c * row_bytes, k);
    for (size_t c = n_columns; c < GRT_STRIP; c++)
        memset(space->rows + c * GRT_GEMM_LD_A, 0, n_words * sizeof(uint32_t));
    job->kernels->pack_strip(strip, space->rows, GRT_GEMM_LD_A, n_words);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Asks for the rows that the next block will copy: those due before a wide panel's
 * columns c.. are multiplied. */
static void prefetch_rows(const linear_job *job, const float *x, size_t n_rows,
                          size_t k, size_t c)
{
    enum { LINE_FLOATS = 16 };
    const grt_gemm_block *block = &job->block;
    size_t share = block->n_rows * block->n_columns / WIDE_PANEL;
    size_t first = c / block->n_columns * share, last = least(first + share, n_rows);
    for (size_t r = first; r < last; r++)
        for (size_t i = 0; i < k; i += LINE_FLOATS)
            __builtin_prefetch(x + r * job->args->ld_x + i, 0, 2);
}

/* y (+)= x * panel for the task's rows and inputs k0..k0+k-1. */
static void multiply_rows(const linear_job *job, const linear_part *part,
                          const worker_space *space, size_t k0, size_t k)
{
    const grt_linear_args *args = job->args;
    grt_gemm_fn *gemm = job->is_bf16 ? job->kernels->gemm_bf16 : job->kernels->gemm_f32;
    size_t n_words = grt_words_of(job->is_bf16, k);
    const float *bias = args->bias && k0 == 0 ? args->bias + part->column : NULL;
    size_t most = job->block.n_rows, group = job->block.n_columns;
    for (size_t r = part->first_row; r < part->last_row; r += most) {
        const float *x = args->x + r * args->ld_x + k0;
        float *y = args->y + r * args->ld_y + part->column;
        size_t n = least(most, part->last_row - r);
        size_t n_next = least(most, part->last_row - r - n);
        const float *next = n_next ? x + n * args->ld_x : x;
        for (size_t i = 0; i < n; i++)
            grt_to_words(job->kernels, job->is_bf16, space->a + i * GRT_GEMM_LD_A,
                         x + i * args->ld_x, k);
        for (size_t c = 0; c < part->n_columns; c += group) {
            prefetch_rows(job, next, n_next, k, c);
            gemm(y + c, args->ld_y, space->a, n, space->panel + c * n_words, n_words,
                 least(group, part->n_columns - c), n_words, bias ? bias + c : NULL,
                 args->is_added || k0 > 0);
        }
    }
}

static void linear_task(size_t task, size_t worker, void *payload)
{
    const linear_job *job = payload;
    const grt_weight *w = job->args->weight;
    worker_space space = space_of(job, worker);
    size_t block = job->is_bf16 ? 2 * GRT_GEMM_WORDS : GRT_GEMM_WORDS;
    linear_part part = {.column = task / job->n_groups * job->panel_columns,
                        .first_row = task % job->n_groups * job->group_rows};
    part.n_columns = least(job->panel_columns, w->n_out - part.column);
    part.last_row = least(part.first_row + job->group_rows, job->args->n_rows);
    size_t k0 = 0;
    do { /* no inputs at all still give y = bias */
        size_t k = least(block, w->n_in - k0);
        for (size_t c = 0; c < part.n_columns; c += GRT_STRIP)
            unpack_strip(job, &space, space.panel + c * grt_words_of(job->is_bf16, k),
                         part.column + c, least(GRT_STRIP, part.n_columns - c), k0, k);
        multiply_rows(job, &part, &space, k0, k);
        k0 += k;
    } while (k0 < w->n_in);
}

void grt_linear(const grt_kernels *kernels, grt_pool *pool, void *scratch,
                const grt_linear_args *args)
{
    const grt_weight *w = args->weight;
    if (args->n_rows == 0 || w->n_out == 0) return;
    size_t columns = w->n_out >= WIDE_FROM ? WIDE_PANEL : NARROW_PANEL;
    size_t n_panels = (w->n_out + columns - 1) / columns;
    size_t wanted = 2 * grt_pool_n_threads(pool);
    size_t n_groups = n_panels >= wanted ? 1 : (wanted + n_panels - 1) / n_panels;
    n_groups = least(n_groups, (args->n_rows + MIN_GROUP_ROWS - 1) / MIN_GROUP_ROWS);
    size_t group_rows = (args->n_rows + n_groups - 1) / n_groups;
    bool is_bf16 = kernels->gemm_bf16 && !args->is_precise;
    grt_gemm_block block = is_bf16 ? kernels->block_bf16 : kernels->block_f32;
    group_rows = (group_rows + block.n_rows - 1) / block.n_rows * block.n_rows;
    n_groups = (args->n_rows + group_rows - 1) / group_rows;
    linear_job job = {.kernels = kernels,
                      .args = args,
                      .scratch = scratch,
                      .is_bf16 = is_bf16,
                      .block = block,
                      .panel_columns = columns,
                      .n_groups = n_groups,
                      .group_rows = group_rows};
    grt_pool_run(pool, n_panels * n_groups, linear_task, &job);
}
