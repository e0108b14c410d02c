/* dtype.h - storage types of weights: how many values stand in how many bytes. */
#ifndef GRT_BASE_DTYPE_H
#define GRT_BASE_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The block types are those of GGUF: a block holds a number of few bits for each value,
 * and what makes values of them.  d, e and m are IEEE halfs, [n] counts bytes, numbers
 * are unsigned unless stated, and everything is little-endian.
 *
 * Value i of 32: q is the low half of byte i of q[16], or the high half of byte i - 16;
 * bit i of h[4], where there is one, stands above it.
 *
 *   Q8_0  d q[32]                   d * q        q is byte i, signed
 *   Q4_0  d q[16]                   d * (q - 8)
 *   Q4_1  d m q[16]                 d * q + m
 *   Q5_0  d h[4] q[16]              d * (q - 16)
 *   Q5_1  d m h[4] q[16]            d * q + m
 *
 * Value i of 256: in groups with a scale s and perhaps a minimum t, of 32 for Q4_K and
 * Q5_K (g = i / 32), of 16 for the others (g = i / 16).
 *
 *   Q2_K  st[16] q[64] d e          d * s * q - e * t
 *   Q3_K  h[32] q[64] s[12] d       d * (s - 32) * (q - 4)
 *   Q4_K  d e st[12] q[128]         d * s * q - e * t
 *   Q5_K  d e st[12] h[32] q[128]   d * s * q - e * t
 *   Q6_K  q[128] h[64] s[16] d      d * s * (q - 32)
 *
 * Q2_K: q is pair i / 32 % 4 of the bits of byte i / 128 * 32 + i % 32; s and t are the
 * low and the high half of byte g.
 *
 * Q3_K: q is that pair, below bit i / 32 of byte i % 32 of h.  s is the low (g < 8) or
 * high half of byte g % 8, below pair g / 4 of the bits of byte 8 + g % 4.
 *
 * Q4_K: q is the low (g even) or high half of byte i / 64 * 32 + i % 32.  For g < 4 s
 * and t are the lower 6 bits of bytes g and g + 4; else the low and the high half of
 * byte g + 4, below the upper 2 bits of bytes g - 4 and g.
 *
 * Q5_K: the same, with bit g of byte i % 32 of h above q.
 *
 * Q6_K: q is the low (i / 64 even) or high half of byte i / 128 * 64 + i % 64, below
 * pair i / 32 % 4 of the bits of byte i / 128 * 32 + i % 32 of h; s is byte g, signed.
 *
 * Products d * s * q and e * t have so few bits that they are exact in f32.
 *
 *  X(name, values per block, bytes per block) */
#define GRT_DTYPE_LIST(X) \
    X(F32, 1, 4)          \
    X(F16, 1, 2)          \
    X(BF16, 1, 2)         \
    X(Q8_0, 32, 34)       \
    X(Q4_0, 32, 18)       \
    X(Q4_1, 32, 20)       \
    X(Q5_0, 32, 22)       \
    X(Q5_1, 32, 24)       \
    X(Q2_K, 256, 84)      \
    X(Q3_K, 256, 110)     \
    X(Q4_K, 256, 144)     \
    X(Q5_K, 256, 176)     \
    X(Q6_K, 256, 210)

typedef enum grt_dtype {
#define GRT_X(name, values, bytes) GRT_DTYPE_##name,
    GRT_DTYPE_LIST(GRT_X)
#undef GRT_X
        GRT_DTYPE_COUNT,
    GRT_DTYPE_OTHER = GRT_DTYPE_COUNT /* in a file, but never read by us */
} grt_dtype;

/* "F32", "Q8_0"; "other" for GRT_DTYPE_OTHER. */
const char *grt_dtype_name(grt_dtype dtype);

/* All names, for messages: "F32, F16, ...". */
const char *grt_dtype_names(void);

/* Bytes of n_values values; false when they do not fill whole blocks, when the product
 * overflows, or for GRT_DTYPE_OTHER. */
bool grt_dtype_bytes(uint64_t *out, grt_dtype dtype, uint64_t n_values);

#endif /* GRT_BASE_DTYPE_H */
