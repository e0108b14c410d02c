/* test_fit.c - fits of samples whose readouts, spreads and moves are known, and what
 * the fitted policies do on queries that were not seen. */
#include "temp_dir.h"

#include "base/memory.h"
#include "calibrate/fit.h"
#include "calibrate/numbers.h"

enum { WIDTH = 8, MAX_LAYERS = 8, MAX_N = 40, N_FRESH = 300 };

static const grt_architecture encoder = {.name = "encoder"};
static const grt_architecture decoder = {.name = "decoder", .is_causal = true};
static temp_dir dir;
static char path[128];

static int set_up(void **state)
{
    (void)state;
    random_state = 5;
    temp_make(&dir);
    temp_path(&dir, "samples", path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_remove(&dir);
    return grt_memory_now() != 0;
}

/* ---- Synthetic queries ---- */

/* A candidate's final score is normal; at boundary l column 0 of its pooled states is
 * that score plus noise[l] times a normal number of its own, and the other columns are
 * about nothing.  The head sees the score plus a third of that noise, for `cluster`. */
typedef struct world {
    grt_network network;
    double noise[MAX_LAYERS]; /* [n_layers] from 1; INFINITY: no signal at all */
    double jumps;             /* share of candidates that the last layer lifts by 6 */
} world;

static world make_world(size_t n_layers)
{
    world w = {.network = {&decoder, .n_layers = n_layers, .hidden_size = WIDTH / 2}};
    for (size_t l = 1; l < n_layers; l++)
        w.noise[l] = 1.2 * pow(0.5, (double)l);
    return w;
}

/* The readout of least squares at boundary l is slope * column 0. */
static double slope_of(const world *w, size_t l)
{
    return l < w->network.n_layers ? 1 / (1 + w->noise[l] * w->noise[l]) : 1;
}

/* Standard deviation of what differences of readouts move from a to b; from 0: from
 * nothing. */
static double move_of(const world *w, size_t a, size_t b)
{
    double x = a ? slope_of(w, a) : 0, y = slope_of(w, b), variance = (x - y) * (x - y);
    if (a < w->network.n_layers) variance += pow(x * w->noise[a], 2);
    if (b < w->network.n_layers) variance += pow(y * w->noise[b], 2);
    return sqrt(2 * variance);
}

typedef struct query {
    float final[MAX_N];
    float head[MAX_LAYERS][MAX_N];
    float pooled[MAX_LAYERS][MAX_N * WIDTH];
} query;

static void make_query(query *q, const world *w, size_t n)
{
    double offset = 3 * normal(); /* queries differ; candidates are compared within */
    for (size_t i = 0; i < n; i++) {
        double score = normal();
        q->final[i] = (float)(offset + score);
        for (size_t l = 1; l < w->network.n_layers; l++) {
            double noise = isinf(w->noise[l]) ? 0 : w->noise[l] * normal();
            float *pooled = q->pooled[l] + i * WIDTH;
            for (size_t c = 0; c < WIDTH; c++)
                pooled[c] = (float)normal();
            if (!isinf(w->noise[l])) pooled[0] = (float)(offset + score + noise);
            q->head[l][i] = (float)(offset + score + noise / 3);
        }
        if (uniform() < w->jumps) q->final[i] += 6;
    }
}

static void add_query(grt_samples *samples, const world *w, const query *q,
                      uint64_t key, size_t n)
{
    grt_error err;
    size_t n_layers = w->network.n_layers;
    assert_ok(grt_samples_begin(samples, key, n, GRT_ARITHMETIC_AUTO, &err), &err);
    for (size_t l = 1; l < n_layers; l++)
        assert_ok(grt_samples_put(samples, l, 0, n, q->head[l], q->pooled[l], &err),
                  &err);
    assert_ok(grt_samples_put(samples, n_layers, 0, n, q->final, NULL, &err), &err);
    assert_ok(grt_samples_finish(samples, &err), &err);
}

static grt_samples open_samples(const world *w)
{
    grt_error err;
    grt_samples samples;
    grt_samples_shape shape = {
        w->network.n_layers, WIDTH, {{1, 2, 3, 4}, 5}, GRT_ARITHMETIC_BF16};
    assert_ok(grt_samples_open(&samples, path, &shape, &err), &err);
    return samples;
}

/* Queries of n_min..n_max candidates. */
static grt_samples make_samples(const world *w, size_t n_queries, size_t n_min,
                                size_t n_max)
{
    static query q;
    grt_samples samples = open_samples(w);
    for (size_t i = 0; i < n_queries; i++) {
        size_t n = n_min + (size_t)(uniform() * (double)(n_max - n_min + 1));
        make_query(&q, w, n);
        add_query(&samples, w, &q, i, n);
    }
    return samples;
}

static grt_fit run_fit(const grt_samples *samples, const world *w, size_t k_max)
{
    grt_error err;
    grt_fit fit;
    assert_ok(grt_fit_run(&fit, samples, &w->network, k_max, NULL, NULL, NULL, &err),
              &err);
    return fit;
}

/* ---- Readouts, spreads, moves ---- */

static void check_readout(const grt_fit *fit, const world *w, size_t layer)
{
    grt_readout readout = grt_profile_readout(&fit->profile, layer);
    assert_int_equal(readout.n_features, WIDTH); /* a decoder derives none */
    assert_near((double)readout.weights[0], slope_of(w, layer), 0.05);
    for (size_t c = 1; c < WIDTH; c++)
        assert_near((double)readout.weights[c], 0, 0.05);
}

static void test_a_known_signal_is_recovered(void **state)
{
    (void)state;
    world w = make_world(7);
    grt_samples samples = make_samples(&w, 160, 10, 20);
    grt_fit fit = run_fit(&samples, &w, 10);
    assert_int_equal(fit.fitted.head.n_queries, 124);  /* about three quarters, */
    assert_int_equal(fit.reported.head.n_queries, 36); /* in runs of six */
    assert_true(isinf(fit.profile.spreads[0]));
    for (size_t l = 1; l < 7; l++) {
        double spread = move_of(&w, l, 7), move = move_of(&w, l - 1, l);
        check_readout(&fit, &w, l);
        assert_near((double)fit.profile.spreads[l], spread, 0.06 * spread + 0.01);
        assert_near((double)fit.profile.moves[l], move, 0.06 * move + 0.01);
    }
    grt_fit_release(&fit);
    grt_samples_close(&samples);
}

/* A candidate's final score is how far column 0 of the query's mean lies from that of
 * the document's, to either side: no weights of the pooled states themselves tell it.
 */
static void make_distances(query *q, const world *w, size_t n)
{
    size_t d = w->network.hidden_size, width = 3 * d;
    make_query(q, w, n);
    for (size_t i = 0; i < n; i++)
        q->final[i] = (float)fabs(normal());
    for (size_t l = 1; l < w->network.n_layers; l++)
        for (size_t i = 0; i < n; i++) {
            float *pooled = q->pooled[l] + i * width;
            pooled[2 * d] = pooled[d] + (uniform() < 0.5 ? q->final[i] : -q->final[i]);
        }
}

static void test_distances_of_means_are_read(void **state)
{
    (void)state;
    static query q;
    grt_error err;
    grt_samples samples;
    world w = {.network = {&encoder, .n_layers = 3, .hidden_size = 2}};
    const grt_samples_shape shape = {
        3, grt_pooled_size(&w.network), {{1, 2, 3, 4}, 5}, GRT_ARITHMETIC_BF16};
    assert_ok(grt_samples_open(&samples, path, &shape, &err), &err);
    for (uint64_t i = 0; i < 40; i++) {
        make_distances(&q, &w, 10);
        add_query(&samples, &w, &q, i, 10);
    }
    grt_fit fit = run_fit(&samples, &w, 5);
    for (size_t l = 1; l < 3; l++) {
        grt_readout readout = grt_profile_readout(&fit.profile, l);
        assert_int_equal(readout.n_features, 8);
        for (size_t c = 0; c < 8; c++)
            assert_near((double)readout.weights[c], c == 6, 0.001);
        assert_true((double)fit.profile.spreads[l] < 0.001);
        assert_true(grt_history_gamma(&fit.reported.readout, l) > 0.99);
    }
    grt_fit_release(&fit);
    grt_samples_close(&samples);
}

/* Neighbours in the file are often alike.  Here 21 fitted queries come in five runs of
 * equal ones, one for each fold, with more columns than a query has candidates and
 * nothing to learn: a readout predicts a query only when it has seen its like. */
static void test_folds_do_not_see_their_neighbours(void **state)
{
    (void)state;
    static query q;
    static const size_t begins[] = {0, 5, 9, 13, 17};
    world w = make_world(2);
    w.noise[1] = HUGE_VAL;
    grt_samples samples = open_samples(&w);
    size_t n_fitted = 0;
    for (uint64_t i = 0; i < 28; i++) {
        bool is_reported = i % 4 == 3, begins_run = false;
        for (size_t run = 0; run < 5 && !is_reported; run++)
            begins_run = begins_run || begins[run] == n_fitted;
        n_fitted += !is_reported;
        if (begins_run) make_query(&q, &w, 3);
        add_query(&samples, &w, &q, i, 3);
    }
    grt_fit fit = run_fit(&samples, &w, 1);
    assert_int_equal(fit.fitted.head.n_queries, 21);
    assert_true(grt_history_gamma(&fit.fitted.readout, 1) < 0.6);
    assert_true((double)fit.profile.spreads[1] > 1);
    grt_fit_release(&fit);
    grt_samples_close(&samples);
}

/* ---- Other arithmetics ---- */

/* The query as another arithmetic sees it: column 0 of its states at boundary l is off
 * by noise * normal, its final logits are off by 0.3 and noise * normal. */
static void disturb(query *q, const world *w, size_t n, double noise)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t l = 1; l < w->network.n_layers; l++)
            q->pooled[l][i * WIDTH] += (float)(noise * normal());
        q->final[i] += (float)(0.3 + noise * normal());
    }
}

