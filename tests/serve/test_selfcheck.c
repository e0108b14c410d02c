/* What is observed, and when the precision is changed for it. */
#include "test.h"

#include "serve/selfcheck.h"

static void test_interval(void **state)
{
    (void)state;
    double low, high;
    serve_wilson(0.5, 100, &low, &high); /* computed by hand */
    assert_true(low > 0.4038 && low < 0.4039 && high > 0.5961 && high < 0.5962);
    serve_wilson(0, 50, &low, &high);
    assert_true(low < 1e-12 && high > 0.0713 && high < 0.0714);
    serve_wilson(0, 0, &low, &high);
    assert_true(low <= 0 && high >= 1);
}

static int observe(serve_observed *observed, size_t n, size_t n_lost)
{
    int n_changes = 0;
    for (size_t i = 0; i < n; i++)
        n_changes += serve_observe(observed, 10, n_lost, 0.9F);
    return n_changes;
}

static void test_factor(void **state)
{
    (void)state;
    serve_observed observed = {.factor = 1};
    /* One of ten is what was allowed: nothing to be done. */
    assert_int_equal(observe(&observed, 500, 1), 0);
    /* Three of ten are too many, but a few requests prove nothing. */
    observed = (serve_observed){.factor = 1};
    assert_int_equal(observe(&observed, 9, 3), 0);
    assert_int_equal(observe(&observed, 1, 3), 1);
    assert_true(observed.factor == 0.5);
    assert_int_equal(observed.n_checks, 10);
    assert_int_equal(observed.n_places, 0); /* counted anew */
    /* It has an end. */
    observe(&observed, 1000, 10);
    assert_true(observed.factor == 1.0 / 64);
    /* Nothing lost: it rises again, and not above what requests allow. */
    observe(&observed, 1000, 0);
    assert_true(observed.factor == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_interval),
                                       cmocka_unit_test(test_factor)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
