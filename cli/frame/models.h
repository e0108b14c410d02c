/*
 * models.h - models by name: those that come along, and those that other programs have
 * downloaded already.
 */
#ifndef CLI_MODELS_H
#define CLI_MODELS_H

#include "frame/cli.h"

typedef enum cli_model_source {
    CLI_MODEL_BUNDLED,
    CLI_MODEL_HUGGING_FACE,
    CLI_MODEL_OLLAMA
} cli_model_source;

/* One that was found; borrowed for the call. */
typedef struct cli_model_place {
    cli_model_source source;
    const char *name;    /* that --model takes */
    const char *path;    /* NULL: it cannot be opened */
    const char *problem; /* why, where there is no path */
} cli_model_place;

/* Not 0 ends the walk. */
typedef int cli_model_fn(const cli_model_place *model, void *payload);

/* Walks over all models: bundled ones, then the Hugging Face cache, then Ollama's
 * store, each by name.  What is in them is not looked at. */
int cli_models_walk(cli_model_fn *fn, void *payload);

#endif
