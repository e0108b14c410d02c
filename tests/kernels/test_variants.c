/* test_variants.c - every variant of every operation against its scalar twin, at
 * awkward sizes, on heap blocks of exact size (sanitizers see any step past them).
 * Block types have test_unpack.c. */
#include "test.h"

#include "attention_shapes.h"

enum { MAX_N = 4 * 16 + 3 };

typedef void check_fn(const grt_kernel_entry *entry);

/* Runs `check` for every variant of `operation` that this machine can run. */
static void for_each_variant(const char *operation, check_fn *check)
{
    grt_kernel_entry entry;
    int n_checked = 0;
    for (size_t i = 0; grt_kernels_entry(i, &entry); i++) {
        if (strcmp(entry.operation, operation) != 0) continue;
        if (entry.needs & ~grt_cpu_features()) {
            printf("SKIP %s %s: this CPU lacks it, or GRT_ISA caps it\n", operation,
                   entry.isa);
            continue;
        }
        check(&entry);
        n_checked++;
    }
    assert_true(n_checked >= 1);
}

static void check_layer_norm(const grt_kernel_entry *entry)
{
    grt_layer_norm_fn *variant = (grt_layer_norm_fn *)entry->function;
    for (size_t n = 1; n <= MAX_N; n++) {
        size_t ld = n + 5, size = 2 * ld + n;
        float *x = random_block(size), *weight = random_block(n),
              *bias = random_block(n);
        float *found = copy_block(x, size), *wanted = copy_block(x, size);
        variant(found, ld, x, ld, weight, bias, 1e-6f, 3, n);
        grt_layer_norm_scalar(wanted, ld, x, ld, weight, bias, 1e-6f, 3, n);
        assert_close(found, wanted, size, n < 3 ? 1e-2f : 2e-5f, entry->isa);
        variant(x, ld, x, ld, weight, bias, 1e-6f, 3, n); /* in place */
        assert_memory_equal(x, found, size * sizeof(*x));
        free(x);
        free(weight);
        free(bias);
        free(found);
        free(wanted);
    }
}

static void check_rms_norm(const grt_kernel_entry *entry)
{
    grt_rms_norm_fn *variant = (grt_rms_norm_fn *)entry->function;
    for (size_t n = 1; n <= MAX_N; n++) {
        size_t ld = n + 3, size = 2 * ld + n;
        float *x = random_block(size), *weight = random_block(n);
        float *found = copy_block(x, size), *wanted = copy_block(x, size);
        variant(found, ld, x, ld, weight, 1e-6f, 3, n);
        grt_rms_norm_scalar(wanted, ld, x, ld, weight, 1e-6f, 3, n);
        assert_close(found, wanted, size, 1e-5f, entry->isa);
        free(x);
        free(weight);
        free(found);
        free(wanted);
    }
}

static void check_gelu(const grt_kernel_entry *entry)
{
    grt_gelu_fn *variant = (grt_gelu_fn *)entry->function;
    for (size_t n = 0; n <= MAX_N; n++) {
        float *x = random_block(n);
        for (size_t i = 0; i < n; i++)
            x[i] *= 6.0f;
        if (n > 2) {
            x[0] = 1e-40f;
            x[1] = -90.0f;
            x[2] = 90.0f;
        }
        float *wanted = copy_block(x, n);
        variant(x, n);
        for (size_t i = 0; i < n; i++) {
            double v = (double)wanted[i];
            wanted[i] = (float)(0.5 * v * (1.0 + erf(v * 0.70710678118654752)));
        }
        assert_close(x, wanted, n, 1e-6f, entry->isa);
        free(x);
        free(wanted);
    }
}

