/* gemm_bf16_avx512_bf16.c - built with the flags of cmake/Isa.cmake.
 *
 * A word is two bf16 values; VDPBF16PS adds both products to one f32 sum. */
#include "compute/cpu/kernels/x86/vector_avx512.h"

#undef GRT_VARIANT_
#define GRT_VARIANT_(operation) grt_##operation##_avx512_bf16
#define GEMM                    gemm_bf16

typedef __m512i vw;
typedef __m512i vw_one;

static inline vw vw_load(const void *p)
{
    return _mm512_loadu_si512(p);
}
static inline vw_one vw_set(const void *p)
{
    return _mm512_set1_epi32(*(const int_may_alias *)p);
}
static inline vf vw_multiply_add(vw_one a, vw b, vf sums)
{
    return _mm512_dpbf16_ps(sums, (__m512bh)a, (__m512bh)b);
}

#include "compute/cpu/kernels/template/gemm.h"

void grt_round_bf16_avx512_bf16(uint16_t *dst, const float *src, size_t n)
{
    size_t i = 0;
    for (; i + VF <= n; i += VF)
        _mm256_storeu_si256((void *)(dst + i),
                            (__m256i)_mm512_cvtneps_pbh(vf_load(src + i)));
    if (i < n)
        _mm256_mask_storeu_epi16(
            dst + i, vf_lanes(n - i),
            (__m256i)_mm512_cvtneps_pbh(vf_load_n(src + i, n - i)));
}
