/* engine.c - grt_engine_*: see grating.h. */
#include "api/structs.h"
#include "base/memory.h"
#include "rank/engine.h"
#include "rank/model.h"

enum { MAX_THREADS = 1024 };

static grt_status check(const grt_engine_options *options, grt_error *err)
{
    if (options->n_threads > MAX_THREADS)
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "%zu threads asked for, at most %d are allowed", options->n_threads,
                 (int)MAX_THREADS);
    if (options->hidden < 0 || options->hidden > GRT_HIDDEN_FILE)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "hidden storage %d is not known",
                 (int)options->hidden);
    return GRT_OK;
}

grt_status grt_engine_create(grt_engine **out, const grt_engine_options *options,
                             grt_error *err)
{
    if (!out) GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_engine_create: no output");
    grt_engine_options used = GRT_ENGINE_OPTIONS_INIT;
    GRT_TRY(grt_take_struct(&used, sizeof(used),
                            GRT_FIRST_SIZE(grt_engine_options, temporary_directory),
                            options, "grt_engine_create: options", err));
    GRT_TRY(check(&used, err));
    grt_engine *engine;
    GRT_TRY(grt_alloc_array(&engine, 1, sizeof(*engine), "the engine", err));
    grt_status status = grt_engine_init(engine, &used, err);
    if (status != GRT_OK) {
        grt_engine_free(engine);
        return status;
    }
    *out = engine;
    return GRT_OK;
}

void grt_engine_free(grt_engine *engine)
{
    if (!engine) return;
    grt_engine_release(engine);
    grt_free(engine);
}

void grt_engine_set_memory(grt_engine *engine, uint64_t memory_bytes)
{
    grt_budget_set_limit(&engine->budget, memory_bytes ? memory_bytes : UINT64_MAX);
}

void grt_engine_trim(grt_engine *engine)
{
    grt_model_drop_idle(engine);
}

grt_status grt_engine_describe(grt_engine *engine, grt_engine_usage *out)
{
    if (!engine || !out || out->struct_size < sizeof(size_t)) return GRT_E_INVALID_ARG;
    grt_engine_usage usage = {.budget_bytes = grt_engine_budget_bytes(engine),
                              .reserved_bytes = grt_budget_used(&engine->budget),
                              .allocated_bytes = grt_memory_now(),
                              .peak_bytes = grt_memory_peak(),
                              .resident_bytes = grt_memory_resident_now(),
                              .n_threads = engine->n_threads,
                              .n_models = atomic_load(&engine->n_models),
                              .n_rankings = atomic_load(&engine->n_rankings)};
    grt_give_struct(out, &usage, sizeof(usage));
    return GRT_OK;
}
