/*
 * models.c - models by name.
 *
 * Bundled ones are in three places, in this order: relative to the executable (a copied
 * or relocated installation), where this build is installed, and the source tree it was
 * built from.  The Hugging Face cache has models--OWNER--NAME/snapshots/REVISION, with
 * the revision of a branch in refs/BRANCH.  Ollama has a manifest for each name and
 * tag, which names the blob that is the GGUF file.
 */
#include "frame/models.h"

#include "frame/file.h"
#include "frame/near.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef GRT_MODELS_DIR
#define GRT_MODELS_DIR "/usr/local/share/grating/models"
#endif
#ifndef GRT_SOURCE_MODELS_DIR
#define GRT_SOURCE_MODELS_DIR "models"
#endif

enum { N_PLACES = 3, N_CACHES = 5, N_STORES = 4 };

typedef struct path {
    char text[PATH_MAX];
} path;

/* 0 when it is too long. */
static int __attribute__((format(printf, 2, 3)))
make_path(path *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(out->text, sizeof out->text, format, arguments);
    va_end(arguments);
    return length >= 0 && (size_t)length < sizeof out->text;
}

static int is_there(const char *name)
{
    struct stat found;
    return stat(name, &found) == 0;
}

static int is_folder(const char *name)
{
    struct stat found;
    return stat(name, &found) == 0 && S_ISDIR(found.st_mode);
}

static int give(char **out, const char *text)
{
    *out = strdup(text);
    return *out ? CLI_SUCCESS : cli_fail("out of memory");
}

/* The value of a variable that is set and not empty, or NULL. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

/* ---- Bundled ones ---- */

/* Writes "<folder above the executable's>/share/grating/models"; "" when unknown. */
static void beside_executable(char *out, size_t capacity)
{
    static const char relative[] = "/share/grating/models";
    ssize_t length = readlink("/proc/self/exe", out, capacity - 1);
    out[length < 0 ? 0 : length] = 0;
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(out, '/');
        if (slash) *slash = 0;
    }
    length = (ssize_t)strlen(out);
    if (out[0] != '/' || (size_t)length + sizeof relative > capacity)
        out[0] = 0;
    else
        memcpy(out + length, relative, sizeof relative);
}

int cli_bundled_model(char **out, const char *name, int is_quiet)
{
    path beside, found;
    beside_executable(beside.text, sizeof beside.text);
    const char *places[N_PLACES] = {beside.text, GRT_MODELS_DIR, GRT_SOURCE_MODELS_DIR};
    for (size_t i = 0; i < N_PLACES; i++) {
        if (!places[i][0] || !make_path(&found, "%s/%s", places[i], name)) continue;
        if (is_there(found.text)) return give(out, found.text);
    }
    if (is_quiet) return CLI_FAILURE;
    return cli_fail("the bundled model %s is in none of %s, %s, %s; "
                    "name a model with --model",
                    name, places[0], places[1], places[2]);
}

/* ---- Folders of names ---- */

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

typedef int name_fn(const char *folder, const char *name, void *payload);

/* Calls `fn` with what is in a folder, by name; a folder that is not there is empty. */
static int walk_names(const char *folder, name_fn *fn, void *payload)
{
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, is_visible, alphasort), code = 0;
    for (int i = 0; i < n; i++) {
        if (!code) code = fn(folder, entries[i]->d_name, payload);
        free(entries[i]);
    }
    free(entries);
    return code;
}

/* ---- Hugging Face ---- */

/* The cache folders, best first; those that are not set are "". */
static void hub_caches(path out[N_CACHES])
{
    const char *home = variable("HOME"), *hf_home = variable("HF_HOME");
    const char *cache = variable("XDG_CACHE_HOME"), *hub = variable("HF_HUB_CACHE");
    const char *old = variable("HUGGINGFACE_HUB_CACHE");
    memset(out, 0, N_CACHES * sizeof *out);
    if (hub) (void)make_path(&out[0], "%s", hub);
    if (old) (void)make_path(&out[1], "%s", old);
    if (hf_home) (void)make_path(&out[2], "%s/hub", hf_home);
    if (cache) (void)make_path(&out[3], "%s/huggingface/hub", cache);
    if (home) (void)make_path(&out[4], "%s/.cache/huggingface/hub", home);
}

