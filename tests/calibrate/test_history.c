/* test_history.c - replays against a plain one of the test's own, and statistics
 * against all pairs. */
#include "test.h"

#include "base/memory.h"
#include "calibrate/history.h"
#include "calibrate/numbers.h"

#include <stdbool.h>

enum { MAX_QUERIES = 40, MAX_LAYERS = 12, MAX_N = 30 };

typedef struct random_histories {
    grt_histories histories;
    size_t ends[MAX_QUERIES];
    float scores[MAX_LAYERS * MAX_QUERIES * MAX_N];
} random_histories;

static random_histories h;

static const float *scores_of(size_t layer, size_t query)
{
    return h.histories.scores + (layer - 1) * h.histories.n_samples +
           grt_history_begin(&h.histories, query);
}

/* Queries of n_min..n_max candidates whose scores walk by `step` a layer; coarse: many
 * ties. */
static void make_histories(size_t n_queries, size_t n_layers, size_t n_min,
                           size_t n_max, double step, bool coarse)
{
    size_t end = 0;
    for (size_t q = 0; q < n_queries; q++) {
        end += n_min + (size_t)(uniform() * (double)(n_max - n_min + 1));
        h.ends[q] = end;
    }
    h.histories = (grt_histories){n_layers, n_queries, end, h.ends, h.scores};
    for (size_t i = 0; i < end; i++) {
        double x = normal();
        for (size_t l = 0; l < n_layers; l++) {
            h.scores[l * end + i] = coarse ? (float)floor(2 * x) : (float)x;
            x += step * normal();
        }
    }
}

/* ---- Replay ---- */

/* A request's candidates, one by one. */
typedef struct candidate {
    grt_verdict verdict;
    size_t layer;
    float score, previous;
} candidate;

/* True when a comes before b in the ranking. */
static bool is_before(const candidate *all, size_t a, size_t b)
{
    static const int rank_of[] = {
        [GRT_VERDICT_SELECT] = 0, [GRT_VERDICT_DEFER] = 1, [GRT_VERDICT_DROP] = 2};
    const candidate *x = &all[a], *y = &all[b];
    if (x->verdict != y->verdict) return rank_of[x->verdict] < rank_of[y->verdict];
    if (x->layer != y->layer)
        return x->verdict == GRT_VERDICT_SELECT ? x->layer < y->layer
                                                : x->layer > y->layer;
    if (x->score > y->score || x->score < y->score) return x->score > y->score;
    return a < b;
}

static size_t place_of(const candidate *all, size_t n, size_t which)
{
    size_t place = 0;
    for (size_t i = 0; i < n; i++)
        place += i != which && is_before(all, i, which);
    return place;
}

typedef struct plain_result {
    size_t n_missed, n_computed;
    double drift;
} plain_result;

/* The request goes through the layers; nothing of grt_decisions is used. */
static plain_result replay_plainly(const grt_selector *selector, size_t query, size_t k)
{
    size_t n = grt_history_count(&h.histories, query), slots = k;
    size_t n_layers = h.histories.n_layers;
    candidate all[MAX_N] = {0};
    double scratch[MAX_N * 64];
    plain_result result = {0, 0, 1};
    float walked = 0;
    assert_true(grt_select_scratch_bytes(n) <= sizeof(scratch));
    for (size_t l = 1; l <= n_layers; l++) {
        float now[MAX_N], before[MAX_N]; /* 0 before layer 1 */
        bool sees = l > 1 || (selector->kind == GRT_SELECTOR_BOUND &&
                              selector->bound.moves && selector->bound.moves[1] > 0);
        size_t ids[MAX_N], n_active = 0;
        grt_verdict verdicts[MAX_N];
        for (size_t i = 0; i < n; i++) {
            if (all[i].verdict != GRT_VERDICT_DEFER) continue;
            before[n_active] = all[i].score;
            now[n_active] = all[i].score = scores_of(l, query)[i];
            ids[n_active++] = i;
        }
        result.n_computed += n_active;
        if (l == n_layers || n_active == 0) break;
        float moved = grt_moved(before, now, n_active);
        walked += moved * moved;
        if (!sees) moved = NAN;
        result.drift = fmax(result.drift, (double)grt_drift(selector, l, moved));
        grt_boundary boundary = {l,
                                 now,
                                 n_active,
                                 slots,
                                 n,
                                 k,
                                 moved,
                                 (float)result.drift,
                                 sqrtf(walked / (float)l)};
        grt_select(selector, &boundary, verdicts, scratch);
        for (size_t i = 0; i < n_active; i++) {
            all[ids[i]].verdict = verdicts[i];
            all[ids[i]].layer = verdicts[i] == GRT_VERDICT_DEFER ? 0 : l;
            slots -= verdicts[i] == GRT_VERDICT_SELECT;
        }
    }
    candidate full[MAX_N] = {0};
    for (size_t i = 0; i < n; i++)
        full[i].score = scores_of(n_layers, query)[i];
    for (size_t i = 0; i < n; i++)
        result.n_missed += place_of(full, n, i) < k && place_of(all, n, i) >= k;
    return result;
}

