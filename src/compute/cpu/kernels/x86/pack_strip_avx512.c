/* pack_strip_avx512.c - built with the flags of cmake/Isa.cmake. */
#include "compute/cpu/kernels/x86/vector_avx512.h"

#include "compute/cpu/kernels/x86/pack_strip.h"
