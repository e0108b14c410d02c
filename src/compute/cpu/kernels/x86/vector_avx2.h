/* vector_avx2.h - what the templates need, in AVX2 with FMA and F16C. */
#ifndef GRT_KERNELS_X86_VECTOR_AVX2_H
#define GRT_KERNELS_X86_VECTOR_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define GRT_VARIANT(operation)  GRT_VARIANT_(operation)
#define GRT_VARIANT_(operation) grt_##operation##_avx2

typedef __m256 vf;
typedef int __attribute__((may_alias)) int_may_alias;
enum { VF = 8, GEMM_TILE_ROWS = 6, GEMM_TILE_VECTORS = 2 };

static inline vf vf_load(const float *p)
{
    return _mm256_loadu_ps(p);
}
static inline void vf_store(float *p, vf v)
{
    _mm256_storeu_ps(p, v);
}
/* The first n <= VF lanes; the others are zeros, and their memory is not touched. */
static inline __m256i vf_lanes(size_t n)
{
    const __m256i order = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), order);
}
/* Masked stores are microcoded on several CPUs, so whole vectors go without. */
static inline vf vf_load_n(const float *p, size_t n)
{
    if (n == VF) return vf_load(p);
    return _mm256_maskload_ps(p, vf_lanes(n));
}
static inline void vf_store_n(float *p, vf v, size_t n)
{
    if (n == VF)
        vf_store(p, v);
    else
        _mm256_maskstore_ps(p, vf_lanes(n), v);
}
static inline vf vf_set(float x)
{
    return _mm256_set1_ps(x);
}
static inline vf vf_set_from(const void *p)
{
    return _mm256_castsi256_ps(_mm256_set1_epi32(*(const int_may_alias *)p));
}
static inline vf vf_add(vf a, vf b)
{
    return _mm256_add_ps(a, b);
}
static inline vf vf_sub(vf a, vf b)
{
    return _mm256_sub_ps(a, b);
}
static inline vf vf_mul(vf a, vf b)
{
    return _mm256_mul_ps(a, b);
}
static inline vf vf_div(vf a, vf b)
{
    return _mm256_div_ps(a, b);
}
static inline vf vf_max(vf a, vf b)
{
    return _mm256_max_ps(a, b);
}
static inline vf vf_min(vf a, vf b)
{
    return _mm256_min_ps(a, b);
}
/* a * b + c, rounded once. */
static inline vf vf_fma(vf a, vf b, vf c)
{
    return _mm256_fmadd_ps(a, b, c);
}
static inline float vf_sum(vf v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    s = _mm_add_ss(s, _mm_movehdup_ps(s));
    return _mm_cvtss_f32(s);
}
static inline float vf_largest(vf v)
{
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    s = _mm_max_ss(s, _mm_movehdup_ps(s));
    return _mm_cvtss_f32(s);
}
static inline vf vf_abs(vf v)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v);
}
/* |a| with the sign of b. */
static inline vf vf_copy_sign(vf a, vf b)
{
    return _mm256_or_ps(vf_abs(a), _mm256_and_ps(b, _mm256_set1_ps(-0.0f)));
}
static inline vf vf_round(vf v)
{
    return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
/* v * 2^n for whole n in -126..127. */
static inline vf vf_scale(vf v, vf n)
{
    __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_mul_ps(v, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
}
static inline float half_to_float(uint16_t half)
{
    return _cvtsh_ss(half);
}
/* VF values from 16-bit floats and from signed bytes. */
static inline vf vf_from_half(const void *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128(p));
}
static inline vf vf_from_bf16(const void *p)
{
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}
static inline vf vf_from_i8(const void *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(p)));
}
/* Whole values within -128..127. */
static inline void vf_store_i8(void *p, vf v)
{
    __m256i wide = _mm256_cvtps_epi32(v);
    __m128i half = _mm_packs_epi32(_mm256_castsi256_si128(wide),
                                   _mm256_extracti128_si256(wide, 1));
    _mm_storel_epi64(p, _mm_packs_epi16(half, half));
}

/* Whole numbers, VF lanes of 32 bits. */
typedef __m256i vi;
static inline vi vi_from_u8(const void *p)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(p));
}
/* Lane i is bit i. */
static inline vi vi_from_mask(uint32_t mask)
{
    const __m256i order = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    __m256i bits = _mm256_srlv_epi32(_mm256_set1_epi32((int)mask), order);
    return _mm256_and_si256(bits, _mm256_set1_epi32(1));
}
/* n bits of each lane, from bit `first` on. */
static inline vi vi_bits(vi v, uint32_t first, uint32_t n)
{
    __m256i bits = _mm256_srlv_epi32(v, _mm256_set1_epi32((int)first));
    return _mm256_and_si256(bits, _mm256_set1_epi32((int)((1u << n) - 1u)));
}
/* low, below n bits, and high above them. */
static inline vi vi_join(vi low, vi high, uint32_t n)
{
    __m256i above = _mm256_sllv_epi32(high, _mm256_set1_epi32((int)n));
    return _mm256_or_si256(low, above);
}
static inline vf vf_from_vi(vi v)
{
    return _mm256_cvtepi32_ps(v);
}

#endif /* GRT_KERNELS_X86_VECTOR_AVX2_H */
