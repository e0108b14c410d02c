/* tile_block.h - sums of up to 32 rows and 32 columns by units that multiply tiles: 8
 * registers of up to 16 rows of 64 bytes.  Included after a header that defines these,
 * with constant tile numbers:
 *   tile_config                        rows and bytes per row of each tile
 *   tile_configure(config)             once before, tile_release() after
 *   tile_zero(t)
 *   tile_load(t, from, stride), tile_store(t, to, stride)     stride in bytes
 *   tile_multiply_add(sums, a, b)      sums[r][c] += a[r][word] . b[word][c]
 *
 * A strip of the panel, [words][GRT_STRIP], is a pile of right-hand tiles already, and
 * 16 words of the rows are a left-hand one.  A block of y is up to 2 x 2 tiles of sums,
 * so that each tile that is loaded is used twice.
 *
 * The tiles belong to the thread, and who else uses them there is unknown: a call of a
 * kernel sets them up and leaves them released. */
#include "compute/cpu/kernels/kernels.h"

#include <string.h>

#define GRT_INLINE static inline __attribute__((always_inline))

enum {
    TILE_ROWS = 16,
    TILE_WORDS = 16, /* of a row */
    TILE_LINE = 64,  /* bytes of a row */
    TILE_BYTES = TILE_ROWS * TILE_LINE,
    BLOCK_ROWS = 2 * TILE_ROWS,
    BLOCK_COLUMNS = 2 * GRT_STRIP
};
/* Which tile is what.  Macros: intrinsics make a register's name of the number. */
#define SUMS_00 0
#define SUMS_01 1
#define SUMS_10 2
#define SUMS_11 3
#define LEFT_0  4
#define LEFT_1  5
#define RIGHT_0 6
#define RIGHT_1 7
enum { N_TILES = 8 };

_Static_assert((int)GRT_GEMM_ROWS == (int)BLOCK_ROWS,
               "the tiles are set up once a call");
_Static_assert((int)GRT_STRIP == (int)TILE_WORDS, "a strip is as wide as a tile");

/* Where operands lie, and how far it is to the next row or strip, in bytes. */
typedef struct tile_operands {
    const unsigned char *left;
    size_t left_stride;
    const unsigned char *right;
    size_t right_strip;
} tile_operands;

/* All operands of the last n_words % TILE_WORDS words, filled up with zeros. */
typedef struct tile_rest {
    _Alignas(TILE_LINE) uint32_t left[BLOCK_ROWS][TILE_WORDS];
    uint32_t right[2][TILE_WORDS][GRT_STRIP];
} tile_rest;

static size_t at_most(size_t n, size_t most)
{
    return n < most ? n : most;
}

/* The second tile of rows has what the first leaves; where that is nothing it is not
 * used, but a tile of no rows could not be set up beside the others. */
static void configure_for(size_t n_rows)
{
    tile_config config = {.palette = 1};
    size_t first = at_most(n_rows, TILE_ROWS);
    size_t second = n_rows > TILE_ROWS ? n_rows - TILE_ROWS : first;
    for (int t = 0; t < N_TILES; t++) {
        int is_second = t == SUMS_10 || t == SUMS_11 || t == LEFT_1;
        int is_right = t == RIGHT_0 || t == RIGHT_1;
        config.row_bytes[t] = TILE_LINE;
        config.rows[t] = (uint8_t)(is_right ? TILE_ROWS : is_second ? second : first);
    }
    tile_configure(&config);
}

/* TILE_WORDS words of all rows and columns of a block. */
GRT_INLINE void add_step(const int n_down, const int n_across, tile_operands from)
{
    tile_load(LEFT_0, from.left, from.left_stride);
    tile_load(RIGHT_0, from.right, TILE_LINE);
    tile_multiply_add(SUMS_00, LEFT_0, RIGHT_0);
    if (n_across == 2) {
        tile_load(RIGHT_1, from.right + from.right_strip, TILE_LINE);
        tile_multiply_add(SUMS_01, LEFT_0, RIGHT_1);
    }
    if (n_down == 1) return;
    tile_load(LEFT_1, from.left + TILE_ROWS * from.left_stride, from.left_stride);
    tile_multiply_add(SUMS_10, LEFT_1, RIGHT_0);
    if (n_across == 2) tile_multiply_add(SUMS_11, LEFT_1, RIGHT_1);
}

