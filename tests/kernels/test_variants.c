/* test_variants.c - every variant of every operation against its scalar twin, at
 * awkward sizes, on heap blocks of exact size (sanitizers see any step past them).
 * Block types have test_unpack.c. */
#include "test.h"

#include "gemm_shapes.h"

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

/* softmax in double, straight from the formula. */
static void reference_attention(const grt_attention_args *args, double *out)
{
    for (size_t i = 0; i < args->n_queries; i++) {
        size_t n = args->is_causal ? i + 1 : args->n_keys;
        double *p = malloc(n * sizeof(*p)), most = -HUGE_VAL, sum = 0.0;
        assert_non_null(p);
        for (size_t j = 0; j < n; j++) {
            bool is_seen =
                args->window == 0 || (j <= i + args->window && i <= j + args->window);
            p[j] = is_seen ? 0.0 : -HUGE_VAL;
            if (!is_seen) continue;
            for (size_t d = 0; d < args->head_size; d++)
                p[j] += (double)args->q[i * args->ld_q + d] *
                        (double)args->k[j * args->ld_kv + d];
            p[j] *= (double)args->scale;
            most = fmax(most, p[j]);
        }
        for (size_t j = 0; j < n; j++)
            sum += p[j] = exp(p[j] - most);
        for (size_t d = 0; d < args->head_size; d++) {
            out[i * args->head_size + d] = 0.0;
            for (size_t j = 0; j < n; j++)
                out[i * args->head_size + d] +=
                    p[j] / sum * (double)args->v[j * args->ld_kv + d];
        }
        free(p);
    }
}

/* Fills `out` once more: the first third of the sequence on its own, the other queries
 * with the keys of that third as prefix; then, where there is no window, the last query
 * alone, which sees all keys with and without a mask. */
static void check_shared_prefix(grt_attention_fn *variant, grt_attention_args args,
                                float *out, void *scratch)
{
    size_t n = args.n_keys, n_prefix = n / 3;
    /* without a mask the first third sees all keys; with a window query i stands at key
     * n_prefix + i, so that it can't see them through `rest` */
    size_t skip = args.is_causal || args.window ? n_prefix : 0;
    grt_attention_args first = args, rest = args, last = args;
    first.out = rest.out = last.out = out;
    first.n_queries = n_prefix;
    if (args.is_causal) first.n_keys = n_prefix;
    variant(&first, scratch);
    rest.prefix_k = args.k;
    rest.prefix_v = args.v;
    rest.n_prefix = n_prefix;
    rest.k += n_prefix * args.ld_kv;
    rest.v += n_prefix * args.ld_kv;
    rest.n_keys = n - n_prefix;
    rest.q += skip * args.ld_q;
    rest.out += skip * args.ld_out;
    rest.n_queries = n - skip;
    variant(&rest, scratch);
    if (args.window) return;
    last.q += (n - 1) * args.ld_q;
    last.out += (n - 1) * args.ld_out;
    last.n_queries = 1;
    last.is_causal = 0;
    variant(&last, scratch);
}

static void check_attention_shape(const grt_kernel_entry *entry, size_t n, size_t head,
                                  int is_causal, size_t window)
{
    grt_attention_fn *variant = (grt_attention_fn *)entry->function;
    size_t ld_q = 2 * head + 1, ld_kv = head + 3;
    size_t q_size = (n - 1) * ld_q + head, kv_size = (n - 1) * ld_kv + head;
    float *q = random_block(q_size), *k = random_block(kv_size),
          *v = random_block(kv_size);
    float *out = random_block(q_size), *split = copy_block(out, q_size);
    double *wanted = malloc(n * head * sizeof(*wanted));
    size_t n_scratch = grt_attention_scratch_bytes(n, head);
    void *scratch = aligned_alloc(64, (n_scratch + 63) / 64 * 64);
    assert_true(wanted && scratch);
    grt_attention_args args = {.q = q,
                               .k = k,
                               .v = v,
                               .out = out,
                               .ld_q = ld_q,
                               .ld_kv = ld_kv,
                               .ld_out = ld_q,
                               .n_queries = n,
                               .n_keys = n,
                               .head_size = head,
                               .scale = 0.37f,
                               .is_causal = is_causal,
                               .window = window};
    variant(&args, scratch);
    reference_attention(&args, wanted);
    for (size_t i = 0; i < n; i++)
        for (size_t d = 0; d < head; d++)
            assert_true(fabs((double)out[i * ld_q + d] - wanted[i * head + d]) < 2e-5);
    check_shared_prefix(variant, args, split, scratch);
    for (size_t i = 0; i < q_size; i++)
        assert_true(out[i] == split[i]);
    free(q);
    free(k);
    free(v);
    free(out);
    free(split);
    free(wanted);
    free(scratch);
}

static void check_attention(const grt_kernel_entry *entry)
{
    const size_t heads[] = {1, 8, 26, 32, 64, 128};
    const size_t rows[] = {1, 2, 15, 16, 17, 63, 64, 65, 130};
    for (size_t h = 0; h < 6; h++)
        for (size_t r = 0; r < 9; r++)
            for (int is_causal = 0; is_causal < 2; is_causal++)
                check_attention_shape(entry, rows[r], heads[h], is_causal, 0);
    /* windows within a block, over one end, and so narrow that whole blocks are unseen
     */
    const size_t windows[] = {1, 7, 16, 63, 64, 65, 300};
    for (size_t w = 0; w < 7; w++)
        for (int is_causal = 0; is_causal < 2; is_causal++) {
            check_attention_shape(entry, 17, 8, is_causal, windows[w]);
            check_attention_shape(entry, 131, 26, is_causal, windows[w]);
            check_attention_shape(entry, 260, 64, is_causal, windows[w]);
        }
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
    for_each_variant("attention", check_attention);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_variants),
        cmocka_unit_test(test_rounding_to_bf16),
        cmocka_unit_test(test_quantising),
        cmocka_unit_test(test_the_expected_variants_are_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
