/* gemm_tile.h - what the bodies of all matrix kernels on vectors share: a block of y in
 * tiles of up to GEMM_TILE_ROWS rows x GEMM_TILE_VECTORS vectors of columns.  The body
 * that includes it defines
 *   GEMM                 the operation
 *   multiply_tile        one tile
 * A tile's columns are one strip or more. */
#include "compute/cpu/kernels/kernels.h"

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
                              const float *bias, int is_added);

/* y is stored only after all words. */
GRT_INLINE void prefetch_tile_row(const float *y, const tile_columns *columns)
{
    __builtin_prefetch(y, 1);
    __builtin_prefetch(y + (columns->n[LAST] ? LAST * VF : 0), 1);
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