static void add_compared(grt_samples *samples, const world *w, const query *q,
                         uint64_t key, size_t n)
{
    grt_error err;
    size_t n_layers = w->network.n_layers;
    assert_ok(grt_samples_begin(samples, key, n, GRT_ARITHMETIC_INT8, &err), &err);
    for (size_t l = 1; l < n_layers; l++)
        assert_ok(grt_samples_put(samples, l, 0, n, q->head[l], q->pooled[l], &err),
                  &err);
    assert_ok(grt_samples_put(samples, n_layers, 0, n, q->final, NULL, &err), &err);
    assert_ok(grt_samples_finish(samples, &err), &err);
}

/* What another arithmetic adds comes out as it was put in, from an eighth of the
 * queries; of arithmetics that were not compared nothing is known. */
static void test_other_arithmetics_are_compared(void **state)
{
    (void)state;
    static query q;
    const double noise = 0.4;
    world w = make_world(5);
    grt_samples samples = open_samples(&w);
    for (uint64_t i = 0; i < 160; i++) {
        make_query(&q, &w, 20);
        add_query(&samples, &w, &q, i, 20);
        if (i % 8 != 0) continue;
        disturb(&q, &w, 20, noise);
        add_compared(&samples, &w, &q, i, 20);
    }
    make_query(&q, &w, 4);
    add_compared(&samples, &w, &q, 1000, 4); /* of no query that is known */
    grt_fit fit = run_fit(&samples, &w, 5);
    assert_int_equal(fit.profile.arithmetic, GRT_ARITHMETIC_BF16);
    assert_null(fit.profile.widenings[GRT_ARITHMETIC_F32].spreads);
    const grt_widening *found = &fit.profile.widenings[GRT_ARITHMETIC_INT8];
    assert_non_null(found->spreads);
    for (size_t l = 1; l < 5; l++) {
        double before = l > 1 ? slope_of(&w, l - 1) : 0, now = slope_of(&w, l);
        double left = noise * sqrt(2 * (1 + now * now));
        double moved = noise * sqrt(2 * (before * before + now * now));
        assert_near((double)found->spreads[l - 1], left, 0.2 * left);
        assert_near((double)found->moves[l - 1], moved, 0.3 * moved);
        assert_near((double)found->shifts[l - 1], 0.3, 0.1);
    }
    const grt_logit_effect *logits = &found->logits;
    assert_true(logits->n_pairs == 400 && logits->n_queries == 20);
    assert_near((double)logits->share, noise, 0.1);
    assert_near((double)logits->mean, 0.41, 0.08);
    assert_true(logits->largest > 1 && logits->largest < 3);
    assert_true(logits->kept > 0.6f && logits->kept < 0.98f);
    grt_fit_release(&fit);
    grt_samples_close(&samples);
}

