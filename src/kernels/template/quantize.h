/* quantize.h - the body of quantize for any vector width; included once by each variant
 * after its vector header. */
#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

static inline size_t lanes_left(size_t i, size_t n)
{
    return n - i < VF ? n - i : VF;
}

/* NaN where a value is not finite: only then its product with 0 is not 0. */
static float largest_magnitude(const float *src, size_t n)
{
    vf most = vf_set(0.0f), poison = vf_set(0.0f);
    for (size_t i = 0; i < n; i += VF) {
        vf v = vf_load_n(src + i, lanes_left(i, n));
        most = vf_max(most, vf_abs(v));
        poison = vf_fma(v, vf_set(0.0f), poison);
    }
    return vf_sum(poison) == 0.0f ? vf_largest(most) : NAN;
}

/* Returns the sum of dst. */
static int32_t round_group(int8_t *dst, const float *src, size_t n, float inverse)
{
    vf sum = vf_set(0.0f), factor = vf_set(inverse);
    for (size_t i = 0; i < n; i += VF) {
        size_t lanes = lanes_left(i, n);
        vf v = vf_round(vf_mul(vf_load_n(src + i, lanes), factor));
        int8_t numbers[VF];
        sum = vf_add(sum, v);
        vf_store_i8(numbers, v);
        memcpy(dst + i, numbers, lanes);
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
