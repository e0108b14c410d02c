/* history.c - see history.h. */
#include "calibrate/history.h"

#include "base/memory.h"
#include "select/order.h"

#include <math.h>

size_t grt_history_begin(const grt_histories *histories, size_t query)
{
    return query ? histories->ends[query - 1] : 0;
}

size_t grt_history_count(const grt_histories *histories, size_t query)
{
    return histories->ends[query] - grt_history_begin(histories, query);
}

static const float *scores_after(const grt_histories *histories, size_t layer)
{
    return histories->scores + (layer - 1) * histories->n_samples;
}

/* ---- Replay ---- */

typedef struct replay_scratch {
    void *decisions; /* grt_decisions_bytes */
    size_t *found;   /* [most candidates of a query] */
    size_t *wanted;  /* the same */
} replay_scratch;

/* Layers x candidates that the selector lets compute. */
static size_t replay_layers(const grt_histories *histories,
                            const grt_selector *selector, size_t begin,
                            grt_decisions *decisions)
{
    size_t n_computed = 0;
    for (size_t l = 1; l <= histories->n_layers && decisions->n_active > 0; l++) {
        const float *scores = scores_after(histories, l) + begin;
        n_computed += decisions->n_active;
        for (size_t i = 0; i < decisions->n_active; i++)
            decisions->scores[decisions->active[i]] = scores[decisions->active[i]];
        if (l < histories->n_layers)
            (void)grt_decide(decisions, selector, l);
        else
            grt_decisions_end(decisions);
    }
    return n_computed;
}

static size_t count_common(const size_t *a, const size_t *b, size_t n)
{
    size_t n_common = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            n_common += a[i] == b[j];
    return n_common;
}

static void replay_query(grt_replay *sums, const grt_histories *histories,
                         const grt_selector *selector, size_t query, size_t k,
                         const replay_scratch *scratch, float *kept)
{
    size_t begin = grt_history_begin(histories, query);
    size_t n = grt_history_count(histories, query);
    grt_decisions decisions;
    grt_decisions_init(&decisions, scratch->decisions, n, k, NULL);
    size_t n_computed = replay_layers(histories, selector, begin, &decisions);
    grt_decisions_order(&decisions, scratch->found);
    grt_order_by_score(scratch->wanted,
                       scores_after(histories, histories->n_layers) + begin, n);
    double share = (double)count_common(scratch->found, scratch->wanted, k) / (double)k;
    sums->n_queries++;
    sums->kept += share;
    sums->error += share * share;
    sums->missed += (1.0 - share) * (double)k;
    sums->computed += (double)n_computed / (double)(n * histories->n_layers);
    sums->drift += (double)decisions.drift;
    *kept = (float)share;
}

static grt_status replay_scratch_init(replay_scratch *scratch,
                                      const grt_histories *histories, grt_error *err)
{
    size_t most = 1;
    for (size_t q = 0; q < histories->n_queries; q++)
        if (grt_history_count(histories, q) > most)
            most = grt_history_count(histories, q);
    GRT_TRY(grt_alloc(&scratch->decisions, grt_decisions_bytes(most), "replay", err));
    GRT_TRY(
        grt_alloc_array(&scratch->found, most, sizeof(*scratch->found), "replay", err));
    return grt_alloc_array(&scratch->wanted, most, sizeof(*scratch->wanted), "replay",
                           err);
}

/* Sums over queries become means. */
static void take_means(grt_replay *replay)
{
    double n = (double)replay->n_queries;
    if (replay->n_queries == 0) return;
    replay->kept /= n;
    replay->computed /= n;
    replay->drift /= n;
    double variance = replay->error / n - replay->kept * replay->kept;
    replay->error = n > 1 && variance > 0 ? sqrt(variance / (n - 1)) : 0;
}

grt_status grt_replay_run(grt_replay *out, const grt_histories *histories,
                          const grt_selector *selector, size_t k, float *kept,
                          grt_error *err)
{
    replay_scratch scratch = {0};
    grt_status status = replay_scratch_init(&scratch, histories, err);
    *out = (grt_replay){0};
    for (size_t q = 0; status == GRT_OK && q < histories->n_queries; q++) {
        float share = -1;
        if (grt_history_count(histories, q) > k)
            replay_query(out, histories, selector, q, k, &scratch, &share);
        if (kept) kept[q] = share;
    }
    take_means(out);
    grt_free(scratch.decisions);
    grt_free(scratch.found);
    grt_free(scratch.wanted);
    return status;
}

/* ---- Statistics ---- */

/* before: NULL where nothing was computed yet. */
static double moved_by(const float *before, const float *after, size_t i)
{
    return (double)after[i] - (before ? (double)before[i] : 0);
}

double grt_history_spread(const grt_histories *histories, size_t from, size_t to)
{
    const float *a = from ? scores_after(histories, from) : NULL;
    const float *b = scores_after(histories, to);
    double squares = 0, freedom = 0;
    for (size_t q = 0; q < histories->n_queries; q++) {
        size_t begin = grt_history_begin(histories, q), end = histories->ends[q];
        double mean = 0, n = (double)(end - begin);
        for (size_t i = begin; i < end; i++)
            mean += moved_by(a, b, i) / n;
        for (size_t i = begin; i < end; i++) {
            double x = moved_by(a, b, i) - mean;
            squares += x * x;
        }
        freedom += n - 1;
    }
    return freedom > 0 ? sqrt(2 * squares / freedom) : 0;
}

static int sign_of(float x)
{
    return (x > 0) - (x < 0);
}

double grt_history_gamma(const grt_histories *histories, size_t layer)
{
    const float *a = scores_after(histories, layer);
    const float *b = scores_after(histories, histories->n_layers);
    double balance = 0, n_pairs = 0;
    for (size_t q = 0; q < histories->n_queries; q++) {
        size_t end = histories->ends[q];
        for (size_t i = grt_history_begin(histories, q); i < end; i++) {
            for (size_t j = i + 1; j < end; j++) {
                int agrees = sign_of(a[i] - a[j]) * sign_of(b[i] - b[j]);
                balance += agrees;
                n_pairs += agrees != 0;
            }
        }
    }
    return n_pairs > 0 ? balance / n_pairs : 0;
}
