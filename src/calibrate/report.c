/* report.c - what a profile does on queries that its fit has not seen; see fit.h. */
#include "calibrate/fit.h"

#include "base/memory.h"

#include <math.h>

static const double NORMAL_95 = 1.959964; /* of a normal number, 95 % lie within */

/* Wilson's interval (1927) of the mean share: members of the top K are trials, of which
 * there are n * k.  Those of one query are missed together, or not; so where shares
 * vary by more than independent trials would, there are fewer.  At a mean of 1, where
 * resampling the queries would see no doubt at all, it is as wide as n * k trials make
 * it. */
static void wilson(const float *shares, size_t n, size_t k, float *low, float *high)
{
    double mean = 0, squares = 0, trials = (double)n * (double)k;
    for (size_t i = 0; i < n; i++)
        mean += (double)shares[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += ((double)shares[i] - mean) * ((double)shares[i] - mean);
    double of_trial = mean * (1 - mean);
    double of_mean = n > 1 ? squares / ((double)n * (double)(n - 1)) : of_trial;
    if (of_trial > 0 && of_mean * trials > of_trial) trials = of_trial / of_mean;
    double z2 = NORMAL_95 * NORMAL_95, whole = 1 + z2 / trials;
    double middle = mean + z2 / (2 * trials);
    double half = NORMAL_95 * sqrt(of_trial / trials + z2 / (4 * trials * trials));
    *low = (float)fmax((middle - half) / whole, 0);
    *high = (float)fmin((middle + half) / whole, 1);
}

static size_t keep_counted(float *shares, size_t n)
{
    size_t n_kept = 0;
    for (size_t i = 0; i < n; i++)
        if (shares[i] >= 0) shares[n_kept++] = shares[i];
    return n_kept;
}

/* Adds a row for what rank would do with this profile and the promise of a set. */
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
    wilson(shares, n, input->k, &row->reached_low, &row->reached_high);
    if (row->reached >= 1.0f) row->reached_high = 1.0f; /* but for rounding */
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
