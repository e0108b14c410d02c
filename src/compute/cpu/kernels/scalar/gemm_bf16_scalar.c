/* gemm_bf16_scalar.c - products and rounding in bf16 by their definition. */
#include "compute/cpu/kernels/kernels.h"

#include <string.h>

/* bf16 is the upper half of an f32. */
static float bf16_to_float(uint16_t bits)
{
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    if ((wide & 0x7F800000u) == 0) wide &= 0x80000000u; /* a denormal counts as 0 */
    memcpy(&value, &wide, sizeof(value));
    return value;
}

/* sum + a pair of products, in f32. */
static float add_products(float sum, const unsigned char *a, const unsigned char *b)
{
    uint16_t x[2], w[2];
    memcpy(x, a, sizeof(x));
    memcpy(w, b, sizeof(w));
    return sum + bf16_to_float(x[0]) * bf16_to_float(w[0]) +
           bf16_to_float(x[1]) * bf16_to_float(w[1]);
}

void grt_gemm_bf16_scalar(float *y, size_t ld_y, const void *a, size_t n_rows,
                          const void *panel, size_t ld_panel, size_t n_columns,
                          size_t n_words, const float *bias, int is_added)
{
    const unsigned char *rows = a, *strips = panel;
    for (size_t r = 0; r < n_rows; r++)
        for (size_t c = 0; c < n_columns; c++) {
            const unsigned char *row = rows + 4 * (r * GRT_GEMM_LD_A);
            const unsigned char *column =
                strips + 4 * (c / GRT_STRIP * GRT_STRIP * ld_panel + c % GRT_STRIP);
            float sum = 0.0f, *out = &y[r * ld_y + c];
            for (size_t i = 0; i < n_words; i++)
                sum = add_products(sum, row + 4 * i, column + 4 * (i * GRT_STRIP));
            *out = sum + (is_added ? *out : 0.0f) + (bias ? bias[c] : 0.0f);
        }
}

void grt_round_bf16_scalar(uint16_t *dst, const float *src, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &src[i], sizeof(bits));
        uint32_t magnitude = bits & 0x7FFFFFFFu;
        if (magnitude > 0x7F800000u) /* NaN: quiet, whatever its low bits are */
            bits |= 0x00400000u;
        else if (magnitude < 0x00800000u)
            bits &= 0x80000000u;
        else
            bits += 0x7FFFu + (bits >> 16 & 1u);
        dst[i] = (uint16_t)(bits >> 16);
    }
}
