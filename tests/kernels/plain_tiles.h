/* plain_tiles.h - AMX's tiles in plain C, by the manual's definition (Intel 64 and
 * IA-32 Architectures Software Developer's Manual, volume 2), for tests on CPUs without
 * them.  Whatever would fault there ends the program. */
#ifndef GRT_TESTS_PLAIN_TILES_H
#define GRT_TESTS_PLAIN_TILES_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLAIN_TILES = 8, PLAIN_ROWS = 16, PLAIN_LINE = 64 };

typedef struct tile_config {
    uint8_t palette;
    uint8_t start_row;
    uint8_t reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_config;

static tile_config plain_config; /* palette 0: released */
static unsigned char plain_tiles[PLAIN_TILES][PLAIN_ROWS][PLAIN_LINE];

static void plain_check(int is_right, const char *what)
{
    if (is_right) return;
    (void)fprintf(stderr, "a tile instruction faults: %s\n", what);
    abort();
}

static void tile_configure(const tile_config *config)
{
    static const uint8_t zeros[14];
    plain_check(config->palette == 1 && config->start_row == 0, "palette");
    plain_check(memcmp(config->reserved, zeros, sizeof(zeros)) == 0, "reserved bytes");
    for (int t = 0; t < 16; t++) {
        int rows = config->rows[t], bytes = config->row_bytes[t];
        plain_check((rows == 0) == (bytes == 0), "a tile of no rows or no bytes");
        plain_check(rows <= PLAIN_ROWS && bytes <= PLAIN_LINE, "too large a tile");
        plain_check(t < PLAIN_TILES || rows == 0, "too many tiles");
    }
    plain_config = *config;
    memset(plain_tiles, 0, sizeof(plain_tiles));
}

static void tile_release(void)
{
    memset(&plain_config, 0, sizeof(plain_config));
    memset(plain_tiles, 0, sizeof(plain_tiles));
}

static void plain_check_tile(int t)
{
    plain_check(plain_config.palette == 1, "no configuration");
    plain_check(t < PLAIN_TILES && plain_config.rows[t] > 0, "tile not configured");
}

static void tile_zero(int t)
{
    plain_check_tile(t);
    memset(plain_tiles[t], 0, sizeof(plain_tiles[t]));
}

static void tile_load(int t, const void *from, size_t stride)
{
    tile_zero(t); /* what lies past the tile's rows and bytes becomes 0 */
    for (size_t r = 0; r < plain_config.rows[t]; r++)
        memcpy(plain_tiles[t][r], (const unsigned char *)from + r * stride,
               plain_config.row_bytes[t]);
}

static void tile_store(int t, void *to, size_t stride)
{
    plain_check_tile(t);
    for (size_t r = 0; r < plain_config.rows[t]; r++)
        memcpy((unsigned char *)to + r * stride, plain_tiles[t][r],
               plain_config.row_bytes[t]);
}

static float plain_flushed(float x)
{
    return fabsf(x) < 0x1p-126f ? copysignf(0.0f, x) : x;
}

/* bf16 value i of a row. */
static float plain_bf16(const unsigned char *row, size_t i)
{
    uint32_t bits = (uint32_t)row[2 * i + 1] << 24 | (uint32_t)row[2 * i] << 16;
    float value;
    memcpy(&value, &bits, sizeof(value));
    return plain_flushed(value);
}

static void plain_check_product(int sums, int a, int b)
{
    const tile_config *config = &plain_config;
    plain_check_tile(sums);
    plain_check_tile(a);
    plain_check_tile(b);
    plain_check(sums != a && sums != b && a != b, "one tile for two operands");
    plain_check(config->rows[sums] == config->rows[a], "rows of sums and a");
    plain_check(config->row_bytes[sums] == config->row_bytes[b], "columns");
    plain_check(config->row_bytes[a] == 4 * config->rows[b], "words of a and b");
}

/* TDPBF16PS: the first and the second values of the words are summed apart, then
 * together. */
static inline void plain_multiply_bf16(int sums, int a, int b)
{
    const tile_config *config = &plain_config;
    plain_check_product(sums, a, b);
    for (size_t r = 0; r < config->rows[sums]; r++)
        for (size_t c = 0; c < config->row_bytes[sums] / 4u; c++) {
            float pair[2] = {0.0f, 0.0f}, sum;
            for (size_t k = 0; k < config->rows[b]; k++)
                for (size_t i = 0; i < 2; i++)
                    pair[i] = plain_flushed(
                        fmaf(plain_bf16(plain_tiles[a][r], 2 * k + i),
                             plain_bf16(plain_tiles[b][k], 2 * c + i), pair[i]));
            memcpy(&sum, &plain_tiles[sums][r][4 * c], sizeof(sum));
            sum = plain_flushed(plain_flushed(sum) + plain_flushed(pair[0] + pair[1]));
            memcpy(&plain_tiles[sums][r][4 * c], &sum, sizeof(sum));
        }
}

/* TDPBUSD: unsigned bytes of a times signed ones of b. */
static inline void plain_multiply_int8(int sums, int a, int b)
{
    const tile_config *config = &plain_config;
    plain_check_product(sums, a, b);
    for (size_t r = 0; r < config->rows[sums]; r++)
        for (size_t c = 0; c < config->row_bytes[sums] / 4u; c++) {
            uint32_t sum;
            memcpy(&sum, &plain_tiles[sums][r][4 * c], sizeof(sum));
            for (size_t k = 0; k < config->rows[b]; k++)
                for (size_t i = 0; i < 4; i++)
                    sum += (uint32_t)(plain_tiles[a][r][4 * k + i] *
                                      (int8_t)plain_tiles[b][k][4 * c + i]);
            memcpy(&plain_tiles[sums][r][4 * c], &sum, sizeof(sum));
        }
}

#endif /* GRT_TESTS_PLAIN_TILES_H */
