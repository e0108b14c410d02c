/*
 * models.h - checkpoints by name: opened when somebody asks for them, closed when
 * nobody has for long, or when another one needs their memory.  Thread safe.
 */
#ifndef SERVE_MODELS_H
#define SERVE_MODELS_H

#include "serve/options.h"

#include <pthread.h>

/* An open checkpoint, or one that can be opened. */
typedef struct serve_checkpoint {
    const char *path;
    grt_model *model; /* NULL: closed */
    size_t n_users;
    int is_opening;
    int is_stale; /* its file has changed: to be opened anew */
    uint64_t used_ns;
    uint64_t n_opened, open_ns;
} serve_checkpoint;

typedef struct serve_models {
    const serve_options *options;
    grt_engine *engine;
    serve_checkpoint *checkpoints; /* [n], one for each path */
    size_t n;
    size_t *of_alias; /* [n_aliases] */
    pthread_mutex_t lock;
    pthread_cond_t has_changed;
} serve_models;

grt_status serve_models_init(serve_models *models, const serve_options *options,
                             grt_engine *engine, grt_error *err);
/* Nobody may use a model. */
void serve_models_release(serve_models *models);

/* The alias that a name stands for; one that is not known, or NULL, is the first. */
size_t serve_models_find(const serve_models *models, const char *name);
/* The open model of an alias; opens it, or waits for who does.  Must be given back. */
serve_fault_kind serve_models_take(serve_models *models, size_t alias, grt_model **out,
                                   serve_fault *fault);
/* `is_stale`: its file could not be read as it was opened. */
void serve_models_give_back(serve_models *models, size_t alias, int is_stale);
/* Closes those that nobody uses and that were not used for so long; returns how many.
 */
size_t serve_models_unload(serve_models *models, uint64_t idle_ns);
/* 1: it is open. */
int serve_models_is_open(serve_models *models, size_t alias);

#endif
