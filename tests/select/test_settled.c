/* test_settled.c - the order of the top K on requests whose scores move as a profile
 * says. */
#include "test.h"

#include "select/decisions.h"
#include "select/policy.h"
#include "select/settled.h"

#include <math.h>

enum { N = 20, K = 8, L = 9 };

/* What differences move from each boundary to the end, and to each boundary. */
static const float spread[L] = {INFINITY, 0.9f, 0.6f,  0.4f, 0.3f,
                                0.2f,     0.1f, 0.05f, 0.02f};
static float moves[L];

static uint64_t seed = 1;

static double uniform(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(seed >> 40) / 16777216.0;
}

/* At most `most` deviations from 0. */
static double normal(double most)
{
    double x;
    do
        x = sqrt(-2 * log(1 - uniform())) * cos(6.283185307179586 * uniform());
    while (fabs(x) > most);
    return x;
}

static grt_selector selector_of(float precision)
{
    return (grt_selector){.kind = GRT_SELECTOR_BOUND,
                          .settles_order = true,
                          .bound = {spread, moves, L, 1, precision}};
}

/* ---- Requests ---- */

typedef struct request {
    double scores[L + 1][N]; /* after each layer */
    size_t layers[N];        /* computed */
    size_t order[N], full[N];
    float finals[N];
} request;

/* The last scores lie 1 apart on average; earlier ones are as far from them as the
 * spreads say, at most `most` deviations at each move, and `level` apart for all. */
static void make_request(request *r, double most, double level)
{
    for (size_t i = 0; i < N; i++)
        r->scores[L][i] = normal(most);
    for (size_t l = L; l-- > 1;) {
        double now = (double)spread[l];
        double after = l + 1 < L ? (double)spread[l + 1] : 0;
        double step = sqrt((now * now - after * after) / 2), shift = level * normal(3);
        for (size_t i = 0; i < N; i++)
            r->scores[l][i] = r->scores[l + 1][i] + step * normal(most) + shift;
    }
}

static int set_up(void **state)
{
    (void)state;
    moves[1] = 2;
    for (size_t l = 2; l < L; l++)
        moves[l] = 1.1f * sqrtf(spread[l - 1] * spread[l - 1] - spread[l] * spread[l]);
    return 0;
}

/* Returns layers x candidates. */
static size_t run(request *r, const grt_selector *selector, size_t k)
{
    size_t bytes = grt_decisions_bytes(N), n_computed = 0;
    void *block = aligned_alloc(64, (bytes + 63) / 64 * 64);
    assert_non_null(block);
    grt_decisions d;
    grt_decisions_init(&d, block, N, k, NULL);
    for (size_t l = 1; l <= L && d.n_active > 0; l++) {
        n_computed += d.n_active;
        for (size_t i = 0; i < d.n_active; i++) {
            d.scores[d.active[i]] = (float)r->scores[l][d.active[i]];
            r->layers[d.active[i]] = l;
        }
        if (l < L)
            (void)grt_decide(&d, selector, l);
        else
            grt_decisions_end(&d);
    }
    grt_decisions_order(&d, r->order);
    for (size_t i = 0; i < N; i++)
        r->finals[i] = grt_decisions_final(&d, i);
    free(block);
    for (size_t i = 0; i < N; i++) {
        size_t place = 0;
        for (size_t j = 0; j < N; j++)
            place += (float)r->scores[L][j] > (float)r->scores[L][i] ||
                     ((float)r->scores[L][j] >= (float)r->scores[L][i] && j < i);
        r->full[place] = i;
    }
    return n_computed;
}

/* DCG of the first k in an order; gains are final scores, from 0 for the k-th best to 1
 * for the best. */
static double dcg(const request *r, const size_t *order, size_t k)
{
    double best = r->scores[L][r->full[0]], last = r->scores[L][r->full[k - 1]];
    double sum = 0;
    for (size_t i = 0; i < k; i++)
        sum += (r->scores[L][order[i]] - last) / (best - last) / log2((double)i + 2);
    return sum;
}

/* With a precision of almost 1 only what cannot turn is decided: the order of the top K
 * is the full pass's, and something is saved still. */
