/* gemm_shapes.h - a matrix kernel against its scalar twin, at awkward sizes, on heap
 * blocks of exact size; and what it takes, for the other kernels' tests. */
#ifndef GRT_TESTS_GEMM_SHAPES_H
#define GRT_TESTS_GEMM_SHAPES_H

#include "test.h"

#include "base/cpu.h"
#include "compute/cpu/kernels/kernels.h"

#include <math.h>
#include <stdbool.h>

static uint32_t seed = 1;

static float random_float(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(int32_t)seed / 1073741824.0f; /* -2..2 */
}

static float *random_block(size_t n)
{
    float *block = malloc(n * sizeof(*block) + !n);
    assert_non_null(block);
    for (size_t i = 0; i < n; i++)
        block[i] = random_float();
    return block;
}

static float *copy_block(const float *from, size_t n)
{
    float *block = malloc(n * sizeof(*block) + !n);
    assert_non_null(block);
    if (n) memcpy(block, from, n * sizeof(*block));
    return block;
}

static void assert_close(const float *found, const float *wanted, size_t n,
                         float tolerance, const char *what)
{
    for (size_t i = 0; i < n; i++) {
        float off = fabsf(found[i] - wanted[i]);
        if (!(off <= tolerance * (1.0f + fabsf(wanted[i]))))
            fail_msg("%s: value %zu of %zu is %g, not %g", what, i, n, (double)found[i],
                     (double)wanted[i]);
    }
}

static float *aligned_block(size_t n)
{
    float *block = aligned_alloc(64, (n * sizeof(*block) + 63) / 64 * 64);
    assert_non_null(block);
    return block;
}

/* Makes a word of two bf16 values of about the size of *word. */
static void round_pair(float *word)
{
    float values[2] = {*word, random_float()};
    uint16_t pair[2];
    grt_round_bf16_scalar(pair, values, 2);
    memcpy(word, pair, sizeof(pair));
}

/* On heap blocks of exact size. */
typedef struct gemm_operands {
    float *a;     /* [rows][GRT_GEMM_LD_A] */
    float *panel; /* [strips][ld_panel][GRT_STRIP], the last strip without its end */
    size_t ld_panel;
    float *bias; /* [columns] */
} gemm_operands;

static bool is_bf16(const grt_kernel_entry *entry)
{
    return strcmp(entry->operation, "gemm_bf16") == 0;
}

static bool is_int8(const grt_kernel_entry *entry)
{
    return strcmp(entry->operation, "gemm_int8") == 0;
}

/* The largest number that the variant takes from a panel. */
static int largest_int8(const grt_kernel_entry *entry)
{
    return entry->needs == GRT_CPU_AVX2 ? 63 : 127;
}

/* Fills n words with bytes first..last, both ends often. */
static void random_bytes(float *words, size_t n, int first, int last)
{
    for (size_t i = 0; i < 4 * n; i++) {
        seed = seed * 1664525u + 1013904223u;
        int value = first + (int)(seed >> 16) % (last - first + 1);
        if (seed >> 28 == 0) value = first;
        if (seed >> 28 == 1) value = last;
        ((unsigned char *)words)[i] = (unsigned char)value;
    }
}

/* Words and scales of rows; head and words of each group of a strip.  Scales stay the
 * random floats that are there. */
static void make_int8(const gemm_operands *o, size_t rows, size_t strips, size_t k,
                      int largest)
{
    for (size_t r = 0; r < rows; r++)
        random_bytes(o->a + r * GRT_GEMM_LD_A, k, 1, 255);
    for (size_t s = 0; s < strips; s++) {
        float *line = o->panel + s * o->ld_panel * GRT_STRIP;
        for (size_t i = 0; i < k; i += GRT_INT8_GROUP) {
            size_t n = k - i < GRT_INT8_GROUP ? k - i : GRT_INT8_GROUP;
            float *words = line + GRT_INT8_HEAD * GRT_STRIP;
            random_bytes(words, n * GRT_STRIP, -largest, largest);
            for (size_t c = 0; c < GRT_STRIP; c++) {
                int32_t sum = 0;
                for (size_t b = 0; b < n; b++)
                    for (size_t p = 0; p < 4; p++)
                        sum += ((const int8_t *)(words + b * GRT_STRIP + c))[p];
                sum *= -128;
                memcpy(line + c, &sum, sizeof(sum));
            }
            line = words + n * GRT_STRIP;
        }
    }
}

static size_t lines_of(const grt_kernel_entry *entry, size_t k)
{
    return is_int8(entry) ? grt_gemm_int8_lines(k) : k;
}

static gemm_operands gemm_operands_create(const grt_kernel_entry *entry, size_t rows,
                                          size_t columns, size_t k)
{
    size_t strips = (columns + GRT_STRIP - 1) / GRT_STRIP, lines = lines_of(entry, k);
    size_t ld_panel = lines + columns % 3;
    size_t n_panel = ((strips - 1) * ld_panel + lines) * GRT_STRIP;
    gemm_operands o = {aligned_block(rows * GRT_GEMM_LD_A), aligned_block(n_panel),
                       ld_panel, random_block(columns)};
    for (size_t i = 0; i < rows * GRT_GEMM_LD_A; i++)
        o.a[i] = random_float();
    for (size_t i = 0; i < n_panel; i++)
        o.panel[i] = random_float();
    if (is_int8(entry)) make_int8(&o, rows, strips, k, largest_int8(entry));
    if (!is_bf16(entry)) return o;
    for (size_t i = 0; i < rows * GRT_GEMM_LD_A; i++) /* words of two values */
        round_pair(&o.a[i]);
    for (size_t i = 0; i < n_panel; i++)
        round_pair(&o.panel[i]);
    return o;
}

