/* vector_exp.h - exp of a vector, for the templates. */
#ifndef GRT_KERNELS_TEMPLATE_VECTOR_EXP_H
#define GRT_KERNELS_TEMPLATE_VECTOR_EXP_H

/* exp(x), relative error below 1e-6 for -87 <= x <= 88, clamped beyond: x = n ln 2 + r
 * with |r| <= ln 2 / 2, and the Taylor series of exp(r) to r^6 / 720. */
static inline vf vf_exp(vf x)
{
    x = vf_min(vf_max(x, vf_set(-87.0f)), vf_set(88.0f));
    vf n = vf_round(vf_mul(x, vf_set(1.44269504f)));
    vf r = vf_fma(n, vf_set(-0.693359375f), x);
    r = vf_fma(n, vf_set(2.12194440e-4f), r);
    vf p = vf_set(1.0f / 720.0f);
    p = vf_fma(p, r, vf_set(1.0f / 120.0f));
    p = vf_fma(p, r, vf_set(1.0f / 24.0f));
    p = vf_fma(p, r, vf_set(1.0f / 6.0f));
    p = vf_fma(p, r, vf_set(0.5f));
    p = vf_fma(p, r, vf_set(1.0f));
    p = vf_fma(p, r, vf_set(1.0f));
    return vf_scale(p, n);
}

#endif /* GRT_KERNELS_TEMPLATE_VECTOR_EXP_H */
