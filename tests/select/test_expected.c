/* test_expected.c - what is expected of an order as it stands, on requests whose scores
 * move as the policy says. */
#include "test.h"

#include "select/decisions.h"
#include "select/expected.h"

#include <math.h>

enum { N = 24, L = 7, ROUNDS = 400 };

static const float spread[L] = {INFINITY, 1.2f, 0.9f, 0.7f, 0.4f, 0.2f, 0.05f};

static uint64_t seed = 1;

static double uniform(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(seed >> 40) / 16777216.0;
}

static double normal(void)
{
    return sqrt(-2 * log(1 - uniform())) * cos(6.283185307179586 * uniform());
}

/* Scores after each layer: differences move from each boundary to the end by `wider`
 * times what the spreads say. */
static void make_request(double scores[L + 1][N], double wider)
{
    for (size_t i = 0; i < N; i++)
        scores[1][i] = normal();
    for (size_t l = 1; l < L; l++) {
        double now = (double)spread[l], after = l + 1 < L ? (double)spread[l + 1] : 0;
        double step = wider * sqrt((now * now - after * after) / 2);
        for (size_t i = 0; i < N; i++)
            scores[l + 1][i] = scores[l][i] + step * normal();
    }
}

static void *new_block(void)
{
    void *block = aligned_alloc(64, (grt_decisions_bytes(N) + 63) / 64 * 64);
    assert_non_null(block);
    return block;
}

static double shared(const grt_decisions *d, const double *last)
{
    size_t order[N], n_shared = 0;
    grt_decisions_order(d, order);
    for (size_t i = 0; i < d->k; i++) {
        size_t n_better = 0;
        for (size_t j = 0; j < N; j++)
            n_better += last[j] > last[order[i]];
        n_shared += n_better < d->k;
    }
    return (double)n_shared / (double)d->k;
}

/* Sums over boundaries of what was expected and what was there. */
static void run(const grt_selector *selector, size_t k, double wider, float margin,
                double expected[L], double reached[L])
{
    double scores[L + 1][N];
    void *block = new_block();
    grt_decisions d;
    make_request(scores, wider);
    grt_decisions_init(&d, block, N, k, NULL);
    for (size_t l = 1; l < L; l++) {
        for (size_t i = 0; i < d.n_active; i++)
            d.scores[d.active[i]] = (float)scores[l][d.active[i]];
        if (d.n_active > 0) (void)grt_decide(&d, selector, l);
        reached[l] += shared(&d, scores[L]) / ROUNDS;
        expected[l] += (double)grt_expected_precision(&d, selector, L, margin) / ROUNDS;
    }
    free(block);
}

static void check(size_t k, double wider, float margin, size_t first_layer, double most)
{
    double expected[L] = {0}, reached[L] = {0};
    grt_selector selector = {.kind = GRT_SELECTOR_BOUND,
                             .first_layer = first_layer,
                             .settles_order = true,
                             .bound = {spread, NULL, L, 1, 0.99f}};
    for (int round = 0; round < ROUNDS; round++)
        run(&selector, k, wider, margin, expected, reached);
    for (size_t l = 1; l < L; l++)
        if (fabs(expected[l] - reached[l]) > most)
            fail_msg("K = %zu: expected %.3f after layer %zu, reached %.3f", k,
                     expected[l], l, reached[l]);
}

static void test_expected_is_what_is_reached(void **state)
{
    (void)state;
    static const size_t ks[] = {1, 3, 10, 20};
    for (size_t i = 0; i < 4; i++) {
        /* one threshold for all says little of a single place */
        double most = ks[i] == 1 ? 0.08 : 0.04;
        check(ks[i], 1, 1, L, most); /* nobody is decided */
        check(ks[i], 1, 1, 0, most); /* some are, and count as promised */
    }
}

/* Where movements are narrower than the spreads, a margin says so. */
static void test_a_margin_fits_what_moves(void **state)
{
    (void)state;
    check(10, 0.5, 0.5f, L, 0.04);
}

static void test_nothing_known_is_chance(void **state)
{
    (void)state;
    void *block = new_block();
    grt_decisions d;
    grt_decisions_init(&d, block, N, 6, NULL);
    grt_selector none = {.kind = GRT_SELECTOR_NONE};
    assert_true(grt_expected_precision(&d, &none, L, 1) == 0.25f);
    grt_selector selector = {.kind = GRT_SELECTOR_BOUND,
                             .bound = {spread, NULL, L, 1, 0.99f}};
    assert_true(grt_expected_precision(&d, &selector, L, 1) == 0.25f);
    for (size_t i = 0; i < N; i++)
        d.scores[i] = (float)i * 100;
    (void)grt_decide(&d, &selector, 1);
    assert_int_equal(d.n_active, 0); /* all are decided: as promised */
    assert_true(fabsf(grt_expected_precision(&d, &selector, L, 1) - 0.99f) < 1e-6f);
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expected_is_what_is_reached),
        cmocka_unit_test(test_a_margin_fits_what_moves),
        cmocka_unit_test(test_nothing_known_is_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
