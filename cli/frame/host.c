/* host.c - an engine and a model opened for a command, and the promise of --memory. */
#include "frame/host.h"

#include "frame/file.h"
#include "frame/folders.h"
#include "frame/process.h"
#include "frame/signals.h"
#include "frame/text.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* What a process takes beside what is measured: stacks, and what the allocator
 * holds.
 */
enum { MARGIN_BYTES = 2 << 20 };
/* The next process, or this one at a later request of the same size, may have so much
 * more resident: code that has run by then, and gaps between small blocks. */
enum { NAMED_ROOM_BYTES = 1 << 20 };

static grt_status __attribute__((format(printf, 3, 4)))
refuse(grt_error *error, grt_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    error->status = status;
    return status;
}

/* What cannot be counted is UINT64_MAX. */
static uint64_t sum(uint64_t a, uint64_t b)
{
    return a < UINT64_MAX - b ? a + b : UINT64_MAX;
}

/* ---- Opening ---- */

/* The option's, $TMPDIR, or the library's own. */
static const char *temporary_directory(const cli_engine_options *options)
{
    const char *named = options->temporary_directory;
    if (!named) named = getenv("TMPDIR");
    return named && named[0] ? named : NULL;
}

grt_status cli_host_open(cli_host *host, const char *path, const char *profile_path,
                         const cli_engine_options *options, grt_error *error)
{
    char folder[PATH_MAX];
    *host = (cli_host){.options = *options};
    if (profile_path && profile_path[0]) cli_file_protect(profile_path);
    grt_engine_options engine = GRT_ENGINE_OPTIONS_INIT;
    engine.n_threads = options->n_threads;
    engine.hidden = (int32_t)options->hidden;
    engine.chunk_rows = options->chunk_rows;
    engine.temporary_directory = temporary_directory(options);
    grt_status status = grt_engine_create(&host->engine, &engine, error);
    if (status) return status;
    grt_model_options model = GRT_MODEL_OPTIONS_INIT;
    model.profile_path = profile_path;
    if (cli_profile_folder(folder, sizeof folder)) model.profile_folder = folder;
    model.arithmetic = (int32_t)options->arithmetic;
    model.residency = (int32_t)options->residency;
    model.cutoff_layer = options->cutoff_layer;
    model.n_cached_rows = options->n_cached_rows;
    status = grt_model_open(&host->model, host->engine, path, &model, error);
    if (status) return status;
    cli_process_trim(); /* parsing a tokenizer takes more than keeping it */
    host->opened_peak_bytes = cli_process_peak();
    return GRT_OK;
}

/* Whether opening alone has taken more than is allowed. */
static int is_broken(const cli_host *host)
{
    return host->options.memory_bytes &&
           host->opened_peak_bytes > host->options.memory_bytes;
}

void cli_host_close(cli_host *host)
{
    grt_model_close(host->model);
    grt_engine_free(host->engine);
    *host = (cli_host){0};
}

/* ---- The promise ---- */

grt_status cli_host_prepare(cli_host *host, grt_error *error)
{
    grt_engine_usage usage = {.struct_size = sizeof usage};
    uint64_t allowed = host->options.memory_bytes;
    /* What the request before has freed must not count as taken. */
    if (allowed) cli_process_trim();
    uint64_t resident = cli_process_resident();
    grt_status status = grt_engine_describe(host->engine, &usage);
    if (status) return status;
    if (allowed && !resident)
        return refuse(error, GRT_E_UNSUPPORTED,
                      "this system does not tell what a process has resident, so "
                      "that --memory cannot be promised");
    uint64_t own =
        resident > usage.resident_bytes ? resident - usage.resident_bytes : 0;
    host->process_bytes = own;
    if (!allowed) return GRT_OK;
    uint64_t taken = sum(own, MARGIN_BYTES);
    /* With a byte nothing fits, so that the plan refuses and names what would do; 0
     * would be no limit. */
    grt_engine_set_memory(host->engine,
                          !is_broken(host) && allowed > taken ? allowed - taken : 1);
    return GRT_OK;
}

/* The smallest budget of a process whose engine needs `bytes`. */
static uint64_t smallest_promise(const cli_host *host, uint64_t bytes)
{
    uint64_t needed = sum(bytes, sum(host->process_bytes, MARGIN_BYTES));
    if (needed < host->opened_peak_bytes) needed = host->opened_peak_bytes;
    return sum(needed, NAMED_ROOM_BYTES);
}

