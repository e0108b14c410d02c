/* hub.c - see hub.h. */
#include "find/hub.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { N_CACHES = 7, NAME_BYTES = 256, GGUF_MAX = 64, SHARDS_MAX = 100000 };

/* ---- Names ---- */

typedef struct hub_name {
    char owner[NAME_BYTES]; /* "" of the first models */
    char name[NAME_BYTES];
    char revision[NAME_BYTES]; /* "": main */
    char quant[NAME_BYTES];    /* "": not said */
    int is_address;
} hub_name;

static const char *skip(const char *text, const char *start)
{
    size_t n = strlen(start);
    return strncmp(text, start, n) == 0 ? text + n : text;
}

/* Copies text up to one of `ends` and returns what follows; NULL: it does not fit. */
static const char *take(char out[NAME_BYTES], const char *text, const char *ends)
{
    size_t n = strcspn(text, ends);
    if (n == 0 || n >= NAME_BYTES) return NULL;
    memcpy(out, text, n);
    out[n] = 0;
    return text + n;
}

/* 0: no name of the hub. */
static int parse_name(hub_name *out, const char *text)
{
    static const char *const hosts[] = {"huggingface.co/", "hf.co/", "hf://"};
    *out = (hub_name){0};
    const char *at = skip(skip(text, "https://"), "http://");
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        out->is_address |= skip(at, hosts[i]) != at;
        at = skip(at, hosts[i]);
    }
    const char *slash = strchr(at, '/');
    if (slash) {
        at = take(out->owner, at, "/:@");
        if (!at || *at != '/') return 0;
        at++;
    }
    at = take(out->name, at, out->is_address ? "/:@?#" : ":@");
    if (!at || strchr(out->name, '/')) return 0;
    if (out->owner[0] == '.' || out->owner[0] == '~' || out->name[0] == '.') return 0;
    if (*at == '@') return take(out->revision, at + 1, "") != NULL;
    if (*at == ':') return take(out->quant, at + 1, "") != NULL;
    return 1; /* of an address what follows says how its page shows the model */
}

int grt_hub_is_name(const char *name)
{
    hub_name parsed;
    return parse_name(&parsed, name) && parsed.owner[0];
}

static void join_name(grt_place *out, const hub_name *name)
{
    (void)grt_place_make(out, "%s%s%s", name->owner, name->owner[0] ? "/" : "",
                         name->name);
}

void grt_hub_repository(grt_place *out, const char *name)
{
    hub_name parsed;
    if (parse_name(&parsed, name))
        join_name(out, &parsed);
    else
        (void)grt_place_make(out, "%s", name);
}

/* ---- Caches ---- */

/* Best first, each once; returns how many. */
static size_t list_caches(grt_place out[N_CACHES])
{
    static const struct {
        const char *variable, *below;
    } places[N_CACHES] = {{"HF_HUB_CACHE", ""},
                          {"HUGGINGFACE_HUB_CACHE", ""},
                          {"TRANSFORMERS_CACHE", ""},
                          {"SENTENCE_TRANSFORMERS_HOME", ""},
                          {"HF_HOME", "/hub"},
                          {"XDG_CACHE_HOME", "/huggingface/hub"},
                          {"HOME", "/.cache/huggingface/hub"}};
    size_t n = 0;
    for (size_t i = 0; i < N_CACHES; i++) {
        grt_place folder;
        if (grt_place_of_variable(&folder, places[i].variable) &&
            grt_place_make(&out[n], "%s%s", folder.text, places[i].below) &&
            !grt_place_is_among(out, n, &out[n]))
            n++;
    }
    return n;
}

void grt_hub_first(grt_place *out)
{
    grt_place caches[N_CACHES];
    out->text[0] = 0;
    if (list_caches(caches)) *out = caches[0];
}

/* ---- Weights of a snapshot ---- */

typedef struct weights {
    char gguf[GGUF_MAX]
             [NAME_BYTES]; /* below the snapshot; of several parts the first */
    size_t n_gguf;
    int is_whole; /* safetensors, all shards of them */
    int is_other; /* weights that the library tells about */
} weights;

static int ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), n_end = strlen(end);
    return n >= n_end && grt_is_same_word(name + n - n_end, end, n_end);
}

/* "...-00002-of-00003<end>": 2 and 3; 0 where it is no part. */
static unsigned part_of(const char *name, const char *end, unsigned *n_parts)
{
    size_t n = strlen(name), n_end = strlen(end), n_mark = strlen("-00001-of-00002");
    unsigned part = 0;
    if (n < n_end + n_mark) return 0;
    const char *mark = name + n - n_end - n_mark;
    return sscanf(mark, "-%5u-of-%5u", &part, n_parts) == 2 ? part : 0;
}