/* ---- What the policies do ---- */

typedef struct fresh_queries {
    grt_histories readout, head;
    size_t ends[N_FRESH];
} fresh_queries;

static void fresh_init(fresh_queries *fresh, const world *w, const grt_fit *fit,
                       size_t n)
{
    static query q;
    size_t n_layers = w->network.n_layers, total = N_FRESH * n;
    float *scores = calloc(2 * n_layers * total, sizeof(float));
    assert_non_null(scores);
    fresh->readout = (grt_histories){n_layers, N_FRESH, total, fresh->ends, scores};
    fresh->head = fresh->readout;
    fresh->head.scores = scores + n_layers * total;
    for (size_t i = 0; i < N_FRESH; i++) {
        fresh->ends[i] = (i + 1) * n;
        make_query(&q, w, n);
        for (size_t j = 0; j < n * n_layers; j++) {
            size_t l = j / n + 1, at = (l - 1) * total + i * n + j % n;
            scores[at] = fresh->head.scores[at] = q.final[j % n];
            if (l == n_layers) continue;
            grt_readout readout = grt_profile_readout(&fit->profile, l);
            scores[at] = readout.bias;
            for (size_t c = 0; c < WIDTH; c++)
                scores[at] += readout.weights[c] * q.pooled[l][j % n * WIDTH + c];
            fresh->head.scores[at] = q.head[l][j % n];
        }
    }
}

