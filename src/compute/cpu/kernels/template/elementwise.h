/* elementwise.h - norms, activations, rotation for any vector width; included once by
 * each variant after its vector header. */
#include "compute/cpu/kernels/kernels.h"
#include "compute/cpu/kernels/template/vector_exp.h"

#include <math.h>

#define GRT_INLINE static inline __attribute__((always_inline))

static inline size_t lanes_left(size_t i, size_t n)
{
    return n - i < VF ? n - i : VF;
}

static float sum_row(const float *x, size_t n)
{
    vf sum = vf_set(0.0f);
    for (size_t i = 0; i < n; i += VF)
        sum = vf_add(sum, vf_load_n(x + i, lanes_left(i, n)));
    return vf_sum(sum);
}

/* Sum of (x - mean)^2; lanes past the end must not count. */
static float sum_squares(const float *x, float mean, size_t n)
{
    vf sum = vf_set(0.0f), shift = vf_set(mean);
    size_t i = 0;
    for (; i + VF <= n; i += VF) {
        vf d = vf_sub(vf_load(x + i), shift);
        sum = vf_fma(d, d, sum);
    }
    float total = vf_sum(sum);
    for (; i < n; i++)
        total += (x[i] - mean) * (x[i] - mean);
    return total;
}

void GRT_VARIANT(layer_norm)(float *dst, size_t ld_dst, const float *x, size_t ld_x,
                             const float *weight, const float *bias, float eps,
                             size_t n_rows, size_t n)
{
    for (size_t r = 0; r < n_rows; r++, x += ld_x, dst += ld_dst) {
        float mean = sum_row(x, n) / (float)n;
        float scale = 1.0f / sqrtf(sum_squares(x, mean, n) / (float)n + eps);
        for (size_t i = 0; i < n; i += VF) {
            size_t lanes = lanes_left(i, n);
            vf v = vf_sub(vf_load_n(x + i, lanes), vf_set(mean));
            v = vf_mul(v, vf_set(scale));
            v = vf_fma(v, vf_load_n(weight + i, lanes), vf_load_n(bias + i, lanes));
            vf_store_n(dst + i, v, lanes);
        }
    }
}

void GRT_VARIANT(rms_norm)(float *dst, size_t ld_dst, const float *x, size_t ld_x,
                           const float *weight, float eps, size_t n_rows, size_t n)
{
    for (size_t r = 0; r < n_rows; r++, x += ld_x, dst += ld_dst) {
        float scale = 1.0f / sqrtf(sum_squares(x, 0.0f, n) / (float)n + eps);
        for (size_t i = 0; i < n; i += VF) {
            size_t lanes = lanes_left(i, n);
            vf v = vf_mul(vf_load_n(x + i, lanes), vf_set(scale));
            vf_store_n(dst + i, vf_mul(v, vf_load_n(weight + i, lanes)), lanes);
        }
    }
}

/* erf(|x|) = 1 - (a1 t + ... + a5 t^5) exp(-x^2), t = 1 / (1 + p |x|), within 1.5e-7:
 * Abramowitz & Stegun 1964, formula 7.1.26. */
static inline vf vf_erf(vf x)
{
    vf magnitude = vf_abs(x);
    vf t = vf_div(vf_set(1.0f), vf_fma(magnitude, vf_set(0.3275911f), vf_set(1.0f)));
    vf p = vf_set(1.061405429f);
    p = vf_fma(p, t, vf_set(-1.453152027f));
    p = vf_fma(p, t, vf_set(1.421413741f));
    p = vf_fma(p, t, vf_set(-0.284496736f));
    p = vf_fma(p, t, vf_set(0.254829592f));
    p = vf_mul(p, t);
    vf tail = vf_exp(vf_sub(vf_set(0.0f), vf_mul(magnitude, magnitude)));
    return vf_copy_sign(vf_sub(vf_set(1.0f), vf_mul(p, tail)), x);
}

void GRT_VARIANT(gelu)(float *x, size_t n)
{
    for (size_t i = 0; i < n; i += VF) {
        size_t lanes = lanes_left(i, n);
        vf v = vf_load_n(x + i, lanes);
        vf e = vf_add(vf_set(1.0f), vf_erf(vf_mul(v, vf_set(0.70710678f))));
        vf_store_n(x + i, vf_mul(vf_mul(vf_set(0.5f), v), e), lanes);
    }
}

