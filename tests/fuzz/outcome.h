/* outcome.h - what holds of every failure and every result of the library. */
#ifndef GRT_FUZZ_OUTCOME_H
#define GRT_FUZZ_OUTCOME_H

#include "fuzz.h"

#include "grating.h"

#include <math.h>
#include <string.h>

/* An error has its status, and a text of one line. */
static inline void fuzz_check_error(grt_status status, const grt_error *err)
{
    fuzz_need(status < 0 && err->status == status && err->offset >= -1,
              "an error is told");
    fuzz_need(memchr(err->text, '\0', sizeof(err->text)) && err->text[0],
              "an error has a text");
    fuzz_need(!strchr(err->text, '\n') && !strchr(err->text, '\033'),
              "an error is one line");
}

/* Every one of n documents once, the best first; n is at most 32. */
static inline void fuzz_check_order(const grt_result *result, size_t n)
{
    const size_t *indices = grt_result_indices(result);
    const float *scores = grt_result_scores(result);
    const float *logits = grt_result_logits(result);
    unsigned seen = 0;
    fuzz_need(grt_result_count(result) == n, "all documents come back");
    for (size_t i = 0; i < n; i++) {
        fuzz_need(indices[i] < n && !(seen & 1u << indices[i]), "each of them once");
        seen |= 1u << indices[i];
        fuzz_need(isfinite(logits[i]) && scores[i] >= 0 && scores[i] <= 1,
                  "scores are between 0 and 1");
        fuzz_need(i == 0 || scores[i] <= scores[i - 1], "the best come first");
    }
}

#endif /* GRT_FUZZ_OUTCOME_H */
