/* linear.c - y = x * W^T with weights unpacked just in time.
 *
 * A task is one panel: PANEL_COLUMNS outputs.  For each block of inputs the worker
 * unpacks the panel into its scratch in strips [words][GRT_STRIP], L2-sized, then goes
 * through all rows in blocks (grt_gemm_block), which are multiplied with strip after
 * strip from L2.  Meanwhile the next rows are fetched: many rows come from memory.
 *
 * Rows of x are packed next to each other, GRT_GEMM_LD_A apart: those of a matrix whose
 * width is a power of two would fall into the same cache sets.  In bf16 and int8 all
 * are packed before the first panel, rounded once, as [blocks][n_rows][GRT_GEMM_LD_A].
 * In f32 a task copies the rows at hand: packing all would take as much memory as x.
 *
 * A block is GRT_GEMM_WORDS words: as many inputs in f32, twice as many in bf16, four
 * times in int8.  A last word that the inputs do not fill is filled up with zeros.
 *
 * An output is always the sum over the same blocks in the same order, so its bits
 * depend neither on the rows in the call nor on the threads. */
#include "compute/cpu/linear.h"

#include "compute/cpu/kernels/words.h"

#include <stdbool.h>

enum {
    WIDE_PANEL = 256, /* columns; for matrices wide enough to keep all threads busy */
    NARROW_PANEL = 64,
    WIDE_FROM = 1024,
    MIN_GROUP_ROWS = 192, /* unpacking a panel costs as much as a few rows */
    MAX_GROUPS = GRT_GEMM_WORDS / GRT_INT8_GROUP,
    MAX_LINES = GRT_GEMM_WORDS + MAX_GROUPS * GRT_INT8_HEAD, /* of a strip */
    PANEL_WORDS = WIDE_PANEL * MAX_LINES,
    STRIP_WORDS = GRT_STRIP * GRT_GEMM_LD_A, /* one strip's rows of W, unpacked */
    A_WORDS = GRT_GEMM_ROWS * GRT_GEMM_LD_A,
    ROW_WORDS = 4 * GRT_GEMM_WORDS, /* of f32 values before they are rounded */
    WORKER_WORDS = PANEL_WORDS + STRIP_WORDS + A_WORDS + ROW_WORDS
};

_Static_assert((size_t)MAX_GROUPS <= (size_t)GRT_GEMM_LD_A - GRT_GEMM_WORDS,
               "a row has room for its scales");

