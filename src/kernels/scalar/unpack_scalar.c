/* unpack_scalar.c - storage types to f32, by their definitions. */
#include "kernels/kernels.h"

#include <string.h>

/* IEEE 754 binary16, all values including subnormals, infinities and NaN. */
static float half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = half >> 10 & 31u, fraction = half & 1023u, bits;
    float value;
    if (exponent == 0) {
        value = (float)fraction * 0x1p-24f;
        memcpy(&bits, &value, sizeof(bits));
    } else if (exponent == 31) {
        bits = 0x7F800000u | fraction << 13;
    } else {
        bits = (exponent + 112) << 23 | fraction << 13;
    }
    bits |= sign;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static uint16_t load_u16(const unsigned char *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

void grt_unpack_f32_scalar(float *dst, const void *src, size_t n)
{
    if (n) memcpy(dst, src, n * sizeof(float));
}

void grt_unpack_f16_scalar(float *dst, const void *src, size_t n)
{
    const unsigned char *from = src;
    for (size_t i = 0; i < n; i++)
        dst[i] = half_to_float(load_u16(from + 2 * i));
}

void grt_unpack_bf16_scalar(float *dst, const void *src, size_t n)
{
    const unsigned char *from = src;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)load_u16(from + 2 * i) << 16;
        memcpy(dst + i, &bits, sizeof(bits));
    }
}

void grt_unpack_q8_0_scalar(float *dst, const void *src, size_t n)
{
    const unsigned char *block = src;
    for (size_t i = 0; i < n; i += 32, block += 34) {
        float scale = half_to_float(load_u16(block));
        for (size_t j = 0; j < 32; j++) {
            int8_t value;
            memcpy(&value, block + 2 + j, 1);
            dst[i + j] = scale * (float)value;
        }
    }
}
