/* prepare.c - memory for a ranking: what the plan says is reserved and made; see
 * ranking.h. */
#include "rank/ranking.h"

#include "base/checked.h"
#include "base/memory.h"
#include "os/os.h"

#include <string.h>

/* ---- The plan ---- */

/* What a new ranking of `model` finds reserved by `m`, and takes over or has freed. */
static uint64_t idle_bytes(grt_model *m, const grt_model *model)
{
    grt_os_lock(&m->lock);
    uint64_t parked = m->parked.reserved_bytes;
    grt_os_unlock(&m->lock);
    if (m == model) return parked;
    return atomic_load(&m->n_rankings) == 0 ? parked + m->shared_bytes : 0;
}

void grt_plan_input_fill(grt_plan_input *input, const grt_model *model,
                         grt_plan_held *held)
{
    const grt_engine *engine = model->engine;
    input->network = &model->opened.network;
    input->device = model->device;
    input->n_layers = model->n_layers;
    input->hidden = engine->hidden;
    input->residency = model->residency;
    input->chunk_rows = engine->chunk_rows;
    input->n_cached_rows = model->wanted_cached_rows;
    input->budget_bytes = grt_engine_budget_bytes(engine);
    uint64_t reserved = grt_budget_used(&engine->budget), lasting = engine->own_bytes;
    for (const grt_model *m = engine->models; m; m = m->next)
        lasting += m->opened_bytes;
    input->other_bytes = reserved - model->shared_bytes;
    for (grt_model *m = engine->models; m; m = m->next) {
        uint64_t idle = idle_bytes(m, model);
        input->other_bytes -= idle < input->other_bytes ? idle : input->other_bytes;
    }
    input->ending_bytes =
        input->other_bytes > lasting ? input->other_bytes - lasting : 0;
    input->held = NULL;
    bool is_used = atomic_load(&model->n_rankings) > 0 && model->window;
    if (is_used) {
        *held = (grt_plan_held){model->n_slots, model->n_cached_rows, model->chunk_rows,
                                model->rope_rows};
        input->held = held;
    }
    input->n_loaded = model->window ? model->n_slots : 0;
    if (input->residency == GRT_RESIDENCY_AUTO && !input->budget_bytes &&
        !model->window)
        input->available_bytes = grt_os_available_bytes();
}

static grt_status make_plan(grt_ranking *ranking, grt_plan *plan, grt_error *err)
{
    const grt_layout *layout = &ranking->layout;
    const grt_model *model = ranking->model;
    grt_plan_held held;
    grt_plan_input input = {.n_documents = ranking->pairs.n_documents,
                            .n_pairs = ranking->pairs.n_pairs,
                            .n_rows = layout->n_rows,
                            .n_prefix = layout->n_prefix,
                            .n_longest = layout->n_longest,
                            .n_sequence = layout->n_sequence,
                            .n_distinct = layout->n_distinct,
                            .token_bytes = grt_pairs_bytes(&ranking->pairs) +
                                           grt_layout_bytes(layout),
                            .reading_bytes = ranking->reading_bytes,
                            .is_observed = ranking->extras.observer != NULL};
    grt_plan_input_fill(&input, model, &held);
    return grt_plan_make(plan, &input, err);
}

/* ---- Texts under a budget ---- */

/* The plan of pairs that were counted only. */
static grt_status plan_counted(const grt_ranking *ranking,
                               const grt_pairs_counts *counts, bool shares_prefix,
                               grt_error *err)
{
    grt_plan plan;
    grt_plan_held held;
    size_t n_prefix = shares_prefix ? counts->n_prefix : 0;
    size_t n_rows = counts->n_ids - (counts->n_pairs - 1) * n_prefix;
    grt_plan_input input = {.n_documents = ranking->request.n_documents,
                            .n_pairs = counts->n_pairs,
                            .n_rows = n_rows,
                            .n_prefix = n_prefix,
                            .n_longest = counts->n_longest,
                            .n_sequence = counts->n_longest - n_prefix,
                            .n_distinct = counts->n_distinct,
                            .reading_bytes = ranking->reading_bytes,
                            .is_observed = ranking->extras.observer != NULL};
    if (n_prefix > input.n_sequence) input.n_sequence = n_prefix;
    input.token_bytes = grt_pairs_shrunk_bytes(counts, ranking->request.n_documents) +
                        counts->n_pairs * sizeof(grt_row_range);
    grt_plan_input_fill(&input, ranking->model, &held);
    return grt_plan_make(&plan, &input, err);
}

/* So much is taken in any case, so that a refusal knows how many tokens there are. */
enum { COUNTING_BYTES = 1 << 20 };

