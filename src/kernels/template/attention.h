/* attention.h - blockwise attention for any vector width; included once by each variant
 * after its vector header.
 *
 * Keys are taken in blocks of GRT_ATTENTION_KEYS, copied transposed (and scaled) so
 * that a row of scores is a sum of vectors; values are copied beside them with padded
 * rows.  For each block all queries are visited: scores, running maximum and sum (arXiv
 * 1805.02867), then the weighted values are added to `out`, which is divided by the sum
 * at the end.  A row's arithmetic depends on the key blocks only, never on the rows
 * around it. */
#include "kernels/kernels.h"
#include "kernels/template/vector_exp.h"

#include <math.h>
#include <string.h>

#define GRT_INLINE static inline __attribute__((always_inline))
enum { KEYS = GRT_ATTENTION_KEYS, QUERIES = GRT_ATTENTION_QUERIES };
enum { TILE = ATTENTION_TILE_VECTORS };

typedef struct attention_block {
    const grt_attention_args *args;
    size_t padded;    /* head_size in whole vectors of 16 */
    float *keys;      /* [head_size][KEYS], scaled, transposed */
    float *values;    /* [KEYS][padded] */
    float *scores;    /* [QUERIES][KEYS] */
    float *largest;   /* [n_queries] of the scores so far */
    float *sums;      /* [n_queries] */
    size_t first_key; /* counted from the first of the prefix */
    size_t n_keys;
} attention_block;

/* c[rows][n] (+)= a[rows][k] * b[k][n] for n <= TILE * VF; b's rows are whole vectors.
 */
GRT_INLINE void multiply_tile(const int rows, const int vectors, float *c, size_t ld_c,
                              const float *a, size_t ld_a, const float *b, size_t ld_b,
                              size_t k, size_t n, int is_added)
{
    vf sums[4][TILE];
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int j = 0; j < vectors; j++)
            sums[r][j] = vf_set(0.0f);
    for (size_t i = 0; i < k; i++) {
        vf right[TILE];
#pragma GCC unroll 4
        for (int j = 0; j < vectors; j++)
            right[j] = vf_load(b + i * ld_b + j * VF);
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) {
            vf left = vf_set(a[r * ld_a + i]);
#pragma GCC unroll 4
            for (int j = 0; j < vectors; j++)
                sums[r][j] = vf_fma(left, right[j], sums[r][j]);
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int j = 0; j < vectors; j++) {
            size_t done = (size_t)j * VF;
            if (done >= n) break;
            size_t lanes = n - done < VF ? n - done : VF;
            float *at = c + r * ld_c + done;
            vf sum = sums[r][j];
            if (is_added) sum = vf_add(sum, vf_load_n(at, lanes));
            vf_store_n(at, sum, lanes);
        }
}

/* c[m][n] (+)= a[m][k] * b[k][n]; b's rows are padded to whole vectors of 16. */
static void multiply(float *c, size_t ld_c, const float *a, size_t ld_a, const float *b,
                     size_t ld_b, size_t m, size_t n, size_t k, int is_added)
{
    for (size_t j = 0; j < n;) {
        int is_wide = n - j > (TILE - 1) * VF;
        size_t width = is_wide ? TILE * VF : VF;
        size_t columns = n - j < width ? n - j : width;
        size_t r = 0;
        for (; r + 4 <= m; r += 4)
            if (is_wide)
                multiply_tile(4, TILE, c + r * ld_c + j, ld_c, a + r * ld_a, ld_a,
                              b + j, ld_b, k, columns, is_added);
            else
                multiply_tile(4, 1, c + r * ld_c + j, ld_c, a + r * ld_a, ld_a, b + j,
                              ld_b, k, columns, is_added);
        for (; r < m; r++)
            if (is_wide)
                multiply_tile(1, TILE, c + r * ld_c + j, ld_c, a + r * ld_a, ld_a,
                              b + j, ld_b, k, columns, is_added);
            else
                multiply_tile(1, 1, c + r * ld_c + j, ld_c, a + r * ld_a, ld_a, b + j,
                              ld_b, k, columns, is_added);
        j += width;
    }
}

static void load_block(attention_block *block)
{
    const grt_attention_args *args = block->args;
    size_t head = args->head_size;
    for (size_t j = 0; j < KEYS; j++) {
        size_t index = block->first_key + j;
        int is_own = index >= args->n_prefix;
        int is_there = j < block->n_keys;
        size_t at = (is_own ? index - args->n_prefix : index) * args->ld_kv;
        const float *key = (is_own ? args->k : args->prefix_k) + (is_there ? at : 0);
        const float *value = (is_own ? args->v : args->prefix_v) + (is_there ? at : 0);
        float *row = block->values + j * block->padded;
        for (size_t d = 0; d < head; d++)
            block->keys[d * KEYS + j] = is_there ? key[d] * args->scale : 0.0f;
        if (is_there) memcpy(row, value, head * sizeof(float));
        size_t filled = is_there ? head : 0;
        memset(row + filled, 0, (block->padded - filled) * sizeof(float));
    }
}

