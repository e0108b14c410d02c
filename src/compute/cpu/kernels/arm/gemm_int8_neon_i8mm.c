/* gemm_int8_neon_i8mm.c - built with the flags of cmake/Isa.cmake.
 *
 * SUDOT multiplies signed numbers by a row's unsigned ones as they are. */
#include "compute/cpu/kernels/arm/vector_neon.h"

#undef GRT_VARIANT_
#define GRT_VARIANT_(operation) grt_##operation##_neon_i8mm

typedef int8x16_t vw;
typedef uint8x8_t vw_one;
typedef int32x4_t vs;

static inline vw vw_load(const void *p)
{
    return vreinterpretq_s8_u8(vld1q_u8(p));
}
static inline vw_one vw_set(const void *p)
{
    uint32_t word;
    memcpy(&word, p, sizeof(word));
    return vreinterpret_u8_u32(vdup_n_u32(word));
}
static inline vs vs_first(const void *p)
{
    return vreinterpretq_s32_u8(vld1q_u8(p));
}
static inline vs vs_add_products(vw_one a, vw b, vs sums)
{
    return vsudotq_lane_s32(sums, b, a, 0);
}
static inline vf vf_from_sums(vs sums)
{
    return vcvtq_f32_s32(sums);
}

#include "compute/cpu/kernels/template/gemm_int8.h"
