/* gemm_int8_tiles.h - the body of gemm_int8 for units that multiply tiles; included
 * after what tile_block.h asks for. */
#include "compute/cpu/kernels/template/tile_block.h"

#include <math.h>

/* totals (+)= a group's sums of one row, with what each column's sum begins with and
 * its scale. */
GRT_INLINE void add_scaled(float *restrict totals, const int32_t *restrict sums,
                           const int32_t *restrict first, const float *restrict scales,
                           float row_scale, int is_first)
{
    for (size_t j = 0; j < GRT_STRIP; j++) {
        float sum = (float)(sums[j] + first[j]) * scales[j];
        totals[j] = fmaf(sum, row_scale, is_first ? 0.0f : totals[j]);
    }
}

/* totals (+)= one group of n words from `from`, whose head lies before the words. */
static void add_group(float totals[][BLOCK_COLUMNS], tile_operands from,
                      const float *row_scales, size_t n_rows, size_t n_columns,
                      size_t n, int is_first)
{
    _Alignas(TILE_LINE) int32_t sums[BLOCK_ROWS][BLOCK_COLUMNS];
    const unsigned char *head = from.right;
    from.right += GRT_INT8_HEAD * TILE_LINE;
    multiply_block(sums, from, n_rows, n_columns, n);
    for (size_t r = 0; r < n_rows; r++)
        for (size_t c = 0; c < n_columns; c += GRT_STRIP) {
            const unsigned char *at = head + c / GRT_STRIP * from.right_strip;
            add_scaled(totals[r] + c, sums[r] + c, (const int32_t *)at,
                       (const float *)(at + TILE_LINE), row_scales[r * GRT_GEMM_LD_A],
                       is_first);
        }
}

void GRT_VARIANT(gemm_int8)(float *y, size_t ld_y, const void *a, size_t n_rows,
                            const void *panel, size_t ld_panel, size_t n_columns,
                            size_t n_words, const float *bias, int is_added)
{
    if (n_rows == 0 || n_columns == 0) return;
    size_t strip_bytes = ld_panel * TILE_LINE;
    configure_for(n_rows);
    for (size_t c = 0; c < n_columns; c += BLOCK_COLUMNS) {
        _Alignas(TILE_LINE) float totals[BLOCK_ROWS][BLOCK_COLUMNS];
        size_t n = at_most(n_columns - c, BLOCK_COLUMNS);
        const float *row_scales = (const float *)a + GRT_GEMM_WORDS;
        tile_operands from = {
            a, GRT_GEMM_LD_A * sizeof(uint32_t),
            (const unsigned char *)panel + c / GRT_STRIP * strip_bytes, strip_bytes};
        prefetch_block(y + c, ld_y, n_rows, n);
        if (n_words == 0) memset(totals, 0, sizeof(totals));
        for (size_t i = 0; i < n_words; i += GRT_INT8_GROUP) {
            size_t n_group = at_most(n_words - i, GRT_INT8_GROUP);
            add_group(totals, from, row_scales++, n_rows, n, n_group, i == 0);
            from.left += n_group * sizeof(uint32_t);
            from.right += (GRT_INT8_HEAD + n_group) * TILE_LINE;
        }
        store_block(y + c, ld_y, totals, n_rows, n, bias ? bias + c : NULL, is_added);
    }
    tile_release();
}
