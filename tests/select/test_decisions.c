/* test_decisions.c - the book of candidates over random requests: who is active, how
 * many slots are left, and the ranking that comes out. */
#include "test.h"

#include "select/decisions.h"

#include <math.h>

enum { MOST = 60, N_LAYERS = 6 };

static uint32_t seed = 1;

static size_t below(size_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

/* A block of exactly the promised size, so that a sanitizer sees a step too far. */
static void *new_block(size_t n)
{
    size_t bytes = grt_decisions_bytes(n);
    void *block = aligned_alloc(64, (bytes + 63) / 64 * 64);
    assert_non_null(block);
    memset(block, 0xA5, bytes);
    return block;
}

static void test_everybody_is_active_at_first(void **state)
{
    (void)state;
    const size_t asked[] = {0, 1, 7, 8, 9, SIZE_MAX}, given[] = {8, 1, 7, 8, 8, 8};
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        grt_decisions d;
        void *block = new_block(8);
        grt_decisions_init(&d, block, 8, asked[i], NULL);
        assert_int_equal(d.k, given[i]);
        assert_int_equal(d.slots, given[i]);
        assert_int_equal(d.n_active, 8);
        for (size_t j = 0; j < 8; j++) {
            assert_int_equal(d.active[j], j);
            assert_int_equal(d.verdicts[j], GRT_VERDICT_DEFER);
            assert_int_equal(d.layers[j], 0);
        }
        free(block);
    }
}

static void test_memory_is_counted_or_refused(void **state)
{
    (void)state;
    size_t last = 0;
    for (size_t n = 0; n < 2000; n++) {
        assert_true(grt_decisions_bytes(n) >= last);
        last = grt_decisions_bytes(n);
    }
    assert_true(grt_decisions_bytes(SIZE_MAX / 8) == SIZE_MAX);
    assert_true(grt_decisions_bytes(SIZE_MAX / 16) == SIZE_MAX);
}

/* A random request under a random schedule. */
typedef struct request {
    grt_decisions d;
    void *block;
    grt_schedule_entry schedule[N_LAYERS];
    grt_selector selector;
} request;

static void start(request *r)
{
    size_t n = 1 + below(MOST);
    r->block = new_block(n);
    grt_decisions_init(&r->d, r->block, n, below(n + 2), NULL);
    for (size_t l = 0; l < N_LAYERS; l++)
        r->schedule[l] = (grt_schedule_entry){l + 1, below(4), below(12)};
    r->selector = (grt_selector){.kind = GRT_SELECTOR_SCHEDULE,
                                 .is_exact_order = below(4) == 0,
                                 .schedule = {r->schedule, N_LAYERS}};
}

static float random_score(void)
{
    size_t kind = below(12);
    if (kind == 0) return NAN;
    return kind == 1 ? 1.0f : (float)below(1000) / 50.0f; /* ties, too */
}

/* Scores of who computes change, and only theirs. */
static void compute(request *r)
{
    for (size_t i = 0; i < r->d.n_active; i++)
        r->d.scores[r->d.active[i]] = random_score();
}

typedef struct counts {
    size_t n_selected, n_dropped, n_active;
} counts;

static counts check_book(const grt_decisions *d, size_t layer)
{
    counts c = {0, 0, 0};
    for (size_t i = 0; i < d->n; i++) {
        c.n_selected += d->verdicts[i] == GRT_VERDICT_SELECT;
        c.n_dropped += d->verdicts[i] == GRT_VERDICT_DROP;
        if (d->verdicts[i] == GRT_VERDICT_DEFER) {
            assert_int_equal(d->layers[i], 0);
            assert_true(c.n_active < d->n_active);
            assert_int_equal(d->active[c.n_active++], i); /* rising, none left out */
        } else {
            assert_in_range(d->layers[i], 1, layer);
        }
    }
    assert_int_equal(c.n_active, d->n_active);
    assert_int_equal(c.n_selected + d->slots, d->k);
    assert_true(c.n_dropped <= d->n - d->k);
    return c;
}

/* A key that puts candidates in order, larger is better; scores settle equal keys. */
static long key_of(const grt_decisions *d, size_t i)
{
    long layer = (long)d->layers[i];
    switch (d->verdicts[i]) {
    case GRT_VERDICT_SELECT: return 1000 - layer;
    case GRT_VERDICT_DEFER: return 0;
    case GRT_VERDICT_DROP: return -1000 + layer;
    }
    return 0;
}

static int ranks_before(const grt_decisions *d, size_t a, size_t b)
{
    float x = d->scores[a], y = d->scores[b];
    if (key_of(d, a) != key_of(d, b)) return key_of(d, a) > key_of(d, b);
    if (isnan(x) != isnan(y)) return isnan(y);
    if (!isnan(x) && x != y) return x > y;
    return a < b;
}

