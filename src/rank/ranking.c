/* ranking.c - one request from texts to the last layer, a step at a time; see
 * ranking.h.
 */
#include "rank/ranking.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

/* ---- Opening ---- */

static grt_status check_priors(const grt_request *request, grt_error *err)
{
    for (size_t i = 0; request->priors && i < request->n_documents; i++)
        if (!isfinite(request->priors[i]))
            GRT_FAIL(err, GRT_E_INVALID_ARG, "the prior of document %zu is not finite",
                     i);
    return GRT_OK;
}

/* A profile is about all layers. */
static grt_status choose_policy(grt_ranking *ranking, grt_error *err)
{
    static const grt_profile no_profile;
    const grt_model *model = ranking->model;
    const grt_network *network = &model->opened.network;
    bool has_all_layers = model->n_layers == network->n_layers;
    grt_policy_input input = {.options = &ranking->policy_options,
                              .n_documents = ranking->request.n_documents,
                              .k = ranking->request.k,
                              .schedule = ranking->extras.schedule,
                              .n_schedule = ranking->extras.n_schedule,
                              .wants_scores = ranking->extras.shows_steps ||
                                              ranking->request.deadline_ns != 0};
    return grt_policy_choose(&ranking->policy,
                             has_all_layers ? &model->profile : &no_profile,
                             model->n_layers, network->first_head, &input, err);
}

grt_status grt_ranking_init(grt_ranking *ranking, grt_model *model,
                            const grt_request *request,
                            const grt_ranking_extras *extras, grt_error *err)
{
    ranking->model = model;
    ranking->opened_ns = grt_clock_ns();
    ranking->number = atomic_fetch_add(&model->n_opened, 1) + 1;
    ranking->request = *request;
    ranking->policy_options = request->policy
                                  ? *request->policy
                                  : (grt_policy_options)GRT_POLICY_OPTIONS_INIT;
    ranking->request.policy = NULL;
    ranking->extras = *extras;
    atomic_init(&ranking->stop.is_cancelled, false);
    ranking->stop.whole = extras->whole;
    if (request->deadline_ns)
        ranking->stop.deadline_ns =
            request->deadline_ns < UINT64_MAX - ranking->opened_ns
                ? ranking->opened_ns + request->deadline_ns
                : UINT64_MAX;
    GRT_TRY(check_priors(request, err));
    return choose_policy(ranking, err);
}

void grt_ranking_release(grt_ranking *ranking)
{
    grt_ranking_give_memory_back(ranking);
    grt_layout_release(&ranking->layout);
    grt_pairs_release(&ranking->pairs);
}

/* ---- The first step ---- */

static grt_text_view view_of(const char *text, size_t n_bytes)
{
    return (grt_text_view){text,
                           n_bytes == GRT_NUL_TERMINATED ? strlen(text) : n_bytes};
}

static grt_text_view document_of(const grt_request *request, size_t i)
{
    return view_of(request->documents[i], request->document_bytes
                                              ? request->document_bytes[i]
                                              : GRT_NUL_TERMINATED);
}

static grt_status build_pairs(grt_ranking *ranking, const grt_pair_template *template,
                              bool shares_prefix, grt_error *err)
{
    const grt_request *request = &ranking->request;
    size_t n = request->n_documents;
    grt_text_view *documents;
    GRT_TRY(grt_alloc_array(&documents, n, sizeof(*documents), "the documents", err));
    for (size_t i = 0; i < n; i++)
        documents[i] = document_of(request, i);
    grt_pairs_input input = {.tokenizer = ranking->model->opened.tokenizer,
                             .template = template,
                             .query = view_of(request->query, request->query_bytes),
                             .documents = documents,
                             .n_documents = n,
                             .max_document_tokens = request->max_document_tokens,
                             .long_documents =
                                 (grt_long_documents)request->long_documents,
                             .pool = ranking->model->engine->pool,
                             .stop = &ranking->stop};
    grt_status status = GRT_OK;
    grt_pairs_counts counts;
    const grt_engine *engine = ranking->model->engine;
    if (grt_engine_budget_bytes(engine)) {
        grt_ranking_make_room(ranking, grt_pairs_peak_bytes(&input, engine->n_threads));
        status = grt_ranking_fit_texts(ranking, &input, &counts, shares_prefix, err);
    }
    if (status == GRT_OK) status = grt_pairs_build(&ranking->pairs, &input, err);
    grt_free(documents);
    if (status == GRT_OK && grt_engine_budget_bytes(engine))
        status = grt_pairs_shrink(&ranking->pairs, err);
    return status;
}

