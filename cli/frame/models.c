/*
 * models.c - the model that a command is to use, and what else there is.
 */
#include "frame/cli.h"
#include "frame/file.h"
#include "frame/near.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_BYTES = 600 };

static const char ollama_prefix[] = "ollama:";

/* Names that are here, and the one nearest to what was typed. */
typedef struct known {
    cli_near near;
    char list[LIST_BYTES];
    size_t n, n_left;
} known;

static int keep_known(const grt_model_place *model, void *payload)
{
    known *self = payload;
    size_t used = strlen(self->list), n = strlen(model->name) + 2;
    if (!model->path[0]) return 0;
    const char *slash = strrchr(model->name, '/');
    cli_near_try(&self->near, model->name);
    if (slash) cli_near_try_as(&self->near, slash + 1, model->name);
    self->n++;
    if (used + n >= LIST_BYTES || self->n_left)
        self->n_left++;
    else
        snprintf(self->list + used, LIST_BYTES - used, "%s%s", used ? ", " : "",
                 model->name);
    return 0;
}

/* `error` says that nobody has a model of this name. */
static int fail_unknown(const char *name, const grt_error *error)
{
    known here = {.n = 0};
    grt_model_place place = GRT_MODEL_PLACE_INIT;
    char other[512];
    snprintf(other, sizeof other, "%s%s", ollama_prefix, name);
    if (strncmp(name, ollama_prefix, strlen(ollama_prefix)) != 0 &&
        grt_model_find(&place, other, NULL) == GRT_OK)
        return cli_fail("no model \"%s\"; Ollama's is %s", name, other);
    cli_near_init(&here.near, name);
    (void)grt_models_walk(keep_known, &here);
    const char *best = cli_near_best(&here.near);
    (void)cli_fail("%s%s%s%s", error->text, best ? "; did you mean " : "",
                   best ? best : "", best ? "?" : "");
    if (here.n_left)
        cli_note("models that are here: %s, and %zu more (grating models)", here.list,
                 here.n_left);
    else if (here.n)
        cli_note("models that are here: %s", here.list);
    return CLI_FAILURE;
}

/* Whether it is to be a path, about which there is nothing to guess. */
static int is_path(const char *name)
{
    const char *slash = strchr(name, '/'), *dot = strrchr(name, '.');
    if (strncmp(name, ollama_prefix, strlen(ollama_prefix)) == 0) return 0;
    return name[0] == '.' || name[0] == '/' || name[0] == '~' ||
           (slash && strchr(slash + 1, '/')) ||
           (dot && (!strcmp(dot, ".gguf") || !strcmp(dot, ".safetensors")));
}

int cli_find_model(char **out, const char *name)
{
    grt_model_place found = GRT_MODEL_PLACE_INIT;
    grt_error error = {0};
    if (name && !name[0]) return cli_fail("--model: the name is empty");
    if (!name) name = getenv("GRATING_MODEL");
    if (name && !name[0]) name = NULL;
    grt_status status = grt_model_find(&found, name, &error);
    if (status == GRT_E_NOT_FOUND && name && !is_path(name))
        return fail_unknown(name, &error);
    if (status == GRT_E_NOT_FOUND && !name)
        return cli_fail("%s; name a model with --model", error.text);
    if (status) return cli_fail_status(NULL, status, &error);
    if (found.note[0]) cli_note("%s", found.note);
    *out = strdup(found.path);
    if (!*out) return cli_fail("out of memory");
    cli_file_protect(*out);
    return CLI_SUCCESS;
}
