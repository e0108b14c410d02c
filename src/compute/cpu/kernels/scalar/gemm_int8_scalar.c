/* gemm_int8_scalar.c - products and rounding in int8 by their definition. */
#include "compute/cpu/kernels/kernels.h"

#include <math.h>
#include <string.h>

static float load_float(const uint32_t *word)
{
    float value;
    memcpy(&value, word, sizeof(value));
    return value;
}

/* sum + four products. */
static int32_t add_products(int32_t sum, const uint32_t *a, const uint32_t *b)
{
    uint8_t x[4];
    int8_t w[4];
    memcpy(x, a, sizeof(x));
    memcpy(w, b, sizeof(w));
    for (int i = 0; i < 4; i++)
        sum += (int32_t)x[i] * w[i];
    return sum;
}

/* One row times one column of a strip. */
static float multiply(const uint32_t *row, const uint32_t *column, size_t n_words)
{
    float total = 0.0f;
    const uint32_t *scale = row + GRT_GEMM_WORDS;
    while (n_words > 0) {
        size_t n = n_words < GRT_INT8_GROUP ? n_words : GRT_INT8_GROUP;
        int32_t sum;
        memcpy(&sum, column, sizeof(sum));
        float column_scale = load_float(column + GRT_STRIP);
        column += GRT_INT8_HEAD * GRT_STRIP;
        for (size_t i = 0; i < n; i++, column += GRT_STRIP)
            sum = add_products(sum, row++, column);
        total = fmaf((float)sum * column_scale, load_float(scale++), total);
        n_words -= n;
    }
    return total;
}

void grt_gemm_int8_scalar(float *y, size_t ld_y, const void *a, size_t n_rows,
                          const void *panel, size_t ld_panel, size_t n_columns,
                          size_t n_words, const float *bias, int is_added)
{
    const uint32_t *rows = a, *strips = panel;
    for (size_t r = 0; r < n_rows; r++)
        for (size_t c = 0; c < n_columns; c++) {
            const uint32_t *column =
                strips + c / GRT_STRIP * GRT_STRIP * ld_panel + c % GRT_STRIP;
            float *out = &y[r * ld_y + c];
            float sum = multiply(rows + r * GRT_GEMM_LD_A, column, n_words);
            if (is_added) sum += *out;
            *out = bias ? sum + bias[c] : sum;
        }
}

/* The largest magnitude; NaN where a value is not finite. */
static float largest_magnitude(const float *src, size_t n)
{
    float most = 0.0f;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(src[i])) return NAN;
        if (fabsf(src[i]) > most) most = fabsf(src[i]);
    }
    return most;
}

void grt_quantize_scalar(int8_t *dst, float *scales, int32_t *sums, const float *src,
                         size_t n, float largest)
{
    while (n > 0) {
        size_t n_group = n < 4 * GRT_INT8_GROUP ? n : 4 * GRT_INT8_GROUP;
        float most = largest_magnitude(src, n_group);
        float inverse = most >= 1e-30f ? largest / most : 0.0f;
        int32_t sum = 0;
        for (size_t i = 0; i < n_group; i++) {
            dst[i] = (int8_t)(inverse > 0.0f ? lrintf(src[i] * inverse) : 0);
            sum += dst[i];
        }
        *scales++ = most >= 1e-30f ? most / largest : most * 0.0f;
        *sums++ = sum;
        memset(dst + n_group, 0, (4 - n_group % 4) % 4);
        dst += n_group;
        src += n_group;
        n -= n_group;
    }
}
