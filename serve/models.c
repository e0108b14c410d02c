/* models.c - checkpoints by name. */
#include "serve/models.h"

#include "serve/clock.h"

#include <stdlib.h>
#include <string.h>

grt_status serve_models_init(serve_models *models, const serve_options *options,
                             grt_engine *engine, grt_error *err)
{
    *models = (serve_models){.options = options, .engine = engine};
    pthread_mutex_init(&models->lock, NULL);
    pthread_cond_init(&models->has_changed, NULL);
    models->checkpoints = calloc(options->n_aliases, sizeof *models->checkpoints);
    models->of_alias = calloc(options->n_aliases, sizeof *models->of_alias);
    if (!models->checkpoints || !models->of_alias) {
        *err = (grt_error){.status = GRT_E_NO_MEMORY, .offset = -1};
        return GRT_E_NO_MEMORY;
    }
    for (size_t i = 0; i < options->n_aliases; i++) {
        size_t at = 0;
        while (at < models->n &&
               strcmp(models->checkpoints[at].path, options->aliases[i].path) != 0)
            at++;
        if (at == models->n)
            models->checkpoints[models->n++].path = options->aliases[i].path;
        models->of_alias[i] = at;
    }
    return GRT_OK;
}

void serve_models_release(serve_models *models)
{
    for (size_t i = 0; i < models->n; i++)
        grt_model_close(models->checkpoints[i].model);
    free(models->checkpoints);
    free(models->of_alias);
    pthread_cond_destroy(&models->has_changed);
    pthread_mutex_destroy(&models->lock);
    *models = (serve_models){0};
}

size_t serve_models_find(const serve_models *models, const char *name)
{
    for (size_t i = 0; name && i < models->options->n_aliases; i++) {
        if (strcmp(models->options->aliases[i].name, name) == 0) return i;
    }
    return 0;
}

/* The lock is held, and is let go while a model is closed. */
static size_t unload(serve_models *models, uint64_t idle_ns)
{
    size_t n_closed = 0;
    for (size_t i = 0; i < models->n; i++) {
        serve_checkpoint *one = &models->checkpoints[i];
        if (!one->model || one->n_users || one->is_opening) continue;
        if (!one->is_stale && serve_now_ns() - one->used_ns < idle_ns) continue;
        grt_model *model = one->model;
        one->model = NULL;
        one->is_stale = 0;
        one->is_opening = 1; /* nobody opens it while it is being closed */
        pthread_mutex_unlock(&models->lock);
        grt_model_close(model);
        if (models->options->trim) models->options->trim();
        pthread_mutex_lock(&models->lock);
        one->is_opening = 0;
        n_closed++;
    }
    if (n_closed) pthread_cond_broadcast(&models->has_changed);
    return n_closed;
}

size_t serve_models_unload(serve_models *models, uint64_t idle_ns)
{
    pthread_mutex_lock(&models->lock);
    size_t n = unload(models, idle_ns);
    pthread_mutex_unlock(&models->lock);
    return n;
}

/* Opens without the lock; what is idle goes where memory does not suffice. */
static grt_status open_model(serve_models *models, serve_checkpoint *one,
                             grt_model **out, grt_error *err)
{
    grt_status status =
        grt_model_open(out, models->engine, one->path, &models->options->model, err);
    if (status != GRT_E_NO_MEMORY && status != GRT_E_BUSY) return status;
    if (serve_models_unload(models, 0) == 0) return status;
    return grt_model_open(out, models->engine, one->path, &models->options->model, err);
}

serve_fault_kind serve_models_take(serve_models *models, size_t alias, grt_model **out,
                                   serve_fault *fault)
{
    serve_checkpoint *one = &models->checkpoints[models->of_alias[alias]];
    grt_error error = {0};
    grt_status status = GRT_OK;
    pthread_mutex_lock(&models->lock);
    while (one->is_opening)
        pthread_cond_wait(&models->has_changed, &models->lock);
    if (one->is_stale && one->model && one->n_users == 0)
        (void)unload(models, SIZE_MAX);
    while (one->is_opening)
        pthread_cond_wait(&models->has_changed, &models->lock);
    if (!one->model) {
        grt_model *model = NULL;
        uint64_t begun = serve_now_ns();
        one->is_opening = 1;
        pthread_mutex_unlock(&models->lock);
        status = open_model(models, one, &model, &error);
        if (models->options->trim) models->options->trim();
        pthread_mutex_lock(&models->lock);
        one->is_opening = 0;
        one->model = model;
        one->n_opened += status == GRT_OK;
        one->open_ns = serve_now_ns() - begun;
        pthread_cond_broadcast(&models->has_changed);
    }
    if (!status) {
        one->n_users++;
        *out = one->model;
    }
    pthread_mutex_unlock(&models->lock);
    if (!status) return SERVE_OK;
    (void)serve_fail_status(fault, status, &error);
    /* A checkpoint that this version does not know is the model's fault. */
    if (status == GRT_E_UNSUPPORTED || status == GRT_E_INVALID_ARG)
        fault->kind = SERVE_BAD_MODEL;
    return fault->kind;
}

void serve_models_give_back(serve_models *models, size_t alias, int is_stale)
{
    serve_checkpoint *one = &models->checkpoints[models->of_alias[alias]];
    pthread_mutex_lock(&models->lock);
    one->n_users--;
    one->used_ns = serve_now_ns();
    one->is_stale |= is_stale;
    pthread_mutex_unlock(&models->lock);
}

int serve_models_is_open(serve_models *models, size_t alias)
{
    const serve_checkpoint *one = &models->checkpoints[models->of_alias[alias]];
    pthread_mutex_lock(&models->lock);
    int is_open = one->model != NULL;
    pthread_mutex_unlock(&models->lock);
    return is_open;
}
