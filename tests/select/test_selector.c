/* test_selector.c - the rules of selection on random and on chosen scores. */
#include "test.h"

#include "select/order.h"
#include "select/policy.h"

#include <math.h>
#include <time.h>

static uint64_t seed = 1;

/* 0 <= x < 1 */
static double uniform(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(seed >> 40) / 16777216.0;
}

static size_t below(size_t n)
{
    return (size_t)(uniform() * (double)n);
}

static double normal(void)
{
    double radius = sqrt(-2 * log(1 - uniform()));
    return radius * cos(6.283185307179586 * uniform());
}

static void *need(size_t n, size_t size)
{
    void *block = calloc(n + 1, size);
    assert_non_null(block);
    return block;
}

static int is_same(float a, float b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* Scratch of exactly the promised size, so that a sanitizer sees a step too far. */
static void select_into(const grt_selector *selector, const grt_boundary *boundary,
                        grt_verdict *verdicts)
{
    size_t bytes = grt_select_scratch_bytes(boundary->n);
    void *scratch = malloc(bytes + !bytes);
    assert_non_null(scratch);
    memset(scratch, 0xa5, bytes);
    memset(verdicts, 0x7f, boundary->n * sizeof(*verdicts));
    grt_select(selector, boundary, verdicts, scratch);
    free(scratch);
}

/* A request that begins at this boundary: nothing has moved yet. */
static grt_boundary first_sight(size_t layer, const float *scores, size_t n,
                                size_t slots)
{
    return (grt_boundary){layer, scores, n, slots, n, slots, NAN, 1, NAN};
}

/* Verdicts as text, best candidate first where scores are given so. */
static void expect(const grt_selector *selector, const float *scores, size_t n,
                   size_t slots, size_t layer, const char *wanted)
{
    grt_boundary boundary = first_sight(layer, scores, n, slots);
    grt_verdict verdicts[32];
    char found[33] = {0};
    select_into(selector, &boundary, verdicts);
    for (size_t i = 0; i < n; i++)
        found[i] = ".+-"[verdicts[i]];
    assert_string_equal(found, wanted);
}

/* What holds for one answer, whatever the policy. */
static void check_answer(const grt_selector *selector, const grt_boundary *boundary,
                         const grt_verdict *verdicts)
{
    size_t n = boundary->n, slots = boundary->slots, counts[3] = {0};
    size_t *order = need(n, sizeof(*order));
    grt_order_by_score(order, boundary->scores, n);
    for (size_t i = 0; i < n; i++) {
        assert_true(verdicts[i] <= GRT_VERDICT_DROP);
        counts[verdicts[i]]++;
    }
    size_t n_selected = counts[GRT_VERDICT_SELECT],
           n_dropped = counts[GRT_VERDICT_DROP];
    assert_true(n_selected <= slots);
    assert_true(n_dropped <= n - slots);
    for (size_t rank = 0; rank < n; rank++) {
        grt_verdict wanted = rank < n_selected       ? GRT_VERDICT_SELECT
                             : rank >= n - n_dropped ? GRT_VERDICT_DROP
                                                     : GRT_VERDICT_DEFER;
        assert_int_equal(verdicts[order[rank]], wanted);
    }
    if (slots < n) {
        float inside = boundary->scores[order[slots - 1]];
        float outside = boundary->scores[order[slots]];
        for (size_t i = 0; i < n && is_same(inside, outside); i++)
            if (is_same(boundary->scores[i], inside))
                assert_int_equal(verdicts[i], GRT_VERDICT_DEFER);
    }
    if (selector->is_exact_order) assert_int_equal(n_selected, 0);
    if (selector->kind == GRT_SELECTOR_NONE)
        assert_int_equal(counts[GRT_VERDICT_DEFER], n);
    else if (!selector->is_exact_order && counts[GRT_VERDICT_DEFER] > 0)
        assert_true(counts[GRT_VERDICT_DEFER] > slots - n_selected &&
                    n_selected < slots);
    free(order);
}

typedef struct request {
    const float *history; /* [n_layers + 1][n] scores after each layer */
    size_t n_layers;
    size_t n;
    size_t k;
    size_t *ranking; /* [n] */
    size_t work;     /* layers times candidates that were computed */
} request;

typedef struct active_set {
    size_t *ids;
    size_t n;
    float *scores;
    size_t *order;
    grt_verdict *verdicts;
    size_t front; /* of the ranking that is filled */
    size_t back;
} active_set;

/* Moves those with the verdict from the active ones to `to`, best first. */
static size_t take(const active_set *set, grt_verdict verdict, size_t *to)
{
    size_t n = 0;
    for (size_t rank = 0; rank < set->n; rank++)
        if (set->verdicts[set->order[rank]] == verdict)
            to[n++] = set->ids[set->order[rank]];
    return n;
}

static void score_active(const request *r, active_set *set, size_t layer)
{
    for (size_t i = 0; i < set->n; i++)
        set->scores[i] = r->history[layer * r->n + set->ids[i]];
    grt_order_by_score(set->order, set->scores, set->n);
}

/* From nothing to boundary 1. */
static float moved_since(const request *r, const active_set *set, size_t layer)
{
    float *before = need(set->n, sizeof(*before));
    for (size_t i = 0; i < set->n; i++)
        before[i] = layer > 1 ? r->history[(layer - 1) * r->n + set->ids[i]] : 0;
    float moved = grt_moved(before, set->scores, set->n);
    free(before);
    return moved;
}

/* A request as a session runs it. */

static void run_request(const grt_selector *selector, request *r)
{
    size_t n = r->n, k = r->k < n ? r->k : n;
    active_set set = {need(n, sizeof(size_t)),
                      n,
                      need(n, sizeof(float)),
                      need(n, sizeof(size_t)),
                      need(n, sizeof(grt_verdict)),
                      0,
                      n};
    for (size_t i = 0; i < n; i++)
        set.ids[i] = i;
    r->work = 0;
    float drift = 1, walked = 0;
    for (size_t layer = 1; layer < r->n_layers && set.n > 0; layer++) {
        r->work += set.n;
        score_active(r, &set, layer);
        float moved = moved_since(r, &set, layer);
        walked += moved * moved;
        if (layer == 1) moved = NAN;
        drift = fmaxf(drift, grt_drift(selector, layer, moved));
        grt_boundary boundary = {
            layer,         set.scores, set.n,
            k - set.front, n,          r->k,
            moved,         drift,      sqrtf(walked / (float)layer)};
        select_into(selector, &boundary, set.verdicts);
        check_answer(selector, &boundary, set.verdicts);
        set.front += take(&set, GRT_VERDICT_SELECT, r->ranking + set.front);
        size_t n_dropped = 0;
        for (size_t i = 0; i < set.n; i++)
            n_dropped += set.verdicts[i] == GRT_VERDICT_DROP;
        set.back -= n_dropped;
        take(&set, GRT_VERDICT_DROP, r->ranking + set.back);
        size_t kept = 0;
        for (size_t i = 0; i < set.n; i++)
            if (set.verdicts[i] == GRT_VERDICT_DEFER) set.ids[kept++] = set.ids[i];
        set.n = kept;
        assert_int_equal(set.front + set.n, set.back);
        assert_true(set.front <= k && set.front + set.n >= k);
        if (set.n == 0) assert_int_equal(set.front, k);
    }
    r->work += set.n;
    score_active(r, &set, r->n_layers);
    for (size_t rank = 0; rank < set.n; rank++)
        r->ranking[set.front++] = set.ids[set.order[rank]];
    assert_int_equal(set.front, set.back);
    free(set.ids);
    free(set.scores);
    free(set.order);
    free(set.verdicts);
}

static void check_permutation(const size_t *ranking, size_t n)
{
    unsigned char *seen = need(n, 1);
    for (size_t i = 0; i < n; i++) {
        assert_true(ranking[i] < n);
        assert_false(seen[ranking[i]]);
        seen[ranking[i]] = 1;
    }
    free(seen);
}

enum { SMOOTH, COARSE, EQUAL, BROKEN, GROUPED, N_KINDS };

/* Scores that settle on a final value, of the given kind. */
static void fill_history(float *history, size_t n, size_t n_layers, int kind)
{
    double mean = normal() * 3;
    for (size_t i = 0; i < n; i++) {
        double goal = mean + normal();
        if (kind == GROUPED) goal += 8 * (double)below(4);
        for (size_t layer = 0; layer <= n_layers; layer++) {
            double x = goal + normal() * (double)(n_layers - layer) / (double)n_layers;
            if (kind == COARSE) x = floor(x);
            if (kind == EQUAL) x = (double)layer;
            if (kind == BROKEN) {
                size_t fate = below(12);
                if (fate == 0) x = (double)NAN;
                if (fate == 1) x = HUGE_VAL;
                if (fate == 2) x = -HUGE_VAL;
            }
            history[layer * n + i] = (float)x;
        }
    }
}

enum { N_LAYERS = 10 };

static grt_selector random_selector(float *spread, grt_schedule_entry *steps)
{
    static const float precisions[] = {0.0f, 0.5f, 0.9f, 0.99f, 1.0f};
    static const float explained[] = {0.0f, 0.5f, 0.8f, 0.95f, 1.0f};
    /* one draw in each statement, so that every compiler draws in the same order */
    grt_selector selector = {.kind = (grt_selector_kind)below(4)};
    selector.is_exact_order = below(2) == 1;
    selector.first_layer = below(5);
    if (selector.kind == GRT_SELECTOR_CLUSTER) {
        selector.cluster.dispersion = (float)uniform();
        selector.cluster.max_clusters = below(9);
        selector.cluster.explained = explained[below(5)];
    } else if (selector.kind == GRT_SELECTOR_BOUND) {
        for (size_t l = 0; l < N_LAYERS; l++)
            spread[l] = (float)(N_LAYERS - l) / N_LAYERS;
        float *odd = &spread[below(N_LAYERS)];
        *odd = (float[]){INFINITY, NAN, 0, -1}[below(4)];
        selector.bound.n_layers = N_LAYERS;
        selector.bound.spread = below(3) ? spread : NULL;
        selector.bound.moves = below(2) ? spread : NULL;
        selector.bound.margin = (float)uniform() * 2;
        selector.bound.precision = precisions[below(5)];
    } else if (selector.kind == GRT_SELECTOR_SCHEDULE) {
        for (size_t i = 0; i < 4; i++) {
            steps[i].layer = 1 + below(N_LAYERS);
            steps[i].n_select = below(9);
            steps[i].n_drop = below(12);
        }
        selector.schedule = (grt_schedule_policy){steps, 4};
    }
    return selector;
}

static void run_random(size_t n, size_t k, int kind)
{
    float spread[N_LAYERS];
    grt_schedule_entry steps[4];
    grt_selector selector = random_selector(spread, steps);
    float *history = need(n * (N_LAYERS + 1), sizeof(float));
    fill_history(history, n, N_LAYERS, kind);
    request r = {history, N_LAYERS, n, k, need(n, sizeof(size_t)), 0};
    run_request(&selector, &r);
    check_permutation(r.ranking, n);
    if (selector.kind == GRT_SELECTOR_NONE) {
        size_t *order = need(n, sizeof(size_t));
        grt_order_by_score(order, history + N_LAYERS * n, n);
        assert_memory_equal(order, r.ranking, n * sizeof(size_t));
        assert_int_equal(r.work, n * N_LAYERS);
        free(order);
    }
    free(r.ranking);
    free(history);
}

static void test_random_requests_keep_the_rules(void **state)
{
    (void)state;
    for (int round = 0; round < 20000; round++) {
        size_t n = 1 + below(40);
        run_random(n, 1 + below(n + n / 4 + 1), round % N_KINDS);
    }
    for (int round = 0; round < 40; round++) {
        size_t n = 2000 + below(3000);
        run_random(n, 1 + below(500), round % N_KINDS);
    }
}

/* In exact order, who runs to the end has the order of the full pass. */
static void test_exact_order_never_selects(void **state)
{
    (void)state;
    static const grt_schedule_entry steps[] = {{2, 3, 4}, {4, 9, 99}};
    float history[11 * 20];
    fill_history(history, 20, N_LAYERS, SMOOTH);
    grt_selector selector = {.kind = GRT_SELECTOR_SCHEDULE, .is_exact_order = true};
    selector.schedule = (grt_schedule_policy){steps, 2};
    request r = {history, N_LAYERS, 20, 5, need(20, sizeof(size_t)), 0};
    run_request(&selector, &r);
    assert_int_equal(r.work, 2 * 20 + 2 * 16 + 6 * 5);
    for (size_t i = 1; i < 5; i++)
        assert_true(history[200 + r.ranking[i - 1]] >= history[200 + r.ranking[i]]);
    free(r.ranking);
}

static void test_edges(void **state)
{
    (void)state;
    grt_selector none = {.kind = GRT_SELECTOR_NONE};
    grt_selector cluster = {.kind = GRT_SELECTOR_CLUSTER};
    cluster.cluster = (grt_cluster_policy){0.1f, 4, 0.9f};
    cluster.first_layer = 3;
    grt_selector exact = cluster;
    exact.is_exact_order = true;
    const float spread[4] = {0};
    grt_selector sure = {.kind = GRT_SELECTOR_BOUND};
    sure.bound = (grt_bound_policy){spread, NULL, 4, 1, 1};
    grt_verdict untouched = (grt_verdict)77;
    grt_select(&cluster, &(grt_boundary){3, NULL, 0, 0, 5, 2, NAN, 1, NAN}, &untouched,
               NULL);
    assert_int_equal(untouched, 77);
    const float falling[] = {9, 8, 1, 0};
    expect(&cluster, falling, 4, 4, 1, "++++");
    expect(&exact, falling, 4, 4, 3, "....");
    expect(&none, falling, 4, 4, 3, "....");
    expect(&cluster, falling, 1, 1, 1, "+");
    expect(&cluster, falling, 4, 0, 3, "----");
    expect(&cluster, falling, 4, 2, 2, "....");
    expect(&cluster, falling, 4, 2, 3, "++--");
    expect(&exact, falling, 4, 2, 3, "..--");
    const float negative[] = {-1, -2, -9, -9.5f};
    expect(&cluster, negative, 4, 2, 3, "++--");
    cluster.cluster.explained = 0; /* two clusters all the same */
    expect(&cluster, falling, 4, 2, 3, "++--");
    cluster.cluster.explained = 0.9f;
    const float equal[] = {2, 2, 2, 2};
    expect(&cluster, equal, 4, 2, 3, "....");
    expect(&sure, equal, 4, 2, 3, "....");
    const float straddling[] = {5, 2, 2, 2, 1};
    expect(&sure, straddling, 5, 3, 3, "+...-");
    expect(&sure, straddling, 5, 4, 3, "++++-");
    const float broken[] = {INFINITY, 5, 4, -INFINITY, NAN, NAN};
    expect(&sure, broken, 6, 1, 3, "+-----");
    expect(&sure, broken, 6, 4, 3, "++++--");
    expect(&sure, broken, 6, 5, 3, "++++..");
    expect(&cluster, broken, 6, 2, 3, "++----");
    expect(&cluster, broken, 6, 5, 3, "++++..");
    const float nan_first[] = {NAN, 1};
    expect(&sure, nan_first, 2, 1, 3, "-+");
    const float all_nan[] = {NAN, NAN, NAN};
    expect(&sure, all_nan, 3, 1, 3, "...");
    expect(&cluster, all_nan, 3, 1, 3, "...");
    grt_schedule_entry steps[] = {{2, 1, 1}, {3, 9, 9}};
    grt_selector schedule = {.kind = GRT_SELECTOR_SCHEDULE};
    schedule.schedule = (grt_schedule_policy){steps, 2};
    expect(&schedule, falling, 4, 2, 1, "....");
    expect(&schedule, falling, 4, 2, 2, "+..-");
    expect(&schedule, falling, 4, 2, 3, "++--");
    expect(&schedule, equal, 4, 2, 3, "....");
}

/* The least sum of squares over all partitions of n sorted scores into m runs. */
static double brute_force(const float *scores, size_t n, size_t m)
{
    double sum = 0, least = HUGE_VAL;
    if (n < m) return HUGE_VAL;
    if (m == 0) return n == 0 ? 0 : HUGE_VAL;
    for (size_t begin = n; begin-- > m - 1;) {
        sum += (double)scores[begin];
        double mean = sum / (double)(n - begin), squares = 0;
        for (size_t i = begin; i < n; i++)
            squares += ((double)scores[i] - mean) * ((double)scores[i] - mean);
        double cost = brute_force(scores, begin, m - 1) + squares;
        if (cost < least) least = cost;
    }
    return least;
}

static double cost_of(const float *scores, size_t begin, size_t end)
{
    return brute_force(scores + begin, end - begin, 1);
}

/* Clusters of all ranks put together are a partition with the cost that was told. */
static double partition_cost(const float *scores, size_t n, size_t m, void *scratch)
{
    double cost = 0;
    for (size_t at = 0; at < n;) {
        grt_clustering found = grt_cluster_sorted(scores, n, at, m, 0, scratch);
        assert_int_equal(found.begin, at);
        for (size_t i = found.begin; i < found.end; i++) {
            grt_clustering same = grt_cluster_sorted(scores, n, i, m, 0, scratch);
            assert_int_equal(same.begin, found.begin);
            assert_int_equal(same.end, found.end);
        }
        cost += cost_of(scores, found.begin, found.end);
        at = found.end;
    }
    return cost;
}

static void fill_sorted(float *scores, size_t n, double far, int is_coarse)
{
    float raw[256] = {0};
    size_t order[256];
    for (size_t i = 0; i < n; i++)
        raw[i] = (float)(far + (is_coarse ? (double)below(5) : normal() * 4));
    grt_order_by_score(order, raw, n);
    for (size_t i = 0; i < n; i++)
        scores[i] = raw[order[i]];
}

static void test_clusters_are_optimal(void **state)
{
    (void)state;
    float scores[256];
    void *scratch = need(grt_cluster_scratch_bytes(256), 1);
    for (int round = 0; round < 1500; round++) {
        size_t n = 1 + below(10);
        fill_sorted(scores, n, round % 3 == 0 ? 10000 : 0, round % 4 == 0);
        double total = cost_of(scores, 0, n), slack = 1e-10 * (1 + total);
        for (size_t m = 2; m <= n; m++) {
            double least = brute_force(scores, n, m);
            grt_clustering found = grt_cluster_sorted(scores, n, 0, m, 0, scratch);
            assert_true(found.n_clusters <= m);
            assert_true(fabs(found.within - least) <= slack);
            assert_true(fabs(partition_cost(scores, n, m, scratch) - least) <= slack);
            /* the fewest clusters that leave a tenth of the total */
            found = grt_cluster_sorted(scores, n, 0, m, 0.1, scratch);
            size_t fewest = total > 0 ? 2 : 1;
            while (fewest > 1 && fewest < m &&
                   brute_force(scores, n, fewest) > 0.1 * total)
                fewest++;
            assert_int_equal(found.n_clusters, fewest);
        }
    }
    free(scratch);
}

/* The same in O(m n^2), for more scores than all partitions can be tried of. */
static double slow_clusters(const float *scores, size_t n, size_t m)
{
    static double squares[200][201];
    double row[2][201];
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j <= n; j++)
            squares[i][j] = cost_of(scores, i, j);
    for (size_t j = 1; j <= n; j++)
        row[1][j] = squares[0][j];
    for (size_t count = 2; count <= m; count++) {
        double *before = row[(count - 1) % 2], *now = row[count % 2];
        for (size_t j = 1; j <= n; j++) {
            now[j] = before[j];
            for (size_t i = 1; i < j; i++)
                now[j] = fmin(now[j], before[i] + squares[i][j]);
        }
    }
    return row[m % 2][n];
}

