/* quantize.h - the body of quantize for any vector width; included once by each variant
 * after its vector header. */
#include "compute/cpu/kernels/kernels.h"

#include <math.h>
#include <string.h>

static inline size_t lanes_left(size_t i, size_t n)
{
    return n - i < VF ? n - i : VF;
}

/* The largest magnitude, and a sum that is not 0 where a value is not finite: only then
 * its product with 0 is not 0. */
typedef struct magnitude {
    vf most, poison;
} magnitude;

static inline magnitude magnitude_with(magnitude m, vf v)
{
    return (magnitude){vf_max(m.most, vf_abs(v)), vf_fma(v, vf_set(0.0f), m.poison)};
}

/* NaN where a value is not finite. */
static float largest_magnitude(const float *src, size_t n)
{
    magnitude a = {vf_set(0.0f), vf_set(0.0f)}, b = a;
    size_t i = 0;
    for (; i + 2 * VF <= n; i += 2 * VF) { /* two, which do not wait for each other */
        a = magnitude_with(a, vf_load(src + i));
        b = magnitude_with(b, vf_load(src + i + VF));
    }
    for (; i < n; i += VF)
        a = magnitude_with(a, vf_load_n(src + i, lanes_left(i, n)));
    float poison = vf_sum(vf_add(a.poison, b.poison));
    return poison == 0.0f ? vf_largest(vf_max(a.most, b.most)) : NAN;
}

/* Returns the sum of dst. */
static int32_t round_group(int8_t *dst, const float *src, size_t n, float inverse)
{
    vf sum = vf_set(0.0f), factor = vf_set(inverse);
    size_t i = 0;
    for (; i + VF <= n; i += VF) {
        vf v = vf_round(vf_mul(vf_load(src + i), factor));
        sum = vf_add(sum, v);
        vf_store_i8(dst + i, v);
    }
    if (i < n) {
        int8_t numbers[VF];
        vf v = vf_round(vf_mul(vf_load_n(src + i, n - i), factor));
        sum = vf_add(sum, v);
        vf_store_i8(numbers, v);
        memcpy(dst + i, numbers, n - i);
    }
    return (int32_t)vf_sum(sum);
}

void GRT_VARIANT(quantize)(int8_t *dst, float *scales, int32_t *sums, const float *src,
                           size_t n, float largest)
{
    while (n > 0) {
        size_t n_group = n < 4 * GRT_INT8_GROUP ? n : 4 * GRT_INT8_GROUP;
        float most = largest_magnitude(src, n_group);
        if (most >= 1e-30f) {
            *sums++ = round_group(dst, src, n_group, largest / most);
            *scales++ = most / largest;
        } else {
            memset(dst, 0, n_group);
            *sums++ = 0;
            *scales++ = most * 0.0f;
        }
        memset(dst + n_group, 0, (4 - n_group % 4) % 4);
        dst += n_group;
        src += n_group;
        n -= n_group;
    }
}
