/* forward.c - see forward.h. */
#include "rank/ranking.h"
#include "rank/scoring.h"

#include "base/checked.h"

#include <string.h>

/* What a pass visits.  Sequence 0 is the shared prefix where there is one; behind it
 * come the pairs of the active candidates, one each but where documents are split. */
typedef struct forward_pass {
    grt_ranking *ranking;
    size_t layer;
    bool is_first, is_last;
    bool keeps_scored; /* the layer leaves the scored rows only, one by one */
    bool has_prefix;
    bool has_scores;                /* at the boundary after it */
    size_t n;                       /* sequences */
    grt_row_range *ranges;          /* [n] */
    size_t *chunk_ends;             /* [n] */
    size_t *offsets;                /* [n + 1] of a chunk's sequences */
    size_t *pairs;                  /* [n] of each sequence; not of the prefix */
    size_t *scored_rows;            /* [n] of a chunk, where it keeps no others */
    grt_scored_sequence *sequences; /* [n] of a chunk */
    float *scores;                  /* [n] of all sequences but the prefix */
    float *pooled;                  /* [n][pooled size] for an observer, else NULL */
    size_t n_chunks;
} forward_pass;

/* The sequences first..end-1 of a pass. */
typedef struct forward_chunk {
    size_t first, end;
    bool begins_with_prefix;
    size_t first_pair, n_pairs; /* its pairs, counted within the pass */
} forward_chunk;

enum {
    BYTES_EACH = sizeof(grt_row_range) + 4 * sizeof(size_t) +
                 sizeof(grt_scored_sequence) + sizeof(float)
};

/* Rows of a chunk while other rankings wait: a small one's turn comes soon. */
enum { SHARED_CHUNK_ROWS = 512 };

uint64_t grt_forward_bytes(size_t n, size_t pooled)
{
    uint64_t each = BYTES_EACH + pooled * sizeof(float), bytes = 0, count = 0;
    bool fits = grt_add_u64(&count, n, 2) && grt_mul_u64(&bytes, count, each);
    return fits ? bytes : UINT64_MAX;
}

/* With a deadline a chunk may take this part of it, by the time of the rows so far;
 * before there are any, the first number of rows is taken. */
enum { DEADLINE_PARTS = 32, DEADLINE_FIRST_ROWS = 128, DEADLINE_LEAST_ROWS = 32 };

static size_t rows_in_time(const grt_ranking *ranking)
{
    uint64_t n_rows = ranking->counts.tokens_x_layers;
    if (n_rows == 0 || ranking->chunks_ns == 0) return DEADLINE_FIRST_ROWS;
    double row_ns = (double)ranking->chunks_ns / (double)n_rows;
    double rows = (double)(ranking->request.deadline_ns / DEADLINE_PARTS) / row_ns;
    if (rows < DEADLINE_LEAST_ROWS) return DEADLINE_LEAST_ROWS;
    return rows < (double)SIZE_MAX / 2 ? (size_t)rows : SIZE_MAX;
}

static size_t rows_of_chunk(const grt_ranking *ranking)
{
    size_t rows = ranking->plan.plan.chunk_rows, most = SIZE_MAX;
    size_t least = ranking->layout.n_sequence; /* a document is in one chunk */
    bool is_alone = atomic_load(&ranking->model->engine->n_rankings) < 2;
    if (!is_alone) most = SHARED_CHUNK_ROWS;
    if (ranking->request.deadline_ns && rows_in_time(ranking) < most)
        most = rows_in_time(ranking);
    if (most < least) most = least;
    return rows < most ? rows : most;
}

static void init_pass(forward_pass *pass, grt_ranking *ranking, size_t layer)
{
    const grt_network *network = &ranking->model->opened.network;
    const grt_decisions *decisions = &ranking->decisions;
    const size_t *first_pair = ranking->pairs.first_pair;
    bool is_last = layer + 1 == ranking->model->n_layers;
    size_t n_prefix = ranking->layout.n_prefix, n = ranking->pairs.n_pairs + 1;
    *pass =
        (forward_pass){.ranking = ranking,
                       .layer = layer,
                       .is_first = layer == 0,
                       .is_last = is_last,
                       .keeps_scored = is_last && !ranking->extras.computes_all_rows &&
                                       !network->reads_mean,
                       .has_prefix = n_prefix > 0,
                       .has_scores = grt_policy_scores(&ranking->policy, layer + 1,
                                                       ranking->model->n_layers) ||
                                     ranking->extras.observer,
                       .ranges = ranking->set.buffers[GRT_BUFFER_PASS].data};
    pass->sequences = (grt_scored_sequence *)(pass->ranges + n);
    pass->chunk_ends = (size_t *)(pass->sequences + n);
    pass->pairs = pass->chunk_ends + n;
    pass->offsets = pass->pairs + n;
    pass->scored_rows = pass->offsets + n + 1;
    pass->scores = (float *)(pass->scored_rows + n);
    pass->pooled = ranking->extras.observer ? pass->scores + n : NULL;
    if (pass->has_prefix) pass->ranges[pass->n++] = (grt_row_range){0, n_prefix};
    for (size_t i = 0; i < decisions->n_active; i++) {
        size_t candidate = decisions->active[i];
        for (size_t p = first_pair[candidate]; p < first_pair[candidate + 1]; p++) {
            pass->pairs[pass->n] = p;
            pass->ranges[pass->n++] = grt_layout_own(&ranking->layout, p);
        }
    }
    pass->n_chunks = grt_layout_chunks(pass->ranges, pass->n, rows_of_chunk(ranking),
                                       pass->chunk_ends);
}