/* What rank would do with such histories by head and by readouts. */
static grt_replay replay(const grt_histories *head, const grt_histories *readout,
                         const grt_profile *with, grt_policy policy, float precision,
                         size_t k)
{
    grt_error err;
    grt_policy_choice choice;
    grt_replay found;
    grt_policy_options options = GRT_POLICY_OPTIONS_INIT;
    options.policy = (int32_t)policy;
    options.precision = precision;
    options.promise = GRT_PROMISE_SET;
    grt_policy_input input = {.options = &options, .n_documents = SIZE_MAX, .k = k};
    assert_ok(grt_policy_choose(&choice, with, head->n_layers, 0, &input, &err), &err);
    assert_ok(grt_replay_run(&found, choice.reads_profile ? readout : head,
                             &choice.selector, k, NULL, &err),
              &err);
    return found;
}

static grt_profile as_opened(const grt_fit *fit)
{
    grt_profile profile = fit->profile;
    profile.path = "there";
    return profile;
}

static grt_replay replay_fresh(const fresh_queries *fresh, const grt_fit *fit,
                               grt_policy policy, float precision, size_t k)
{
    grt_profile profile = as_opened(fit);
    return replay(&fresh->head, &fresh->readout, &profile, policy, precision, k);
}

static const float precisions[] = {0.8f, 0.9f, 0.95f, 0.98f, 0.99f, 0.995f};

static void check_promises(const grt_fit *fit, const world *w, grt_policy policy,
                           double least, double most)
{
    fresh_queries fresh;
    fresh_init(&fresh, w, fit, 15);
    for (size_t i = 0; i < 6; i++) {
        for (size_t k = 1; k <= 10; k += 3) {
            grt_replay found = replay_fresh(&fresh, fit, policy, precisions[i], k);
            if (found.kept < (double)precisions[i] - 0.01)
                fail_msg("K %zu: %.4f of the top K came back, %.3f was promised", k,
                         found.kept, (double)precisions[i]);
            if (found.computed < least || found.computed > most)
                fail_msg("K %zu at %.3f: %.3f was computed", k, (double)precisions[i],
                         found.computed);
        }
    }
    free(fresh.readout.scores);
}

