/* ollama.c - see ollama.h. */
#include "find/ollama.h"

#include "base/memory.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { N_STORES = 4, N_LEVELS = 4, NAME_BYTES = 256, MANIFEST_BYTES = 1 << 18 };

static const char usual_host[] = "registry.ollama.ai", usual_owner[] = "library";

/* Best first; returns how many. */
static size_t list_stores(grt_place out[N_STORES])
{
    static const struct {
        const char *variable, *below; /* "": a place of its own */
    } places[N_STORES] = {{"OLLAMA_MODELS", ""},
                          {"HOME", "/.ollama/models"},
                          {"", "/usr/share/ollama/.ollama/models"},
                          {"", "/var/lib/ollama/.ollama/models"}};
    size_t n = 0;
    for (size_t i = 0; i < N_STORES; i++) {
        grt_place folder = {""};
        if (places[i].variable[0] &&
            !grt_place_of_variable(&folder, places[i].variable))
            continue;
        if (grt_place_make(&out[n], "%s%s", folder.text, places[i].below) &&
            !grt_place_is_among(out, n, &out[n]))
            n++;
    }
    return n;
}

/* ---- A manifest ---- */

/* The blob of a layer; 0: it has no digest that can be a name. */
static int blob_of(grt_place *out, const char *store, const json_t *layer)
{
    const char *digest = json_string_value(json_object_get(layer, "digest"));
    if (!digest || strncmp(digest, "sha256:", 7) != 0 || strchr(digest, '/')) return 0;
    /* the first releases kept the colon */
    if (grt_place_make(out, "%s/blobs/%s", store, digest) &&
        grt_place_exists(out->text))
        return 1;
    return grt_place_make(out, "%s/blobs/sha256-%s", store, digest + 7);
}

static const json_t *layer_of(const json_t *manifest, const char *kind)
{
    static const char start[] = "application/vnd.ollama.image.";
    const json_t *layers = json_object_get(manifest, "layers");
    for (size_t i = 0; i < json_array_size(layers); i++) {
        const json_t *layer = json_array_get(layers, i);
        const char *type = json_string_value(json_object_get(layer, "mediaType"));
        if (type && strncmp(type, start, sizeof start - 1) == 0 &&
            strcmp(type + sizeof start - 1, kind) == 0)
            return layer;
    }
    return NULL;
}

static grt_find_state read_layers(grt_place *out, const char *store,
                                  const json_t *manifest, const char *name,
                                  char problem[GRT_PROBLEM_BYTES])
{
    const json_t *model = layer_of(manifest, "model");
    if (layer_of(manifest, "adapter"))
        grt_find_problem(
            problem,
            "ollama:%s is a model with an adapter, which is not applied here; "
            "merge the two into one GGUF file",
            name);
    else if (!model || !blob_of(out, store, model))
        grt_find_problem(problem, "ollama:%s: its manifest names no GGUF file", name);
    else if (!grt_place_exists(out->text))
        grt_find_problem(
            problem,
            "ollama:%s: its file %s is not there; \"ollama pull %s\" fetches it", name,
            out->text, name);
    else
        return GRT_FIND_OK;
    return GRT_FIND_BROKEN;
}

static grt_find_state read_manifest(grt_place *out, const char *store, const char *path,
                                    const char *name, char problem[GRT_PROBLEM_BYTES])
{
    json_error_t error = {.text = "it cannot be read"};
    json_t *root = NULL;
    char *text;
    grt_find_state found = GRT_FIND_BROKEN;
    if (grt_alloc(&text, MANIFEST_BYTES, "a manifest", NULL) == GRT_OK) {
        int64_t n = grt_place_read(path, text, MANIFEST_BYTES);
        if (n >= 0) root = json_loadb(text, (size_t)n, 0, &error);
        grt_free(text);
    }
    if (root)
        found = read_layers(out, store, root, name, problem);
    else
        grt_find_problem(problem, "ollama:%s: its manifest %s: %s", name, path,
                         error.text);
    json_decref(root);
    return found;
}

/* ---- Names ---- */

/* Host, owner, name and tag. */
typedef struct ollama_name {
    char parts[N_LEVELS][NAME_BYTES];
} ollama_name;

