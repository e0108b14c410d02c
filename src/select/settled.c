/* settled.c - see settled.h.
 *
 * The value of computing on: two members in the wrong order cost the difference of
 * their gains times the difference of their places' discounts.  Gains are the predicted
 * logits, from 0 for the worst member to 1 for the best. */
#include "select/settled.h"

#include "select/policy.h"

/* Beyond so many deviations a difference does not turn. */
static const double FAR = 8.0;

static double discount(size_t rank)
{
    return 1.0 / log2((double)rank + 2.0);
}

/* E max(0, -X) for X normal around `gap`: what it is worth to see a difference move by
 * `deviation` before two are put in order. */
static double worth_of_seeing(double gap, double deviation)
{
    static const double root_2_pi = 2.5066282746310002;
    double z = gap / deviation;
    return deviation * exp(-0.5 * z * z) / root_2_pi -
           gap * 0.5 * erfc(z * 0.7071067811865476);
}

/* What differences move until boundary `layer`, of the `deviation` that they move to
 * the end. */
static double moved_by(const grt_bound_policy *policy, const grt_boundary *boundary,
                       size_t layer, double deviation)
{
    if (layer == policy->n_layers) return deviation;
    double left =
        (double)policy->spread[layer] / (double)policy->spread[boundary->layer];
    return left >= 0 && left < 1 ? deviation * sqrt(1 - left * left) : 0;
}

/* Whether the order of `rank` and all others gains more than `limit` when differences
 * move by `deviation`. */
static bool gains_more(const grt_members *members, size_t rank, double deviation,
                       double limit)
{
    const float *finals = members->finals;
    double own = (double)finals[rank], place = discount(rank), gain = 0;
    for (int side = 0; side < 2; side++) {
        size_t n = side ? members->n - 1 - rank : rank;
        for (size_t step = 1; step <= n; step++) {
            size_t other = side ? rank + step : rank - step;
            double gap = fabs((double)finals[other] - own);
            double moves = members->is_fixed[other] ? deviation * sqrt(0.5) : deviation;
            if (gap > FAR * deviation) break; /* gaps grow with the distance */
            gain += worth_of_seeing(gap, moves) * fabs(discount(other) - place);
            if (gain > limit) return true;
        }
    }
    return false;
}

/* Whether drift has had its chance to show: no move to come is expected to be larger
 * than the largest that was seen, the one from nothing apart. */
static bool has_seen_largest_move(const grt_bound_policy *policy, size_t layer)
{
    float seen = 0, to_come = policy->spread[policy->n_layers - 1]; /* the last move */
    if (!policy->moves) return true;
    for (size_t l = 2; l < policy->n_layers; l++) {
        float *most = l <= layer ? &seen : &to_come;
        if (policy->moves[l] > *most) *most = policy->moves[l];
    }
    return seen >= to_come;
}

bool grt_is_settled(const grt_selector *selector, const grt_boundary *boundary,
                    const grt_members *members, size_t rank)
{
    const grt_bound_policy *policy = &selector->bound;
    if (!grt_reads_predictions(selector)) return false;
    if (boundary->layer < selector->first_layer) return false;
    if (members->n < 2) return true;
    if (!has_seen_largest_move(policy, boundary->layer)) return false;
    double deviation = grt_bound_movement(policy, boundary);
    double range = (double)members->finals[0] - (double)members->finals[members->n - 1];
    if (isnan(deviation) || !isfinite(range)) return false;
    if (deviation == 0) return true;
    double share = (1 - (double)policy->precision) / (double)members->n;
    for (size_t l = boundary->layer + 1; l <= policy->n_layers; l++) {
        double cost = (double)(l - boundary->layer) / (double)policy->n_layers;
        double moves = moved_by(policy, boundary, l, deviation);
        if (moves > 0 && gains_more(members, rank, moves, share * cost * range))
            return false;
    }
    return true;
}
