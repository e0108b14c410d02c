/*
 * models.c - models by name.
 *
 * Bundled ones are in three places, in this order: relative to the executable (a copied
 * or relocated installation), where this build is installed, and the source tree it was
 * built from.  hub.c and ollama.c know where other programs keep theirs.
 */
#include "frame/models.h"

#include "frame/file.h"
#include "frame/hub.h"
#include "frame/near.h"
#include "frame/ollama.h"
#include "frame/places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef GRT_MODELS_DIR
#define GRT_MODELS_DIR "/usr/local/share/grating/models"
#endif
#ifndef GRT_SOURCE_MODELS_DIR
#define GRT_SOURCE_MODELS_DIR "models"
#endif

enum { N_PLACES = 3, LIST_BYTES = 600 };

static const char ollama_prefix[] = "ollama:";

static int give(char **out, const char *text)
{
    *out = strdup(text);
    return *out ? CLI_SUCCESS : cli_fail("out of memory");
}

/* ---- Bundled ones ---- */

/* Writes "<folder above the executable's>/share/grating/models"; "" when unknown. */
static void beside_executable(cli_place *out)
{
    ssize_t length = readlink("/proc/self/exe", out->text, sizeof out->text - 1);
    out->text[length < 0 ? 0 : length] = 0;
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(out->text, '/');
        if (slash) *slash = 0;
    }
    cli_place above = *out;
    if (out->text[0] != '/' ||
        !cli_place_make(out, "%s/share/grating/models", above.text))
        out->text[0] = 0;
}

static void list_places(cli_place out[N_PLACES])
{
    beside_executable(&out[0]);
    (void)cli_place_make(&out[1], "%s", GRT_MODELS_DIR);
    (void)cli_place_make(&out[2], "%s", GRT_SOURCE_MODELS_DIR);
}

int cli_bundled_model(char **out, const char *name, int is_quiet)
{
    cli_place places[N_PLACES], found;
    list_places(places);
    for (size_t i = 0; i < N_PLACES; i++) {
        if (!places[i].text[0]) continue;
        if (cli_place_make(&found, "%s/%s", places[i].text, name) &&
            cli_place_exists(found.text))
            return give(out, found.text);
    }
    if (is_quiet) return CLI_FAILURE;
    return cli_fail("the bundled model %s is in none of %s, %s, %s; "
                    "name a model with --model",
                    name, places[0].text, places[1].text, places[2].text);
}

/* ---- All of them ---- */

typedef struct walk {
    cli_model_fn *fn;
    void *payload;
} walk;

static int tell_bundled(const char *folder, const char *name, void *payload)
{
    const walk *self = payload;
    cli_place found;
    if (!cli_place_make(&found, "%s/%s", folder, name)) return 0;
    if (!cli_place_is_folder(found.text) && !strstr(name, ".gguf")) return 0;
    cli_model_place model = {CLI_MODEL_BUNDLED, name, found.text, NULL};
    return self->fn(&model, self->payload);
}

static int tell_hub(const char *name, const char *path, const char *problem,
                    void *payload)
{
    const walk *self = payload;
    cli_model_place model = {CLI_MODEL_HUGGING_FACE, name, path, problem};
    return self->fn(&model, self->payload);
}

static int tell_ollama(const char *name, const char *path, const char *problem,
                       void *payload)
{
    const walk *self = payload;
    cli_place shown;
    if (!cli_place_make(&shown, "%s%s", ollama_prefix, name)) return 0;
    cli_model_place model = {CLI_MODEL_OLLAMA, shown.text, path, problem};
    return self->fn(&model, self->payload);
}

int cli_models_walk(cli_model_fn *fn, void *payload)
{
    walk self = {fn, payload};
    cli_place places[N_PLACES];
    int code = 0, has_bundled = 0;
    list_places(places);
    /* The first place that is there is the one that names are looked for in. */
    for (size_t i = 0; !code && !has_bundled && i < N_PLACES; i++) {
        has_bundled = places[i].text[0] && cli_place_is_folder(places[i].text);
        if (has_bundled) code = cli_place_walk(places[i].text, tell_bundled, &self);
    }
    if (!code) code = cli_hub_walk(tell_hub, &self);
    if (!code) code = cli_ollama_walk(tell_ollama, &self);
    return code;
}

/* ---- One of them ---- */

/* Names that are here, and the one nearest to what was typed. */
typedef struct known {
    cli_near near;
    char list[LIST_BYTES];
    size_t n, n_left;
} known;