/* Inputs k0.. of a row begin with a whole block. */
#define GRT_X(name, values, bytes)                 \
    _Static_assert(GRT_GEMM_WORDS % (values) == 0, \
                   #name " blocks cross GRT_GEMM_WORDS");
GRT_DTYPE_LIST(GRT_X)
#undef GRT_X

typedef struct linear_job {
    const grt_kernels *kernels;
    const grt_linear_args *args;
    uint32_t *workers; /* [n_threads][WORKER_WORDS] */
    uint32_t *packed;  /* [blocks of inputs][n_rows][GRT_GEMM_LD_A]; NULL in f32 */
    grt_arithmetic arithmetic;
    grt_gemm_fn *gemm;
    grt_gemm_block block; /* of the kernel; its columns between two prefetches */
    size_t panel_columns;
    size_t n_groups; /* row groups; each unpacks the panel for itself */
    size_t group_rows;
} linear_job;

/* A worker's scratch. */
typedef struct worker_space {
    uint32_t *panel; /* [strips][lines][GRT_STRIP] */
    uint32_t *rows;  /* [GRT_STRIP][GRT_GEMM_LD_A] */
    uint32_t *a;     /* [GRT_GEMM_ROWS][GRT_GEMM_LD_A] */
    float *values;   /* [ROW_WORDS] */
} worker_space;

/* What one task computes. */
typedef struct linear_part {
    size_t column, n_columns;
    size_t first_row, last_row;
} linear_part;

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t block_inputs(grt_arithmetic arithmetic)
{
    return grt_values_of_word(arithmetic) * GRT_GEMM_WORDS;
}

size_t grt_linear_scratch_bytes(const grt_kernels *kernels, size_t n_threads,
                                size_t n_rows, size_t n_in)
{
    size_t inputs = block_inputs(kernels->arithmetic);
    size_t n_packed = (n_in + inputs - 1) / inputs * n_rows;
    if (kernels->arithmetic == GRT_ARITHMETIC_F32) n_packed = 0;
    return (n_threads * WORKER_WORDS + n_packed * GRT_GEMM_LD_A) * sizeof(uint32_t);
}

static worker_space space_of(const linear_job *job, size_t worker)
{
    worker_space space = {.panel = job->workers + worker * WORKER_WORDS};
    space.rows = space.panel + PANEL_WORDS;
    space.a = space.rows + STRIP_WORDS;
    space.values = (float *)(space.a + A_WORDS);
    return space;
}

/* Lines of a strip for n words of a row. */
static size_t lines_of(const linear_job *job, size_t n_words)
{
    return job->arithmetic == GRT_ARITHMETIC_INT8 ? grt_gemm_int8_lines(n_words)
                                                  : n_words;
}

/* ---- Panels ---- */

/* n weights in storage type to words, in f32 or bf16. */
static void unpack_row(const linear_job *job, uint32_t *words, float *values,
                       const unsigned char *from, size_t n)
{
    grt_dtype dtype = job->args->weight->dtype;
    if (job->arithmetic == GRT_ARITHMETIC_F32) {
        job->kernels->unpack_row[dtype]((float *)words, from, n);
    } else if (dtype == GRT_DTYPE_BF16) {
        if (n % 2) words[n / 2] = 0;
        memcpy(words, from, n * sizeof(uint16_t));
    } else {
        job->kernels->unpack_row[dtype](values, from, n);
        grt_to_words(job->kernels, job->arithmetic, words, values, n);
    }
}

/* A strip in int8: the columns' rows of words become lines, group by group, below the
 * group's head. */
static void pack_strip_int8(const linear_job *job, uint32_t *strip,
                            const uint32_t *rows, size_t n_words,
                            int32_t sums[GRT_STRIP][MAX_GROUPS])
{
    for (size_t i = 0, g = 0; i < n_words; i += GRT_INT8_GROUP, g++) {
        size_t n = least(GRT_INT8_GROUP, n_words - i);
        for (size_t c = 0; c < GRT_STRIP; c++) {
            strip[c] = (uint32_t)(-128 * sums[c][g]);
            memcpy(&strip[GRT_STRIP + c], &rows[c * GRT_GEMM_LD_A + GRT_GEMM_WORDS + g],
                   sizeof(float));
        }
        strip += GRT_INT8_HEAD * GRT_STRIP;
        job->kernels->pack_strip(strip, rows + i, GRT_GEMM_LD_A, n);
        strip += n * GRT_STRIP;
    }
}

/* Columns first.. of W, inputs k0..k0+k-1, into one strip. */
static void unpack_strip(const linear_job *job, const worker_space *space,
                         uint32_t *strip, size_t first, size_t n_columns, size_t k0,
                         size_t k)
{
    const grt_matrix *w = job->args->weight;
    const grt_kernels *kernels = job->kernels;
    bool is_int8 = job->arithmetic == GRT_ARITHMETIC_INT8;
    uint64_t row_bytes = 0, skip_bytes = 0;
    int32_t sums[GRT_STRIP][MAX_GROUPS] = {{0}};
    (void)grt_dtype_bytes(&row_bytes, w->dtype, w->n_in);
    (void)grt_dtype_bytes(&skip_bytes, w->dtype, k0);
    const unsigned char *from =
        (const unsigned char *)w->data + first * row_bytes + skip_bytes;
    for (size_t c = 0; c < n_columns; c++, from += row_bytes) {
        uint32_t *words = space->rows + c * GRT_GEMM_LD_A;
        if (!is_int8) {
            unpack_row(job, words, space->values, from, k);
            continue;
        }
        kernels->unpack_row[w->dtype](space->values, from, k);
        kernels->quantize((int8_t *)words, (float *)(words + GRT_GEMM_WORDS), sums[c],
                          space->values, k, kernels->largest_int8);
    }
    for (size_t c = n_columns; c < GRT_STRIP; c++)
        memset(space->rows + c * GRT_GEMM_LD_A, 0, GRT_GEMM_LD_A * sizeof(uint32_t));
    if (is_int8)
        pack_strip_int8(job, strip, space->rows, grt_words_of(job->arithmetic, k),
                        sums);
    else
        kernels->pack_strip(strip, space->rows, GRT_GEMM_LD_A,
                            grt_words_of(job->arithmetic, k));
}

/* ---- Rows of x ---- */

enum { ROWS_PER_TASK = 32 };

/* Packs some rows, all their blocks. */
static void pack_rows_task(size_t task, size_t worker, void *payload)
{
    (void)worker;
    const linear_job *job = payload;
    const grt_linear_args *args = job->args;
    size_t first = task * ROWS_PER_TASK, n_in = args->weight->n_in;
    size_t last = least(first + ROWS_PER_TASK, args->n_rows);
    uint32_t *block = job->packed;
    for (size_t k0 = 0; k0 < n_in; k0 += block_inputs(job->arithmetic)) {
        size_t k = least(block_inputs(job->arithmetic), n_in - k0);
        for (size_t r = first; r < last; r++)
            grt_to_words(job->kernels, job->arithmetic, block + r * GRT_GEMM_LD_A,
                         args->x + r * args->ld_x + k0, k);
        block += args->n_rows * GRT_GEMM_LD_A;
    }
}

/* Rows first.. of block k0, packed. */
static const uint32_t *packed_rows(const linear_job *job, const worker_space *space,
                                   size_t first, size_t n, size_t k0, size_t k)
{
    const grt_linear_args *args = job->args;
    if (job->packed) {
        size_t block = k0 / block_inputs(job->arithmetic);
        return job->packed + (block * args->n_rows + first) * GRT_GEMM_LD_A;
    }
    for (size_t i = 0; i < n; i++)
        grt_to_words(job->kernels, job->arithmetic, space->a + i * GRT_GEMM_LD_A,
                     args->x + (first + i) * args->ld_x + k0, k);
    return space->a;
}

/* Asks for some of the rows first..last-1: those due before a wide panel's columns c..
 * are multiplied. */
static void prefetch_rows(const linear_job *job, size_t first, size_t last, size_t k0,
                          size_t k, size_t c)
{
    enum { LINE_WORDS = 16 };
    const grt_gemm_block *block = &job->block;
    const grt_linear_args *args = job->args;
    size_t share = block->n_rows * block->n_columns / WIDE_PANEL;
    first += c / block->n_columns * share;
    last = least(first + share, last);
    for (size_t r = first; r < last; r++) {
        const void *row = args->x + r * args->ld_x + k0;
        if (job->packed) row = packed_rows(job, NULL, r, 1, k0, k);
        for (size_t i = 0; i < grt_words_of(job->arithmetic, k); i += LINE_WORDS)
            __builtin_prefetch((const uint32_t *)row + i, 0, 2);
    }
}

/* y (+)= x * panel for the task's rows and inputs k0..k0+k-1. */
static void multiply_rows(const linear_job *job, const linear_part *part,
                          const worker_space *space, size_t k0, size_t k)
{
    const grt_linear_args *args = job->args;
    size_t n_words = grt_words_of(job->arithmetic, k), n_lines = lines_of(job, n_words);
    const float *bias = args->bias && k0 == 0 ? args->bias + part->column : NULL;
    size_t most = job->block.n_rows, group = job->block.n_columns;
    for (size_t r = part->first_row; r < part->last_row; r += most) {
        float *y = args->y + r * args->ld_y + part->column;
        size_t n = least(most, part->last_row - r), next = r + n;
        size_t last = least(next + most, part->last_row);
        const uint32_t *a = packed_rows(job, space, r, n, k0, k);
        for (size_t c = 0; c < part->n_columns; c += group) {
            prefetch_rows(job, next, last, k0, k, c);
            job->gemm(y + c, args->ld_y, a, n, space->panel + c * n_lines, n_lines,
                      least(group, part->n_columns - c), n_words,
                      bias ? bias + c : NULL, args->is_added || k0 > 0);
        }
    }
}

static void linear_task(size_t task, size_t worker, void *payload)
{
    const linear_job *job = payload;
    const grt_matrix *w = job->args->weight;
    worker_space space = space_of(job, worker);
    size_t block = block_inputs(job->arithmetic);
    linear_part part = {.column = task / job->n_groups * job->panel_columns,
                        .first_row = task % job->n_groups * job->group_rows};
    part.n_columns = least(job->panel_columns, w->n_out - part.column);
    part.last_row = least(part.first_row + job->group_rows, job->args->n_rows);
    size_t k0 = 0;
    do { /* no inputs at all still give y = bias */
        size_t k = least(block, w->n_in - k0);
        size_t n_lines = lines_of(job, grt_words_of(job->arithmetic, k));
        for (size_t c = 0; c < part.n_columns; c += GRT_STRIP)
            unpack_strip(job, &space, space.panel + c * n_lines, part.column + c,
                         least(GRT_STRIP, part.n_columns - c), k0, k);
        multiply_rows(job, &part, &space, k0, k);
        k0 += k;
    } while (k0 < w->n_in);
}

/* The kernel for the arithmetic at hand, and the blocks that it wants. */
static void choose_gemm(linear_job *job, const grt_kernels *kernels, int is_precise)
{
    job->arithmetic = is_precise ? GRT_ARITHMETIC_F32 : kernels->arithmetic;
    switch (job->arithmetic) {
    case GRT_ARITHMETIC_INT8:
        job->gemm = kernels->gemm_int8;
        job->block = kernels->block_int8;
        break;
    case GRT_ARITHMETIC_BF16:
        job->gemm = kernels->gemm_bf16;
        job->block = kernels->block_bf16;
        break;
    case GRT_ARITHMETIC_F32:
    case GRT_ARITHMETIC_AUTO:
        job->gemm = kernels->gemm_f32;
        job->block = kernels->block_f32;
    }
}

void grt_linear(const grt_kernels *kernels, grt_pool *pool, void *scratch,
                const grt_linear_args *args)
{
    const grt_matrix *w = args->weight;
    if (args->n_rows == 0 || w->n_out == 0) return;
    linear_job job = {.kernels = kernels, .args = args, .workers = scratch};
    choose_gemm(&job, kernels, args->is_precise);
    size_t columns = w->n_out >= WIDE_FROM ? WIDE_PANEL : NARROW_PANEL;
    size_t n_panels = (w->n_out + columns - 1) / columns;
    size_t wanted = 2 * grt_pool_n_threads(pool);
    size_t n_groups = n_panels >= wanted ? 1 : (wanted + n_panels - 1) / n_panels;
    n_groups = least(n_groups, (args->n_rows + MIN_GROUP_ROWS - 1) / MIN_GROUP_ROWS);
    size_t group_rows = (args->n_rows + n_groups - 1) / n_groups,
           most = job.block.n_rows;
    group_rows = (group_rows + most - 1) / most * most;
    job.panel_columns = columns;
    job.group_rows = group_rows;
    job.n_groups = (args->n_rows + group_rows - 1) / group_rows;
    if (job.arithmetic != GRT_ARITHMETIC_F32) {
        job.packed = job.workers + grt_pool_n_threads(pool) * WORKER_WORDS;
        grt_pool_run(pool, (args->n_rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK,
                     pack_rows_task, &job);
    }
    grt_pool_run(pool, n_panels * job.n_groups, linear_task, &job);
}
