/* gemm_bf16_amx_bf16.c - built with the flags of cmake/Isa.cmake.
 *
 * TDPBF16PS multiplies two tiles; a word is two bf16 values. */
#include "kernels/x86/tile_amx.h"

#define GRT_VARIANT(operation) grt_##operation##_amx_bf16

#include "kernels/template/gemm_tiles.h"
