/* decisions.c - see decisions.h. */
#include "select/decisions.h"

#include "base/checked.h"
#include "select/order.h"
#include "select/settled.h"

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
                add_array(&total, n, sizeof(float)) &&       /* levels */
                add_array(&total, n, sizeof(float)) &&       /* finals */
                add_array(&total, n, sizeof(size_t)) &&      /* by_final */
                add_array(&total, n, sizeof(size_t)) &&      /* order */
                add_array(&total, n, sizeof(bool)) &&        /* flags */
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
    decisions->levels = take(&at, n, sizeof(float));
    decisions->finals = take(&at, n, sizeof(float));
    decisions->by_final = take(&at, n, sizeof(size_t));
    decisions->order = take(&at, n, sizeof(size_t));
    decisions->flags = take(&at, n, sizeof(bool));
    decisions->select_scratch = at;
    for (size_t i = 0; i < n; i++) {
        decisions->active[i] = i;
        decisions->scores[i] = priors ? priors[i] : 0.0f;
        decisions->verdicts[i] = GRT_VERDICT_DEFER;
        decisions->layers[i] = 0;
        decisions->levels[i] = 0.0f;
        decisions->previous_scores[i] = decisions->scores[i];
    }
}

/* Takes the scores of the active candidates, and how far they moved on average. */
static void take_scores(grt_decisions *d)
{
    double moved = 0;
    for (size_t i = 0; i < d->n_active; i++) {
        d->active_scores[i] = d->scores[d->active[i]];
        moved += (double)d->active_scores[i] - (double)d->previous_scores[i];
    }
    moved /= (double)d->n_active;
    if (isfinite(moved)) d->level += moved;
}

/* Members of the top K whose order is not settled compute on. */
static void hold_unsettled(grt_decisions *d, const grt_selector *selector,
                           const grt_boundary *boundary)
{
    grt_decisions_order(d, d->order);
    for (size_t rank = 0; rank < d->k; rank++) {
        size_t candidate = d->order[rank];
        d->finals[rank] = grt_decisions_final(d, candidate);
        d->flags[rank] = d->verdicts[candidate] == GRT_VERDICT_SELECT;
    }
    grt_members members = {d->finals, d->flags, d->k};
    for (size_t rank = 0; rank < d->k; rank++)
        d->by_final[d->order[rank]] = rank;
    for (size_t i = 0; i < d->n_active; i++)
        if (d->active_verdicts[i] == GRT_VERDICT_SELECT &&
            !grt_is_settled(selector, boundary, &members, d->by_final[d->active[i]]))
            d->active_verdicts[i] = GRT_VERDICT_DEFER;
}

/* Applies what the selector says. */
static void take_verdicts(grt_decisions *d)
{
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
        d->layers[candidate] = d->layer;
        d->levels[candidate] = (float)d->level;
    }
    d->n_active = n_left;
}

bool grt_decide(grt_decisions *d, const grt_selector *selector, size_t layer)
{
    take_scores(d);
    float moved = grt_moved(d->previous_scores, d->active_scores, d->n_active);
    d->walked += moved * moved;
    if (d->layer + 1 != layer || (layer == 1 && !grt_expects_first_move(selector)))
        moved = NAN;
    float drift = grt_drift(selector, layer, moved);
    if (drift > d->drift) d->drift = drift;
    d->layer = layer;
    d->predicts = grt_reads_predictions(selector);
    float step = sqrtf(d->walked / (float)layer);
    grt_boundary boundary = {layer, d->active_scores, d->n_active, d->slots, d->n, d->k,
                             moved, d->drift,         step};
    grt_select(selector, &boundary, d->active_verdicts, d->select_scratch);
    if (selector->settles_order) hold_unsettled(d, selector, &boundary);
    take_verdicts(d);
    return d->n_active == 0;
}

void grt_decisions_end(grt_decisions *d)
{
    if (d->n_active > 0) take_scores(d);
}

float grt_decisions_final(const grt_decisions *d, size_t candidate)
{
    float score = d->scores[candidate];
    if (!d->predicts || d->verdicts[candidate] == GRT_VERDICT_DEFER) return score;
    return (float)((double)score + d->level - (double)d->levels[candidate]);
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

static void order_by_groups(const grt_decisions *d, size_t *order)
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

/* The top K, then the others that were not dropped, then dropped ones. */
static void order_by_finals(const grt_decisions *d, size_t *order)
{
    size_t slots = d->slots, n_top = 0, n_other = d->k, n_kept = d->n;
    for (size_t i = 0; i < d->n; i++) {
        d->finals[i] = grt_decisions_final(d, i);
        n_kept -= d->verdicts[i] == GRT_VERDICT_DROP;
    }
    grt_order_by_score(d->by_final, d->finals, d->n);
    for (size_t i = 0; i < d->n; i++) {
        grt_verdict verdict = d->verdicts[d->by_final[i]];
        bool fills_a_slot = verdict == GRT_VERDICT_DEFER && slots > 0;
        bool is_in = fills_a_slot || verdict == GRT_VERDICT_SELECT;
        size_t *place = is_in                         ? &n_top
                        : verdict == GRT_VERDICT_DROP ? &n_kept
                                                      : &n_other;
        order[(*place)++] = d->by_final[i];
        slots -= fills_a_slot;
    }
}

void grt_decisions_order(const grt_decisions *d, size_t *order)
{
    if (d->predicts)
        order_by_finals(d, order);
    else
        order_by_groups(d, order);
}
