/* elementwise_scalar.c - norms, activations, rotation: plain loops, sums in double. */
#include "compute/cpu/kernels/kernels.h"

#include <math.h>

void grt_layer_norm_scalar(float *dst, size_t ld_dst, const float *x, size_t ld_x,
                           const float *weight, const float *bias, float eps,
                           size_t n_rows, size_t n)
{
    for (size_t r = 0; r < n_rows; r++) {
        const float *from = x + r * ld_x;
        double sum = 0.0, squares = 0.0;
        for (size_t i = 0; i < n; i++)
            sum += (double)from[i];
        double mean = sum / (double)n;
        for (size_t i = 0; i < n; i++)
            squares += ((double)from[i] - mean) * ((double)from[i] - mean);
        double scale = 1.0 / sqrt(squares / (double)n + (double)eps);
        for (size_t i = 0; i < n; i++)
            dst[r * ld_dst + i] =
                (float)(((double)from[i] - mean) * scale) * weight[i] + bias[i];
    }
}

void grt_rms_norm_scalar(float *dst, size_t ld_dst, const float *x, size_t ld_x,
                         const float *weight, float eps, size_t n_rows, size_t n)
{
    for (size_t r = 0; r < n_rows; r++) {
        const float *from = x + r * ld_x;
        double squares = 0.0;
        for (size_t i = 0; i < n; i++)
            squares += (double)from[i] * (double)from[i];
        double scale = 1.0 / sqrt(squares / (double)n + (double)eps);
        for (size_t i = 0; i < n; i++)
            dst[r * ld_dst + i] = (float)((double)from[i] * scale) * weight[i];
    }
}

void grt_gelu_scalar(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = 0.5f * x[i] * (1.0f + erff(x[i] * 0.70710678f));
}

void grt_silu_mul_scalar(float *gate, const float *up, size_t n)
{
    for (size_t i = 0; i < n; i++)
        gate[i] = gate[i] / (1.0f + expf(-gate[i])) * up[i];
}

void grt_gelu_tanh_mul_scalar(float *gate, const float *up, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float g = gate[i], y = 0.797884561f * (g + 0.044715f * g * g * g);
        gate[i] = 0.5f * g * (1.0f + tanhf(y)) * up[i];
    }
}

void grt_rope_scalar(float *x, const float *cos, const float *sin, size_t n)
{
    size_t half = n / 2;
    for (size_t i = 0; i < half; i++) {
        float a = x[i], b = x[i + half];
        x[i] = a * cos[i] - b * sin[i];
        x[i + half] = b * cos[i] + a * sin[i];
    }
}

void grt_add_scalar(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

/* To the precision of bf16, by a sum that leaves no more room (Dekker 1971). */
static float round_8_bits(float x)
{
    float large = x * 65537.0f;
    return large - (large - x);
}

float grt_softmax_scalar(float *x, size_t n, float scale, int is_bf16, float *largest,
                         float *sum)
{
    float most = *largest, total = 0.0f;
    for (size_t i = 0; i < n; i++)
        if (scale * x[i] > most) most = scale * x[i];
    float shrink = most > *largest ? expf(*largest - most) : 1.0f;
    for (size_t i = 0; i < n; i++) {
        x[i] = expf(scale * x[i] - most);
        if (is_bf16) x[i] = round_8_bits(x[i]);
        total += x[i];
    }
    *largest = most;
    *sum = *sum * shrink + total;
    return shrink;
}
