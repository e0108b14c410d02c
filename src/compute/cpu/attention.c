/* attention.c - blockwise attention by means of the matrix kernels.
 *
 * Keys are taken in blocks of GRT_ATTENTION_KEYS.  A block's keys and values are packed
 * into panels once for all query heads that share them: keys as the columns of
 * Q K^T, values as those of P V, whose words are keys (in bf16 two keys side by side).
 * Then all queries visit the block, some rows at a time: scores by one call of the
 * matrix kernel, weights by the softmax in pieces (arXiv 1805.02867), and a second call
 * adds the weighted values to `out`, which is divided by the sum of weights at the end.
 * Scores are in f32 always: an exponential follows; docs/kernels.md has the figures.
 *
 * What a row gets depends on the key blocks only, never on the rows around it: a matrix
 * kernel's sums do not, and keys that a row does not see have weight zero, which
 * changes no bit of a sum. */
#include "compute/cpu/attention.h"

#include "compute/cpu/kernels/words.h"

#include <math.h>

enum { KEYS = GRT_ATTENTION_KEYS, LD = GRT_GEMM_LD_A, ROWS_WORDS = GRT_GEMM_ROWS * LD };
_Static_assert(KEYS % GRT_STRIP == 0, "a block of keys is whole strips");
_Static_assert((int)KEYS <= (int)GRT_GEMM_WORDS, "the weights of a block fill a row");
_Static_assert((int)GRT_MAX_HEAD_SIZE <= (int)GRT_GEMM_WORDS, "a head fills a row");

typedef struct attention_block {
    const grt_kernels *kernels;
    const grt_attention_args *args;
    grt_arithmetic arithmetic; /* of weights and values: F32 or BF16 */
    size_t n_rows;             /* of queries at a time */
    float *keys;               /* panel [strips of keys][head_size][GRT_STRIP] */
    uint32_t *values;          /* panel [strips of a head][words of keys][GRT_STRIP] */
    float *rows;      /* [GRT_GEMM_ROWS][LD]: keys to pack, queries, weights in bf16 */
    float *scores;    /* [GRT_GEMM_ROWS][LD], then weights */
    float *largest;   /* [n_heads][n_queries] of the scores so far */
    float *sums;      /* [n_heads][n_queries] */
    size_t first_key; /* counted from the first of the prefix */
    size_t n_keys;
} attention_block;

static int is_bf16(const attention_block *block)
{
    return block->arithmetic == GRT_ARITHMETIC_BF16;
}

static size_t whole_strips(size_t n)
{
    return (n + GRT_STRIP - 1) / GRT_STRIP * GRT_STRIP;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t grt_attention_scratch_bytes(size_t n_queries, size_t n_heads, size_t head_size)
{
    size_t panels = 2 * KEYS * whole_strips(head_size);
    return (panels + 2 * ROWS_WORDS + 2 * n_heads * n_queries) * sizeof(float);
}

/* The row of key j of the block in `own` or, before those, in `prefix`. */
static const float *row_of(const attention_block *block, const float *prefix,
                           const float *own, size_t j)
{
    const grt_attention_args *args = block->args;
    size_t index = block->first_key + j;
    if (index < args->n_prefix) return prefix + index * args->ld_kv;
    return own + (index - args->n_prefix) * args->ld_kv;
}

static void pack_keys(const attention_block *block)
{
    size_t head = block->args->head_size;
    for (size_t first = 0; first < block->n_keys; first += GRT_STRIP) {
        for (size_t j = 0; j < GRT_STRIP; j++) {
            float *row = block->rows + j * LD;
            if (first + j < block->n_keys)
                memcpy(row,
                       row_of(block, block->args->prefix_k, block->args->k, first + j),
                       head * sizeof(*row));
            else
                memset(row, 0, head * sizeof(*row));
        }
        block->kernels->pack_strip(block->keys + first * head, block->rows, LD, head);
    }
}

/* A word of the values' panel for each of GRT_STRIP columns: two keys' values. */
static void join_pairs(uint32_t *words, const uint16_t *low, const uint16_t *high)
{
    for (size_t d = 0; d < GRT_STRIP; d++)
        words[d] = low[d] | (uint32_t)high[d] << 16;
}

static void pack_pairs(const attention_block *block)
{
    const grt_attention_args *args = block->args;
    size_t n_words = grt_words_of(GRT_ARITHMETIC_BF16, block->n_keys),
           head = args->head_size;
    uint16_t pair[2][GRT_MAX_HEAD_SIZE];
    memset(pair, 0, sizeof(pair)); /* columns past the head, and a missing last key */
    for (size_t i = 0; i < n_words; i++) {
        for (size_t j = 0; j < 2; j++)
            if (2 * i + j < block->n_keys)
                block->kernels->round_bf16(
                    pair[j], row_of(block, args->prefix_v, args->v, 2 * i + j), head);
            else
                memset(pair[j], 0, head * sizeof(pair[j][0]));
        for (size_t d = 0; d < head; d += GRT_STRIP)
            join_pairs(block->values + d * n_words + i * GRT_STRIP, pair[0] + d,
                       pair[1] + d);
    }
}

static void pack_values(const attention_block *block)
{
    const grt_attention_args *args = block->args;
    if (is_bf16(block)) {
        pack_pairs(block);
        return;
    }
    size_t head = args->head_size, whole = head / GRT_STRIP * GRT_STRIP;
    for (size_t i = 0; i < block->n_keys; i++) {
        const float *value = row_of(block, args->prefix_v, args->v, i);
        uint32_t *to = block->values + i * GRT_STRIP;
        for (size_t d = 0; d < whole; d += GRT_STRIP)
            memcpy(to + d * block->n_keys, value + d, GRT_STRIP * sizeof(*to));
        if (whole == head) continue;
        to += whole * block->n_keys;
        memset(to, 0, GRT_STRIP * sizeof(*to));
        memcpy(to, value + whole, (head - whole) * sizeof(*to));
    }
}

static void scale_row(float *x, size_t n, float factor)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= factor;
}

