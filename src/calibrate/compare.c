/* compare.c - what other arithmetics do to readouts and logits; see fit.h.
 *
 * A part of the candidates was computed twice.  What is left to move varies by more in
 * a coarser arithmetic; the surplus is taken from the difference of the two variances
 * on the same candidates, so that they need not stand for all. */
#include "calibrate/fit.h"

#include "base/memory.h"
#include "rank/scoring.h"
#include "select/order.h"

#include <math.h>
#include <string.h>

enum { N_BEST = 10 };

/* Scores of the same candidates in both arithmetics, readouts and the final logit. */
typedef struct comparison {
    grt_histories own, other;
    size_t *ends; /* [n_queries] of both */
} comparison;

static const grt_samples_record *own_of(const grt_fit *fit,
                                        const grt_samples_record *compared)
{
    const grt_samples_record *own =
        grt_samples_find(fit->samples, compared->key, GRT_ARITHMETIC_AUTO);
    return own && own->n == compared->n ? own : NULL;
}

static void comparison_release(comparison *c)
{
    grt_free(c->own.scores);
    grt_free(c->other.scores);
    grt_free(c->ends);
}

static grt_status comparison_alloc(comparison *c, const grt_fit *fit,
                                   grt_arithmetic arithmetic, grt_error *err)
{
    const grt_samples_list *compared = &fit->samples->compared;
    size_t n_layers = fit->profile.n_layers, n_samples = 0, n_queries = 0;
    GRT_TRY(grt_alloc_array(&c->ends, compared->n + 1, sizeof(*c->ends),
                            "the list of comparisons", err));
    for (size_t i = 0; i < compared->n; i++) {
        const grt_samples_record *record = &compared->records[i];
        if (record->arithmetic != arithmetic || !own_of(fit, record)) continue;
        n_samples += record->n;
        c->ends[n_queries++] = n_samples;
    }
    c->own = (grt_histories){.n_layers = n_layers,
                             .n_queries = n_queries,
                             .n_samples = n_samples,
                             .ends = c->ends};
    c->other = c->own;
    if (n_samples == 0) return GRT_OK;
    size_t size = n_samples * sizeof(float);
    GRT_TRY(grt_alloc_array(&c->own.scores, n_layers, size, "scores", err));
    return grt_alloc_array(&c->other.scores, n_layers, size, "scores", err);
}

/* Scores of one record after each layer, into candidates begin.. of the histories. */
static grt_status read_record(const grt_fit *fit, const grt_samples_record *record,
                              grt_histories *histories, size_t begin, float *features,
                              grt_error *err)
{
    size_t n_layers = histories->n_layers, width = fit->profile.n_features;
    float *scores = histories->scores + begin;
    for (size_t l = 1; l < n_layers; l++, scores += histories->n_samples) {
        grt_readout readout = grt_profile_readout(&fit->profile, l);
        GRT_TRY(grt_fit_features(fit, record, l, features, err));
        for (size_t i = 0; i < record->n; i++)
            scores[i] = grt_read_out(&readout, features + i * width);
    }
    return grt_samples_scores(fit->samples, record, n_layers, scores, err);
}

static grt_status read_both(comparison *c, const grt_fit *fit,
                            const grt_samples_record *record, size_t begin,
                            grt_error *err)
{
    float *features;
    GRT_TRY(grt_alloc_array(&features, record->n,
                            fit->profile.n_features * sizeof(float), "features", err));
    grt_status status =
        read_record(fit, own_of(fit, record), &c->own, begin, features, err);
    if (status == GRT_OK)
        status = read_record(fit, record, &c->other, begin, features, err);
    grt_free(features);
    return status;
}

static grt_status read_comparison(comparison *c, const grt_fit *fit,
                                  grt_arithmetic arithmetic, grt_error *err)
{
    const grt_samples_list *compared = &fit->samples->compared;
    size_t begin = 0;
    for (size_t i = 0; i < compared->n; i++) {
        const grt_samples_record *record = &compared->records[i];
        if (record->arithmetic != arithmetic || !own_of(fit, record)) continue;
        GRT_TRY(read_both(c, fit, record, begin, err));
        begin += record->n;
    }
    return GRT_OK;
}

/* ---- What lies between them ---- */

