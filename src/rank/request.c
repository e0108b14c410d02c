/* request.c - one request from texts to ranked items; see session.h. */
#include "rank/session.h"

#include "base/checked.h"
#include "base/clock.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

static grt_status build_pairs(grt_session *session, const grt_request *request,
                              grt_error *err)
{
    const grt_model *model = session->model;
    size_t n = request->n_documents;
    GRT_TRY(grt_buffer_need(&session->document_views, n, sizeof(grt_text_view),
                            "the documents", err));
    grt_text_view *documents = session->document_views.data;
    for (size_t i = 0; i < n; i++) {
        documents[i].data = request->documents[i];
        documents[i].size = request->document_bytes ? request->document_bytes[i]
                                                    : strlen(request->documents[i]);
    }
    grt_text_view query = {request->query, request->query_bytes
                                               ? request->query_bytes
                                               : strlen(request->query)};
    grt_prompt prompt = {0};
    grt_status status = model->opened.network.architecture->prompt(
        &prompt, &model->opened.network, model->opened.tokenizer, request->instruction,
        err);
    grt_pairs_release(&session->pairs);
    if (status == GRT_OK)
        status = grt_pairs_build(&session->pairs, model->opened.tokenizer, &prompt.pair,
                                 query, documents, n, err);
    grt_arena_release(&prompt.arena);
    if (status != GRT_OK) return status;
    bool shares = model->opened.network.architecture->is_causal &&
                  !session->options.computes_prefix_apart;
    return grt_layout_init(&session->layout, &session->pairs, shares, err);
}

/* ---- What the caller sees while layers compute ---- */

static grt_status report_progress(const grt_session *session,
                                  const grt_request *request, size_t layer,
                                  grt_error *err)
{
    if (!request->progress) return GRT_OK;
    const grt_decisions *decisions = &session->decisions;
    size_t n_layers = session->n_layers, n_selected = 0;
    for (size_t i = 0; i < decisions->n; i++)
        n_selected += decisions->verdicts[i] == GRT_VERDICT_SELECT;
    grt_progress progress = {layer, n_layers, decisions->n_active, n_selected,
                             decisions->n - decisions->n_active - n_selected};
    if (request->progress(&progress, request->progress_payload) != 0)
        GRT_FAIL(err, GRT_E_CANCELLED, "cancelled by the caller at layer %zu of %zu",
                 layer, n_layers);
    return GRT_OK;
}

static grt_state state_of(grt_verdict verdict, grt_state undecided)
{
    switch (verdict) {
    case GRT_VERDICT_DEFER: return undecided;
    case GRT_VERDICT_SELECT: return GRT_STATE_SELECTED;
    case GRT_VERDICT_DROP: return GRT_STATE_DROPPED;
    }
    return undecided;
}

/* Candidates that computed a layer, for the trace: noted before they are decided. */
typedef struct trace_arrays {
    size_t n;
    size_t *indices;
    float *scores;
    grt_state *states;
} trace_arrays;

static grt_status note_active(grt_session *session, const grt_request *request,
                              trace_arrays *trace, grt_error *err)
{
    const grt_decisions *decisions = &session->decisions;
    if (!request->trace) return GRT_OK;
    GRT_TRY(grt_buffer_need(&session->trace, decisions->n,
                            sizeof(size_t) + sizeof(float) + sizeof(grt_state),
                            "the trace", err));
    trace->n = decisions->n_active;
    trace->indices = session->trace.data;
    trace->scores = (float *)(trace->indices + decisions->n);
    trace->states = (grt_state *)(trace->scores + decisions->n);
    for (size_t i = 0; i < trace->n; i++) {
        trace->indices[i] = decisions->active[i];
        trace->scores[i] = decisions->scores[decisions->active[i]];
    }
    return GRT_OK;
}

static void report_trace(const grt_session *session, const grt_request *request,
                         const trace_arrays *trace, size_t layer)
{
    if (!request->trace) return;
    size_t n_layers = session->n_layers;
    grt_state undecided = layer == n_layers ? GRT_STATE_FINISHED : GRT_STATE_ACTIVE;
    for (size_t i = 0; i < trace->n; i++)
        trace->states[i] =
            state_of(session->decisions.verdicts[trace->indices[i]], undecided);
    grt_trace_step step = {layer,          n_layers,      trace->n,
                           trace->indices, trace->scores, trace->states};
    request->trace(&step, request->trace_payload);
}

/* ---- The layer loop ---- */

static grt_status check_scores(const grt_session *session, grt_error *err)
{
    const grt_decisions *decisions = &session->decisions;
    for (size_t i = 0; i < decisions->n_active; i++)
        if (!isfinite(decisions->scores[decisions->active[i]]))
            GRT_FAIL(err, GRT_E_FORMAT,
                     "document %zu: the model gives a score that is not a number; its "
                     "weights hold values that are not finite or overflow",
                     decisions->active[i]);
    return GRT_OK;
}