static void check_silu_mul(const grt_kernel_entry *entry)
{
    grt_silu_mul_fn *variant = (grt_silu_mul_fn *)entry->function;
    for (size_t n = 0; n <= MAX_N; n++) {
        float *gate = random_block(n), *up = random_block(n);
        for (size_t i = 0; i < n; i++)
            gate[i] *= 10.0f;
        if (n > 1) {
            gate[0] = -200.0f;
            gate[1] = 200.0f;
        }
        float *wanted = copy_block(gate, n);
        variant(gate, up, n);
        grt_silu_mul_scalar(wanted, up, n);
        assert_close(gate, wanted, n, 2e-6f, entry->isa);
        free(gate);
        free(up);
        free(wanted);
    }
}

/* Against the formula in double; where its two terms cancel, on the negative side, the
 * scalar twin loses what the vectors keep. */
static void check_gelu_tanh_mul(const grt_kernel_entry *entry)
{
    grt_gelu_tanh_mul_fn *variant = (grt_gelu_tanh_mul_fn *)entry->function;
    const float odd[] = {-200.0f, 200.0f, 0.0f, 1e-40f, -3e13f, 3e13f};
    for (size_t n = 0; n <= MAX_N; n++) {
        float *gate = random_block(n), *up = random_block(n);
        for (size_t i = 0; i < n; i++)
            gate[i] *= 6.0f;
        for (size_t i = 0; i < n && i < sizeof(odd) / sizeof(odd[0]); i++)
            gate[n - 1 - i] = odd[i];
        float *wanted = malloc(n * sizeof(*wanted) + !n);
        assert_non_null(wanted);
        for (size_t i = 0; i < n; i++) {
            double g = (double)gate[i];
            double y = sqrt(2.0 / 3.14159265358979324) * (g + 0.044715 * g * g * g);
            wanted[i] = (float)(0.5 * g * (1.0 + tanh(y)) * (double)up[i]);
        }
        variant(gate, up, n);
        assert_close(gate, wanted, n, 2e-6f, entry->isa);
        free(gate);
        free(up);
        free(wanted);
    }
}

static void check_rope(const grt_kernel_entry *entry)
{
    grt_rope_fn *variant = (grt_rope_fn *)entry->function;
    for (size_t n = 0; n <= 2 * MAX_N; n += 2) {
        float *x = random_block(n), *c = random_block(n / 2), *s = random_block(n / 2);
        float *wanted = copy_block(x, n);
        variant(x, c, s, n);
        grt_rope_scalar(wanted, c, s, n);
        assert_close(x, wanted, n, 1e-6f, entry->isa);
        free(x);
        free(c);
        free(s);
        free(wanted);
    }
}

static void check_add(const grt_kernel_entry *entry)
{
    grt_add_fn *variant = (grt_add_fn *)entry->function;
    for (size_t n = 0; n <= MAX_N; n++) {
        float *y = random_block(n), *x = random_block(n), *wanted = copy_block(y, n);
        variant(y, x, n);
        grt_add_scalar(wanted, x, n);
        if (n) assert_memory_equal(y, wanted, n * sizeof(*y));
        free(y);
        free(x);
        free(wanted);
    }
}

/* All 65,536 values of a 16-bit type, bit for bit (any NaN for a NaN). */
static void check_all_16_bit(grt_unpack_row_fn *variant, grt_unpack_row_fn *scalar)
{
    enum { N = 65536 };
    uint16_t *values = malloc(N * sizeof(*values));
    float *found = malloc(N * sizeof(float)), *wanted = malloc(N * sizeof(float));
    assert_true(values && found && wanted);
    for (size_t i = 0; i < N; i++)
        values[i] = (uint16_t)i;
    variant(found, values, N);
    scalar(wanted, values, N);
    for (size_t i = 0; i < N; i++)
        assert_true(isnan(wanted[i]) ? isnan(found[i])
                                     : memcmp(&found[i], &wanted[i], 4) == 0);
    for (size_t n = 0; n <= MAX_N; n++) {
        uint16_t *exact = malloc(2 * n + !n);
        float *out = malloc(4 * n + !n);
        assert_true(exact && out);
        if (n) memcpy(exact, values + 15000, 2 * n);
        variant(out, exact, n);
        if (n) assert_memory_equal(out, wanted + 15000, 4 * n);
        free(exact);
        free(out);
    }
    free(values);
    free(found);
    free(wanted);
}