static void check_order(const grt_decisions *d)
{
    size_t order[MOST];
    int seen[MOST] = {0};
    grt_decisions_order(d, order);
    for (size_t i = 0; i < d->n; i++) {
        assert_true(order[i] < d->n && !seen[order[i]]);
        seen[order[i]] = 1;
        if (i > 0) assert_true(ranks_before(d, order[i - 1], order[i]));
    }
}

static void test_the_book_is_right_after_every_layer(void **state)
{
    (void)state;
    for (int round = 0; round < 3000; round++) {
        request r;
        start(&r);
        for (size_t layer = 1; layer <= N_LAYERS && r.d.n_active > 0; layer++) {
            compute(&r);
            size_t n_before = r.d.n_active;
            bool is_done = grt_decide(&r.d, &r.selector, layer);
            counts c = check_book(&r.d, layer);
            assert_int_equal(is_done, r.d.n_active == 0);
            assert_true(r.d.n_active <= n_before);
            if (is_done) assert_int_equal(c.n_selected, r.d.k);
            if (r.selector.is_exact_order) assert_int_equal(c.n_selected, 0);
            check_order(&r.d);
        }
        free(r.block);
    }
}

static void test_decided_candidates_keep_their_scores(void **state)
{
    (void)state;
    grt_decisions d;
    void *block = new_block(6);
    const grt_schedule_entry schedule[] = {{1, 1, 1}, {2, 1, 1}};
    grt_selector selector = {.kind = GRT_SELECTOR_SCHEDULE, .schedule = {schedule, 2}};
    grt_decisions_init(&d, block, 6, 3, NULL);
    memcpy(d.scores, (float[]){1, 5, 3, 2, 4, 0}, 6 * sizeof(float));
    assert_false(grt_decide(&d, &selector, 1)); /* 1 is selected, 5 dropped */
    assert_int_equal(d.slots, 2);
    for (size_t i = 0; i < 4; i++) /* 0 2 3 4 */
        d.scores[d.active[i]] += i == 0 ? 10.0f : 0.0f;
    assert_false(grt_decide(&d, &selector, 2)); /* 0 is selected, 3 dropped */
    size_t order[6];
    grt_decisions_order(&d, order);
    const size_t wanted[] = {1, 0, 4, 2, 3, 5};
    assert_memory_equal(order, wanted, sizeof(wanted));
    assert_true(d.scores[1] == 5.0f && d.scores[5] == 0.0f);
    assert_int_equal(d.layers[1], 1);
    assert_int_equal(d.layers[0], 2);
    assert_int_equal(d.layers[4], 0);
    free(block);
}

/* Two far from the two others at boundary 1.  Whoever knows how far apart differences
 * usually are there decides, and sees when they are farther; the others wait. */
static void test_the_first_move_is_from_nothing(void **state)
{
    (void)state;
    const float spread[] = {0, 0.1f, 0.1f};
    const float known[] = {0, 2, 1}, wild[] = {0, 0.01f, 1}, unknown[] = {0, 0, 1};
    const float *moves[] = {known, wild, unknown, NULL};
    const bool decides[] = {true, false, false, true};
    for (size_t i = 0; i < 4; i++) {
        grt_decisions d;
        void *block = new_block(4);
        grt_decisions_init(&d, block, 4, 2, NULL);
        d.scores[0] = d.scores[1] = 1;
        d.scores[2] = d.scores[3] = -1;
        grt_selector selector = {.kind = GRT_SELECTOR_BOUND,
                                 .bound = {spread, moves[i], 3, 1, 0.99f}};
        assert_true(grt_decide(&d, &selector, 1) == decides[i]);
        assert_int_equal(d.n_active, decides[i] ? 0 : 4);
        /* of one score sqrt(4 / 3), of a difference sqrt(2) times that */
        float drift = moves[i] == wild ? sqrtf(8.0f / 3.0f) / 0.01f : 1.0f;
        assert_true(fabsf(d.drift - drift) < 0.01f); /* infinity, too, is no 1 */
        free(block);
    }
    assert_false(grt_expects_first_move(&(grt_selector){.kind = GRT_SELECTOR_NONE}));
    const grt_selector shallow = {.kind = GRT_SELECTOR_BOUND,
                                  .bound = {spread, known, 1, 1, 0.99f}};
    assert_false(grt_expects_first_move(&shallow)); /* no boundary, so no move */
}

/* The boundary of 6 layers at which two of four, 2 apart from the others since the
 * first boundary that is seen, are in. */