static void test_many_scores_are_clustered_optimally(void **state)
{
    (void)state;
    float scores[256];
    void *scratch = need(grt_cluster_scratch_bytes(256), 1);
    for (int round = 0; round < 12; round++) {
        size_t n = 60 + below(60);
        size_t m = 2 + below(9);
        fill_sorted(scores, n, 50, 0);
        double least = slow_clusters(scores, n, m);
        assert_true(fabs(partition_cost(scores, n, m, scratch) - least) <=
                    1e-8 * least);
    }
    free(scratch);
}

/* Milliseconds, where a search quadratic in the scores needs most of a second. */
static void test_clustering_thousands_is_fast(void **state)
{
    (void)state;
    enum { N = 5000 };
    float *raw = need(N, sizeof(float)), *scores = need(N, sizeof(float));
    size_t *order = need(N, sizeof(size_t));
    void *scratch = need(grt_cluster_scratch_bytes(N), 1);
    for (size_t i = 0; i < N; i++)
        raw[i] = (float)normal();
    grt_order_by_score(order, raw, N);
    for (size_t i = 0; i < N; i++)
        scores[i] = raw[order[i]];
    clock_t start = clock();
    for (int round = 0; round < 10; round++)
        assert_int_equal(grt_cluster_sorted(scores, N, 9, 16, 0, scratch).n_clusters,
                         16);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC / 10;
    print_message("16 clusters of 5000 scores: %.2f ms\n", seconds * 1000);
    assert_true(seconds < 0.2);
    free(raw);
    free(scores);
    free(order);
    free(scratch);
}