static void check_f16(const grt_kernel_entry *entry)
{
    check_all_16_bit((grt_unpack_row_fn *)entry->function, grt_unpack_f16_scalar);
}

static void check_bf16(const grt_kernel_entry *entry)
{
    check_all_16_bit((grt_unpack_row_fn *)entry->function, grt_unpack_bf16_scalar);
}

/* Every kind of value, at every length up to a few vectors. */
static void check_round_bf16(const grt_kernel_entry *entry)
{
    const uint32_t odd[] = {0,          0x80000000, 0x00000001, 0x807FFFFF, 0x00800000,
                            0x7F800000, 0xFF800000, 0x7F800001, 0xFFC12345, 0x7F7FFFFF,
                            0x3F808000, 0x3F818000, 0x3F808001, 0x3F807FFF};
    for (size_t n = 0; n <= MAX_N; n++) {
        float *src = random_block(n);
        for (size_t i = 0; i < n; i += 3)
            memcpy(&src[i], &odd[(i / 3 + n) % (sizeof(odd) / sizeof(odd[0]))], 4);
        uint16_t *found = malloc(2 * n + !n), *wanted = malloc(2 * n + !n);
        assert_true(found && wanted);
        ((grt_round_bf16_fn *)entry->function)(found, src, n);
        grt_round_bf16_scalar(wanted, src, n);
        assert_memory_equal(found, wanted, 2 * n);
        free(src);
        free(found);
        free(wanted);
    }
}

/* Bit for bit, at every length around a group, with values of every kind. */
static void check_quantize(const grt_kernel_entry *entry)
{
    enum { MAX = 2 * 4 * GRT_INT8_GROUP + 70, MAX_GROUPS = 3 };
    const float odd[] = {0.0f, -0.0f, 1e-38f, 3e38f, 1e-29f, INFINITY, NAN};
    for (size_t n = 0; n <= MAX; n += n < 70 ? 1 : 61)
        for (size_t o = 0; o <= sizeof(odd) / sizeof(odd[0]); o++) {
            float *src = random_block(n), found_scales[MAX_GROUPS],
                  wanted_scales[MAX_GROUPS];
            int32_t found_sums[MAX_GROUPS], wanted_sums[MAX_GROUPS];
            size_t n_groups = (n + 4 * GRT_INT8_GROUP - 1) / (4 * GRT_INT8_GROUP);
            size_t n_bytes = (n + 3) / 4 * 4;
            int8_t *found = malloc(n_bytes + 1), *wanted = malloc(n_bytes + 1);
            assert_true(found && wanted);
            for (size_t i = n / 3; o > 0 && i < n; i += 300)
                src[i] = odd[o - 1];
            float largest = o % 2 ? 127.0f : 63.0f;
            ((grt_quantize_fn *)entry->function)(found, found_scales, found_sums, src,
                                                 n, largest);
            grt_quantize_scalar(wanted, wanted_scales, wanted_sums, src, n, largest);
            assert_memory_equal(found, wanted, n_bytes);
            assert_memory_equal(found_sums, wanted_sums, n_groups * 4);
            for (size_t g = 0; g < n_groups; g++)
                assert_true(found_scales[g] == wanted_scales[g] ||
                            (isnan(found_scales[g]) && isnan(wanted_scales[g])));
            free(src);
            free(found);
            free(wanted);
        }
}

/* The scalar twin itself, by hand. */
static void test_quantising(void **state)
{
    (void)state;
    const float values[] = {-2.54f, 1.27f, 0.011f, 0.0f, 0.03f, 2.0f};
    const int8_t wanted[] = {-127, 64, 1, 0, 2, 100, 0, 0}; /* 63.5 and 1.5 to even */
    int8_t found[8];
    float scale;
    int32_t sum;
    grt_quantize_scalar(found, &scale, &sum, values, 6, 127.0f);
    assert_memory_equal(found, wanted, sizeof(wanted));
    assert_true(fabsf(scale - 0.02f) < 1e-9f);
    assert_int_equal(sum, -127 + 64 + 1 + 2 + 100);
}

