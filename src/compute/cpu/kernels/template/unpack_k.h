/* unpack_k.h - storage types with blocks of 256 values to f32 for any vector width,
 * group by group; included once by each variant after its vector header.  The layouts
 * stand in base/dtype.h.
 *
 * Products of scale and number are exact, so a fused subtraction of the minimum rounds
 * as a separate one does. */
#include "compute/cpu/kernels/kernels.h"

#include <string.h>

enum { BLOCK = 256, FOURS = BLOCK / 2, PAIRS = BLOCK / 4, BITS = BLOCK / 8 };

static inline float load_half(const unsigned char *at)
{
    uint16_t half;
    memcpy(&half, at, sizeof(half));
    return half_to_float(half);
}

/* The 6-bit scales and minima of Q4_K and Q5_K, four at a time. */
static inline void load_scales(uint8_t scales[8], uint8_t minima[8],
                               const unsigned char *packed)
{
    uint32_t w[3];
    memcpy(w, packed, sizeof(w));
    uint32_t scale[2] = {w[0] & 0x3F3F3F3Fu,
                         (w[2] & 0x0F0F0F0Fu) | (w[0] >> 2 & 0x30303030u)};
    uint32_t minimum[2] = {w[1] & 0x3F3F3F3Fu,
                           (w[2] >> 4 & 0x0F0F0F0Fu) | (w[1] >> 2 & 0x30303030u)};
    memcpy(scales, scale, sizeof(scale));
    memcpy(minima, minimum, sizeof(minimum));
}

void GRT_VARIANT(unpack_q4_k)(float *dst, const void *src, size_t n)
{
    const unsigned char *block = src;
    for (size_t i = 0; i < n; i += BLOCK, block += 4 + 12 + FOURS) {
        const unsigned char *fours = block + 16;
        float d = load_half(block), dmin = load_half(block + 2);
        uint8_t scales[8], minima[8];
        load_scales(scales, minima, block + 4);
#pragma GCC unroll 8
        for (uint32_t g = 0; g < 8; g++, dst += 32) {
            vf scale = vf_set(d * (float)scales[g]);
            vf minimum = vf_set(-(dmin * (float)minima[g]));
            for (size_t j = 0; j < 32; j += VF) {
                vi q = vi_bits(vi_from_u8(fours + g / 2 * 32 + j), g % 2 * 4, 4);
                vf_store(dst + j, vf_fma(scale, vf_from_vi(q), minimum));
            }
        }
    }
}

void GRT_VARIANT(unpack_q5_k)(float *dst, const void *src, size_t n)
{
    const unsigned char *block = src;
    for (size_t i = 0; i < n; i += BLOCK, block += 4 + 12 + BITS + FOURS) {
        const unsigned char *fifths = block + 16, *fours = fifths + BITS;
        float d = load_half(block), dmin = load_half(block + 2);
        uint8_t scales[8], minima[8];
        load_scales(scales, minima, block + 4);
#pragma GCC unroll 8
        for (uint32_t g = 0; g < 8; g++, dst += 32) {
            vf scale = vf_set(d * (float)scales[g]);
            vf minimum = vf_set(-(dmin * (float)minima[g]));
            for (size_t j = 0; j < 32; j += VF) {
                vi q = vi_bits(vi_from_u8(fours + g / 2 * 32 + j), g % 2 * 4, 4);
                q = vi_join(q, vi_bits(vi_from_u8(fifths + j), g, 1), 4);
                vf_store(dst + j, vf_fma(scale, vf_from_vi(q), minimum));
            }
        }
    }
}

/* Group g of 16: its pairs of bits are bits 2 * (g / 2 % 4) of 16 bytes. */
static inline vi pairs_of(const unsigned char *pairs, uint32_t g, size_t j)
{
    return vi_bits(vi_from_u8(pairs + g / 8 * 32 + g % 2 * 16 + j), g / 2 % 4 * 2, 2);
}

void GRT_VARIANT(unpack_q2_k)(float *dst, const void *src, size_t n)
{
    const unsigned char *block = src;
    for (size_t i = 0; i < n; i += BLOCK, block += 16 + PAIRS + 4) {
        const unsigned char *pairs = block + 16;
        float d = load_half(pairs + PAIRS), dmin = load_half(pairs + PAIRS + 2);
#pragma GCC unroll 16
        for (uint32_t g = 0; g < 16; g++, dst += 16) {
            vf scale = vf_set(d * (float)(block[g] & 15));
            vf minimum = vf_set(-(dmin * (float)(block[g] >> 4)));
            for (size_t j = 0; j < 16; j += VF) {
                vf number = vf_from_vi(pairs_of(pairs, g, j));
                vf_store(dst + j, vf_fma(scale, number, minimum));
            }
        }
    }
}

/* The 6-bit scales of Q3_K, four at a time. */
static inline void load_q3_k_scales(uint8_t scales[16], const unsigned char *packed)
{
    uint32_t w[3], out[4];
    memcpy(w, packed, sizeof(w));
    for (uint32_t k = 0; k < 4; k++) {
        uint32_t low = w[k % 2] >> (k / 2 * 4) & 0x0F0F0F0Fu;
        out[k] = low | (w[2] >> (2 * k) & 0x03030303u) << 4;
    }
    memcpy(scales, out, sizeof(out));
}

void GRT_VARIANT(unpack_q3_k)(float *dst, const void *src, size_t n)
{
    const unsigned char *block = src;
    for (size_t i = 0; i < n; i += BLOCK, block += BITS + PAIRS + 12 + 2) {
        const unsigned char *thirds = block, *pairs = thirds + BITS;
        float d = load_half(pairs + PAIRS + 12);
        uint8_t scales[16];
        load_q3_k_scales(scales, pairs + PAIRS);
#pragma GCC unroll 16
        for (uint32_t g = 0; g < 16; g++, dst += 16) {
            vf scale = vf_set(d * (float)(scales[g] - 32));
            for (size_t j = 0; j < 16; j += VF) {
                vi third = vi_bits(vi_from_u8(thirds + g % 2 * 16 + j), g / 2, 1);
                vf number = vf_from_vi(vi_join(pairs_of(pairs, g, j), third, 2));
                vf_store(dst + j, vf_mul(scale, vf_sub(number, vf_set(4.0f))));
            }
        }
    }
}

void GRT_VARIANT(unpack_q6_k)(float *dst, const void *src, size_t n)
{
    const unsigned char *block = src;
    for (size_t i = 0; i < n; i += BLOCK, block += FOURS + PAIRS + 16 + 2) {
        const unsigned char *fours = block, *pairs = fours + FOURS;
        int8_t scales[16];
        memcpy(scales, pairs + PAIRS, sizeof(scales));
        float d = load_half(pairs + PAIRS + 16);
#pragma GCC unroll 16
        for (uint32_t g = 0; g < 16; g++, dst += 16) {
            vf scale = vf_set(d * (float)scales[g]);
            const unsigned char *at = fours + g / 8 * 64 + g % 4 * 16;
            for (size_t j = 0; j < 16; j += VF) {
                vi low = vi_bits(vi_from_u8(at + j), g / 4 % 2 * 4, 4);
                vf number = vf_from_vi(vi_join(low, pairs_of(pairs, g, j), 4));
                vf_store(dst + j, vf_mul(scale, vf_sub(number, vf_set(32.0f))));
            }
        }
    }
}