static void test_near_1_the_order_is_the_full_pass(void **state)
{
    (void)state;
    size_t n_saved = 0;
    grt_selector selector = selector_of(0.9999999f);
    for (int round = 0; round < 2000; round++) {
        request r;
        make_request(&r, 1.5, 0);
        size_t k = 1 + (size_t)(uniform() * (N - 1));
        n_saved += N * L - run(&r, &selector, k);
        for (size_t i = 0; i < k; i++)
            assert_int_equal(r.order[i], r.full[i]);
    }
    assert_true(n_saved > 0);
}

/* What precision leaves is what the order loses at most, and less is computed than when
 * the top K run to the end. */
static void test_the_order_keeps_its_precision(void **state)
{
    (void)state;
    const float precisions[] = {0.9f, 0.95f, 0.99f, 0.999f};
    for (size_t p = 0; p < 4; p++) {
        grt_selector order = selector_of(precisions[p]), set = order, scores = order;
        set.settles_order = scores.settles_order = false;
        scores.is_exact_order = true;
        double lost = 0, lost_by_set = 0;
        size_t by_order = 0, by_set = 0, by_scores = 0;
        enum { ROUNDS = 1000 };
        for (int round = 0; round < ROUNDS; round++) {
            request r;
            make_request(&r, 10, 0.2);
            by_scores += run(&r, &scores, K);
            double full = dcg(&r, r.full, K);
            by_order += run(&r, &order, K);
            lost += (full - dcg(&r, r.order, K)) / ROUNDS;
            by_set += run(&r, &set, K);
            lost_by_set += (full - dcg(&r, r.order, K)) / ROUNDS;
        }
        print_message(
            "precision %.3f: lost %.5f (set %.5f), computed %zu of %zu..%zu\n",
            (double)precisions[p], lost, lost_by_set, by_order, by_set, by_scores);
        assert_true(lost <= 1 - (double)precisions[p]);
        assert_true(lost < lost_by_set);
        assert_true(by_set < by_order && by_order < by_scores);
    }
}

/* Two that came out in the wrong order were predicted close to each other. */
static void test_swaps_are_of_close_ones(void **state)
{
    (void)state;
    size_t n_swaps = 0;
    grt_selector selector = selector_of(0.99f);
    for (int round = 0; round < 1000; round++) {
        request r;
        make_request(&r, 10, 0);
        run(&r, &selector, K);
        for (size_t i = 0; i + 1 < K; i++) {
            size_t a = r.order[i], b = r.order[i + 1];
            if (r.scores[L][a] >= r.scores[L][b]) continue;
            size_t l = r.layers[a] < r.layers[b] ? r.layers[a] : r.layers[b];
            assert_true(l < L); /* two exact ones are never swapped */
            double gap = (double)r.finals[a] - (double)r.finals[b];
            assert_true(gap >= 0);
            if (gap > 5 * (double)spread[l])
                fail_msg("%.3f apart at layer %zu", gap, l);
            n_swaps++;
        }
    }
    assert_true(n_swaps > 0);
}

/* ---- One boundary ---- */

static double plain_worth(double gap, double deviation)
{
    double sum = 0, step = deviation / 200; /* E max(0, -X) by its integral */
    for (double x = -10 * deviation; x < 0; x += step) {
        double z = (x + step / 2 - gap) / deviation;
        sum += -(x + step / 2) * exp(-z * z / 2) * step;
    }
    return sum / (deviation * sqrt(2 * 3.14159265358979));
}

/* As selection.md has it, all pairs. */
static bool plain_is_settled(const grt_boundary *b, const grt_members *m, size_t rank,
                             double precision)
{
    double drift = (double)b->drift, now = (double)spread[b->layer] * drift;
    double range = (double)m->finals[0] - (double)m->finals[m->n - 1];
    for (size_t t = b->layer + 1; t <= L; t++) {
        double after = t < L ? (double)spread[t] * drift : 0;
        double moves_by = sqrt(now * now - after * after), gain = 0;
        for (size_t j = 0; j < m->n; j++) {
            if (j == rank) continue;
            double gap = fabs((double)m->finals[rank] - (double)m->finals[j]);
            double places = fabs(1 / log2((double)rank + 2) - 1 / log2((double)j + 2));
            gain += places *
                    plain_worth(gap, m->is_fixed[j] ? moves_by / sqrt(2) : moves_by);
        }
        double limit = (1 - precision) / (double)m->n * (double)(t - b->layer) / L;
        if (gain / range > limit) return false;
    }
    return true;
}

