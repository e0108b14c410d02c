/* gemm_int8_amx_int8.c - built with the flags of cmake/Isa.cmake.
 *
 * TDPBUSD multiplies two tiles; a word is four uint8 of a row, or four int8 of a strip.
 */
#include "compute/cpu/kernels/x86/tile_amx.h"

#define GRT_VARIANT(operation)        grt_##operation##_amx_int8
#define tile_multiply_add(sums, a, b) _tile_dpbusd(sums, a, b)

#include "compute/cpu/kernels/template/gemm_int8_tiles.h"
