/* test_unpack.c - every variant of the block types against tests/data/blocks, which
 * tools/golden/make_blocks.py computed from the format's definition: bit for bit, any
 * NaN for a NaN, on heap blocks of exact size and at odd addresses. */
#include "test.h"

#include "base/cpu.h"
#include "compute/cpu/kernels/kernels.h"

#include <ctype.h>
#include <math.h>

enum { MIN_BLOCKS = 16 };

typedef struct sample {
    grt_dtype dtype;
    char operation[32]; /* "unpack_q4_k" */
    size_t block_values, block_bytes;
    size_t n_blocks;
    unsigned char *bytes; /* [n_blocks][block_bytes] */
    float *values;        /* [n_blocks][block_values] */
} sample;

static void *need(size_t n_bytes)
{
    void *block = malloc(n_bytes + !n_bytes);
    assert_non_null(block);
    return block;
}

static size_t bytes_of(grt_dtype dtype, size_t n_values)
{
    uint64_t n_bytes = 0;
    assert_true(grt_dtype_bytes(&n_bytes, dtype, n_values));
    return (size_t)n_bytes;
}

static size_t block_values_of(grt_dtype dtype)
{
    uint64_t n_bytes;
    size_t n = 1;
    while (!grt_dtype_bytes(&n_bytes, dtype, n))
        n++;
    return n;
}

static void sample_open(sample *s, grt_dtype dtype)
{
    char name[32] = {0}, path[512];
    const char *upper = grt_dtype_name(dtype);
    for (size_t i = 0; upper[i] && i + 1 < sizeof(name); i++)
        name[i] = (char)tolower((unsigned char)upper[i]);
    *s = (sample){.dtype = dtype, .block_values = block_values_of(dtype)};
    s->block_bytes = bytes_of(dtype, s->block_values);
    (void)snprintf(s->operation, sizeof(s->operation), "unpack_%s", name);
    (void)snprintf(path, sizeof(path), GRT_TEST_DATA "/blocks/%s.bin", name);
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s is missing", path);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size_t size = (size_t)ftell(file);
    size_t unit = s->block_bytes + s->block_values * sizeof(float);
    assert_int_equal(size % unit, 0);
    s->n_blocks = size / unit;
    assert_true(s->n_blocks >= MIN_BLOCKS);
    rewind(file);
    size_t n_values = s->n_blocks * s->block_values;
    s->bytes = need(s->n_blocks * s->block_bytes);
    s->values = need(n_values * sizeof(float));
    assert_int_equal(fread(s->bytes, s->block_bytes, s->n_blocks, file), s->n_blocks);
    assert_int_equal(fread(s->values, sizeof(float), n_values, file), n_values);
    assert_int_equal(fclose(file), 0);
}

static void sample_close(sample *s)
{
    free(s->bytes);
    free(s->values);
}

static void assert_same_values(const float *found, const float *wanted, size_t n,
                               const char *what)
{
    for (size_t i = 0; i < n; i++) {
        if (isnan(wanted[i]) ? isnan(found[i])
                             : memcmp(&found[i], &wanted[i], sizeof(float)) == 0)
            continue;
        fail_msg("%s: value %zu of %zu is %a, not %a", what, i, n, (double)found[i],
                 (double)wanted[i]);
    }
}

/* Blocks first.. of the sample, `skip` bytes into a heap block that ends with them. */
static void check_run(const sample *s, const grt_kernel_entry *entry, size_t first,
                      size_t n_blocks, size_t skip)
{
    size_t n = n_blocks * s->block_values, n_bytes = n_blocks * s->block_bytes;
    unsigned char *source = need(skip + n_bytes);
    float *found = need(n * sizeof(float));
    memcpy(source + skip, s->bytes + first * s->block_bytes, n_bytes);
    ((grt_unpack_row_fn *)entry->function)(found, source + skip, n);
    char what[96];
    (void)snprintf(what, sizeof(what), "%s %s, blocks %zu..%zu", entry->operation,
                   entry->isa, first, first + n_blocks);
    assert_same_values(found, s->values + first * s->block_values, n, what);
    free(source);
    free(found);
}

static size_t check_variants(const sample *s)
{
    grt_kernel_entry entry;
    size_t n_checked = 0;
    for (size_t i = 0; grt_kernels_entry(i, &entry); i++) {
        if (strcmp(entry.operation, s->operation) != 0) continue;
        if (entry.needs & ~grt_cpu_features()) {
            printf("SKIP %s %s: this CPU lacks it, or GRT_ISA caps it\n",
                   entry.operation, entry.isa);
            continue;
        }
        for (size_t first = 0; first < s->n_blocks; first++)
            for (size_t n = 0; n <= 3 && first + n <= s->n_blocks; n++)
                check_run(s, &entry, first, n, (first + n) % 4);
        check_run(s, &entry, 0, s->n_blocks, 1);
        n_checked++;
    }
    return n_checked;
}

/* The sample must hold what could go wrong: signs, subnormals, what is not finite. */
static void check_sample(const sample *s)
{
    size_t n = s->n_blocks * s->block_values;
    int seen[5] = {0};
    for (size_t i = 0; i < n; i++) {
        float value = s->values[i];
        seen[0] |= value < 0.0f && isfinite(value);
        seen[1] |= value > 0.0f && isfinite(value);
        seen[2] |= isnan(value) != 0;
        seen[3] |= isinf(value) != 0;
        seen[4] |= value != 0.0f && fabsf(value) < 0x1p-14f; /* of a subnormal half */
    }
    for (size_t i = 0; i < 5; i++)
        assert_true(seen[i]);
}

static void test_every_block_type(void **state)
{
    (void)state;
    size_t n_types = 0;
    for (int dtype = 0; dtype < GRT_DTYPE_COUNT; dtype++) {
        if (block_values_of((grt_dtype)dtype) == 1) continue;
        sample s;
        sample_open(&s, (grt_dtype)dtype);
        check_sample(&s);
        assert_true(check_variants(&s) >= 1);
        sample_close(&s);
        n_types++;
    }
    assert_int_equal(n_types, 10);
}

/* The struct that the engine calls through: each type has the variant of its own name.
 */
static void test_each_type_is_chosen_by_its_name(void **state)
{
    (void)state;
    grt_kernels kernels;
    grt_kernels_choose(&kernels, 0, GRT_ARITHMETIC_F32);
    for (int dtype = 0; dtype < GRT_DTYPE_COUNT; dtype++) {
        if (block_values_of((grt_dtype)dtype) == 1) continue;
        sample s;
        sample_open(&s, (grt_dtype)dtype);
        float *found = need(s.block_values * sizeof(float));
        for (size_t b = 0; b < s.n_blocks; b++) {
            kernels.unpack_row[dtype](found, s.bytes + b * s.block_bytes,
                                      s.block_values);
            assert_same_values(found, s.values + b * s.block_values, s.block_values,
                               grt_dtype_name((grt_dtype)dtype));
        }
        free(found);
        sample_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_block_type),
        cmocka_unit_test(test_each_type_is_chosen_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