/* arXiv 2510.15620: the top 10 of 20. */
static void test_worked_example_of_the_paper(void **state)
{
    (void)state;
    enum { LAYERS = 28 };
    static float history[(LAYERS + 1) * 20];
    for (size_t i = 0; i < 20; i++) {
        float small = (float)i / 50;
        float *row = history + i;
        row[9 * 20] = (i < 2 ? 9 : i < 18 ? 5 : 1) - small;
        row[10 * 20] = 5 - small;
        row[11 * 20] = (i < 2 ? 9 : i % 2 == 0 ? 7 : 3) - small;
    }
    grt_selector selector = {.kind = GRT_SELECTOR_CLUSTER};
    selector.cluster = (grt_cluster_policy){0.3f, 5, 0.9f};
    selector.first_layer = 9;
    expect(&selector, history + 9 * 20, 20, 10, 9, "++................--");
    expect(&selector, history + 10 * 20 + 2, 16, 8, 10, "................");
    expect(&selector, history + 11 * 20 + 2, 16, 8, 11, "+-+-+-+-+-+-+-+-");
    request r = {history, LAYERS, 20, 10, need(20, sizeof(size_t)), 0};
    run_request(&selector, &r);
    assert_int_equal(r.work, 9 * 20 + 2 * 16);
    static const size_t wanted[20] = {0, 1, 2, 4, 6,  8,  10, 12, 14, 16,
                                      3, 5, 7, 9, 11, 13, 15, 17, 18, 19};
    assert_memory_equal(r.ranking, wanted, sizeof(wanted));
    /* in exact order the ten run to the end */
    selector.is_exact_order = true;
    run_request(&selector, &r);
    assert_int_equal(r.work, 9 * 20 + 2 * 18 + (LAYERS - 11) * 10);
    free(r.ranking);
}

