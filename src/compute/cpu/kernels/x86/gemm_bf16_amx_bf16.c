/* gemm_bf16_amx_bf16.c - built with the flags of cmake/Isa.cmake.
 *
 * TDPBF16PS multiplies two tiles; a word is two bf16 values. */
#include "compute/cpu/kernels/x86/tile_amx.h"

#define GRT_VARIANT(operation)        grt_##operation##_amx_bf16
#define tile_multiply_add(sums, a, b) _tile_dpbf16ps(sums, a, b)

#include "compute/cpu/kernels/template/gemm_tiles.h"
