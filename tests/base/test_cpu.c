/* test_cpu.c - GRT_ISA caps what was found; each cap is tried in a process of its own,
 * as detection runs once. */
#include "test.h"

#include "base/cpu.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* The features under GRT_ISA=cap (NULL: unset), as a child finds them. */
static uint32_t features_under(const char *cap)
{
    int ends[2];
    uint32_t features = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (cap)
            (void)setenv("GRT_ISA", cap, 1);
        else
            (void)unsetenv("GRT_ISA");
        features = grt_cpu_features();
        _exit(write(ends[1], &features, sizeof(features)) != sizeof(features));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(ends[0], &features, sizeof(features)), sizeof(features));
    close(ends[0]);
    close(ends[1]);
    return features;
}

static void caps_features(void **state)
{
    (void)state;
    uint32_t all = features_under(NULL);
    assert_int_equal(features_under("scalar"), 0);
    assert_int_equal(features_under("avx2"), all & GRT_CPU_AVX2);
    const uint32_t avx512 = GRT_CPU_AVX2 | GRT_CPU_AVX_VNNI | GRT_CPU_AVX512;
    const uint32_t dotprod = GRT_CPU_NEON | GRT_CPU_NEON_DOTPROD;
    const uint32_t arm = dotprod | GRT_CPU_NEON_BF16 | GRT_CPU_NEON_I8MM;
    assert_int_equal(features_under("avx_vnni"), all & avx512 & ~GRT_CPU_AVX512);
    assert_int_equal(features_under("avx512"), all & avx512);
    assert_int_equal(features_under("avx512_vnni"),
                     all & (avx512 | GRT_CPU_AVX512_VNNI));
    const uint32_t amx = GRT_CPU_AMX_BF16 | GRT_CPU_AMX_INT8;
    assert_int_equal(features_under("avx512_bf16"), all & ~(amx | arm));
    assert_int_equal(features_under("amx_bf16"), all & ~(GRT_CPU_AMX_INT8 | arm));
    assert_int_equal(features_under("amx_int8"), all & ~arm);
    assert_int_equal(features_under("neon"), all & GRT_CPU_NEON);
    assert_int_equal(features_under("neon_dotprod"), all & dotprod);
    assert_int_equal(features_under("neon_bf16"), all & (dotprod | GRT_CPU_NEON_BF16));
    assert_int_equal(features_under("neon_i8mm"), all & arm);
    assert_int_equal(features_under("nonsense"), all);
    assert_int_equal(grt_cpu_features_found(), all);
    assert_int_equal(grt_cpu_features() & ~all, 0);
}

static void says_what_was_found(void **state)
{
    (void)state;
    const char *text = grt_cpu_features_text();
    uint32_t found = grt_cpu_features_found();
    assert_int_equal(strstr(text, "avx2") != NULL, (found & GRT_CPU_AVX2) != 0);
    assert_int_equal(strstr(text, "avx512") != NULL, (found & GRT_CPU_AVX512) != 0);
    assert_int_equal(strstr(text, "avx512_bf16") != NULL,
                     (found & GRT_CPU_AVX512_BF16) != 0);
    assert_int_equal(strstr(text, "amx_bf16") != NULL, (found & GRT_CPU_AMX_BF16) != 0);
    assert_int_equal(strstr(text, "neon") != NULL, (found & GRT_CPU_NEON) != 0);
    assert_int_equal(strstr(text, "neon_bf16") != NULL,
                     (found & GRT_CPU_NEON_BF16) != 0);
#if defined(__aarch64__)
    assert_true(found & GRT_CPU_NEON);
#endif
}

/* Variants of a later feature use the instructions of these, too. */
static void has_what_it_builds_on(void **state)
{
    (void)state;
    const uint32_t on[][2] = {
        {GRT_CPU_AVX_VNNI, GRT_CPU_AVX2},      {GRT_CPU_AVX512, GRT_CPU_AVX2},
        {GRT_CPU_AVX512_VNNI, GRT_CPU_AVX512}, {GRT_CPU_AVX512_BF16, GRT_CPU_AVX512},
        {GRT_CPU_AMX_BF16, GRT_CPU_AVX512},    {GRT_CPU_AMX_INT8, GRT_CPU_AVX512},
        {GRT_CPU_NEON_DOTPROD, GRT_CPU_NEON},  {GRT_CPU_NEON_BF16, GRT_CPU_NEON},
        {GRT_CPU_NEON_I8MM, GRT_CPU_NEON}};
    uint32_t found = grt_cpu_features_found();
    for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++)
        if (found & on[i][0]) assert_true(found & on[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            caps_features), /* first: children must not inherit a detection */
        cmocka_unit_test(says_what_was_found),
        cmocka_unit_test(has_what_it_builds_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