static void expect_bound(const float *spread, float margin, float precision,
                         const char *wanted)
{
    const float scores[] = {4, 3, 2, 1};
    grt_selector selector = {.kind = GRT_SELECTOR_BOUND};
    selector.bound = (grt_bound_policy){spread, NULL, 2, margin, precision};
    expect(&selector, scores, 4, 2, 1, wanted);
}

/* Gaps to the boundary are 2, 1, 1, 2; a share is (1 - precision) * 2 / 4. */
static void test_bound_by_hand(void **state)
{
    (void)state;
    const float one[] = {0, 1}, zero[] = {0, 0}, negative[] = {0, -1};
    const float infinite[] = {0, INFINITY}, unknown[] = {0, NAN};
    /* Phi(-2) = 0.0228, Phi(-1) = 0.159 */
    expect_bound(one, 1, 0.9f, "+..-");     /* share 0.05 */
    expect_bound(one, 1, 0.955f, "....");   /* 0.0225 */
    expect_bound(one, 1, 0.954f, "+..-");   /* 0.0230 */
    expect_bound(one, 1, 0.682f, "++--");   /* 0.159 */
    expect_bound(one, 1, 0.684f, "+..-");   /* 0.158 */
    expect_bound(one, 1.2f, 0.9f, "+..-");  /* Phi(-1.667) = 0.0478 */
    expect_bound(one, 1.25f, 0.9f, "...."); /* Phi(-1.6) = 0.0548 */
    expect_bound(one, 0.01f, 1.0f, "...."); /* Phi(-200) is 0 in double */
    expect_bound(one, 0.01f, 0.999f, "++--");
    expect_bound(zero, 1, 1.0f, "++--");
    expect_bound(one, 0, 1.0f, "++--");
    expect_bound(infinite, 1, 0.0f, "....");
    expect_bound(infinite, 0, 0.0f, "....");
    expect_bound(unknown, 1, 0.0f, "....");
    expect_bound(negative, 1, 0.0f, "....");
}

