/* selector.c - see selector.h: the rules that all policies share.
 *
 * A policy says how many of the best are in and how many of the worst are out.  Here
 * the counts are held against the slots and the ties, and turned into verdicts. */
#include "select/selector.h"

#include "select/order.h"
#include "select/policy.h"

static size_t aligned(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

/* order[n], then the sorted scores[n], then what a policy needs. */
size_t grt_select_scratch_bytes(size_t n)
{
    return aligned(n * sizeof(size_t)) + aligned(n * sizeof(float)) +
           aligned(grt_cluster_scratch_bytes(n));
}

grt_moments grt_finite_moments(const grt_ranked *ranked)
{
    const float *scores = ranked->scores;
    grt_moments moments = {.mean = (double)NAN, .deviation = (double)NAN};
    while (moments.begin < ranked->n && scores[moments.begin] == INFINITY)
        moments.begin++;
    moments.end = moments.begin;
    double sum = 0;
    while (moments.end < ranked->n && isfinite(scores[moments.end]))
        sum += (double)scores[moments.end++];
    if (moments.end == moments.begin) return moments;
    double count = (double)(moments.end - moments.begin), squares = 0;
    moments.mean = sum / count;
    for (size_t i = moments.begin; i < moments.end; i++) {
        double x = (double)scores[i] - moments.mean;
        squares += x * x;
    }
    moments.deviation = sqrt(squares / count);
    return moments;
}

static grt_cut cut_by_schedule(const grt_schedule_policy *policy, size_t layer,
                               size_t n)
{
    grt_cut cut = {0, 0};
    for (size_t i = 0; i < policy->n_steps; i++) {
        const grt_schedule_entry *step = &policy->steps[i];
        if (step->layer != layer) continue;
        cut.n_select = step->n_select < n ? step->n_select : n;
        cut.n_drop = step->n_drop < n ? step->n_drop : n;
    }
    return cut;
}

float grt_moved(const float *before, const float *after, size_t n)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)after[i] - (double)before[i];
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) {
        double x = (double)after[i] - (double)before[i] - mean;
        squares += x * x;
    }
    double variance =
        squares / ((double)n - 1); /* of one score; two make a difference */
    return n < 2 || !isfinite(variance) ? NAN : (float)sqrt(2 * variance);
}

bool grt_reads_predictions(const grt_selector *selector)
{
    return selector->kind == GRT_SELECTOR_BOUND && selector->bound.spread;
}

bool grt_expects_first_move(const grt_selector *selector)
{
    return selector->kind == GRT_SELECTOR_BOUND && selector->bound.moves &&
           selector->bound.n_layers > 1 && selector->bound.moves[1] > 0;
}

float grt_drift(const grt_selector *selector, size_t layer, float moved)
{
    if (selector->kind != GRT_SELECTOR_BOUND || !selector->bound.moves) return 1;
    float expected = selector->bound.moves[layer];
    if (!(moved > expected)) return 1;
    return expected > 0 ? moved / expected : INFINITY;
}

static grt_cut cut_by_policy(const grt_selector *selector, const grt_boundary *boundary,
                             const grt_ranked *ranked, void *scratch)
{
    if (boundary->layer < selector->first_layer) return (grt_cut){0, 0};
    switch (selector->kind) {
    case GRT_SELECTOR_CLUSTER:
        return grt_cut_by_cluster(&selector->cluster, ranked, scratch);
    case GRT_SELECTOR_BOUND:
        return grt_cut_by_bound(&selector->bound, boundary, ranked);
    case GRT_SELECTOR_SCHEDULE:
        return cut_by_schedule(&selector->schedule, boundary->layer, ranked->n);
    case GRT_SELECTOR_NONE: break;
    }
    return (grt_cut){0, 0};
}

/* Selects inside and drops outside only, and neither among scores that are equal on
 * both sides. */
static void keep_to_slots(grt_cut *cut, const grt_ranked *ranked)
{
    const float *scores = ranked->scores;
    size_t inside = ranked->slots, outside = ranked->slots;
    if (grt_is_same_score(scores[inside - 1], scores[outside])) {
        float tied = scores[outside];
        while (inside > 0 && grt_is_same_score(scores[inside - 1], tied))
            inside--;
        while (outside < ranked->n && grt_is_same_score(scores[outside], tied))
            outside++;
    }
    if (cut->n_select > inside) cut->n_select = inside;
    if (cut->n_drop > ranked->n - outside) cut->n_drop = ranked->n - outside;
}

static grt_cut decide(const grt_selector *selector, const grt_boundary *boundary,
                      const grt_ranked *ranked, void *scratch)
{
    size_t n = ranked->n, slots = ranked->slots;
    grt_cut cut = {0, n - slots};
    if (slots > 0 && slots < n) {
        cut = cut_by_policy(selector, boundary, ranked, scratch);
        keep_to_slots(&cut, ranked);
    }
    if (selector->is_exact_order) {
        cut.n_select = 0;
    } else if (cut.n_select == slots || cut.n_drop == n - slots) {
        /* no slot is left for the others, or exactly as many as there are others */
        cut.n_select = slots;
        cut.n_drop = n - slots;
    }
    return cut;
}

void grt_select(const grt_selector *selector, const grt_boundary *boundary,
                grt_verdict *verdicts, void *scratch)
{
    size_t n = boundary->n;
    for (size_t i = 0; i < n; i++)
        verdicts[i] = GRT_VERDICT_DEFER;
    if (n == 0 || selector->kind == GRT_SELECTOR_NONE) return;
    unsigned char *bytes = scratch;
    size_t *order = scratch;
    float *sorted = (float *)(void *)(bytes + aligned(n * sizeof(size_t)));
    void *rest = bytes + aligned(n * sizeof(size_t)) + aligned(n * sizeof(float));
    grt_order_by_score(order, boundary->scores, n);
    for (size_t i = 0; i < n; i++)
        sorted[i] = boundary->scores[order[i]];
    grt_ranked ranked = {
        .scores = sorted,
        .n = n,
        .slots = boundary->slots < n ? boundary->slots : n,
    };
    grt_cut cut = decide(selector, boundary, &ranked, rest);
    for (size_t rank = 0; rank < cut.n_select; rank++)
        verdicts[order[rank]] = GRT_VERDICT_SELECT;
    for (size_t rank = n - cut.n_drop; rank < n; rank++)
        verdicts[order[rank]] = GRT_VERDICT_DROP;
}
