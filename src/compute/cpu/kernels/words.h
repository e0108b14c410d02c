/* words.h - rows of f32 values to the words of a matrix kernel; see grt_gemm_fn. */
#ifndef GRT_KERNELS_WORDS_H
#define GRT_KERNELS_WORDS_H

#include "compute/cpu/kernels/kernels.h"

#include <string.h>

static inline size_t grt_values_of_word(grt_arithmetic arithmetic)
{
    switch (arithmetic) {
    case GRT_ARITHMETIC_INT8: return 4;
    case GRT_ARITHMETIC_BF16: return 2;
    case GRT_ARITHMETIC_F32:
    case GRT_ARITHMETIC_AUTO: break; /* kernels have none that is left open */
    }
    return 1;
}

static inline size_t grt_words_of(grt_arithmetic arithmetic, size_t n_values)
{
    size_t n = grt_values_of_word(arithmetic);
    return (n_values + n - 1) / n;
}

/* A row's words; in int8 with 128 added, and their scales at word GRT_GEMM_WORDS.  A
 * last word that the values do not fill is filled up with zeros. */
static inline void grt_to_words(const grt_kernels *kernels, grt_arithmetic arithmetic,
                                uint32_t *words, const float *values, size_t n)
{
    int32_t sums[GRT_GEMM_WORDS / GRT_INT8_GROUP];
    switch (arithmetic) {
    case GRT_ARITHMETIC_INT8:
        kernels->quantize((int8_t *)words, (float *)(words + GRT_GEMM_WORDS), sums,
                          values, n, 127.0f);
        for (size_t i = 0; i < grt_words_of(arithmetic, n); i++)
            words[i] ^= 0x80808080u; /* adds 128 to each number */
        break;
    case GRT_ARITHMETIC_BF16:
        if (n % 2) words[n / 2] = 0;
        kernels->round_bf16((uint16_t *)words, values, n);
        break;
    case GRT_ARITHMETIC_F32:
    case GRT_ARITHMETIC_AUTO: memcpy(words, values, n * sizeof(*values));
    }
}

#endif /* GRT_KERNELS_WORDS_H */
