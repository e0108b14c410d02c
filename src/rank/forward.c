/* forward.c - one layer over all active candidates, chunk by chunk; see session.h. */
#include "rank/session.h"

#include "base/checked.h"

#include <string.h>

/* What a pass visits.  Sequence 0 is the shared prefix where there is one; candidate
 * active[i] is sequence i + has_prefix. */
typedef struct forward_pass {
    grt_session *session;
    size_t layer;
    bool is_first, is_last;
    bool keeps_scored; /* the layer leaves the scored rows only, one by one */
    bool has_prefix;
    size_t n;                       /* sequences */
    grt_row_range *ranges;          /* [n] */
    size_t *chunk_ends;             /* [n] */
    size_t *offsets;                /* [n + 1] of a chunk's sequences */
    grt_scored_sequence *sequences; /* [n] of a chunk */
    float *scores;                  /* [n] of a chunk */
    float *pooled;                  /* [n][pooled size] for an observer, else NULL */
    size_t n_chunks;
} forward_pass;

/* The sequences first..end-1 of a pass. */
typedef struct forward_chunk {
    size_t first, end;
    bool begins_with_prefix;
    size_t first_active, n_active; /* its candidates, as places in decisions.active */
} forward_chunk;

enum {
    BYTES_EACH = sizeof(grt_row_range) + 2 * sizeof(size_t) +
                 sizeof(grt_scored_sequence) + sizeof(float)
};

size_t grt_forward_bytes(size_t n)
{
    return (n + 2) * BYTES_EACH;
}

static grt_status init_pass(forward_pass *pass, grt_session *session, size_t layer,
                            grt_error *err)
{
    const grt_network *network = &session->model->opened.network;
    const grt_decisions *decisions = &session->decisions;
    size_t n_prefix = session->layout.n_prefix, n = decisions->n_active + 1;
    size_t pooled = session->observer ? grt_pooled_size(network) * sizeof(float) : 0;
    GRT_TRY(grt_buffer_need(&session->pass, n + 1, BYTES_EACH + pooled, "a pass", err));
    *pass = (forward_pass){.session = session,
                           .layer = layer,
                           .is_first = layer == 0,
                           .is_last = layer + 1 == session->n_layers,
                           .keeps_scored = layer + 1 == session->n_layers &&
                                           !session->options.computes_all_rows &&
                                           !network->reads_mean,
                           .has_prefix = n_prefix > 0,
                           .ranges = session->pass.data};
    pass->sequences = (grt_scored_sequence *)(pass->ranges + n);
    pass->chunk_ends = (size_t *)(pass->sequences + n);
    pass->offsets = pass->chunk_ends + n;
    pass->scores = (float *)(pass->offsets + n + 1);
    pass->pooled = pooled ? pass->scores + n : NULL;
    if (pass->has_prefix) pass->ranges[pass->n++] = (grt_row_range){0, n_prefix};
    for (size_t i = 0; i < decisions->n_active; i++)
        pass->ranges[pass->n++] =
            grt_layout_own(&session->layout, decisions->active[i]);
    pass->n_chunks = grt_layout_chunks(pass->ranges, pass->n, session->plan.chunk_rows,
                                       pass->chunk_ends);
    return GRT_OK;
}

static forward_chunk chunk_at(const forward_pass *pass, size_t i)
{
    forward_chunk chunk = {.first = i ? pass->chunk_ends[i - 1] : 0,
                           .end = pass->chunk_ends[i]};
    chunk.begins_with_prefix = pass->has_prefix && chunk.first == 0;
    size_t first_candidate = chunk.first + chunk.begins_with_prefix;
    chunk.first_active = first_candidate - pass->has_prefix;
    chunk.n_active = chunk.end - first_candidate;
    return chunk;
}

/* Fills offsets, positions and sequences; returns the chunk's rows. */
static size_t place_rows(const forward_pass *pass, const forward_chunk *chunk)
{
    const grt_session *session = pass->session;
    uint32_t *positions = session->positions.data;
    size_t row = 0;
    for (size_t s = chunk->first; s < chunk->end; s++) {
        bool is_prefix = chunk->begins_with_prefix && s == chunk->first;
        size_t position = is_prefix ? 0 : session->layout.n_prefix;
        size_t n = pass->ranges[s].n;
        pass->offsets[s - chunk->first] = row;
        if (!is_prefix) {
            size_t active = s - pass->has_prefix;
            size_t candidate = session->decisions.active[active];
            pass->sequences[active - chunk->first_active] =
                (grt_scored_sequence){row, n, &session->pairs.spans[candidate]};
        }
        for (size_t i = 0; i < n; i++)
            positions[row++] = (uint32_t)(position + i);
    }
    pass->offsets[chunk->end - chunk->first] = row;
    return row;
}

static grt_status embed_chunk(const forward_pass *pass, const forward_chunk *chunk,
                              const grt_workspace *workspace, float *hidden,
                              grt_error *err)
{
    grt_session *session = pass->session;
    const grt_network *network = &session->model->opened.network;
    const uint32_t *positions = session->positions.data;
    for (size_t s = chunk->first; s < chunk->end; s++) {
        bool is_prefix = chunk->begins_with_prefix && s == chunk->first;
        size_t row = pass->offsets[s - chunk->first], id = 0;
        if (!is_prefix)
            id = grt_layout_first_id(&session->layout,
                                     session->decisions.active[s - pass->has_prefix]);
        grt_token_rows rows = {session->pairs.ids.ids + id,
                               session->pairs.token_types + id, positions + row,
                               pass->ranges[s].n};
        GRT_TRY(grt_embed(network, &session->kernels, session->embeddings, &rows,
                          hidden + row * network->hidden_size, session->scoring.data,
                          err));
    }
    if (network->architecture->widen)
        network->architecture->widen(network, workspace, hidden,
                                     pass->offsets[chunk->end - chunk->first]);
    return GRT_OK;
}

