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
 *     late         meets its deadline, if it has one, after layer 2; queries with the
 *                  word "long" do so before layer 1, with the word "short" never
 *     slow         takes 60 ms for each layer
 *     plain        takes no instruction
 *     uncalibrated has no profile
 *     drift        finds that scores of queries with the word "far" moved 2.5 times as
 *                  far as in calibration
 *     coarse       has a profile that was made in int8
 *     other        has samples that no other model takes
 *     misses       misses the target of a calibration
 *     doubtful     leaves it in doubt
 *     deep         reports 13 layers
 *     stop         gets a Ctrl-C while it fits
 *     layered      has heads for layers 2 to 4
 *     noted        has three notes, two of them about results
 *     early        selects the best after layer 2 and drops the worst after layer 3
 *
 * Results and names are the library's own (src/api/result.c, names.c).
 *
 * The process has 1,000,000 bytes resident beside the library, on every machine.
 */
#include "api/experiment.h"
#include "find/find.h"
#include "frame/process.h"
#include "rank/result.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { N_LAYERS = 4, MAX_TOKENS = 12, N_TENSORS = 3, N_NOTES = 3, N_KERNELS = 4 };
enum { PROCESS_BYTES = 1000000, SMALLEST_BYTES = 200000 };

struct grt_engine {
    grt_engine_options options;
};

struct grt_model {
    char *path;
    char *profile;
    char *home; /* of its profile */
    grt_engine *engine;
    grt_model_options options;
};

/* One document on its way, and in its place. */
typedef struct item {
    size_t index;
    float logit;
    int32_t state;
    size_t layer; /* at which it was decided */
    size_t n_tokens;
    int is_truncated;
} item;

struct grt_ranking {
    const grt_model *model;
    grt_request request;
    grt_policy_options policy;
    size_t n_steps; /* taken */
    size_t layer;
    int is_done, deadline_hit;
    volatile sig_atomic_t is_cancelled;
    item *items; /* [n], best first */
    /* of a step */
    size_t *indices;
    float *scores;
    int32_t *states;
    grt_stats stats;
};

static grt_status fail(grt_error *err, grt_status status, const char *text,
                       const char *path)
{
    if (err) {
        *err = (grt_error){.status = status, .offset = -1};
        snprintf(err->text, sizeof err->text, "%s: %s", path, text);
    }
    return status;
}

static void *zeros(size_t n, size_t size)
{
    void *block = calloc(n + 1, size);
    if (!block) abort();
    return block;
}

/* Fills a struct of the caller's, which is as large as ours. */
static void give(void *to, const void *from, size_t size)
{
    size_t n = sizeof(size_t), given;
    memcpy(&given, to, n);
    if (given != size) abort();
    memcpy((char *)to + n, (const char *)from + n, size - n);
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

const char *grt_version(void)
{
    return "0.2.0";
}

/* ---- The process ---- */

void cli_process_forget_peak(void)
{
}

uint64_t cli_process_peak(void)
{
    return PROCESS_BYTES;
}

uint64_t cli_process_resident(void)
{
    return PROCESS_BYTES;
}

void cli_process_map_large_blocks(void)
{
}

void cli_process_trim(void)
{
}

/* ---- Engines and models ---- */

grt_status grt_engine_create(grt_engine **out, const grt_engine_options *options,
                             grt_error *err)
{
    (void)err;
    *out = zeros(1, sizeof **out);
    (*out)->options = *options;
    return GRT_OK;
}

void grt_engine_free(grt_engine *engine)
{
    free(engine);
}

void grt_engine_trim(grt_engine *engine)
{
    (void)engine;
}

void grt_engine_set_memory(grt_engine *engine, uint64_t memory_bytes)
{
    engine->options.memory_bytes = memory_bytes;
}

grt_status grt_engine_describe(grt_engine *engine, grt_engine_usage *out)
{
    grt_engine_usage usage = {.budget_bytes = engine->options.memory_bytes,
                              .n_threads = engine->options.n_threads,
                              .n_models = 1};
    give(out, &usage, sizeof usage);
    return GRT_OK;
}

static grt_status check_cutoff(const grt_model *model, grt_error *err)
{
    size_t layer = model->options.cutoff_layer;
    if (layer == 0) return GRT_OK;
    if (!behaves(model, "layered"))
        return fail(err, GRT_E_UNSUPPORTED, "there is one head", model->path);
    if (layer < 2 || layer > N_LAYERS)
        return fail(err, GRT_E_INVALID_ARG, "layers 2 to 4 have heads", model->path);
    return GRT_OK;
}

static char *home_of(const char *path, const char *folder)
{
    const char *slash = strrchr(path, '/');
    char *home = zeros(1, 4096);
    if (!folder || access(folder, F_OK) != 0)
        snprintf(home, 4096, "%s.profile.safetensors", path);
    else
        snprintf(home, 4096, "%s/%s.profile.safetensors", folder,
                 slash && slash[1] ? slash + 1 : path);
    return home;
}

/* Any other name is one of a model. */
static int is_nowhere(const char *path)
{
    static const char *const names[] = {"ranker", "reranker", "gratng-small",
                                        "grating-smalls", "something-else"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(path, names[i]) == 0) return 1;
    }
    return strstr(path, "missing") != NULL;
}

