/* tables.c - margins and thresholds that reach a precision; see fit.h.
 *
 * Each entry is found by replaying the fitted queries.  A setting passes when the mean
 * share that comes back reaches the precision with 95 % confidence: less 1.645 standard
 * errors, and at least less one more missed member. */
#include "calibrate/fit.h"

#include <float.h>
#include <math.h>

static const float PRECISIONS[] = {0.8f, 0.9f, 0.95f, 0.98f, 0.99f, 0.995f};
enum { N_PRECISIONS = sizeof(PRECISIONS) / sizeof(PRECISIONS[0]) };

static const float KS[] = {1, 5, 10, 20, 50, 100, 200, 500, 1000};
enum { N_KS = sizeof(KS) / sizeof(KS[0]) };

/* Margins from the widest down, each a part of the one before. */
static const float MARGIN_MAX = 4.0f, MARGIN_MIN = 0.05f, MARGIN_RATIO = 0.92f;

/* Thresholds of cluster, from the lowest up. */
static const float DISPERSION_MIN = 0.05f, DISPERSION_MAX = 64.0f,
                   DISPERSION_RATIO = 1.4f;

/* Without evidence: the spreads as they are. */
static const float MARGIN_UNPROVEN = 1.0f;

static size_t n_ks_up_to(size_t k_max)
{
    size_t n = 1;
    while (n < N_KS && KS[n] <= (float)k_max)
        n++;
    return n;
}

size_t grt_fit_table_steps(size_t k_max)
{
    return n_ks_up_to(k_max) * (N_PRECISIONS + 1);
}

static bool passes(const grt_replay *replay, size_t k, double precision)
{
    if (replay->n_queries == 0) return false;
    double one_more = 1.0 / ((double)replay->n_queries * (double)k);
    double doubt = 1.645 * replay->error;
    return replay->kept - (doubt > one_more ? doubt : one_more) >= precision;
}

/* What rank would use for (policy, precision, k) with the profile as it is so far. */
static grt_status selector_for(const grt_fit *fit, grt_policy policy, float precision,
                               size_t k, grt_policy_choice *out, grt_error *err)
{
    grt_policy_options options = GRT_POLICY_OPTIONS_INIT;
    options.policy = policy;
    options.precision = precision;
    options.promise = GRT_PROMISE_SET;
    grt_policy_input input = {&options, k + 1, k, NULL, 0, false};
    return grt_policy_choose(out, &fit->profile, fit->profile.n_layers,
                             fit->network->first_head, &input, err);
}

/* The smallest margin such that it and all larger ones pass.  Where none does, for want
 * of queries or because too much is missed: the smallest that misses nothing, but at
 * least MARGIN_UNPROVEN, and INFINITY (never decide) where the widest still misses. */
static grt_status fit_margin(grt_fit *fit, float precision, size_t k, float *out,
                             grt_error *err)
{
    grt_policy_choice choice;
    GRT_TRY(selector_for(fit, GRT_POLICY_BOUND, precision, k, &choice, err));
    float passing = INFINITY, flawless = INFINITY;
    bool all_pass = true, none_missed = true;
    for (float margin = MARGIN_MAX; margin >= MARGIN_MIN; margin *= MARGIN_RATIO) {
        grt_replay replay;
        choice.selector.bound.margin = margin;
        GRT_TRY(grt_replay_run(&replay, &fit->fitted.readout, &choice.selector, k, NULL,
                               err));
        all_pass = all_pass && passes(&replay, k, (double)precision);
        none_missed = none_missed && replay.missed < 0.5;
        if (all_pass) passing = margin;
        if (none_missed) flawless = margin;
        if (!all_pass && !none_missed) break;
    }
    *out = passing;
    if (isinf(passing)) *out = flawless > MARGIN_UNPROVEN ? flawless : MARGIN_UNPROVEN;
    return GRT_OK;
}

/* A small K is measured on few picks and comes out smaller than it is by chance; it
 * gets at least what larger ones need. */
static void raise_to_neighbours(float *margins, size_t n)
{
    for (size_t i = n - 1; i-- > 0;)
        if (margins[i] < margins[i + 1]) margins[i] = margins[i + 1];
}

/* ---- Cluster ---- */

/* The least computing setting that passes, for every precision at once. */
typedef struct cluster_entry {
    double computed;
    float dispersion;
    float first_layer;
} cluster_entry;

static grt_status fit_cluster(grt_fit *fit, size_t k,
                              cluster_entry best[static N_PRECISIONS], grt_error *err)
{
    const grt_histories *histories = &fit->fitted.head;
    grt_policy_choice choice;
    GRT_TRY(selector_for(fit, GRT_POLICY_CLUSTER, 0, k, &choice, err));
    for (size_t i = 0; i < N_PRECISIONS; i++)
        best[i] = (cluster_entry){2, FLT_MAX, 1};
    for (size_t layer = 1; layer < histories->n_layers; layer++) {
        for (float d = DISPERSION_MIN; d <= DISPERSION_MAX; d *= DISPERSION_RATIO) {
            grt_replay replay;
            choice.selector.first_layer = layer;
            choice.selector.cluster.dispersion = d;
            GRT_TRY(grt_replay_run(&replay, histories, &choice.selector, k, NULL, err));
            for (size_t i = 0; i < N_PRECISIONS; i++)
                if (passes(&replay, k, (double)PRECISIONS[i]) &&
                    replay.computed < best[i].computed)
                    best[i] = (cluster_entry){replay.computed, d, (float)layer};
        }
    }
    return grt_fit_step(fit, err);
}

/* ---- All tables ---- */

grt_status grt_fit_tables(grt_fit *fit, grt_error *err)
{
    grt_profile *profile = &fit->profile;
    grt_arena *arena = &profile->arena;
    size_t n_ks = n_ks_up_to(fit->k_max);
    float *margins, *dispersions, *first_layers;
    GRT_TRY(grt_arena_alloc(arena, &margins, N_PRECISIONS * n_ks, sizeof(float), err));
    GRT_TRY(
        grt_arena_alloc(arena, &dispersions, N_PRECISIONS * n_ks, sizeof(float), err));
    GRT_TRY(
        grt_arena_alloc(arena, &first_layers, N_PRECISIONS * n_ks, sizeof(float), err));
    profile->precisions = PRECISIONS;
    profile->n_precisions = N_PRECISIONS;
    profile->ks = KS;
    profile->n_ks = n_ks;
    profile->margins = margins;
    profile->dispersions = dispersions;
    profile->first_layers = first_layers;
    for (size_t j = 0; j < n_ks; j++) {
        cluster_entry best[N_PRECISIONS];
        GRT_TRY(fit_cluster(fit, (size_t)KS[j], best, err));
        for (size_t i = 0; i < N_PRECISIONS; i++) {
            size_t at = i * n_ks + j;
            dispersions[at] = best[i].dispersion;
            first_layers[at] = best[i].first_layer;
            GRT_TRY(fit_margin(fit, PRECISIONS[i], (size_t)KS[j], &margins[at], err));
            GRT_TRY(grt_fit_step(fit, err));
        }
    }
    for (size_t i = 0; i < N_PRECISIONS; i++)
        raise_to_neighbours(margins + i * n_ks, n_ks);
    return GRT_OK;
}