void GRT_VARIANT(silu_mul)(float *gate, const float *up, size_t n)
{
    for (size_t i = 0; i < n; i += VF) {
        size_t lanes = lanes_left(i, n);
        vf g = vf_load_n(gate + i, lanes);
        vf e = vf_exp(vf_sub(vf_set(0.0f), g));
        g = vf_div(g, vf_add(vf_set(1.0f), e));
        vf_store_n(gate + i, vf_mul(g, vf_load_n(up + i, lanes)), lanes);
    }
}

/* (1 + tanh y) / 2 = 1 / (1 + exp(-2 y)): y = sqrt(2 / pi) (g + 0.044715 g^3). */
void GRT_VARIANT(gelu_tanh_mul)(float *gate, const float *up, size_t n)
{
    for (size_t i = 0; i < n; i += VF) {
        size_t lanes = lanes_left(i, n);
        vf g = vf_load_n(gate + i, lanes);
        vf cubic = vf_fma(vf_mul(g, g), vf_set(0.044715f), vf_set(1.0f));
        vf y = vf_mul(vf_mul(g, cubic), vf_set(-1.59576912f)); /* -2 sqrt(2 / pi) */
        g = vf_div(g, vf_add(vf_set(1.0f), vf_exp(y)));
        vf_store_n(gate + i, vf_mul(g, vf_load_n(up + i, lanes)), lanes);
    }
}

void GRT_VARIANT(rope)(float *x, const float *cos, const float *sin, size_t n)
{
    size_t half = n / 2;
    for (size_t i = 0; i < half; i += VF) {
        size_t lanes = lanes_left(i, half);
        vf a = vf_load_n(x + i, lanes), b = vf_load_n(x + half + i, lanes);
        vf c = vf_load_n(cos + i, lanes), s = vf_load_n(sin + i, lanes);
        vf_store_n(x + i, vf_sub(vf_mul(a, c), vf_mul(b, s)), lanes);
        vf_store_n(x + half + i, vf_add(vf_mul(b, c), vf_mul(a, s)), lanes);
    }
}

void GRT_VARIANT(add)(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i += VF) {
        size_t lanes = lanes_left(i, n);
        vf_store_n(y + i, vf_add(vf_load_n(y + i, lanes), vf_load_n(x + i, lanes)),
                   lanes);
    }
}

/* The largest of n >= 1 values. */
static float largest_of(const float *x, size_t n)
{
    float largest = x[0];
    size_t i = 0;
    if (n >= VF) {
        vf most = vf_load(x);
        for (i = VF; i + VF <= n; i += VF)
            most = vf_max(most, vf_load(x + i));
        largest = vf_largest(most);
    }
    for (; i < n; i++)
        if (x[i] > largest) largest = x[i];
    return largest;
}

/* To the precision of bf16, by a sum that leaves no more room (Dekker 1971). */
static inline vf round_8_bits(vf x)
{
    vf large = vf_mul(x, vf_set(65537.0f));
    return vf_sub(large, vf_sub(large, x));
}

GRT_INLINE vf weights_of(vf x, vf scale, vf shift, const int is_bf16)
{
    vf weights = vf_exp(vf_fma(x, scale, shift));
    return is_bf16 ? round_8_bits(weights) : weights;
}

/* Turns scores into weights and returns their sum. */
GRT_INLINE float weigh(float *x, size_t n, vf scale, vf shift, const int is_bf16)
{
    vf total = vf_set(0.0f);
    size_t i = 0;
    for (; i + VF <= n; i += VF) {
        vf weights = weights_of(vf_load(x + i), scale, shift, is_bf16);
        vf_store(x + i, weights);
        total = vf_add(total, weights);
    }
    if (i < n) {
        vf weights = weights_of(vf_load_n(x + i, n - i), scale, shift, is_bf16);
        vf_store_n(x + i, weights, n - i);
        total = vf_add(total, vf_load_n(x + i, n - i)); /* zeros past the end */
    }
    return vf_sum(total);
}

float GRT_VARIANT(softmax)(float *x, size_t n, float scale, int is_bf16, float *largest,
                           float *sum)
{
    float found = scale * largest_of(x, n), shrink = 1.0f;
    if (found > *largest) {
        shrink = expf(*largest - found);
        *largest = found;
    }
    vf factor = vf_set(scale), shift = vf_set(-*largest);
    float added =
        is_bf16 ? weigh(x, n, factor, shift, 1) : weigh(x, n, factor, shift, 0);
    *sum = *sum * shrink + added;
    return shrink;
}
