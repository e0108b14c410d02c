/* test_linear.c - y = x * W^T + bias for every storage type against sums in double, and
 * equal bits for any number of threads, any grouping of rows and any block of y. */
#include "test.h"

#include "base/cpu.h"
#include "compute/cpu/attention.h"
#include "compute/cpu/linear.h"

#include <math.h>

static uint32_t seed = 1;

static uint32_t random_bits(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

static float random_float(void)
{
    return (float)random_bits() / 8388608.0f - 1.0f;
}

static float *random_block(size_t n)
{
    float *block = malloc(n * sizeof(*block) + !n);
    assert_non_null(block);
    for (size_t i = 0; i < n; i++)
        block[i] = random_float();
    return block;
}

/* Where a type has halfs, and the upper byte that keeps its values of order one. */
static const struct {
    size_t unit_bytes;
    int n_halfs;
    size_t at[2];
    unsigned char upper;
} halfs[GRT_DTYPE_COUNT] = {
    [GRT_DTYPE_F16] = {2, 1, {0}, 0x38},
    [GRT_DTYPE_BF16] = {2, 1, {0}, 0x3F},
    [GRT_DTYPE_Q8_0] = {34, 1, {0}, 0x20},
    [GRT_DTYPE_Q4_0] = {18, 1, {0}, 0x30},
    [GRT_DTYPE_Q4_1] = {20, 2, {0, 2}, 0x2C},
    [GRT_DTYPE_Q5_0] = {22, 1, {0}, 0x2C},
    [GRT_DTYPE_Q5_1] = {24, 2, {0, 2}, 0x28},
    [GRT_DTYPE_Q2_K] = {84, 2, {80, 82}, 0x24},
    [GRT_DTYPE_Q3_K] = {110, 1, {108}, 0x20},
    [GRT_DTYPE_Q4_K] = {144, 2, {0, 2}, 0x14},
    [GRT_DTYPE_Q5_K] = {176, 2, {0, 2}, 0x10},
    [GRT_DTYPE_Q6_K] = {210, 1, {208}, 0x0C},
};

/* Random weights of a storage type, finite and of order one; halfs have both signs. */
static void *random_weights(grt_dtype dtype, size_t n_values)
{
    uint64_t n_bytes = 0;
    assert_true(grt_dtype_bytes(&n_bytes, dtype, n_values));
    unsigned char *data = malloc(n_bytes + !n_bytes);
    assert_non_null(data);
    for (size_t i = 0; i < n_bytes; i++)
        data[i] = (unsigned char)random_bits();
    for (size_t i = 0; dtype == GRT_DTYPE_F32 && i < n_values; i++) {
        float value = random_float();
        memcpy(data + 4 * i, &value, 4);
    }
    if (dtype == GRT_DTYPE_F32) return data;
    size_t unit = halfs[dtype].unit_bytes;
    assert_true(unit > 0);
    for (unsigned char *at = data; at < data + n_bytes; at += unit)
        for (int h = 0; h < halfs[dtype].n_halfs; h++) {
            unsigned char *half = at + halfs[dtype].at[h];
            half[1] = (unsigned char)(halfs[dtype].upper | (half[0] & 0x80));
        }
    return data;
}

typedef struct shape {
    size_t rows, n_out, n_in;
} shape;

static void run(const grt_kernels *kernels, size_t n_threads,
                const grt_linear_args *args)
{
    grt_error err;
    grt_pool *pool = NULL;
    assert_ok(grt_pool_create(&pool, n_threads, &err), &err);
    size_t n =
        grt_linear_scratch_bytes(kernels, n_threads, args->n_rows, args->weight->n_in);
    void *scratch = aligned_alloc(64, (n + 63) / 64 * 64);
    assert_non_null(scratch);
    grt_linear(kernels, pool, scratch, args);
    free(scratch);
    grt_pool_free(pool);
}

static void round_to_bf16(float *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t half;
        grt_round_bf16_scalar(&half, &values[i], 1);
        uint32_t bits = (uint32_t)half << 16;
        memcpy(&values[i], &bits, sizeof(bits));
    }
}