/* The first line of a small file; 0 when there is none. */
static int read_line(const char *name, char *out, size_t capacity)
{
    FILE *file = fopen(name, "re");
    int is_read = file && fgets(out, (int)capacity, file);
    if (file) fclose(file);
    if (is_read) out[strcspn(out, "\r\n")] = 0;
    return is_read && out[0];
}

typedef struct newest {
    path name;
    struct timespec time;
    size_t n;
} newest;

static int keep_newest(const char *folder, const char *name, void *payload)
{
    newest *best = payload;
    path found;
    struct stat status;
    if (!make_path(&found, "%s/%s", folder, name) || stat(found.text, &status))
        return 0;
    int is_newer = status.st_mtim.tv_sec > best->time.tv_sec ||
                   (status.st_mtim.tv_sec == best->time.tv_sec &&
                    status.st_mtim.tv_nsec > best->time.tv_nsec);
    if (best->n++ && !is_newer) return 0;
    best->name = found;
    best->time = status.st_mtim;
    return 0;
}

static int keep_gguf(const char *folder, const char *name, void *payload)
{
    newest *only = payload;
    const char *dot = strrchr(name, '.');
    if (!dot || strcmp(dot, ".gguf") != 0) return 0;
    only->n++;
    return !make_path(&only->name, "%s/%s", folder, name);
}

/* The snapshot in a folder models--OWNER--NAME: that of branch main, else the newest.
 * Where it holds one GGUF file and no config.json, that file.  0: there is none. */
static int find_snapshot(const char *folder, path *out)
{
    char revision[128];
    path place;
    newest best = {0}, gguf = {0};
    if (make_path(&place, "%s/refs/main", folder) &&
        read_line(place.text, revision, sizeof revision) && !strchr(revision, '/') &&
        make_path(out, "%s/snapshots/%s", folder, revision) && is_folder(out->text)) {
        best.n = 1;
    } else if (make_path(&place, "%s/snapshots", folder)) {
        (void)walk_names(place.text, keep_newest, &best);
        *out = best.name;
    }
    if (!best.n) return 0;
    if (make_path(&place, "%s/config.json", out->text) && is_there(place.text))
        return 1;
    if (walk_names(out->text, keep_gguf, &gguf) == 0 && gguf.n == 1) *out = gguf.name;
    return 1;
}

/* "owner/name", which no path of a user looks like that is not there. */
static int is_repository(const char *name)
{
    const char *slash = strchr(name, '/');
    return slash && slash != name && slash[1] && !strchr(slash + 1, '/') &&
           name[0] != '.' && name[0] != '~' && slash[1] != '.';
}

static int find_repository(char **out, const char *name)
{
    path caches[N_CACHES], folder, found;
    const char *slash = strchr(name, '/'), *first = "";
    hub_caches(caches);
    for (size_t i = 0; i < N_CACHES; i++) {
        if (!caches[i].text[0]) continue;
        if (!first[0]) first = caches[i].text;
        if (!make_path(&folder, "%s/models--%.*s--%s", caches[i].text,
                       (int)(slash - name), name, slash + 1))
            continue;
        if (find_snapshot(folder.text, &found)) return give(out, found.text);
    }
    return cli_fail("%s: no such file or folder, and no such model in the Hugging Face "
                    "cache %s; \"hf download %s\" fetches it",
                    name, first, name);
}

/* ---- Ollama ---- */

static void ollama_stores(path out[N_STORES])
{
    const char *own = variable("OLLAMA_MODELS"), *home = variable("HOME");
    memset(out, 0, N_STORES * sizeof *out);
    if (own) (void)make_path(&out[0], "%s", own);
    if (home) (void)make_path(&out[1], "%s/.ollama/models", home);
    (void)make_path(&out[2], "/usr/share/ollama/.ollama/models");
    (void)make_path(&out[3], "/var/lib/ollama/.ollama/models");
}

