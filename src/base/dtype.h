/* dtype.h - storage types of weights: how many values stand in how many bytes. */
#ifndef GRT_BASE_DTYPE_H
#define GRT_BASE_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*  X(name, values per block, bytes per block)
 * Q8_0: an IEEE half scale, then 32 signed bytes (GGUF). */
#define GRT_DTYPE_LIST(X) \
    X(F32, 1, 4)          \
    X(F16, 1, 2)          \
    X(BF16, 1, 2)         \
    X(Q8_0, 32, 34)

typedef enum grt_dtype {
#define GRT_X(name, values, bytes) GRT_DTYPE_##name,
    GRT_DTYPE_LIST(GRT_X)
#undef GRT_X
        GRT_DTYPE_COUNT,
    GRT_DTYPE_OTHER = GRT_DTYPE_COUNT /* in a file, but never read by us */
} grt_dtype;

/* "F32", "Q8_0"; "other" for GRT_DTYPE_OTHER. */
const char *grt_dtype_name(grt_dtype dtype);

/* Bytes of n_values values; false when they do not fill whole blocks, when the product
 * overflows, or for GRT_DTYPE_OTHER. */
bool grt_dtype_bytes(uint64_t *out, grt_dtype dtype, uint64_t n_values);

#endif /* GRT_BASE_DTYPE_H */
