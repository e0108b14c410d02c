/* session.c - see session.h. */
#include "rank/session.h"

#include "base/checked.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "select/order.h"

#include <math.h>
#include <string.h>

/* Bytes of intermediates that a chunk may take.  A chunk of a thousand rows and more
 * hides the cost of unpacking weights; more only costs memory. */
enum { CHUNK_BYTES = 48 << 20, CHUNK_MIN_ROWS = 512, CHUNK_MAX_ROWS = 4096 };

grt_status grt_buffer_need(grt_buffer *buffer, size_t count, size_t size,
                           const char *what, grt_error *err)
{
    size_t n_bytes;
    if (!grt_mul_size(&n_bytes, count, size))
        GRT_FAIL(err, GRT_E_NO_MEMORY, "no memory for %s (%zu x %zu bytes)", what,
                 count, size);
    if (buffer->data && n_bytes <= buffer->n_bytes) return GRT_OK;
    grt_free(buffer->data);
    *buffer = (grt_buffer){NULL, 0};
    GRT_TRY(grt_alloc(&buffer->data, n_bytes, what, err));
    buffer->n_bytes = n_bytes;
    return GRT_OK;
}

static void buffer_release(grt_buffer *buffer)
{
    grt_free(buffer->data);
    *buffer = (grt_buffer){NULL, 0};
}

grt_status grt_session_init(grt_session *session, const grt_model *model,
                            size_t n_threads, grt_error *err)
{
    const grt_network *network = &model->network;
    session->model = model;
    session->n_threads = n_threads;
    grt_kernels_choose(&session->kernels, grt_cpu_features());
    GRT_TRY(grt_pool_create(&session->pool, n_threads, err));
    grt_window_options window = {network->n_layers, false};
    GRT_TRY(grt_window_create(&session->window, network->layers, network->n_layers,
                              &window, err));
    GRT_TRY(grt_buffer_need(&session->linear_scratch,
                            grt_linear_scratch_bytes(&session->kernels, n_threads), 1,
                            "matrix scratch", err));
    GRT_TRY(grt_buffer_need(&session->layer_vectors, grt_layer_vector_floats(network),
                            sizeof(float), "a layer's vectors", err));
    GRT_TRY(grt_buffer_need(&session->embed_scratch, grt_embed_scratch_bytes(network),
                            1, "an embedding row", err));
    return grt_buffer_need(&session->logit_scratch, 2 * network->hidden_size,
                           sizeof(float), "the head", err);
}

void grt_session_release(grt_session *session)
{
    grt_buffer *const buffers[] = {
        &session->linear_scratch, &session->layer_vectors,
        &session->embed_scratch,  &session->logit_scratch,
        &session->positions,      &session->hidden,
        &session->chunk,          &session->attention_scratch,
        &session->rope,           &session->logits,
        &session->order,          &session->document_views};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
        buffer_release(buffers[i]);
    grt_pairs_release(&session->pairs);
    grt_window_free(session->window);
    grt_pool_free(session->pool);
    memset(session, 0, sizeof(*session));
}

/* ---- From texts to rows ---- */

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
    grt_status status = model->network.architecture->prompt(
        &prompt, &model->network, model->tokenizer, request->instruction, err);
    grt_pairs_release(&session->pairs);
    if (status == GRT_OK)
        status = grt_pairs_build(&session->pairs, model->tokenizer, &prompt.pair, query,
                                 documents, n, err);
    grt_arena_release(&prompt.arena);
    return status;
}

static size_t longest_pair(const grt_pairs *pairs)
{
    size_t longest = 0;
    for (size_t i = 0; i < pairs->n_pairs; i++) {
        size_t n = pairs->offsets[i + 1] - pairs->offsets[i];
        if (n > longest) longest = n;
    }
    return longest;
}

/* cos and sin of position * theta^(-2i / head_size), arXiv 2104.09864. */
static grt_status need_rope(grt_session *session, size_t n_positions, grt_error *err)
{
    const grt_network *network = &session->model->network;
    size_t half = network->head_size / 2;
    if (network->rope_theta == 0.0 || n_positions <= session->rope_rows) return GRT_OK;
    session->rope_rows = 0;
    GRT_TRY(grt_buffer_need(&session->rope, n_positions, 2 * half * sizeof(float),
                            "rotary positions", err));
    float *cosines = session->rope.data, *sines = cosines + n_positions * half;
    for (size_t i = 0; i < half; i++) {
        double frequency =
            pow(network->rope_theta, -2.0 * (double)i / (double)network->head_size);
        for (size_t position = 0; position < n_positions; position++) {
            double angle = (double)position * frequency;
            cosines[position * half + i] = (float)cos(angle);
            sines[position * half + i] = (float)sin(angle);
        }
    }
    session->rope_rows = n_positions;
    return GRT_OK;
}