/* The blob of a model that a manifest names; 0: it names none that is there. */
static int read_manifest(const char *store, const char *manifest, path *out)
{
    static const char kind[] = "application/vnd.ollama.image.model";
    json_t *root = json_load_file(manifest, 0, NULL);
    const json_t *layers = json_object_get(root, "layers");
    int is_found = 0;
    for (size_t i = 0; !is_found && i < json_array_size(layers); i++) {
        const json_t *layer = json_array_get(layers, i);
        const char *type = json_string_value(json_object_get(layer, "mediaType"));
        const char *digest = json_string_value(json_object_get(layer, "digest"));
        if (!type || !digest || strcmp(type, kind) != 0) continue;
        if (strncmp(digest, "sha256:", 7) != 0 || strchr(digest, '/')) continue;
        is_found = make_path(out, "%s/blobs/sha256-%s", store, digest + 7) &&
                   is_there(out->text);
    }
    json_decref(root);
    return is_found;
}

/* `name` is NAME, NAME:TAG, OWNER/NAME or OWNER/NAME:TAG. */
static int find_ollama(char **out, const char *name)
{
    path stores[N_STORES], manifest, found;
    const char *colon = strchr(name, ':'), *owner = strchr(name, '/') ? "" : "library/";
    int length = colon ? (int)(colon - name) : (int)strlen(name);
    const char *tag = colon && colon[1] ? colon + 1 : "latest";
    ollama_stores(stores);
    for (size_t i = 0; i < N_STORES; i++) {
        if (!stores[i].text[0] || length == 0) continue;
        if (!make_path(&manifest, "%s/manifests/registry.ollama.ai/%s%.*s/%s",
                       stores[i].text, owner, length, name, tag))
            continue;
        if (read_manifest(stores[i].text, manifest.text, &found))
            return give(out, found.text);
    }
    return cli_fail("Ollama has no model \"%s\"; \"ollama pull %s\" fetches it", name,
                    name);
}

/* ---- Any name ---- */

/* A bundled model whose name is nearly this one, or NULL. */
static int suggest(const char *folder, const char *name, void *payload)
{
    (void)folder;
    cli_near_try(payload, name);
    return 0;
}

static const char *near_bundled(cli_near *near)
{
    path beside;
    beside_executable(beside.text, sizeof beside.text);
    const char *places[N_PLACES] = {beside.text, GRT_MODELS_DIR, GRT_SOURCE_MODELS_DIR};
    for (size_t i = 0; i < N_PLACES; i++) {
        if (places[i][0]) (void)walk_names(places[i], suggest, near);
    }
    return cli_near_best(near);
}

/* A folder of the Hugging Face cache above its snapshots stands for the model. */
static int find_path(char **out, const char *name)
{
    path snapshots, found;
    int is_cache = make_path(&snapshots, "%s/snapshots", name) &&
                   is_folder(snapshots.text) && find_snapshot(name, &found);
    return give(out, is_cache ? found.text : name);
}

static int find_model(char **out, const char *name)
{
    static const char ollama[] = "ollama:";
    if (!name) name = variable("GRATING_MODEL");
    if (!name) return cli_bundled_model(out, CLI_DEFAULT_MODEL, 0);
    if (!name[0]) return cli_fail("--model: the name is empty");
    if (is_there(name)) return find_path(out, name);
    if (strncmp(name, ollama, strlen(ollama)) == 0)
        return find_ollama(out, name + strlen(ollama));
    if (is_repository(name)) return find_repository(out, name);
    if (strchr(name, '/')) return give(out, name);
    if (cli_bundled_model(out, name, 1) == CLI_SUCCESS) return CLI_SUCCESS;
    cli_near near;
    cli_near_init(&near, name);
    const char *best = near_bundled(&near);
    if (best) return cli_fail("no model \"%s\"; did you mean %s?", name, best);
    return give(out, name); /* the library says that there is none */
}