/* The key at which query 0 stands. */
static size_t first_position(const grt_attention_args *args)
{
    return args->n_prefix + args->first_query;
}

/* Of the block's keys first..last-1; none where last <= first. */
typedef struct key_range {
    size_t first, last;
} key_range;

static key_range seen_keys(const attention_block *block, size_t row)
{
    const grt_attention_args *args = block->args;
    size_t position = first_position(args) + row, window = args->window;
    size_t begin = block->first_key, end = begin + block->n_keys;
    if (args->is_causal) end = least(end, position + 1);
    if (window) end = least(end, position + window + 1);
    if (window && position > window && position - window > begin)
        begin = position - window;
    return (key_range){begin - block->first_key,
                       end > block->first_key ? end - block->first_key : 0};
}

/* The queries first..last-1: those that see a key of the block. */
static void seeing_queries(const attention_block *block, size_t *first, size_t *last)
{
    const grt_attention_args *args = block->args;
    size_t begin = block->first_key, end = begin + block->n_keys;
    size_t own = first_position(args);
    size_t nearest = own; /* position of the first query that may see it */
    if (args->is_causal && begin > nearest) nearest = begin;
    if (args->window && begin > nearest + args->window) nearest = begin - args->window;
    *first = nearest - own;
    *last = args->n_queries;
    if (!args->window) return;
    size_t past = end + args->window; /* position after the last one that sees it */
    *last = past > own ? least(*last, past - own) : 0;
}

/* Turns the scores of the keys first..last-1 into weights, zero for those that the row
 * does not see, and brings what it has so far, out and state `at`, to the new largest
 * score. */
static void weigh_row(const attention_block *block, size_t row, key_range keys,
                      float *scores, float *out, size_t at)
{
    const grt_attention_args *args = block->args;
    key_range seen = seen_keys(block, row);
    if (seen.last <= seen.first) {
        memset(scores + keys.first, 0, (keys.last - keys.first) * sizeof(*scores));
        return;
    }
    memset(scores + keys.first, 0, (seen.first - keys.first) * sizeof(*scores));
    memset(scores + seen.last, 0, (keys.last - seen.last) * sizeof(*scores));
    float shrink = block->kernels->softmax(scores + seen.first, seen.last - seen.first,
                                           args->scale, is_bf16(block),
                                           block->largest + at, block->sums + at);
    if (shrink < 1.0f) scale_row(out, args->head_size, shrink);
}

/* Keys that any of n rows sees, from a whole GRT_GEMM_ZEROS words on: the others are
 * left out of both products. */
static key_range keys_of_rows(const attention_block *block, size_t first, size_t n)
{
    enum { STEP = 2 * GRT_GEMM_ZEROS };
    key_range keys = seen_keys(block, first);
    keys.first = keys.first / STEP * STEP;
    keys.last = seen_keys(block, first + n - 1).last;
    return keys;
}

