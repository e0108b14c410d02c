/* expected.c - see expected.h. */
#include "select/expected.h"

#include "select/order.h"
#include "select/policy.h"

enum { HALVINGS = 60 };

/* P(score + N(0, deviation^2) > threshold). */
static double ends_over(double score, double deviation, double threshold)
{
    if (deviation <= 0) return score > threshold ? 1.0 : score < threshold ? 0.0 : 0.5;
    return 0.5 * erfc((threshold - score) / (deviation * sqrt(2)));
}

static double expected_over(const grt_decisions *d, double deviation, double threshold)
{
    double sum = 0;
    for (size_t i = 0; i < d->n_active; i++)
        sum += ends_over((double)d->scores[d->active[i]], deviation, threshold);
    return sum;
}

/* Where `slots` of the active candidates are expected to end above. */
static double threshold_of(const grt_decisions *d, double deviation)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (size_t i = 0; i < d->n_active; i++) {
        double score = (double)d->scores[d->active[i]];
        if (score < low) low = score;
        if (score > high) high = score;
    }
    low -= 10 * deviation;
    high += 10 * deviation;
    for (int i = 0; i < HALVINGS; i++) {
        double middle = low + (high - low) / 2;
        if (expected_over(d, deviation, middle) > (double)d->slots)
            low = middle;
        else
            high = middle;
    }
    return low + (high - low) / 2;
}

/* The sum over the `slots` leaders of their probability to stay. */
static double leaders_over(const grt_decisions *d, double deviation, double threshold)
{
    double sum = 0;
    for (size_t i = 0; i < d->n_active; i++)
        d->finals[i] = d->scores[d->active[i]];
    grt_order_by_score(d->by_final, d->finals, d->n_active);
    for (size_t i = 0; i < d->slots && i < d->n_active; i++)
        sum += ends_over((double)d->finals[d->by_final[i]], deviation, threshold);
    return sum;
}

float grt_expected_precision(const grt_decisions *d, const grt_selector *selector,
                             size_t n_layers, float margin)
{
    float chance = (float)d->k / (float)d->n;
    double moves = grt_expected_movement(selector, d, n_layers) * (double)margin;
    if (isnan(moves)) return chance;
    double deviation = moves / sqrt(2), selected = (double)(d->k - d->slots);
    if (selector->kind == GRT_SELECTOR_BOUND)
        selected *= (double)selector->bound.precision;
    double threshold = threshold_of(d, deviation);
    double share = (selected + leaders_over(d, deviation, threshold)) / (double)d->k;
    return share > (double)chance ? (float)share : chance;
}
