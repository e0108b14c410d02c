/* fuzz_unpack.c - any bytes as weights: the first chooses a storage type, the others
 * are its blocks; every variant must give the bits of the scalar one. */
#include "fuzz.h"

#include "base/cpu.h"
#include "compute/cpu/kernels/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VALUES = 4096 };

/* Any NaN does for a NaN. */
static void compare(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (isnan(a[i]) ? !isnan(b[i]) : memcmp(&a[i], &b[i], sizeof(float)) != 0)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t sets[] = {GRT_CPU_AVX2, GRT_CPU_AVX2 | GRT_CPU_AVX512,
                                    GRT_CPU_NEON};
    if (size == 0) return 0;
    grt_dtype dtype = (grt_dtype)(data[0] % GRT_DTYPE_COUNT);
    size_t n = 0;
    uint64_t n_bytes;
    for (size_t i = 0; i <= MAX_VALUES; i++) /* as many values as the bytes hold */
        if (grt_dtype_bytes(&n_bytes, dtype, i) && n_bytes <= size - 1) n = i;
    (void)grt_dtype_bytes(&n_bytes, dtype, n);
    uint8_t *exact = malloc(n_bytes + !n_bytes);
    float *wanted = malloc((n + !n) * sizeof(float));
    float *found = malloc((n + !n) * sizeof(float));
    if (!exact || !wanted || !found) abort();
    memcpy(exact, data + 1, n_bytes);
    grt_kernels kernels;
    grt_kernels_choose(&kernels, 0, GRT_ARITHMETIC_F32);
    kernels.unpack_row[dtype](wanted, exact, n);
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        if (sets[i] & ~grt_cpu_features()) continue;
        grt_kernels_choose(&kernels, sets[i], GRT_ARITHMETIC_F32);
        kernels.unpack_row[dtype](found, exact, n);
        compare(wanted, found, n);
    }
    free(exact);
    free(wanted);
    free(found);
    return 0;
}