/* A name of the Hugging Face hub or of Ollama. */
static int is_of_cache(const char *name)
{
    const char *slash = strchr(name, '/');
    return strncmp(name, "ollama:", strlen("ollama:")) == 0 ||
           (slash && slash != name && name[0] != '.' && !strchr(slash + 1, '/') &&
            !strstr(name, ".gguf"));
}

/* The library's own look-up; plain names that it does not find are there all the same.
 */
grt_status grt_model_find(grt_model_place *out, const char *name, grt_error *err)
{
    grt_status status = grt_find(out, name, err);
    if (status != GRT_E_NOT_FOUND || !name || is_nowhere(name) || is_of_cache(name))
        return status;
    *out = (grt_model_place)GRT_MODEL_PLACE_INIT;
    snprintf(out->path, sizeof out->path, "%s", name);
    return GRT_OK;
}

int grt_models_walk(grt_model_place_fn *fn, void *payload)
{
    return grt_find_all(fn, payload);
}

grt_status grt_model_open(grt_model **out, grt_engine *engine, const char *path,
                          const grt_model_options *options, grt_error *err)
{
    static const grt_model_options defaults = GRT_MODEL_OPTIONS_INIT;
    static grt_engine idle;
    if (!options) options = &defaults;
    const char *profile = options->profile_path;
    if (is_nowhere(path))
        return fail(err, GRT_E_NOT_FOUND, "no such file or directory", path);
    if (profile && strstr(profile, "damaged"))
        return fail(err, GRT_E_FORMAT, "not a profile", profile);
    grt_model *model = zeros(1, sizeof *model);
    model->engine = engine ? engine : &idle;
    model->options = *options;
    model->path = strdup(path);
    model->home = home_of(path, options->profile_folder);
    if (!profile && !behaves(model, "uncalibrated"))
        model->profile = strdup("grating.profile.safetensors");
    if (profile && profile[0]) model->profile = strdup(profile);
    grt_status status = check_cutoff(model, err);
    if (status)
        grt_model_close(model);
    else
        *out = model;
    return status;
}

void grt_model_close(grt_model *model)
{
    if (!model) return;
    free(model->profile);
    free(model->home);
    free(model->path);
    free(model);
}

void grt_model_describe(const grt_model *model, grt_model_info *out)
{
    grt_model_info info = {.architecture = "bert",
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
                           .n_tensors = N_TENSORS,
                           .profile = model->profile,
                           .profile_home = model->home,
                           .profile_arithmetic = !model->profile ? 0
                                                 : behaves(model, "coarse")
                                                     ? GRT_ARITHMETIC_INT8
                                                     : GRT_ARITHMETIC_F32,
                           .arithmetic = GRT_ARITHMETIC_F32,
                           .isa = "avx2",
                           .n_notes = behaves(model, "noted") ? N_NOTES : 0};
    give(out, &info, sizeof info);
}

grt_status grt_model_effect(const grt_model *model, grt_arithmetic arithmetic,
                            grt_arithmetic_effect *out)
{
    grt_arithmetic_effect effect = {.is_known = model->profile != NULL};
    if (arithmetic == GRT_ARITHMETIC_BF16) effect.is_known = 0;
    if (effect.is_known)
        effect = (grt_arithmetic_effect){.is_known = 1, .is_safe = 1, .kept = 1};
    if (effect.is_known && arithmetic == GRT_ARITHMETIC_INT8)
        effect = (grt_arithmetic_effect){.is_known = 1,
                                         .n_pairs = 320,
                                         .mean = 0.5F,
                                         .largest = 1.25F,
                                         .share = 0.125F,
                                         .kept = 0.9375F};
    give(out, &effect, sizeof effect);
    return GRT_OK;
}

