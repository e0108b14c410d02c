/*
 * fake_grating.c - grating.h without a model, for tests of the command.
 *
 * A document's logit is the number of words that it shares with the query, less one:
 * the tests can say exactly what must be printed.  A part of a model's path chooses
 * what the fake does:
 *
 *     missing      cannot be opened
 *     reversed     ranks the worst document first
 *     unreadable   fails while it ranks
 *     interrupt    gets a Ctrl-C after layer 2 of 4
 *     slow         takes 60 ms for each layer
 *     plain        takes no instruction
 *     uncalibrated has no profile
 *     early        selects the best after layer 2 and drops the worst after layer 3
 */
#include "grating.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N_LAYERS = 4, MAX_TOKENS = 12, N_TENSORS = 3, N_KERNELS = 4 };

struct grt_model {
    char *path;
    char *profile;
};

struct grt_session {
    const grt_model *model;
    grt_session_options options;
};

struct grt_result {
    grt_item *items;
    grt_stats stats;
};

static grt_status fail(grt_error *err, grt_status status, const char *text,
                       const char *path)
{
    if (err) {
        err->status = status;
        err->offset = -1;
        snprintf(err->text, sizeof err->text, "%s: %s", path, text);
    }
    return status;
}

/* A shell's background jobs ignore Ctrl-C; the tests of it want it back. */
static void __attribute__((constructor)) accept_interrupts(void)
{
    signal(SIGINT, SIG_DFL);
}

static int behaves(const grt_model *model, const char *how)
{
    return strstr(model->path, how) != NULL;
}

const char *grt_status_text(grt_status status)
{
    (void)status;
    return "status text";
}

const char *grt_version(void)
{
    return "0.1.0";
}

grt_status grt_model_open(grt_model **out, const char *path,
                          const grt_model_options *options, grt_error *err)
{
    const char *profile = options ? options->profile_path : NULL;
    if (strstr(path, "missing"))
        return fail(err, GRT_E_NOT_FOUND, "no such file or directory", path);
    if (profile && strstr(profile, "damaged"))
        return fail(err, GRT_E_FORMAT, "not a profile", profile);
    grt_model *model = calloc(1, sizeof *model);
    if (!model) return GRT_E_NO_MEMORY;
    model->path = strdup(path);
    if (!profile && !behaves(model, "uncalibrated"))
        model->profile = strdup("grating.profile.safetensors");
    if (profile && profile[0]) model->profile = strdup(profile);
    *out = model;
    return GRT_OK;
}

void grt_model_close(grt_model *model)
{
    if (!model) return;
    free(model->profile);
    free(model->path);
    free(model);
}

void grt_model_describe(const grt_model *model, grt_model_info *out)
{
    *out = (grt_model_info){.architecture = "bert",
                            .format = "safetensors",
                            .tokenizer = "wordpiece",
                            .head = "pooler + classifier",
                            .n_layers = N_LAYERS,
                            .hidden_size = 32,
                            .n_heads = 4,
                            .n_kv_heads = 2,
                            .head_size = 8,
                            .ffn_size = 128,
                            .vocab_size = 30522,
                            .max_tokens = MAX_TOKENS,
                            .n_parameters = 1234567,
                            .embedding_bytes = 3906816,
                            .layers_bytes = 2048,
                            .head_bytes = 132,
                            .other_bytes = 0,
                            .n_tensors = N_TENSORS,
                            .profile = model->profile};
}

grt_status grt_model_tensor(const grt_model *model, size_t i, grt_tensor_view *out)
{
    static const grt_tensor_view views[N_TENSORS] = {
        {"embeddings.word",
         "F32",
         "embedding",
         -1,
         2,
         {30522, 32},
         "model.safetensors",
         96,
         3906816},
        {"layer.0.query",
         "F16",
         "layer",
         0,
         2,
         {32, 32},
         "model.safetensors",
         3906912,
         2048},
        {"classifier", "F32", "head", -1, 1, {33}, "model.safetensors", 3908960, 132}};
    (void)model;
    if (i >= N_TENSORS) return GRT_E_INVALID_ARG;
    *out = views[i];
    return GRT_OK;
}

