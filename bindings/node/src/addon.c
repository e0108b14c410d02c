/* addon.c - libgrating for Node: engines, models and rankings as externals, which
 * lib/index.js wraps in classes.
 *
 * Opening runs in libuv's pool; a ranking has a thread of its own, so that long ones
 * leave the pool to others, and can be ended with their environment, which waits for
 * the pool.  Both settle a promise.  A job keeps the externals that it uses alive; an
 * external is freed by the garbage collector. */
#include "addon.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

NODE_ENUM(grt_arithmetic)
NODE_ENUM(grt_hidden_storage)

typedef struct node_engine {
    grt_engine *engine;
} node_engine;

typedef struct node_model {
    grt_model *model; /* NULL: closed */
    napi_ref engine;  /* the external of the engine that it was opened on, or NULL */
    size_t n_jobs;
} node_model;

/* A model that is being opened, or a ranking. */
typedef struct job {
    napi_env env;
    struct job *before, *after; /* in the list of those that work in this environment */
    napi_async_work work;
    napi_deferred deferred;
    napi_ref self, model_value; /* externals */
    node_model *model;
    grt_status status;
    grt_error err;
    /* of an opening */
    char *path;
    grt_engine *engine;
    grt_model_options options;
    char *profile;
    /* of a ranking */
    node_request request;
    grt_ranking *ranking;
    grt_result *result;
    pthread_t thread;
    bool has_thread, has_listener;
    struct message *last; /* settles the promise; made before, so that it cannot fail */
    napi_threadsafe_function messages; /* to JavaScript's thread */
} job;

/* A step that is on its way to JavaScript; `job` is set in the last message alone,
 * which settles the promise after all steps have been told. */
typedef struct message {
    job *last;
    grt_step step;
    size_t *indices;
    float *logits;
    int32_t *states;
} message;

static void message_free(message *self)
{
    if (!self) return;
    free(self->indices);
    free(self->logits);
    free(self->states);
    free(self);
}

/* ---- Externals ---- */

static void *external_of(napi_env env, napi_value value, const char *what)
{
    void *found = NULL;
    napi_valuetype type;
    NODE_TRY(env, napi_typeof(env, value, &type), NULL);
    if (type != napi_external) {
        (void)node_type_error(env, what, "what this addon made");
        return NULL;
    }
    NODE_TRY(env, napi_get_value_external(env, value, &found), NULL);
    return found;
}

static void free_engine(napi_env env, void *data, void *hint)
{
    node_engine *self = data;
    (void)env, (void)hint;
    grt_engine_free(self->engine);
    free(self);
}

static void free_model(napi_env env, void *data, void *hint)
{
    node_model *self = data;
    (void)hint;
    grt_model_close(self->model);
    if (self->engine) (void)napi_delete_reference(env, self->engine);
    free(self);
}

/* A job's own external is held while it works, so that nothing is in use here. */
static void free_job(napi_env env, void *data, void *hint)
{
    (void)env, (void)hint;
    job *self = data;
    grt_result_free(self->result);
    grt_ranking_free(self->ranking);
    node_request_release(&self->request);
    message_free(self->last);
    free(self->path);
    free(self->profile);
    free(self);
}

static napi_value no_memory(napi_env env)
{
    (void)napi_throw_error(env, "GRT_E_NO_MEMORY", "no memory");
    return NULL;
}

/* ---- Engines ---- */

static napi_value create_engine(napi_env env, napi_callback_info info)
{
    napi_value options, value;
    size_t n = 1;
    double threads = 0, memory = 0;
    grt_hidden_storage hidden = GRT_HIDDEN_AUTO;
    grt_error err;
    NODE_TRY(env, napi_get_cb_info(env, info, &n, &options, NULL, NULL), NULL);
    if (!node_number_of(env, options, "threads", 0, 1024, &threads) ||
        !node_number_of(env, options, "memoryBytes", 0, 1e15, &memory) ||
        !node_grt_hidden_storage_of(env, options, "hidden", &hidden))
        return NULL;
    grt_engine_options wanted = GRT_ENGINE_OPTIONS_INIT;
    wanted.n_threads = (size_t)threads;
    wanted.memory_bytes = (uint64_t)memory;
    wanted.hidden = hidden;
    node_engine *self = calloc(1, sizeof *self);
    if (!self) return no_memory(env);
    grt_status status = grt_engine_create(&self->engine, &wanted, &err);
    if (status) {
        free(self);
        (void)napi_throw(env, node_error(env, status, &err));
        return NULL;
    }
    if (napi_create_external(env, self, free_engine, NULL, &value) != napi_ok) {
        free_engine(env, self, NULL);
        node_failed(env);
        return NULL;
    }
    return value;
}

