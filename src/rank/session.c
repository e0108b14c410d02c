/* session.c - creation, and the buffers that a plan asks for; see session.h. */
#include "rank/session.h"

#include "base/cpu.h"
#include "base/memory.h"
#include "io/machine.h"

#include <string.h>

grt_status grt_session_init(grt_session *session, const grt_model *model,
                            const grt_session_options *options, grt_error *err)
{
    session->model = model;
    session->options = *options;
    session->n_layers = grt_plan_n_layers(&model->opened.network, options);
    session->n_threads = options->n_threads;
    grt_kernels_choose(&session->kernels, grt_cpu_features(), options->arithmetic);
    GRT_TRY(grt_pool_create(&session->pool, options->n_threads, err));
    grt_release_freed();
    session->created_bytes = grt_resident_bytes();
    uint64_t peak = grt_resident_peak_bytes();
    if (options->memory_bytes && peak > options->memory_bytes)
        GRT_FAIL(err, GRT_E_NO_MEMORY,
                 "the process has had %.1f MiB resident before the first request, more "
                 "than the %.1f MiB allowed",
                 (double)peak / 1048576, (double)options->memory_bytes / 1048576);
    return GRT_OK;
}

void grt_session_release(grt_session *session)
{
    grt_buffer *const buffers[] = {
        &session->linear_scratch, &session->layer_vectors, &session->scoring,
        &session->chunk,          &session->positions,     &session->attention,
        &session->prefix,         &session->rope,          &session->decisions_block,
        &session->document_views, &session->pass,          &session->order,
        &session->trace};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
        grt_buffer_release(buffers[i]);
    grt_pairs_release(&session->pairs);
    grt_layout_release(&session->layout);
    grt_window_free(session->window);
    grt_row_store_free(session->rows);
    grt_row_cache_free(session->embeddings);
    grt_pool_free(session->pool);
    memset(session, 0, sizeof(*session));
}

/* ---- The plan ---- */

/* Resident bytes that the next plan counts itself.  What was planned for the request
 * before but never touched, since that ended early, is not among them. */
static uint64_t planned_bytes(const grt_session *session)
{
    const grt_buffer *const buffers[] = {
        &session->linear_scratch, &session->layer_vectors, &session->scoring,
        &session->chunk,          &session->positions,     &session->attention,
        &session->prefix,         &session->rope,          &session->decisions_block,
        &session->pass,           &session->order,         &session->trace};
    uint64_t total = session->plan.total_bytes ? GRT_PLAN_MARGIN_BYTES : 0;
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
        total += grt_memory_resident(buffers[i]->data);
    if (session->window) total += grt_window_resident(session->window);
    if (session->rows) total += grt_row_store_resident(session->rows);
    if (session->embeddings) total += grt_row_cache_resident(session->embeddings);
    return total;
}

/* Resident bytes that no plan counts: at least those at creation. */
static uint64_t unplanned_bytes(const grt_session *session)
{
    uint64_t now = grt_resident_bytes(), planned = planned_bytes(session);
    uint64_t rest = now > planned ? now - planned : 0;
    uint64_t texts = session->pairs.ids.capacity * (sizeof(int32_t) + 1);
    uint64_t least = session->created_bytes + texts;
    return rest > least ? rest : least;
}

static grt_status make_plan(grt_session *session, grt_memory_plan *plan, grt_error *err)
{
    const grt_layout *layout = &session->layout;
    bool asks_machine = session->options.residency == GRT_RESIDENCY_AUTO &&
                        !session->options.memory_bytes && !session->window;
    grt_plan_input input = {.network = &session->model->opened.network,
                            .kernels = &session->kernels,
                            .n_threads = session->n_threads,
                            .options = &session->options,
                            .n_documents = layout->pairs->n_pairs,
                            .n_rows = layout->n_rows,
                            .n_prefix = layout->n_prefix,
                            .n_longest = layout->n_longest,
                            .n_sequence = layout->n_sequence,
                            .n_distinct = layout->n_distinct,
                            .is_observed = session->observer != NULL,
                            .resident_bytes = unplanned_bytes(session),
                            .peak_bytes = grt_resident_peak_bytes()};
    if (asks_machine) input.available_bytes = grt_available_bytes();
    GRT_TRY(grt_plan_make(plan, &input, err));
    bool keeps_window = !session->options.memory_bytes && session->window;
    if (keeps_window) plan->n_slots = session->plan.n_slots;
    return GRT_OK;
}

/* ---- The buffers ---- */

/* Under a memory promise what is larger than planned goes back. */
static grt_status need(grt_session *session, grt_buffer *buffer, size_t count,
                       size_t size, const char *what, grt_error *err)
{
    if (session->options.memory_bytes)
        return grt_buffer_fit(buffer, count, size, what, err);
    return grt_buffer_need(buffer, count, size, what, err);
}