static forward_chunk chunk_at(const forward_pass *pass, size_t i)
{
    forward_chunk chunk = {.first = i ? pass->chunk_ends[i - 1] : 0,
                           .end = pass->chunk_ends[i]};
    chunk.begins_with_prefix = pass->has_prefix && chunk.first == 0;
    size_t first_own = chunk.first + chunk.begins_with_prefix;
    chunk.first_pair = first_own - pass->has_prefix;
    chunk.n_pairs = chunk.end - first_own;
    return chunk;
}

/* Fills offsets, positions, sequences and their scored rows; returns the chunk's rows.
 */
static size_t place_rows(const forward_pass *pass, const forward_chunk *chunk)
{
    const grt_ranking *ranking = pass->ranking;
    const grt_network *network = &ranking->model->opened.network;
    uint32_t *positions = ranking->model->buffers[GRT_BUFFER_POSITIONS].data;
    size_t row = 0;
    for (size_t s = chunk->first; s < chunk->end; s++) {
        bool is_prefix = chunk->begins_with_prefix && s == chunk->first;
        size_t position = is_prefix ? 0 : ranking->layout.n_prefix;
        size_t n = pass->ranges[s].n;
        pass->offsets[s - chunk->first] = row;
        if (!is_prefix) {
            size_t i = s - pass->has_prefix - chunk->first_pair;
            const grt_pair_spans *spans = &ranking->pairs.spans[pass->pairs[s]];
            pass->sequences[i] = (grt_scored_sequence){row, n, spans};
            pass->scored_rows[i] = row + grt_scored_rows(network, n).first;
        }
        for (size_t i = 0; i < n; i++)
            positions[row++] = (uint32_t)(position + i);
    }
    pass->offsets[chunk->end - chunk->first] = row;
    return row;
}

static grt_status embed_chunk(const forward_pass *pass, const forward_chunk *chunk,
                              const grt_workspace *workspace, grt_rows hidden,
                              grt_error *err)
{
    const grt_ranking *ranking = pass->ranking;
    const grt_model *model = ranking->model;
    const grt_network *network = &model->opened.network;
    const uint32_t *positions = model->buffers[GRT_BUFFER_POSITIONS].data;
    for (size_t s = chunk->first; s < chunk->end; s++) {
        bool is_prefix = chunk->begins_with_prefix && s == chunk->first;
        size_t row = pass->offsets[s - chunk->first];
        size_t id =
            is_prefix ? 0 : grt_layout_first_id(&ranking->layout, pass->pairs[s]);
        grt_token_rows rows = {ranking->pairs.ids.ids + id,
                               ranking->pairs.token_types + id, positions + row,
                               pass->ranges[s].n};
        GRT_TRY(grt_embed(network, model->device, model->embeddings, &rows,
                          grt_rows_from(hidden, row), err));
    }
    if (network->architecture->widen)
        network->architecture->widen(network, workspace, hidden,
                                     pass->offsets[chunk->end - chunk->first]);
    return GRT_OK;
}

