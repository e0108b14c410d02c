/* gemm_f32_scalar.c - the reference every other variant is tested against. */
#include "compute/cpu/kernels/kernels.h"

void grt_gemm_f32_scalar(float *y, size_t ld_y, const void *rows, size_t n_rows,
                         const void *panel, size_t ld_panel, size_t n_columns,
                         size_t n_words, const float *bias, int is_added)
{
    const float *a = rows, *strips = panel;
    for (size_t r = 0; r < n_rows; r++)
        for (size_t c = 0; c < n_columns; c += GRT_STRIP) {
            float sums[GRT_STRIP] = {0};
            const float *strip = strips + c * ld_panel;
            for (size_t i = 0; i < n_words; i++)
                for (size_t j = 0; j < GRT_STRIP; j++)
                    sums[j] += a[r * GRT_GEMM_LD_A + i] * strip[i * GRT_STRIP + j];
            for (size_t j = 0; j < GRT_STRIP && c + j < n_columns; j++) {
                float *out = &y[r * ld_y + c + j];
                float base = is_added ? *out : 0.0f;
                *out = sums[j] + base + (bias ? bias[c + j] : 0.0f);
            }
        }
}
