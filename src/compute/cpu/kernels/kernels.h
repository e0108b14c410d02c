/* kernels.h - arithmetic on raw pointers, and the choice of variants.
 *
 * Each operation has one list, kernels/<operation>.inc, of GRT_KERNEL(isa, needs,
 * function) lines, best first and scalar last: prototypes, dispatch, tests and
 * benchmarks come from it.  Choose once (grt_kernels_choose), then call through the
 * struct.
 *
 * Matrices are row-major; leading dimensions (ld...) are in elements.  Nothing is read
 * past the stated shapes.  Any count may be 0.  Accumulation is in f32 and in an order
 * that does not depend on the number of rows in the call or on threads: a row's result
 * is bit-equal however rows are grouped, in bf16 too. */
#ifndef GRT_KERNELS_KERNELS_H
#define GRT_KERNELS_KERNELS_H

#include "base/dtype.h"
#include "base/error.h"

/* y[n_rows][n_columns] (+)= a * panel + bias for one block of rows and one panel; see
 * linear.c for the layouts.  Panel and rows are made of words of 32 bits: one f32 value
 * (gemm_f32), or two bf16 values of which the first stands in the lower half
 * (gemm_bf16; denormals count as 0).
 * a: [n_rows][GRT_GEMM_LD_A], n_rows <= GRT_GEMM_ROWS, n_words <= GRT_GEMM_WORDS;
 * 64-byte aligned. panel: [strips][ld_panel][GRT_STRIP], ld_panel >= n_words; columns
 * past n_columns are numbers of any value; 64-byte aligned. bias: [n_columns] or NULL.
 * Each product is summed in f32 over n_words from zero, in an order that is the
 * variant's own and the same for every row, then y (when is_added) and bias are added.
 * In f32 and bf16 words of a that are zero at its end, and whole GRT_GEMM_ZEROS of them
 * at its start, may be left out: no bit changes. */
enum {
    GRT_GEMM_ROWS = 32,
    GRT_GEMM_WORDS = 512,
    GRT_GEMM_LD_A = GRT_GEMM_WORDS + 16, /* not a power of two: rows fall into other
                                            sets */
    GRT_STRIP = 16,
    GRT_GEMM_ZEROS = 16
};
typedef void grt_gemm_fn(float *y, size_t ld_y, const void *a, size_t n_rows,
                         const void *panel, size_t ld_panel, size_t n_columns,
                         size_t n_words, const float *bias, int is_added);

/* gemm_int8: a word is four whole numbers of 8 bits, in rows 0..255, of which 128 is
 * the zero, in the panel -127..127.  Words come in groups of GRT_INT8_GROUP, the last
 * perhaps shorter, and each group of a row and of a column has a scale of its own
 * (grt_quantize_fn): the sum of a group's products, a whole number, is multiplied by
 * both scales and then added in f32.
 * A row's scales stand from word GRT_GEMM_WORDS on.  A strip is, for each group,
 * GRT_INT8_HEAD lines of GRT_STRIP words before the group's own: -128 times the sum of
 * each column's numbers (int32), then each column's scale (f32).  Sums are the same in
 * all variants as long as no number of a panel is above the variant's largest. */
enum { GRT_INT8_GROUP = 64, GRT_INT8_HEAD = 2 };
static inline size_t grt_gemm_int8_lines(size_t n_words)
{
    return n_words + (n_words + GRT_INT8_GROUP - 1) / GRT_INT8_GROUP * GRT_INT8_HEAD;
}

/* The part of y that a variant is best asked for in one call. */
typedef struct grt_gemm_block {
    size_t n_rows;    /* <= GRT_GEMM_ROWS */
    size_t n_columns; /* whole strips */
} grt_gemm_block;

/* Transposes GRT_STRIP rows of n words, [GRT_STRIP][ld], into strip[n][GRT_STRIP]. */
typedef void grt_pack_strip_fn(void *strip, const void *rows, size_t ld, size_t n);

