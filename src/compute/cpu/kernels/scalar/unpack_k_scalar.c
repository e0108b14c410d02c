/* unpack_k_scalar.c - storage types with blocks of 256 values to f32, value by value,
 * by their definitions in base/dtype.h. */
#include "compute/cpu/kernels/kernels.h"

#include "compute/cpu/kernels/scalar/half.h"

enum { BLOCK = 256 };

static float load_half(const unsigned char *at)
{
    return half_to_float(load_u16(at));
}

/* A group's scale and minimum, 6 bits each, of Q4_K and Q5_K. */
static int scale_of(const unsigned char *st, size_t group)
{
    if (group < 4) return st[group] & 63;
    return (st[group + 4] & 15) | st[group - 4] >> 6 << 4;
}

static int minimum_of(const unsigned char *st, size_t group)
{
    if (group < 4) return st[group + 4] & 63;
    return st[group + 4] >> 4 | st[group] >> 6 << 4;
}

static int q4_k_number(const unsigned char *q, size_t i)
{
    return q[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4) & 15;
}

/* Two bits, of a byte that holds those of values i, i + 32, i + 64 and i + 96. */
static int two_bits(const unsigned char *q, size_t i)
{
    return q[i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2) & 3;
}

void grt_unpack_q2_k_scalar(float *dst, const void *src, size_t n)
{
    const unsigned char *st = src;
    for (size_t done = 0; done < n; done += BLOCK, dst += BLOCK, st += 84) {
        const unsigned char *q = st + 16;
        float d = load_half(st + 80), dmin = load_half(st + 82);
        for (size_t i = 0; i < BLOCK; i++) {
            int both = st[i / 16];
            float scale = d * (float)(both & 15), minimum = dmin * (float)(both >> 4);
            dst[i] = scale * (float)two_bits(q, i) - minimum;
        }
    }
}

static int q3_k_scale(const unsigned char *s, size_t group)
{
    int low = s[group % 8] >> (group < 8 ? 0 : 4) & 15;
    return (low | (s[8 + group % 4] >> (group / 4 * 2) & 3) << 4) - 32;
}

void grt_unpack_q3_k_scalar(float *dst, const void *src, size_t n)
{
    const unsigned char *h = src;
    for (size_t done = 0; done < n; done += BLOCK, dst += BLOCK, h += 110) {
        const unsigned char *q = h + 32, *s = h + 96;
        float d = load_half(h + 108);
        for (size_t i = 0; i < BLOCK; i++) {
            int third = h[i % 32] >> i / 32 & 1;
            int number = (two_bits(q, i) | third << 2) - 4;
            dst[i] = d * (float)q3_k_scale(s, i / 16) * (float)number;
        }
    }
}

void grt_unpack_q4_k_scalar(float *dst, const void *src, size_t n)
{
    const unsigned char *block = src;
    for (size_t done = 0; done < n; done += BLOCK, dst += BLOCK, block += 144) {
        const unsigned char *st = block + 4, *q = block + 16;
        float d = load_half(block), dmin = load_half(block + 2);
        for (size_t i = 0; i < BLOCK; i++) {
            float scale = d * (float)scale_of(st, i / 32);
            float minimum = dmin * (float)minimum_of(st, i / 32);
            dst[i] = scale * (float)q4_k_number(q, i) - minimum;
        }
    }
}

void grt_unpack_q5_k_scalar(float *dst, const void *src, size_t n)
{
    const unsigned char *block = src;
    for (size_t done = 0; done < n; done += BLOCK, dst += BLOCK, block += 176) {
        const unsigned char *st = block + 4, *h = block + 16, *q = block + 48;
        float d = load_half(block), dmin = load_half(block + 2);
        for (size_t i = 0; i < BLOCK; i++) {
            float scale = d * (float)scale_of(st, i / 32);
            float minimum = dmin * (float)minimum_of(st, i / 32);
            int fifth = h[i % 32] >> i / 32 & 1;
            dst[i] = scale * (float)(q4_k_number(q, i) | fifth << 4) - minimum;
        }
    }
}

void grt_unpack_q6_k_scalar(float *dst, const void *src, size_t n)
{
    const unsigned char *q = src;
    for (size_t done = 0; done < n; done += BLOCK, dst += BLOCK, q += 210) {
        const unsigned char *h = q + 128, *scales = q + 192;
        float d = load_half(q + 208);
        for (size_t i = 0; i < BLOCK; i++) {
            int low = q[i / 128 * 64 + i % 64] >> (i / 64 % 2 * 4) & 15;
            int8_t scale;
            memcpy(&scale, scales + i / 16, 1);
            dst[i] = d * (float)scale * (float)((low | two_bits(h, i) << 4) - 32);
        }
    }
}