grt_status grt_session_create(grt_session **out, const grt_model *model,
                              const grt_session_options *options, grt_error *err)
{
    static const grt_session_options defaults = GRT_SESSION_OPTIONS_INIT;
    if (!options) options = &defaults;
    if (options->memory_bytes && options->memory_bytes < 1024)
        return fail(err, GRT_E_NO_MEMORY, "the process is larger already", model->path);
    grt_session *session = malloc(sizeof *session);
    if (!session) return GRT_E_NO_MEMORY;
    session->model = model;
    session->options = *options;
    *out = session;
    return GRT_OK;
}

void grt_session_free(grt_session *session)
{
    free(session);
}

/* ---- Plans ---- */

/* What was asked for, and sizes that follow from it in the simplest way. */
static grt_memory_plan plan_for(const grt_session_options *options, size_t n_documents,
                                size_t n_tokens)
{
    int is_resident = options->residency == GRT_RESIDENCY_RESIDENT;
    int is_streamed = options->residency == GRT_RESIDENCY_STREAMED;
    grt_memory_plan plan = {.budget_bytes = options->memory_bytes,
                            .process_bytes = 1000000,
                            .hidden_bytes = n_documents * n_tokens * 128,
                            .chunk_bytes = 4096,
                            .embedding_bytes = 512,
                            .scratch_bytes = 256,
                            .n_slots = is_resident   ? N_LAYERS
                                       : is_streamed ? 2
                                                     : 3,
                            .n_layers = N_LAYERS,
                            .chunk_rows = 64,
                            .n_cached_rows = 16,
                            .hidden =
                                options->hidden ? options->hidden : GRT_HIDDEN_F32,
                            .smallest_bytes = 1200000};
    plan.layers_bytes = plan.n_slots * 512;
    plan.total_bytes = plan.process_bytes + plan.layers_bytes + plan.hidden_bytes +
                       plan.chunk_bytes + plan.embedding_bytes + plan.scratch_bytes;
    return plan;
}

static grt_status check_plan(const grt_memory_plan *plan, grt_error *err)
{
    if (!plan->budget_bytes || plan->budget_bytes >= plan->smallest_bytes)
        return GRT_OK;
    return fail(err, GRT_E_NO_MEMORY, "the smallest budget that works is 2 MiB",
                "the request does not fit");
}

grt_status grt_plan_memory(grt_memory_plan *out, const grt_model *model,
                           const grt_session_options *options, size_t n_documents,
                           size_t n_tokens, grt_error *err)
{
    if (n_tokens > MAX_TOKENS)
        return fail(err, GRT_E_INVALID_ARG, "the model takes 12 tokens", model->path);
    *out = plan_for(options, n_documents, n_tokens);
    return check_plan(out, err);
}

/* ---- Scores ---- */

/* Finds the word at or after `*at`; 0 at the end.  Bytes other than space separate
 * nothing, NUL included. */
static size_t next_word(const char *text, size_t bytes, size_t *at)
{
    while (*at < bytes && text[*at] == ' ')
        ++*at;
    size_t end = *at;
    while (end < bytes && text[end] != ' ')
        end++;
    return end - *at;
}

static size_t count_words(const char *text, size_t bytes)
{
    size_t n = 0, length;
    for (size_t at = 0; (length = next_word(text, bytes, &at)) > 0; at += length)
        n++;
    return n;
}

grt_status grt_count_tokens(size_t *out, const grt_model *model, const char *text,
                            size_t n_bytes, grt_error *err)
{
    (void)model;
    (void)err;
    *out = count_words(text, n_bytes ? n_bytes : strlen(text));
    return GRT_OK;
}

static int has_word(const char *text, size_t bytes, const char *word, size_t word_bytes)
{
    size_t length;
    for (size_t at = 0; (length = next_word(text, bytes, &at)) > 0; at += length) {
        if (length == word_bytes && memcmp(text + at, word, length) == 0) return 1;
    }
    return 0;
}