grt_status grt_model_note(const grt_model *model, size_t i, grt_note *out)
{
    static const grt_note notes[N_NOTES] = {
        {.text = "config.json: the key \"my_rope\" is not known here and not read"},
        {.text = "config.json: a key appears twice; the last one counts",
         .level = GRT_NOTE_RESULT},
        {.text = "model: it has a class of its \x1b[31mown", .level = GRT_NOTE_RESULT}};
    if (!behaves(model, "noted") || i >= N_NOTES) return GRT_E_INVALID_ARG;
    give(out, &notes[i], sizeof notes[i]);
    return GRT_OK;
}

grt_status grt_model_tensor(const grt_model *model, size_t i, grt_tensor_view *out)
{
    static const grt_tensor_view views[N_TENSORS] = {{.name = "embeddings.word",
                                                      .dtype = "F32",
                                                      .part = "embedding",
                                                      .layer = -1,
                                                      .n_dims = 2,
                                                      .shape = {30522, 32},
                                                      .file = "model.safetensors",
                                                      .offset_bytes = 96,
                                                      .size_bytes = 3906816},
                                                     {.name = "layer.0.query",
                                                      .dtype = "F16",
                                                      .part = "layer",
                                                      .n_dims = 2,
                                                      .shape = {32, 32},
                                                      .file = "model.safetensors",
                                                      .offset_bytes = 3906912,
                                                      .size_bytes = 2048},
                                                     {.name = "classifier",
                                                      .dtype = "F32",
                                                      .part = "head",
                                                      .layer = -1,
                                                      .n_dims = 1,
                                                      .shape = {33},
                                                      .file = "model.safetensors",
                                                      .offset_bytes = 3908960,
                                                      .size_bytes = 132}};
    (void)model;
    if (i >= N_TENSORS) return GRT_E_INVALID_ARG;
    give(out, &views[i], sizeof views[i]);
    return GRT_OK;
}

static size_t n_layers_of(const grt_model *model)
{
    return model->options.cutoff_layer ? model->options.cutoff_layer : N_LAYERS;
}

/* ---- Plans ---- */

/* What was asked for, and sizes that follow from it in the simplest way. */
static grt_memory_plan plan_for(const grt_model *model, size_t n_documents,
                                size_t n_tokens)
{
    const grt_engine_options *engine = &model->engine->options;
    int is_resident = model->options.residency == GRT_RESIDENCY_RESIDENT;
    int is_streamed = model->options.residency == GRT_RESIDENCY_STREAMED;
    grt_memory_plan plan = {.budget_bytes = engine->memory_bytes,
                            .other_bytes = 2000,
                            .hidden_bytes = n_documents * n_tokens * 128,
                            .chunk_bytes = 4096,
                            .embedding_bytes = 512,
                            .scratch_bytes = 256,
                            .smallest_bytes = SMALLEST_BYTES,
                            .n_slots = is_resident   ? n_layers_of(model)
                                       : is_streamed ? 2
                                                     : 3,
                            .n_layers = n_layers_of(model),
                            .chunk_rows = 64,
                            .n_cached_rows = 16,
                            .hidden = engine->hidden ? engine->hidden : GRT_HIDDEN_F32};
    plan.layers_bytes = plan.n_slots * 512;
    plan.total_bytes = plan.other_bytes + plan.layers_bytes + plan.hidden_bytes +
                       plan.chunk_bytes + plan.embedding_bytes + plan.scratch_bytes;
    return plan;
}

static grt_status check_plan(const grt_memory_plan *plan, size_t n_documents,
                             grt_error *err)
{
    if (!plan->budget_bytes || plan->budget_bytes >= plan->smallest_bytes)
        return GRT_OK;
    (void)fail(err, GRT_E_NO_MEMORY, "", "");
    snprintf(err->text, sizeof err->text,
             "%zu documents (%zu tokens) do not fit this engine", n_documents,
             n_documents * MAX_TOKENS);
    err->smallest_bytes = plan->smallest_bytes;
    return GRT_E_NO_MEMORY;
}

