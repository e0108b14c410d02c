/* test_cpu.c - GRT_ISA caps what was found; each cap is tried in a process of its own,
 * as detection runs once. */
#include "test.h"

#include "base/cpu.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* The features under GRT_ISA=cap (NULL: unset), as the exit code of a child. */
static uint32_t features_under(const char *cap)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (cap)
            (void)setenv("GRT_ISA", cap, 1);
        else
            (void)unsetenv("GRT_ISA");
        _exit((int)grt_cpu_features());
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return (uint32_t)WEXITSTATUS(status);
}

static void caps_features(void **state)
{
    (void)state;
    uint32_t all = features_under(NULL);
    assert_int_equal(features_under("scalar"), 0);
    assert_int_equal(features_under("avx2"), all & GRT_CPU_AVX2);
    assert_int_equal(features_under("avx512"), all & (GRT_CPU_AVX2 | GRT_CPU_AVX512));
    const uint32_t arm = GRT_CPU_NEON | GRT_CPU_NEON_BF16;
    assert_int_equal(features_under("avx512_bf16"), all & ~(GRT_CPU_AMX_BF16 | arm));
    assert_int_equal(features_under("amx_bf16"), all & ~arm);
    assert_int_equal(features_under("neon"), all & GRT_CPU_NEON);
    assert_int_equal(features_under("neon_bf16"), all & arm);
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

/* A CPU that has a feature has all those before it: caps rely on it. */
static void has_all_before(void **state)
{
    (void)state;
    uint32_t found = grt_cpu_features_found();
    uint32_t x86 = found % GRT_CPU_NEON, arm = found / GRT_CPU_NEON;
    assert_int_equal(x86 & (x86 + 1), 0);
    assert_int_equal(arm & (arm + 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            caps_features), /* first: children must not inherit a detection */
        cmocka_unit_test(says_what_was_found),
        cmocka_unit_test(has_all_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