/* ---- Jobs ---- */

/* Those of one environment (a worker thread has its own), for when it ends. */
typedef struct jobs {
    job *first;
} jobs;

static void add_job(napi_env env, job *self)
{
    jobs *all = NULL;
    (void)napi_get_instance_data(env, (void **)&all);
    if (!all) return;
    self->after = all->first;
    if (all->first) all->first->before = self;
    all->first = self;
}

static void remove_job(napi_env env, job *self)
{
    jobs *all = NULL;
    (void)napi_get_instance_data(env, (void **)&all);
    if (self->before) self->before->after = self->after;
    if (self->after) self->after->before = self->before;
    if (all && all->first == self) all->first = self->after;
    self->before = self->after = NULL;
}

/* A worker that is terminated ends what it has begun. */
static void cancel_all(void *payload)
{
    const jobs *all = payload;
    for (job *one = all->first; one; one = one->after) {
        if (!one->has_thread) continue;
        grt_ranking_cancel(one->ranking);
        (void)pthread_join(one->thread, NULL);
        one->has_thread = false;
    }
}

static void free_jobs(napi_env env, void *data, void *hint)
{
    (void)env, (void)hint;
    free(data);
}

static void reject(napi_env env, job *self)
{
    napi_value error = node_error(env, self->status, &self->err);
    if (error) (void)napi_reject_deferred(env, self->deferred, error);
}

/* Lets go of what a job holds while it works. */
static void let_go(napi_env env, job *self)
{
    remove_job(env, self);
    if (self->model) self->model->n_jobs--;
    if (self->model_value) (void)napi_delete_reference(env, self->model_value);
    if (self->work) (void)napi_delete_async_work(env, self->work);
    if (self->messages)
        (void)napi_release_threadsafe_function(self->messages, napi_tsfn_release);
    (void)napi_delete_reference(env, self->self); /* last: may free the job */
}

/* Gives {promise, job}; the job is in the list, and held until let_go. */
static napi_value promise_of(napi_env env, job *self)
{
    napi_value object, promise, external;
    if (napi_create_external(env, self, free_job, NULL, &external) != napi_ok) {
        free_job(env, self, NULL);
        node_failed(env);
        return NULL;
    }
    self->env = env;
    NODE_TRY(env, napi_create_object(env, &object), NULL);
    NODE_TRY(env, napi_create_promise(env, &self->deferred, &promise), NULL);
    NODE_TRY(env, napi_set_named_property(env, object, "promise", promise), NULL);
    NODE_TRY(env, napi_set_named_property(env, object, "job", external), NULL);
    NODE_TRY(env, napi_create_reference(env, external, 1, &self->self), NULL);
    if (self->model) self->model->n_jobs++;
    add_job(env, self);
    return object;
}

/* ---- Opening ---- */

static void open_execute(napi_env env, void *data)
{
    job *self = data;
    (void)env;
    grt_model_place place = GRT_MODEL_PLACE_INIT;
    if (!self->path) {
        self->status = grt_model_find(&place, NULL, &self->err);
        if (self->status) return;
    }
    self->status = grt_model_open(&self->model->model, self->engine,
                                  self->path ? self->path : place.path, &self->options,
                                  &self->err);
}

static void open_complete(napi_env env, napi_status cancelled, void *data)
{
    job *self = data;
    napi_value value;
    node_model *model = self->model;
    (void)cancelled;
    if (!self->status &&
        napi_create_external(env, model, free_model, NULL, &value) == napi_ok)
        (void)napi_resolve_deferred(env, self->deferred, value);
    else
        reject(env, self);
    bool is_given = !self->status;
    model->n_jobs--;
    self->model = NULL;
    if (!is_given) free_model(env, model, NULL);
    let_go(env, self);
}

