/* gemm.h - the body of gemm_f32 and gemm_bf16 for any vector width; included once by
 * each variant after its vector header and what a word is:
 *   vw                           a vector of VF words
 *   vw_load(p), vw_set(p)        VF words, one word to all places
 *   vw_multiply_add(a, b, sums)  sums + a * b, a word's products all to its own place
 *   GEMM                         the operation
 *
 * A tile is up to GEMM_TILE_ROWS rows x two vectors of columns, all sums in registers:
 * each step loads two vectors of the panel and broadcasts one word of each row.  The
 * second vector is the other half of the strip (VF 8) or the next strip (VF 16). */
#include "kernels/kernels.h"

#define GRT_INLINE static inline __attribute__((always_inline))

/* Where a tile's two vectors lie: strip column offset 0 and 1. */
typedef struct tile_columns {
    const uint32_t *panel[2]; /* each goes on by GRT_STRIP a step */
    size_t n[2];              /* columns to store of each, 0..VF */
} tile_columns;

GRT_INLINE void store_tile_row(float *y, const vf sums[2], const tile_columns *columns,
                               const float *bias, int is_added)
{
    for (int j = 0; j < 2; j++) {
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
    vf sums[GEMM_TILE_ROWS][2];
    const uint32_t *first = columns->panel[0], *second = columns->panel[1];
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++) {
        sums[r][0] = sums[r][1] = vf_set(0.0f);
        __builtin_prefetch(y + r * ld_y, 1); /* stored only after n_words steps */
        __builtin_prefetch(y + r * ld_y + (columns->n[1] ? VF : 0), 1);
    }
    for (size_t i = 0; i < n_words; i++) {
        vw b0 = vw_load(first + i * GRT_STRIP), b1 = vw_load(second + i * GRT_STRIP);
#pragma GCC unroll 12
        for (int r = 0; r < rows; r++) {
            vw word = vw_set(a + r * GRT_GEMM_LD_A + i);
            sums[r][0] = vw_multiply_add(word, b0, sums[r][0]);
            sums[r][1] = vw_multiply_add(word, b1, sums[r][1]);
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

void GRT_VARIANT(GEMM)(float *y, size_t ld_y, const void *a, size_t n_rows,
                       const void *panel, size_t n_columns, size_t n_words,
                       const float *bias, int is_added)
{
    const uint32_t *rows = a, *strips = panel;
    for (size_t c = 0; c < n_columns; c += 2 * VF) {
        size_t left = n_columns - c;
        const uint32_t *first = strips + c * n_words;
        const uint32_t *second =
            first; /* unless there is more, nothing is stored of it */
        if (left > VF)
            second = (size_t)VF < GRT_STRIP ? first + VF : first + GRT_STRIP * n_words;
        tile_columns columns = {{first, second},
                                {left < VF ? left : VF, left <= VF      ? 0
                                                        : left < 2 * VF ? left - VF
                                                                        : VF}};
        for (size_t r = 0; r < n_rows;)
            r += tile_rows(y + r * ld_y + c, ld_y, rows + r * GRT_GEMM_LD_A, n_rows - r,
                           &columns, n_words, bias ? bias + c : NULL, is_added);
    }
}
