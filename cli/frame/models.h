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

/* One that was found; borrowed for the call.  Not 0 ends the walk. */
typedef int cli_model_fn(cli_model_source source, const char *name, const char *path,
                         void *payload);

/* Walks over all models: bundled ones, then the Hugging Face cache, then Ollama's
 * store, each by name.  What is in them is not looked at. */
int cli_models_walk(cli_model_fn *fn, void *payload);

#endif