grt_status grt_ranking_fit_texts(grt_ranking *ranking, grt_pairs_input *input,
                                 grt_pairs_counts *counts, bool shares_prefix,
                                 grt_error *err)
{
    const grt_engine *engine = ranking->model->engine;
    uint64_t limit = grt_engine_budget_bytes(engine);
    uint64_t used = grt_budget_used(&engine->budget);
    uint64_t left = limit > used ? limit - used : 0;
    uint64_t most = grt_pairs_peak_bytes(input, engine->n_threads);
    if (most <= left) return GRT_OK;
    /* What is not known yet is counted first, with the scratch of one text. */
    input->pool = NULL;
    grt_pairs_counts unknown = {.n_pairs = 1};
    uint64_t one_text = grt_pairs_counted_bytes(input, &unknown);
    if (one_text <= left || one_text <= COUNTING_BYTES) {
        GRT_TRY(grt_pairs_count(counts, input, err));
        ranking->reading_bytes = grt_pairs_counted_bytes(input, counts);
        if (ranking->reading_bytes <= left) {
            input->counts = counts;
            return GRT_OK;
        }
    } else {
        grt_pairs_bound(counts, input);
        ranking->reading_bytes = grt_pairs_counted_bytes(input, counts);
    }
    GRT_TRY(plan_counted(ranking, counts, shares_prefix, err));
    /* It fits when what is idle, or others, have ended. */
    if (err) err->smallest_bytes = ranking->reading_bytes + used;
    GRT_FAIL(err, GRT_E_BUSY,
             "%zu documents do not fit %.1f MiB beside what others have reserved",
             ranking->request.n_documents, (double)limit / 1048576);
}

/* Frees what idle models of the engine keep for their next rankings: the plan counts on
 * it. */
static void drop_idle(const grt_ranking *ranking)
{
    for (grt_model *m = ranking->model->engine->models; m; m = m->next)
        if (m != ranking->model && atomic_load(&m->n_rankings) == 0)
            grt_model_drop_shared(m);
}

void grt_ranking_take_parked(grt_ranking *ranking)
{
    grt_model *model = ranking->model;
    grt_os_lock(&model->lock);
    ranking->set = model->parked;
    memset(&model->parked, 0, sizeof(model->parked));
    grt_os_unlock(&model->lock);
    grt_budget_release(&model->engine->budget, ranking->set.reserved_bytes);
    ranking->set.reserved_bytes = 0;
    /* A budget has no room for it beside the texts that are read now. */
    if (grt_engine_budget_bytes(model->engine)) grt_working_set_release(&ranking->set);
}

void grt_ranking_make_room(grt_ranking *ranking, uint64_t needed)
{
    grt_model *model = ranking->model;
    const grt_budget *budget = &model->engine->budget;
    uint64_t limit = grt_engine_budget_bytes(model->engine);
    uint64_t left = needed < limit ? limit - needed : 0; /* for all others */
    if (grt_budget_used(budget) > left) drop_idle(ranking);
    if (grt_budget_used(budget) > left && atomic_load(&model->n_rankings) == 0)
        grt_model_drop_shared(model);
}

static bool reserve(grt_ranking *ranking)
{
    grt_model *model = ranking->model;
    grt_budget *budget = &model->engine->budget;
    uint64_t before = model->shared_bytes;
    uint64_t after = ranking->plan.shared_bytes + ranking->plan.own_bytes;
    if (after > before && !grt_budget_reserve(budget, after - before)) return false;
    if (after < before) grt_budget_release(budget, before - after);
    model->shared_bytes = ranking->plan.shared_bytes;
    ranking->set.reserved_bytes = ranking->plan.own_bytes;
    ranking->has_memory = true;
    (void)atomic_fetch_add(&model->n_rankings, 1);
    (void)atomic_fetch_add(&model->engine->n_rankings, 1);
    return true;
}

void grt_ranking_give_memory_back(grt_ranking *ranking)
{
    grt_model *model = ranking->model;
    grt_working_set set = ranking->set;
    memset(&ranking->set, 0, sizeof(ranking->set));
    bool is_whole = ranking->has_memory && ranking->phase == GRT_RANKING_DONE;
    grt_os_lock(&model->lock);
    bool is_parked = is_whole && !model->parked.rows;
    if (is_parked) model->parked = set;
    grt_os_unlock(&model->lock);
    if (!is_parked) {
        grt_budget_release(&model->engine->budget, set.reserved_bytes);
        grt_working_set_release(&set);
    }
    if (!ranking->has_memory) return;
    ranking->has_memory = false;
    (void)atomic_fetch_sub(&model->engine->n_rankings, 1);
    (void)atomic_fetch_sub(&model->n_rankings, 1);
}

/* ---- What a model's rankings share ---- */

static grt_status need_window(grt_model *model, const grt_memory_plan *plan,
                              grt_error *err)
{
    const grt_network *network = &model->opened.network;
    if (model->window && model->n_slots == plan->n_slots) return GRT_OK;
    grt_window_free(model->window);
    model->window = NULL;
    model->window_user = 0;
    model->n_slots = plan->n_slots;
    grt_window_options options = {plan->n_slots, plan->budget_bytes != 0};
    return grt_window_create(&model->window, network->layers, model->n_layers, &options,
                             err);
}

