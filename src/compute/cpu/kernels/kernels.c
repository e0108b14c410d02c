/* kernels.c - the table of all variants, and the choice of the first that runs. */
#include "compute/cpu/kernels/kernels.h"

#include "base/cpu.h"

#include <assert.h>
#include <string.h>

static const grt_kernel_entry entries[] = {
#define GRT_KERNEL(isa, needs, function) \
    {"gemm_f32", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/gemm_f32.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"gemm_bf16", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/gemm_bf16.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"gemm_int8", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/gemm_int8.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"quantize", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/quantize.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"round_bf16", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/round_bf16.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"pack_strip", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/pack_strip.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"unpack_f32", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/unpack_f32.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"unpack_f16", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/unpack_f16.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"unpack_bf16", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/unpack_bf16.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"unpack_q8_0", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/unpack_q8_0.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"unpack_q4_0", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/unpack_q4_0.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"unpack_q4_1", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/unpack_q4_1.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"unpack_q5_0", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/unpack_q5_0.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"unpack_q5_1", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/unpack_q5_1.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"unpack_q2_k", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/unpack_q2_k.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"unpack_q3_k", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/unpack_q3_k.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"unpack_q4_k", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/unpack_q4_k.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"unpack_q5_k", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/unpack_q5_k.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"unpack_q6_k", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/unpack_q6_k.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"layer_norm", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/layer_norm.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"rms_norm", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/rms_norm.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) {"gelu", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/gelu.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"silu_mul", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/silu_mul.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"gelu_tanh_mul", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/gelu_tanh_mul.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) {"rope", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/rope.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) {"add", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/add.inc"
#undef GRT_KERNEL
#define GRT_KERNEL(isa, needs, function) \
    {"softmax", #isa, needs, (grt_any_fn *)function},
#include "compute/cpu/kernels/softmax.inc"
#undef GRT_KERNEL
};
enum { N_ENTRIES = sizeof(entries) / sizeof(entries[0]) };

int grt_kernels_entry(size_t i, grt_kernel_entry *out)
{
    if (i >= N_ENTRIES) return 0;
    *out = entries[i];
    return 1;
}

/* The scalar variant needs nothing, so there always is one (tests/kernels asks for each
 * operation).  An operation without one would get no function. */
static const grt_kernel_entry *best(const char *operation, uint32_t features)
{
    static const grt_kernel_entry none = {"", "", UINT32_MAX, NULL};
    for (size_t i = 0; i < N_ENTRIES; i++)
        if (strcmp(entries[i].operation, operation) == 0 &&
            (entries[i].needs & ~features) == 0)
            return &entries[i];
    assert(false && "an operation without a scalar variant");
    return &none;
}

/* Vector variants go through rows by 12, 6 or 4.  Tiles are used twice in a block of 32
 * rows, and set up for each call, which more columns make up for. */
static grt_gemm_block block_of(const grt_kernel_entry *gemm)
{
    if (gemm->needs & (GRT_CPU_AMX_BF16 | GRT_CPU_AMX_INT8))
        return (grt_gemm_block){GRT_GEMM_ROWS, 4 * GRT_STRIP};
    return (grt_gemm_block){24, 2 * GRT_STRIP};
}

/* AVX2 adds two products in 16 bits: 2 * 255 * 63 fits, 2 * 255 * 127 does not. */
static float largest_int8(const grt_kernel_entry *gemm)
{
    return gemm->needs == GRT_CPU_AVX2 ? 63.0f : 127.0f;
}

void grt_kernels_choose(grt_kernels *out, uint32_t features, grt_arithmetic arithmetic)
{
    /* the scalar twins of these are there to be compared with, not to be used */
    const grt_kernel_entry *bf16 = best("gemm_bf16", features);
    const grt_kernel_entry *int8 = best("gemm_int8", features);
    const grt_kernel_entry *used = best("gemm_f32", features);
    bool is_int8 = arithmetic == GRT_ARITHMETIC_INT8 && int8->needs != 0;
    bool is_bf16 = arithmetic != GRT_ARITHMETIC_F32 && bf16->needs != 0;
    if (is_bf16) used = bf16;
    if (is_int8) used = int8;
#define CHOOSE(type, operation) ((type *)best(operation, features)->function)
    *out = (grt_kernels){
        .gemm_f32 = CHOOSE(grt_gemm_fn, "gemm_f32"),
        .gemm_bf16 = is_bf16 ? (grt_gemm_fn *)bf16->function : NULL,
        .gemm_int8 = is_int8 ? (grt_gemm_fn *)int8->function : NULL,
        .arithmetic = is_int8   ? GRT_ARITHMETIC_INT8
                      : is_bf16 ? GRT_ARITHMETIC_BF16
                                : GRT_ARITHMETIC_F32,
        .block_f32 = block_of(best("gemm_f32", features)),
        .block_bf16 = block_of(bf16),
        .block_int8 = block_of(int8),
        .largest_int8 = largest_int8(int8),
        .quantize = CHOOSE(grt_quantize_fn, "quantize"),
        .round_bf16 = CHOOSE(grt_round_bf16_fn, "round_bf16"),
        .pack_strip = CHOOSE(grt_pack_strip_fn, "pack_strip"),
        .unpack_row = {[GRT_DTYPE_F32] = CHOOSE(grt_unpack_row_fn, "unpack_f32"),
                       [GRT_DTYPE_F16] = CHOOSE(grt_unpack_row_fn, "unpack_f16"),
                       [GRT_DTYPE_BF16] = CHOOSE(grt_unpack_row_fn, "unpack_bf16"),
                       [GRT_DTYPE_Q8_0] = CHOOSE(grt_unpack_row_fn, "unpack_q8_0"),
                       [GRT_DTYPE_Q4_0] = CHOOSE(grt_unpack_row_fn, "unpack_q4_0"),
                       [GRT_DTYPE_Q4_1] = CHOOSE(grt_unpack_row_fn, "unpack_q4_1"),
                       [GRT_DTYPE_Q5_0] = CHOOSE(grt_unpack_row_fn, "unpack_q5_0"),
                       [GRT_DTYPE_Q5_1] = CHOOSE(grt_unpack_row_fn, "unpack_q5_1"),
                       [GRT_DTYPE_Q2_K] = CHOOSE(grt_unpack_row_fn, "unpack_q2_k"),
                       [GRT_DTYPE_Q3_K] = CHOOSE(grt_unpack_row_fn, "unpack_q3_k"),
                       [GRT_DTYPE_Q4_K] = CHOOSE(grt_unpack_row_fn, "unpack_q4_k"),
                       [GRT_DTYPE_Q5_K] = CHOOSE(grt_unpack_row_fn, "unpack_q5_k"),
                       [GRT_DTYPE_Q6_K] = CHOOSE(grt_unpack_row_fn, "unpack_q6_k")},
        .layer_norm = CHOOSE(grt_layer_norm_fn, "layer_norm"),
        .rms_norm = CHOOSE(grt_rms_norm_fn, "rms_norm"),
        .gelu = CHOOSE(grt_gelu_fn, "gelu"),
        .silu_mul = CHOOSE(grt_silu_mul_fn, "silu_mul"),
        .gelu_tanh_mul = CHOOSE(grt_gelu_tanh_mul_fn, "gelu_tanh_mul"),
        .rope = CHOOSE(grt_rope_fn, "rope"),
        .add = CHOOSE(grt_add_fn, "add"),
        .softmax = CHOOSE(grt_softmax_fn, "softmax"),
        .isa = used->isa};
#undef CHOOSE
}
