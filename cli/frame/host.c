/* host.c - an engine and a model opened for a command, and the promise of --memory. */
#include "frame/host.h"

#include "frame/file.h"
#include "frame/folders.h"
#include "frame/process.h"
#include "frame/room.h"
#include "frame/signals.h"
#include "frame/tally.h"
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
    /* Opening has no plan: what it took is held against the budget when a request is
     * planned, which names what would do. */
    cli_room_set(0);
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
    cli_room_set(options->memory_bytes);
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
    cli_tally_plan_with(NULL);
    cli_room_yield_with(NULL, NULL);
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

/* ---- What is not read since it does not fit ---- */

/* Layers and scratch that wait for the next ranking. */
static void yield(void *payload)
{
    cli_host *host = payload;
    grt_engine_trim(host->engine);
}

static void count_document(cli_tally *tally, const char *text, size_t bytes,
                           void *payload)
{
    enum { LOOKED_AT = 65536, FEW = 8 };
    const cli_host *host = payload;
    size_t n = bytes + FEW; /* no text has more tokens than bytes, but for a few */
    size_t most = host->max_tokens, pairs = 1;
    if (text && bytes <= LOOKED_AT)
        (void)!grt_count_tokens(&n, host->model, text, bytes, NULL);
    /* Chunks take at least half of what a pair has room for, less an eighth. */
    if (host->splits && n + host->n_around > most)
        pairs = n / (most / 2 - most / 16) + 1;
    uint64_t total = n + (uint64_t)pairs * host->n_around;
    if (pairs > 1) total += n / 7;
    if (total > (uint64_t)pairs * most) total = (uint64_t)pairs * most;
    uint64_t longest = pairs > 1 ? most : total;
    tally->n_pairs += pairs;
    tally->n_tokens += total;
    if (longest > tally->most_tokens) tally->most_tokens = longest;
}

static uint64_t plan_smallest(cli_host *host, uint64_t n_pairs, uint64_t n_tokens)
{
    cli_plan plan;
    grt_error error;
    if (!n_pairs || n_pairs > SIZE_MAX || n_tokens > SIZE_MAX) return 0;
    grt_status status =
        cli_host_plan_memory(host, (size_t)n_pairs, (size_t)n_tokens, &plan, &error);
    if (status && status != GRT_E_NO_MEMORY && status != GRT_E_BUSY) return 0;
    return plan.memory.smallest_bytes;
}

/* Pairs are of all lengths: as many as there are of the mean one, and what the longest
 * one takes more than such a one. */
static uint64_t smallest_of_tally(const cli_tally *tally, void *payload)
{
    cli_host *host = payload;
    if (!tally->n_pairs) return 0;
    uint64_t mean = (tally->n_tokens + tally->n_pairs - 1) / tally->n_pairs;
    uint64_t all = plan_smallest(host, tally->n_pairs, mean);
    uint64_t one = plan_smallest(host, 1, mean);
    uint64_t longest = plan_smallest(host, 1, tally->most_tokens);
    return longest > one ? sum(all, longest - one) : all;
}

void cli_host_expect(cli_host *host, const char *query, size_t bytes,
                     const char *instruction, size_t max_document_tokens)
{
    enum { OF_TEMPLATE = 96, OF_ENCODER = 4, OF_QUERY = 64 };
    size_t n = OF_QUERY, n_instruction = 0;
    grt_model_info info = GRT_MODEL_INFO_INIT;
    grt_model_describe(host->model, &info);
    if (query) (void)!grt_count_tokens(&n, host->model, query, bytes, NULL);
    if (instruction)
        (void)!grt_count_tokens(&n_instruction, host->model, instruction,
                                strlen(instruction), NULL);
    /* Decoders are asked in a chat. */
    int is_encoder = strstr(info.architecture, "bert") != NULL ||
                     strcmp(info.architecture, "electra") == 0;
    host->n_around = n + n_instruction + (is_encoder ? OF_ENCODER : OF_TEMPLATE);
    host->splits = max_document_tokens == SIZE_MAX;
    host->max_tokens = info.max_tokens;
    if (max_document_tokens && !host->splits && max_document_tokens < info.max_tokens)
        host->max_tokens = max_document_tokens + host->n_around < info.max_tokens
                               ? max_document_tokens + host->n_around
                               : info.max_tokens;
    cli_planner planner = {count_document, smallest_of_tally, host};
    cli_tally_plan_with(&planner);
    cli_room_yield_with(yield, host);
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
    cli_room_look_again();
    if (status) cli_host_explain(host, request->n_documents, status, error);
    return status;
}