/* The scalar twin itself, by hand. */
static void test_rounding_to_bf16(void **state)
{
    (void)state;
    const struct {
        uint32_t from;
        uint16_t to;
    } cases[] = {{0x3F800000, 0x3F80}, {0x3F808000, 0x3F80}, {0x3F818000, 0x3F82},
                 {0x3F808001, 0x3F81}, {0x3F807FFF, 0x3F80}, {0x7F7FFFFF, 0x7F80},
                 {0x00000001, 0},      {0x807FFFFF, 0x8000}, {0x00800000, 0x0080},
                 {0x7F800001, 0x7FC0}, {0xFF800000, 0xFF80}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        float value;
        uint16_t found;
        memcpy(&value, &cases[i].from, 4);
        grt_round_bf16_scalar(&found, &value, 1);
        assert_int_equal(found, cases[i].to);
    }
}

static void check_pack_strip(const grt_kernel_entry *entry)
{
    for (size_t k = 0; k <= MAX_N; k++) {
        size_t ld = k + 3, size = (GRT_STRIP - 1) * ld + k;
        float *rows = random_block(size), *strip = random_block(k * GRT_STRIP);
        ((grt_pack_strip_fn *)entry->function)(strip, rows, ld, k);
        for (size_t i = 0; i < k * GRT_STRIP; i++)
            assert_true(strip[i] == rows[i % GRT_STRIP * ld + i / GRT_STRIP]);
        free(rows);
        free(strip);
    }
}

/* A row of scores in one piece, and in pieces that raise the largest again and again.
 */
static void check_softmax(const grt_kernel_entry *entry)
{
    grt_softmax_fn *variant = (grt_softmax_fn *)entry->function;
    for (size_t n = 1; n <= MAX_N; n++)
        for (size_t piece = 1; piece <= n; piece += 1 + piece / 3) {
            float *x = random_block(n), *wanted = copy_block(x, n);
            float most = -INFINITY, sum = 0.0f, all_most = -INFINITY, all_sum = 0.0f;
            for (size_t i = 0; i < n; i += piece) {
                size_t left = n - i < piece ? n - i : piece;
                float shrink = variant(x + i, left, 3.0f, 0, &most, &sum);
                for (size_t j = 0; j < i; j++)
                    x[j] *= shrink;
            }
            float first = grt_softmax_scalar(wanted, n, 3.0f, 0, &all_most, &all_sum);
            assert_true(first == 0.0f);
            assert_close(x, wanted, n, 5e-6f, entry->isa);
            assert_close(&sum, &all_sum, 1, 5e-6f, entry->isa);
            assert_close(&most, &all_most, 1, 0.0f, entry->isa);
            free(x);
            free(wanted);
        }
}

/* Weights in bf16 are numbers of bf16, the nearest to those in f32, and are what is
 * summed. */
static void check_bf16_weights(const grt_kernel_entry *entry)
{
    enum { N = 1000 };
    float *x = random_block(N), *exact = copy_block(x, N);
    float most = -INFINITY, sum = 0.0f, exact_sum = 0.0f, exact_most = -INFINITY;
    for (size_t i = 0; i < N; i++) /* down to weights of 1e-38 */
        x[i] = exact[i] = x[i] * (float)(i % 45);
    (void)((grt_softmax_fn *)entry->function)(x, N, 1.0f, 1, &most, &sum);
    (void)grt_softmax_scalar(exact, N, 1.0f, 0, &exact_most, &exact_sum);
    double wanted = 0.0;
    for (size_t i = 0; i < N; i++) {
        uint16_t half;
        float back;
        grt_round_bf16_scalar(&half, &x[i], 1);
        grt_unpack_bf16_scalar(&back, &half, 1);
        if (exact[i] > 1e-30f) {
            assert_true(back == x[i]);
            assert_true(fabsf(x[i] - exact[i]) <= exact[i] * (1.0f / 256.0f + 1e-5f));
        }
        wanted += (double)x[i];
    }
    assert_true(fabs((double)sum - wanted) < 1e-5 * wanted);
    free(x);
    free(exact);
}

