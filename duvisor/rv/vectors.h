/* vectors.h - corner values, and digests of results over all of them. */
#ifndef DV_RV_VECTORS_H
#define DV_RV_VECTORS_H

#include "rv/test.h"

static const uint64_t rv_corners[] = {
    0,
    1,
    2,
    7,
    31,
    32,
    63,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    0x100000000,
    0x123456789abcdef0,
    0x7fffffffffffffff,
    0x8000000000000000,
    0xfedcba9876543210,
    0xffffffff80000000,
    0xfffffffffffffffe,
    0xffffffffffffffff,
};
enum { RV_N_CORNERS = sizeof(rv_corners) / sizeof(rv_corners[0]) };

static inline uint64_t rv_digest(uint64_t digest, uint64_t value)
{
    digest ^= value;
    digest *= 0x100000001b3;
    return digest ^ digest >> 29;
}

/* "NAME DIGEST": compared between machines, and with the stored output of the
 * reference. */
static inline void rv_print_digest(const char *name, uint64_t digest)
{
    rv_print(name);
    rv_put(' ');
    rv_print_hex(digest);
    rv_put('\n');
}

#endif /* DV_RV_VECTORS_H */