static void check_replay(const grt_selector *selector, size_t k)
{
    grt_error err;
    grt_replay replay;
    float kept[MAX_QUERIES];
    assert_ok(grt_replay_run(&replay, &h.histories, selector, k, kept, &err), &err);
    double n = 0, shares = 0, squares = 0, missed = 0, computed = 0, drift = 0;
    for (size_t q = 0; q < h.histories.n_queries; q++) {
        size_t n_candidates = grt_history_count(&h.histories, q);
        if (n_candidates <= k) {
            assert_true(kept[q] == -1);
            continue;
        }
        plain_result result = replay_plainly(selector, q, k);
        double share = 1 - (double)result.n_missed / (double)k;
        assert_near((double)kept[q], share, 1e-6);
        n++;
        shares += share;
        squares += share * share;
        missed += (double)result.n_missed;
        computed +=
            (double)result.n_computed / (double)(n_candidates * h.histories.n_layers);
        drift += result.drift;
    }
    assert_int_equal(replay.n_queries, (size_t)n);
    if (n == 0) {
        const grt_replay nothing = {0};
        assert_memory_equal(&replay, &nothing, sizeof(nothing));
        return;
    }
    double mean = shares / n;
    assert_near(replay.kept, mean, 1e-9);
    assert_near(replay.missed, missed, 1e-6);
    assert_near(replay.computed, computed / n, 1e-9);
    assert_near(replay.drift, drift / n, 1e-5);
    double variance = fmax(0, squares / n - mean * mean);
    assert_near(replay.error, n > 1 ? sqrt(variance / (n - 1)) : 0, 1e-6);
}

static const size_t ks[] = {1, 2, 5, 10, 29, 30, 31, 1000};
enum { N_KS = sizeof(ks) / sizeof(ks[0]) };

static void check_all_ks(const grt_selector *selector)
{
    for (size_t i = 0; i < N_KS; i++)
        check_replay(selector, ks[i]);
}

static void test_replay_against_a_plain_one(void **state)
{
    (void)state;
    float spread[MAX_LAYERS], moves[MAX_LAYERS];
    grt_schedule_entry steps[] = {{1, 1, 2}, {3, 2, 5}, {4, 0, 30}};
    for (int round = 0; round < 30; round++) {
        size_t n_layers = 2 + (size_t)(uniform() * (MAX_LAYERS - 1));
        double step = 0.5 * uniform();
        make_histories(1 + (size_t)(uniform() * MAX_QUERIES), n_layers, 1, MAX_N, step,
                       round % 3 == 0);
        for (size_t l = 0; l < n_layers; l++) {
            spread[l] = (float)(step * sqrt(2.0 * (double)(n_layers - l)));
            moves[l] = (float)step;
        }
        grt_selector bound = {.kind = GRT_SELECTOR_BOUND,
                              .bound = {spread, moves, n_layers, 0.6f, 0.8f}};
        check_all_ks(&bound);
        moves[1] = 0; /* silent at boundary 1 */
        check_all_ks(&bound);
        bound.bound.moves = NULL;
        check_all_ks(&bound);
        bound.bound.spread = NULL;
        bound.is_exact_order = true;
        check_all_ks(&bound);
        grt_selector cluster = {.kind = GRT_SELECTOR_CLUSTER,
                                .first_layer = 1 + (size_t)(uniform() * 3),
                                .cluster = {0.5f, 4, 0.9f}};
        check_all_ks(&cluster);
        grt_selector schedule = {.kind = GRT_SELECTOR_SCHEDULE, .schedule = {steps, 3}};
        check_all_ks(&schedule);
    }
}