static void test_all_variants(void **state)
{
    (void)state;
    for_each_variant("layer_norm", check_layer_norm);
    for_each_variant("rms_norm", check_rms_norm);
    for_each_variant("gelu", check_gelu);
    for_each_variant("silu_mul", check_silu_mul);
    for_each_variant("gelu_tanh_mul", check_gelu_tanh_mul);
    for_each_variant("rope", check_rope);
    for_each_variant("add", check_add);
    for_each_variant("unpack_f16", check_f16);
    for_each_variant("unpack_bf16", check_bf16);
    for_each_variant("gemm_f32", check_gemm);
    for_each_variant("gemm_bf16", check_gemm);
    for_each_variant("gemm_int8", check_gemm);
    for_each_variant("round_bf16", check_round_bf16);
    for_each_variant("quantize", check_quantize);
    for_each_variant("pack_strip", check_pack_strip);
    for_each_variant("softmax", check_softmax);
    for_each_variant("softmax", check_bf16_weights);
}

/* The scalar twin itself: weights of 1, 2, 4 and of a later 8. */
static void test_softmax_in_pieces(void **state)
{
    (void)state;
    const float ln2 = 0.693147180559945f;
    float x[] = {0.0f, 1.0f, 2.0f}, later = 3.0f, largest = -INFINITY, sum = 0.0f;
    const float wanted[] = {0.25f, 0.5f, 1.0f};
    assert_true(grt_softmax_scalar(x, 3, ln2, 0, &largest, &sum) == 0.0f);
    assert_close(x, wanted, 3, 1e-6f, "scalar");
    assert_true(fabsf(sum - 1.75f) < 1e-6f);
    float shrink = grt_softmax_scalar(&later, 1, ln2, 0, &largest, &sum);
    assert_true(fabsf(shrink - 0.5f) < 1e-6f && later == 1.0f);
    assert_true(fabsf(sum - 1.875f) < 1e-6f);
    assert_true(fabsf(largest - 3.0f * ln2) < 1e-6f);
}

static void test_attention(void **state)
{
    (void)state;
    const uint32_t avx512 = GRT_CPU_AVX2 | GRT_CPU_AVX512;
    const uint32_t bf16 = avx512 | GRT_CPU_AVX512_BF16;
    const uint32_t sets[] = {0,
                             GRT_CPU_AVX2,
                             avx512,
                             bf16,
                             bf16 | GRT_CPU_AMX_BF16,
                             GRT_CPU_NEON,
                             GRT_CPU_NEON | GRT_CPU_NEON_BF16};
    grt_kernels kernels;
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        if (sets[i] & ~grt_cpu_features()) {
            printf(
                "SKIP attention, feature set %zu: this CPU lacks it, or GRT_ISA caps "
                "it\n",
                i);
            continue;
        }
        grt_kernels_choose(&kernels, sets[i], GRT_ARITHMETIC_AUTO);
        check_attention(&kernels, SIZE_MAX);
    }
    grt_kernels_choose(&kernels, 0, GRT_ARITHMETIC_F32);
    kernels.gemm_bf16 = grt_gemm_bf16_scalar;
    kernels.block_bf16 = kernels.block_f32;
    check_attention(&kernels, 300);
}

