/* hash.h - FNV-1a, 64 bits: tells files and texts apart that nobody forged. */
#ifndef GRT_BASE_HASH_H
#define GRT_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define GRT_HASH_INIT UINT64_C(14695981039346656037)

/* Fowler, Noll & Vo; start with GRT_HASH_INIT. */
static inline uint64_t grt_hash_bytes(uint64_t hash, const void *data, size_t n)
{
    const unsigned char *bytes = (const unsigned char *)data;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    return hash;
}

/* The same for the eight bytes of a number, lowest first. */
static inline uint64_t grt_hash_u64(uint64_t hash, uint64_t value)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    return grt_hash_bytes(hash, bytes, sizeof(bytes));
}

#endif /* GRT_BASE_HASH_H */
