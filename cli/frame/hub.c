/* hub.c - see hub.h. */
#include "frame/hub.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

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

int cli_hub_is_name(const char *name)
{
    hub_name parsed;
    return parse_name(&parsed, name) && parsed.owner[0];
}

static void join_name(cli_place *out, const hub_name *name)
{
    (void)cli_place_make(out, "%s%s%s", name->owner, name->owner[0] ? "/" : "",
                         name->name);
}

void cli_hub_repository(cli_place *out, const char *name)
{
    hub_name parsed;
    if (parse_name(&parsed, name))
        join_name(out, &parsed);
    else
        (void)cli_place_make(out, "%s", name);
}

/* ---- Caches ---- */

/* Best first, each once; returns how many. */
static size_t list_caches(cli_place out[N_CACHES])
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
        cli_place folder;
        if (cli_place_of_variable(&folder, places[i].variable) &&
            cli_place_make(&out[n], "%s%s", folder.text, places[i].below) &&
            !cli_place_is_among(out, n, &out[n]))
            n++;
    }
    return n;
}

void cli_hub_first(cli_place *out)
{
    cli_place caches[N_CACHES];
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
    return n >= n_end && strcasecmp(name + n - n_end, end) == 0;
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
    if (!ends_in(name, ".gguf") || strncasecmp(name, "mmproj", 6) == 0) return;
    if (part_of(name, ".gguf", &n_parts) > 1 || self->n_gguf == GGUF_MAX) return;
    int n = snprintf(self->gguf[self->n_gguf], NAME_BYTES, "%s%s", below, name);
    if (n > 0 && n < NAME_BYTES) self->n_gguf++;
}

static int see_inner(const char *folder, const char *name, void *payload)
{
    char below[NAME_BYTES];
    cli_place found;
    int n = snprintf(below, sizeof below, "%s/", strrchr(folder, '/') + 1);
    if (n > 0 && n < NAME_BYTES && cli_place_make(&found, "%s/%s", folder, name) &&
        cli_place_exists(found.text))
        see_gguf(payload, below, name);
    return 0;
}

/* Whether the shards beside this one are there. */
static int are_shards_there(const char *folder, const char *name, unsigned n)
{
    cli_place shard;
    int n_stem = (int)(strlen(name) - strlen("-00001-of-00002.safetensors"));
    for (unsigned i = 1; i <= n && n <= SHARDS_MAX; i++)
        if (!cli_place_make(&shard, "%s/%.*s-%05u-of-%05u.safetensors", folder, n_stem,
                            name, i, n) ||
            !cli_place_exists(shard.text))
            return 0;
    return 1;
}