/* Scores of the chunk's pairs, into pass->scores. */
static grt_status score_chunk(const forward_pass *pass, const forward_chunk *chunk,
                              const grt_workspace *workspace, grt_rows hidden,
                              size_t n_rows, grt_error *err)
{
    const grt_ranking *ranking = pass->ranking;
    const grt_model *model = ranking->model;
    const grt_network *network = &model->opened.network;
    const grt_observer *observer = ranking->extras.observer;
    size_t boundary = pass->layer + 1;
    float *scores = pass->scores + chunk->first_pair;
    grt_memory *scratch = model->buffers[GRT_BUFFER_SCORING].memory;
    if (!pass->has_scores) return GRT_OK;
    grt_scored scored = {.hidden = hidden,
                         .n_rows = n_rows,
                         .sequences = pass->sequences,
                         .n = chunk->n_pairs,
                         .n_prefix = ranking->layout.n_prefix,
                         .layer = boundary};
    for (size_t i = 0; i < chunk->n_pairs && pass->keeps_scored; i++)
        pass->sequences[i] = (grt_scored_sequence){i, 1, NULL};
    if (ranking->policy.reads_profile && !pass->is_last && !observer) {
        grt_readout readout = grt_profile_readout(&model->profile, boundary);
        return grt_score_by_readout(network, workspace, &scored, &readout, scores,
                                    scratch, model->buffers[GRT_BUFFER_POOLED].data,
                                    model->engine->pool, err);
    }
    GRT_TRY(grt_score_by_head(network, workspace, &scored, scores, scratch, err));
    if (!observer) return GRT_OK;
    if (!pass->is_last)
        GRT_TRY(
            grt_pool_states(network, workspace, &scored, pass->pooled, scratch, err));
    return observer->see(observer->payload, boundary, chunk->first_pair, chunk->n_pairs,
                         scores, pass->is_last ? NULL : pass->pooled, err);
}

/* The device's scratch and the memory for intermediates, which may have moved since the
 * ranking last had the turn. */
static grt_workspace workspace_of(const grt_ranking *ranking)
{
    const grt_model *model = ranking->model;
    const grt_buffer *buffers = model->buffers;
    grt_device_load load =
        grt_load_of(&model->opened.network, ranking->layout.n_longest,
                    ranking->plan.plan.chunk_rows);
    grt_device_use_scratch(model->device, &load,
                           buffers[GRT_BUFFER_ROWS_SCRATCH].memory,
                           buffers[GRT_BUFFER_SCRATCH].memory);
    return (grt_workspace){.device = model->device,
                           .memory = buffers[GRT_BUFFER_CHUNK].memory,
                           .ropes = model->ropes,
                           .rope_rows = model->rope_rows};
}

static grt_prefix prefix_of(const grt_ranking *ranking)
{
    const grt_network *network = &ranking->model->opened.network;
    size_t n = ranking->layout.n_prefix,
           width = network->n_kv_heads * network->head_size;
    grt_space space = grt_space_of(ranking->set.buffers[GRT_BUFFER_PREFIX].memory);
    grt_prefix prefix = {.n_rows = n};
    prefix.keys = grt_space_take(&space, n, width);
    prefix.values = grt_space_take(&space, n, width);
    return prefix;
}

/* The layer on a chunk's rows, and its scores. */
static grt_status compute_chunk(const forward_pass *pass, const forward_chunk *chunk,
                                const grt_layer_view *view, grt_rows hidden,
                                size_t n_rows, grt_error *err)
{
    grt_ranking *ranking = pass->ranking;
    const grt_network *network = &ranking->model->opened.network;
    grt_workspace workspace = workspace_of(ranking);
    grt_prefix prefix = prefix_of(ranking);
    if (pass->is_first) GRT_TRY(embed_chunk(pass, chunk, &workspace, hidden, err));
    grt_chunk rows = {.hidden = hidden,
                      .positions = ranking->model->buffers[GRT_BUFFER_POSITIONS].data,
                      .n_rows = n_rows,
                      .offsets = pass->offsets,
                      .n_sequences = chunk->end - chunk->first,
                      .prefix = pass->has_prefix ? &prefix : NULL,
                      .begins_with_prefix = chunk->begins_with_prefix,
                      .scored = pass->keeps_scored ? pass->scored_rows : NULL};
    network->architecture->layer(network, view, &workspace, &rows);
    size_t n_left = pass->keeps_scored ? chunk->n_pairs : n_rows;
    ranking->counts.tokens_x_layers += n_left;
    return score_chunk(pass, chunk, &workspace, hidden, n_left, err);
}

static grt_status run_chunk(const forward_pass *pass, size_t index,
                            const grt_layer_view *view, grt_error *err)
{
    grt_ranking *ranking = pass->ranking;
    grt_device *device = ranking->model->device;
    forward_chunk chunk = chunk_at(pass, index);
    size_t n_rows = place_rows(pass, &chunk);
    float *stored;
    GRT_TRY(grt_row_store_open(ranking->set.rows, &stored, err));
    grt_rows hidden = grt_op_borrow(device, stored, n_rows,
                                    ranking->model->opened.network.hidden_size);
    grt_status status = compute_chunk(pass, &chunk, view, hidden, n_rows, err);
    if (status == GRT_OK && !pass->is_last)
        status = grt_op_give_back(device, hidden, n_rows, stored, err);
    grt_row_store_close(ranking->set.rows);
    return status;
}

