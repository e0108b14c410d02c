/* gemm_int8.h - the body of gemm_int8 for any vector width; included once by each
 * variant after its vector header and
 *   vw, vw_load(p)               VF words of four int8
 *   vw_one, vw_set(p)            a row's word of four uint8, for all places
 *   vs, vs_first(p)              VF int32 sums, which begin with those at p
 *   vs_add_products(a, b, sums)  sums + the four products of each place's words
 *   vf_from_sums(sums)           int32 to f32
 *
 * The whole sums of a group stay in registers; the tile's f32 totals wait in memory, as
 * they are needed once a group. */
#define GEMM gemm_int8
#include "compute/cpu/kernels/template/gemm_tile.h"

/* totals (+)= one group: n words of each row from `a`, whose lines in the strips begin
 * at `line`. */
GRT_INLINE void add_group(const int rows, float totals[][VECTORS * VF],
                          const uint32_t *a, const float *row_scales,
                          const tile_columns *columns, size_t line, size_t n,
                          int is_first)
{
    vs sums[GEMM_TILE_ROWS][VECTORS];
    const uint32_t *panel[VECTORS];
#pragma GCC unroll 4
    for (int j = 0; j < VECTORS; j++) {
        panel[j] = columns->panel[j] + line * GRT_STRIP;
#pragma GCC unroll 12
        for (int r = 0; r < rows; r++)
            sums[r][j] = vs_first(panel[j]);
    }
    for (size_t i = 0; i < n; i++) {
        vw b[VECTORS];
#pragma GCC unroll 4
        for (int j = 0; j < VECTORS; j++)
            b[j] = vw_load(panel[j] + (GRT_INT8_HEAD + i) * GRT_STRIP);
#pragma GCC unroll 12
        for (int r = 0; r < rows; r++) {
            vw_one word = vw_set(a + r * GRT_GEMM_LD_A + i);
#pragma GCC unroll 4
            for (int j = 0; j < VECTORS; j++)
                sums[r][j] = vs_add_products(word, b[j], sums[r][j]);
        }
    }
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int j = 0; j < VECTORS; j++) {
            vf scale = vf_load((const float *)(panel[j] + GRT_STRIP));
            vf sum = vf_mul(vf_from_sums(sums[r][j]), scale);
            vf total = is_first ? vf_set(0.0f) : vf_load(totals[r] + j * VF);
            total = vf_fma(sum, vf_set(row_scales[r * GRT_GEMM_LD_A]), total);
            vf_store(totals[r] + j * VF, total);
        }
}

GRT_INLINE void multiply_tile(const int rows, float *y, size_t ld_y, const uint32_t *a,
                              const tile_columns *columns, size_t n_words,
                              const float *bias, int is_added)
{
    _Alignas(64) float totals[GEMM_TILE_ROWS][VECTORS * VF];
    const float *row_scales = (const float *)(a + GRT_GEMM_WORDS);
    for (int r = 0; r < rows; r++)
        prefetch_tile_row(y + r * ld_y, columns);
    if (n_words == 0) memset(totals, 0, sizeof(totals));
    for (size_t i = 0, line = 0; i < n_words; i += GRT_INT8_GROUP) {
        size_t n = n_words - i < GRT_INT8_GROUP ? n_words - i : GRT_INT8_GROUP;
        add_group(rows, totals, a + i, row_scales++, columns, line, n, i == 0);
        line += GRT_INT8_HEAD + n;
    }
    for (int r = 0; r < rows; r++) {
        vf sums[VECTORS];
#pragma GCC unroll 4
        for (int j = 0; j < VECTORS; j++)
            sums[j] = vf_load(totals[r] + j * VF);
        store_tile_row(y + r * ld_y, sums, columns, bias, is_added);
    }
}