static void round_to_int8(float *values, size_t n, float largest)
{
    enum { GROUP = 4 * GRT_INT8_GROUP };
    for (size_t first = 0; first < n; first += GROUP) {
        int8_t numbers[GROUP];
        float scale;
        int32_t sum;
        size_t n_group = n - first < GROUP ? n - first : GROUP;
        grt_quantize_scalar(numbers, &scale, &sum, values + first, n_group, largest);
        for (size_t i = 0; i < n_group; i++)
            values[first + i] = (float)numbers[i] * scale;
    }
}

/* What the kernels' arithmetic leaves of a row; `largest`: number in int8. */
static void round_row(const grt_kernels *kernels, float *row, size_t n, float largest)
{
    if (kernels->arithmetic == GRT_ARITHMETIC_BF16) round_to_bf16(row, n);
    if (kernels->arithmetic == GRT_ARITHMETIC_INT8) round_to_int8(row, n, largest);
}

static void check_values(const grt_kernels *kernels, const grt_linear_args *args,
                         const float *before)
{
    const grt_matrix *w = args->weight;
    uint64_t row_bytes = 0;
    (void)grt_dtype_bytes(&row_bytes, w->dtype, w->n_in);
    size_t n_in = w->n_in;
    float *row = malloc(n_in * sizeof(float) + 1);
    float *x = malloc(args->n_rows * n_in * sizeof(float) + 1);
    assert_true(row && x);
    for (size_t r = 0; r < args->n_rows; r++) {
        memcpy(x + r * n_in, args->x + r * args->ld_x, n_in * sizeof(float));
        round_row(kernels, x + r * n_in, n_in, 127.0f);
    }
    for (size_t o = 0; o < w->n_out; o++) {
        kernels->unpack_row[w->dtype](row, (const char *)w->data + o * row_bytes,
                                      w->n_in);
        round_row(kernels, row, n_in, kernels->largest_int8);
        for (size_t r = 0; r < args->n_rows; r++) {
            double sum = args->bias ? (double)args->bias[o] : 0.0, scale = 1.0;
            if (args->is_added) sum += (double)before[r * args->ld_y + o];
            for (size_t i = 0; i < n_in; i++) {
                double term = (double)x[r * n_in + i] * (double)row[i];
                sum += term;
                scale += fabs(term);
            }
            double found = (double)args->y[r * args->ld_y + o];
            assert_true(fabs(found - sum) < 1e-6 * scale);
        }
    }
    free(row);
    free(x);
}

static void check_shape(const grt_kernels *kernels, grt_dtype dtype, shape s,
                        int is_added)
{
    size_t ld_x = s.n_in + 3, ld_y = s.n_out + 1, n_y = s.rows * ld_y;
    void *data = random_weights(dtype, s.n_out * s.n_in);
    float *x = random_block(s.rows * ld_x), *bias = random_block(s.n_out);
    float *before = random_block(n_y), *first = malloc(n_y * sizeof(float));
    float *y = malloc(n_y * sizeof(float));
    assert_true(first && y);
    grt_matrix weight = {data, dtype, s.n_out, s.n_in};
    grt_linear_args args = {x, ld_x, s.rows,   &weight, is_added ? NULL : bias,
                            y, ld_y, is_added, 0};
    memcpy(y, before, n_y * sizeof(float));
    run(kernels, 1, &args);
    check_values(kernels, &args, before);
    memcpy(first, y, n_y * sizeof(float));
    const size_t threads[] = {2, 3, 7};
    for (size_t t = 0; t < 3; t++) {
        memcpy(y, before, n_y * sizeof(float));
        run(kernels, threads[t], &args);
        assert_memory_equal(y, first, n_y * sizeof(float));
    }
    grt_kernels tall = *kernels; /* called with other parts of y */
    tall.block_f32 = tall.block_bf16 = tall.block_int8 =
        (grt_gemm_block){GRT_GEMM_ROWS, 4 * GRT_STRIP};
    memcpy(y, before, n_y * sizeof(float));
    run(&tall, 2, &args);
    assert_memory_equal(y, first, n_y * sizeof(float));
    memcpy(y, before, n_y * sizeof(float));
    size_t split = s.rows / 3 + 1; /* two calls with some of the rows each */
    args.n_rows = split < s.rows ? split : s.rows;
    run(kernels, 2, &args);
    args.x += args.n_rows * ld_x;
    args.y += args.n_rows * ld_y;
    args.n_rows = s.rows - args.n_rows;
    run(kernels, 2, &args);
    assert_memory_equal(y, first, n_y * sizeof(float));
    free(data);
    free(x);
    free(bias);
    free(before);
    free(first);
    free(y);
}