grt_status grt_plan_memory(grt_memory_plan *out, grt_model *model, size_t n_documents,
                           size_t n_tokens, grt_error *err)
{
    if (n_tokens > MAX_TOKENS)
        return fail(err, GRT_E_INVALID_ARG, "the model takes 12 tokens", model->path);
    grt_memory_plan plan = plan_for(model, n_documents, n_tokens);
    give(out, &plan, sizeof plan);
    return check_plan(&plan, n_documents, err);
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

static size_t bytes_of(const char *text, size_t n_bytes)
{
    return n_bytes == GRT_NUL_TERMINATED ? strlen(text) : n_bytes;
}

grt_status grt_count_tokens(size_t *out, const grt_model *model, const char *text,
                            size_t n_bytes, grt_error *err)
{
    (void)model;
    (void)err;
    *out = count_words(text, bytes_of(text, n_bytes));
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

static item score(const grt_request *request, size_t i)
{
    const char *query = request->query, *text = request->documents[i];
    size_t query_bytes = bytes_of(query, request->query_bytes), shared = 0, length;
    size_t bytes = bytes_of(text, request->document_bytes ? request->document_bytes[i]
                                                          : GRT_NUL_TERMINATED);
    for (size_t at = 0; (length = next_word(query, query_bytes, &at)) > 0; at += length)
        shared += has_word(text, bytes, query + at, length) != 0;
    size_t tokens = 3 + count_words(query, query_bytes) + count_words(text, bytes);
    return (item){.index = i,
                  .logit = (float)shared - 1 + (request->instruction ? 0.25F : 0),
                  .n_tokens = tokens < MAX_TOKENS ? tokens : MAX_TOKENS,
                  .is_truncated = tokens > MAX_TOKENS};
}

static int compare(const void *left, const void *right)
{
    const item *a = left, *b = right;
    if (a->logit > b->logit || a->logit < b->logit) return a->logit < b->logit ? 1 : -1;
    return a->index < b->index ? -1 : 1;
}

static void reverse(item *items, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        item kept = items[i];
        items[i] = items[n - 1 - i];
        items[n - 1 - i] = kept;
    }
}

/* ---- Policies ---- */

static grt_policy policy_of(const grt_ranking *ranking)
{
    const grt_request *request = &ranking->request;
    if (request->k == 0 || request->k >= request->n_documents) return GRT_POLICY_NONE;
    int32_t policy = ranking->policy.policy;
    return policy ? (grt_policy)policy : GRT_POLICY_BOUND;
}

/* The best is selected after layer 2 and the worst dropped after layer 3. */
static void decide(grt_ranking *ranking)
{
    size_t n = ranking->request.n_documents, first = ranking->policy.first_layer;
    item *items = ranking->items;
    if (policy_of(ranking) == GRT_POLICY_NONE) return;
    if (ranking->policy.promise != GRT_PROMISE_SCORES && first <= 2) {
        items[0].state = GRT_STATE_SELECTED;
        items[0].layer = 2;
    }
    if (first <= 3) {
        items[n - 1].state = GRT_STATE_DROPPED;
        items[n - 1].layer = 3;
    }
}

static void count_work(grt_ranking *ranking)
{
    grt_stats *stats = &ranking->stats;
    stats->n_tokens = stats->tokens_x_layers = stats->candidates_x_layers = 0;
    for (size_t i = 0; i < ranking->request.n_documents; i++) {
        const item *one = &ranking->items[i];
        stats->n_tokens += one->n_tokens;
        stats->tokens_x_layers += one->n_tokens * one->layer;
        stats->candidates_x_layers += one->layer;
    }
}

static void fill_stats(grt_ranking *ranking)
{
    const grt_model *model = ranking->model;
    size_t n = ranking->request.n_documents;
    int is_calibrated = model->profile != NULL;
    grt_stats *stats = &ranking->stats;
    int32_t promise = ranking->policy.promise;
    *stats = (grt_stats){.struct_size = sizeof *stats,
                         .n_documents = n,
                         .n_layers = n_layers_of(model),
                         .weight_bytes = 2048,
                         .embedding_bytes = 1024,
                         .read_ns = 125000,
                         .wait_ns = 62500,
                         .memory_bytes = 4096,
                         .tokenize_ns = 250000,
                         .compute_ns = 1500000,
                         .total_ns = 1750000,
                         .policy = policy_of(ranking),
                         .promise = promise ? promise : GRT_PROMISE_ORDER,
                         .expected_precision = 1,
                         .isa = "avx2",
                         .arithmetic = GRT_ARITHMETIC_F32};
    count_work(ranking);
    stats->full_tokens_x_layers = stats->n_tokens * stats->n_layers;
    int is_bound = stats->policy == GRT_POLICY_BOUND;
    int is_fitted = stats->policy == GRT_POLICY_CLUSTER && is_calibrated &&
                    !(ranking->policy.dispersion > 0);
    stats->has_profile = (is_bound && is_calibrated) || is_fitted;
    if (is_bound && is_calibrated) {
        int is_far = behaves(model, "drift") && strstr(ranking->request.query, "far");
        stats->drift = is_far ? 2.5F : 1.25F;
    }
    if (is_bound || is_fitted) {
        float precision = ranking->policy.precision;
        stats->precision = precision > 0 ? precision : 0.99F;
        stats->expected_precision = stats->precision;
    }
}

/* ---- Rankings ---- */

grt_status grt_ranking_open(grt_ranking **out, grt_model *model,
                            const grt_request *request, grt_error *err)
{
    (void)err;
    grt_ranking *ranking = zeros(1, sizeof *ranking);
    ranking->model = model;
    ranking->request = *request;
    if (request->policy) ranking->policy = *request->policy;
    *out = ranking;
    return GRT_OK;
}

void grt_ranking_free(grt_ranking *ranking)
{
    if (!ranking) return;
    free(ranking->items);
    free(ranking->indices);
    free(ranking->scores);
    free(ranking->states);
    free(ranking);
}

void grt_ranking_cancel(grt_ranking *ranking)
{
    ranking->is_cancelled = 1;
}

/* The first step; nothing of the request is looked at afterwards. */
static grt_status read_texts(grt_ranking *ranking, grt_error *err)
{
    const grt_model *model = ranking->model;
    const grt_request *request = &ranking->request;
    size_t n = request->n_documents;
    grt_memory_plan plan = plan_for(model, n, MAX_TOKENS);
    grt_status status = check_plan(&plan, n, err);
    if (status) return status;
    if (behaves(model, "unreadable"))
        return fail(err, GRT_E_IO, "cannot read layer 1: Input/output error",
                    model->path);
    if (behaves(model, "plain") && request->instruction)
        return fail(err, GRT_E_UNSUPPORTED, "this model takes no instruction",
                    model->path);
    ranking->items = zeros(n, sizeof *ranking->items);
    ranking->indices = zeros(n, sizeof *ranking->indices);
    ranking->scores = zeros(n, sizeof *ranking->scores);
    ranking->states = zeros(n, sizeof *ranking->states);
    for (size_t i = 0; i < n; i++) {
        ranking->items[i] = score(request, i);
        ranking->items[i].layer = n_layers_of(model);
    }
    qsort(ranking->items, n, sizeof *ranking->items, compare);
    if (behaves(model, "reversed")) reverse(ranking->items, n);
    if (behaves(model, "early")) decide(ranking);
    fill_stats(ranking);
    return GRT_OK;
}

/* After layer l of 4 a score is l quarters of the last one. */
static void show(const grt_ranking *ranking, grt_step *step)
{
    size_t layer = ranking->layer, n_layers = n_layers_of(ranking->model);
    for (size_t i = 0; i < ranking->request.n_documents; i++) {
        const item *one = &ranking->items[i];
        int is_over = one->layer <= layer;
        step->n_active += !is_over;
        step->n_selected += is_over && one->state == GRT_STATE_SELECTED;
        step->n_dropped += is_over && one->state == GRT_STATE_DROPPED;
        if (one->layer < layer || layer == 0) continue;
        ranking->indices[step->n] = one->index;
        ranking->scores[step->n] = one->logit * (float)layer / (float)n_layers;
        ranking->states[step->n] =
            one->layer == layer ? one->state : (int32_t)GRT_STATE_ACTIVE;
        step->n++;
    }
    step->indices = ranking->indices;
    step->scores = ranking->scores;
    step->states = ranking->states;
    step->expected_precision = layer ? 0.75F : 0;
}

/* What a ranking is before its texts are read: its documents as they were given. */
static void read_nothing(grt_ranking *ranking)
{
    for (size_t i = 0; i < ranking->request.n_documents; i++)
        ranking->items[i] = (item){.index = i};
    ranking->stats.n_tokens = ranking->stats.full_tokens_x_layers = 0;
    ranking->stats.drift = 0;
}

/* Nobody is decided any more: all keep what they have. */
static void stop_at_deadline(grt_ranking *ranking)
{
    const grt_request *request = &ranking->request;
    size_t n = request->n_documents, k = request->k && request->k < n ? request->k : n;
    float chance = (float)k / (float)n; /* of any order */
    ranking->is_done = ranking->deadline_hit = ranking->stats.deadline_hit = 1;
    ranking->stats.expected_precision = ranking->layer && k < n ? 0.75F : chance;
    if (ranking->layer == 0) read_nothing(ranking);
    for (size_t i = 0; i < n; i++) {
        item *one = &ranking->items[i];
        if (ranking->layer && one->layer <= ranking->layer) continue;
        one->layer = ranking->layer;
        one->state = GRT_STATE_ACTIVE;
    }
    count_work(ranking);
}

static int meets_deadline(const grt_ranking *ranking)
{
    const grt_request *request = &ranking->request;
    if (!behaves(ranking->model, "late") || !request->deadline_ns) return 0;
    size_t bytes = bytes_of(request->query, request->query_bytes);
    if (has_word(request->query, bytes, "short", 5)) return 0;
    return ranking->layer == (has_word(request->query, bytes, "long", 4) ? 0 : 2);
}

grt_status grt_ranking_step(grt_step *out, grt_ranking *ranking, grt_error *err)
{
    const grt_model *model = ranking->model;
    if (ranking->n_steps == 0) {
        grt_status status = read_texts(ranking, err);
        if (status) return status;
    } else if (!ranking->is_done) {
        ranking->layer++;
    }
    ranking->n_steps++;
    if (behaves(model, "interrupt") && ranking->layer == 2) raise(SIGINT);
    if (behaves(model, "slow"))
        nanosleep(&(struct timespec){.tv_nsec = 60000000}, NULL);
    if (ranking->is_cancelled)
        return fail(err, GRT_E_CANCELLED, "cancelled by the caller", model->path);
    if (ranking->layer == n_layers_of(model)) ranking->is_done = 1;
    grt_step step = {.layer = ranking->layer, .n_layers = n_layers_of(model)};
    show(ranking, &step);
    if (meets_deadline(ranking)) stop_at_deadline(ranking);
    step.is_done = ranking->is_done;
    step.deadline_hit = ranking->deadline_hit;
    give(out, &step, sizeof step);
    return GRT_OK;
}

grt_status grt_ranking_result(grt_result **out, grt_ranking *ranking, grt_error *err)
{
    size_t n = ranking->request.n_documents;
    grt_result *result;
    if (grt_result_create(&result, n, err)) abort();
    for (size_t i = 0; i < n; i++) {
        const item *one = &ranking->items[i];
        result->indices[i] = one->index;
        result->logits[i] = one->logit;
        result->scores[i] = 1 / (1 + expf(-one->logit));
        result->states[i] = one->state;
        result->layers[i] = one->layer;
        result->tokens[i] = one->n_tokens;
        if (one->state == GRT_STATE_FINISHED) result->flags[i] |= GRT_FLAG_EXACT;
        if (one->is_truncated) result->flags[i] |= GRT_FLAG_TRUNCATED;
    }
    result->stats = ranking->stats;
    result->plan = ranking->layer ? plan_for(ranking->model, n, MAX_TOKENS)
                                  : (grt_memory_plan)GRT_MEMORY_PLAN_INIT;
    *out = result;
    return GRT_OK;
}

grt_status grt_rank(grt_result **out, grt_model *model, const grt_request *request,
                    grt_error *err)
{
    grt_ranking *ranking;
    grt_step step = GRT_STEP_INIT;
    grt_status status = grt_ranking_open(&ranking, model, request, err);
    while (!status && !step.is_done)
        status = grt_ranking_step(&step, ranking, err);
    if (!status) status = grt_ranking_result(out, ranking, err);
    grt_ranking_free(ranking);
    return status;
}

grt_status grt_rank_experiment(grt_result **out, grt_model *model,
                               const grt_request *request,
                               const grt_experiment *experiment, grt_error *err)
{
    (void)experiment;
    return grt_rank(out, model, request, err);
}

/* ---- Calibration ---- */

enum { MAX_KNOWN = 100, KEY_BYTES = 200, FIT_STEPS = 4, MAX_ROWS = 12 };

/* The samples are a text file: a line that names the model, then one for each query. */
struct grt_calibration {
    grt_model *model;
    grt_calibration_options options;
    FILE *file;
    char keys[MAX_KNOWN][KEY_BYTES];
    size_t n;
    volatile sig_atomic_t is_cancelled;
    grt_calibration_row rows[MAX_ROWS];
    size_t n_rows;
    size_t n_layers;
    size_t n_replaced;
    grt_ranking *ranking; /* of the query at hand */
    char key[KEY_BYTES];
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

/* What the profile says that stands in the new one's place. */
static size_t read_replaced(const char *path)
{
    size_t n = 0;
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "grating profile of %zu queries", &n) != 1) n = 0;
    if (file) fclose(file);
    return n;
}