static size_t decided_at(float precision, size_t first_seen)
{
    grt_decisions d;
    void *block = new_block(4);
    grt_decisions_init(&d, block, 4, 2, NULL);
    const grt_selector walk = {.kind = GRT_SELECTOR_BOUND,
                               .first_layer = 3,
                               .bound = {NULL, NULL, 6, 1, precision}};
    size_t layer = first_seen;
    for (; layer < 6; layer++) {
        d.scores[0] = d.scores[1] = 1 + 0.001f * (float)layer;
        d.scores[2] = d.scores[3] = -1;
        if (grt_decide(&d, &walk, layer)) break;
    }
    free(block);
    return layer;
}

/* A difference of two moved by sqrt(8 / 3) from nothing and hardly after: a step of
 * sqrt(8 / 3 / l), and P = 0.110, 0.042 and 0.003 at boundaries 3, 4 and 5.  By the
 * last move alone all would be decided at 3. */
static void test_without_calibration_all_moves_count(void **state)
{
    (void)state;
    for (size_t first_seen = 1; first_seen <= 3; first_seen++) {
        assert_int_equal(decided_at(0.75f, first_seen), 3);  /* share 0.125 */
        assert_int_equal(decided_at(0.80f, first_seen), 4);  /* 0.1 */
        assert_int_equal(decided_at(0.99f, first_seen), 5);  /* 0.005 */
        assert_int_equal(decided_at(0.999f, first_seen), 6); /* 0.0005 */
    }
}

/* Candidate 0 is selected and 3 dropped at boundary 1.  Then readouts rise by 2 for
 * both that go on: so they would have for the others. */
static void test_predictions_share_a_level(void **state)
{
    (void)state;
    const float spread[] = {0, 1, 1}, moves[] = {0, 100, 100};
    const float priors[] = {7, 7, 7, 7};
    const grt_selector selector = {.kind = GRT_SELECTOR_BOUND,
                                   .bound = {spread, moves, 3, 1, 0.9f}};
    for (int has_priors = 0; has_priors < 2; has_priors++) {
        grt_decisions d;
        size_t order[4];
        void *block = new_block(4);
        grt_decisions_init(&d, block, 4, 2, has_priors ? priors : NULL);
        memcpy(d.scores, (float[]){9, 1, 2, -9}, 4 * sizeof(float));
        assert_false(grt_decide(&d, &selector, 1));
        assert_int_equal(d.n_active, 2);
        assert_true(grt_decisions_final(&d, 0) == 9.0f);
        d.scores[1] += 3.0f;
        d.scores[2] += 1.0f;
        assert_false(grt_decide(&d, &selector, 2));
        assert_true(grt_decisions_final(&d, 0) == 11.0f);
        assert_true(grt_decisions_final(&d, 3) == -7.0f);
        assert_true(grt_decisions_final(&d, 1) == 4.0f); /* its own */
        d.scores[1] += 8.0f;
        d.scores[2] -= 16.0f;
        grt_decisions_end(&d);
        assert_true(grt_decisions_final(&d, 0) == 7.0f);
        assert_true(grt_decisions_final(&d, 3) == -11.0f);
        grt_decisions_order(&d, order);
        /* 1 has overtaken 0; 2 sank below 3, which was dropped */
        assert_memory_equal(order, ((size_t[]){1, 0, 2, 3}), sizeof(order));
        free(block);
    }
}

/* A dropped one stays out even when it is predicted to end above one that is in. */
static void test_members_come_first(void **state)
{
    (void)state;
    const float spread[] = {0, 1, 1}, moves[] = {0, 100, 100};
    const grt_selector selector = {.kind = GRT_SELECTOR_BOUND,
                                   .bound = {spread, moves, 3, 1, 0.9f}};
    grt_decisions d;
    size_t order[4];
    void *block = new_block(4);
    grt_decisions_init(&d, block, 4, 2, NULL);
    memcpy(d.scores, (float[]){9, 1, 2, -9}, 4 * sizeof(float));
    assert_false(grt_decide(&d, &selector, 1));
    d.scores[1] -= 20.0f;
    d.scores[2] -= 20.5f;
    grt_decisions_end(&d);
    grt_decisions_order(&d, order);
    assert_memory_equal(order, ((size_t[]){0, 2, 1, 3}), sizeof(order));
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everybody_is_active_at_first),
        cmocka_unit_test(test_memory_is_counted_or_refused),
        cmocka_unit_test(test_the_book_is_right_after_every_layer),
        cmocka_unit_test(test_decided_candidates_keep_their_scores),
        cmocka_unit_test(test_predictions_share_a_level),
        cmocka_unit_test(test_members_come_first),
        cmocka_unit_test(test_the_first_move_is_from_nothing),
        cmocka_unit_test(test_without_calibration_all_moves_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
