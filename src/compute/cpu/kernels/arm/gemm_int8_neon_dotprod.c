/* gemm_int8_neon_dotprod.c - built with the flags of cmake/Isa.cmake.
 *
 * SDOT takes signed numbers only, so a row's lose the 128 that were added to them, and
 * sums begin with nothing to make up for. */
#include "compute/cpu/kernels/arm/vector_neon.h"

#undef GRT_VARIANT_
#define GRT_VARIANT_(operation) grt_##operation##_neon_dotprod

typedef int8x16_t vw;
typedef int8x8_t vw_one;
typedef int32x4_t vs;

static inline vw vw_load(const void *p)
{
    return vreinterpretq_s8_u8(vld1q_u8(p));
}
static inline vw_one vw_set(const void *p)
{
    uint32_t word;
    memcpy(&word, p, sizeof(word));
    return vreinterpret_s8_u32(vdup_n_u32(word ^ 0x80808080u));
}
static inline vs vs_first(const void *p)
{
    (void)p;
    return vdupq_n_s32(0);
}
static inline vs vs_add_products(vw_one a, vw b, vs sums)
{
    return vdotq_lane_s32(sums, b, a, 0);
}
static inline vf vf_from_sums(vs sums)
{
    return vcvtq_f32_s32(sums);
}

#include "compute/cpu/kernels/template/gemm_int8.h"
