/* word_f32.h - a word of gemm.h is one f32 value. */
#define GEMM gemm_f32

typedef vf vw;
typedef vf vw_one;

/* Words are f32 in memory; the intrinsics may load them through any pointer. */
static inline vw vw_load(const void *p)
{
    return vf_load(p);
}
static inline vw_one vw_set(const void *p)
{
    return vf_set_from(p);
}
static inline vf vw_multiply_add(vw_one a, vw b, vf sums)
{
    return vf_fma(a, b, sums);
}