static int see_weights(const char *folder, const char *name, void *payload)
{
    static const char *const others[] = {".bin", ".pt", ".onnx", ".h5", ".safetensors"};
    weights *self = payload;
    cli_place found;
    unsigned n_parts;
    if (!cli_place_make(&found, "%s/%s", folder, name) || !cli_place_exists(found.text))
        return 0;
    if (cli_place_is_folder(found.text)) {
        self->is_other |= strcmp(name, "onnx") == 0;
        return cli_place_walk(found.text, see_inner, self); /* a folder for each */
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
        if (strncasecmp(at, word, n) != 0) continue;
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
static cli_find choose_gguf(cli_place *out, const weights *self, const char *snapshot,
                            const char *quant, const char *name,
                            char problem[CLI_PROBLEM_BYTES])
{
    size_t n_found = 0;
    for (size_t i = 0; i < self->n_gguf; i++) {
        if (quant[0] && !holds_word(self->gguf[i], quant)) continue;
        n_found += (size_t)cli_place_make(out, "%s/%s", snapshot, self->gguf[i]);
    }
    if (n_found == 1) return CLI_FIND_OK;
    if (n_found == 0)
        cli_find_problem(problem, "%s has no GGUF file \"%s\" in %s%s", name, quant,
                         snapshot, self->n_gguf ? "; there are" : "");
    else
        cli_find_problem(problem, "%s has %zu GGUF files; say which:", name, n_found);
    list_quants(self, name, problem, CLI_PROBLEM_BYTES);
    return CLI_FIND_BROKEN;
}

/* ---- Snapshots ---- */

/* The first line of a small file; 0 when there is none. */
static int read_line(const char *name, char *out, size_t capacity)
{
    FILE *file = fopen(name, "re");
    int is_read = file && fgets(out, (int)capacity, file);
    if (file) fclose(file);
    if (is_read) out[strcspn(out, "\r\n")] = 0;
    return is_read && out[0];
}

/* The snapshot of a branch. */
static int find_branch(cli_place *out, const char *folder, const char *branch)
{
    char revision[NAME_BYTES];
    cli_place ref;
    return cli_place_make(&ref, "%s/refs/%s", folder, branch) &&
           read_line(ref.text, revision, sizeof revision) && !strchr(revision, '/') &&
           cli_place_make(out, "%s/snapshots/%s", folder, revision) &&
           cli_place_is_folder(out->text);
}

typedef struct newest {
    cli_place place, whole;
    struct timespec time, whole_time;
    int n, n_whole;
} newest;

static int is_later(struct timespec a, struct timespec b)
{
    return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

static int keep_newest(const char *folder, const char *name, void *payload)
{
    newest *best = payload;
    cli_place found;
    struct stat status;
    weights held = {.n_gguf = 0};
    if (!cli_place_make(&found, "%s/%s", folder, name) || stat(found.text, &status))
        return 0;
    if (!best->n || is_later(status.st_mtim, best->time)) {
        best->place = found;
        best->time = status.st_mtim;
        best->n = 1;
    }
    (void)cli_place_walk(found.text, see_weights, &held);
    if (!has_weights(&held) ||
        (best->n_whole && !is_later(status.st_mtim, best->whole_time)))
        return 0;
    best->whole = found;
    best->whole_time = status.st_mtim;
    best->n_whole = 1;
    return 0;
}

/* A snapshot with weights where there is one; 0: there are no snapshots. */
static int find_snapshot(cli_place *out, const char *folder, const hub_name *name)
{
    cli_place snapshots;
    newest best = {.n = 0};
    weights held = {.n_gguf = 0};
    if (name->revision[0])
        return find_branch(out, folder, name->revision) ||
               (!strstr(name->revision, "..") &&
                cli_place_make(out, "%s/snapshots/%s", folder, name->revision) &&
                cli_place_is_folder(out->text));
    int has_main = find_branch(out, folder, "main");
    if (has_main) (void)cli_place_walk(out->text, see_weights, &held);
    if (has_weights(&held) || !cli_place_make(&snapshots, "%s/snapshots", folder))
        return has_main;
    (void)cli_place_walk(snapshots.text, keep_newest, &best);
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

static cli_find tell_lack(const char *folder, const char *name,
                          char problem[CLI_PROBLEM_BYTES])
{
    cli_place blobs;
    int is_broken = 0;
    if (cli_place_make(&blobs, "%s/blobs", folder))
        (void)cli_place_walk(blobs.text, is_incomplete, &is_broken);
    cli_find_problem(
        problem,
        "%s: its weights are not in the Hugging Face cache %s%s; \"hf download "
        "%s\" fetches them",
        name, folder, is_broken ? ": a download was not finished" : "", name);
    return CLI_FIND_BROKEN;
}

static cli_find find_in(cli_place *out, const char *folder, const hub_name *name,
                        char problem[CLI_PROBLEM_BYTES])
{
    cli_place own, main;
    weights held = {.n_gguf = 0};
    join_name(&own, name);
    problem[0] = 0;
    if (!find_snapshot(out, folder, name)) {
        if (!name->revision[0]) return CLI_FIND_NONE;
        cli_find_problem(problem,
                         "%s has no revision \"%s\" in the Hugging Face cache %s",
                         own.text, name->revision, folder);
        return CLI_FIND_BROKEN;
    }
    (void)cli_place_walk(out->text, see_weights, &held);
    if (!has_weights(&held)) return tell_lack(folder, own.text, problem);
    if (!name->revision[0] && find_branch(&main, folder, "main") &&
        strcmp(main.text, out->text) != 0)
        cli_find_problem(problem,
                         "%s: branch main has no weights in the Hugging Face cache; "
                         "those of %s are taken",
                         own.text, out->text);
    if (!name->quant[0] && (held.is_whole || held.n_gguf == 0)) return CLI_FIND_OK;
    cli_place snapshot = *out;
    return choose_gguf(out, &held, snapshot.text, name->quant, own.text, problem);
}

cli_find cli_hub_find(cli_place *out, const char *name, char problem[CLI_PROBLEM_BYTES])
{
    cli_place caches[N_CACHES], folder;
    hub_name parsed;
    if (!parse_name(&parsed, name)) return CLI_FIND_NONE;
    size_t n = list_caches(caches);
    cli_find best = CLI_FIND_NONE;
    for (size_t i = 0; i < n; i++) {
        char ignored[CLI_PROBLEM_BYTES]; /* the first cache's problem is told */
        if (!cli_place_make(&folder, "%s/models--%s%s%s", caches[i].text, parsed.owner,
                            parsed.owner[0] ? "--" : "", parsed.name))
            continue;
        cli_find found = find_in(out, folder.text, &parsed,
                                 best == CLI_FIND_NONE ? problem : ignored);
        if (found == CLI_FIND_OK) return found;
        if (found == CLI_FIND_BROKEN) best = found;
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

cli_find cli_hub_find_in(cli_place *out, const char *folder,
                         char problem[CLI_PROBLEM_BYTES])
{
    cli_place snapshots;
    hub_name name;
    size_t n = strlen(folder), first;
    while (n > 1 && folder[n - 1] == '/')
        n--;
    for (first = n; first > 0 && folder[first - 1] != '/';)
        first--;
    char last[NAME_BYTES];
    snprintf(last, sizeof last, "%.*s", (int)(n - first), folder + first);
    if (!cli_place_make(&snapshots, "%s/snapshots", folder) ||
        !cli_place_is_folder(snapshots.text))
        return CLI_FIND_NONE;
    if (!name_of_folder(&name, last)) snprintf(name.name, NAME_BYTES, "%s", last);
    return find_in(out, folder, &name, problem);
}

/* ---- All of them ---- */

typedef struct walk {
    cli_hub_fn *fn;
    void *payload;
} walk;

static int tell_quants(const walk *self, const weights *held, const char *snapshot,
                       const char *name)
{
    int code = 0;
    for (size_t i = 0; i < held->n_gguf && !code; i++) {
        char quant[NAME_BYTES];
        cli_place shown, path;
        quant_of(quant, held->gguf[i]);
        if (cli_place_make(&shown, "%s:%s", name, quant) &&
            cli_place_make(&path, "%s/%s", snapshot, held->gguf[i]))
            code = self->fn(shown.text, path.text, NULL, self->payload);
    }
    return code;
}

static int tell_repository(const char *folder, const char *name, void *payload)
{
    const walk *self = payload;
    char problem[CLI_PROBLEM_BYTES];
    cli_place place, found, shown;
    hub_name parsed;
    weights held = {.n_gguf = 0};
    if (!name_of_folder(&parsed, name) ||
        !cli_place_make(&place, "%s/%s", folder, name))
        return 0;
    cli_find state = find_in(&found, place.text, &parsed, problem);
    if (state == CLI_FIND_NONE) return 0;
    join_name(&shown, &parsed);
    if (state == CLI_FIND_OK)
        return self->fn(shown.text, found.text, NULL, self->payload);
    if (find_snapshot(&found, place.text, &parsed))
        (void)cli_place_walk(found.text, see_weights, &held);
    if (held.n_gguf) return tell_quants(self, &held, found.text, shown.text);
    return self->fn(shown.text, NULL, problem, self->payload);
}

int cli_hub_walk(cli_hub_fn *fn, void *payload)
{
    cli_place caches[N_CACHES];
    walk self = {fn, payload};
    size_t n = list_caches(caches);
    int code = 0;
    for (size_t i = 0; i < n && !code; i++)
        code = cli_place_walk(caches[i].text, tell_repository, &self);
    return code;
}