static grt_status need_embeddings(grt_model *model, const grt_memory_plan *plan,
                                  grt_error *err)
{
    bool is_enough = model->n_cached_rows >= plan->n_cached_rows;
    bool is_equal = model->n_cached_rows == plan->n_cached_rows;
    if (model->embeddings && (is_equal || (is_enough && !plan->budget_bytes)))
        return GRT_OK;
    grt_row_cache_free(model->embeddings);
    model->embeddings = NULL;
    model->n_cached_rows = plan->n_cached_rows;
    return grt_embed_cache_create(&model->embeddings, &model->opened.network,
                                  plan->n_cached_rows, err);
}

/* Under a budget: frees what will have another size, before anything grows. */
static void free_what_changes(grt_model *model, const grt_plan *plan)
{
    if (model->window && model->n_slots != plan->plan.n_slots) {
        grt_window_free(model->window);
        model->window = NULL;
    }
    if (model->embeddings && model->n_cached_rows != plan->plan.n_cached_rows) {
        grt_row_cache_free(model->embeddings);
        model->embeddings = NULL;
    }
    for (int id = 0; id < GRT_N_SHARED_BUFFERS; id++)
        if (model->buffers[id].n_bytes + GRT_BLOCK_HEADER != plan->buffers[id])
            grt_buffer_release(&model->buffers[id]);
}

static grt_status need_shared(grt_ranking *ranking, grt_error *err)
{
    grt_model *model = ranking->model;
    const grt_memory_plan *plan = &ranking->plan.plan;
    bool is_alone = atomic_load(&model->n_rankings) == 1; /* this one */
    bool fits = plan->budget_bytes && is_alone;
    size_t n_positions = ranking->layout.n_longest;
    if (!is_alone || !fits) {
        if (n_positions < model->rope_rows) n_positions = model->rope_rows;
    }
    const grt_memory *rope = model->buffers[GRT_BUFFER_ROPE].memory;
    if (fits) free_what_changes(model, &ranking->plan);
    GRT_TRY(need_window(model, plan, err));
    GRT_TRY(need_embeddings(model, plan, err));
    for (int id = 0; id < GRT_N_SHARED_BUFFERS; id++)
        GRT_TRY(grt_buffer_make(&model->buffers[id], (grt_buffer_id)id, model->device,
                                ranking->plan.buffers[id], fits, err));
    bool has_rope = rope && rope == model->buffers[GRT_BUFFER_ROPE].memory &&
                    n_positions == model->rope_rows;
    if (!has_rope) {
        model->rope_rows = n_positions;
        model->ropes = grt_rope_fill(&model->opened.network, model->device, n_positions,
                                     model->buffers[GRT_BUFFER_ROPE].memory);
    }
    if (is_alone || model->chunk_rows < plan->chunk_rows)
        model->chunk_rows = plan->chunk_rows;
    return GRT_OK;
}

/* ---- What is its own ---- */

static grt_status need_rows(grt_ranking *ranking, grt_error *err)
{
    const grt_memory_plan *plan = &ranking->plan.plan;
    grt_working_set *set = &ranking->set;
    grt_row_store_options wanted = {
        grt_plan_row_storage((grt_hidden_storage)plan->hidden), ranking->layout.n_rows,
        ranking->model->opened.network.hidden_size, plan->chunk_rows,
        ranking->model->engine->temporary_directory};
    const grt_row_store_options *have = &set->rows_options;
    bool is_enough = set->rows && have->storage == wanted.storage &&
                     have->n_rows >= wanted.n_rows &&
                     have->chunk_rows >= wanted.chunk_rows;
    bool is_equal = is_enough && have->n_rows == wanted.n_rows &&
                    have->chunk_rows == wanted.chunk_rows;
    if (is_equal || (is_enough && !plan->budget_bytes)) return GRT_OK;
    grt_row_store_free(set->rows);
    set->rows = NULL;
    set->rows_options = wanted;
    return grt_row_store_create(&set->rows, &wanted, err);
}

static grt_status need_own(grt_ranking *ranking, grt_error *err)
{
    bool fits = ranking->plan.plan.budget_bytes != 0;
    GRT_TRY(need_rows(ranking, err));
    for (int id = GRT_N_SHARED_BUFFERS; id < GRT_BUFFER_RESULT; id++)
        GRT_TRY(grt_buffer_make(&ranking->set.buffers[id], (grt_buffer_id)id,
                                ranking->model->device, ranking->plan.buffers[id], fits,
                                err));
    return GRT_OK;
}

grt_status grt_ranking_prepare(grt_ranking *ranking, grt_error *err)
{
    GRT_TRY(make_plan(ranking, &ranking->plan, err));
    if (!reserve(ranking)) {
        drop_idle(ranking);
        if (!reserve(ranking))
            GRT_FAIL(err, GRT_E_BUSY, "a model was opened meanwhile; try again");
    }
    GRT_TRY(need_shared(ranking, err));
    return need_own(ranking, err);
}
