/* unpack.h - storage types to f32 for any vector width; included once by each variant
 * after its vector header.  The layouts stand in base/dtype.h. */
#include "compute/cpu/kernels/kernels.h"

#include <string.h>

enum { SMALL_BLOCK = 32 };

static inline float load_half(const unsigned char *at)
{
    uint16_t half;
    memcpy(&half, at, sizeof(half));
    return half_to_float(half);
}

void GRT_VARIANT(unpack_f16)(float *dst, const void *src, size_t n)
{
    const unsigned char *from = src;
    size_t i = 0;
    for (; i + VF <= n; i += VF)
        vf_store(dst + i, vf_from_half(from + 2 * i));
    if (i == n) return;
    uint16_t rest[VF] = {0};
    memcpy(rest, from + 2 * i, 2 * (n - i));
    vf_store_n(dst + i, vf_from_half(rest), n - i);
}

void GRT_VARIANT(unpack_bf16)(float *dst, const void *src, size_t n)
{
    const unsigned char *from = src;
    size_t i = 0;
    for (; i + VF <= n; i += VF)
        vf_store(dst + i, vf_from_bf16(from + 2 * i));
    if (i == n) return;
    uint16_t rest[VF] = {0};
    memcpy(rest, from + 2 * i, 2 * (n - i));
    vf_store_n(dst + i, vf_from_bf16(rest), n - i);
}

/* Numbers j.. of a block of 32 in half bytes: the first 16 in the low halves. */
static inline vf half_bytes(const unsigned char *numbers, size_t j)
{
    return vf_from_vi(vi_bits(vi_from_u8(numbers + j % 16), j < 16 ? 0 : 4, 4));
}

/* The same with bits j.. of `fifths` above them. */
static inline vf five_bits(const unsigned char *numbers, uint32_t fifths, size_t j)
{
    vi low = vi_bits(vi_from_u8(numbers + j % 16), j < 16 ? 0 : 4, 4);
    return vf_from_vi(vi_join(low, vi_from_mask(fifths >> j), 4));
}

void GRT_VARIANT(unpack_q8_0)(float *dst, const void *src, size_t n)
{
    const unsigned char *block = src;
    for (size_t i = 0; i < n; i += SMALL_BLOCK, block += 34) {
        vf scale = vf_set(load_half(block));
        for (size_t j = 0; j < SMALL_BLOCK; j += VF)
            vf_store(dst + i + j, vf_mul(scale, vf_from_i8(block + 2 + j)));
    }
}

void GRT_VARIANT(unpack_q4_0)(float *dst, const void *src, size_t n)
{
    const unsigned char *block = src;
    for (size_t i = 0; i < n; i += SMALL_BLOCK, block += 18) {
        vf scale = vf_set(load_half(block));
        for (size_t j = 0; j < SMALL_BLOCK; j += VF) {
            vf number = vf_sub(half_bytes(block + 2, j), vf_set(8.0f));
            vf_store(dst + i + j, vf_mul(scale, number));
        }
    }
}

void GRT_VARIANT(unpack_q4_1)(float *dst, const void *src, size_t n)
{
    const unsigned char *block = src;
    for (size_t i = 0; i < n; i += SMALL_BLOCK, block += 20) {
        vf scale = vf_set(load_half(block)), minimum = vf_set(load_half(block + 2));
        for (size_t j = 0; j < SMALL_BLOCK; j += VF)
            vf_store(dst + i + j, vf_fma(scale, half_bytes(block + 4, j), minimum));
    }
}

void GRT_VARIANT(unpack_q5_0)(float *dst, const void *src, size_t n)
{
    const unsigned char *block = src;
    for (size_t i = 0; i < n; i += SMALL_BLOCK, block += 22) {
        vf scale = vf_set(load_half(block));
        uint32_t fifths;
        memcpy(&fifths, block + 2, sizeof(fifths));
        for (size_t j = 0; j < SMALL_BLOCK; j += VF) {
            vf number = vf_sub(five_bits(block + 6, fifths, j), vf_set(16.0f));
            vf_store(dst + i + j, vf_mul(scale, number));
        }
    }
}

void GRT_VARIANT(unpack_q5_1)(float *dst, const void *src, size_t n)
{
    const unsigned char *block = src;
    for (size_t i = 0; i < n; i += SMALL_BLOCK, block += 24) {
        vf scale = vf_set(load_half(block)), minimum = vf_set(load_half(block + 2));
        uint32_t fifths;
        memcpy(&fifths, block + 4, sizeof(fifths));
        for (size_t j = 0; j < SMALL_BLOCK; j += VF) {
            vf number = five_bits(block + 8, fifths, j);
            vf_store(dst + i + j, vf_fma(scale, number, minimum));
        }
    }
}
