/* gemm_int8_avx2.c - built with the flags of cmake/Isa.cmake.
 *
 * Two products are added in 16 bits, which holds them while the panel's numbers are
 * within +-63.  */
#include "compute/cpu/kernels/x86/vector_avx2.h"

#include <string.h>

typedef __m256i vw;
typedef __m256i vw_one;
/* not __m256i, whose lanes have 64 bits: gcc 12 would copy all sums at each step */
typedef int vs __attribute__((vector_size(32)));

static inline vw vw_load(const void *p)
{
    return _mm256_loadu_si256(p);
}
static inline vw_one vw_set(const void *p)
{
    return _mm256_set1_epi32(*(const int_may_alias *)p);
}
static inline vs vs_first(const void *p)
{
    return (vs)_mm256_loadu_si256(p);
}
static inline vs vs_add_products(vw_one a, vw b, vs sums)
{
    __m256i pairs = _mm256_maddubs_epi16(a, b);
    return sums + (vs)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}
static inline vf vf_from_sums(vs sums)
{
    return _mm256_cvtepi32_ps((__m256i)sums);
}

#include "compute/cpu/kernels/template/gemm_int8.h"
