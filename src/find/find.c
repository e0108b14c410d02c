/* find.c - see find.h.
 *
 * Bundled models are in four places, in this order: relative to the program and to the
 * library (a copied or relocated installation), where this build is installed, and the
 * source tree that it was built from. */
#include "find/find.h"

#include "find/hub.h"
#include "find/ollama.h"
#include "os/os.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#ifndef GRT_MODELS_DIR
#define GRT_MODELS_DIR "/usr/local/share/grating/models"
#endif
#ifndef GRT_SOURCE_MODELS_DIR
#define GRT_SOURCE_MODELS_DIR ""
#endif

enum { N_PLACES = 4 };

static const char ollama_prefix[] = "ollama:";

/* ---- Bundled ones ---- */

/* "<folder above the file's own>/share/grating/models". */
static bool beside(grt_place *out, int (*own_path)(char *, size_t))
{
    grt_place above;
    if (own_path(above.text, sizeof(above.text)) != 0) return false;
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(above.text, '/');
        if (!slash) return false;
        *slash = 0;
    }
    return grt_place_make(out, "%s/share/grating/models", above.text);
}

/* Best first; returns how many. */
static size_t list_places(grt_place out[N_PLACES])
{
    static const char *const built[] = {GRT_MODELS_DIR, GRT_SOURCE_MODELS_DIR};
    size_t n = 0;
    n += beside(&out[n], grt_os_program_path);
    if (beside(&out[n], grt_os_library_path) &&
        !grt_place_is_among(out, n, &out[n])) /* a library within the program */
        n++;
    for (size_t i = 0; i < sizeof(built) / sizeof(built[0]); i++)
        n += built[i][0] && grt_place_make(&out[n], "%s", built[i]);
    return n;
}

static grt_find_state find_bundled(grt_place *out, const char *name,
                                   char problem[GRT_PROBLEM_BYTES])
{
    grt_place places[N_PLACES];
    size_t n = list_places(places), used = 0;
    for (size_t i = 0; i < n; i++) {
        if (grt_place_make(out, "%s/%s", places[i].text, name) &&
            grt_place_exists(out->text))
            return GRT_FIND_OK;
        if (used < GRT_PROBLEM_BYTES)
            used += (size_t)snprintf(problem + used, GRT_PROBLEM_BYTES - used, "%s%s",
                                     i ? ", " : "", places[i].text);
    }
    return GRT_FIND_NONE;
}

/* ---- One of them ---- */

/* Copies a text, or as much of it as there is room for. */
static void copy_text(char *out, size_t capacity, const char *text)
{
    size_t n = strlen(text) < capacity ? strlen(text) : capacity - 1;
    memcpy(out, text, n);
    out[n] = 0;
}

static grt_status give(grt_model_place *out, grt_model_source source, const char *name,
                       const char *path, const char *note)
{
    *out = (grt_model_place){.struct_size = sizeof(*out), .source = source};
    if (strlen(name) < sizeof(out->name)) copy_text(out->name, sizeof(out->name), name);
    copy_text(out->path, sizeof(out->path), path);
    copy_text(out->note, sizeof(out->note), note);
    return GRT_OK;
}

static grt_status find_in_hub(grt_model_place *out, const char *name, grt_error *err)
{
    grt_place found, first, repository;
    char problem[GRT_PROBLEM_BYTES];
    grt_find_state state = grt_hub_find(&found, name, problem);
    if (state == GRT_FIND_OK)
        return give(out, GRT_SOURCE_HUGGING_FACE, name, found.text, problem);
    if (state == GRT_FIND_BROKEN) GRT_FAIL(err, GRT_E_UNSUPPORTED, "%s", problem);
    grt_hub_first(&first);
    grt_hub_repository(&repository, name);
    GRT_FAIL(err, GRT_E_NOT_FOUND,
             "no model \"%s\": no such file or folder, and not in the Hugging Face "
             "cache %s; \"hf download %s\" fetches it",
             name, first.text, repository.text);
}

static grt_status find_of_ollama(grt_model_place *out, const char *name, grt_error *err)
{
    grt_place found;
    const char *inner = name + strlen(ollama_prefix);
    char problem[GRT_PROBLEM_BYTES];
    grt_find_state state = grt_ollama_find(&found, inner, problem);
    if (state == GRT_FIND_OK)
        return give(out, GRT_SOURCE_OLLAMA, name, found.text, problem);
    if (state == GRT_FIND_BROKEN) GRT_FAIL(err, GRT_E_UNSUPPORTED, "%s", problem);
    if (!inner[0]) GRT_FAIL(err, GRT_E_NOT_FOUND, "no model \"%s\" of Ollama", name);
    GRT_FAIL(err, GRT_E_NOT_FOUND,
             "no model \"%s\" of Ollama; \"ollama pull %s\" fetches it", name, inner);
}

