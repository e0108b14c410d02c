/* vector_neon.h - what the templates need, in the NEON of every 64-bit Arm CPU. */
#ifndef GRT_KERNELS_ARM_VECTOR_NEON_H
#define GRT_KERNELS_ARM_VECTOR_NEON_H

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define GRT_VARIANT(operation)  GRT_VARIANT_(operation)
#define GRT_VARIANT_(operation) grt_##operation##_neon

typedef float32x4_t vf;
enum { VF = 4, GEMM_TILE_ROWS = 6, GEMM_TILE_VECTORS = 4 };

static inline vf vf_load(const float *p)
{
    return vld1q_f32(p);
}
static inline void vf_store(float *p, vf v)
{
    vst1q_f32(p, v);
}
/* The first n <= VF lanes; the others are zeros, and their memory is not touched. */
static inline vf vf_load_n(const float *p, size_t n)
{
    if (n == VF) return vf_load(p);
    vf v = vdupq_n_f32(0.0f);
    if (n > 0) v = vld1q_lane_f32(p, v, 0);
    if (n > 1) v = vld1q_lane_f32(p + 1, v, 1);
    if (n > 2) v = vld1q_lane_f32(p + 2, v, 2);
    return v;
}
static inline void vf_store_n(float *p, vf v, size_t n)
{
    if (n == VF) {
        vf_store(p, v);
        return;
    }
    if (n > 0) vst1q_lane_f32(p, v, 0);
    if (n > 1) vst1q_lane_f32(p + 1, v, 1);
    if (n > 2) vst1q_lane_f32(p + 2, v, 2);
}
static inline vf vf_set(float x)
{
    return vdupq_n_f32(x);
}
static inline vf vf_add(vf a, vf b)
{
    return vaddq_f32(a, b);
}
static inline vf vf_sub(vf a, vf b)
{
    return vsubq_f32(a, b);
}
static inline vf vf_mul(vf a, vf b)
{
    return vmulq_f32(a, b);
}
static inline vf vf_div(vf a, vf b)
{
    return vdivq_f32(a, b);
}
static inline vf vf_max(vf a, vf b)
{
    return vmaxq_f32(a, b);
}
static inline vf vf_min(vf a, vf b)
{
    return vminq_f32(a, b);
}
/* a * b + c, rounded once. */
static inline vf vf_fma(vf a, vf b, vf c)
{
    return vfmaq_f32(c, a, b);
}
static inline float vf_sum(vf v)
{
    return vaddvq_f32(v);
}
static inline float vf_largest(vf v)
{
    return vmaxvq_f32(v);
}
static inline vf vf_abs(vf v)
{
    return vabsq_f32(v);
}
/* |a| with the sign of b. */
static inline vf vf_copy_sign(vf a, vf b)
{
    return vbslq_f32(vdupq_n_u32(0x80000000u), b, a);
}
static inline vf vf_round(vf v)
{
    return vrndnq_f32(v);
}
/* v * 2^n for whole n in -126..127. */
static inline vf vf_scale(vf v, vf n)
{
    int32x4_t exponent = vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127));
    return vmulq_f32(v, vreinterpretq_f32_s32(vshlq_n_s32(exponent, 23)));
}
static inline float half_to_float(uint16_t half)
{
    return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(half))), 0);
}
/* VF values from 16-bit floats and from signed bytes. */
static inline vf vf_from_half(const void *p)
{
    return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p)));
}
static inline vf vf_from_bf16(const void *p)
{
    uint16x4_t upper = vreinterpret_u16_u8(vld1_u8(p));
    return vreinterpretq_f32_u32(vshll_n_u16(upper, 16));
}
static inline uint8x8_t load_4_bytes(const void *p)
{
    uint32_t bytes;
    memcpy(&bytes, p, sizeof(bytes));
    return vreinterpret_u8_u32(vdup_n_u32(bytes));
}
static inline vf vf_from_i8(const void *p)
{
    int16x8_t wide = vmovl_s8(vreinterpret_s8_u8(load_4_bytes(p)));
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
}
/* Whole values within -128..127. */
static inline void vf_store_i8(void *p, vf v)
{
    int16x4_t half = vmovn_s32(vcvtnq_s32_f32(v));
    int8x8_t bytes = vmovn_s16(vcombine_s16(half, half));
    uint32_t four = vget_lane_u32(vreinterpret_u32_s8(bytes), 0);
    memcpy(p, &four, sizeof(four));
}

/* Whole numbers, VF lanes of 32 bits. */
typedef uint32x4_t vi;
static inline vi vi_from_u8(const void *p)
{
    return vmovl_u16(vget_low_u16(vmovl_u8(load_4_bytes(p))));
}
/* Lane i is bit i. */
static inline vi vi_from_mask(uint32_t mask)
{
    const int32x4_t right = {0, -1, -2, -3};
    return vandq_u32(vshlq_u32(vdupq_n_u32(mask), right), vdupq_n_u32(1));
}
/* n bits of each lane, from bit `first` on. */
static inline vi vi_bits(vi v, uint32_t first, uint32_t n)
{
    vi bits = vshlq_u32(v, vdupq_n_s32(-(int32_t)first));
    return vandq_u32(bits, vdupq_n_u32((1u << n) - 1u));
}
/* low, below n bits, and high above them. */
static inline vi vi_join(vi low, vi high, uint32_t n)
{
    return vorrq_u32(low, vshlq_u32(high, vdupq_n_s32((int32_t)n)));
}
static inline vf vf_from_vi(vi v)
{
    return vcvtq_f32_u32(v);
}

#endif /* GRT_KERNELS_ARM_VECTOR_NEON_H */
