/* unpack.c - see unpack.h.  Opening is not a hot path: the scalar variants serve. */
#include "compute/unpack.h"

#include "compute/cpu/kernels/kernels.h"

void grt_unpack(float *dst, const void *src, grt_dtype dtype, size_t n)
{
    grt_kernels kernels;
    grt_kernels_choose(&kernels, 0, GRT_ARITHMETIC_F32);
    kernels.unpack_row[dtype](dst, src, n);
}