/* 0: it is none. */
static int parse_name(ollama_name *out, const char *text)
{
    const char *last = strrchr(text, '/'), *colon = strchr(last ? last : text, ':');
    size_t n_slashes = 0, n = colon ? (size_t)(colon - text) : strlen(text);
    for (size_t i = 0; i < n; i++)
        n_slashes += text[i] == '/';
    if (n_slashes > 2) return 0;
    snprintf(out->parts[0], NAME_BYTES, "%s", usual_host);
    snprintf(out->parts[1], NAME_BYTES, "%s", usual_owner);
    snprintf(out->parts[3], NAME_BYTES, "%s", colon && colon[1] ? colon + 1 : "latest");
    for (size_t i = 2 - n_slashes; i <= 2; i++) {
        size_t n_part = strcspn(text, i < 2 ? "/" : "/:");
        if (n_part == 0 || n_part >= NAME_BYTES || text[0] == '.') return 0;
        snprintf(out->parts[i], NAME_BYTES, "%.*s", (int)n_part, text);
        text += n_part + (i < 2);
    }
    return out->parts[3][0] != '.' && !strchr(out->parts[3], '/');
}

typedef struct wanted {
    const char *name;
    grt_place *out;
    int is_found;
} wanted;

static int keep_same(const char *folder, const char *name, void *payload)
{
    wanted *self = payload;
    if (!grt_is_same_word(name, self->name, SIZE_MAX)) return 0;
    self->is_found = grt_place_make(self->out, "%s/%s", folder, name);
    return 1;
}

/* Whether the manifest is in the store. */
static int find_manifest(grt_place *out, const char *store, const ollama_name *name)
{
    if (!grt_place_make(out, "%s/manifests", store)) return 0;
    for (size_t i = 0; i < N_LEVELS; i++) {
        grt_place folder = *out;
        wanted self = {.name = name->parts[i], .out = out};
        (void)grt_place_walk(folder.text, keep_same, &self);
        if (!self.is_found) return 0;
    }
    return 1;
}

grt_find_state grt_ollama_find(grt_place *out, const char *name,
                               char problem[GRT_PROBLEM_BYTES])
{
    grt_place stores[N_STORES], manifest;
    ollama_name parsed;
    grt_find_state best = GRT_FIND_NONE;
    problem[0] = 0;
    if (!parse_name(&parsed, name)) return GRT_FIND_NONE;
    size_t n = list_stores(stores);
    for (size_t i = 0; i < n && best != GRT_FIND_OK; i++)
        if (find_manifest(&manifest, stores[i].text, &parsed))
            best = read_manifest(out, stores[i].text, manifest.text, name, problem);
    return best;
}

/* ---- All of them ---- */

typedef struct walk {
    grt_ollama_fn *fn;
    void *payload;
    const char *store;
    ollama_name name;
    size_t level;
} walk;

static void show_name(grt_place *out, const ollama_name *name)
{
    const char *host = name->parts[0], *owner = name->parts[1];
    int is_usual_host = strcmp(host, usual_host) == 0;
    int is_usual_owner = is_usual_host && strcmp(owner, usual_owner) == 0;
    (void)grt_place_make(out, "%s%s%s%s%s:%s", is_usual_host ? "" : host,
                         is_usual_host ? "" : "/", is_usual_owner ? "" : owner,
                         is_usual_owner ? "" : "/", name->parts[2], name->parts[3]);
}

static int tell(const char *folder, const char *name, void *payload)
{
    walk *self = payload;
    grt_place path, found, shown;
    char problem[GRT_PROBLEM_BYTES];
    if (strlen(name) >= NAME_BYTES || !grt_place_make(&path, "%s/%s", folder, name))
        return 0;
    snprintf(self->name.parts[self->level], NAME_BYTES, "%s", name);
    if (self->level + 1 < N_LEVELS) {
        self->level++;
        int code = grt_place_walk(path.text, tell, self);
        self->level--;
        return code;
    }
    show_name(&shown, &self->name);
    if (read_manifest(&found, self->store, path.text, shown.text, problem) ==
        GRT_FIND_OK)
        return self->fn(shown.text, found.text, NULL, self->payload);
    return self->fn(shown.text, NULL, problem, self->payload);
}

int grt_ollama_walk(grt_ollama_fn *fn, void *payload)
{
    grt_place stores[N_STORES], manifests;
    walk self = {.fn = fn, .payload = payload};
    size_t n = list_stores(stores);
    int code = 0;
    for (size_t i = 0; i < n && !code; i++) {
        self.store = stores[i].text;
        if (grt_place_make(&manifests, "%s/manifests", self.store))
            code = grt_place_walk(manifests.text, tell, &self);
    }
    return code;
}