grt_status grt_calibration_open(grt_calibration **out, grt_model *model,
                                const grt_calibration_options *options, grt_error *err)
{
    if (model->profile)
        return fail(err, GRT_E_FORMAT, "opened with a profile", model->path);
    size_t n_replaced = read_replaced(options->profile_path);
    if (!can_create(options->profile_path))
        return fail_errno(err, "creating it", options->profile_path);
    FILE *file = fopen(options->samples_path, "r+");
    if (!file) file = fopen(options->samples_path, "w+");
    if (!file) return fail_errno(err, "opening it for writing", options->samples_path);
    grt_calibration *calibration = zeros(1, sizeof *calibration);
    calibration->model = model;
    calibration->options = *options;
    calibration->file = file;
    calibration->n_replaced = n_replaced;
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
    grt_ranking_free(calibration->ranking);
    fclose(calibration->file);
    free(calibration);
}

size_t grt_calibration_count(const grt_calibration *calibration)
{
    return calibration->n;
}

size_t grt_calibration_replaced(const grt_calibration *calibration)
{
    return calibration->n_replaced;
}

static int is_known(const grt_calibration *calibration, const char *key)
{
    for (size_t i = 0; i < calibration->n; i++) {
        if (strcmp(calibration->keys[i], key) == 0) return 1;
    }
    return 0;
}

