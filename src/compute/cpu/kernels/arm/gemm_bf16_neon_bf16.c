/* gemm_bf16_neon_bf16.c - built with the flags of cmake/Isa.cmake.
 *
 * A word is two bf16 values; BFDOT adds both products to one f32 sum, and takes a row's
 * word from a lane.  It counts denormals as 0; BFCVTN does not. */
#include "compute/cpu/kernels/arm/vector_neon.h"

#undef GRT_VARIANT_
#define GRT_VARIANT_(operation) grt_##operation##_neon_bf16
#define GEMM                    gemm_bf16

typedef bfloat16x8_t vw;
typedef bfloat16x4_t vw_one;

static inline vw vw_load(const void *p)
{
    return vreinterpretq_bf16_u8(vld1q_u8(p));
}
static inline vw_one vw_set(const void *p)
{
    uint32_t word;
    memcpy(&word, p, sizeof(word));
    return vreinterpret_bf16_u32(vset_lane_u32(word, vdup_n_u32(0), 0));
}
static inline vf vw_multiply_add(vw_one a, vw b, vf sums)
{
    return vbfdotq_lane_f32(sums, b, a, 0);
}

#include "compute/cpu/kernels/template/gemm.h"

/* Denormals become 0 of their sign. */
static inline vf flush(vf v)
{
    uint32x4_t is_denormal = vcaltq_f32(v, vdupq_n_f32(0x1p-126f));
    uint32x4_t without_sign = vandq_u32(is_denormal, vdupq_n_u32(0x7FFFFFFFu));
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(v), without_sign));
}

static inline uint16x4_t round_vector(vf v)
{
    return vreinterpret_u16_bf16(vcvt_bf16_f32(flush(v)));
}

void grt_round_bf16_neon_bf16(uint16_t *dst, const float *src, size_t n)
{
    size_t i = 0;
    for (; i + VF <= n; i += VF)
        vst1_u16(dst + i, round_vector(vf_load(src + i)));
    if (i == n) return;
    uint16_t rest[VF];
    vst1_u16(rest, round_vector(vf_load_n(src + i, n - i)));
    memcpy(dst + i, rest, (n - i) * sizeof(*rest));
}