/* `below` is "" or the name of a folder of the snapshot, with its slash. */
static void see_gguf(weights *self, const char *below, const char *name)
{
    unsigned n_parts;
    if (!ends_in(name, ".gguf") || grt_is_same_word(name, "mmproj", 6)) return;
    if (part_of(name, ".gguf", &n_parts) > 1 || self->n_gguf == GGUF_MAX) return;
    int n = snprintf(self->gguf[self->n_gguf], NAME_BYTES, "%s%s", below, name);
    if (n > 0 && n < NAME_BYTES) self->n_gguf++;
}

static int see_inner(const char *folder, const char *name, void *payload)
{
    char below[NAME_BYTES];
    grt_place found;
    int n = snprintf(below, sizeof below, "%s/", strrchr(folder, '/') + 1);
    if (n > 0 && n < NAME_BYTES && grt_place_make(&found, "%s/%s", folder, name) &&
        grt_place_exists(found.text))
        see_gguf(payload, below, name);
    return 0;
}

/* Whether the shards beside this one are there. */
static int are_shards_there(const char *folder, const char *name, unsigned n)
{
    grt_place shard;
    int n_stem = (int)(strlen(name) - strlen("-00001-of-00002.safetensors"));
    for (unsigned i = 1; i <= n && n <= SHARDS_MAX; i++)
        if (!grt_place_make(&shard, "%s/%.*s-%05u-of-%05u.safetensors", folder, n_stem,
                            name, i, n) ||
            !grt_place_exists(shard.text))
            return 0;
    return 1;
}

static int see_weights(const char *folder, const char *name, void *payload)
{
    static const char *const others[] = {".bin", ".pt", ".onnx", ".h5", ".safetensors"};
    weights *self = payload;
    grt_place found;
    unsigned n_parts;
    if (!grt_place_make(&found, "%s/%s", folder, name) || !grt_place_exists(found.text))
        return 0;
    if (grt_place_is_folder(found.text)) {
        self->is_other |= strcmp(name, "onnx") == 0;
        return grt_place_walk(found.text, see_inner, self); /* a folder for each */
    }
    see_gguf(self, "", name);
    unsigned part = part_of(name, ".safetensors", &n_parts);
    if (strcmp(name, "model.safetensors") == 0) self->is_whole = 1;
    if (part && are_shards_there(folder, name, n_parts)) self->is_whole = 1;
    for (size_t i = 0; i < sizeof others / sizeof others[0] && !part; i++)
        self->is_other |= ends_in(name, others[i]);
    return 0;
}

static int has_weights(const weights *self)
{
    return self->is_whole || self->n_gguf || self->is_other;
}

/* ---- Which GGUF file ---- */

/* What tells a file from the others of its model: "Q8_0" of "x-Q8_0.gguf". */
static void quant_of(char out[NAME_BYTES], const char *path)
{
    unsigned n_parts;
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t n = strlen(name) - strlen(".gguf"), first;
    if (part_of(name, ".gguf", &n_parts)) n -= strlen("-00001-of-00002");
    for (first = n; first > 0; first--)
        if (name[first - 1] == '-' || name[first - 1] == '.') break;
    snprintf(out, NAME_BYTES, "%.*s", (int)(n - first), name + first);
}

/* Whether a name has the word, between what is no part of words. */
static int holds_word(const char *name, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = name; *at; at++) {
        if (!grt_is_same_word(at, word, n)) continue;
        int begins = at == name || !isalnum((unsigned char)at[-1]);
        int ends = !isalnum((unsigned char)at[n]) && at[n] != '_';
        if (begins && ends) return 1;
    }
    return 0;
}

/* Adds "; it has NAME:Q4_0, NAME:Q8_0" to a text. */
static void list_quants(const weights *self, const char *name, char *text, size_t room)
{
    char quant[NAME_BYTES];
    size_t used = strlen(text);
    for (size_t i = 0; i < self->n_gguf && used < room; i++) {
        quant_of(quant, self->gguf[i]);
        used += (size_t)snprintf(text + used, room - used, "%s %s:%s", i ? "," : "",
                                 name, quant);
    }
}

