/* result.c - grt_result_*: see grating.h. */
#include "rank/result.h"

#include "api/structs.h"
#include "base/memory.h"

size_t grt_result_count(const grt_result *result)
{
    return result->n;
}

size_t grt_result_top(const grt_result *result)
{
    return result->n_top;
}

const size_t *grt_result_indices(const grt_result *result)
{
    return result->indices;
}

const float *grt_result_scores(const grt_result *result)
{
    return result->scores;
}

const float *grt_result_logits(const grt_result *result)
{
    return result->logits;
}

const int32_t *grt_result_states(const grt_result *result)
{
    return result->states;
}

const size_t *grt_result_layers(const grt_result *result)
{
    return result->layers;
}

const size_t *grt_result_tokens(const grt_result *result)
{
    return result->tokens;
}

const uint32_t *grt_result_flags(const grt_result *result)
{
    return result->flags;
}

grt_status grt_result_item(const grt_result *result, size_t i, grt_item *out)
{
    if (i >= result->n) return GRT_E_INVALID_ARG;
    grt_item item = {.index = result->indices[i],
                     .score = result->scores[i],
                     .logit = result->logits[i],
                     .state = result->states[i],
                     .flags = result->flags[i],
                     .layer = result->layers[i],
                     .n_tokens = result->tokens[i]};
    grt_give_struct(out, &item, sizeof(item));
    return GRT_OK;
}

void grt_result_stats(const grt_result *result, grt_stats *out)
{
    grt_give_struct(out, &result->stats, sizeof(result->stats));
}

void grt_result_plan(const grt_result *result, grt_memory_plan *out)
{
    grt_give_struct(out, &result->plan, sizeof(result->plan));
}

void grt_result_free(grt_result *result)
{
    grt_free(result);
}