static bool read_open(napi_env env, job *self, napi_value path, napi_value engine,
                      napi_value options)
{
    napi_valuetype type;
    size_t n_bytes;
    double layer = 0;
    grt_arithmetic arithmetic = GRT_ARITHMETIC_AUTO;
    NODE_TRY(env, napi_typeof(env, path, &type), false);
    if (type != napi_undefined && type != napi_null &&
        !node_text(env, path, "path", &self->path, &n_bytes))
        return false;
    NODE_TRY(env, napi_typeof(env, engine, &type), false);
    if (type != napi_undefined && type != napi_null) {
        const node_engine *given = external_of(env, engine, "engine");
        if (!given) return false;
        self->engine = given->engine;
        NODE_TRY(env, napi_create_reference(env, engine, 1, &self->model->engine),
                 false);
    }
    if (!node_text_of(env, options, "profile", &self->profile, &n_bytes) ||
        !node_number_of(env, options, "cutoffLayer", 0, 1e6, &layer) ||
        !node_grt_arithmetic_of(env, options, "arithmetic", &arithmetic))
        return false;
    self->options = (grt_model_options)GRT_MODEL_OPTIONS_INIT;
    self->options.profile_path = self->profile;
    self->options.cutoff_layer = (size_t)layer;
    self->options.arithmetic = arithmetic;
    return true;
}

/* openModel(path or undefined, engine or undefined, options) */
static napi_value open_model(napi_env env, napi_callback_info info)
{
    napi_value argv[3];
    size_t n = 3;
    NODE_TRY(env, napi_get_cb_info(env, info, &n, argv, NULL, NULL), NULL);
    job *self = calloc(1, sizeof *self);
    node_model *model = calloc(1, sizeof *model);
    if (self) self->model = model;
    if (!self || !model || !read_open(env, self, argv[0], argv[1], argv[2])) {
        bool is_full = !self || !model;
        if (model) free_model(env, model, NULL);
        if (self) free_job(env, self, NULL);
        return is_full ? no_memory(env) : NULL;
    }
    napi_value object = promise_of(env, self), title;
    if (!object) return NULL;
    NODE_TRY(env,
             napi_create_string_utf8(env, "grating.open", NAPI_AUTO_LENGTH, &title),
             NULL);
    NODE_TRY(env,
             napi_create_async_work(env, NULL, title, open_execute, open_complete, self,
                                    &self->work),
             NULL);
    NODE_TRY(env, napi_queue_async_work(env, self->work), NULL);
    return object;
}

static napi_value close_model(napi_env env, napi_callback_info info)
{
    napi_value value;
    size_t n = 1;
    NODE_TRY(env, napi_get_cb_info(env, info, &n, &value, NULL, NULL), NULL);
    node_model *model = external_of(env, value, "model");
    if (!model) return NULL;
    if (model->n_jobs) {
        (void)napi_throw_error(env, "GRT_E_INVALID_ARG",
                               "rankings of the model are open");
        return NULL;
    }
    grt_model_close(model->model);
    model->model = NULL;
    return NULL;
}

static node_model *open_one(napi_env env, napi_value value)
{
    node_model *model = external_of(env, value, "model");
    if (model && model->model) return model;
    if (model) (void)napi_throw_error(env, "GRT_E_INVALID_ARG", "the model is closed");
    return NULL;
}