/* The GGUF file of `quant`, the only one where it is "". */
static grt_find_state choose_gguf(grt_place *out, const weights *self,
                                  const char *snapshot, const char *quant,
                                  const char *name, char problem[GRT_PROBLEM_BYTES])
{
    size_t n_found = 0;
    for (size_t i = 0; i < self->n_gguf; i++) {
        if (quant[0] && !holds_word(self->gguf[i], quant)) continue;
        n_found += (size_t)grt_place_make(out, "%s/%s", snapshot, self->gguf[i]);
    }
    if (n_found == 1) return GRT_FIND_OK;
    if (n_found == 0)
        grt_find_problem(problem, "%s has no GGUF file \"%s\" in %s%s", name, quant,
                         snapshot, self->n_gguf ? "; there are" : "");
    else
        grt_find_problem(problem, "%s has %zu GGUF files; say which:", name, n_found);
    list_quants(self, name, problem, GRT_PROBLEM_BYTES);
    return GRT_FIND_BROKEN;
}

/* ---- Snapshots ---- */

/* The first line of a small file; false when there is none. */
static bool read_line(const char *name, char *out, size_t capacity)
{
    if (grt_place_read(name, out, capacity) < 0) return false;
    out[strcspn(out, "\r\n")] = 0;
    return out[0] != 0;
}

/* The snapshot of a branch. */
static int find_branch(grt_place *out, const char *folder, const char *branch)
{
    char revision[NAME_BYTES];
    grt_place ref;
    return grt_place_make(&ref, "%s/refs/%s", folder, branch) &&
           read_line(ref.text, revision, sizeof revision) && !strchr(revision, '/') &&
           grt_place_make(out, "%s/snapshots/%s", folder, revision) &&
           grt_place_is_folder(out->text);
}

typedef struct newest {
    grt_place place, whole;
    uint64_t time, whole_time;
    int n, n_whole;
} newest;

static int keep_newest(const char *folder, const char *name, void *payload)
{
    newest *best = payload;
    grt_place found;
    weights held = {.n_gguf = 0};
    if (!grt_place_make(&found, "%s/%s", folder, name) ||
        !grt_place_is_folder(found.text))
        return 0;
    uint64_t written = grt_place_written(found.text);
    if (!best->n || written > best->time) {
        best->place = found;
        best->time = written;
        best->n = 1;
    }
    (void)grt_place_walk(found.text, see_weights, &held);
    if (!has_weights(&held) || (best->n_whole && written <= best->whole_time)) return 0;
    best->whole = found;
    best->whole_time = written;
    best->n_whole = 1;
    return 0;
}

/* A snapshot with weights where there is one; 0: there are no snapshots. */
static int find_snapshot(grt_place *out, const char *folder, const hub_name *name)
{
    grt_place snapshots;
    newest best = {.n = 0};
    weights held = {.n_gguf = 0};
    if (name->revision[0])
        return find_branch(out, folder, name->revision) ||
               (!strstr(name->revision, "..") &&
                grt_place_make(out, "%s/snapshots/%s", folder, name->revision) &&
                grt_place_is_folder(out->text));
    int has_main = find_branch(out, folder, "main");
    if (has_main) (void)grt_place_walk(out->text, see_weights, &held);
    if (has_weights(&held) || !grt_place_make(&snapshots, "%s/snapshots", folder))
        return has_main;
    (void)grt_place_walk(snapshots.text, keep_newest, &best);
    if (best.n_whole)
        *out = best.whole;
    else if (!has_main)
        *out = best.place;
    return best.n;
}

static int is_incomplete(const char *folder, const char *name, void *payload)
{
    (void)folder;
    *(int *)payload |= ends_in(name, ".incomplete");
    return 0;
}

static grt_find_state tell_lack(const char *folder, const char *name,
                                char problem[GRT_PROBLEM_BYTES])
{
    grt_place blobs;
    int is_broken = 0;
    if (grt_place_make(&blobs, "%s/blobs", folder))
        (void)grt_place_walk(blobs.text, is_incomplete, &is_broken);
    grt_find_problem(
        problem,
        "%s: its weights are not in the Hugging Face cache %s%s; \"hf download "
        "%s\" fetches them",
        name, folder, is_broken ? ": a download was not finished" : "", name);
    return GRT_FIND_BROKEN;
}

static grt_find_state find_in(grt_place *out, const char *folder, const hub_name *name,
                              char problem[GRT_PROBLEM_BYTES])
{
    grt_place own, main;
    weights held = {.n_gguf = 0};
    join_name(&own, name);
    problem[0] = 0;
    if (!find_snapshot(out, folder, name)) {
        if (!name->revision[0]) return GRT_FIND_NONE;
        grt_find_problem(problem,
                         "%s has no revision \"%s\" in the Hugging Face cache %s",
                         own.text, name->revision, folder);
        return GRT_FIND_BROKEN;
    }
    (void)grt_place_walk(out->text, see_weights, &held);
    if (!has_weights(&held)) return tell_lack(folder, own.text, problem);
    if (!name->revision[0] && find_branch(&main, folder, "main") &&
        strcmp(main.text, out->text) != 0)
        grt_find_problem(problem,
                         "%s: branch main has no weights in the Hugging Face cache; "
                         "those of %s are taken",
                         own.text, out->text);
    if (!name->quant[0] && (held.is_whole || held.n_gguf == 0)) return GRT_FIND_OK;
    grt_place snapshot = *out;
    return choose_gguf(out, &held, snapshot.text, name->quant, own.text, problem);
}

