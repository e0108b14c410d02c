/* pack_strip_neon.c - transposition in squares of 4 x 4; built with the flags of
 * cmake/Isa.cmake. */
#include "compute/cpu/kernels/kernels.h"

#include "compute/cpu/kernels/arm/vector_neon.h"

enum { WORD = 4 }; /* bytes */

/* Word to[j][i] = word from[i][j] for i, j < 4: pairs, then halves change places. */
static inline void transpose_4x4(uint8_t *to, const uint8_t *from, size_t ld)
{
    uint32x4_t v[4];
    for (size_t i = 0; i < 4; i++)
        v[i] = vreinterpretq_u32_u8(vld1q_u8(from + i * ld * WORD));
    uint64x2_t even[2], odd[2]; /* columns 0 and 2, columns 1 and 3 */
    for (size_t i = 0; i < 2; i++) {
        even[i] = vreinterpretq_u64_u32(vtrn1q_u32(v[2 * i], v[2 * i + 1]));
        odd[i] = vreinterpretq_u64_u32(vtrn2q_u32(v[2 * i], v[2 * i + 1]));
    }
    const uint64x2_t columns[4] = {
        vtrn1q_u64(even[0], even[1]), vtrn1q_u64(odd[0], odd[1]),
        vtrn2q_u64(even[0], even[1]), vtrn2q_u64(odd[0], odd[1])};
    for (size_t j = 0; j < 4; j++)
        vst1q_u8(to + j * GRT_STRIP * WORD, vreinterpretq_u8_u64(columns[j]));
}

void grt_pack_strip_neon(void *strip, const void *rows, size_t ld, size_t n)
{
    const uint8_t *from = rows;
    uint8_t *to = strip;
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (size_t c = 0; c < GRT_STRIP; c += 4)
            transpose_4x4(to + (i * GRT_STRIP + c) * WORD, from + (c * ld + i) * WORD,
                          ld);
    for (; i < n; i++)
        for (size_t c = 0; c < GRT_STRIP; c++)
            memcpy(to + (i * GRT_STRIP + c) * WORD, from + (c * ld + i) * WORD, WORD);
}