static void test_promises_are_kept_on_unseen_queries(void **state)
{
    (void)state;
    world w = make_world(7);
    grt_samples samples = make_samples(&w, 200, 15, 15);
    grt_fit fit = run_fit(&samples, &w, 10);
    check_promises(&fit, &w, GRT_POLICY_BOUND, 0.144, 0.85); /* more than 1/7 */
    check_promises(&fit, &w, GRT_POLICY_CLUSTER, 0.15, 1);
    grt_fit_release(&fit);
    grt_samples_close(&samples);
}

static void test_nothing_is_promised_on_noise(void **state)
{
    (void)state;
    world w = make_world(5);
    for (size_t l = 1; l < 5; l++)
        w.noise[l] = HUGE_VAL;
    grt_samples samples = make_samples(&w, 200, 15, 15);
    grt_fit fit = run_fit(&samples, &w, 10);
    check_promises(&fit, &w, GRT_POLICY_BOUND, 0.7, 1);
    fresh_queries fresh;
    fresh_init(&fresh, &w, &fit, 15);
    assert_true(replay_fresh(&fresh, &fit, GRT_POLICY_BOUND, 0.99f, 5).computed > 0.95);
    free(fresh.readout.scores);
    grt_fit_release(&fit);
    grt_samples_close(&samples);
}

static void check_margins(const grt_profile *profile)
{
    assert_int_equal(profile->n_precisions, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_true(profile->precisions[i] == precisions[i]);
        for (size_t j = 0; j < profile->n_ks; j++) {
            float margin = profile->margins[i * profile->n_ks + j];
            assert_true(margin > 0 && margin <= 4);
            if (j > 0)
                assert_true(margin <= profile->margins[i * profile->n_ks + j - 1]);
        }
    }
}

/* On the queries of the fit each margin reaches its precision with 95 % confidence and
 * with one more member missed, or no margin does and this one misses nothing. */
static size_t check_evidence(const grt_fit *fit)
{
    size_t n_unproven = 0;
    grt_profile profile = as_opened(fit);
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 0; j < profile.n_ks; j++) {
            size_t k = (size_t)profile.ks[j];
            float margin = profile.margins[i * profile.n_ks + j];
            grt_replay found = replay(&fit->fitted.head, &fit->fitted.readout, &profile,
                                      GRT_POLICY_BOUND, precisions[i], k);
            double one = 1 / ((double)found.n_queries * (double)k);
            double surely = found.kept - fmax(1.645 * found.error, one);
            if (surely >= (double)precisions[i]) continue;
            n_unproven++;
            assert_true(margin >= 1 && found.missed < 0.5);
            assert_true(1 - one < (double)precisions[i] || isinf(margin));
        }
    }
    return n_unproven;
}

static void test_margins_have_evidence(void **state)
{
    (void)state;
    world w = make_world(7);
    grt_samples samples = make_samples(&w, 160, 20, 20);
    grt_fit fit = run_fit(&samples, &w, 10);
    assert_true(check_evidence(&fit) <= 2); /* 0.995 and 0.99 of one member */
    grt_fit_release(&fit);
    grt_samples_close(&samples);
    (void)unlink(path);
    samples = make_samples(&w, 16, 20, 20);
    fit = run_fit(&samples, &w, 10);
    size_t n_unproven = check_evidence(&fit);
    assert_true(n_unproven >= 4 && n_unproven <= 12);
    grt_fit_release(&fit);
    grt_samples_close(&samples);
    (void)unlink(path);
    w.jumps = 0.01; /* far from normal: spreads as they are miss some */
    samples = make_samples(&w, 16, 20, 20);
    fit = run_fit(&samples, &w, 1);
    assert_true(check_evidence(&fit) >= 3);
    assert_true(fit.profile.margins[2] > 1);
    grt_fit_release(&fit);
    grt_samples_close(&samples);
}

