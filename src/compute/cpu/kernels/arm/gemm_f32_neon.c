/* gemm_f32_neon.c - built with the flags of cmake/Isa.cmake.
 *
 * A word of a row stays one float: FMLA takes it from a lane, which spares a register
 * and copying it to all lanes. */
#include "compute/cpu/kernels/arm/vector_neon.h"

#define GEMM gemm_f32

typedef vf vw;
typedef float vw_one;
typedef float __attribute__((may_alias)) float_may_alias;

static inline vw vw_load(const void *p)
{
    return vreinterpretq_f32_u8(vld1q_u8(p));
}
static inline vw_one vw_set(const void *p)
{
    return *(const float_may_alias *)p;
}
static inline vf vw_multiply_add(vw_one a, vw b, vf sums)
{
    return vfmaq_n_f32(sums, b, a);
}

#include "compute/cpu/kernels/template/gemm.h"
