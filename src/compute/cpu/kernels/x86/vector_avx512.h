/* vector_avx512.h - what the templates need, in AVX-512 (F, BW, DQ, VL). */
#ifndef GRT_KERNELS_X86_VECTOR_AVX512_H
#define GRT_KERNELS_X86_VECTOR_AVX512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define GRT_VARIANT(operation)  GRT_VARIANT_(operation)
#define GRT_VARIANT_(operation) grt_##operation##_avx512

typedef __m512 vf;
typedef int __attribute__((may_alias)) int_may_alias;
enum { VF = 16, GEMM_TILE_ROWS = 12, GEMM_TILE_VECTORS = 2 };

static inline vf vf_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
static inline void vf_store(float *p, vf v)
{
    _mm512_storeu_ps(p, v);
}
/* The first n <= VF lanes; the others are zeros, and their memory is not touched. */
static inline __mmask16 vf_lanes(size_t n)
{
    return (__mmask16)((1u << n) - 1u);
}
static inline vf vf_load_n(const float *p, size_t n)
{
    return _mm512_maskz_loadu_ps(vf_lanes(n), p);
}
static inline void vf_store_n(float *p, vf v, size_t n)
{
    _mm512_mask_storeu_ps(p, vf_lanes(n), v);
}
static inline vf vf_set(float x)
{
    return _mm512_set1_ps(x);
}
static inline vf vf_set_from(const void *p)
{
    return _mm512_castsi512_ps(_mm512_set1_epi32(*(const int_may_alias *)p));
}
static inline vf vf_add(vf a, vf b)
{
    return _mm512_add_ps(a, b);
}
static inline vf vf_sub(vf a, vf b)
{
    return _mm512_sub_ps(a, b);
}
static inline vf vf_mul(vf a, vf b)
{
    return _mm512_mul_ps(a, b);
}
static inline vf vf_div(vf a, vf b)
{
    return _mm512_div_ps(a, b);
}
static inline vf vf_max(vf a, vf b)
{
    return _mm512_max_ps(a, b);
}
static inline vf vf_min(vf a, vf b)
{
    return _mm512_min_ps(a, b);
}
/* a * b + c, rounded once. */
static inline vf vf_fma(vf a, vf b, vf c)
{
    return _mm512_fmadd_ps(a, b, c);
}
static inline float vf_sum(vf v)
{
    return _mm512_reduce_add_ps(v);
}
static inline float vf_largest(vf v)
{
    return _mm512_reduce_max_ps(v);
}
static inline vf vf_abs(vf v)
{
    return _mm512_abs_ps(v);
}
/* |a| with the sign of b. */
static inline vf vf_copy_sign(vf a, vf b)
{
    return _mm512_or_ps(vf_abs(a), _mm512_and_ps(b, _mm512_set1_ps(-0.0f)));
}
static inline vf vf_round(vf v)
{
    return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
/* v * 2^n for whole n in -126..127. */
static inline vf vf_scale(vf v, vf n)
{
    return _mm512_scalef_ps(v, n);
}
static inline float half_to_float(uint16_t half)
{
    return _cvtsh_ss(half);
}
/* VF values from 16-bit floats and from signed bytes. */
static inline vf vf_from_half(const void *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256(p));
}
static inline vf vf_from_bf16(const void *p)
{
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
static inline vf vf_from_i8(const void *p)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(p)));
}
/* Whole values within -128..127. */
static inline void vf_store_i8(void *p, vf v)
{
    _mm_storeu_si128(p, _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v)));
}

/* Whole numbers, VF lanes of 32 bits. */
typedef __m512i vi;
static inline vi vi_from_u8(const void *p)
{
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(p));
}
/* Lane i is bit i. */
static inline vi vi_from_mask(uint32_t mask)
{
    return _mm512_maskz_set1_epi32((__mmask16)(mask & 0xFFFFu), 1);
}
/* n bits of each lane, from bit `first` on. */
static inline vi vi_bits(vi v, uint32_t first, uint32_t n)
{
    __m512i bits = _mm512_srlv_epi32(v, _mm512_set1_epi32((int)first));
    return _mm512_and_si512(bits, _mm512_set1_epi32((int)((1u << n) - 1u)));
}
/* low, below n bits, and high above them. */
static inline vi vi_join(vi low, vi high, uint32_t n)
{
    __m512i above = _mm512_sllv_epi32(high, _mm512_set1_epi32((int)n));
    return _mm512_or_si512(low, above);
}
static inline vf vf_from_vi(vi v)
{
    return _mm512_cvtepi32_ps(v);
}

#endif /* GRT_KERNELS_X86_VECTOR_AVX512_H */
