/* unpack.h - storage types to f32 for any vector width; included once by each variant
 * after its vector header. */
#include "kernels/kernels.h"

#include <string.h>

enum { Q8_0_VALUES = 32, Q8_0_BYTES = 34 };

void GRT_VARIANT(unpack_f16)(float *dst, const void *src, size_t n)
{
    const unsigned char *from = src;
    size_t i = 0;
    for (; i + VF <= n; i += VF)
        vf_store(dst + i, vf_from_half(from + 2 * i));
    if (i == n) return;
    uint16_t rest[VF] = {0};
    memcpy(rest, from + 2 * i, 2 * (n - i));
    vf_store_n(dst + i, vf_from_half(rest), n - i);
}

void GRT_VARIANT(unpack_bf16)(float *dst, const void *src, size_t n)
{
    const unsigned char *from = src;
    size_t i = 0;
    for (; i + VF <= n; i += VF)
        vf_store(dst + i, vf_from_bf16(from + 2 * i));
    if (i == n) return;
    uint16_t rest[VF] = {0};
    memcpy(rest, from + 2 * i, 2 * (n - i));
    vf_store_n(dst + i, vf_from_bf16(rest), n - i);
}

void GRT_VARIANT(unpack_q8_0)(float *dst, const void *src, size_t n)
{
    const unsigned char *block = src;
    for (size_t i = 0; i < n; i += Q8_0_VALUES, block += Q8_0_BYTES) {
        uint16_t half;
        memcpy(&half, block, sizeof(half));
        vf scale = vf_set(half_to_float(half));
        for (size_t j = 0; j < Q8_0_VALUES; j += VF)
            vf_store(dst + i + j, vf_mul(scale, vf_from_i8(block + 2 + j)));
    }
}
