/* elementwise_avx2.c - built with the flags of cmake/Isa.cmake. */
#include "compute/cpu/kernels/x86/vector_avx2.h"

#include "compute/cpu/kernels/template/elementwise.h"