static void test_without_a_policy_all_is_computed_and_kept(void **state)
{
    (void)state;
    grt_error err;
    const grt_selector none = {.kind = GRT_SELECTOR_NONE};
    make_histories(25, 6, 3, 20, 0.4, false);
    for (size_t k = 1; k <= 20; k++) {
        grt_replay replay;
        size_t n = 0;
        for (size_t q = 0; q < 25; q++)
            n += grt_history_count(&h.histories, q) > k;
        assert_ok(grt_replay_run(&replay, &h.histories, &none, k, NULL, &err), &err);
        assert_int_equal(replay.n_queries, n);
        assert_true(replay.kept == (n ? 1 : 0) && replay.computed == (n ? 1 : 0));
        assert_true(replay.missed == 0 && replay.error == 0);
        assert_true(replay.drift == (n ? 1 : 0));
    }
}

/* Six candidates, three layers, by hand: the best and the worst two are decided after
 * the first layer, and the one that was selected falls to the third place later. */
static void test_a_replay_by_hand(void **state)
{
    (void)state;
    grt_error err;
    static const float scores[] = {6, 5, 4, 3, 2, 1, /* after layer 1 */
                                   0, 5, 4, 3, 9, 9, /* 2 */
                                   3, 5, 4, 2, 9, 9};
    memcpy(h.scores, scores, sizeof(scores));
    h.ends[0] = 6;
    h.histories = (grt_histories){3, 1, 6, h.ends, h.scores};
    const grt_schedule_entry step = {1, 1, 2};
    const grt_selector selector = {.kind = GRT_SELECTOR_SCHEDULE,
                                   .schedule = {&step, 1}};
    grt_replay replay;
    float kept;
    assert_ok(grt_replay_run(&replay, &h.histories, &selector, 4, &kept, &err), &err);
    /* full: 4 5 1 2; found: 0 1 2 3 */
    assert_true(kept == 0.5f && replay.kept == 0.5 && replay.missed == 2);
    assert_int_equal(replay.n_queries, 1);
    assert_near(replay.computed, 6.0 / 18, 1e-9); /* the rest fits the slots */
    assert_ok(grt_replay_run(&replay, &h.histories, &selector, 3, &kept, &err), &err);
    /* full: 4 5 1; found: 0 1 2 */
    assert_near((double)kept, 1.0 / 3, 1e-6);
    assert_near(replay.computed, (6 + 3 + 3) / 18.0, 1e-9);
}

/* Four queries of which the best is lost in one: shares 1 1 1 0, deviation 1/2. */
static void test_the_standard_error_by_hand(void **state)
{
    (void)state;
    grt_error err;
    static const float scores[] = {2, 1, 2, 1, 2, 1, 1, 2, /* after layer 1 */
                                   2, 1, 2, 1, 2, 1, 2, 1};
    memcpy(h.scores, scores, sizeof(scores));
    for (size_t q = 0; q < 4; q++)
        h.ends[q] = 2 * (q + 1);
    h.histories = (grt_histories){2, 4, 8, h.ends, h.scores};
    const grt_schedule_entry step = {1, 1, 0};
    const grt_selector selector = {.kind = GRT_SELECTOR_SCHEDULE,
                                   .schedule = {&step, 1}};
    grt_replay replay;
    assert_ok(grt_replay_run(&replay, &h.histories, &selector, 1, NULL, &err), &err);
    assert_near(replay.kept, 0.75, 1e-9);
    assert_near(replay.error, 0.25, 1e-9);
    assert_true(replay.missed == 1 && replay.computed == 0.5);
}