/* Scores that moved by `moved` on the way to boundary 2 of 6, where the share is 0.05.
 */
static void expect_seen(const grt_bound_policy *policy, float moved, float drift,
                        float step, const char *wanted)
{
    const float scores[] = {4, 3, 2, 1};
    grt_selector selector = {.kind = GRT_SELECTOR_BOUND, .bound = *policy};
    grt_boundary boundary = {2, scores, 4, 2, 4, 2, moved, drift, step};
    grt_verdict verdicts[4];
    char found[5] = {0};
    select_into(&selector, &boundary, verdicts);
    for (size_t i = 0; i < 4; i++)
        found[i] = ".+-"[verdicts[i]];
    assert_string_equal(found, wanted);
}

static void expect_moved(const grt_bound_policy *policy, float moved, float drift,
                         const char *wanted)
{
    expect_seen(policy, moved, drift, NAN, wanted);
}

/* Phi(-2 / 1.2) = 0.0478 and Phi(-2 / 1.25) = 0.0548. */
static void test_bound_without_calibration_reads_the_steps(void **state)
{
    (void)state;
    grt_bound_policy walk = {.n_layers = 6, .margin = 1, .precision = 0.9f};
    expect_seen(&walk, 1, 1, 0.6f, "+..-"); /* four more steps: twice as much */
    expect_seen(&walk, 1, 1, 0.625f, "....");
    expect_seen(&walk, 1, 9, 0.1f, "++--"); /* nothing to drift from */
    expect_seen(&walk, 1, 1, NAN, "....");
    expect_seen(&walk, 1, 1, 0, "....");
    expect_seen(&walk, 1, 1, INFINITY, "....");
    walk.margin = 0.5f;
    expect_seen(&walk, NAN, 1, 1.2f, "+..-");
}