static grt_item score(const grt_request *request, size_t query_bytes, size_t i)
{
    const char *query = request->query, *text = request->documents[i];
    size_t bytes = request->document_bytes ? request->document_bytes[i] : strlen(text);
    size_t shared = 0, length;
    for (size_t at = 0; (length = next_word(query, query_bytes, &at)) > 0; at += length)
        shared += has_word(text, bytes, query + at, length) != 0;
    size_t tokens = 3 + count_words(query, query_bytes) + count_words(text, bytes);
    float logit = (float)shared - 1 + (request->instruction ? 0.25F : 0);
    return (grt_item){.index = i,
                      .logit = logit,
                      .score = 1 / (1 + expf(-logit)),
                      .decided_at_layer = N_LAYERS,
                      .n_tokens = tokens < MAX_TOKENS ? tokens : MAX_TOKENS,
                      .truncated = tokens > MAX_TOKENS};
}

static int compare(const void *left, const void *right)
{
    const grt_item *a = left, *b = right;
    if (a->logit > b->logit || a->logit < b->logit) return a->logit < b->logit ? 1 : -1;
    return a->index < b->index ? -1 : 1;
}

static int run_layers(const grt_model *model, const grt_request *request)
{
    for (size_t layer = 0; layer <= N_LAYERS; layer++) {
        grt_progress step = {layer, N_LAYERS, request->n_documents, 0, 0};
        if (behaves(model, "interrupt") && layer == 2) raise(SIGINT);
        if (behaves(model, "slow"))
            nanosleep(&(struct timespec){.tv_nsec = 60000000}, NULL);
        if (request->progress && request->progress(&step, request->progress_payload))
            return 0;
    }
    return 1;
}

static void reverse(grt_item *items, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        grt_item item = items[i];
        items[i] = items[n - 1 - i];
        items[n - 1 - i] = item;
    }
}

/* ---- Policies ---- */

static grt_policy policy_of(const grt_request *request)
{
    if (request->k == 0 || request->k >= request->n_documents) return GRT_POLICY_NONE;
    return request->policy ? request->policy : GRT_POLICY_BOUND;
}

/* The best is selected after layer 2 and the worst dropped after layer 3. */
static void decide(const grt_request *request, grt_item *items, size_t n)
{
    if (policy_of(request) == GRT_POLICY_NONE) return;
    if (!request->keeps_order && request->first_layer <= 2) {
        items[0].state = GRT_STATE_SELECTED;
        items[0].decided_at_layer = 2;
    }
    if (request->first_layer <= 3) {
        items[n - 1].state = GRT_STATE_DROPPED;
        items[n - 1].decided_at_layer = 3;
    }
}

/* After layer l of 4 a score is l quarters of the last one. */
static void tell_trace(const grt_request *request, const grt_item *items)
{
    size_t n = request->n_documents;
    size_t *indices = calloc(n, sizeof *indices);
    float *scores = calloc(n, sizeof *scores);
    grt_state *states = calloc(n, sizeof *states);
    if (!indices || !scores || !states) abort();
    for (size_t layer = 1; layer <= N_LAYERS; layer++) {
        grt_trace_step step = {layer, N_LAYERS, 0, indices, scores, states};
        for (size_t i = 0; i < n; i++) {
            if (items[i].decided_at_layer < layer) continue;
            indices[step.n] = items[i].index;
            scores[step.n] = items[i].logit * (float)layer / N_LAYERS;
            states[step.n] =
                items[i].decided_at_layer == layer ? items[i].state : GRT_STATE_ACTIVE;
            step.n++;
        }
        request->trace(&step, request->trace_payload);
    }
    free(indices);
    free(scores);
    free(states);
}

