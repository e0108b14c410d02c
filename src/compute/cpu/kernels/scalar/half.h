/* half.h - 16-bit floats by their definition, for the scalar variants. */
#ifndef GRT_KERNELS_SCALAR_HALF_H
#define GRT_KERNELS_SCALAR_HALF_H

#include <stdint.h>
#include <string.h>

/* IEEE 754 binary16, all values including subnormals, infinities and NaN. */
static inline float half_to_float(uint16_t half)
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

static inline uint16_t load_u16(const unsigned char *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

#endif /* GRT_KERNELS_SCALAR_HALF_H */