static void test_less_precision_computes_less(void **state)
{
    (void)state;
    world w = make_world(7);
    grt_samples samples = make_samples(&w, 160, 20, 20);
    grt_fit fit = run_fit(&samples, &w, 10);
    fresh_queries fresh;
    check_margins(&fit.profile);
    fresh_init(&fresh, &w, &fit, 20);
    for (size_t k = 1; k <= 10; k += 3) {
        double before = 0;
        for (size_t i = 0; i < 6; i++) {
            grt_replay found =
                replay_fresh(&fresh, &fit, GRT_POLICY_BOUND, precisions[i], k);
            assert_true(found.computed > before - 0.02); /* margins come in steps */
            before = found.computed;
        }
    }
    free(fresh.readout.scores);
    grt_fit_release(&fit);
    grt_samples_close(&samples);
}

static void test_the_grid_reaches_k_max(void **state)
{
    (void)state;
    const struct {
        size_t k_max, n_ks;
    } cases[] = {{1, 1}, {4, 1}, {5, 2}, {10, 3}, {49, 4}, {1000, 9}, {5000, 9}};
    world w = make_world(2);
    grt_samples samples = make_samples(&w, 12, 2, 8);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        grt_fit fit = run_fit(&samples, &w, cases[i].k_max);
        assert_int_equal(fit.profile.n_ks, cases[i].n_ks);
        assert_int_equal(fit.n_done, fit.n_steps);
        check_margins(&fit.profile);
        grt_fit_release(&fit);
    }
    grt_samples_close(&samples);
}

/* No query has more than K candidates: there is nothing to go by, and nothing to
 * report. */
static void test_queries_of_few_candidates(void **state)
{
    (void)state;
    grt_error err;
    world w = make_world(4);
    grt_samples samples = make_samples(&w, 30, 2, 5);
    grt_fit fit = run_fit(&samples, &w, 20);
    grt_fit_report report;
    assert_int_equal(fit.profile.n_ks, 4); /* 1, 5, 10, 20 */
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 1; j < 4; j++) {
            assert_true(fit.profile.margins[i * 4 + j] == 1);
            assert_true(fit.profile.dispersions[i * 4 + j] > 1e30f); /* never */
        }
    }
    assert_ok(grt_fit_make_report(&fit, 0.9f, &report, &err), &err);
    assert_int_equal(report.n_rows, 3);
    for (size_t i = 0; i < report.n_rows; i++)
        assert_int_equal(report.rows[i].k, 1);
    grt_fit_release(&fit);
    grt_samples_close(&samples);
}

/* ---- Report ---- */

/* The ends of Wilson's interval are those proportions from which what was reached lies
 * 1.96 standard errors away: of as many trials as there were members, or of fewer where
 * they were missed together. */
static void check_interval(const grt_calibration_row *row, const grt_replay *found)
{
    double trials = (double)(found->n_queries * row->k), p = found->kept;
    double variance = found->error * found->error;
    if (p < 1 && variance * trials > p * (1 - p)) trials = p * (1 - p) / variance;
    const double ends[] = {(double)row->reached_low, (double)row->reached_high};
    for (size_t i = 0; i < 2; i++) {
        if (p >= 1 && i == 1) continue;
        double error = sqrt(ends[i] * (1 - ends[i]) / trials);
        assert_near(fabs(p - ends[i]), 1.96 * error, 1e-3);
    }
    if (p >= 1) assert_true(row->reached_low < 1 && row->reached_high == 1);
}

