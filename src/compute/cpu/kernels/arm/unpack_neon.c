/* unpack_neon.c - built with the flags of cmake/Isa.cmake. */
#include "compute/cpu/kernels/arm/vector_neon.h"

#include "compute/cpu/kernels/template/unpack.h"
