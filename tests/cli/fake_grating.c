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
 *     drift        finds that scores of queries with the word "far" moved 2.5 times as
 *                  far as in calibration
 *     other        has samples that no other model takes
 *     misses       misses the target of a calibration
 *     doubtful     leaves it in doubt
 *     deep         reports 13 layers
 *     stop         gets a Ctrl-C while it fits
 *     layered      has heads for layers 2 to 4
 *     early        selects the best after layer 2 and drops the worst after layer 3
 */
#include "grating.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

static grt_status check_cutoff(const grt_model *model,
                               const grt_session_options *options, grt_error *err)
{
    size_t layer = options ? options->cutoff_layer : 0;
    if (layer == 0) return GRT_OK;
    if (!behaves(model, "layered"))
        return fail(err, GRT_E_UNSUPPORTED, "there is one head", model->path);
    if (layer < 2 || layer > N_LAYERS)
        return fail(err, GRT_E_INVALID_ARG, "layers 2 to 4 have heads", model->path);
    return GRT_OK;
}

static size_t n_layers_of(const grt_session_options *options)
{
    return options->cutoff_layer ? options->cutoff_layer : N_LAYERS;
}

grt_status grt_session_create(grt_session **out, const grt_model *model,
                              const grt_session_options *options, grt_error *err)
{
    static const grt_session_options defaults = GRT_SESSION_OPTIONS_INIT;
    if (!options) options = &defaults;
    grt_status status = check_cutoff(model, options, err);
    if (status != GRT_OK) return status;
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
                            .n_slots = is_resident   ? n_layers_of(options)
                                       : is_streamed ? 2
                                                     : 3,
                            .n_layers = n_layers_of(options),
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
    grt_status status = check_cutoff(model, options, err);
    if (status != GRT_OK) return status;
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
                       .n_layers = n_layers_of(&session->options),
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
                       .isa = "avx2",
                       .arithmetic = GRT_ARITHMETIC_F32};
    for (size_t i = 0; i < n; i++) {
        stats.n_tokens += items[i].n_tokens;
        stats.tokens_x_layers += items[i].n_tokens * items[i].decided_at_layer;
        stats.candidates_x_layers += items[i].decided_at_layer;
    }
    stats.full_tokens_x_layers = stats.n_tokens * stats.n_layers;
    int is_bound = stats.policy == GRT_POLICY_BOUND;
    int is_fitted = stats.policy == GRT_POLICY_CLUSTER && is_calibrated &&
                    !(request->dispersion > 0);
    stats.has_profile = (is_bound && is_calibrated) || is_fitted;
    if (is_bound && is_calibrated) {
        int is_far = behaves(session->model, "drift") && strstr(request->query, "far");
        stats.drift = is_far ? 2.5F : 1.25F;
    }
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
    for (size_t i = 0; i < n; i++) {
        items[i] = score(request, query_bytes, i);
        items[i].decided_at_layer = n_layers_of(&session->options);
    }
    qsort(items, n, sizeof *items, compare);
    if (behaves(model, "reversed")) reverse(items, n);
    if (behaves(model, "early")) decide(request, items, n);
    if (request->trace) tell_trace(request, items);
    result->items = items;
    result->stats = stats_of(session, request, items);
    *out = result;
    return GRT_OK;
}

/* ---- Calibration ---- */

enum { MAX_KNOWN = 100, KEY_BYTES = 200, FIT_STEPS = 4 };

/* The samples are a text file: a line that names the model, then one for each query. */
struct grt_calibration {
    const grt_model *model;
    grt_calibration_options options;
    FILE *file;
    char keys[MAX_KNOWN][KEY_BYTES];
    size_t n;
};

static grt_status fail_errno(grt_error *err, const char *doing, const char *path)
{
    char text[120];
    snprintf(text, sizeof text, "%s: %s", doing, strerror(errno));
    return fail(err, GRT_E_IO, text, path);
}

static void remember(grt_calibration *calibration, const char *key)
{
    if (calibration->n == MAX_KNOWN) abort();
    memcpy(calibration->keys[calibration->n++], key, strlen(key) + 1);
}

/* Reads whole lines; the rest of one that was cut off goes. */
static grt_status read_samples(grt_calibration *calibration, const char *header,
                               grt_error *err)
{
    const char *path = calibration->options.samples_path;
    char line[KEY_BYTES];
    long end = 0;
    for (size_t i = 0; fgets(line, sizeof line, calibration->file); i++) {
        if (!strchr(line, '\n')) break;
        if (i == 0 && strncmp(line, "samples of ", 11) != 0)
            return fail(err, GRT_E_FORMAT, "is not a file of calibration samples",
                        path);
        if (i == 0 && strcmp(line, header) != 0)
            return fail(err, GRT_E_FORMAT,
                        "the samples are of another model or other weights", path);
        if (i > 0) remember(calibration, line);
        end = ftell(calibration->file);
    }
    if (ftruncate(fileno(calibration->file), end) != 0 && errno != EINVAL) abort();
    fseek(calibration->file, end, SEEK_SET);
    return GRT_OK;
}

static grt_status append(grt_calibration *calibration, const char *line, grt_error *err)
{
    fputs(line, calibration->file);
    if (fflush(calibration->file) == 0) return GRT_OK;
    return fail_errno(err, "writing", calibration->options.samples_path);
}

static int can_create(const char *path)
{
    if (access(path, F_OK) == 0) return 1;
    FILE *file = fopen(path, "w");
    if (!file) return 0;
    fclose(file);
    remove(path);
    return 1;
}