int cli_find_model(char **out, const char *name)
{
    int code = find_model(out, name);
    if (!code) cli_file_protect(*out);
    return code;
}

/* ---- All of them ---- */

typedef struct walk {
    cli_model_fn *fn;
    void *payload;
    const char *store; /* of Ollama */
    const char *owner; /* of Ollama; "library": left out of names */
    const char *model;
} walk;

static int tell_bundled(const char *folder, const char *name, void *payload)
{
    const walk *self = payload;
    path found;
    if (!make_path(&found, "%s/%s", folder, name)) return 0;
    int is_model = is_folder(found.text) || strstr(name, ".gguf");
    return is_model ? self->fn(CLI_MODEL_BUNDLED, name, found.text, self->payload) : 0;
}

static int tell_repository(const char *folder, const char *name, void *payload)
{
    const walk *self = payload;
    static const char start[] = "models--";
    path place, found;
    char shown[900];
    if (strncmp(name, start, strlen(start)) != 0) return 0;
    name += strlen(start);
    const char *between = strstr(name, "--");
    if (!between || !make_path(&place, "%s/%s%s", folder, start, name)) return 0;
    if (!find_snapshot(place.text, &found)) return 0;
    snprintf(shown, sizeof shown, "%.*s/%s", (int)(between - name), name, between + 2);
    return self->fn(CLI_MODEL_HUGGING_FACE, shown, found.text, self->payload);
}

static int tell_tag(const char *folder, const char *name, void *payload)
{
    const walk *self = payload;
    path manifest, found;
    char shown[900];
    int is_library = strcmp(self->owner, "library") == 0;
    if (!make_path(&manifest, "%s/%s", folder, name)) return 0;
    if (!read_manifest(self->store, manifest.text, &found)) return 0;
    snprintf(shown, sizeof shown, "ollama:%s%s%s:%s", is_library ? "" : self->owner,
             is_library ? "" : "/", self->model, name);
    return self->fn(CLI_MODEL_OLLAMA, shown, found.text, self->payload);
}

static int tell_model(const char *folder, const char *name, void *payload)
{
    walk *self = payload;
    path inner;
    self->model = name;
    return make_path(&inner, "%s/%s", folder, name)
               ? walk_names(inner.text, tell_tag, self)
               : 0;
}

static int tell_owner(const char *folder, const char *name, void *payload)
{
    walk *self = payload;
    path inner;
    self->owner = name;
    return make_path(&inner, "%s/%s", folder, name)
               ? walk_names(inner.text, tell_model, self)
               : 0;
}

int cli_models_walk(cli_model_fn *fn, void *payload)
{
    walk self = {.fn = fn, .payload = payload};
    path beside, caches[N_CACHES], stores[N_STORES], registry;
    beside_executable(beside.text, sizeof beside.text);
    const char *places[N_PLACES] = {beside.text, GRT_MODELS_DIR, GRT_SOURCE_MODELS_DIR};
    int code = 0, has_bundled = 0;
    /* The first place that is there is the one that names are looked for in. */
    for (size_t i = 0; !code && !has_bundled && i < N_PLACES; i++) {
        has_bundled = places[i][0] && is_folder(places[i]);
        if (has_bundled) code = walk_names(places[i], tell_bundled, &self);
    }
    hub_caches(caches);
    for (size_t i = 0; !code && i < N_CACHES; i++) {
        if (caches[i].text[0])
            code = walk_names(caches[i].text, tell_repository, &self);
    }
    ollama_stores(stores);
    for (size_t i = 0; !code && i < N_STORES; i++) {
        self.store = stores[i].text;
        if (self.store[0] &&
            make_path(&registry, "%s/manifests/registry.ollama.ai", self.store))
            code = walk_names(registry.text, tell_owner, &self);
    }
    return code;
}