static void test_bound_widens_with_drift(void **state)
{
    (void)state;
    const float spread[] = {0, 0, 0.6f}, moves[] = {0, 0, 0.5f};
    grt_bound_policy bound = {spread, moves, 6, 1, 0.9f};
    expect_moved(&bound, 0.5f, 2, "+..-");
    expect_moved(&bound, 0.5f, 2.1f, "....");
    expect_moved(&bound, 0.5f, INFINITY, "....");
    expect_moved(&bound, NAN, 1, "...."); /* nobody has seen it move */
    bound.moves = NULL;
    expect_moved(&bound, NAN, 1, "++--");
    expect_moved(&bound, 0.5f, 2.1f, "++--");
}

static void test_moves_and_drift(void **state)
{
    (void)state;
    const float before[] = {1, 2, 3}, after[] = {12, 12, 12}, broken[] = {1, NAN, 3};
    /* moved by 11, 10 and 9: a difference of two by sqrt(2) */
    assert_float_equal(grt_moved(before, after, 3), sqrtf(2), 1e-6);
    assert_float_equal(grt_moved(before, after, 2), 1, 1e-6);
    assert_true(isnan(grt_moved(before, after, 1)));
    assert_true(isnan(grt_moved(before, after, 0)));
    assert_true(isnan(grt_moved(broken, after, 3)));
    const float moves[] = {0, 0, 0.5f, 0};
    grt_selector selector = {.kind = GRT_SELECTOR_BOUND};
    assert_float_equal(grt_drift(&selector, 2, 1), 1, 0);
    selector.bound.moves = moves;
    assert_float_equal(grt_drift(&selector, 2, 1), 2, 0);
    assert_float_equal(grt_drift(&selector, 2, 0.1f), 1, 0);
    assert_float_equal(grt_drift(&selector, 2, NAN), 1, 0);
    assert_float_equal(grt_drift(&selector, 3, 0), 1, 0);
    assert_true(isinf(grt_drift(&selector, 3, 0.1f)));
    selector.kind = GRT_SELECTOR_CLUSTER;
    assert_float_equal(grt_drift(&selector, 2, 1), 1, 0);
}