/* `instruction` may be NULL; *copy is for the caller to free. */
static grt_status copy_instruction(char **copy, const grt_request *request,
                                   grt_error *err)
{
    *copy = NULL;
    if (!request->instruction) return GRT_OK;
    grt_text_view view = view_of(request->instruction, request->instruction_bytes);
    GRT_TRY(grt_alloc_array(copy, view.size + 1, 1, "the instruction", err));
    memcpy(*copy, view.data, view.size);
    return GRT_OK;
}

static grt_status read_texts(grt_ranking *ranking, grt_error *err)
{
    const grt_network *network = &ranking->model->opened.network;
    grt_prompt prompt = {0};
    char *instruction;
    GRT_TRY(copy_instruction(&instruction, &ranking->request, err));
    grt_status status = network->architecture->prompt(
        &prompt, network, ranking->model->opened.tokenizer, instruction, err);
    grt_free(instruction);
    bool shares =
        network->architecture->is_causal && !ranking->extras.computes_prefix_apart;
    if (status == GRT_OK) status = build_pairs(ranking, &prompt.pair, shares, err);
    grt_arena_release(&prompt.arena);
    if (status != GRT_OK) return status;
    return grt_layout_init(&ranking->layout, &ranking->pairs, shares, err);
}

static void watch_reading(grt_ranking *ranking)
{
    const grt_model *model = ranking->model;
    ranking->window_seen = grt_window_count(model->window);
    ranking->embedding_seen = grt_row_cache_bytes_read(model->embeddings);
}

/* Adds what was read since this ranking last looked. */
static void count_reading(grt_ranking *ranking)
{
    const grt_model *model = ranking->model;
    grt_window_counters now = grt_window_count(model->window),
                        *seen = &ranking->window_seen;
    uint64_t embedded = grt_row_cache_bytes_read(model->embeddings);
    ranking->stats.weight_bytes += now.bytes_read - seen->bytes_read;
    ranking->stats.read_ns += now.read_ns - seen->read_ns;
    ranking->stats.wait_ns += now.wait_ns - seen->wait_ns;
    ranking->stats.embedding_bytes += embedded - ranking->embedding_seen;
    *seen = now;
    ranking->embedding_seen = embedded;
}

void grt_ranking_use_window(grt_ranking *ranking)
{
    grt_model *model = ranking->model;
    if (model->window_user != ranking->number) watch_reading(ranking);
    model->window_user = ranking->number;
    grt_window_seek(model->window, ranking->layer);
}

static grt_status begin(grt_ranking *ranking, grt_error *err)
{
    uint64_t start = grt_clock_ns();
    grt_ranking_take_parked(ranking);
    GRT_TRY(read_texts(ranking, err));
    ranking->stats.tokenize_ns = grt_clock_ns() - start;
    GRT_TRY(grt_ranking_prepare(ranking, err));
    const grt_request *request = &ranking->request;
    float *priors = NULL;
    if (request->priors) {
        priors = ranking->set.buffers[GRT_BUFFER_PRIORS].data;
        memcpy(priors, request->priors, request->n_documents * sizeof(float));
    }
    grt_decisions_init(&ranking->decisions,
                       ranking->set.buffers[GRT_BUFFER_DECISIONS].data,
                       request->n_documents, request->k, priors);
    size_t *best = ranking->set.buffers[GRT_BUFFER_BEST].data;
    for (size_t i = 0; i < request->n_documents; i++)
        best[i] = ranking->pairs.first_pair[i];
    grt_ranking_use_window(
        ranking); /* which reads while the first layer's rows are made */
    ranking->phase = GRT_RANKING_RUNNING;
    return GRT_OK;
}

/* ---- A layer ---- */