/* bf16 of n values: nearest, ties to even; denormals become 0, NaN stays NaN. */
typedef void grt_round_bf16_fn(uint16_t *dst, const float *src, size_t n);

/* Groups of 4 * GRT_INT8_GROUP values, the last perhaps shorter: each is dst * scale,
 * dst nearest (ties to even) and within -largest..largest, which the largest magnitude
 * of the group becomes.  sums: of a group's dst.  dst is filled up with 0 to whole
 * words.  A group below 1e-30 becomes 0, one with an infinity or NaN 0 with NaN as its
 * scale.  All variants give the same bits. */
typedef void grt_quantize_fn(int8_t *dst, float *scales, int32_t *sums,
                             const float *src, size_t n, float largest);

/* One row of n values in storage type to f32; n fills whole blocks.  Each is the exact
 * value of base/dtype.h, rounded once where it has a minimum (any NaN for a NaN). */
typedef void grt_unpack_row_fn(float *dst, const void *src, size_t n);

/* x[i] normalised over each row of n: (x - mean) / sqrt(var + eps) * weight + bias.
 * Source: Ba et al. 2016, arXiv 1607.06450.  dst may be x.  [n_rows][ld]. */
typedef void grt_layer_norm_fn(float *dst, size_t ld_dst, const float *x, size_t ld_x,
                               const float *weight, const float *bias, float eps,
                               size_t n_rows, size_t n);

/* x / sqrt(mean(x^2) + eps) * weight.  Zhang & Sennrich 2019, arXiv 1910.07467. */
typedef void grt_rms_norm_fn(float *dst, size_t ld_dst, const float *x, size_t ld_x,
                             const float *weight, float eps, size_t n_rows, size_t n);

/* x = 0.5 x (1 + erf(x / sqrt 2)) in place, within 1e-6 absolute of the exact value.
 * Hendrycks & Gimpel 2016. */
typedef void grt_gelu_fn(float *x, size_t n);

/* gate = gate / (1 + exp(-gate)) * up (SwiGLU, Shazeer 2020), in place. */
typedef void grt_silu_mul_fn(float *gate, const float *up, size_t n);

/* gate = 0.5 gate (1 + tanh(sqrt(2 / pi) (gate + 0.044715 gate^3))) * up, in place:
 * GELU in its tanh form (Hendrycks & Gimpel 2016) as a gate (GeGLU, Shazeer 2020). */
typedef void grt_gelu_tanh_mul_fn(float *gate, const float *up, size_t n);

/* Rotary embedding, half-rotation ("NEOX"), in place on one head of one row:
 * x[i], x[i + n/2] rotated by the angle whose cos and sin stand at [n/2].
 * Su et al. 2021, arXiv 2104.09864. */
typedef void grt_rope_fn(float *x, const float *cos, const float *sin, size_t n);

/* y += x. */
typedef void grt_add_fn(float *y, const float *x, size_t n);

/* A piece of a softmax that takes its scores in pieces (Milakov & Gimelshein 2018,
 * arXiv 1805.02867): x[i] = exp(scale * x[i] - largest), n >= 1 and scale >= 0.
 * *largest, -INFINITY before the first piece, is that of all scaled scores so far, and
 * *sum that of all weights; what was summed under an earlier *largest shrinks by the
 * factor returned.  Where is_bf16, weights are rounded to numbers of bf16 before they
 * are summed, so that divided by their sum they are 1 together. */
typedef float grt_softmax_fn(float *x, size_t n, float scale, int is_bf16,
                             float *largest, float *sum);

