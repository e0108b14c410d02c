/* pack_strip_scalar.c - the transposition by its definition. */
#include "compute/cpu/kernels/kernels.h"

#include <string.h>

void grt_pack_strip_scalar(void *strip, const void *rows, size_t ld, size_t n)
{
    const unsigned char *from = rows;
    unsigned char *to = strip;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < GRT_STRIP; c++)
            memcpy(to + 4 * (i * GRT_STRIP + c), from + 4 * (c * ld + i), 4);
}