static int keep_known(const cli_model_place *model, void *payload)
{
    known *self = payload;
    size_t used = strlen(self->list), n = strlen(model->name) + 2;
    if (!model->path) return 0;
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

/* `where` says what was looked through, and `advice` what to do; both may be "". */
static int fail_unknown(const char *name, const char *where, const char *advice)
{
    known here = {.n = 0};
    cli_place found;
    char problem[CLI_PROBLEM_BYTES];
    if (strncmp(name, ollama_prefix, strlen(ollama_prefix)) != 0 &&
        cli_ollama_find(&found, name, problem) == CLI_FIND_OK)
        return cli_fail("no model \"%s\"; Ollama's is %s%s", name, ollama_prefix, name);
    cli_near_init(&here.near, name);
    (void)cli_models_walk(keep_known, &here);
    const char *best = cli_near_best(&here.near);
    (void)cli_fail("no model \"%s\"%s%s%s%s%s", name, where, advice,
                   best ? "; did you mean " : "", best ? best : "", best ? "?" : "");
    if (here.n_left)
        cli_note("models that are here: %s, and %zu more (grating models)", here.list,
                 here.n_left);
    else if (here.n)
        cli_note("models that are here: %s", here.list);
    return CLI_FAILURE;
}

/* What looking in the cache came to, where it came to something: an exit code. */
static int take_found(char **out, cli_find state, const cli_place *found,
                      const char *text)
{
    if (state == CLI_FIND_BROKEN) return cli_fail("%s", text);
    if (text[0]) cli_note("%s", text);
    return give(out, found->text);
}

static int find_in_hub(char **out, const char *name)
{
    cli_place found, first, repository, where, advice;
    char problem[CLI_PROBLEM_BYTES];
    cli_find state = cli_hub_find(&found, name, problem);
    if (state != CLI_FIND_NONE) return take_found(out, state, &found, problem);
    cli_hub_first(&first);
    cli_hub_repository(&repository, name);
    (void)cli_place_make(
        &where, ": no such file or folder, and not in the Hugging Face cache %s",
        first.text);
    (void)cli_place_make(&advice, "; \"hf download %s\" fetches it", repository.text);
    return fail_unknown(name, where.text, advice.text);
}

static int find_of_ollama(char **out, const char *name)
{
    cli_place found, advice;
    const char *inner = name + strlen(ollama_prefix);
    char problem[CLI_PROBLEM_BYTES];
    cli_find state = cli_ollama_find(&found, inner, problem);
    if (state != CLI_FIND_NONE) return take_found(out, state, &found, problem);
    (void)cli_place_make(&advice, "; \"ollama pull %s\" fetches it", inner);
    return fail_unknown(name, " of Ollama", inner[0] ? advice.text : "");
}

/* A folder of the Hugging Face cache above its snapshots stands for the model. */
static int find_path(char **out, const char *name)
{
    cli_place found;
    char problem[CLI_PROBLEM_BYTES];
    cli_find state = cli_hub_find_in(&found, name, problem);
    if (state != CLI_FIND_NONE) return take_found(out, state, &found, problem);
    return give(out, name);
}

/* Names as files have them, about which the library says that there is none. */
static int is_file_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && (!strcmp(dot, ".gguf") || !strcmp(dot, ".safetensors"));
}

/* Whether the library, which has the last word, finds nothing under a name. */
static int is_nowhere(const char *name)
{
    grt_model *model = NULL;
    grt_error error = {0};
    grt_status status = grt_model_open(&model, NULL, name, NULL, &error);
    if (!status) grt_model_close(model);
    return status == GRT_E_NOT_FOUND;
}

static int find_plain(char **out, const char *name)
{
    cli_place found;
    char problem[CLI_PROBLEM_BYTES];
    if (cli_bundled_model(out, name, 1) == CLI_SUCCESS) return CLI_SUCCESS;
    cli_find state = cli_hub_find(&found, name, problem); /* of no owner */
    if (state != CLI_FIND_NONE) return take_found(out, state, &found, problem);
    if (!is_nowhere(name)) return give(out, name);
    return fail_unknown(name, ": no such file or folder, and none of this name", "");
}

static int find_model(char **out, const char *name)
{
    if (!name) name = cli_variable("GRATING_MODEL");
    if (!name) return cli_bundled_model(out, CLI_DEFAULT_MODEL, 0);
    if (!name[0]) return cli_fail("--model: the name is empty");
    if (cli_place_exists(name)) return find_path(out, name);
    if (strncmp(name, ollama_prefix, strlen(ollama_prefix)) == 0)
        return find_of_ollama(out, name);
    if (is_file_name(name)) return give(out, name);
    if (cli_hub_is_name(name)) return find_in_hub(out, name);
    return strchr(name, '/') ? give(out, name) : find_plain(out, name);
}

int cli_find_model(char **out, const char *name)
{
    int code = find_model(out, name);
    if (!code) cli_file_protect(*out);
    return code;
}
