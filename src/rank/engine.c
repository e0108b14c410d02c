/* engine.c - see engine.h. */
#include "rank/engine.h"

#include "base/memory.h"
#include "os/os.h"

#include <string.h>

static grt_status copy_directory(grt_engine *engine, const char *directory,
                                 grt_error *err)
{
    if (!directory) return GRT_OK;
    size_t n = strlen(directory) + 1;
    GRT_TRY(grt_alloc(&engine->temporary_directory, n, "a path", err));
    memcpy(engine->temporary_directory, directory, n);
    return GRT_OK;
}

grt_status grt_engine_init(grt_engine *engine, const grt_engine_options *options,
                           grt_error *err)
{
    engine->n_threads = options->n_threads ? options->n_threads : grt_usable_cpus();
    engine->hidden = (grt_hidden_storage)options->hidden;
    engine->chunk_rows = options->chunk_rows;
    engine->process = grt_os_process_id();
    grt_budget_init(&engine->budget,
                    options->memory_bytes ? options->memory_bytes : UINT64_MAX);
    grt_turns_init(&engine->turns);
    int64_t before = grt_memory_of_thread();
    GRT_TRY(copy_directory(engine, options->temporary_directory, err));
    GRT_TRY(grt_pool_create(&engine->pool, engine->n_threads, err));
    uint64_t taken = (uint64_t)(grt_memory_of_thread() - before) + sizeof(*engine) +
                     GRT_BLOCK_HEADER;
    if (!grt_budget_reserve(&engine->budget, taken)) {
        if (err) err->smallest_bytes = taken;
        GRT_FAIL(err, GRT_E_NO_MEMORY,
                 "the engine takes %llu bytes, more than its budget",
                 (unsigned long long)taken);
    }
    engine->own_bytes = taken;
    return GRT_OK;
}

void grt_engine_release(grt_engine *engine)
{
    grt_pool_free(engine->pool);
    grt_turns_release(&engine->turns);
    grt_free(engine->temporary_directory);
}

grt_status grt_engine_check_process(const grt_engine *engine, grt_error *err)
{
    if (engine->process == grt_os_process_id()) return GRT_OK;
    GRT_FAIL(
        err, GRT_E_UNSUPPORTED,
        "the engine was made before a fork, by process %llu; a child must make one "
        "of its own",
        (long long)engine->process);
}

uint64_t grt_engine_budget_bytes(const grt_engine *engine)
{
    uint64_t limit = grt_budget_limit(&engine->budget);
    return limit == UINT64_MAX ? 0 : limit;
}