static void test_against_a_plain_sum(void **state)
{
    (void)state;
    size_t n_settled = 0, n_all = 0;
    for (int round = 0; round < 60; round++) {
        float finals[K];
        bool is_fixed[K];
        finals[0] = 3;
        for (size_t i = 1; i < K; i++)
            finals[i] = finals[i - 1] - 0.6f * (float)uniform();
        for (size_t i = 0; i < K; i++)
            is_fixed[i] = uniform() < 0.3;
        grt_members members = {finals, is_fixed, 2 + (size_t)(uniform() * (K - 1))};
        grt_boundary b = {.layer = 2 + (size_t)(uniform() * (L - 2)),
                          .moved = 1,
                          .drift = 1 + (float)uniform()};
        float precision = uniform() < 0.5 ? 0.9f : 0.99f;
        grt_selector selector = selector_of(precision);
        for (size_t rank = 0; rank < members.n; rank++) {
            bool is_settled = grt_is_settled(&selector, &b, &members, rank);
            assert_int_equal(is_settled,
                             plain_is_settled(&b, &members, rank, (double)precision));
            n_settled += is_settled;
            n_all++;
        }
    }
    assert_true(n_settled > n_all / 10 && n_settled < n_all * 9 / 10);
}

static bool settles(const grt_selector *selector, const grt_boundary *boundary,
                    const float *finals, size_t n)
{
    static const bool none_is_fixed[K];
    grt_members members = {finals, none_is_fixed, n};
    return grt_is_settled(selector, boundary, &members, 0);
}

static void test_where_nothing_can_be_told(void **state)
{
    (void)state;
    const float apart[] = {20, 10, 0}, equal[] = {1, 1, 1}, broken[] = {2, 1, NAN};
    const float endless[] = {INFINITY, 1, 0};
    grt_boundary b = {.layer = 4, .moved = 1, .drift = 1};
    grt_selector selector = selector_of(0.99f);
    assert_true(settles(&selector, &b, apart, 3));
    assert_false(settles(&selector, &b, equal, 3));
    assert_false(settles(&selector, &b, broken, 3));
    assert_false(settles(&selector, &b, endless, 3));
    assert_true(settles(&selector, &b, equal, 1)); /* one alone has its place */
    b.moved = NAN;                                 /* of a single candidate, say */
    assert_false(settles(&selector, &b, apart, 3));
    b.moved = 1;
    selector.first_layer = 5;
    assert_false(settles(&selector, &b, apart, 3));
    selector.first_layer = 4;
    assert_true(settles(&selector, &b, apart, 3));
    selector.bound.spread = NULL; /* a head's scores predict nothing */
    assert_false(settles(&selector, &b, apart, 3));
    grt_selector cluster = {.kind = GRT_SELECTOR_CLUSTER, .settles_order = true};
    assert_false(settles(&cluster, &b, apart, 3));
}

/* Drift shows where scores move most: before that it is not known. */
static void test_the_largest_move_comes_first(void **state)
{
    (void)state;
    const float apart[] = {200, 100, 0};
    float late[L] = {0, 5, 0.1f, 0.1f, 0.1f, 2, 0.1f, 0.1f, 0.1f};
    grt_selector selector = selector_of(0.99f);
    selector.bound.moves = late;
    for (size_t l = 1; l < L; l++) {
        grt_boundary b = {.layer = l, .moved = 1, .drift = 1};
        assert_int_equal(settles(&selector, &b, apart, 3), l >= 5);
    }
    selector.bound.moves = NULL; /* spreads are believed */
    grt_boundary b = {.layer = 1, .moved = NAN, .drift = 1};
    assert_true(settles(&selector, &b, apart, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_near_1_the_order_is_the_full_pass),
        cmocka_unit_test(test_the_order_keeps_its_precision),
        cmocka_unit_test(test_swaps_are_of_close_ones),
        cmocka_unit_test(test_against_a_plain_sum),
        cmocka_unit_test(test_where_nothing_can_be_told),
        cmocka_unit_test(test_the_largest_move_comes_first),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
