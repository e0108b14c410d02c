/* fit.c - see fit.h.
 *
 * Neighbours in a file of queries are often alike (questions on the same text), and a
 * readout that has seen a query's neighbours looks better than it is.  So queries go to
 * parts and folds in runs. */
#include "calibrate/fit.h"

#include "base/checked.h"
#include "base/memory.h"
#include "calibrate/ridge.h"
#include "rank/scoring.h"

#include <math.h>
#include <string.h>

enum { N_FOLDS = 5, N_RUNS = 32, REPORT_EVERY = 4 };

grt_status grt_fit_step(grt_fit *fit, grt_error *err)
{
    fit->n_done++;
    if (fit->progress && fit->progress(fit->n_done, fit->n_steps, fit->payload) != 0)
        GRT_FAIL(err, GRT_E_CANCELLED, "cancelled by the caller at step %zu of %zu",
                 fit->n_done, fit->n_steps);
    return GRT_OK;
}

/* ---- Parts ---- */

static bool is_reported(size_t query, size_t n_queries)
{
    size_t run = n_queries / N_RUNS + 1;
    return query / run % REPORT_EVERY == REPORT_EVERY - 1;
}

static grt_status part_alloc(grt_fit_part *part, size_t n_queries, size_t n_layers,
                             grt_error *err)
{
    part->head.n_layers = part->readout.n_layers = n_layers;
    GRT_TRY(grt_alloc_array(&part->queries, n_queries, sizeof(*part->queries),
                            "the list of queries", err));
    GRT_TRY(grt_alloc_array(&part->ends, n_queries, sizeof(*part->ends),
                            "the list of queries", err));
    part->head.ends = part->readout.ends = part->ends;
    return GRT_OK;
}

static grt_status split(grt_fit *fit, grt_error *err)
{
    const grt_samples *samples = fit->samples;
    size_t n = samples->own.n;
    if (n < GRT_FIT_QUERIES_MIN)
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "%zu queries are too few to calibrate; at least %d are needed, some "
                 "hundreds are good",
                 n, (int)GRT_FIT_QUERIES_MIN);
    GRT_TRY(part_alloc(&fit->fitted, n, samples->shape.n_layers, err));
    GRT_TRY(part_alloc(&fit->reported, n, samples->shape.n_layers, err));
    for (size_t i = 0; i < n; i++) {
        grt_fit_part *part = is_reported(i, n) ? &fit->reported : &fit->fitted;
        size_t at = part->head.n_queries++;
        part->head.n_samples += samples->own.records[i].n;
        part->queries[at] = i;
        part->ends[at] = part->head.n_samples;
        part->readout.n_queries = part->head.n_queries;
        part->readout.n_samples = part->head.n_samples;
    }
    return GRT_OK;
}

static grt_status read_head(grt_fit_part *part, const grt_samples *samples,
                            grt_error *err)
{
    grt_histories *head = &part->head, *readout = &part->readout;
    size_t n = head->n_samples, n_layers = head->n_layers;
    GRT_TRY(grt_alloc_array(&head->scores, n_layers, n * sizeof(float), "scores", err));
    GRT_TRY(
        grt_alloc_array(&readout->scores, n_layers, n * sizeof(float), "scores", err));
    for (size_t q = 0; q < head->n_queries; q++)
        for (size_t layer = 1; layer <= n_layers; layer++)
            GRT_TRY(grt_samples_scores(
                samples, &samples->own.records[part->queries[q]], layer,
                head->scores + (layer - 1) * n + grt_history_begin(head, q), err));
    memcpy(readout->scores + (n_layers - 1) * n, head->scores + (n_layers - 1) * n,
           n * sizeof(float));
    return GRT_OK;
}

/* ---- Readouts ---- */

grt_status grt_fit_features(const grt_fit *fit, const grt_samples_record *record,
                            size_t layer, float *features, grt_error *err)
{
    GRT_TRY(grt_samples_pooled(fit->samples, record, layer, features, err));
    grt_derive_features(fit->network, features, record->n, features);
    return GRT_OK;
}

static const grt_samples_record *record_of(const grt_fit *fit, size_t query)
{
    return &fit->samples->own.records[query];
}

/* Features of one boundary.  The ridge puts group g into fold g % N_FOLDS, so the
 * groups are dealt out from N_FOLDS runs of queries. */
typedef struct readout_samples {
    float *features;    /* [n_samples][n_features], queries in the order dealt */
    float *targets;     /* [n_samples] */
    size_t *ends;       /* [n_queries] */
    size_t *dealt;      /* [n_queries] which query of the part */
    float *predictions; /* [n_samples] out of fold */
} readout_samples;

