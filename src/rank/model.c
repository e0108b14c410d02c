/* model.c - see model.h. */
#include "rank/model.h"

#include "base/cpu.h"
#include "base/memory.h"
#include "profile/widening.h"

#include <string.h>

static grt_status check_cutoff(size_t layer, const grt_network *network, grt_error *err)
{
    if (layer == 0) return GRT_OK;
    if (!network->first_head)
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "a cutoff after layer %zu: this %s model has one head, for its last "
                 "layer",
                 layer, network->architecture->name);
    if (layer < network->first_head || layer > network->n_layers)
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "a cutoff after layer %zu: this model has heads for layers %zu to %zu",
                 layer, network->first_head, network->n_layers);
    return GRT_OK;
}

/* What has been allocated for the checkpoint must fit beside what is reserved. */
static grt_status reserve_opened(grt_model *model, uint64_t n_bytes, grt_error *err)
{
    grt_engine *engine = model->engine;
    uint64_t reserved = grt_budget_used(&engine->budget);
    if (!grt_budget_reserve(&engine->budget, n_bytes)) {
        if (err) err->smallest_bytes = reserved + n_bytes;
        GRT_FAIL(err, GRT_E_NO_MEMORY,
                 "the model's tokenizer and tables take %.1f MiB, and %.1f MiB are "
                 "reserved by others, of %.1f MiB allowed",
                 (double)n_bytes / 1048576, (double)reserved / 1048576,
                 (double)grt_engine_budget_bytes(engine) / 1048576);
    }
    model->opened_bytes = n_bytes;
    return GRT_OK;
}

static void enter_list(grt_model *model)
{
    grt_engine *engine = model->engine;
    grt_turn turn = {0};
    (void)grt_turns_take(&engine->turns, &turn, NULL);
    model->next = engine->models;
    engine->models = model;
    grt_turns_give(&engine->turns, &turn);
    (void)atomic_fetch_add(&engine->n_models, 1);
}

/* An arithmetic is known to move the logits too far. */
static grt_status note_unsafe(grt_model *model, grt_error *err)
{
    grt_logit_effect effect;
    grt_arithmetic running = grt_device_arithmetic(model->device);
    if (!grt_profile_effect(&model->profile, running, &effect) ||
        effect.share <= GRT_SAFE_SHARE)
        return GRT_OK;
    return grt_notes_add(
        &model->opened.checkpoint.notes, GRT_NOTE_RESULT, err,
        "%s is not safe for this model: it moves logits by %.2g (at most %.2g), and "
        "differences between documents by %.0f %% of their size",
        grt_arithmetic_text(running), (double)effect.mean, (double)effect.largest,
        100 * (double)effect.share);
}

/* The profile in the arithmetic in use; one that does not know it is set aside. */
static grt_status open_profile(grt_model *model, const grt_model_options *options,
                               grt_error *err)
{
    grt_profile *profile = &model->profile;
    grt_arithmetic running = grt_device_arithmetic(model->device);
    const grt_checkpoint *checkpoint = &model->opened.checkpoint;
    GRT_TRY(grt_profile_home(&model->profile_home, checkpoint, options->profile_folder,
                             err));
    GRT_TRY(grt_profile_open(profile, checkpoint, &model->opened.network,
                             options->profile_path, model->profile_home, err));
    if (!profile->path) return GRT_OK;
    if (grt_profile_serves(profile, running)) {
        GRT_TRY(grt_profile_widen(profile, running, err));
        return note_unsafe(model, err);
    }
    grt_status status = grt_notes_add(
        &model->opened.checkpoint.notes, GRT_NOTE_RESULT, err,
        "%s was made in %s and does not say what %s adds: it is not used; \"grating "
        "calibrate\" measures it",
        grt_path_tail(profile->path), grt_arithmetic_text(grt_profile_made_in(profile)),
        grt_arithmetic_text(running));
    grt_profile_release(profile);
    return status;
}

grt_status grt_model_init(grt_model *model, grt_engine *engine, const char *path,
                          const grt_model_options *options, grt_error *err)
{
    grt_os_mutex_init(&model->lock);
    model->engine = engine;
    model->residency = (grt_residency)options->residency;
    model->wanted_cached_rows = options->n_cached_rows;
    int64_t before = grt_memory_of_thread();
    GRT_TRY(grt_open(&model->opened, path, err));
    const grt_network *network = &model->opened.network;
    GRT_TRY(check_cutoff(options->cutoff_layer, network, err));
    model->n_layers = options->cutoff_layer ? options->cutoff_layer : network->n_layers;
    GRT_TRY(grt_device_create(&model->device, engine->pool, grt_cpu_features(),
                              (grt_arithmetic)options->arithmetic, err));
    GRT_TRY(grt_network_place(&model->opened.network, model->device, err));
    GRT_TRY(open_profile(model, options, err));
    int64_t taken = grt_memory_of_thread() - before;
    taken += (int64_t)sizeof(*model) + GRT_BLOCK_HEADER;
    GRT_TRY(reserve_opened(model, (uint64_t)taken, err));
    enter_list(model);
    return GRT_OK;
}

void grt_working_set_release(grt_working_set *set)
{
    for (int id = 0; id < GRT_N_BUFFERS; id++)
        grt_buffer_release(&set->buffers[id]);
    grt_row_store_free(set->rows);
    memset(set, 0, sizeof(*set));
}

void grt_model_drop_shared(grt_model *model)
{
    grt_window_free(model->window);
    grt_row_cache_free(model->embeddings);
    for (int id = 0; id < GRT_N_SHARED_BUFFERS; id++)
        grt_buffer_release(&model->buffers[id]);
    grt_budget_release(&model->engine->budget, model->shared_bytes);
    model->window = NULL;
    model->window_user = 0;
    model->embeddings = NULL;
    model->n_slots = model->n_cached_rows = model->chunk_rows = model->rope_rows = 0;
    model->shared_bytes = 0;
    grt_os_lock(&model->lock);
    grt_working_set parked = model->parked;
    memset(&model->parked, 0, sizeof(model->parked));
    grt_os_unlock(&model->lock);
    grt_budget_release(&model->engine->budget, parked.reserved_bytes);
    grt_working_set_release(&parked);
}

void grt_model_drop_idle(grt_engine *engine)
{
    grt_turn turn = {0};
    (void)grt_turns_take(&engine->turns, &turn, NULL);
    for (grt_model *m = engine->models; m; m = m->next)
        if (atomic_load(&m->n_rankings) == 0) grt_model_drop_shared(m);
    grt_turns_give(&engine->turns, &turn);
}

static void leave_list(grt_model *model)
{
    grt_engine *engine = model->engine;
    grt_turn turn = {0};
    (void)grt_turns_take(&engine->turns, &turn, NULL);
    grt_model **at = &engine->models;
    while (*at && *at != model)
        at = &(*at)->next;
    if (*at) {
        *at = model->next;
        (void)atomic_fetch_sub(&engine->n_models, 1);
    }
    grt_model_drop_shared(model);
    grt_turns_give(&engine->turns, &turn);
}

void grt_model_release(grt_model *model)
{
    leave_list(model);
    grt_budget_release(&model->engine->budget, model->opened_bytes);
    grt_profile_release(&model->profile);
    grt_free(model->profile_home);
    grt_opened_release(&model->opened);
    grt_device_free(model->device);
    grt_os_mutex_destroy(&model->lock);
}
