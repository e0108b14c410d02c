/* outcome.c - the order of a ranking as it stands, as a result; see ranking.h. */
#include "rank/ranking.h"

#include "base/memory.h"
#include "rank/result.h"
#include "select/expected.h"

static void fill_stats(const grt_ranking *ranking, grt_stats *stats)
{
    const grt_policy_choice *policy = &ranking->policy;
    const grt_model *model = ranking->model;
    uint64_t n_tokens = ranking->pairs.ids.n;
    *stats = ranking->stats;
    stats->struct_size = sizeof(*stats);
    stats->n_documents = ranking->request.n_documents;
    stats->n_layers = model->n_layers;
    stats->n_tokens = n_tokens;
    stats->tokens_x_layers = ranking->counts.tokens_x_layers;
    stats->full_tokens_x_layers = n_tokens * model->n_layers;
    stats->candidates_x_layers = ranking->counts.candidates_x_layers;
    stats->memory_bytes = grt_memory_peak();
    stats->policy = policy->policy;
    stats->promise = policy->promise;
    stats->precision = policy->precision;
    stats->has_profile = policy->has_profile;
    stats->drift = policy->reads_profile ? ranking->decisions.drift : 0;
    stats->deadline_hit = ranking->deadline_hit;
    stats->n_prefix = ranking->layout.n_prefix;
    stats->isa = grt_device_isa(model->device);
    stats->arithmetic = grt_device_arithmetic(model->device);
}

float grt_ranking_expected(const grt_ranking *ranking)
{
    const grt_decisions *decisions = &ranking->decisions;
    size_t n = ranking->request.n_documents, k = ranking->request.k;
    if (k == 0 || k > n) k = n;
    bool is_decided = ranking->layer == ranking->model->n_layers ||
                      (decisions->n > 0 && decisions->n_active == 0);
    if (k == n) return 1.0f;
    if (is_decided && ranking->policy.selector.kind == GRT_SELECTOR_NONE) return 1.0f;
    if (is_decided) return ranking->policy.precision;
    if (ranking->n_scored == 0) return (float)k / (float)n;
    return grt_expected_precision(decisions, &ranking->policy.selector,
                                  ranking->model->n_layers,
                                  ranking->policy.usual_margin);
}

static void fill_item(const grt_ranking *ranking, grt_result *result, size_t rank)
{
    const grt_decisions *decisions = &ranking->decisions;
    const grt_pairs *pairs = &ranking->pairs;
    const size_t *best = ranking->set.buffers[GRT_BUFFER_BEST].data;
    size_t i = result->indices[rank], pair = best[i];
    bool is_last = ranking->layer == ranking->model->n_layers;
    grt_state state = is_last ? GRT_STATE_FINISHED : GRT_STATE_ACTIVE;
    size_t layer = ranking->n_scored;
    if (decisions->verdicts[i] != GRT_VERDICT_DEFER) {
        bool is_selected = decisions->verdicts[i] == GRT_VERDICT_SELECT;
        state = is_selected ? GRT_STATE_SELECTED : GRT_STATE_DROPPED;
        layer = decisions->layers[i];
    }
    result->logits[rank] = grt_decisions_final(decisions, i);
    result->states[rank] = state;
    result->layers[rank] = layer;
    result->tokens[rank] = pairs->offsets[pair + 1] - pairs->offsets[pair];
    if (state == GRT_STATE_FINISHED) result->flags[rank] |= GRT_FLAG_EXACT;
    if (pairs->cuts[pair] & GRT_CUT_DOCUMENT) result->flags[rank] |= GRT_FLAG_TRUNCATED;
    if (pairs->cuts[pair] & GRT_CUT_QUERY)
        result->flags[rank] |= GRT_FLAG_QUERY_TRUNCATED;
}

grt_status grt_ranking_make_result(grt_ranking *ranking, grt_result **out,
                                   grt_error *err)
{
    size_t n = ranking->request.n_documents;
    grt_result *result;
    if (ranking->phase == GRT_RANKING_NEW)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_ranking_result: before the first step");
    GRT_TRY(grt_catalogue_check_unchanged(&ranking->model->opened.checkpoint.catalogue,
                                          err));
    GRT_TRY(grt_result_create(&result, n, err));
    fill_stats(ranking, &result->stats);
    result->stats.expected_precision = grt_ranking_expected(ranking);
    result->plan = ranking->plan.plan;
    bool has_begun = ranking->decisions.n > 0;
    if (has_begun) {
        grt_decisions_order(&ranking->decisions, result->indices);
        for (size_t rank = 0; rank < n; rank++)
            fill_item(ranking, result, rank);
    }
    for (size_t i = 0; i < n && !has_begun; i++) {
        result->indices[i] = i;
        result->states[i] = GRT_STATE_ACTIVE;
    }
    grt_result_fill_scores(result);
    grt_result_fill_top(result, ranking->request.k, ranking->request.min_score);
    *out = result;
    return GRT_OK;
}