static grt_status embed_pairs(grt_session *session, grt_error *err)
{
    const grt_network *network = &session->model->network;
    const grt_pairs *pairs = &session->pairs;
    GRT_TRY(grt_buffer_need(&session->positions, pairs->ids.n, sizeof(uint32_t),
                            "positions", err));
    uint32_t *positions = session->positions.data;
    for (size_t i = 0; i < pairs->n_pairs; i++)
        for (size_t row = pairs->offsets[i]; row < pairs->offsets[i + 1]; row++)
            positions[row] = (uint32_t)(row - pairs->offsets[i]);
    GRT_TRY(grt_buffer_need(&session->hidden, pairs->ids.n,
                            network->hidden_size * sizeof(float), "hidden states",
                            err));
    grt_token_rows rows = {pairs->ids.ids, pairs->token_types, positions, pairs->ids.n};
    return grt_embed(network, &session->kernels, &rows, session->hidden.data,
                     session->embed_scratch.data, err);
}

/* ---- The layer loop ---- */

size_t grt_chunk_end(const size_t *offsets, size_t n_sequences, size_t first,
                     size_t max_rows)
{
    size_t end = first + 1;
    while (end < n_sequences && offsets[end + 1] - offsets[first] <= max_rows)
        end++;
    return end;
}

static size_t chunk_rows(const grt_network *network, size_t longest, size_t n_rows)
{
    size_t row_bytes = network->architecture->floats_per_row(network) * sizeof(float);
    size_t rows = CHUNK_BYTES / row_bytes;
    if (rows < CHUNK_MIN_ROWS) rows = CHUNK_MIN_ROWS;
    if (rows > CHUNK_MAX_ROWS) rows = CHUNK_MAX_ROWS;
    if (rows > n_rows) rows = n_rows;
    return rows > longest ? rows : longest;
}

static grt_status prepare_workspace(grt_session *session, grt_workspace *workspace,
                                    size_t *max_rows, grt_error *err)
{
    const grt_network *network = &session->model->network;
    size_t longest = longest_pair(&session->pairs);
    *max_rows = chunk_rows(network, longest, session->pairs.ids.n);
    GRT_TRY(
        grt_buffer_need(&session->chunk, *max_rows,
                        network->architecture->floats_per_row(network) * sizeof(float),
                        "a chunk's intermediates", err));
    size_t attention_bytes = grt_attention_scratch_bytes(longest, network->head_size);
    attention_bytes = (attention_bytes + 63) / 64 * 64;
    GRT_TRY(grt_buffer_need(&session->attention_scratch, attention_bytes,
                            session->n_threads, "attention scratch", err));
    GRT_TRY(need_rope(session, longest, err));
    const float *rope = session->rope.data;
    *workspace = (grt_workspace){
        .kernels = &session->kernels,
        .pool = session->pool,
        .linear_scratch = session->linear_scratch.data,
        .attention_scratch = session->attention_scratch.data,
        .attention_scratch_bytes = attention_bytes,
        .rope_cos = rope,
        .rope_sin = rope ? rope + session->rope_rows * (network->head_size / 2) : NULL,
        .buffer = session->chunk.data};
    return GRT_OK;
}

static grt_status run_layer(grt_session *session, const grt_workspace *workspace,
                            size_t layer, size_t max_rows, grt_error *err)
{
    const grt_network *network = &session->model->network;
    const grt_pairs *pairs = &session->pairs;
    const void *const *parts;
    GRT_TRY(grt_window_acquire(session->window, layer, &parts, err));
    grt_layer_view view;
    grt_layer_view_init(&view, network, &session->kernels, layer, parts,
                        session->layer_vectors.data);
    for (size_t first = 0; first < pairs->n_pairs;) {
        size_t end = grt_chunk_end(pairs->offsets, pairs->n_pairs, first, max_rows);
        float *hidden = session->hidden.data;
        grt_chunk chunk = {.hidden =
                               hidden + pairs->offsets[first] * network->hidden_size,
                           .n_rows = pairs->offsets[end] - pairs->offsets[first],
                           .offsets = pairs->offsets + first,
                           .n_sequences = end - first};
        network->architecture->layer(network, &view, workspace, &chunk);
        first = end;
    }
    grt_window_release(session->window, layer);
    return GRT_OK;
}