static void test_a_replay_without_memory(void **state)
{
    (void)state;
    const grt_selector none = {.kind = GRT_SELECTOR_NONE};
    make_histories(5, 3, 3, 6, 0.4, false);
    for (uint64_t i = 1; i <= 3; i++) {
        grt_error err;
        grt_replay replay;
        grt_memory_fail_nth(i);
        assert_refused(grt_replay_run(&replay, &h.histories, &none, 2, NULL, &err),
                       GRT_E_NO_MEMORY, &err, "no memory");
        grt_memory_fail_nth(0);
        assert_int_equal(grt_memory_now(), 0);
    }
}

/* Scores that move three times as far as the policy was told: who watches them computes
 * longer and keeps the promise, who does not misses more. */
static void test_bounds_widen_when_scores_drift(void **state)
{
    (void)state;
    grt_error err;
    enum { LAYERS = 10 };
    const double step = 0.1, precision = 0.95;
    float spread[LAYERS], moves[LAYERS];
    for (size_t l = 0; l < LAYERS; l++) {
        spread[l] = (float)(step * sqrt(2.0 * (double)(LAYERS - l)));
        moves[l] = l > 1 ? (float)(step * sqrt(2.0)) : 0; /* silent at boundary 1 */
    }
    grt_selector watching = {.kind = GRT_SELECTOR_BOUND,
                             .bound = {spread, moves, LAYERS, 1, (float)precision}};
    grt_selector trusting = watching;
    trusting.bound.moves = NULL;
    grt_replay as_told, watched, trusted;
    make_histories(MAX_QUERIES, LAYERS, MAX_N, MAX_N, step, false);
    assert_ok(grt_replay_run(&as_told, &h.histories, &watching, 10, NULL, &err), &err);
    make_histories(MAX_QUERIES, LAYERS, MAX_N, MAX_N, 3 * step, false);
    assert_ok(grt_replay_run(&watched, &h.histories, &watching, 10, NULL, &err), &err);
    assert_ok(grt_replay_run(&trusted, &h.histories, &trusting, 10, NULL, &err), &err);
    assert_true(as_told.drift >= 1 && as_told.drift < 1.7);
    assert_true(watched.drift > 2.5 && watched.drift < 5);
    assert_true(as_told.kept >= precision && watched.kept >= precision);
    assert_true(trusted.kept < watched.kept - 0.02);
    assert_true(watched.computed > as_told.computed + 0.1);
    assert_true(watched.computed > trusted.computed + 0.1);
    assert_true(trusted.drift == 1);
}

/* ---- Statistics ---- */

/* Root of the mean square of what differences of all pairs moved; a query of n counts
 * as its n - 1 independent differences. */
static double spread_of_pairs(size_t from, size_t to)
{
    double squares = 0, weights = 0;
    for (size_t q = 0; q < h.histories.n_queries; q++) {
        const float *a = scores_of(from, q), *b = scores_of(to, q);
        size_t n = grt_history_count(&h.histories, q);
        double weight = 2.0 / (double)n;
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < i; j++) {
                double before = (double)a[i] - (double)a[j];
                double moved = (double)b[i] - (double)b[j] - before;
                squares += weight * moved * moved;
                weights += weight;
            }
        }
    }
    return weights > 0 ? sqrt(squares / weights) : 0;
}

