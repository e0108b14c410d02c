/* dtype.c - see dtype.h. */
#include "base/dtype.h"

#include "base/checked.h"

static const struct {
    const char *name;
    uint32_t block_values;
    uint32_t block_bytes;
} dtypes[] = {
#define GRT_X(name, values, bytes) {#name, values, bytes},
    GRT_DTYPE_LIST(GRT_X)
#undef GRT_X
};

const char *grt_dtype_name(grt_dtype dtype)
{
    return dtype < GRT_DTYPE_COUNT ? dtypes[dtype].name : "other";
}

const char *grt_dtype_names(void)
{
#define GRT_X(name, values, bytes) ", " #name
    static const char names[] = GRT_DTYPE_LIST(GRT_X);
#undef GRT_X
    return names + 2;
}

bool grt_dtype_bytes(uint64_t *out, grt_dtype dtype, uint64_t n_values)
{
    if (dtype >= GRT_DTYPE_COUNT || n_values % dtypes[dtype].block_values != 0)
        return false;
    return grt_mul_u64(out, n_values / dtypes[dtype].block_values,
                       dtypes[dtype].block_bytes);
}