typedef struct grt_kernels {
    grt_gemm_fn *gemm_f32;
    grt_gemm_fn *gemm_bf16;    /* NULL: f32 was asked for, or the CPU has no units */
    grt_gemm_fn *gemm_int8;    /* likewise, unless int8 was asked for */
    grt_arithmetic arithmetic; /* of matrices: F32, BF16 or INT8 */
    grt_gemm_block block_f32, block_bf16, block_int8;
    float largest_int8; /* number of a panel */
    grt_pack_strip_fn *pack_strip;
    grt_round_bf16_fn *round_bf16;
    grt_quantize_fn *quantize;
    grt_unpack_row_fn *unpack_row[GRT_DTYPE_COUNT];
    grt_layer_norm_fn *layer_norm;
    grt_rms_norm_fn *rms_norm;
    grt_gelu_fn *gelu;
    grt_silu_mul_fn *silu_mul;
    grt_gelu_tanh_mul_fn *gelu_tanh_mul;
    grt_rope_fn *rope;
    grt_add_fn *add;
    grt_softmax_fn *softmax;
    const char *isa; /* of the matrix kernel */
} grt_kernels;

/* The best variants that need no more than `features` (grt_cpu_features()).  int8 where
 * it is asked for, bf16 where it is asked for or left open, and each only where the CPU
 * has units for it; else int8 becomes bf16, bf16 f32. */
void grt_kernels_choose(grt_kernels *out, uint32_t features, grt_arithmetic arithmetic);

/* Entry i of all lists, those of an operation side by side and best first; false past
 * the end.  `function` is to be cast to the operation's type. */
typedef void grt_any_fn(void);
typedef struct grt_kernel_entry {
    const char *operation;
    const char *isa;
    uint32_t needs; /* grt_cpu_features() bits */
    grt_any_fn *function;
} grt_kernel_entry;
int grt_kernels_entry(size_t i, grt_kernel_entry *out);

/* Prototypes of all variants. */
#define GRT_KERNEL(isa, needs, function) grt_gemm_fn function;
#include "compute/cpu/kernels/gemm_bf16.inc"
#include "compute/cpu/kernels/gemm_f32.inc"
#include "compute/cpu/kernels/gemm_int8.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) grt_quantize_fn function;
#include "compute/cpu/kernels/quantize.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) grt_round_bf16_fn function;
#include "compute/cpu/kernels/round_bf16.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) grt_pack_strip_fn function;
#include "compute/cpu/kernels/pack_strip.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) grt_unpack_row_fn function;
#include "compute/cpu/kernels/unpack_bf16.inc"
#include "compute/cpu/kernels/unpack_f16.inc"
#include "compute/cpu/kernels/unpack_f32.inc"
#include "compute/cpu/kernels/unpack_q2_k.inc"
#include "compute/cpu/kernels/unpack_q3_k.inc"
#include "compute/cpu/kernels/unpack_q4_0.inc"
#include "compute/cpu/kernels/unpack_q4_1.inc"
#include "compute/cpu/kernels/unpack_q4_k.inc"
#include "compute/cpu/kernels/unpack_q5_0.inc"
#include "compute/cpu/kernels/unpack_q5_1.inc"
#include "compute/cpu/kernels/unpack_q5_k.inc"
#include "compute/cpu/kernels/unpack_q6_k.inc"
#include "compute/cpu/kernels/unpack_q8_0.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) grt_layer_norm_fn function;
#include "compute/cpu/kernels/layer_norm.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) grt_rms_norm_fn function;
#include "compute/cpu/kernels/rms_norm.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) grt_gelu_fn function;
#include "compute/cpu/kernels/gelu.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) grt_silu_mul_fn function;
#include "compute/cpu/kernels/silu_mul.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) grt_gelu_tanh_mul_fn function;
#include "compute/cpu/kernels/gelu_tanh_mul.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) grt_rope_fn function;
#include "compute/cpu/kernels/rope.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) grt_add_fn function;
#include "compute/cpu/kernels/add.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) grt_softmax_fn function;
#include "compute/cpu/kernels/softmax.inc"
#undef GRT_KERNEL

#endif /* GRT_KERNELS_KERNELS_H */