static grt_status run_layers(grt_session *session, const grt_request *request,
                             grt_forward_counts *counts, grt_error *err)
{
    grt_decisions *decisions = &session->decisions;
    const grt_selector *selector = &session->policy.selector;
    size_t n_layers = session->n_layers;
    GRT_TRY(report_progress(session, request, 0, err));
    for (size_t layer = 1; layer <= n_layers && decisions->n_active > 0; layer++) {
        trace_arrays trace = {0};
        GRT_TRY(grt_forward_layer(session, layer - 1, counts, err));
        bool has_scores = grt_policy_scores(&session->policy, layer, n_layers);
        if (has_scores) {
            GRT_TRY(check_scores(session, err));
            GRT_TRY(note_active(session, request, &trace, err));
        }
        if (has_scores && layer < n_layers)
            (void)grt_decide(decisions, selector, layer);
        if (has_scores) report_trace(session, request, &trace, layer);
        GRT_TRY(report_progress(session, request, layer, err));
    }
    return GRT_OK;
}

/* ---- The result ---- */

static grt_status make_result(grt_session *session, const grt_stats *stats,
                              grt_result **out, grt_error *err)
{
    const grt_pairs *pairs = &session->pairs;
    const grt_decisions *decisions = &session->decisions;
    size_t n = pairs->n_pairs, n_bytes;
    grt_result *result = NULL;
    if (!grt_mul_size(&n_bytes, n, sizeof(grt_item)) ||
        !grt_add_size(&n_bytes, n_bytes, sizeof(*result)))
        GRT_FAIL(err, GRT_E_NO_MEMORY, "no memory for %zu results", n);
    GRT_TRY(grt_buffer_need(&session->order, n, sizeof(size_t), "the ranking", err));
    GRT_TRY(grt_alloc(&result, n_bytes, "the results", err));
    memset(result, 0, n_bytes);
    result->n_items = n;
    result->stats = *stats;
    size_t *order = session->order.data;
    grt_decisions_order(decisions, order);
    for (size_t rank = 0; rank < n; rank++) {
        size_t i = order[rank];
        float logit = decisions->scores[i];
        bool is_decided = decisions->verdicts[i] != GRT_VERDICT_DEFER;
        result->items[rank] = (grt_item){
            .index = i,
            .score = (float)(1.0 / (1.0 + exp(-(double)logit))),
            .logit = logit,
            .state = state_of(decisions->verdicts[i], GRT_STATE_FINISHED),
            .decided_at_layer = is_decided ? decisions->layers[i] : session->n_layers,
            .n_tokens = pairs->offsets[i + 1] - pairs->offsets[i],
            .truncated = pairs->truncated[i]};
    }
    *out = result;
    return GRT_OK;
}

static grt_stats stats_of(const grt_session *session, const grt_forward_counts *counts)
{
    size_t n_layers = session->n_layers;
    uint64_t n_tokens = session->pairs.ids.n;
    return (grt_stats){.n_documents = session->pairs.n_pairs,
                       .n_layers = n_layers,
                       .n_tokens = n_tokens,
                       .tokens_x_layers = counts->tokens_x_layers,
                       .full_tokens_x_layers = n_tokens * n_layers,
                       .candidates_x_layers = counts->candidates_x_layers,
                       .memory_bytes = grt_memory_peak(),
                       .plan = session->plan,
                       .policy = session->policy.policy,
                       .precision = session->policy.precision,
                       .has_profile = session->policy.has_profile,
                       .drift =
                           session->policy.reads_profile ? session->decisions.drift : 0,
                       .n_prefix = session->layout.n_prefix,
                       .isa = session->kernels.isa,
                       .arithmetic = session->kernels.arithmetic};
}

/* A profile is about all layers. */
static grt_status choose_policy(grt_session *session, const grt_request *request,
                                grt_error *err)
{
    static const grt_profile no_profile;
    const grt_model *model = session->model;
    bool has_all_layers = session->n_layers == model->opened.network.n_layers;
    return grt_policy_choose(
        &session->policy, has_all_layers ? &model->profile : &no_profile,
        session->n_layers, model->opened.network.first_head, request, err);
}

grt_status grt_session_rank(grt_session *session, const grt_request *request,
                            grt_result **out, grt_error *err)
{
    uint64_t start = grt_clock_ns();
    GRT_TRY(choose_policy(session, request, err));
    GRT_TRY(build_pairs(session, request, err));
    uint64_t tokenized = grt_clock_ns();
    GRT_TRY(grt_session_prepare(session, err));
    grt_decisions_init(&session->decisions, session->decisions_block.data,
                       request->n_documents, request->k);
    grt_window_counters before = grt_window_count(session->window);
    uint64_t embedded = grt_row_cache_bytes_read(session->embeddings);
    grt_forward_counts counts = {0, 0};
    grt_window_begin(session->window);
    grt_status status = run_layers(session, request, &counts, err);
    grt_window_end(session->window);
    if (status != GRT_OK) return status;
    uint64_t end = grt_clock_ns();
    grt_window_counters after = grt_window_count(session->window);
    grt_stats stats = stats_of(session, &counts);
    stats.weight_bytes = after.bytes_read - before.bytes_read;
    stats.embedding_bytes = grt_row_cache_bytes_read(session->embeddings) - embedded;
    stats.read_ns = after.read_ns - before.read_ns;
    stats.wait_ns = after.wait_ns - before.wait_ns;
    stats.tokenize_ns = tokenized - start;
    stats.compute_ns = end - tokenized;
    stats.total_ns = end - start;
    return make_result(session, &stats, out, err);
}
