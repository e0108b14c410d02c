/* bytes.h - a cursor over bytes that nobody vouches for.
 *
 * Every read checks the length that is left first.  After a read that did not fit the
 * cursor is `is_short`, gives zeros, and stays where it was; callers may read a group
 * of fields and check once.  Numbers are little-endian. */
#ifndef GRT_BASE_BYTES_H
#define GRT_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct grt_bytes {
    const unsigned char *data; /* [size] */
    size_t size;
    size_t offset; /* of the next byte */
    bool is_short;
} grt_bytes;

static inline grt_bytes grt_bytes_over(const void *data, size_t size)
{
    return (grt_bytes){data, size, 0, false};
}

static inline size_t grt_bytes_left(const grt_bytes *b)
{
    return b->is_short ? 0 : b->size - b->offset;
}

/* n bytes in place, or NULL. */
static inline const unsigned char *grt_bytes_take(grt_bytes *b, uint64_t n)
{
    if (n > grt_bytes_left(b) || b->is_short) {
        b->is_short = true;
        return NULL;
    }
    const unsigned char *at = b->data + b->offset;
    b->offset += (size_t)n;
    return at;
}

static inline uint64_t grt_bytes_le(grt_bytes *b, size_t n)
{
    const unsigned char *at = grt_bytes_take(b, n);
    uint64_t value = 0;
    for (size_t i = 0; at && i < n; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static inline uint8_t grt_bytes_u8(grt_bytes *b)
{
    return (uint8_t)grt_bytes_le(b, 1);
}

static inline uint16_t grt_bytes_u16(grt_bytes *b)
{
    return (uint16_t)grt_bytes_le(b, 2);
}

static inline uint32_t grt_bytes_u32(grt_bytes *b)
{
    return (uint32_t)grt_bytes_le(b, 4);
}

static inline uint64_t grt_bytes_u64(grt_bytes *b)
{
    return grt_bytes_le(b, 8);
}

static inline float grt_bytes_f32(grt_bytes *b)
{
    uint32_t bits = grt_bytes_u32(b);
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline double grt_bytes_f64(grt_bytes *b)
{
    uint64_t bits = grt_bytes_u64(b);
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

#endif /* GRT_BASE_BYTES_H */