grt_status grt_calibration_start(grt_calibration *calibration,
                                 const grt_request *request, grt_error *err)
{
    const char *instruction = request->instruction ? request->instruction : "none";
    if (request->n_documents < 2 || calibration->ranking) abort();
    snprintf(calibration->key, KEY_BYTES, "%s, %zu documents, instruction %s\n",
             request->query, request->n_documents, instruction);
    if (is_known(calibration, calibration->key)) return GRT_OK;
    return grt_ranking_open(&calibration->ranking, calibration->model, request, err);
}

static grt_status step_ranking(grt_calibration *calibration, grt_step *step,
                               grt_error *err)
{
    grt_status status = grt_ranking_step(step, calibration->ranking, err);
    if (!status && calibration->is_cancelled)
        status = fail(err, GRT_E_CANCELLED, "cancelled by the caller",
                      calibration->model->path);
    if (status || !step->is_done) return status;
    status = append(calibration, calibration->key, err);
    if (!status) remember(calibration, calibration->key);
    return status;
}

grt_status grt_calibration_step(grt_calibration_progress *out,
                                grt_calibration *calibration, grt_error *err)
{
    grt_calibration_progress progress = {.is_done = 1};
    grt_step step = GRT_STEP_INIT;
    if (calibration->ranking) {
        grt_status status = step_ranking(calibration, &step, err);
        progress = (grt_calibration_progress){
            .is_done = step.is_done, .done = step.layer, .total = N_LAYERS};
        if (status || step.is_done) {
            grt_ranking_free(calibration->ranking);
            calibration->ranking = NULL;
        }
        if (status) return status;
    }
    give(out, &progress, sizeof progress);
    return GRT_OK;
}