/* A build that lost a variant must not pass. */
static void test_the_expected_variants_are_there(void **state)
{
    (void)state;
#if defined(__x86_64__)
    const char *const wanted[] = {"avx512", "avx2", "scalar"};
    const char *const bf16[] = {"amx_bf16", "avx512_bf16", "scalar", /* gemm_bf16 */
                                "avx512_bf16", "scalar"};            /* round_bf16 */
    const char *const int8[] = {"amx_int8", "avx512_vnni", "avx_vnni", "avx2",
                                "scalar"};
#elif defined(__aarch64__)
    const char *const wanted[] = {"neon", "scalar"};
    const char *const bf16[] = {"neon_bf16", "scalar", "neon_bf16", "scalar"};
    const char *const int8[] = {"neon_i8mm", "neon_dotprod", "scalar"};
#endif
#if defined(__x86_64__) || defined(__aarch64__)
    const size_t n_wanted = sizeof(wanted) / sizeof(wanted[0]);
    grt_kernel_entry entry;
    size_t at = 0, n_operations = 0, n_bf16 = 0, n_int8 = 0;
    for (size_t i = 0; grt_kernels_entry(i, &entry); i++) {
        if (strcmp(entry.operation, "unpack_f32") == 0) continue; /* a copy */
        if (strstr(entry.operation, "_bf16") && !strstr(entry.operation, "unpack")) {
            assert_true(n_bf16 < sizeof(bf16) / sizeof(bf16[0]));
            assert_string_equal(entry.isa, bf16[n_bf16++]);
            continue;
        }
        if (strcmp(entry.operation, "gemm_int8") == 0) {
            assert_true(n_int8 < sizeof(int8) / sizeof(int8[0]));
            assert_string_equal(entry.isa, int8[n_int8++]);
            continue;
        }
        assert_string_equal(entry.isa, wanted[at]);
        at = (at + 1) % n_wanted;
        n_operations += at == 0;
    }
    assert_int_equal(at, 0);
    assert_int_equal(n_operations, 23);
    assert_int_equal(n_bf16, sizeof(bf16) / sizeof(bf16[0]));
    assert_int_equal(n_int8, sizeof(int8) / sizeof(int8[0]));
#else
    skip();
#endif
}

/* Whatever a CPU has, a variant that it can run is found for every operation: the last
 * of each list needs nothing. */
static void test_every_list_ends_with_what_runs_anywhere(void **state)
{
    (void)state;
    grt_kernel_entry entry, next;
    for (size_t i = 0; grt_kernels_entry(i, &entry); i++) {
        bool is_last = !grt_kernels_entry(i + 1, &next) ||
                       strcmp(next.operation, entry.operation) != 0;
        if (is_last != (entry.needs == 0))
            fail_msg("%s, %s: needs %x, and is %sthe last", entry.operation, entry.isa,
                     (unsigned)entry.needs, is_last ? "" : "not ");
    }
}

/* Function pointers of the choice, for each set of features that a CPU might have. */
static void test_every_set_of_features_has_a_choice(void **state)
{
    (void)state;
    for (uint32_t features = 0; features < 1u << 11; features++) {
        grt_kernels k;
        grt_kernels_choose(&k, features, GRT_ARITHMETIC_AUTO);
        for (int type = 0; type < GRT_DTYPE_OTHER; type++)
            assert_non_null(k.unpack_row[type]);
        assert_non_null(k.gemm_f32);
        assert_true(k.gemm_bf16 || k.arithmetic != GRT_ARITHMETIC_BF16);
        assert_true(k.gemm_int8 || k.arithmetic != GRT_ARITHMETIC_INT8);
        assert_true(k.quantize && k.round_bf16 && k.pack_strip && k.layer_norm &&
                    k.rms_norm && k.gelu && k.silu_mul && k.gelu_tanh_mul && k.rope &&
                    k.add && k.softmax && k.isa);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_variants),
        cmocka_unit_test(test_rounding_to_bf16),
        cmocka_unit_test(test_quantising),
        cmocka_unit_test(test_softmax_in_pieces),
        cmocka_unit_test(test_attention),
        cmocka_unit_test(test_the_expected_variants_are_there),
        cmocka_unit_test(test_every_list_ends_with_what_runs_anywhere),
        cmocka_unit_test(test_every_set_of_features_has_a_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
