/* unpack_scalar.c - storage types to f32, by their definitions. */
#include "compute/cpu/kernels/kernels.h"

#include "compute/cpu/kernels/scalar/half.h"

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

/* Number i of 32 in half bytes: the first 16 in the low halves. */
static int half_byte(const unsigned char *numbers, size_t i)
{
    return numbers[i % 16] >> (i < 16 ? 0 : 4) & 15;
}

/* Number i of 32 with a fifth bit each, bit i of the four bytes h. */
static int five_bits(const unsigned char *numbers, const unsigned char *h, size_t i)
{
    return half_byte(numbers, i) | (h[i / 8] >> i % 8 & 1) << 4;
}

void grt_unpack_q4_0_scalar(float *dst, const void *src, size_t n)
{
    const unsigned char *block = src;
    for (size_t i = 0; i < n; i += 32, block += 18) {
        float scale = half_to_float(load_u16(block));
        for (size_t j = 0; j < 32; j++)
            dst[i + j] = scale * (float)(half_byte(block + 2, j) - 8);
    }
}

void grt_unpack_q4_1_scalar(float *dst, const void *src, size_t n)
{
    const unsigned char *block = src;
    for (size_t i = 0; i < n; i += 32, block += 20) {
        float scale = half_to_float(load_u16(block));
        float minimum = half_to_float(load_u16(block + 2));
        for (size_t j = 0; j < 32; j++)
            dst[i + j] = scale * (float)half_byte(block + 4, j) + minimum;
    }
}

void grt_unpack_q5_0_scalar(float *dst, const void *src, size_t n)
{
    const unsigned char *block = src;
    for (size_t i = 0; i < n; i += 32, block += 22) {
        float scale = half_to_float(load_u16(block));
        for (size_t j = 0; j < 32; j++)
            dst[i + j] = scale * (float)(five_bits(block + 6, block + 2, j) - 16);
    }
}

void grt_unpack_q5_1_scalar(float *dst, const void *src, size_t n)
{
    const unsigned char *block = src;
    for (size_t i = 0; i < n; i += 32, block += 24) {
        float scale = half_to_float(load_u16(block));
        float minimum = half_to_float(load_u16(block + 2));
        for (size_t j = 0; j < 32; j++)
            dst[i + j] = scale * (float)five_bits(block + 8, block + 4, j) + minimum;
    }
}
