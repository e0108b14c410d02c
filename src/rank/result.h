/* result.h - what stands behind a grt_result: columns, best first. */
#ifndef GRT_RANK_RESULT_H
#define GRT_RANK_RESULT_H

#include "base/error.h"

#include <stdbool.h>

struct grt_result {
    size_t n;
    size_t n_top;
    grt_stats stats;
    grt_memory_plan plan;
    /* [n] each, in the same block */
    size_t *indices;
    size_t *layers;
    size_t *tokens;
    float *scores;
    float *logits;
    int32_t *states;
    uint32_t *flags;
};

/* Memory of a result of n candidates; UINT64_MAX when it cannot be counted. */
uint64_t grt_result_bytes(size_t n);

/* Columns of zeros. */
GRT_NODISCARD grt_status grt_result_create(grt_result **out, size_t n, grt_error *err);

/* Fills scores from logits and states: the logistic function, made to fall with the
 * rank.  Candidates that ran through all layers keep theirs; one that was selected
 * shows no less than any below it, others no more than any above them. */
void grt_result_fill_scores(grt_result *result);

/* Counts the first k candidates with a score of at least min_score. */
void grt_result_fill_top(grt_result *result, size_t k, float min_score);

#endif /* GRT_RANK_RESULT_H */