grt_status grt_calibration_plan_fit(const grt_calibration *calibration,
                                    size_t n_queries, size_t n_documents,
                                    grt_error *err)
{
    (void)calibration;
    (void)n_queries;
    (void)n_documents;
    (void)err;
    return GRT_OK;
}

void grt_calibration_cancel(grt_calibration *calibration)
{
    calibration->is_cancelled = 1;
}

static void add_row(grt_calibration *calibration, grt_policy policy, int has_readouts,
                    size_t k)
{
    float precision = calibration->options.precision;
    grt_calibration_row row = {.struct_size = sizeof row,
                               .policy = policy,
                               .has_readouts = has_readouts,
                               .k = k,
                               .precision = precision > 0 ? precision : 0.99F,
                               .reached = 1,
                               .reached_low = 0.995F,
                               .reached_high = 1,
                               .computed = has_readouts ? 0.25F : 0.5F,
                               .drift = 1.125F};
    int is_doubtful = behaves(calibration->model, "doubtful");
    if (has_readouts && (is_doubtful || behaves(calibration->model, "misses"))) {
        row.reached = row.precision - 0.0625F;
        row.reached_low = row.reached - 0.0625F;
        row.reached_high = row.precision + (is_doubtful ? 0.001F : -0.001F);
    }
    calibration->rows[calibration->n_rows++] = row;
}

