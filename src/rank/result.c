/* result.c - see result.h. */
#include "rank/result.h"

#include "base/checked.h"
#include "base/memory.h"

#include <math.h>

enum { BYTES_EACH = 3 * sizeof(size_t) + 2 * sizeof(float) + 2 * sizeof(int32_t) };

uint64_t grt_result_bytes(size_t n)
{
    uint64_t bytes;
    bool fits = grt_mul_u64(&bytes, n, BYTES_EACH) &&
                grt_add_u64(&bytes, bytes, sizeof(grt_result) + GRT_BLOCK_HEADER);
    return fits ? bytes : UINT64_MAX;
}

grt_status grt_result_create(grt_result **out, size_t n, grt_error *err)
{
    grt_result *result;
    uint64_t n_bytes = grt_result_bytes(n);
    if (n_bytes > SIZE_MAX)
        GRT_FAIL(err, GRT_E_NO_MEMORY, "no memory for %zu results", n);
    GRT_TRY(grt_alloc_array(&result, 1, (size_t)n_bytes, "the results", err));
    result->n = n;
    result->indices = (size_t *)(result + 1);
    result->layers = result->indices + n;
    result->tokens = result->layers + n;
    result->scores = (float *)(result->tokens + n);
    result->logits = result->scores + n;
    result->states = (int32_t *)(result->logits + n);
    result->flags = (uint32_t *)(result->states + n);
    *out = result;
    return GRT_OK;
}

void grt_result_fill_scores(grt_result *result)
{
    size_t n = result->n;
    float *scores = result->scores;
    for (size_t i = 0; i < n; i++)
        scores[i] = (float)(1.0 / (1.0 + exp(-(double)result->logits[i])));
    /* those above a candidate that is not dropped are raised, dropped ones lowered */
    float least = 0.0f;
    for (size_t i = n; i-- > 0;) {
        if (result->states[i] == GRT_STATE_DROPPED) continue;
        if (scores[i] < least) scores[i] = least;
        least = scores[i];
    }
    for (size_t i = 1; i < n; i++)
        if (scores[i] > scores[i - 1]) scores[i] = scores[i - 1];
}

void grt_result_fill_top(grt_result *result, size_t k, float min_score)
{
    if (k == 0 || k > result->n) k = result->n;
    result->n_top = 0;
    while (result->n_top < k && result->scores[result->n_top] >= min_score)
        result->n_top++;
}
