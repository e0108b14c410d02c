/*
 * eval_sum.c - the ranking by the sum of the model's logits and the first stage's
 * scores.
 *
 * First stages have scales of their own, and BM25's depends on the query's words:
 * scores count as standard deviations from their mean over the query's candidates.  The
 * sum is what a full pass gives when these numbers are its priors, so it costs no
 * second one.
 */
#include "eval/eval.h"

#include <math.h>
#include <stdlib.h>

typedef struct sum_row {
    double sum;
    size_t candidate;
} sum_row;

/* Falling sums; equal ones in the order of the first stage. */
static int compare(const void *left, const void *right)
{
    const sum_row *a = left, *b = right;
    if (a->sum < b->sum || a->sum > b->sum) return a->sum < b->sum ? 1 : -1;
    return a->candidate < b->candidate ? -1 : a->candidate > b->candidate;
}

int eval_sum_order(size_t *order, const grt_result *full, const double *scores,
                   double weight)
{
    size_t n = grt_result_count(full);
    const size_t *indices = grt_result_indices(full);
    const float *logits = grt_result_logits(full);
    sum_row *rows = calloc(n ? n : 1, sizeof *rows);
    if (!rows) return 0;
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++)
        mean += scores[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        square += (scores[i] - mean) * (scores[i] - mean) / (double)n;
    double scale = square > 0 ? weight / sqrt(square) : 0; /* all alike say nothing */
    for (size_t i = 0; i < n; i++) {
        size_t candidate = indices[i];
        double prior = scale * (scores[candidate] - mean);
        rows[i] = (sum_row){(double)logits[i] + prior, candidate};
    }
    qsort(rows, n, sizeof *rows, compare);
    for (size_t i = 0; i < n; i++)
        order[i] = rows[i].candidate;
    free(rows);
    return 1;
}
