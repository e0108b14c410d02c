/* pack_strip_scalar.c - the transposition by its definition. */
#include "kernels/kernels.h"

void grt_pack_strip_scalar(float *strip, const float *rows, size_t ld, size_t k)
{
    for (size_t i = 0; i < k; i++)
        for (size_t c = 0; c < GRT_STRIP; c++)
            strip[i * GRT_STRIP + c] = rows[c * ld + i];
}
