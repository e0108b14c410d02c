/* gemm_tiles.h - the body of gemm_bf16 for units that multiply tiles; included after
 * what tile_block.h asks for. */
#include "compute/cpu/kernels/template/tile_block.h"

void GRT_VARIANT(gemm_bf16)(float *y, size_t ld_y, const void *a, size_t n_rows,
                            const void *panel, size_t ld_panel, size_t n_columns,
                            size_t n_words, const float *bias, int is_added)
{
    if (n_rows == 0 || n_columns == 0) return;
    configure_for(n_rows);
    for (size_t c = 0; c < n_columns; c += BLOCK_COLUMNS) {
        _Alignas(TILE_LINE) float sums[BLOCK_ROWS][BLOCK_COLUMNS];
        size_t n = at_most(n_columns - c, BLOCK_COLUMNS);
        tile_operands from = {a, GRT_GEMM_LD_A * sizeof(uint32_t),
                              (const unsigned char *)panel +
                                  c * ld_panel * sizeof(uint32_t),
                              ld_panel * TILE_LINE};
        prefetch_block(y + c, ld_y, n_rows, n);
        multiply_block(sums, from, n_rows, n, n_words);
        store_block(y + c, ld_y, sums, n_rows, n, bias ? bias + c : NULL, is_added);
    }
    tile_release();
}