static grt_status readout_alloc(readout_samples *r, const grt_fit *fit, grt_error *err)
{
    size_t n = fit->fitted.head.n_samples, n_queries = fit->fitted.head.n_queries;
    size_t width = fit->profile.n_features;
    GRT_TRY(grt_alloc_array(&r->features, n, width * sizeof(float), "features", err));
    GRT_TRY(grt_alloc_array(&r->targets, n, sizeof(float), "scores", err));
    GRT_TRY(grt_alloc_array(&r->predictions, n, sizeof(float), "scores", err));
    GRT_TRY(grt_alloc_array(&r->ends, n_queries, sizeof(size_t), "queries", err));
    return grt_alloc_array(&r->dealt, n_queries, sizeof(size_t), "queries", err);
}

static void readout_free(readout_samples *r)
{
    grt_free(r->features);
    grt_free(r->targets);
    grt_free(r->predictions);
    grt_free(r->ends);
    grt_free(r->dealt);
}

/* Targets, and which query comes when: of each run the first, then the second ...  Runs
 * are of equal length but for the first few, which are longer by one: only the last
 * round leaves folds out, and no query comes after it. */
static void deal(readout_samples *r, const grt_fit_part *part)
{
    const grt_histories *head = &part->head;
    const float *finals = head->scores + (head->n_layers - 1) * head->n_samples;
    size_t run = head->n_queries / N_FOLDS, n_longer = head->n_queries % N_FOLDS;
    size_t end = 0;
    for (size_t i = 0; i < head->n_queries; i++) {
        size_t fold = i % N_FOLDS, place = i / N_FOLDS;
        size_t query = fold * run + (fold < n_longer ? fold : n_longer) + place;
        size_t n = grt_history_count(head, query);
        memcpy(r->targets + end, finals + grt_history_begin(head, query),
               n * sizeof(float));
        end += n;
        r->dealt[i] = query;
        r->ends[i] = end;
    }
}

/* Histories of the reported queries at one boundary. */
static grt_status apply_readout(grt_fit *fit, size_t layer, grt_error *err)
{
    const grt_histories *histories = &fit->reported.readout;
    grt_readout readout = grt_profile_readout(&fit->profile, layer);
    size_t width = readout.n_features;
    for (size_t q = 0; q < histories->n_queries; q++) {
        size_t n = grt_history_count(histories, q);
        float *features, *scores = histories->scores +
                                   (layer - 1) * histories->n_samples +
                                   grt_history_begin(histories, q);
        GRT_TRY(grt_alloc_array(&features, n, width * sizeof(float), "features", err));
        grt_status status = grt_fit_features(
            fit, record_of(fit, fit->reported.queries[q]), layer, features, err);
        for (size_t i = 0; status == GRT_OK && i < n; i++)
            scores[i] = grt_read_out(&readout, features + i * width);
        grt_free(features);
        GRT_TRY(status);
    }
    return GRT_OK;
}

static grt_status fit_readout(grt_fit *fit, readout_samples *r, size_t layer,
                              float *weights, float *bias, grt_error *err)
{
    const grt_fit_part *part = &fit->fitted;
    const grt_histories *histories = &part->readout;
    size_t width = fit->profile.n_features, begin = 0;
    for (size_t i = 0; i < histories->n_queries; begin = r->ends[i++])
        GRT_TRY(grt_fit_features(fit, record_of(fit, part->queries[r->dealt[i]]), layer,
                                 r->features + begin * width, err));
    grt_ridge_samples samples = {.features = r->features,
                                 .targets = r->targets,
                                 .group_ends = r->ends,
                                 .n_samples = histories->n_samples,
                                 .n_features = width,
                                 .n_groups = histories->n_queries,
                                 .stop = fit->stop};
    GRT_TRY(grt_ridge_fit(&samples, N_FOLDS, weights, bias, r->predictions, err));
    float *scores = histories->scores + (layer - 1) * histories->n_samples;
    begin = 0;
    for (size_t i = 0; i < histories->n_queries; begin = r->ends[i++])
        memcpy(scores + grt_history_begin(histories, r->dealt[i]),
               r->predictions + begin, (r->ends[i] - begin) * sizeof(float));
    return GRT_OK;
}

