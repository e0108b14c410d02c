/* test_order.c - rankings of random scores against their definition. */
#include "test.h"

#include "select/order.h"

#include <math.h>

static void check(const float *scores, size_t n)
{
    size_t *order = malloc(n * sizeof(*order) + !n);
    unsigned char *seen = calloc(n + 1, 1);
    assert_non_null(order);
    assert_non_null(seen);
    grt_order_by_score(order, scores, n);
    for (size_t i = 0; i < n; i++) {
        assert_true(order[i] < n);
        assert_false(seen[order[i]]);
        seen[order[i]] = 1;
        if (i == 0) continue;
        float before = scores[order[i - 1]], here = scores[order[i]];
        if (isnan(before)) assert_true(isnan(here));
        if (!isnan(before) && !isnan(here)) assert_true(before >= here);
        if (before == here || (isnan(before) && isnan(here)))
            assert_true(order[i - 1] < order[i]);
    }
    free(seen);
    free(order);
}

static void test_random_scores_are_a_stable_permutation(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (size_t n = 0; n < 70; n++) {
        for (int round = 0; round < 20; round++) {
            float scores[70];
            for (size_t i = 0; i < n; i++) {
                seed = seed * 1664525u + 1013904223u;
                uint32_t r = seed >> 20;
                scores[i] = r % 17 == 0   ? NAN
                            : r % 13 == 0 ? -INFINITY
                                          : (float)(r % 9);
            }
            check(scores, n);
        }
    }
}

static void test_known_order(void **state)
{
    (void)state;
    const float scores[] = {1.0f, NAN, 3.0f, 1.0f, INFINITY};
    const size_t wanted[] = {4, 2, 0, 3, 1};
    size_t order[5];
    grt_order_by_score(order, scores, 5);
    assert_memory_equal(order, wanted, sizeof(wanted));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_scores_are_a_stable_permutation),
        cmocka_unit_test(test_known_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