static void test_every_storage_type_on_every_instruction_set(void **state)
{
    (void)state;
    enum { N_ODD = 7 };
    const shape odd[N_ODD] = {{1, 1, 1},     {3, 4, 0},     {5, 2, 33},
                              {13, 67, 515}, {400, 65, 70}, {3, 1030, 24},
                              {30, 20, 1029}};
    const shape blocks[] = {
        {1, 1, 256}, {13, 67, 768}, {400, 130, 256}, {2, 1030, 1280}};
    const shape small[] = {{1, 1, 32}, {13, 67, 544}, {400, 130, 64}, {2, 1030, 1056}};
    const uint32_t avx512 = GRT_CPU_AVX2 | GRT_CPU_AVX512;
    const struct {
        uint32_t features;
        grt_arithmetic asked, got;
    } sets[] = {
        {0, GRT_ARITHMETIC_AUTO, GRT_ARITHMETIC_F32},
        {0, GRT_ARITHMETIC_INT8, GRT_ARITHMETIC_F32},
        {GRT_CPU_AVX2, GRT_ARITHMETIC_AUTO, GRT_ARITHMETIC_F32},
        {GRT_CPU_AVX2, GRT_ARITHMETIC_INT8, GRT_ARITHMETIC_INT8},
        {GRT_CPU_AVX2 | GRT_CPU_AVX_VNNI, GRT_ARITHMETIC_INT8, GRT_ARITHMETIC_INT8},
        {avx512, GRT_ARITHMETIC_BF16, GRT_ARITHMETIC_F32},
        {avx512 | GRT_CPU_AVX512_VNNI, GRT_ARITHMETIC_AUTO, GRT_ARITHMETIC_F32},
        {avx512 | GRT_CPU_AVX512_VNNI, GRT_ARITHMETIC_INT8, GRT_ARITHMETIC_INT8},
        {avx512 | GRT_CPU_AVX512_BF16, GRT_ARITHMETIC_AUTO, GRT_ARITHMETIC_BF16},
        {avx512 | GRT_CPU_AVX512_BF16 | GRT_CPU_AMX_BF16, GRT_ARITHMETIC_AUTO,
         GRT_ARITHMETIC_BF16},
        {avx512 | GRT_CPU_AMX_INT8, GRT_ARITHMETIC_INT8, GRT_ARITHMETIC_INT8},
        {GRT_CPU_NEON, GRT_ARITHMETIC_AUTO, GRT_ARITHMETIC_F32},
        {GRT_CPU_NEON, GRT_ARITHMETIC_INT8, GRT_ARITHMETIC_F32},
        {GRT_CPU_NEON | GRT_CPU_NEON_DOTPROD, GRT_ARITHMETIC_INT8, GRT_ARITHMETIC_INT8},
        {GRT_CPU_NEON | GRT_CPU_NEON_I8MM, GRT_ARITHMETIC_INT8, GRT_ARITHMETIC_INT8},
        {GRT_CPU_NEON | GRT_CPU_NEON_BF16, GRT_ARITHMETIC_AUTO, GRT_ARITHMETIC_BF16},
        {GRT_CPU_NEON | GRT_CPU_NEON_BF16, GRT_ARITHMETIC_F32, GRT_ARITHMETIC_F32}};
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        if (sets[i].features & ~grt_cpu_features()) {
            printf("SKIP feature set %zu: this CPU lacks it, or GRT_ISA caps it\n", i);
            continue;
        }
        grt_kernels kernels;
        grt_kernels_choose(&kernels, sets[i].features, sets[i].asked);
        assert_int_equal(kernels.arithmetic, sets[i].got);
        for (int d = 0; d < GRT_DTYPE_COUNT; d++) {
            grt_dtype dtype = (grt_dtype)d;
            uint64_t n;
            bool is_single = grt_dtype_bytes(&n, dtype, 1);
            bool is_small = grt_dtype_bytes(&n, dtype, 32);
            const shape *shapes = is_single ? odd : is_small ? small : blocks;
            for (size_t s = 0; s < (is_single ? N_ODD : 4); s++)
                check_shape(&kernels, dtype, shapes[s], (s + (size_t)d) % 2);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_storage_type_on_every_instruction_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