/* Scores of n queries from `first` on. */
static void score_rows(const attention_block *block, size_t head, size_t first,
                       size_t n, key_range keys)
{
    const grt_attention_args *args = block->args;
    const float *q = args->q + first * args->ld_q + head * args->head_size;
    size_t n_words = args->head_size;
    for (size_t r = 0; r < n; r++)
        memcpy(block->rows + r * LD, q + r * args->ld_q, n_words * sizeof(*q));
    block->kernels->gemm_f32(block->scores + keys.first, LD, block->rows, n,
                             block->keys + keys.first * n_words, n_words,
                             keys.last - keys.first, n_words, NULL, 0);
}

/* out += weights * values. */
static void add_values(const attention_block *block, float *out, size_t n,
                       key_range keys)
{
    const grt_attention_args *args = block->args;
    grt_arithmetic arithmetic = block->arithmetic;
    grt_gemm_fn *gemm =
        is_bf16(block) ? block->kernels->gemm_bf16 : block->kernels->gemm_f32;
    float *weights = block->scores + keys.first;
    if (is_bf16(block)) {
        weights = block->rows; /* the queries have served */
        for (size_t r = 0; r < n; r++)
            grt_to_words(block->kernels, arithmetic,
                         (uint32_t *)(void *)(weights + r * LD),
                         block->scores + keys.first + r * LD, keys.last - keys.first);
    }
    gemm(out, args->ld_out, weights, n,
         block->values + grt_words_of(arithmetic, keys.first) * GRT_STRIP,
         grt_words_of(arithmetic, block->n_keys), args->head_size,
         grt_words_of(arithmetic, keys.last - keys.first), NULL, 1);
}

static void visit_queries(const attention_block *block, size_t head, size_t first,
                          size_t n)
{
    const grt_attention_args *args = block->args;
    float *out = args->out + first * args->ld_out + head * args->head_size;
    key_range keys = keys_of_rows(block, first, n);
    score_rows(block, head, first, n, keys);
    for (size_t r = 0; r < n; r++)
        weigh_row(block, first + r, keys, block->scores + r * LD,
                  out + r * args->ld_out, head * args->n_queries + first + r);
    add_values(block, out, n, keys);
}

static void visit_block(const attention_block *block)
{
    size_t first, last;
    seeing_queries(block, &first, &last);
    if (first >= last) return;
    pack_keys(block);
    pack_values(block);
    for (size_t head = 0; head < block->args->n_heads; head++)
        for (size_t row = first; row < last; row += block->n_rows)
            visit_queries(block, head, row, least(block->n_rows, last - row));
}

static void begin_rows(const attention_block *block)
{
    const grt_attention_args *args = block->args;
    for (size_t row = 0; row < args->n_queries; row++)
        memset(args->out + row * args->ld_out, 0,
               args->n_heads * args->head_size * sizeof(*args->out));
    for (size_t i = 0; i < args->n_heads * args->n_queries; i++) {
        block->largest[i] = -INFINITY;
        block->sums[i] = 0.0f;
    }
}

/* A row that saw no key stays zero. */
static void end_rows(const attention_block *block)
{
    const grt_attention_args *args = block->args;
    for (size_t head = 0; head < args->n_heads; head++)
        for (size_t row = 0; row < args->n_queries; row++) {
            float sum = block->sums[head * args->n_queries + row];
            if (sum > 0.0f)
                scale_row(args->out + row * args->ld_out + head * args->head_size,
                          args->head_size, 1.0f / sum);
        }
}

void grt_attention(const grt_kernels *kernels, const grt_attention_args *args,
                   void *scratch)
{
    attention_block block = {.kernels = kernels,
                             .args = args,
                             .arithmetic = GRT_ARITHMETIC_F32,
                             .n_rows = kernels->block_f32.n_rows,
                             .rows = scratch};
    if (kernels->gemm_bf16) {
        block.arithmetic = GRT_ARITHMETIC_BF16;
        block.n_rows = kernels->block_bf16.n_rows;
    }
    block.scores = block.rows + ROWS_WORDS;
    block.keys = block.scores + ROWS_WORDS;
    block.values = (uint32_t *)(block.keys + KEYS * whole_strips(args->head_size));
    block.largest = (float *)(block.values + KEYS * whole_strips(args->head_size));
    block.sums = block.largest + args->n_heads * args->n_queries;
    begin_rows(&block);
    size_t n_own = args->is_causal ? args->first_query + args->n_queries : args->n_keys;
    size_t n_keys = args->n_prefix + n_own;
    for (size_t key = 0; key < n_keys; key += KEYS) {
        block.first_key = key;
        block.n_keys = least(KEYS, n_keys - key);
        visit_block(&block);
    }
    end_rows(&block);
}
