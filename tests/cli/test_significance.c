/* test_significance.c - the generator, intervals and tests with known answers. */
#include "eval/significance.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>

/* The first numbers of the published generator with seed 1234567. */
static void test_generator(void **state)
{
    (void)state;
    cli_random random = {1234567};
    assert_true(cli_random_next(&random) == 6457827717110365317ULL);
    assert_true(cli_random_next(&random) == 3203168211198807973ULL);
    assert_true(cli_random_next(&random) == 9817491932198370423ULL);
}

static void test_below(void **state)
{
    (void)state;
    cli_random random = {7};
    size_t counts[6] = {0};
    for (size_t i = 0; i < 60000; i++)
        counts[cli_random_below(&random, 6)]++;
    for (size_t i = 0; i < 6; i++)
        assert_in_range(counts[i], 9600, 10400); /* 4 standard deviations */
    assert_true(cli_random_below(&random, 1) == 0);
}

/* The mean of n numbers of variance v spreads as sqrt(v / n). */
static void test_interval(void **state)
{
    (void)state;
    enum { N = 400, M = 3 };
    static double values[N * M];
    for (size_t i = 0; i < N; i++) {
        values[i * M] = i % 2 ? 1 : 0;
        values[i * M + 1] = 3;
        values[i * M + 2] = sqrt((double)i); /* no two samples have the same sum */
    }
    double low[M], high[M], again_low[M], again_high[M];
    assert_true(cli_bootstrap(values, N, M, 1, low, high));
    double expected = 1.959964 * 0.5 / 20;
    assert_true(fabs(0.5 - low[0] - expected) < 0.002);
    assert_true(fabs(high[0] - 0.5 - expected) < 0.002);
    assert_true(low[1] >= 3 && high[1] <= 3);
    assert_true(cli_bootstrap(values, N, M, 1, again_low, again_high));
    assert_memory_equal(low, again_low, sizeof low);
    assert_memory_equal(high, again_high, sizeof high);
    assert_true(cli_bootstrap(values, N, M, 2, again_low, again_high));
    assert_memory_not_equal(&low[2], &again_low[2], sizeof low[2]);
}

/* All 2^n choices of signs, counted. */
static double exact_p(const double *differences, size_t n)
{
    double sum = 0;
    size_t as_large = 0;
    for (size_t i = 0; i < n; i++)
        sum += differences[i];
    for (size_t signs = 0; signs < (size_t)1 << n; signs++) {
        double flipped = 0;
        for (size_t i = 0; i < n; i++)
            flipped += signs >> i & 1 ? differences[i] : -differences[i];
        as_large += fabs(flipped) >= fabs(sum) - 1e-12;
    }
    return (double)as_large / (double)((size_t)1 << n);
}

static void test_paired(void **state)
{
    (void)state;
    static const double samples[][8] = {
        {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1},
        {0.3, -0.1, 0.2, 0, 0.05, 0.4, -0.2, 0.1},
        {-0.3, 0.1, 0.2, 0, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < 3; i++) {
        double exact = exact_p(samples[i], 8), p = cli_paired_p(samples[i], 8, 1);
        if (fabs(p - exact) > 0.02) fail_msg("sample %zu: %g, not %g", i, p, exact);
    }
    static const double none[70] = {0};
    assert_true(cli_paired_p(none, 70, 1) >= 1);
    double many[200]; /* more than one number's worth of signs */
    for (size_t i = 0; i < 200; i++)
        many[i] = 0.01 + (double)(i % 7) / 100;
    assert_true(cli_paired_p(many, 200, 1) * (CLI_RESAMPLES + 1) < 1.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generator), cmocka_unit_test(test_below),
        cmocka_unit_test(test_interval), cmocka_unit_test(test_paired)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