/* `who` is how the text begins: "20 documents (10240 tokens)". */
static void tell_smallest(const cli_host *host, const char *who, uint64_t smallest,
                          grt_error *error)
{
    (void)refuse(error, GRT_E_NO_MEMORY,
                 "%s do not fit %s; the smallest budget that works is %llu MiB", who,
                 cli_bytes_text(host->options.memory_bytes).text,
                 (unsigned long long)(sum(smallest, (1 << 20) - 1) >> 20));
}

void cli_host_explain(const cli_host *host, size_t n_documents, grt_status status,
                      grt_error *error)
{
    if (status != GRT_E_NO_MEMORY && status != GRT_E_BUSY) return;
    if (!host->options.memory_bytes || !error->smallest_bytes) return;
    /* The library counts tokens, and its text begins with them. */
    char who[120];
    const char *end = strstr(error->text, " do not fit ");
    size_t n = end ? (size_t)(end - error->text) : 0;
    if (n > 0 && n < sizeof who) {
        memcpy(who, error->text, n);
        who[n] = 0;
    } else {
        snprintf(who, sizeof who, "%zu documents", n_documents);
    }
    tell_smallest(host, who, smallest_promise(host, error->smallest_bytes), error);
}

static cli_plan plan_of(const cli_host *host, const grt_memory_plan *memory)
{
    cli_plan plan = {.process_bytes = host->process_bytes, .memory = *memory};
    plan.memory.budget_bytes = host->options.memory_bytes;
    plan.memory.scratch_bytes = sum(memory->scratch_bytes, MARGIN_BYTES);
    plan.memory.total_bytes =
        sum(memory->total_bytes, sum(host->process_bytes, MARGIN_BYTES));
    plan.memory.smallest_bytes = smallest_promise(host, memory->smallest_bytes);
    return plan;
}

cli_plan cli_host_plan(const cli_host *host, const grt_result *result)
{
    grt_memory_plan memory = GRT_MEMORY_PLAN_INIT;
    grt_result_plan(result, &memory);
    return plan_of(host, &memory);
}

grt_status cli_host_plan_memory(cli_host *host, size_t n_documents, size_t n_tokens,
                                cli_plan *out, grt_error *error)
{
    grt_memory_plan memory = GRT_MEMORY_PLAN_INIT;
    grt_status status = cli_host_prepare(host, error);
    if (status) return status;
    status = grt_plan_memory(&memory, host->model, n_documents, n_tokens, error);
    if (status && status != GRT_E_NO_MEMORY && status != GRT_E_BUSY) return status;
    *out = plan_of(host, &memory);
    if (!status) return GRT_OK;
    char who[120];
    snprintf(who, sizeof who, "%zu documents (%zu tokens)", n_documents,
             n_documents * n_tokens);
    tell_smallest(host, who, out->memory.smallest_bytes, error);
    return GRT_E_NO_MEMORY;
}

/* ---- Ranking ---- */

static void cancel_ranking(void *ranking)
{
    grt_ranking_cancel(ranking);
}

static grt_status run(grt_ranking *ranking, cli_step_fn *on_step, void *payload,
                      grt_error *error)
{
    grt_step step = GRT_STEP_INIT;
    grt_status status;
    do {
        status = grt_ranking_step(&step, ranking, error);
        if (status) return status;
        if (on_step) on_step(&step, payload);
        if (cli_was_interrupted()) return GRT_E_CANCELLED;
    } while (!step.is_done);
    return GRT_OK;
}

grt_status cli_host_rank(cli_host *host, const grt_request *request,
                         cli_step_fn *on_step, void *payload, grt_result **out,
                         grt_error *error)
{
    grt_ranking *ranking = NULL;
    grt_status status = cli_host_prepare(host, error);
    if (!status) status = grt_ranking_open(&ranking, host->model, request, error);
    if (status) return status;
    cli_running running = {cancel_ranking, ranking};
    cli_cancel_when_interrupted(&running);
    status = run(ranking, on_step, payload, error);
    cli_cancel_when_interrupted(NULL);
    if (!status) status = grt_ranking_result(out, ranking, error);
    grt_ranking_free(ranking);
    if (status) cli_host_explain(host, request->n_documents, status, error);
    return status;
}
