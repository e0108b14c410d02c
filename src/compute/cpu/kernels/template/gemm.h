/* gemm.h - the body of gemm_f32 and gemm_bf16 for any vector width; included once by
 * each variant after its vector header and what a word is:
 *   vw                           a vector of VF words
 *   vw_one                       one word for all places, however the CPU takes it
 *   vw_load(p), vw_set(p)        VF words, one word for all places
 *   vw_multiply_add(a, b, sums)  sums + a * b, a word's products all to its own place
 *   GEMM                         the operation
 *
 * All sums of a tile stay in registers: each step loads the vectors of the panel and
 * takes one word of each row. */
#include "compute/cpu/kernels/template/gemm_tile.h"

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
        prefetch_tile_row(y + r * ld_y, columns);
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