/* Decided by the stricter one: decided alike by the other. */
static void check_stricter(const grt_selector *loose, const grt_selector *strict,
                           const float *scores, size_t n, size_t slots)
{
    grt_verdict a[40], b[40];
    grt_boundary boundary = first_sight(1, scores, n, slots);
    boundary.moved = 1;
    select_into(loose, &boundary, a);
    select_into(strict, &boundary, b);
    for (size_t i = 0; i < n; i++)
        if (b[i] != GRT_VERDICT_DEFER) assert_int_equal(a[i], b[i]);
}

static void test_bound_is_monotone_and_shift_invariant(void **state)
{
    (void)state;
    const float spread[] = {0, 1};
    for (int round = 0; round < 3000; round++) {
        float scores[40], shifted[40];
        size_t n = 2 + below(39);
        size_t slots = 1 + below(n - 1);
        float shift = (float)below(2000) - 1000;
        for (size_t i = 0; i < n; i++) {
            /* multiples of 1/64 stay exact under the shift */
            scores[i] = (float)(floor(normal() * 256) / 64);
            shifted[i] = scores[i] + shift;
        }
        grt_selector loose = {.kind = GRT_SELECTOR_BOUND};
        loose.is_exact_order = round % 3 == 0;
        loose.bound =
            (grt_bound_policy){.spread = round % 2 == 0 ? spread : NULL, .n_layers = 4};
        loose.bound.margin = (float)uniform() * 2;
        loose.bound.precision = (float)uniform();
        grt_selector strict = loose;
        strict.bound.precision += (1 - strict.bound.precision) * (float)uniform();
        check_stricter(&loose, &strict, scores, n, slots);
        strict = loose;
        strict.bound.margin += (float)uniform();
        check_stricter(&loose, &strict, scores, n, slots);
        grt_verdict here[40], there[40];
        grt_boundary boundary = first_sight(1, scores, n, slots);
        boundary.moved = 1;
        select_into(&loose, &boundary, here);
        boundary.scores = shifted;
        select_into(&loose, &boundary, there);
        assert_memory_equal(here, there, n * sizeof(*here));
    }
}