static void scale_row(float *x, size_t n, float factor)
{
    for (size_t i = 0; i < n; i += VF) {
        size_t lanes = n - i < VF ? n - i : VF;
        vf_store_n(x + i, vf_mul(vf_load_n(x + i, lanes), vf_set(factor)), lanes);
    }
}

/* The keys first..last-1 of the block that a row sees; at least one for those of
 * seeing_queries. */
static void seen_keys(const attention_block *block, size_t row, size_t *first,
                      size_t *last)
{
    const grt_attention_args *args = block->args;
    size_t position = args->n_prefix + row, window = args->window;
    size_t begin = block->first_key, end = begin + block->n_keys;
    if (args->is_causal && position + 1 < end) end = position + 1;
    if (window && position > window && position - window > begin)
        begin = position - window;
    if (window && position + window + 1 < end) end = position + window + 1;
    *first = begin - block->first_key;
    *last = end - block->first_key;
}

static void clear_unseen(float *scores, size_t first, size_t last, float value)
{
    for (size_t j = 0; j < first; j++)
        scores[j] = value;
    for (size_t j = last; j < KEYS; j++)
        scores[j] = value;
}

/* Turns the row's scores into weights exp(score - largest) and updates its state. */
static void weigh_row(attention_block *block, size_t row, float *scores)
{
    const grt_attention_args *args = block->args;
    size_t first, last;
    seen_keys(block, row, &first, &last);
    clear_unseen(scores, first, last, -INFINITY);
    vf most = vf_load(scores);
    for (size_t j = VF; j < KEYS; j += VF)
        most = vf_max(most, vf_load(scores + j));
    float largest = vf_largest(most);
    if (largest > block->largest[row]) {
        float shrink = expf(block->largest[row] - largest);
        scale_row(args->out + row * args->ld_out, args->head_size, shrink);
        block->sums[row] *= shrink;
        block->largest[row] = largest;
    }
    vf shift = vf_set(block->largest[row]), sum = vf_set(0.0f);
    size_t start = first / VF * VF;
    for (size_t j = start; j < last; j += VF)
        vf_store(scores + j, vf_exp(vf_sub(vf_load(scores + j), shift)));
    clear_unseen(scores, first, last, 0.0f);
    for (size_t j = start; j < last; j += VF)
        sum = vf_add(sum, vf_load(scores + j));
    block->sums[row] += vf_sum(sum);
}

static void visit_queries(attention_block *block, size_t first, size_t last)
{
    const grt_attention_args *args = block->args;
    multiply(block->scores, KEYS, args->q + first * args->ld_q, args->ld_q, block->keys,
             KEYS, last - first, KEYS, args->head_size, 0);
    for (size_t row = first; row < last; row++)
        weigh_row(block, row, block->scores + (row - first) * KEYS);
    multiply(args->out + first * args->ld_out, args->ld_out, block->scores, KEYS,
             block->values, block->padded, last - first, args->head_size, block->n_keys,
             1);
}

/* The queries first..last-1: those that see a key of the block. */
static void seeing_queries(const attention_block *block, size_t *first, size_t *last)
{
    const grt_attention_args *args = block->args;
    size_t begin = block->first_key, end = begin + block->n_keys;
    size_t nearest = args->n_prefix; /* position of the first query that may see it */
    if (args->is_causal && begin > nearest) nearest = begin;
    if (args->window && begin > nearest + args->window) nearest = begin - args->window;
    *first = nearest - args->n_prefix;
    *last = args->n_queries;
    if (!args->window) return;
    size_t past = end + args->window; /* position after the last one that sees it */
    if (past <= args->n_prefix)
        *last = 0;
    else if (past - args->n_prefix < *last)
        *last = past - args->n_prefix;
}

static void begin_rows(const attention_block *block)
{
    const grt_attention_args *args = block->args;
    for (size_t row = 0; row < args->n_queries; row++) {
        memset(args->out + row * args->ld_out, 0, args->head_size * sizeof(float));
        block->largest[row] = -INFINITY;
        block->sums[row] = 0.0f;
    }
}

void GRT_VARIANT(attention)(const grt_attention_args *args, void *scratch)
{
    size_t padded = (args->head_size + 15) / 16 * 16;
    attention_block block = {.args = args, .padded = padded, .keys = scratch};
    block.values = block.keys + KEYS * padded;
    block.scores = block.values + KEYS * padded;
    block.largest = block.scores + QUERIES * KEYS;
    block.sums = block.largest + args->n_queries;
    begin_rows(&block);
    size_t n_own = args->is_causal ? args->n_queries : args->n_keys;
    size_t n_keys = args->n_prefix + n_own;
    for (size_t key = 0; key < n_keys; key += KEYS) {
        block.first_key = key;
        block.n_keys = n_keys - key < KEYS ? n_keys - key : KEYS;
        size_t first, last;
        seeing_queries(&block, &first, &last);
        if (first >= last) continue;
        load_block(&block);
        for (; first < last; first += QUERIES)
            visit_queries(&block, first,
                          first + QUERIES < last ? first + QUERIES : last);
    }
    for (size_t row = 0; row < args->n_queries; row++)
        scale_row(args->out + row * args->ld_out, args->head_size,
                  1.0f / block.sums[row]);
}