static napi_value describe_model(napi_env env, napi_callback_info info)
{
    napi_value value, out;
    size_t n = 1;
    NODE_TRY(env, napi_get_cb_info(env, info, &n, &value, NULL, NULL), NULL);
    const node_model *model = open_one(env, value);
    if (!model) return NULL;
    grt_model_info found = GRT_MODEL_INFO_INIT;
    grt_model_describe(model->model, &found);
    NODE_TRY(env, napi_create_object(env, &out), NULL);
    bool is_set =
        node_set_text(env, out, "architecture", found.architecture) &&
        node_set_text(env, out, "format", found.format) &&
        node_set_text(env, out, "tokenizer", found.tokenizer) &&
        node_set_text(env, out, "head", found.head) &&
        node_set_text(env, out, "profile", found.profile) &&
        node_set_text(env, out, "isa", found.isa) &&
        node_set_text(env, out, "arithmetic", grt_arithmetic_text(found.arithmetic)) &&
        node_set_number(env, out, "nLayers", (double)found.n_layers) &&
        node_set_number(env, out, "hiddenSize", (double)found.hidden_size) &&
        node_set_number(env, out, "maxTokens", (double)found.max_tokens) &&
        node_set_number(env, out, "nParameters", (double)found.n_parameters);
    return is_set ? out : NULL;
}

/* ---- Ranking ---- */

static void *copied(const void *values, size_t n, size_t width)
{
    void *copy = malloc(n * width + 1);
    if (copy && n) memcpy(copy, values, n * width);
    return copy;
}

/* A step that cannot be copied is not told; nothing is while the environment ends. */
static void tell_step(const job *self, const grt_step *step)
{
    message *sent = calloc(1, sizeof *sent);
    if (!sent) return;
    sent->step = *step;
    sent->indices = copied(step->indices, step->n, sizeof *step->indices);
    sent->logits = copied(step->scores, step->n, sizeof *step->scores);
    sent->states = copied(step->states, step->n, sizeof *step->states);
    if (!sent->indices || !sent->logits || !sent->states ||
        napi_call_threadsafe_function(self->messages, sent, napi_tsfn_nonblocking) !=
            napi_ok)
        message_free(sent);
}

static void *compute(void *data)
{
    job *self = data;
    grt_step step = GRT_STEP_INIT;
    do {
        self->status = grt_ranking_step(&step, self->ranking, &self->err);
        if (!self->status && self->has_listener) tell_step(self, &step);
    } while (!self->status && !step.is_done);
    if (!self->status)
        self->status = grt_ranking_result(&self->result, self->ranking, &self->err);
    message *last = self->last;
    self->last = NULL; /* freed by who takes it */
    if (napi_call_threadsafe_function(self->messages, last, napi_tsfn_nonblocking) !=
        napi_ok)
        message_free(last);
    return NULL;
}

static bool set_indices(napi_env env, napi_value out, const char *name,
                        const size_t *values, size_t n)
{
    uint32_t *narrow = malloc(n * sizeof *narrow + 1);
    if (!narrow) return no_memory(env), false;
    for (size_t i = 0; i < n; i++)
        narrow[i] = (uint32_t)values[i];
    bool is_set = node_set_array(env, out, name, napi_uint32_array, narrow, n, 4);
    free(narrow);
    return is_set;
}

static bool set_stats(napi_env env, napi_value out, const grt_result *result)
{
    grt_stats stats = GRT_STATS_INIT;
    napi_value made;
    grt_result_stats(result, &stats);
    NODE_TRY(env, napi_create_object(env, &made), false);
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"nDocuments", (double)stats.n_documents},
                   {"nLayers", (double)stats.n_layers},
                   {"nTokens", (double)stats.n_tokens},
                   {"candidatesXLayers", (double)stats.candidates_x_layers},
                   {"weightBytes", (double)stats.weight_bytes},
                   {"memoryBytes", (double)stats.memory_bytes},
                   {"tokenizeMs", (double)stats.tokenize_ns / 1e6},
                   {"computeMs", (double)stats.compute_ns / 1e6},
                   {"totalMs", (double)stats.total_ns / 1e6},
                   {"precision", stats.precision},
                   {"expectedPrecision", stats.expected_precision},
                   {"drift", stats.drift}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (!node_set_number(env, made, numbers[i].name, numbers[i].value))
            return false;
    if (!node_set_text(env, made, "policy", grt_policy_text(stats.policy)) ||
        !node_set_text(env, made, "promise", grt_promise_text(stats.promise)) ||
        !node_set_text(env, made, "arithmetic",
                       grt_arithmetic_text(stats.arithmetic)) ||
        !node_set_bool(env, made, "deadlineHit", stats.deadline_hit != 0))
        return false;
    NODE_TRY(env, napi_set_named_property(env, out, "stats", made), false);
    return true;
}