static grt_stats stats_of(const grt_session *session, const grt_request *request,
                          const grt_item *items)
{
    size_t n = request->n_documents;
    int is_calibrated = session->model->profile != NULL;
    grt_stats stats = {.n_documents = n,
                       .n_layers = N_LAYERS,
                       .weight_bytes = 2048,
                       .embedding_bytes = 1024,
                       .read_ns = 125000,
                       .wait_ns = 62500,
                       .memory_bytes = 4096,
                       .tokenize_ns = 250000,
                       .compute_ns = 1500000,
                       .total_ns = 1750000,
                       .plan = plan_for(&session->options, n, MAX_TOKENS),
                       .policy = policy_of(request),
                       .isa = "avx2"};
    for (size_t i = 0; i < n; i++) {
        stats.n_tokens += items[i].n_tokens;
        stats.tokens_x_layers += items[i].n_tokens * items[i].decided_at_layer;
        stats.candidates_x_layers += items[i].decided_at_layer;
    }
    stats.full_tokens_x_layers = stats.n_tokens * N_LAYERS;
    int is_bound = stats.policy == GRT_POLICY_BOUND;
    int is_fitted = stats.policy == GRT_POLICY_CLUSTER && is_calibrated &&
                    !(request->dispersion > 0);
    stats.has_profile = (is_bound && is_calibrated) || is_fitted;
    if (is_bound || is_fitted)
        stats.precision = request->precision > 0 ? request->precision : 0.99F;
    return stats;
}

grt_status grt_rank(grt_session *session, const grt_request *request, grt_result **out,
                    grt_error *err)
{
    const grt_model *model = session->model;
    size_t n = request->n_documents;
    size_t query_bytes =
        request->query_bytes ? request->query_bytes : strlen(request->query);
    grt_memory_plan plan = plan_for(&session->options, n, MAX_TOKENS);
    if (check_plan(&plan, err)) return GRT_E_NO_MEMORY;
    if (behaves(model, "unreadable"))
        return fail(err, GRT_E_IO, "cannot read layer 1: Input/output error",
                    model->path);
    if (behaves(model, "plain") && request->instruction)
        return fail(err, GRT_E_UNSUPPORTED, "this model takes no instruction",
                    model->path);
    if (!run_layers(model, request))
        return fail(err, GRT_E_CANCELLED, "cancelled by the caller", model->path);
    grt_result *result = calloc(1, sizeof *result);
    grt_item *items = calloc(n, sizeof *items);
    if (!result || !items) abort();
    for (size_t i = 0; i < n; i++)
        items[i] = score(request, query_bytes, i);
    qsort(items, n, sizeof *items, compare);
    if (behaves(model, "reversed")) reverse(items, n);
    if (behaves(model, "early")) decide(request, items, n);
    if (request->trace) tell_trace(request, items);
    result->items = items;
    result->stats = stats_of(session, request, items);
    *out = result;
    return GRT_OK;
}

size_t grt_result_count(const grt_result *result)
{
    return result->stats.n_documents;
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
    if (!result) return;
    free(result->items);
    free(result);
}

const char *grt_state_text(grt_state state)
{
    static const char *const texts[] = {"finished", "selected", "dropped", "active"};
    return texts[state];
}

const char *grt_policy_text(grt_policy policy)
{
    static const char *const texts[] = {"default", "none", "cluster", "bound",
                                        "schedule"};
    return texts[policy];
}

const char *grt_hidden_storage_text(grt_hidden_storage storage)
{
    static const char *const texts[] = {"auto", "f32", "bf16", "file"};
    return texts[storage];
}

grt_status grt_kernel_describe(size_t i, grt_kernel_info *out)
{
    static const grt_kernel_info kernels[N_KERNELS] = {
        {"gemm_f32", "avx512", 0, "this CPU lacks it"},
        {"gemm_f32", "avx2", 1, NULL},
        {"gemm_f32", "scalar", 0, "a better one runs"},
        {"softmax", "scalar", 1, NULL}};
    if (i >= N_KERNELS) return GRT_E_INVALID_ARG;
    *out = kernels[i];
    return GRT_OK;
}

const char *grt_cpu_features_text(void)
{
    return "avx2 fma";
}
