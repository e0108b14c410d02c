/* quantize_neon.c - built with the flags of cmake/Isa.cmake. */
#include "kernels/arm/vector_neon.h"

#include "kernels/template/quantize.h"
