/* pack_strip.h - transposition in squares of 8 x 8; included once by each variant after
 * its vector header (AVX-512 has the AVX instructions too). */
#include "compute/cpu/kernels/kernels.h"

#include <immintrin.h>

/* to[j * GRT_STRIP + i] = from[i * ld + j] for i, j < 8: pairs, then fours, then halves
 * change places. */
static inline void transpose_8x8(int_may_alias *to, const int_may_alias *from,
                                 size_t ld)
{
    __m256 v[8], pairs[8], fours[8];
    for (size_t i = 0; i < 8; i++)
        v[i] = _mm256_loadu_ps((const float *)(from + i * ld));
    for (size_t i = 0; i < 8; i += 2) {
        pairs[i] = _mm256_unpacklo_ps(v[i], v[i + 1]);
        pairs[i + 1] = _mm256_unpackhi_ps(v[i], v[i + 1]);
    }
    for (size_t i = 0; i < 8; i += 4) {
        fours[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
        fours[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0xEE);
        fours[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
        fours[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xEE);
    }
    for (size_t i = 0; i < 4; i++) {
        __m256 low = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x20);
        __m256 high = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x31);
        _mm256_storeu_ps((float *)(to + i * GRT_STRIP), low);
        _mm256_storeu_ps((float *)(to + (i + 4) * GRT_STRIP), high);
    }
}

void GRT_VARIANT(pack_strip)(void *strip, const void *rows, size_t ld, size_t n)
{
    const int_may_alias *from = rows;
    int_may_alias *to = strip;
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t c = 0; c < GRT_STRIP; c += 8)
            transpose_8x8(to + i * GRT_STRIP + c, from + c * ld + i, ld);
    for (; i < n; i++)
        for (size_t c = 0; c < GRT_STRIP; c++)
            to[i * GRT_STRIP + c] = from[c * ld + i];
}
