/* decisions.c - see decisions.h. */
#include "select/decisions.h"

#include "base/checked.h"
#include "select/order.h"

#include <math.h>

enum { ALIGNMENT = 64 };

/* Adds an array of n elements to a total; all arrays start aligned. */
static bool add_array(size_t *total, size_t n, size_t size)
{
    size_t bytes;
    if (!grt_mul_size(&bytes, n, size) || bytes > SIZE_MAX - ALIGNMENT) return false;
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return grt_add_size(total, *total, bytes);
}

size_t grt_decisions_bytes(size_t n)
{
    size_t total = 0, scratch = grt_select_scratch_bytes(n);
    bool fits = add_array(&total, n, sizeof(size_t)) &&      /* active */
                add_array(&total, n, sizeof(float)) &&       /* scores */
                add_array(&total, n, sizeof(grt_verdict)) && /* verdicts */
                add_array(&total, n, sizeof(size_t)) &&      /* layers */
                add_array(&total, n, sizeof(float)) &&       /* active_scores */
                add_array(&total, n, sizeof(float)) &&       /* previous_scores */
                add_array(&total, n, sizeof(grt_verdict)) && /* active_verdicts */
                add_array(&total, 1, scratch);
    return fits ? total : SIZE_MAX;
}

static void *take(unsigned char **at, size_t n, size_t size)
{
    void *array = *at;
    *at += (n * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return array;
}

void grt_decisions_init(grt_decisions *decisions, void *block, size_t n, size_t k,
                        const float *priors)
{
    unsigned char *at = block;
    if (k == 0 || k > n) k = n;
    *decisions =
        (grt_decisions){.n = n, .k = k, .slots = k, .n_active = n, .drift = 1.0f};
    decisions->active = take(&at, n, sizeof(size_t));
    decisions->scores = take(&at, n, sizeof(float));
    decisions->verdicts = take(&at, n, sizeof(grt_verdict));
    decisions->layers = take(&at, n, sizeof(size_t));
    decisions->active_scores = take(&at, n, sizeof(float));
    decisions->previous_scores = take(&at, n, sizeof(float));
    decisions->active_verdicts = take(&at, n, sizeof(grt_verdict));
    decisions->select_scratch = at;
    for (size_t i = 0; i < n; i++) {
        decisions->active[i] = i;
        decisions->scores[i] = priors ? priors[i] : 0.0f;
        decisions->verdicts[i] = GRT_VERDICT_DEFER;
        decisions->layers[i] = 0;
        decisions->previous_scores[i] = decisions->scores[i];
    }
}

bool grt_decide(grt_decisions *d, const grt_selector *selector, size_t layer)
{
    for (size_t i = 0; i < d->n_active; i++)
        d->active_scores[i] = d->scores[d->active[i]];
    float moved = grt_moved(d->previous_scores, d->active_scores, d->n_active);
    d->walked += moved * moved;
    if (d->layer + 1 != layer || (layer == 1 && !grt_expects_first_move(selector)))
        moved = NAN;
    float drift = grt_drift(selector, layer, moved);
    if (drift > d->drift) d->drift = drift;
    d->layer = layer;
    float step = sqrtf(d->walked / (float)layer);
    grt_boundary boundary = {layer, d->active_scores, d->n_active, d->slots, d->n, d->k,
                             moved, d->drift,         step};
    grt_select(selector, &boundary, d->active_verdicts, d->select_scratch);
    size_t n_left = 0;
    for (size_t i = 0; i < d->n_active; i++) {
        size_t candidate = d->active[i];
        grt_verdict verdict = d->active_verdicts[i];
        if (verdict == GRT_VERDICT_DEFER) {
            d->previous_scores[n_left] = d->active_scores[i];
            d->active[n_left++] = candidate;
            continue;
        }
        if (verdict == GRT_VERDICT_SELECT) d->slots--;
        d->verdicts[candidate] = verdict;
        d->layers[candidate] = layer;
    }
    d->n_active = n_left;
    return n_left == 0;
}

/* Groups of the ranking, best first: selected by boundary, finished, dropped by
 * boundary from the last to the first. */
static size_t group_of(const grt_decisions *d, size_t candidate)
{
    size_t layer = d->layers[candidate];
    switch (d->verdicts[candidate]) {
    case GRT_VERDICT_SELECT: return layer;
    case GRT_VERDICT_DEFER: return SIZE_MAX / 2;
    case GRT_VERDICT_DROP: return SIZE_MAX - layer;
    }
    return SIZE_MAX;
}

void grt_decisions_order(const grt_decisions *d, size_t *order)
{
    grt_order_by_score(order, d->scores, d->n);
    /* Groups are few next to candidates: each pass finds the next one. */
    size_t n_placed = 0;
    while (n_placed < d->n) {
        size_t best = SIZE_MAX;
        for (size_t i = n_placed; i < d->n; i++)
            if (group_of(d, order[i]) < best) best = group_of(d, order[i]);
        for (size_t i = n_placed; i < d->n; i++) {
            size_t candidate = order[i];
            if (group_of(d, candidate) != best) continue;
            for (size_t j = i; j > n_placed; j--)
                order[j] = order[j - 1]; /* keeps the order of those passed over */
            order[n_placed++] = candidate;
        }
    }
}