grt_status grt_calibration_open(grt_calibration **out, const grt_model *model,
                                const grt_calibration_options *options, grt_error *err)
{
    if (model->profile)
        return fail(err, GRT_E_FORMAT, "opened with a profile", model->path);
    if (!can_create(options->profile_path))
        return fail_errno(err, "creating it", options->profile_path);
    FILE *file = fopen(options->samples_path, "r+");
    if (!file) file = fopen(options->samples_path, "w+");
    if (!file) return fail_errno(err, "opening it for writing", options->samples_path);
    grt_calibration *calibration = calloc(1, sizeof *calibration);
    if (!calibration) abort();
    calibration->model = model;
    calibration->options = *options;
    calibration->file = file;
    const char *header =
        behaves(model, "other") ? "samples of other\n" : "samples of fake\n";
    grt_status status = read_samples(calibration, header, err);
    if (!status && ftell(file) <= 0) status = append(calibration, header, err);
    if (status)
        grt_calibration_close(calibration);
    else
        *out = calibration;
    return status;
}

void grt_calibration_close(grt_calibration *calibration)
{
    if (!calibration) return;
    fclose(calibration->file);
    free(calibration);
}

size_t grt_calibration_count(const grt_calibration *calibration)
{
    return calibration->n;
}

grt_status grt_calibration_add(grt_calibration *calibration, const grt_request *request,
                               grt_error *err)
{
    const grt_model *model = calibration->model;
    const char *instruction = request->instruction ? request->instruction : "none";
    char key[KEY_BYTES];
    if (request->n_documents < 2) abort();
    snprintf(key, sizeof key, "%s, %zu documents, instruction %s\n", request->query,
             request->n_documents, instruction);
    for (size_t i = 0; i < calibration->n; i++) {
        if (strcmp(calibration->keys[i], key) == 0) return GRT_OK;
    }
    if (behaves(model, "unreadable"))
        return fail(err, GRT_E_IO, "cannot read layer 1: Input/output error",
                    model->path);
    if (!run_layers(model, request))
        return fail(err, GRT_E_CANCELLED, "cancelled by the caller", model->path);
    grt_status status = append(calibration, key, err);
    if (!status) remember(calibration, key);
    return status;
}

static void add_row(const grt_calibration *calibration, grt_calibration_report *out,
                    grt_policy policy, int has_readouts, size_t k)
{
    float precision = calibration->options.precision;
    grt_calibration_row row = {.policy = policy,
                               .has_readouts = has_readouts,
                               .k = k,
                               .precision = precision > 0 ? precision : 0.99F,
                               .reached = 1,
                               .reached_low = 1,
                               .reached_high = 1,
                               .computed = has_readouts ? 0.25F : 0.5F,
                               .drift = 1.125F};
    int is_doubtful = behaves(calibration->model, "doubtful");
    if (has_readouts && (is_doubtful || behaves(calibration->model, "misses"))) {
        row.reached = row.precision - 0.0625F;
        row.reached_low = row.reached - 0.0625F;
        row.reached_high = row.precision + (is_doubtful ? 0.001F : -0.001F);
    }
    out->rows[out->n_rows++] = row;
}

static void fill_report(const grt_calibration *calibration, grt_calibration_report *out)
{
    static const size_t ks[] = {1, 5, 10, 20};
    const grt_calibration_options *options = &calibration->options;
    size_t k_max = options->k_max ? options->k_max : 10;
    *out = (grt_calibration_report){
        .n_fitted = calibration->n - calibration->n / 4,
        .n_reported = calibration->n / 4,
        .n_layers = behaves(calibration->model, "deep") ? 13 : N_LAYERS};
    for (size_t i = 0; i < 4 && ks[i] <= k_max; i++) {
        add_row(calibration, out, GRT_POLICY_BOUND, 1, ks[i]);
        add_row(calibration, out, GRT_POLICY_BOUND, 0, ks[i]);
        add_row(calibration, out, GRT_POLICY_CLUSTER, 0, ks[i]);
    }
    for (size_t i = 0; i + 1 < out->n_layers; i++) {
        out->gamma_head[i] = (float)i / 16 - 0.125F;
        out->gamma_readout[i] = 0.25F + (float)i / 16;
    }
    snprintf(out->profile_path, sizeof out->profile_path, "%s", options->profile_path);
}

grt_status grt_calibration_fit(grt_calibration *calibration,
                               grt_calibration_report *out,
                               grt_calibration_progress_fn *progress, void *payload,
                               grt_error *err)
{
    const grt_model *model = calibration->model;
    const char *path = calibration->options.profile_path;
    if (calibration->n < 8)
        return fail(err, GRT_E_INVALID_ARG, "fewer than 8", "too few queries");
    for (size_t i = 1; i <= FIT_STEPS; i++) {
        if (behaves(model, "stop") && i == 2) raise(SIGINT);
        if (behaves(model, "slow"))
            nanosleep(&(struct timespec){.tv_nsec = 60000000}, NULL);
        if (progress(i, FIT_STEPS, payload))
            return fail(err, GRT_E_CANCELLED, "cancelled by the caller", model->path);
    }
    FILE *file = fopen(path, "w");
    if (!file) return fail_errno(err, "writing", path);
    fputs("grating profile of the fake\n", file);
    if (fclose(file) != 0) return fail_errno(err, "writing", path);
    fill_report(calibration, out);
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

const char *grt_arithmetic_text(grt_arithmetic arithmetic)
{
    static const char *const texts[] = {"auto", "f32", "bf16", "int8"};
    return texts[arithmetic];
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