/* Against a replay of the queries that it is about. */
static void check_row(const grt_calibration_row *row, const grt_fit *fit)
{
    grt_profile ours = as_opened(fit), none = {0};
    bool has_profile = row->has_readouts || row->policy == GRT_POLICY_CLUSTER;
    grt_replay wanted =
        replay(&fit->reported.head, &fit->reported.readout, has_profile ? &ours : &none,
               (grt_policy)row->policy, row->precision, row->k);
    assert_near((double)row->reached, wanted.kept, 1e-6);
    assert_near((double)row->computed, wanted.computed, 1e-6);
    assert_near((double)row->drift, wanted.drift, 1e-5);
    check_interval(row, &wanted);
    assert_true(row->precision == 0.9f);
    assert_true(row->reached_low <= row->reached && row->reached <= row->reached_high);
    assert_true(row->reached_low >= 0 && row->reached_high <= 1);
    assert_true(row->computed > 0 && row->computed <= 1);
    assert_true(row->drift >= 1 && isfinite(row->drift));
    if (row->policy == GRT_POLICY_CLUSTER) assert_false(row->has_readouts);
}

/* Reported queries are scored by the readouts of the profile, from their own states. */
static void check_reported_scores(const grt_fit *fit, const world *w)
{
    grt_error err;
    float pooled[MAX_N * WIDTH];
    const grt_histories *reported = &fit->reported.readout;
    for (size_t q = 0; q < reported->n_queries; q++) {
        for (size_t l = 1; l < w->network.n_layers; l++) {
            grt_readout readout = grt_profile_readout(&fit->profile, l);
            const float *scores = reported->scores + (l - 1) * reported->n_samples +
                                  grt_history_begin(reported, q);
            assert_ok(
                grt_samples_pooled(fit->samples,
                                   &fit->samples->own.records[fit->reported.queries[q]],
                                   l, pooled, &err),
                &err);
            for (size_t i = 0; i < grt_history_count(reported, q); i++) {
                double sum = (double)readout.bias;
                for (size_t c = 0; c < WIDTH; c++)
                    sum += (double)readout.weights[c] * (double)pooled[i * WIDTH + c];
                assert_near((double)scores[i], sum, 1e-4);
            }
        }
    }
}

static void test_reports_are_the_same_in_every_run(void **state)
{
    (void)state;
    grt_error err;
    static grt_fit_report reports[2];
    static float margins[2][18];
    world w = make_world(6);
    grt_samples samples = make_samples(&w, 64, 8, 16);
    for (size_t run = 0; run < 2; run++) {
        grt_fit fit = run_fit(&samples, &w, 10);
        memset(&reports[run], 0xa5, sizeof(reports[run]));
        assert_ok(grt_fit_make_report(&fit, 0.9f, &reports[run], &err), &err);
        memcpy(margins[run], fit.profile.margins, sizeof(margins[run]));
        check_reported_scores(&fit, &w);
        for (size_t i = 0; i < reports[run].n_rows; i++)
            check_row(&reports[run].rows[i], &fit);
        grt_fit_release(&fit);
    }
    grt_samples_close(&samples);
    const grt_fit_report *r = &reports[0];
    assert_memory_equal(r, &reports[1], sizeof(*r));
    assert_memory_equal(margins[0], margins[1], sizeof(margins[0]));
    assert_int_equal(r->n_fitted + r->n_reported, 64);
    assert_int_equal(r->n_layers, 6);
    assert_int_equal(r->n_rows, 9); /* bound with and without readouts, cluster */
    for (size_t l = 1; l < 6; l++) {
        double n = w.noise[l]; /* of two normals: gamma = 2 asin(correlation) / pi */
        double wanted = asin(1 / sqrt(1 + n * n)) / asin(1);
        assert_near((double)r->gamma_readout[l - 1], wanted, 0.08);
        assert_true(r->gamma_head[l - 1] >= r->gamma_readout[l - 1] - 0.02f);
    }
}

/* ---- What goes wrong ---- */

static void test_too_few_queries(void **state)
{
    (void)state;
    grt_error err;
    grt_fit fit;
    world w = make_world(3);
    grt_samples samples = make_samples(&w, 7, 5, 5);
    assert_refused(grt_fit_run(&fit, &samples, &w.network, 1, NULL, NULL, NULL, &err),
                   GRT_E_INVALID_ARG, &err,
                   "7 queries are too few to calibrate; at least 8 are needed");
    grt_fit_release(&fit);
    static query q;
    make_query(&q, &w, 5);
    add_query(&samples, &w, &q, 100, 5);
    fit = run_fit(&samples, &w, 1);
    assert_int_equal(fit.fitted.head.n_queries, 6);
    assert_int_equal(fit.reported.head.n_queries, 2);
    grt_fit_release(&fit);
    grt_samples_close(&samples);
}