static grt_status fit_readouts(grt_fit *fit, grt_error *err)
{
    grt_profile *profile = &fit->profile;
    size_t width = profile->n_features, n = profile->n_layers - 1;
    float *weights, *biases;
    GRT_TRY(grt_arena_alloc(&profile->arena, &weights, n * width, sizeof(float), err));
    GRT_TRY(grt_arena_alloc(&profile->arena, &biases, n, sizeof(float), err));
    profile->readouts = weights;
    profile->biases = biases;
    readout_samples r = {0};
    grt_status status = readout_alloc(&r, fit, err);
    if (status == GRT_OK) deal(&r, &fit->fitted);
    for (size_t layer = 1; status == GRT_OK && layer <= n; layer++) {
        status = fit_readout(fit, &r, layer, weights + (layer - 1) * width,
                             biases + layer - 1, err);
        if (status == GRT_OK) status = apply_readout(fit, layer, err);
        if (status == GRT_OK) status = grt_fit_step(fit, err);
    }
    readout_free(&r);
    return status;
}

static grt_status measure_moves(grt_fit *fit, grt_error *err)
{
    grt_profile *profile = &fit->profile;
    const grt_histories *histories = &fit->fitted.readout;
    size_t n = profile->n_layers;
    float *spreads, *moves;
    GRT_TRY(grt_arena_alloc(&profile->arena, &spreads, n, sizeof(float), err));
    GRT_TRY(grt_arena_alloc(&profile->arena, &moves, n, sizeof(float), err));
    spreads[0] = INFINITY;
    for (size_t layer = 1; layer < n; layer++) {
        spreads[layer] = (float)grt_history_spread(histories, layer, n);
        moves[layer] = (float)grt_history_spread(histories, layer - 1, layer);
    }
    profile->spreads = spreads;
    profile->moves = moves;
    return GRT_OK;
}

grt_status grt_fit_run(grt_fit *fit, const grt_samples *samples,
                       const grt_network *network, size_t k_max, const grt_stop *stop,
                       grt_calibration_fit_fn *progress, void *payload, grt_error *err)
{
    *fit = (grt_fit){.samples = samples,
                     .network = network,
                     .k_max = k_max,
                     .stop = stop,
                     .progress = progress,
                     .payload = payload};
    fit->profile.n_layers = network->n_layers;
    fit->profile.arithmetic = samples->shape.arithmetic;
    fit->profile.n_features = grt_features_size(network);
    fit->profile.path = ""; /* policies see that there is a profile */
    fit->n_steps = network->n_layers - 1 + grt_fit_table_steps(k_max);
    GRT_TRY(split(fit, err));
    fit->profile.n_fitted = fit->fitted.head.n_queries;
    fit->profile.n_reported = fit->reported.head.n_queries;
    GRT_TRY(read_head(&fit->fitted, samples, err));
    GRT_TRY(read_head(&fit->reported, samples, err));
    GRT_TRY(fit_readouts(fit, err));
    GRT_TRY(measure_moves(fit, err));
    GRT_TRY(grt_fit_compare(fit, err));
    return grt_fit_tables(fit, err);
}

/* ---- What it takes ---- */

grt_fit_size grt_fit_size_of(const grt_samples *samples)
{
    grt_fit_size size = {.n_queries = samples->own.n};
    for (size_t i = 0; i < samples->own.n; i++) {
        size_t n = samples->own.records[i].n;
        size.n_documents += n;
        if (n > size.n_longest) size.n_longest = n;
    }
    return size;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return grt_add_u64(&sum, a, b) ? sum : UINT64_MAX;
}

static uint64_t times(uint64_t a, uint64_t b)
{
    uint64_t product;
    return grt_mul_u64(&product, a, b) ? product : UINT64_MAX;
}

uint64_t grt_fit_bytes(const grt_fit_size *size, const grt_network *network)
{
    enum {
        OF_QUERY = 128,      /* lists of queries, their ends, the report */
        OF_DOCUMENT = 32,    /* targets, predictions, ranks of a comparison */
        OF_TABLES = 1 << 16, /* the profile */
        HISTORIES = 4        /* two parts by the head and by readouts, or comparisons */
    };
    uint64_t n = size->n_documents, layers = network->n_layers;
    uint64_t width = grt_features_size(network);
    uint64_t features = times(plus(n, size->n_longest), times(width, sizeof(float)));
    uint64_t scores = times(times(n, layers), HISTORIES * sizeof(float));
    uint64_t bytes = plus(features, scores);
    bytes = plus(bytes, times(times(layers, width), sizeof(float)));
    bytes = plus(bytes, plus(times(size->n_queries, OF_QUERY), times(n, OF_DOCUMENT)));
    bytes = plus(bytes, grt_ridge_bytes(n, width));
    return plus(bytes, OF_TABLES);
}

static void part_release(grt_fit_part *part)
{
    grt_free(part->queries);
    grt_free(part->ends);
    grt_free(part->head.scores);
    grt_free(part->readout.scores);
}

void grt_fit_release(grt_fit *fit)
{
    part_release(&fit->fitted);
    part_release(&fit->reported);
    grt_profile_release(&fit->profile);
}