grt_find_state grt_hub_find(grt_place *out, const char *name,
                            char problem[GRT_PROBLEM_BYTES])
{
    grt_place caches[N_CACHES], folder;
    hub_name parsed;
    if (!parse_name(&parsed, name)) return GRT_FIND_NONE;
    size_t n = list_caches(caches);
    grt_find_state best = GRT_FIND_NONE;
    for (size_t i = 0; i < n; i++) {
        char ignored[GRT_PROBLEM_BYTES]; /* the first cache's problem is told */
        if (!grt_place_make(&folder, "%s/models--%s%s%s", caches[i].text, parsed.owner,
                            parsed.owner[0] ? "--" : "", parsed.name))
            continue;
        grt_find_state found = find_in(out, folder.text, &parsed,
                                       best == GRT_FIND_NONE ? problem : ignored);
        if (found == GRT_FIND_OK) return found;
        if (found == GRT_FIND_BROKEN) best = found;
    }
    return best;
}

/* Of "models--OWNER--NAME"; 0: another folder. */
static int name_of_folder(hub_name *out, const char *name)
{
    const char *rest = skip(name, "models--"), *between = strstr(rest, "--");
    *out = (hub_name){0};
    if (rest == name || !rest[0] || strlen(rest) >= NAME_BYTES) return 0;
    if (between) snprintf(out->owner, NAME_BYTES, "%.*s", (int)(between - rest), rest);
    snprintf(out->name, NAME_BYTES, "%s", between ? between + 2 : rest);
    return 1;
}

grt_find_state grt_hub_find_in(grt_place *out, const char *folder,
                               char problem[GRT_PROBLEM_BYTES])
{
    grt_place snapshots;
    hub_name name;
    size_t n = strlen(folder), first;
    while (n > 1 && folder[n - 1] == '/')
        n--;
    for (first = n; first > 0 && folder[first - 1] != '/';)
        first--;
    char last[NAME_BYTES];
    snprintf(last, sizeof last, "%.*s", (int)(n - first), folder + first);
    if (!grt_place_make(&snapshots, "%s/snapshots", folder) ||
        !grt_place_is_folder(snapshots.text))
        return GRT_FIND_NONE;
    if (!name_of_folder(&name, last)) snprintf(name.name, NAME_BYTES, "%s", last);
    return find_in(out, folder, &name, problem);
}

/* ---- All of them ---- */

typedef struct walk {
    grt_hub_fn *fn;
    void *payload;
} walk;

static int tell_quants(const walk *self, const weights *held, const char *snapshot,
                       const char *name)
{
    int code = 0;
    for (size_t i = 0; i < held->n_gguf && !code; i++) {
        char quant[NAME_BYTES];
        grt_place shown, path;
        quant_of(quant, held->gguf[i]);
        if (grt_place_make(&shown, "%s:%s", name, quant) &&
            grt_place_make(&path, "%s/%s", snapshot, held->gguf[i]))
            code = self->fn(shown.text, path.text, NULL, self->payload);
    }
    return code;
}

static int tell_repository(const char *folder, const char *name, void *payload)
{
    const walk *self = payload;
    char problem[GRT_PROBLEM_BYTES];
    grt_place place, found, shown;
    hub_name parsed;
    weights held = {.n_gguf = 0};
    if (!name_of_folder(&parsed, name) ||
        !grt_place_make(&place, "%s/%s", folder, name))
        return 0;
    grt_find_state state = find_in(&found, place.text, &parsed, problem);
    if (state == GRT_FIND_NONE) return 0;
    join_name(&shown, &parsed);
    if (state == GRT_FIND_OK)
        return self->fn(shown.text, found.text, NULL, self->payload);
    if (find_snapshot(&found, place.text, &parsed))
        (void)grt_place_walk(found.text, see_weights, &held);
    if (held.n_gguf) return tell_quants(self, &held, found.text, shown.text);
    return self->fn(shown.text, NULL, problem, self->payload);
}

int grt_hub_walk(grt_hub_fn *fn, void *payload)
{
    grt_place caches[N_CACHES];
    walk self = {fn, payload};
    size_t n = list_caches(caches);
    int code = 0;
    for (size_t i = 0; i < n && !code; i++)
        code = grt_place_walk(caches[i].text, tell_repository, &self);
    return code;
}
