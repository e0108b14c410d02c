/* quantize_avx2.c - built with the flags of cmake/Isa.cmake. */
#include "kernels/x86/vector_avx2.h"

#include "kernels/template/quantize.h"
