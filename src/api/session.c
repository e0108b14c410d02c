/* session.c - grt_session_*, grt_rank, grt_result_*: see grating.h. */
#include "api/arguments.h"

#include "base/checked.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "io/machine.h"
#include "rank/session.h"

enum { MAX_THREADS = 1024 };

static grt_status check_cutoff(size_t layer, const grt_network *network, grt_error *err)
{
    if (layer == 0) return GRT_OK;
    if (!network->layer_heads)
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

static grt_status check_options(grt_session_options *options, grt_error *err)
{
    if (options->n_threads == 0) options->n_threads = grt_usable_cpus();
    if (options->n_threads > MAX_THREADS)
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "%zu threads asked for, at most %d are allowed", options->n_threads,
                 (int)MAX_THREADS);
    if ((unsigned)options->residency > GRT_RESIDENCY_RESIDENT)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "residency %d is not known",
                 (int)options->residency);
    if ((unsigned)options->arithmetic > GRT_ARITHMETIC_INT8)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "arithmetic %d is not known",
                 (int)options->arithmetic);
    if ((unsigned)options->hidden > GRT_HIDDEN_FILE)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "hidden storage %d is not known",
                 (int)options->hidden);
    return GRT_OK;
}

/* A checked copy of the options, in which n_threads 0 is what it stands for.  `who` is
 * the function that was called. */
static grt_status take_options(grt_session_options *used,
                               const grt_session_options *options,
                               const grt_network *network, const char *who,
                               grt_error *err)
{
    *used = (grt_session_options)GRT_SESSION_OPTIONS_INIT;
    if (options && options->struct_size < sizeof(*options))
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "%s: options.struct_size is %zu; use GRT_SESSION_OPTIONS_INIT", who,
                 options->struct_size);
    if (options) *used = *options;
    GRT_TRY(check_cutoff(used->cutoff_layer, network, err));
    return check_options(used, err);
}

grt_status grt_session_create(grt_session **out, const grt_model *model,
                              const grt_session_options *options, grt_error *err)
{
    if (!out || !model)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_session_create: no %s",
                 out ? "model" : "output");
    grt_session_options used;
    GRT_TRY(take_options(&used, options, &model->opened.network, "grt_session_create",
                         err));
    grt_session *session;
    GRT_TRY(grt_alloc_array(&session, 1, sizeof(*session), "the session", err));
    grt_status status = grt_session_init(session, model, &used, err);
    if (status != GRT_OK) {
        grt_session_free(session);
        return status;
    }
    *out = session;
    return GRT_OK;
}

void grt_session_free(grt_session *session)
{
    if (!session) return;
    grt_session_release(session);
    grt_free(session);
}

grt_status grt_plan_memory(grt_memory_plan *out, const grt_model *model,
                           const grt_session_options *options, size_t n_documents,
                           size_t n_tokens, grt_error *err)
{
    if (!out || !model)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_plan_memory: no %s",
                 out ? "model" : "output");
    grt_session_options used;
    const grt_network *network = &model->opened.network;
    GRT_TRY(take_options(&used, options, network, "grt_plan_memory", err));
    size_t n_rows;
    if (n_documents == 0 || n_tokens == 0 || n_tokens > network->max_tokens)
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "a plan for %zu documents of %zu tokens; the model takes 1 to %zu "
                 "tokens",
                 n_documents, n_tokens, network->max_tokens);
    if (!grt_mul_size(&n_rows, n_documents, n_tokens))
        GRT_FAIL(err, GRT_E_TOO_LONG, "%zu documents are too many", n_documents);
    grt_kernels kernels;
    grt_kernels_choose(&kernels, grt_cpu_features(), used.arithmetic);
    grt_plan_input input = {.network = network,
                            .kernels = &kernels,
                            .n_threads = used.n_threads,
                            .options = &used,
                            .n_documents = n_documents,
                            .n_rows = n_rows,
                            .n_longest = n_tokens,
                            .n_sequence = n_tokens,
                            .n_distinct = n_rows,
                            .resident_bytes = grt_resident_bytes(),
                            .peak_bytes = grt_resident_peak_bytes(),
                            .available_bytes = grt_available_bytes()};
    return grt_plan_make(out, &input, err);
}

grt_status grt_rank(grt_session *session, const grt_request *request, grt_result **out,
                    grt_error *err)
{
    if (!session || !out)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_rank: no %s",
                 session ? "output" : "session");
    GRT_TRY(grt_check_request("grt_rank", request, err));
    return grt_session_rank(session, request, out, err);
}

size_t grt_result_count(const grt_result *result)
{
    return result->n_items;
}

const grt_item *grt_result_items(const grt_result *result)
{
    return result->items;
}

const grt_stats *grt_result_stats(const grt_result *result)
{
    return &result->stats;
}

void grt_result_free(grt_result *result)
{
    grt_free(result);
}

const char *grt_state_text(grt_state state)
{
    switch (state) {
    case GRT_STATE_FINISHED: return "finished";
    case GRT_STATE_SELECTED: return "selected";
    case GRT_STATE_DROPPED: return "dropped";
    case GRT_STATE_ACTIVE: return "active";
    }
    return "unknown";
}

const char *grt_policy_text(grt_policy policy)
{
    switch (policy) {
    case GRT_POLICY_DEFAULT: return "default";
    case GRT_POLICY_NONE: return "none";
    case GRT_POLICY_CLUSTER: return "cluster";
    case GRT_POLICY_BOUND: return "bound";
    case GRT_POLICY_SCHEDULE: return "schedule";
    }
    return "unknown";
}

const char *grt_arithmetic_text(grt_arithmetic arithmetic)
{
    switch (arithmetic) {
    case GRT_ARITHMETIC_AUTO: return "auto";
    case GRT_ARITHMETIC_F32: return "f32";
    case GRT_ARITHMETIC_BF16: return "bf16";
    case GRT_ARITHMETIC_INT8: return "int8";
    }
    return "unknown";
}

const char *grt_hidden_storage_text(grt_hidden_storage storage)
{
    switch (storage) {
    case GRT_HIDDEN_AUTO: return "auto";
    case GRT_HIDDEN_F32: return "f32";
    case GRT_HIDDEN_BF16: return "bf16";
    case GRT_HIDDEN_FILE: return "file";
    }
    return "unknown";
}