/* A folder of the Hugging Face cache above its snapshots stands for the model. */
static grt_status find_path(grt_model_place *out, const char *name, grt_error *err)
{
    grt_place found;
    char problem[GRT_PROBLEM_BYTES];
    grt_find_state state = grt_hub_find_in(&found, name, problem);
    if (state == GRT_FIND_BROKEN) GRT_FAIL(err, GRT_E_UNSUPPORTED, "%s", problem);
    if (state == GRT_FIND_OK)
        return give(out, GRT_SOURCE_HUGGING_FACE, name, found.text, problem);
    return give(out, GRT_SOURCE_PATH, name, name, "");
}

static grt_status find_plain(grt_model_place *out, const char *name, grt_error *err)
{
    grt_place found;
    char problem[GRT_PROBLEM_BYTES];
    if (find_bundled(&found, name, problem) == GRT_FIND_OK)
        return give(out, GRT_SOURCE_BUNDLED, name, found.text, "");
    grt_find_state state = grt_hub_find(&found, name, problem); /* of no owner */
    if (state == GRT_FIND_OK)
        return give(out, GRT_SOURCE_HUGGING_FACE, name, found.text, problem);
    if (state == GRT_FIND_BROKEN) GRT_FAIL(err, GRT_E_UNSUPPORTED, "%s", problem);
    GRT_FAIL(err, GRT_E_NOT_FOUND,
             "no model \"%s\": no such file or folder, and none of this name", name);
}

static grt_status find_default(grt_model_place *out, grt_error *err)
{
    grt_place found;
    char places[GRT_PROBLEM_BYTES] = "";
    if (find_bundled(&found, GRT_DEFAULT_MODEL, places) == GRT_FIND_OK)
        return give(out, GRT_SOURCE_BUNDLED, GRT_DEFAULT_MODEL, found.text, "");
    GRT_FAIL(err, GRT_E_NOT_FOUND, "the bundled model %s is in none of %s",
             GRT_DEFAULT_MODEL, places);
}

/* Names as files have them. */
static bool is_file_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && (!strcmp(dot, ".gguf") || !strcmp(dot, ".safetensors"));
}

grt_status grt_find(grt_model_place *out, const char *name, grt_error *err)
{
    grt_os_stat status;
    if (!name) return find_default(out, err);
    if (!name[0]) GRT_FAIL(err, GRT_E_INVALID_ARG, "the model's name is empty");
    if (strlen(name) >= GRT_PATH_BYTES)
        GRT_FAIL(err, GRT_E_NOT_FOUND, "%.100s...: no such file or folder", name);
    int code = grt_os_path_stat(&status, name);
    /* What cannot be looked at is there: opening it tells why. */
    if (code != ENOENT && code != ENOTDIR) return find_path(out, name, err);
    if (strncmp(name, ollama_prefix, strlen(ollama_prefix)) == 0)
        return find_of_ollama(out, name, err);
    if (!is_file_name(name) && grt_hub_is_name(name))
        return find_in_hub(out, name, err);
    if (!is_file_name(name) && !strchr(name, '/')) return find_plain(out, name, err);
    GRT_FAIL(err, GRT_E_NOT_FOUND, "%s: no such file or folder", name);
}

/* ---- All of them ---- */

typedef struct walk {
    grt_model_place_fn *fn;
    void *payload;
} walk;

static int tell(const walk *self, grt_model_source source, const char *name,
                const char *path, const char *problem)
{
    grt_model_place place;
    (void)give(&place, source, name, path ? path : "", problem ? problem : "");
    return self->fn(&place, self->payload);
}

static int tell_bundled(const char *folder, const char *name, void *payload)
{
    grt_place found;
    if (!grt_place_make(&found, "%s/%s", folder, name)) return 0;
    if (!grt_place_is_folder(found.text) && !strstr(name, ".gguf")) return 0;
    return tell(payload, GRT_SOURCE_BUNDLED, name, found.text, NULL);
}

static int tell_hub(const char *name, const char *path, const char *problem,
                    void *payload)
{
    return tell(payload, GRT_SOURCE_HUGGING_FACE, name, path, problem);
}

static int tell_ollama(const char *name, const char *path, const char *problem,
                       void *payload)
{
    grt_place shown;
    if (!grt_place_make(&shown, "%s%s", ollama_prefix, name)) return 0;
    return tell(payload, GRT_SOURCE_OLLAMA, shown.text, path, problem);
}

int grt_find_all(grt_model_place_fn *fn, void *payload)
{
    walk self = {fn, payload};
    grt_place places[N_PLACES];
    int code = 0;
    /* The first place that is there is the one that names are looked for in. */
    for (size_t i = 0, n = list_places(places); i < n; i++) {
        if (!grt_place_is_folder(places[i].text)) continue;
        code = grt_place_walk(places[i].text, tell_bundled, &self);
        break;
    }
    if (!code) code = grt_hub_walk(tell_hub, &self);
    if (!code) code = grt_ollama_walk(tell_ollama, &self);
    return code;
}
