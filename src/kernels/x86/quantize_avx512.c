/* quantize_avx512.c - built with the flags of cmake/Isa.cmake. */
#include "kernels/x86/vector_avx512.h"

#include "kernels/template/quantize.h"
