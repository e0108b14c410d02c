/* report.c - what a profile does on queries that its fit has not seen; see fit.h. */
#include "calibrate/fit.h"

#include "base/memory.h"

#include <stdlib.h>

enum { N_RESAMPLES = 1000, TAIL = N_RESAMPLES / 40 }; /* 2.5 % on each side */

/* splitmix64 (Steele, Lea & Flood 2014): the same interval in every run. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The middle 95 % of the means of resampled queries (Efron 1979). */
static void bootstrap(const float *shares, size_t n, float *low, float *high)
{
    double means[N_RESAMPLES];
    uint64_t state = 1;
    for (size_t i = 0; i < N_RESAMPLES; i++) {
        means[i] = 0;
        for (size_t j = 0; j < n; j++)
            means[i] += (double)shares[next_random(&state) % n] / (double)n;
    }
    qsort(means, N_RESAMPLES, sizeof(*means), compare_doubles);
    *low = (float)means[TAIL];
    *high = (float)means[N_RESAMPLES - 1 - TAIL];
}

static size_t keep_counted(float *shares, size_t n)
{
    size_t n_kept = 0;
    for (size_t i = 0; i < n; i++)
        if (shares[i] >= 0) shares[n_kept++] = shares[i];
    return n_kept;
}

/* Adds a row for what rank would do with this profile. */
static grt_status add_row(const grt_fit *fit, const grt_profile *profile,
                          const grt_policy_input *input, float *shares,
                          grt_fit_report *out, grt_error *err)
{
    grt_policy_choice choice;
    GRT_TRY(grt_policy_choose(&choice, profile, fit->profile.n_layers,
                              fit->network->first_head, input, err));
    const grt_histories *histories =
        choice.reads_profile ? &fit->reported.readout : &fit->reported.head;
    grt_replay replay;
    GRT_TRY(
        grt_replay_run(&replay, histories, &choice.selector, input->k, shares, err));
    size_t n = keep_counted(shares, histories->n_queries);
    if (n == 0 || out->n_rows == GRT_FIT_MAX_ROWS) return GRT_OK;
    grt_calibration_row *row = &out->rows[out->n_rows++];
    *row = (grt_calibration_row){.policy = choice.policy,
                                 .has_readouts = choice.reads_profile,
                                 .k = input->k,
                                 .precision = input->options->precision,
                                 .reached = (float)replay.kept,
                                 .computed = (float)replay.computed,
                                 .drift = (float)replay.drift};
    bootstrap(shares, n, &row->reached_low, &row->reached_high);
    return GRT_OK;
}

static grt_status add_rows(const grt_fit *fit, float precision, float *shares,
                           grt_fit_report *out, grt_error *err)
{
    const grt_profile *ours = &fit->profile;
    const grt_profile none = {0};
    grt_policy_options options = GRT_POLICY_OPTIONS_INIT;
    options.precision = precision;
    options.promise = GRT_PROMISE_SET;
    for (size_t i = 0; i < ours->n_ks; i++) {
        size_t k = (size_t)ours->ks[i];
        grt_policy_input input = {&options, k + 1, k, NULL, 0, false};
        options.policy = GRT_POLICY_BOUND;
        GRT_TRY(add_row(fit, ours, &input, shares, out, err));
        GRT_TRY(add_row(fit, &none, &input, shares, out, err));
        options.policy = GRT_POLICY_CLUSTER;
        GRT_TRY(add_row(fit, ours, &input, shares, out, err));
    }
    return GRT_OK;
}

grt_status grt_fit_make_report(const grt_fit *fit, float precision, grt_fit_report *out,
                               grt_error *err)
{
    const grt_fit_part *part = &fit->reported;
    *out = (grt_fit_report){.n_fitted = fit->fitted.head.n_queries,
                            .n_reported = part->head.n_queries,
                            .n_layers = fit->profile.n_layers};
    for (size_t layer = 1; layer < out->n_layers; layer++) {
        out->gamma_head[layer - 1] = (float)grt_history_gamma(&part->head, layer);
        out->gamma_readout[layer - 1] = (float)grt_history_gamma(&part->readout, layer);
    }
    float *shares;
    GRT_TRY(grt_alloc_array(&shares, part->head.n_queries, sizeof(*shares),
                            "the report", err));
    grt_status status = add_rows(fit, precision, shares, out, err);
    grt_free(shares);
    return status;
}