static grt_status need_window(grt_session *session, const grt_memory_plan *plan,
                              grt_error *err)
{
    const grt_network *network = &session->model->opened.network;
    if (session->window && session->plan.n_slots == plan->n_slots) return GRT_OK;
    grt_window_free(session->window);
    session->window = NULL;
    grt_window_options options = {plan->n_slots, session->options.memory_bytes != 0};
    return grt_window_create(&session->window, network->layers, session->n_layers,
                             &options, err);
}

static grt_status need_rows(grt_session *session, const grt_memory_plan *plan,
                            grt_error *err)
{
    grt_row_store_options wanted = {
        grt_plan_row_storage(plan->hidden), session->layout.n_rows,
        session->model->opened.network.hidden_size, plan->chunk_rows,
        session->options.temporary_directory};
    const grt_row_store_options *have = &session->rows_options;
    bool is_enough = session->rows && have->storage == wanted.storage &&
                     have->n_rows >= wanted.n_rows &&
                     have->chunk_rows >= wanted.chunk_rows;
    bool is_equal = is_enough && have->n_rows == wanted.n_rows &&
                    have->chunk_rows == wanted.chunk_rows;
    if (is_equal || (is_enough && !session->options.memory_bytes)) return GRT_OK;
    grt_row_store_free(session->rows);
    session->rows = NULL;
    session->rows_options = wanted;
    return grt_row_store_create(&session->rows, &wanted, err);
}

static grt_status need_embeddings(grt_session *session, const grt_memory_plan *plan,
                                  grt_error *err)
{
    bool is_enough = session->n_cached_rows >= plan->n_cached_rows;
    bool is_equal = session->n_cached_rows == plan->n_cached_rows;
    if (session->embeddings &&
        (is_equal || (is_enough && !session->options.memory_bytes)))
        return GRT_OK;
    grt_row_cache_free(session->embeddings);
    session->embeddings = NULL;
    session->n_cached_rows = plan->n_cached_rows;
    return grt_embed_cache_create(&session->embeddings, &session->model->opened.network,
                                  plan->n_cached_rows, err);
}

static grt_status need_rope(grt_session *session, size_t n_positions, grt_error *err)
{
    const grt_network *network = &session->model->opened.network;
    if (network->n_ropes == 0 || n_positions == session->rope_rows) return GRT_OK;
    if (n_positions < session->rope_rows && !session->options.memory_bytes)
        return GRT_OK;
    session->rope_rows = 0;
    GRT_TRY(need(session, &session->rope, n_positions,
                 grt_rope_floats(network, 1) * sizeof(float), "rotary positions", err));
    grt_rope_fill(network, n_positions, session->rope.data);
    session->rope_rows = n_positions;
    return GRT_OK;
}

static grt_status need_scratch(grt_session *session, const grt_memory_plan *plan,
                               grt_error *err)
{
    const grt_network *network = &session->model->opened.network;
    const grt_layout *layout = &session->layout;
    size_t kv_bytes = 2 * network->n_kv_heads * network->head_size * sizeof(float);
    grt_plan_input input = {.network = network, .n_longest = layout->n_longest};
    GRT_TRY(need(session, &session->chunk, plan->chunk_rows,
                 network->architecture->floats_per_row(network) * sizeof(float),
                 "a chunk's intermediates", err));
    GRT_TRY(need(session, &session->positions, plan->chunk_rows, sizeof(uint32_t),
                 "positions", err));
    GRT_TRY(need(session, &session->attention, grt_plan_attention_bytes(&input),
                 session->n_threads, "attention scratch", err));
    GRT_TRY(need(session, &session->prefix, layout->n_prefix, kv_bytes,
                 "the shared prefix", err));
    size_t linear =
        grt_linear_scratch_bytes(&session->kernels, session->n_threads,
                                 plan->chunk_rows, grt_layer_most_inputs(network));
    GRT_TRY(need(session, &session->linear_scratch, linear, 1, "matrix scratch", err));
    GRT_TRY(need(session, &session->layer_vectors, grt_layer_vector_floats(network),
                 sizeof(float), "a layer's vectors", err));
    GRT_TRY(need(session, &session->scoring,
                 grt_scoring_bytes(network, session->n_threads), 1, "scoring", err));
    GRT_TRY(need(session, &session->decisions_block,
                 grt_decisions_bytes(layout->pairs->n_pairs), 1, "decisions", err));
    return need_rope(session, layout->n_longest, err);
}

grt_status grt_session_prepare(grt_session *session, grt_error *err)
{
    grt_memory_plan plan;
    GRT_TRY(make_plan(session, &plan, err));
    grt_status status = need_window(session, &plan, err);
    if (status == GRT_OK) status = need_rows(session, &plan, err);
    if (status == GRT_OK) status = need_embeddings(session, &plan, err);
    if (status == GRT_OK) status = need_scratch(session, &plan, err);
    session->plan = plan;
    return status;
}