static void test_spreads_against_all_pairs(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        bool is_even = round % 2 == 0; /* then every pair counts the same */
        make_histories(30, 5, is_even ? 12 : 1, 12, 0.3, round % 5 == 0);
        for (size_t from = 1; from <= 5; from++)
            for (size_t to = from; to <= 5; to++)
                assert_near(grt_history_spread(&h.histories, from, to),
                            spread_of_pairs(from, to), 1e-6);
    }
    /* steps of deviation 0.3 make differences of 0.3 sqrt 2 a layer */
    make_histories(40, 5, 30, 30, 0.3, false);
    assert_near(grt_history_spread(&h.histories, 1, 2), 0.3 * sqrt(2), 0.02);
    assert_near(grt_history_spread(&h.histories, 1, 5), 0.3 * sqrt(8), 0.04);
}

/* What moves a whole query is no movement of its differences. */
static void test_spreads_do_not_see_shifts(void **state)
{
    (void)state;
    make_histories(20, 2, 4, 9, 0.3, false);
    double before = grt_history_spread(&h.histories, 1, 2);
    for (size_t q = 0; q < 20; q++)
        for (size_t i = grt_history_begin(&h.histories, q); i < h.ends[q]; i++)
            h.scores[h.histories.n_samples + i] += (float)q * 7;
    assert_near(grt_history_spread(&h.histories, 1, 2), before, 1e-4);
}

static void test_spreads_of_single_candidates(void **state)
{
    (void)state;
    make_histories(10, 3, 1, 1, 0.3, false);
    assert_true(grt_history_spread(&h.histories, 1, 3) == 0);
}

/* One query of four candidates, before and at the end. */
static double gamma_of(const float before[4], const float after[4])
{
    memcpy(h.scores, before, 4 * sizeof(float));
    memcpy(h.scores + 4, after, 4 * sizeof(float));
    h.ends[0] = 4;
    h.histories = (grt_histories){2, 1, 4, h.ends, h.scores};
    return grt_history_gamma(&h.histories, 1);
}

static void test_gamma_by_hand(void **state)
{
    (void)state;
    const float rising[] = {1, 2, 3, 4}, falling[] = {9, 5, 2, -1}, flat[4] = {0};
    const float one_swap[] = {2, 1, 3, 4}, tied[] = {1, 1, 2, 2};
    assert_true(gamma_of(rising, rising) == 1);
    assert_true(gamma_of(rising, falling) == -1);
    assert_true(gamma_of(flat, rising) == 0);
    assert_true(gamma_of(rising, flat) == 0);
    assert_near(gamma_of(one_swap, rising), 4.0 / 6, 1e-9); /* 5 agree, 1 not */
    assert_true(gamma_of(tied, rising) == 1);               /* 4 pairs, 2 tied */
    assert_true(gamma_of(tied, falling) == -1);
    assert_near(gamma_of(tied, (const float[]){1, 4, 2, 3}), 0, 1e-9);
}

/* Pairs of different queries are not compared. */
static void test_gamma_stays_within_queries(void **state)
{
    (void)state;
    static const float scores[] = {1, 2, 30, 40, 11, 12, 3, 4};
    memcpy(h.scores, scores, sizeof(scores));
    h.ends[0] = 2;
    h.ends[1] = 4;
    h.histories = (grt_histories){2, 2, 4, h.ends, h.scores};
    assert_true(grt_history_gamma(&h.histories, 1) == 1);
    assert_true(grt_history_gamma(&h.histories, 2) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay_against_a_plain_one),
        cmocka_unit_test(test_without_a_policy_all_is_computed_and_kept),
        cmocka_unit_test(test_a_replay_by_hand),
        cmocka_unit_test(test_the_standard_error_by_hand),
        cmocka_unit_test(test_a_replay_without_memory),
        cmocka_unit_test(test_bounds_widen_when_scores_drift),
        cmocka_unit_test(test_spreads_against_all_pairs),
        cmocka_unit_test(test_spreads_do_not_see_shifts),
        cmocka_unit_test(test_spreads_of_single_candidates),
        cmocka_unit_test(test_gamma_by_hand),
        cmocka_unit_test(test_gamma_stays_within_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