static grt_status report_progress(const grt_request *request, size_t layer,
                                  size_t n_layers, grt_error *err)
{
    if (!request->progress) return GRT_OK;
    grt_progress progress = {layer, n_layers, request->n_documents, 0, 0};
    if (request->progress(&progress, request->progress_payload) != 0)
        GRT_FAIL(err, GRT_E_CANCELLED, "cancelled by the caller at layer %zu of %zu",
                 layer, n_layers);
    return GRT_OK;
}

static grt_status score_pairs(grt_session *session, const grt_workspace *workspace,
                              grt_error *err)
{
    const grt_network *network = &session->model->network;
    const grt_pairs *pairs = &session->pairs;
    GRT_TRY(grt_buffer_need(&session->logits, pairs->n_pairs, sizeof(float),
                            "the scores", err));
    float *logits = session->logits.data;
    for (size_t i = 0; i < pairs->n_pairs; i++) {
        size_t row = network->architecture->reads_last_row ? pairs->offsets[i + 1] - 1
                                                           : pairs->offsets[i];
        const float *hidden = session->hidden.data;
        logits[i] = network->architecture->logit(network, workspace,
                                                 hidden + row * network->hidden_size,
                                                 session->logit_scratch.data);
        if (!isfinite(logits[i]))
            GRT_FAIL(err, GRT_E_FORMAT,
                     "document %zu: the model gives a score that is not a number; its "
                     "weights hold values that are not finite or overflow",
                     i);
    }
    return GRT_OK;
}

/* ---- The result ---- */

static grt_status make_result(grt_session *session, const grt_stats *stats,
                              grt_result **out, grt_error *err)
{
    const grt_pairs *pairs = &session->pairs;
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
    const float *logits = session->logits.data;
    size_t *order = session->order.data;
    grt_order_by_score(order, logits, n);
    for (size_t rank = 0; rank < n; rank++) {
        size_t i = order[rank];
        result->items[rank] =
            (grt_item){.index = i,
                       .score = (float)(1.0 / (1.0 + exp(-(double)logits[i]))),
                       .logit = logits[i],
                       .state = GRT_STATE_FINISHED,
                       .decided_at_layer = session->model->network.n_layers,
                       .n_tokens = pairs->offsets[i + 1] - pairs->offsets[i],
                       .truncated = pairs->truncated[i]};
    }
    *out = result;
    return GRT_OK;
}

static grt_status run_layers(grt_session *session, const grt_workspace *workspace,
                             const grt_request *request, size_t max_rows,
                             grt_error *err)
{
    size_t n_layers = session->model->network.n_layers;
    for (size_t layer = 0; layer < n_layers; layer++) {
        GRT_TRY(report_progress(request, layer, n_layers, err));
        GRT_TRY(run_layer(session, workspace, layer, max_rows, err));
    }
    return report_progress(request, n_layers, n_layers, err);
}

static grt_status compute(grt_session *session, const grt_request *request,
                          grt_error *err)
{
    grt_workspace workspace;
    size_t max_rows;
    GRT_TRY(embed_pairs(session, err));
    GRT_TRY(prepare_workspace(session, &workspace, &max_rows, err));
    grt_window_begin(session->window);
    grt_status status = run_layers(session, &workspace, request, max_rows, err);
    grt_window_end(session->window);
    GRT_TRY(status);
    return score_pairs(session, &workspace, err);
}

grt_status grt_session_rank(grt_session *session, const grt_request *request,
                            grt_result **out, grt_error *err)
{
    uint64_t start = grt_clock_ns();
    uint64_t bytes_before = grt_window_count(session->window).bytes_read;
    GRT_TRY(build_pairs(session, request, err));
    uint64_t tokenized = grt_clock_ns();
    GRT_TRY(compute(session, request, err));
    uint64_t end = grt_clock_ns();
    const grt_network *network = &session->model->network;
    size_t n_rows = session->pairs.ids.n;
    grt_stats stats = {.n_documents = request->n_documents,
                       .n_layers = network->n_layers,
                       .n_tokens = n_rows,
                       .tokens_x_layers = (uint64_t)n_rows * network->n_layers,
                       .weight_bytes =
                           grt_window_count(session->window).bytes_read - bytes_before,
                       .memory_bytes = grt_memory_peak(),
                       .tokenize_ns = tokenized - start,
                       .compute_ns = end - tokenized,
                       .total_ns = end - start,
                       .isa = session->kernels.isa};
    return make_result(session, &stats, out, err);
}