static void copy_rest(tile_rest *rest, tile_operands from, size_t n_rows,
                      size_t n_across, size_t n_words)
{
    memset(rest, 0, sizeof(*rest));
    for (size_t r = 0; r < n_rows; r++)
        memcpy(rest->left[r], from.left + r * from.left_stride,
               n_words * sizeof(uint32_t));
    for (size_t s = 0; s < n_across; s++)
        memcpy(rest->right[s], from.right + s * from.right_strip, n_words * TILE_LINE);
}

/* n_down and n_across are constants at each call. */
GRT_INLINE void multiply_tiles(const int n_down, const int n_across, void *sums,
                               tile_operands from, size_t n_rows, size_t n_words)
{
    enum { STRIDE = BLOCK_COLUMNS * sizeof(uint32_t) };
    tile_zero(SUMS_00);
    if (n_across == 2) tile_zero(SUMS_01);
    if (n_down == 2) tile_zero(SUMS_10);
    if (n_down == 2 && n_across == 2) tile_zero(SUMS_11);
    for (; n_words >= TILE_WORDS; n_words -= TILE_WORDS) {
        add_step(n_down, n_across, from);
        from.left += TILE_LINE;
        from.right += TILE_BYTES;
    }
    if (n_words) {
        tile_rest rest;
        copy_rest(&rest, from, n_rows, (size_t)n_across, n_words);
        tile_operands copied = {(const unsigned char *)rest.left, TILE_LINE,
                                (const unsigned char *)rest.right, TILE_BYTES};
        add_step(n_down, n_across, copied);
    }
    unsigned char *to = sums, *below = to + TILE_ROWS * STRIDE;
    tile_store(SUMS_00, to, STRIDE);
    if (n_across == 2) tile_store(SUMS_01, to + TILE_LINE, STRIDE);
    if (n_down == 1) return;
    tile_store(SUMS_10, below, STRIDE);
    if (n_across == 2) tile_store(SUMS_11, below + TILE_LINE, STRIDE);
}

/* sums [BLOCK_ROWS][BLOCK_COLUMNS], of 32 bits each = the products of so many words;
 * n_rows <= BLOCK_ROWS, n_columns <= BLOCK_COLUMNS. */
static void multiply_block(void *sums, tile_operands from, size_t n_rows,
                           size_t n_columns, size_t n_words)
{
    int is_tall = n_rows > TILE_ROWS, is_wide = n_columns > GRT_STRIP;
    if (is_tall && is_wide)
        multiply_tiles(2, 2, sums, from, n_rows, n_words);
    else if (is_tall)
        multiply_tiles(2, 1, sums, from, n_rows, n_words);
    else if (is_wide)
        multiply_tiles(1, 2, sums, from, n_rows, n_words);
    else
        multiply_tiles(1, 1, sums, from, n_rows, n_words);
}

/* y is stored only after all words. */
static void prefetch_block(const float *y, size_t ld_y, size_t n_rows, size_t n_columns)
{
    for (size_t r = 0; r < n_rows; r++) {
        __builtin_prefetch(y + r * ld_y, 1);
        __builtin_prefetch(y + r * ld_y + n_columns - 1, 1);
    }
}

GRT_INLINE void store_sums(float *restrict y, const float *restrict sums,
                           const float *restrict bias, int is_added, const size_t n)
{
    for (size_t j = 0; j < n; j++) {
        float sum = sums[j];
        if (is_added) sum += y[j];
        if (bias) sum += bias[j];
        y[j] = sum;
    }
}

static void store_block(float *y, size_t ld_y, float sums[][BLOCK_COLUMNS],
                        size_t n_rows, size_t n_columns, const float *bias,
                        int is_added)
{
    for (size_t r = 0; r < n_rows; r++)
        if (n_columns == BLOCK_COLUMNS)
            store_sums(y + r * ld_y, sums[r], bias, is_added, BLOCK_COLUMNS);
        else
            store_sums(y + r * ld_y, sums[r], bias, is_added, n_columns);
}