/* By what standard deviation a difference moves farther in the other arithmetic. */
static float surplus(const comparison *c, size_t from, size_t to)
{
    double own = grt_history_spread(&c->own, from, to);
    double other = grt_history_spread(&c->other, from, to);
    return other > own ? (float)sqrt(other * other - own * own) : 0.0f;
}

/* Mean of what is left to move after layer l. */
static double mean_left(const grt_histories *histories, size_t l)
{
    const float *now = histories->scores + (l - 1) * histories->n_samples;
    const float *last =
        histories->scores + (histories->n_layers - 1) * histories->n_samples;
    double sum = 0;
    for (size_t i = 0; i < histories->n_samples; i++)
        sum += (double)last[i] - (double)now[i];
    return sum / (double)histories->n_samples;
}

static size_t count_same(const float *a, const float *b, size_t n, size_t *order)
{
    size_t n_same = 0, *other = order + n;
    grt_order_by_score(order, a, n);
    grt_order_by_score(other, b, n);
    for (size_t i = 0; i < N_BEST; i++)
        for (size_t j = 0; j < N_BEST; j++)
            n_same += order[i] == other[j];
    return n_same;
}

/* Final logits of both arithmetics as histories of two layers. */
static grt_status measure_logits(const comparison *c, grt_logit_effect *out,
                                 grt_error *err)
{
    size_t n = c->own.n_samples, last = (c->own.n_layers - 1) * n, n_same = 0;
    float *finals;
    size_t *order;
    GRT_TRY(grt_alloc_array(&finals, n, 2 * sizeof(*finals), "scores", err));
    grt_status status = grt_alloc_array(&order, n, 2 * sizeof(*order), "ranks", err);
    if (status != GRT_OK) {
        grt_free(finals);
        return status;
    }
    memcpy(finals, c->own.scores + last, n * sizeof(*finals));
    memcpy(finals + n, c->other.scores + last, n * sizeof(*finals));
    grt_histories both = {2, c->own.n_queries, n, c->ends, finals};
    *out = (grt_logit_effect){.n_pairs = (float)n};
    double sum = 0, spread = grt_history_spread(&both, 0, 1);
    for (size_t i = 0; i < n; i++) {
        float size = fabsf(finals[n + i] - finals[i]);
        if (size > out->largest) out->largest = size;
        sum += (double)size;
    }
    out->mean = (float)(sum / (double)n);
    if (spread > 0) out->share = (float)(grt_history_spread(&both, 1, 2) / spread);
    for (size_t q = 0; q < both.n_queries; q++) {
        size_t begin = grt_history_begin(&both, q), count = grt_history_count(&both, q);
        if (count <= N_BEST) continue;
        out->n_queries += 1;
        n_same += count_same(finals + begin, finals + n + begin, count, order);
    }
    if (out->n_queries > 0)
        out->kept = (float)n_same / (out->n_queries * (float)N_BEST);
    grt_free(order);
    grt_free(finals);
    return GRT_OK;
}

static grt_status measure(grt_fit *fit, const comparison *c, grt_widening *out,
                          grt_error *err)
{
    size_t n_layers = fit->profile.n_layers, n = n_layers - 1;
    float *values;
    GRT_TRY(grt_arena_alloc(&fit->profile.arena, &values, n, 3 * sizeof(float), err));
    for (size_t l = 1; l < n_layers; l++) {
        values[l - 1] = surplus(c, l, n_layers);
        values[n + l - 1] = surplus(c, l - 1, l);
        values[2 * n + l - 1] =
            (float)(mean_left(&c->other, l) - mean_left(&c->own, l));
    }
    out->spreads = values;
    out->moves = values + n;
    out->shifts = values + 2 * n;
    return measure_logits(c, &out->logits, err);
}

grt_status grt_fit_compare(grt_fit *fit, grt_error *err)
{
    for (int a = GRT_ARITHMETIC_F32; a < GRT_N_ARITHMETICS; a++) {
        comparison c = {0};
        grt_status status = comparison_alloc(&c, fit, (grt_arithmetic)a, err);
        if (status == GRT_OK && c.own.n_samples > 0) {
            status = read_comparison(&c, fit, (grt_arithmetic)a, err);
            if (status == GRT_OK)
                status = measure(fit, &c, &fit->profile.widenings[a], err);
        }
        comparison_release(&c);
        GRT_TRY(status);
    }
    return GRT_OK;
}
