/* gemm.h - the body of gemm_f32 and gemm_bf16 for any vector width; included once by
 * each variant after its vector header and what a word is:
 *   vw                           a vector of VF words
 *   vw_one                       one word for all places, however the CPU takes it
 *   vw_load(p), vw_set(p)        VF words, one word for all places
 *   vw_multiply_add(a, b, sums)  sums + a * b, a word's products all to its own place
 *   GEMM                         the operation
 *
 * A tile is up to GEMM_TILE_ROWS rows x GEMM_TILE_VECTORS vectors of columns, all sums
 * in registers: each step loads the vectors of the panel and takes one word of each
 * row.  A tile's columns are one strip or more. */
#include "kernels/kernels.h"

#define GRT_INLINE static inline __attribute__((always_inline))
enum { VECTORS = GEMM_TILE_VECTORS, LAST = VECTORS - 1 };
_Static_assert((VECTORS * VF) % GRT_STRIP == 0, "tiles begin with a strip");

/* Where a tile's vectors lie. */
typedef struct tile_columns {
    const uint32_t *panel[VECTORS]; /* each goes on by GRT_STRIP a step */
    size_t n[VECTORS];              /* columns to store of each, 0..VF */
} tile_columns;

GRT_INLINE void store_tile_row(float *y, const vf sums[VECTORS],
                               const tile_columns *columns, const float *bias,
                               int is_added)
{
#pragma GCC unroll 4
    for (int j = 0; j < VECTORS; j++) {
        size_t n = columns->n[j];
        if (n == 0) continue;
        vf sum = sums[j];
        if (is_added) sum = vf_add(sum, vf_load_n(y + j * VF, n));
        if (bias) sum = vf_add(sum, vf_load_n(bias + j * VF, n));
        vf_store_n(y + j * VF, sum, n);
    }
}

/* `rows` is a constant at each call, so that the sums stay in registers. */
GRT_INLINE void multiply_tile(const int rows, float *y, size_t ld_y, const uint32_t *a,
                              const tile_columns *columns, size_t n_words,
                              const float *bias, int is_added)
{
    vf sums[GEMM_TILE_ROWS][VECTORS];
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (int j = 0; j < VECTORS; j++)
            sums[r][j] = vf_set(0.0f);
        __builtin_prefetch(y + r * ld_y, 1); /* stored only after n_words steps */
        __builtin_prefetch(y + r * ld_y + (columns->n[LAST] ? LAST * VF : 0), 1);
    }
    for (size_t i = 0; i < n_words; i++) {
        vw b[VECTORS];
#pragma GCC unroll 4
        for (int j = 0; j < VECTORS; j++)
            b[j] = vw_load(columns->panel[j] + i * GRT_STRIP);
#pragma GCC unroll 12
        for (int r = 0; r < rows; r++) {
            vw_one word = vw_set(a + r * GRT_GEMM_LD_A + i);
#pragma GCC unroll 4
            for (int j = 0; j < VECTORS; j++)
                sums[r][j] = vw_multiply_add(word, b[j], sums[r][j]);
        }
    }
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++)
        store_tile_row(y + r * ld_y, sums[r], columns, bias, is_added);
}

static size_t tile_rows(float *y, size_t ld_y, const uint32_t *a, size_t n_rows,
                        const tile_columns *columns, size_t n_words, const float *bias,
                        int is_added)
{
    if (n_rows >= GEMM_TILE_ROWS) {
        multiply_tile(GEMM_TILE_ROWS, y, ld_y, a, columns, n_words, bias, is_added);
        return GEMM_TILE_ROWS;
    }
    if (n_rows >= 4) {
        multiply_tile(4, y, ld_y, a, columns, n_words, bias, is_added);
        return 4;
    }
    if (n_rows >= 2) {
        multiply_tile(2, y, ld_y, a, columns, n_words, bias, is_added);
        return 2;
    }
    multiply_tile(1, y, ld_y, a, columns, n_words, bias, is_added);
    return 1;
}

/* Vectors past the last strip read the first, and nothing is stored of them. */
GRT_INLINE tile_columns tile_columns_at(const uint32_t *strips, size_t first,
                                        size_t n_columns, size_t ld_panel)
{
    tile_columns columns = {{0}, {0}};
#pragma GCC unroll 4
    for (size_t j = 0; j < VECTORS; j++) {
        size_t c = first + j * VF, left = c < n_columns ? n_columns - c : 0;
        size_t from = left ? c : first;
        columns.n[j] = left < VF ? left : VF;
        columns.panel[j] =
            strips + from / GRT_STRIP * GRT_STRIP * ld_panel + from % GRT_STRIP;
    }
    return columns;
}

void GRT_VARIANT(GEMM)(float *y, size_t ld_y, const void *a, size_t n_rows,
                       const void *panel, size_t ld_panel, size_t n_columns,
                       size_t n_words, const float *bias, int is_added)
{
    const uint32_t *rows = a, *strips = panel;
    for (size_t c = 0; c < n_columns; c += VECTORS * VF) {
        tile_columns columns = tile_columns_at(strips, c, n_columns, ld_panel);
        for (size_t r = 0; r < n_rows;)
            r += tile_rows(y + r * ld_y + c, ld_y, rows + r * GRT_GEMM_LD_A, n_rows - r,
                           &columns, n_words, bias ? bias + c : NULL, is_added);
    }
}
