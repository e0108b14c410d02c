/* test_metrics.c - metrics by hand-computed values. */
#include "eval/metrics.h"
#include "test.h"

#include <math.h>

static void expect(double actual, double wanted)
{
    if (fabs(actual - wanted) > 1e-12) fail_msg("%.15g, not %.15g", actual, wanted);
}

/* Grades 0 3 -1 1 against an ideal of 3 2 1: one relevant document was not found. */
static void test_values(void **state)
{
    (void)state;
    static const int grades[] = {0, 3, -1, 1}, ideal[] = {3, 2, 1};
    cli_judged judged = {grades, 4, ideal, 3, 1};
    double best = 3 + 2 / log2(3) + 1 / log2(4);
    expect(cli_ndcg(&judged, 1), 0);
    expect(cli_ndcg(&judged, 2), 3 / log2(3) / (3 + 2 / log2(3)));
    expect(cli_ndcg(&judged, 10), (3 / log2(3) + 1 / log2(5)) / best);
    expect(cli_precision(&judged, 2), 0.5);
    expect(cli_precision(&judged, 10), 0.2);
    expect(cli_mrr(&judged, 1), 0);
    expect(cli_mrr(&judged, 4), 0.5);
    expect(cli_recall(&judged, 2), 1.0 / 3);
    expect(cli_recall(&judged, 10), 2.0 / 3);
}

/* A higher level changes what is relevant, but not the gains. */
static void test_level(void **state)
{
    (void)state;
    static const int grades[] = {1, 2, 2}, ideal[] = {2, 2, 1};
    cli_judged judged = {grades, 3, ideal, 3, 2};
    expect(cli_precision(&judged, 1), 0);
    expect(cli_mrr(&judged, 3), 0.5);
    expect(cli_recall(&judged, 2), 0.5);
    judged.level = 3;
    expect(cli_recall(&judged, 3), 0);
    expect(cli_ndcg(&judged, 1), 0.5);
}

static void test_nothing(void **state)
{
    (void)state;
    static const int ideal[] = {1};
    cli_judged none_found = {NULL, 0, ideal, 1, 1}, none_judged = {NULL, 0, NULL, 0, 1};
    expect(cli_ndcg(&none_found, 5), 0);
    expect(cli_precision(&none_found, 5), 0);
    expect(cli_mrr(&none_found, 5), 0);
    expect(cli_recall(&none_found, 5), 0);
    expect(cli_ndcg(&none_judged, 5), 0);
    expect(cli_recall(&none_judged, 5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values),
                                       cmocka_unit_test(test_level),
                                       cmocka_unit_test(test_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