/* Share of the full pass's top K that random walks keep, where spreads are true. */
static double mean_overlap(const grt_selector *selector, const double step,
                           double *work)
{
    enum { N = 50, K = 10, REQUESTS = 400 };
    static float history[(N_LAYERS + 1) * N];
    size_t n_kept = 0, n_work = 0, ranking[N], full[N];
    for (int round = 0; round < REQUESTS; round++) {
        for (size_t i = 0; i < N; i++) {
            double x = normal();
            for (size_t l = 0; l <= N_LAYERS; l++, x += step * normal())
                history[l * N + i] = (float)x;
        }
        request r = {history, N_LAYERS, N, K, ranking, 0};
        run_request(selector, &r);
        grt_order_by_score(full, history + N_LAYERS * N, N);
        for (size_t a = 0; a < K; a++)
            for (size_t b = 0; b < K; b++)
                n_kept += full[a] == ranking[b];
        n_work += r.work;
    }
    *work = (double)n_work / (REQUESTS * N * N_LAYERS);
    return (double)n_kept / (REQUESTS * K);
}

static void test_bound_keeps_its_promise_where_its_model_holds(void **state)
{
    (void)state;
    static const float promises[] = {0.8f, 0.9f, 0.95f, 0.99f};
    const double step = 0.1;
    float spread[N_LAYERS];
    for (size_t l = 0; l < N_LAYERS; l++)
        spread[l] = (float)(step * sqrt(2 * (double)(N_LAYERS - l)));
    double work_before = 0;
    for (size_t i = 0; i < 4; i++) {
        double work;
        grt_selector selector = {.kind = GRT_SELECTOR_BOUND};
        selector.bound = (grt_bound_policy){spread, NULL, N_LAYERS, 1, promises[i]};
        double kept = mean_overlap(&selector, step, &work);
        print_message("promised %.2f: kept %.4f with %.2f of the work\n",
                      (double)promises[i], kept, work);
        assert_true(kept >= (double)promises[i]);
        assert_true(work < 0.9 && work > work_before);
        work_before = work;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_requests_keep_the_rules),
        cmocka_unit_test(test_exact_order_never_selects),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_clusters_are_optimal),
        cmocka_unit_test(test_many_scores_are_clustered_optimally),
        cmocka_unit_test(test_clustering_thousands_is_fast),
        cmocka_unit_test(test_worked_example_of_the_paper),
        cmocka_unit_test(test_bound_by_hand),
        cmocka_unit_test(test_bound_without_calibration_reads_the_steps),
        cmocka_unit_test(test_bound_widens_with_drift),
        cmocka_unit_test(test_moves_and_drift),
        cmocka_unit_test(test_bound_is_monotone_and_shift_invariant),
        cmocka_unit_test(test_bound_keeps_its_promise_where_its_model_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