/* Scores of the chunk's candidates, into decisions.scores. */
static grt_status score_chunk(const forward_pass *pass, const forward_chunk *chunk,
                              const grt_workspace *workspace, const float *hidden,
                              grt_error *err)
{
    grt_session *session = pass->session;
    const grt_network *network = &session->model->opened.network;
    const grt_policy_choice *policy = &session->policy;
    size_t boundary = pass->layer + 1;
    if (!grt_policy_scores(policy, boundary, session->n_layers) && !session->observer)
        return GRT_OK;
    grt_scored scored = {hidden, pass->sequences, chunk->n_active,
                         session->layout.n_prefix, boundary};
    for (size_t i = 0; i < chunk->n_active && pass->keeps_scored; i++)
        pass->sequences[i] = (grt_scored_sequence){i, 1, NULL};
    if (policy->reads_profile && !pass->is_last && !session->observer) {
        grt_readout readout = grt_profile_readout(&session->model->profile, boundary);
        grt_score_by_readout(network, workspace, &scored, &readout, pass->scores,
                             session->scoring.data);
    } else {
        grt_score_by_head(network, workspace, &scored, pass->scores,
                          session->scoring.data);
    }
    for (size_t i = 0; i < chunk->n_active; i++)
        session->decisions.scores[session->decisions.active[chunk->first_active + i]] =
            pass->scores[i];
    if (!session->observer) return GRT_OK;
    if (!pass->is_last) grt_pool_states(network, workspace, &scored, pass->pooled);
    return session->observer->see(session->observer->payload, boundary,
                                  chunk->first_active, chunk->n_active, pass->scores,
                                  pass->is_last ? NULL : pass->pooled, err);
}

static grt_workspace workspace_of(grt_session *session)
{
    const grt_network *network = &session->model->opened.network;
    grt_plan_input input = {.network = network, .n_longest = session->layout.n_longest};
    return (grt_workspace){.kernels = &session->kernels,
                           .pool = session->pool,
                           .linear_scratch = session->linear_scratch.data,
                           .attention_scratch = session->attention.data,
                           .attention_scratch_bytes = grt_plan_attention_bytes(&input),
                           .ropes = session->rope.data,
                           .rope_rows = session->rope_rows,
                           .buffer = session->chunk.data};
}

static grt_status run_chunk(const forward_pass *pass, size_t index,
                            const grt_layer_view *view, grt_forward_counts *counts,
                            grt_error *err)
{
    grt_session *session = pass->session;
    const grt_network *network = &session->model->opened.network;
    grt_workspace workspace = workspace_of(session);
    forward_chunk chunk = chunk_at(pass, index);
    size_t n_rows = place_rows(pass, &chunk);
    size_t kv_floats =
        session->layout.n_prefix * network->n_kv_heads * network->head_size;
    float *keys = session->prefix.data;
    grt_prefix prefix = {session->layout.n_prefix, keys, keys + kv_floats};
    float *hidden;
    GRT_TRY(grt_row_store_open(session->rows, &hidden, err));
    grt_status status = GRT_OK;
    if (pass->is_first) status = embed_chunk(pass, &chunk, &workspace, hidden, err);
    if (status == GRT_OK) {
        grt_chunk rows = {.hidden = hidden,
                          .positions = session->positions.data,
                          .n_rows = n_rows,
                          .offsets = pass->offsets,
                          .n_sequences = chunk.end - chunk.first,
                          .prefix = pass->has_prefix ? &prefix : NULL,
                          .begins_with_prefix = chunk.begins_with_prefix,
                          .keeps_scored_rows = pass->keeps_scored};
        network->architecture->layer(network, view, &workspace, &rows);
        counts->tokens_x_layers += pass->keeps_scored ? chunk.n_active : n_rows;
        counts->candidates_x_layers += chunk.n_active;
        status = score_chunk(pass, &chunk, &workspace, hidden, err);
    }
    grt_row_store_close(session->rows);
    return status;
}

grt_status grt_forward_layer(grt_session *session, size_t layer,
                             grt_forward_counts *counts, grt_error *err)
{
    const grt_network *network = &session->model->opened.network;
    forward_pass pass;
    GRT_TRY(init_pass(&pass, session, layer, err));
    const void *const *parts;
    GRT_TRY(grt_window_acquire(session->window, layer, &parts, err));
    grt_layer_view view;
    grt_layer_view_init(&view, network, &session->kernels, layer, parts,
                        session->layer_vectors.data);
    grt_row_pass rows = {pass.ranges, pass.chunk_ends, pass.n_chunks, pass.is_first,
                         pass.is_last};
    grt_row_store_begin(session->rows, &rows);
    grt_status status = GRT_OK;
    for (size_t i = 0; i < pass.n_chunks && status == GRT_OK; i++)
        status = run_chunk(&pass, i, &view, counts, err);
    grt_error end_error;
    grt_status ended = grt_row_store_end(session->rows, &end_error);
    if (status == GRT_OK && ended != GRT_OK) {
        status = ended;
        if (err) *err = end_error;
    }
    grt_window_release(session->window, layer);
    return status;
}
