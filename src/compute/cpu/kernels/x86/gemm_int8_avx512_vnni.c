/* gemm_int8_avx512_vnni.c - built with the flags of cmake/Isa.cmake. */
#include "compute/cpu/kernels/x86/vector_avx512.h"

#include <string.h>

#undef GRT_VARIANT_
#define GRT_VARIANT_(operation) grt_##operation##_avx512_vnni

typedef __m512i vw;
typedef __m512i vw_one;
/* not __m512i, whose lanes have 64 bits: gcc 12 would copy all sums at each step */
typedef int vs __attribute__((vector_size(64)));

static inline vw vw_load(const void *p)
{
    return _mm512_loadu_si512(p);
}
static inline vw_one vw_set(const void *p)
{
    return _mm512_set1_epi32(*(const int_may_alias *)p);
}
static inline vs vs_first(const void *p)
{
    return (vs)_mm512_loadu_si512(p);
}
static inline vs vs_add_products(vw_one a, vw b, vs sums)
{
    return (vs)_mm512_dpbusd_epi32((__m512i)sums, a, b);
}
static inline vf vf_from_sums(vs sums)
{
    return _mm512_cvtepi32_ps((__m512i)sums);
}

#include "compute/cpu/kernels/template/gemm_int8.h"