static bool set_result(napi_env env, napi_value out, const grt_result *result)
{
    size_t n = grt_result_count(result);
    return set_indices(env, out, "indices", grt_result_indices(result), n) &&
           set_indices(env, out, "layers", grt_result_layers(result), n) &&
           set_indices(env, out, "tokens", grt_result_tokens(result), n) &&
           node_set_array(env, out, "scores", napi_float32_array,
                          grt_result_scores(result), n, sizeof(float)) &&
           node_set_array(env, out, "logits", napi_float32_array,
                          grt_result_logits(result), n, sizeof(float)) &&
           node_set_array(env, out, "states", napi_int32_array,
                          grt_result_states(result), n, sizeof(int32_t)) &&
           node_set_array(env, out, "flags", napi_uint32_array,
                          grt_result_flags(result), n, sizeof(uint32_t)) &&
           node_set_number(env, out, "top", (double)grt_result_top(result)) &&
           set_stats(env, out, result);
}

static void settle(napi_env env, job *self)
{
    napi_value out, error;
    if (self->has_thread) (void)pthread_join(self->thread, NULL);
    self->has_thread = false;
    if (self->status) {
        reject(env, self);
    } else if (napi_create_object(env, &out) == napi_ok &&
               set_result(env, out, self->result)) {
        (void)napi_resolve_deferred(env, self->deferred, out);
    } else if (napi_get_and_clear_last_exception(env, &error) == napi_ok) {
        (void)napi_reject_deferred(env, self->deferred, error);
    }
    /* Memory and texts are given back now, not when the garbage is collected. */
    grt_ranking_free(self->ranking);
    grt_result_free(self->result);
    node_request_release(&self->request);
    self->ranking = NULL;
    self->result = NULL;
    let_go(env, self);
}

static bool set_step(napi_env env, napi_value out, const message *told)
{
    const grt_step *step = &told->step;
    return node_set_number(env, out, "layer", (double)step->layer) &&
           node_set_number(env, out, "nLayers", (double)step->n_layers) &&
           node_set_number(env, out, "nActive", (double)step->n_active) &&
           node_set_number(env, out, "nSelected", (double)step->n_selected) &&
           node_set_number(env, out, "nDropped", (double)step->n_dropped) &&
           node_set_number(env, out, "elapsedMs", (double)step->elapsed_ns / 1e6) &&
           node_set_number(env, out, "expectedPrecision", step->expected_precision) &&
           node_set_bool(env, out, "isDone", step->is_done != 0) &&
           set_indices(env, out, "indices", told->indices, step->n) &&
           node_set_array(env, out, "logits", napi_float32_array, told->logits, step->n,
                          sizeof(float)) &&
           node_set_array(env, out, "states", napi_int32_array, told->states, step->n,
                          sizeof(int32_t));
}

/* env is NULL while the environment ends. */
static void take_message(napi_env env, napi_value listener, void *context, void *data)
{
    message *told = data;
    napi_value out, nothing, error;
    job *self = context;
    if (env && told->last) {
        settle(env, told->last);
    } else if (env && napi_get_undefined(env, &nothing) == napi_ok &&
               napi_create_object(env, &out) == napi_ok && set_step(env, out, told) &&
               napi_call_function(env, nothing, listener, 1, &out, NULL) ==
                   napi_pending_exception &&
               napi_get_and_clear_last_exception(env, &error) == napi_ok) {
        /* What a listener throws ends the ranking; lib/index.js keeps it. */
        grt_ranking_cancel(self->ranking);
    }
    message_free(told);
}

static bool open_messages(napi_env env, job *self, napi_value listener)
{
    napi_valuetype type;
    napi_value title;
    NODE_TRY(env, napi_typeof(env, listener, &type), false);
    self->has_listener = type == napi_function;
    if (!self->has_listener && type != napi_undefined && type != napi_null)
        return node_type_error(env, "onLayer", "a function");
    NODE_TRY(env,
             napi_create_string_utf8(env, "grating.rank", NAPI_AUTO_LENGTH, &title),
             false);
    NODE_TRY(env,
             napi_create_threadsafe_function(env, self->has_listener ? listener : NULL,
                                             NULL, title, 0, 1, NULL, NULL, self,
                                             take_message, &self->messages),
             false);
    return true;
}