/* ---- The layer's weights, and turns ---- */

static grt_status acquire(const forward_pass *pass, grt_layer_view *view,
                          grt_error *err)
{
    const grt_model *model = pass->ranking->model;
    const void *const *parts;
    GRT_TRY(grt_window_acquire(model->window, pass->layer, &pass->ranking->stop, &parts,
                               err));
    grt_layer_view_init(view, &model->opened.network, model->device, pass->layer, parts,
                        model->buffers[GRT_BUFFER_LAYER].memory);
    return GRT_OK;
}

/* Lets others compute; shared buffers and the window may be others afterwards. */
static grt_status give_way(const forward_pass *pass, grt_layer_view *view,
                           bool *holds_turn, bool *holds_layer, grt_error *err)
{
    grt_ranking *ranking = pass->ranking;
    grt_model *model = ranking->model;
    grt_turns *turns = &model->engine->turns;
    grt_window_release(model->window, pass->layer);
    *holds_layer = false;
    grt_turns_give(turns, &ranking->turn);
    *holds_turn =
        grt_turns_take(turns, &ranking->turn, &ranking->stop) == GRT_STOP_NONE;
    if (!*holds_turn) return GRT_E_CANCELLED;
    grt_ranking_use_window(ranking);
    GRT_TRY(acquire(pass, view, err));
    *holds_layer = true;
    return GRT_OK;
}

static grt_status run_chunks(const forward_pass *pass, bool *holds_turn,
                             bool *holds_layer, grt_error *err)
{
    grt_ranking *ranking = pass->ranking;
    const grt_turns *turns = &ranking->model->engine->turns;
    grt_layer_view view;
    GRT_TRY(acquire(pass, &view, err));
    *holds_layer = true;
    for (size_t i = 0; i < pass->n_chunks; i++) {
        if (grt_stop_asked(&ranking->stop) != GRT_STOP_NONE) return GRT_E_CANCELLED;
        if (i > 0 &&
            grt_turns_is_due(turns, &ranking->turn, grt_ranking_slice_ns(ranking)))
            GRT_TRY(give_way(pass, &view, holds_turn, holds_layer, err));
        uint64_t start = grt_clock_ns();
        GRT_TRY(run_chunk(pass, i, &view, err));
        ranking->chunks_ns += grt_clock_ns() - start;
    }
    return GRT_OK;
}

/* ---- Scores of the candidates ---- */

/* Of a document that was split its best pair counts. */
static void take_scores(const forward_pass *pass)
{
    grt_ranking *ranking = pass->ranking;
    grt_decisions *decisions = &ranking->decisions;
    const size_t *first_pair = ranking->pairs.first_pair;
    const float *priors =
        ranking->request.priors ? ranking->set.buffers[GRT_BUFFER_PRIORS].data : NULL;
    size_t *best = ranking->set.buffers[GRT_BUFFER_BEST].data, at = 0;
    for (size_t i = 0; i < decisions->n_active; i++) {
        size_t candidate = decisions->active[i];
        size_t n = first_pair[candidate + 1] - first_pair[candidate], chosen = 0;
        for (size_t p = 1; p < n; p++) /* NaN is found where scores are checked */
            if (!(pass->scores[at + p] <= pass->scores[at + chosen])) chosen = p;
        best[candidate] = first_pair[candidate] + chosen;
        decisions->scores[candidate] =
            pass->scores[at + chosen] + (priors ? priors[candidate] : 0.0f);
        at += n;
    }
}

grt_status grt_forward_layer(grt_ranking *ranking, size_t layer, bool *holds_turn,
                             grt_error *err)
{
    forward_pass pass;
    bool holds_layer = false;
    init_pass(&pass, ranking, layer);
    grt_row_pass rows = {pass.ranges, pass.chunk_ends, pass.n_chunks, pass.is_first,
                         pass.is_last};
    grt_row_store_begin(ranking->set.rows, &rows);
    grt_status status = run_chunks(&pass, holds_turn, &holds_layer, err);
    grt_error end_error;
    grt_status ended = grt_row_store_end(ranking->set.rows, &end_error);
    if (status == GRT_OK && ended != GRT_OK) {
        status = ended;
        if (err) *err = end_error;
    }
    if (holds_layer) grt_window_release(ranking->model->window, layer);
    if (status != GRT_OK) return status;
    ranking->counts.candidates_x_layers += ranking->decisions.n_active;
    if (pass.has_scores) take_scores(&pass);
    return GRT_OK;
}