static void gemm_operands_release(gemm_operands *o)
{
    free(o->a);
    free(o->panel);
    free(o->bias);
}

static void check_gemm_shape(const grt_kernel_entry *entry, size_t rows, size_t columns,
                             size_t k, int is_added)
{
    size_t ld = columns + 1, size = (rows - 1) * ld + columns;
    gemm_operands o = gemm_operands_create(entry, rows, columns, k);
    const float *bias = rows % 2 ? o.bias : NULL;
    float *found = random_block(size), *wanted = copy_block(found, size);
    grt_gemm_fn *twin = is_bf16(entry)   ? grt_gemm_bf16_scalar
                        : is_int8(entry) ? grt_gemm_int8_scalar
                                         : grt_gemm_f32_scalar;
    ((grt_gemm_fn *)entry->function)(found, ld, o.a, rows, o.panel, o.ld_panel, columns,
                                     k, bias, is_added);
    twin(wanted, ld, o.a, rows, o.panel, o.ld_panel, columns, k, bias, is_added);
    if (is_int8(entry))
        assert_memory_equal(found, wanted, size * sizeof(*found));
    else
        assert_close(found, wanted, size, 1e-5f * (float)sqrt((double)k), entry->isa);
    free(found);
    free(wanted);
    gemm_operands_release(&o);
}

/* A row has the same bits in one call with all others, in groups, and alone. */
static void check_gemm_groups(const grt_kernel_entry *entry, size_t columns, size_t k)
{
    grt_gemm_fn *variant = (grt_gemm_fn *)entry->function;
    enum { ROWS = GRT_GEMM_ROWS };
    gemm_operands o = gemm_operands_create(entry, ROWS, columns, k);
    float *whole = random_block(ROWS * columns), *parts = random_block(ROWS * columns);
    variant(whole, columns, o.a, ROWS, o.panel, o.ld_panel, columns, k, o.bias, 0);
    for (size_t group = 1; group < ROWS; group += 2) {
        for (size_t r = 0; r < ROWS; r += group)
            variant(parts + r * columns, columns, o.a + r * GRT_GEMM_LD_A,
                    ROWS - r < group ? ROWS - r : group, o.panel, o.ld_panel, columns,
                    k, o.bias, 0);
        assert_memory_equal(parts, whole, ROWS * columns * sizeof(*whole));
        memset(parts, 0, ROWS * columns * sizeof(*parts));
    }
    free(whole);
    free(parts);
    gemm_operands_release(&o);
}

/* Zero words at the end of rows, and GRT_GEMM_ZEROS at their start, change no bit. */
static void check_gemm_zeros(const grt_kernel_entry *entry, size_t columns)
{
    grt_gemm_fn *variant = (grt_gemm_fn *)entry->function;
    enum { ROWS = 5, K = 75, SKIP = GRT_GEMM_ZEROS };
    gemm_operands o = gemm_operands_create(entry, ROWS, columns, K);
    float *whole = random_block(ROWS * columns), *part = random_block(ROWS * columns);
    for (size_t r = 0; r < ROWS; r++)
        memset(o.a + r * GRT_GEMM_LD_A, 0, SKIP * sizeof(float));
    for (size_t n = K - SKIP; n-- > 0;) { /* words between the zeros */
        for (size_t r = 0; r < ROWS; r++)
            memset(o.a + r * GRT_GEMM_LD_A + SKIP + n, 0, sizeof(float));
        variant(whole, columns, o.a, ROWS, o.panel, o.ld_panel, columns, K, NULL, 0);
        variant(part, columns, o.a + SKIP, ROWS, o.panel + SKIP * GRT_STRIP, o.ld_panel,
                columns, n, NULL, 0);
        assert_memory_equal(part, whole, ROWS * columns * sizeof(*whole));
    }
    free(whole);
    free(part);
    gemm_operands_release(&o);
}

static void check_gemm(const grt_kernel_entry *entry)
{
    for (size_t rows = 1; rows <= GRT_GEMM_ROWS; rows++)
        for (size_t columns = 1; columns <= 130; columns += columns < 70 ? 1 : 13)
            check_gemm_shape(entry, rows, columns, 1 + (rows * columns) % 40,
                             columns % 2);
    check_gemm_shape(entry, 12, 128, GRT_GEMM_WORDS, 0);
    check_gemm_shape(entry, 7, 33, GRT_GEMM_WORDS, 1);
    check_gemm_shape(entry, 3, 20, 0, 1);
    grt_gemm_fn *variant = (grt_gemm_fn *)entry->function;
    float *none = aligned_block(1); /* no rows, or no columns */
    variant(none, 1, none, 0, none, 5, 7, 5, NULL, 0);
    variant(none, 1, none, 2, none, 5, 0, 5, NULL, 0);
    free(none);
    check_gemm_groups(entry, 64, GRT_GEMM_WORDS);
    check_gemm_groups(entry, 37, 75);
    check_gemm_groups(entry, 5, 3);
    if (is_int8(entry)) return;
    check_gemm_zeros(entry, 70);
    check_gemm_zeros(entry, 9);
}

#endif /* GRT_TESTS_GEMM_SHAPES_H */
