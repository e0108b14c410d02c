/* words.h - rows of f32 values to the words of a matrix kernel; see grt_gemm_fn. */
#ifndef GRT_KERNELS_WORDS_H
#define GRT_KERNELS_WORDS_H

#include "kernels/kernels.h"

#include <string.h>

static inline size_t grt_words_of(int is_bf16, size_t n_values)
{
    return is_bf16 ? (n_values + 1) / 2 : n_values;
}

/* An odd last value in bf16 gets a zero beside it. */
static inline void grt_to_words(const grt_kernels *kernels, int is_bf16,
                                uint32_t *words, const float *values, size_t n)
{
    if (!is_bf16) {
        memcpy(words, values, n * sizeof(*values));
        return;
    }
    if (n % 2) words[n / 2] = 0;
    kernels->round_bf16((uint16_t *)words, values, n);
}

#endif /* GRT_KERNELS_WORDS_H */