static grt_status check_scores(const grt_ranking *ranking, grt_error *err)
{
    const grt_decisions *decisions = &ranking->decisions;
    for (size_t i = 0; i < decisions->n_active; i++)
        if (!isfinite(decisions->scores[decisions->active[i]]))
            GRT_FAIL(err, GRT_E_FORMAT,
                     "document %zu: the model gives a score that is not a number; its "
                     "weights hold values that are not finite or overflow",
                     decisions->active[i]);
    return GRT_OK;
}

typedef struct step_arrays {
    size_t *indices;
    float *scores;
    int32_t *states;
} step_arrays;

static step_arrays arrays_of(const grt_ranking *ranking)
{
    step_arrays arrays = {.indices = ranking->set.buffers[GRT_BUFFER_STEP].data};
    arrays.scores = (float *)(arrays.indices + ranking->request.n_documents);
    arrays.states = (int32_t *)(arrays.scores + ranking->request.n_documents);
    return arrays;
}

/* The candidates that computed the layer, before they are decided. */
static void note_active(grt_ranking *ranking)
{
    const grt_decisions *decisions = &ranking->decisions;
    step_arrays arrays = arrays_of(ranking);
    ranking->n_noted = decisions->n_active;
    for (size_t i = 0; i < ranking->n_noted; i++) {
        arrays.indices[i] = decisions->active[i];
        arrays.scores[i] = decisions->scores[decisions->active[i]];
    }
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

static void note_states(grt_ranking *ranking)
{
    step_arrays arrays = arrays_of(ranking);
    bool is_last = ranking->layer == ranking->model->n_layers;
    grt_state undecided = is_last ? GRT_STATE_FINISHED : GRT_STATE_ACTIVE;
    for (size_t i = 0; i < ranking->n_noted; i++)
        arrays.states[i] =
            state_of(ranking->decisions.verdicts[arrays.indices[i]], undecided);
}

static grt_status advance(grt_ranking *ranking, bool *holds_turn, grt_error *err)
{
    size_t n_layers = ranking->model->n_layers;
    grt_ranking_use_window(ranking);
    ranking->n_noted = 0;
    grt_status status = grt_forward_layer(ranking, ranking->layer, holds_turn, err);
    if (*holds_turn) count_reading(ranking);
    if (status != GRT_OK) return status;
    size_t layer = ++ranking->layer;
    if (grt_policy_scores(&ranking->policy, layer, n_layers)) {
        GRT_TRY(check_scores(ranking, err));
        ranking->n_scored = layer;
        note_active(ranking);
        if (layer < n_layers)
            (void)grt_decide(&ranking->decisions, &ranking->policy.selector, layer);
        else
            grt_decisions_end(&ranking->decisions);
        note_states(ranking);
    }
    if (layer == n_layers || ranking->decisions.n_active == 0)
        ranking->phase = GRT_RANKING_DONE;
    return GRT_OK;
}

/* ---- Steps ---- */

uint64_t grt_ranking_slice_ns(const grt_ranking *ranking)
{
    static const uint64_t resident = 10000000, streamed = 1000000000;
    const grt_model *model = ranking->model;
    return model->n_slots < model->n_layers ? streamed : resident;
}

/* What the end of a step by `status` makes of the ranking. */
static grt_status settle(grt_ranking *ranking, grt_status status, grt_error *err)
{
    if (status == GRT_OK) return GRT_OK;
    if (status == GRT_E_CANCELLED &&
        grt_stop_asked(&ranking->stop) == GRT_STOP_DEADLINE) {
        ranking->phase = GRT_RANKING_DONE;
        ranking->deadline_hit = true;
        return GRT_OK;
    }
    if (status == GRT_E_CANCELLED)
        (void)grt_error_set(err, status, -1,
                            "cancelled by the caller at layer %zu of %zu",
                            ranking->layer, ranking->model->n_layers);
    ranking->phase = GRT_RANKING_FAILED;
    ranking->failure = status;
    return status;
}

static grt_status take_turn(grt_ranking *ranking)
{
    grt_turns *turns = &ranking->model->engine->turns;
    if (grt_turns_take(turns, &ranking->turn, &ranking->stop) == GRT_STOP_NONE)
        return GRT_OK;
    return GRT_E_CANCELLED;
}

/* Steps until there is nothing to do, or one only. */
static grt_status steps_in_turn(grt_ranking *ranking, bool is_one, grt_error *err)
{
    grt_engine *engine = ranking->model->engine;
    GRT_TRY(grt_engine_check_process(engine, err));
    uint64_t start = grt_clock_ns(), waited = ranking->turn.waited_ns;
    uint64_t tokenized = ranking->stats.tokenize_ns;
    grt_status status = GRT_OK;
    bool holds_turn = false;
    do {
        if (!holds_turn) status = take_turn(ranking);
        holds_turn = status == GRT_OK;
        if (holds_turn && grt_stop_asked(&ranking->stop) != GRT_STOP_NONE)
            status = GRT_E_CANCELLED;
        if (status == GRT_OK)
            status = ranking->phase == GRT_RANKING_NEW
                         ? begin(ranking, err)
                         : advance(ranking, &holds_turn, err);
        bool is_over = status != GRT_OK || ranking->phase != GRT_RANKING_RUNNING;
        bool is_due = holds_turn && grt_turns_is_due(&engine->turns, &ranking->turn,
                                                     grt_ranking_slice_ns(ranking));
        if (is_over && holds_turn && ranking->has_memory &&
            ranking->model->window_user == ranking->number)
            grt_window_end(ranking->model->window); /* nothing is read in vain */
        if (holds_turn && (is_one || is_over || is_due)) {
            grt_turns_give(&engine->turns, &ranking->turn);
            holds_turn = false;
        }
        if (is_over) break;
    } while (!is_one);
    uint64_t end = grt_clock_ns();
    ranking->stats.turn_ns = ranking->turn.waited_ns;
    ranking->stats.compute_ns += end - start - (ranking->turn.waited_ns - waited) -
                                 (ranking->stats.tokenize_ns - tokenized);
    ranking->stats.total_ns = end - ranking->opened_ns;
    return settle(ranking, status, err);
}

static grt_status repeat_failure(const grt_ranking *ranking, grt_error *err)
{
    GRT_FAIL(err, ranking->failure, "the ranking ended earlier: %s",
             grt_status_text(ranking->failure));
}

grt_status grt_ranking_take_step(grt_ranking *ranking, grt_error *err)
{
    if (ranking->phase == GRT_RANKING_FAILED) return repeat_failure(ranking, err);
    if (ranking->phase == GRT_RANKING_DONE) {
        ranking->n_noted = 0;
        return GRT_OK;
    }
    return steps_in_turn(ranking, true, err);
}

grt_status grt_ranking_run(grt_ranking *ranking, grt_error *err)
{
    if (ranking->phase == GRT_RANKING_FAILED) return repeat_failure(ranking, err);
    if (ranking->phase == GRT_RANKING_DONE) return GRT_OK;
    return steps_in_turn(ranking, false, err);
}

void grt_ranking_show(const grt_ranking *ranking, grt_step *out)
{
    const grt_decisions *decisions = &ranking->decisions;
    size_t n_of[3] = {0, 0, 0}; /* by verdict */
    for (size_t i = 0; i < decisions->n; i++)
        n_of[decisions->verdicts[i]]++;
    if (decisions->n == 0) n_of[GRT_VERDICT_DEFER] = ranking->request.n_documents;
    if (ranking->layer == ranking->model->n_layers) n_of[GRT_VERDICT_DEFER] = 0;
    *out = (grt_step){.is_done = ranking->phase == GRT_RANKING_DONE,
                      .deadline_hit = ranking->deadline_hit,
                      .layer = ranking->layer,
                      .n_layers = ranking->model->n_layers,
                      .n_active = n_of[GRT_VERDICT_DEFER],
                      .n_selected = n_of[GRT_VERDICT_SELECT],
                      .n_dropped = n_of[GRT_VERDICT_DROP],
                      .elapsed_ns = grt_clock_ns() - ranking->opened_ns,
                      .expected_precision = grt_ranking_expected(ranking),
                      .n = ranking->n_noted};
    if (!ranking->n_noted) return;
    step_arrays arrays = arrays_of(ranking);
    out->indices = arrays.indices;
    out->scores = arrays.scores;
    out->states = arrays.states;
}