typedef struct steps {
    size_t stop_at, n_seen, total;
} steps;

static int count_steps(size_t done, size_t total, void *payload)
{
    steps *s = payload;
    assert_int_equal(done, ++s->n_seen);
    assert_true(done <= total && (s->total == 0 || s->total == total));
    s->total = total;
    return done == s->stop_at;
}

static void test_cancelling_at_every_step(void **state)
{
    (void)state;
    grt_error err;
    world w = make_world(4);
    grt_samples samples = make_samples(&w, 10, 4, 8);
    for (size_t stop_at = 1;; stop_at++) {
        grt_fit fit;
        steps s = {stop_at, 0, 0};
        grt_status status =
            grt_fit_run(&fit, &samples, &w.network, 5, NULL, count_steps, &s, &err);
        grt_fit_release(&fit);
        if (stop_at > s.total) {
            assert_ok(status, &err);
            assert_int_equal(s.n_seen, s.total);
            break;
        }
        assert_refused(status, GRT_E_CANCELLED, &err, "cancelled by the caller at");
        assert_int_equal(s.n_seen, stop_at);
    }
    grt_samples_close(&samples);
}

static void test_running_out_of_memory(void **state)
{
    (void)state;
    world w = make_world(3);
    grt_samples samples = make_samples(&w, 8, 3, 3);
    uint64_t before = grt_memory_now();
    grt_status status = GRT_E_NO_MEMORY;
    for (uint64_t i = 1; status != GRT_OK; i += i < 150 ? 1 : 53) {
        grt_error err;
        grt_fit fit;
        grt_fit_report report;
        grt_memory_fail_nth(i);
        status = grt_fit_run(&fit, &samples, &w.network, 1, NULL, NULL, NULL, &err);
        if (status == GRT_OK) status = grt_fit_make_report(&fit, 0.9f, &report, &err);
        grt_memory_fail_nth(0);
        if (status != GRT_OK) assert_int_equal(status, GRT_E_NO_MEMORY);
        grt_fit_release(&fit);
        assert_int_equal(grt_memory_now(), before);
    }
    grt_samples_close(&samples);
}

static void test_damaged_samples_are_an_error(void **state)
{
    (void)state;
    grt_error err;
    grt_fit fit;
    static query q;
    world w = make_world(3);
    grt_samples samples = make_samples(&w, 8, 3, 3);
    make_query(&q, &w, 3);
    q.pooled[2][4] = NAN;
    add_query(&samples, &w, &q, 50, 3);
    assert_refused(grt_fit_run(&fit, &samples, &w.network, 1, NULL, NULL, NULL, &err),
                   GRT_E_FORMAT, &err, "samples: damaged: a value that is not finite");
    grt_fit_release(&fit);
    grt_samples_close(&samples);
}

#define FIT_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIT_TEST(test_a_known_signal_is_recovered),
        FIT_TEST(test_distances_of_means_are_read),
        FIT_TEST(test_folds_do_not_see_their_neighbours),
        FIT_TEST(test_other_arithmetics_are_compared),
        FIT_TEST(test_promises_are_kept_on_unseen_queries),
        FIT_TEST(test_nothing_is_promised_on_noise),
        FIT_TEST(test_margins_have_evidence),
        FIT_TEST(test_less_precision_computes_less),
        FIT_TEST(test_the_grid_reaches_k_max),
        FIT_TEST(test_queries_of_few_candidates),
        FIT_TEST(test_reports_are_the_same_in_every_run),
        FIT_TEST(test_too_few_queries),
        FIT_TEST(test_cancelling_at_every_step),
        FIT_TEST(test_running_out_of_memory),
        FIT_TEST(test_damaged_samples_are_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
