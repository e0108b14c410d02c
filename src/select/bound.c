/* bound.c - verdicts by the probability that a candidate still crosses the boundary. */
#include "select/policy.h"

/* Never negative; better ranks before worse. */
static double gap_between(float better, float worse)
{
    if (grt_is_same_score(better, worse)) return 0;
    if (isnan(worse)) return HUGE_VAL;
    return (double)better - (double)worse;
}

static double swap_probability(double gap, double deviation)
{
    if (deviation == 0) return gap > 0 ? 0 : 0.5;
    return 0.5 * erfc(gap / (deviation * sqrt(2)));
}

double grt_bound_movement(const grt_bound_policy *policy, const grt_boundary *boundary)
{
    double deviation;
    if (!policy->spread) {
        double n_steps = (double)policy->n_layers - (double)boundary->layer;
        double step = (double)boundary->step;
        deviation = step > 0 ? step * sqrt(n_steps) : (double)NAN;
    } else {
        deviation = (double)policy->spread[boundary->layer];
        if (policy->moves)
            deviation = isnan(boundary->moved) ? (double)NAN
                                               : deviation * (double)boundary->drift;
    }
    deviation *= (double)policy->margin;
    return deviation >= 0 && deviation < HUGE_VAL ? deviation : (double)NAN;
}

double grt_expected_movement(const grt_selector *selector,
                             const grt_decisions *decisions, size_t n_layers)
{
    static const grt_bound_policy nothing_known = {.margin = 1};
    bool is_bound = selector->kind == GRT_SELECTOR_BOUND;
    grt_bound_policy policy = is_bound ? selector->bound : nothing_known;
    policy.n_layers = n_layers;
    policy.margin = 1; /* what is expected, not what a promise allows for */
    float step = sqrtf(decisions->walked / (float)decisions->layer);
    grt_boundary boundary = {
        .layer = decisions->layer, .moved = 0, .drift = decisions->drift, .step = step};
    if (decisions->layer == 0) return (double)NAN;
    return grt_bound_movement(&policy, &boundary);
}

grt_cut grt_cut_by_bound(const grt_bound_policy *policy, const grt_boundary *boundary,
                         const grt_ranked *ranked)
{
    grt_cut cut = {0, 0};
    double deviation = grt_bound_movement(policy, boundary);
    if (isnan(deviation)) return cut;
    double share = (1 - (double)policy->precision) * (double)boundary->k /
                   (double)boundary->n_candidates;
    if (!(share > 0)) {
        /* No error is allowed: a probability may round to 0, but only where nothing
         * moves is it 0. */
        if (deviation > 0) return cut;
        share = 0;
    }
    const float *scores = ranked->scores;
    size_t slots = ranked->slots, n = ranked->n;
    float last_inside = scores[slots - 1], best_outside = scores[slots];
    /* Gaps grow with the distance from the boundary: the first "no" ends a search. */
    while (cut.n_select < slots &&
           swap_probability(gap_between(scores[cut.n_select], best_outside),
                            deviation) <= share)
        cut.n_select++;
    while (cut.n_drop < n - slots &&
           swap_probability(gap_between(last_inside, scores[n - 1 - cut.n_drop]),
                            deviation) <= share)
        cut.n_drop++;
    return cut;
}