static void make_report(grt_calibration *calibration)
{
    static const size_t ks[] = {1, 5, 10, 20};
    size_t k_max = calibration->options.k_max ? calibration->options.k_max : 10;
    calibration->n_rows = 0;
    calibration->n_layers = behaves(calibration->model, "deep") ? 13 : N_LAYERS;
    for (size_t i = 0; i < 4 && ks[i] <= k_max; i++) {
        add_row(calibration, GRT_POLICY_BOUND, 1, ks[i]);
        add_row(calibration, GRT_POLICY_BOUND, 0, ks[i]);
        add_row(calibration, GRT_POLICY_CLUSTER, 0, ks[i]);
    }
}

grt_status grt_calibration_fit(grt_calibration_report *out,
                               grt_calibration *calibration,
                               grt_calibration_fit_fn *progress, void *payload,
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
        if (progress(i, FIT_STEPS, payload) || calibration->is_cancelled)
            return fail(err, GRT_E_CANCELLED, "cancelled by the caller", model->path);
    }
    FILE *file = fopen(path, "w");
    if (!file) return fail_errno(err, "writing", path);
    fprintf(file, "grating profile of %zu queries\n", calibration->n);
    if (fclose(file) != 0) return fail_errno(err, "writing", path);
    make_report(calibration);
    grt_calibration_report report = {.n_fitted = calibration->n - calibration->n / 4,
                                     .n_reported = calibration->n / 4,
                                     .n_layers = calibration->n_layers,
                                     .n_rows = calibration->n_rows,
                                     .profile_path = path};
    give(out, &report, sizeof report);
    return GRT_OK;
}

grt_status grt_calibration_report_row(const grt_calibration *calibration, size_t i,
                                      grt_calibration_row *out)
{
    if (i >= calibration->n_rows) return GRT_E_INVALID_ARG;
    give(out, &calibration->rows[i], sizeof *out);
    return GRT_OK;
}

grt_status grt_calibration_gamma(const grt_calibration *calibration, size_t layer,
                                 float *head, float *readout)
{
    if (layer == 0 || layer >= calibration->n_layers) return GRT_E_INVALID_ARG;
    *head = (float)(layer - 1) / 16 - 0.125F;
    *readout = 0.25F + (float)(layer - 1) / 16;
    return GRT_OK;
}

/* ---- The machine ---- */

grt_status grt_kernel_describe(size_t i, grt_kernel_info *out)
{
    static const grt_kernel_info kernels[N_KERNELS] = {
        {.operation = "gemm_f32", .isa = "avx512", .reason = "this CPU lacks it"},
        {.operation = "gemm_f32", .isa = "avx2", .is_chosen = 1},
        {.operation = "gemm_f32", .isa = "scalar", .reason = "a better one runs"},
        {.operation = "softmax", .isa = "scalar", .is_chosen = 1}};
    if (i >= N_KERNELS) return GRT_E_INVALID_ARG;
    give(out, &kernels[i], sizeof kernels[i]);
    return GRT_OK;
}

const char *grt_cpu_features_text(void)
{
    return "avx2 fma";
}