/* rank(model, query, documents, options, onLayer or undefined) */
static napi_value rank(napi_env env, napi_callback_info info)
{
    napi_value argv[5];
    size_t n = 5;
    NODE_TRY(env, napi_get_cb_info(env, info, &n, argv, NULL, NULL), NULL);
    node_model *model = open_one(env, argv[0]);
    if (!model) return NULL;
    job *self = calloc(1, sizeof *self);
    if (!self) return no_memory(env);
    if (!node_request_read(env, &self->request, argv[1], argv[2], argv[3])) {
        free_job(env, self, NULL);
        return NULL;
    }
    grt_status status =
        grt_ranking_open(&self->ranking, model->model, &self->request.raw, &self->err);
    if (status) {
        (void)napi_throw(env, node_error(env, status, &self->err));
        free_job(env, self, NULL);
        return NULL;
    }
    self->model = model;
    self->last = calloc(1, sizeof *self->last);
    if (!self->last || !open_messages(env, self, argv[4]) ||
        napi_create_reference(env, argv[0], 1, &self->model_value) != napi_ok) {
        node_failed(env);
        free_job(env, self, NULL);
        return NULL;
    }
    self->last->last = self;
    napi_value object = promise_of(env, self);
    if (!object) return NULL;
    self->has_thread = pthread_create(&self->thread, NULL, compute, self) == 0;
    if (!self->has_thread) {
        self->status = GRT_E_NO_MEMORY;
        (void)snprintf(self->err.text, sizeof self->err.text,
                       "no thread for the ranking");
        settle(env, self);
    }
    return object;
}

static napi_value cancel(napi_env env, napi_callback_info info)
{
    napi_value value;
    size_t n = 1;
    NODE_TRY(env, napi_get_cb_info(env, info, &n, &value, NULL, NULL), NULL);
    job *self = external_of(env, value, "job");
    if (self && self->ranking) grt_ranking_cancel(self->ranking);
    return NULL;
}

/* ---- What this is ---- */

static int add_place(const grt_model_place *place, void *payload)
{
    void **both = payload;
    napi_env env = both[0];
    napi_value list = both[1], one;
    uint32_t n = 0;
    if (napi_create_object(env, &one) != napi_ok ||
        !node_set_text(env, one, "name", place->name) ||
        !node_set_text(env, one, "path", place->path[0] ? place->path : NULL) ||
        !node_set_text(env, one, "source", grt_model_source_text(place->source)) ||
        !node_set_text(env, one, "note", place->note[0] ? place->note : NULL) ||
        napi_get_array_length(env, list, &n) != napi_ok ||
        napi_set_element(env, list, n, one) != napi_ok)
        return 1;
    return 0;
}

static napi_value list_models(napi_env env, napi_callback_info info)
{
    napi_value list;
    (void)info;
    NODE_TRY(env, napi_create_array(env, &list), NULL);
    void *both[2] = {env, list};
    (void)grt_models_walk(add_place, both);
    return list;
}

NAPI_MODULE_INIT()
{
    static const struct {
        const char *name;
        napi_callback call;
    } functions[] = {{"createEngine", create_engine},
                     {"openModel", open_model},
                     {"closeModel", close_model},
                     {"describeModel", describe_model},
                     {"rank", rank},
                     {"cancel", cancel},
                     {"listModels", list_models}};
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        napi_value made;
        NODE_TRY(env,
                 napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH,
                                      functions[i].call, NULL, &made),
                 NULL);
        NODE_TRY(env, napi_set_named_property(env, exports, functions[i].name, made),
                 NULL);
    }
    jobs *all = calloc(1, sizeof *all);
    if (!all) return no_memory(env);
    NODE_TRY(env, napi_set_instance_data(env, all, free_jobs, NULL), NULL);
    NODE_TRY(env, napi_add_env_cleanup_hook(env, cancel_all, all), NULL);
    if (!node_set_text(env, exports, "version", grt_version())) return NULL;
    return exports;
}
