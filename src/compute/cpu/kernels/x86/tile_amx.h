/* tile_amx.h - what template/tile_block.h needs, in AMX, but for the product, which
 * each kernel defines.  Source: Intel 64 and IA-32 Architectures Software Developer's
 * Manual, volume 2, LDTILECFG. */
#ifndef GRT_KERNELS_X86_TILE_AMX_H
#define GRT_KERNELS_X86_TILE_AMX_H

#include <immintrin.h>
#include <stdint.h>

/* As LDTILECFG reads it; whatever is unused must be 0. */
typedef struct tile_config {
    uint8_t palette;
    uint8_t start_row;
    uint8_t reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_config;
_Static_assert(sizeof(tile_config) == 64, "LDTILECFG reads 64 bytes");

/* gcc's intrinsics do not say that they read memory (or how much): without this, stores
 * to what they read could be moved behind them, or dropped. */
#define TILE_WRITTEN(from) __asm__ volatile("" : : "r"(from) : "memory")

static inline void tile_configure(const tile_config *config)
{
    TILE_WRITTEN(config);
    _tile_loadconfig(config);
}
static inline void tile_release(void)
{
    _tile_release();
}

/* Macros, as the number of a tile is part of the instruction. */
#define tile_zero(t) _tile_zero(t)
#define tile_load(t, from, stride)      \
    do {                                \
        TILE_WRITTEN(from);             \
        _tile_loadd(t, from, (stride)); \
    } while (0)
#define tile_store(t, to, stride) _tile_stored(t, to, (stride))

#endif /* GRT_KERNELS_X86_TILE_AMX_H */
