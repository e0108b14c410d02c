/* golden.h - reads tests/data/golden (made by tools/golden/make_golden.py) for tests.
 *
 * A case is a tiny checkpoint and what an independent float64 forward pass gives for
 * it. Whatever is wrong with a golden file ends the test program with a message: these
 * files are part of the tree. */
#ifndef TESTS_GOLDEN_GOLDEN_H
#define TESTS_GOLDEN_GOLDEN_H

#include <dirent.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GOLDEN_MAX_CASES = 96, GOLDEN_MAX_NAME = 64, GOLDEN_MAX_PATH = 1024 };

/* One query with its documents, end to end: text in, logit out. */
typedef struct golden_job {
    const char *query;
    const char *instruction;  /* NULL: the default one */
    bool query_joins_newline; /* the query's last character may share a token with the
                                 newline of the prompt that follows it */
    size_t n_documents;
    const char **documents;      /* [n_documents], NUL-terminated */
    const int32_t **ids;         /* [n_documents][n_ids[i]] the whole pair */
    const uint8_t **types;       /* [n_documents][n_ids[i]] */
    const size_t *n_ids;         /* [n_documents] */
    const bool *is_truncated;    /* [n_documents] */
    const double *logits;        /* [n_documents] */
    const double **layer_logits; /* [n_documents][n_layers - first_head + 1], or NULL */
} golden_job;

typedef struct golden {
    const char *name;   /* "qwen3-gguf-q8_0" */
    const char *family; /* "bert", "qwen2", "qwen3", "minicpm", "gemma" */
    const char *dtype;  /* storage type of most matrices: "F32", "BF16", "Q4_K" */
    const char
        *refused; /* why it must not open; NULL: it must, and the rest is filled */
    char path[GOLDEN_MAX_PATH]; /* of the checkpoint: a directory or a .gguf file */
    bool is_gguf;
    size_t hidden_size, n_layers, n_heads, n_kv_heads, head_size, ffn_size, vocab_size;
    size_t max_tokens;
    size_t
        first_head; /* first layer with a head of its own; 0: the last alone has one */
    /* random ids, packed end to end */
    size_t n_sequences;
    const size_t *offsets; /* [n_sequences + 1] */
    const int32_t *ids;    /* [offsets[n_sequences]] */
    const uint8_t *types;  /* [offsets[n_sequences]] */
    const double *logits;  /* [n_sequences] */
    /* [n_sequences][n_layers + 1] pointers to [rows of the sequence][hidden_size]: 0
     * after the embedding, l after layer l (Qwen3: before the final norm); hidden[i] is
     * NULL where the file does not keep them */
    const double ***hidden;
    size_t n_jobs;
    const golden_job *jobs; /* [n_jobs] */
    json_t *root;           /* strings above are borrowed from it */
    void *blocks;           /* list of all arrays, each block begins with the next */
} golden;

/* ---- reading, used only below ---- */

static inline void golden_need(const golden *g, bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "golden data of %s: %s is missing or malformed\n", g->path, what);
    exit(2);
}

static inline void *golden_array(golden *g, size_t count, size_t size)
{
    void **block = calloc(1, sizeof(max_align_t) + count * size);
    golden_need(g, block != NULL, "memory");
    *block = g->blocks;
    g->blocks = block;
    return (char *)block + sizeof(max_align_t);
}

static inline json_t *golden_list(const golden *g, const json_t *parent,
                                  const char *key)
{
    json_t *list = json_object_get(parent, key);
    golden_need(g, json_is_array(list), key);
    return list;
}

static inline const char *golden_text(const golden *g, const json_t *parent,
                                      const char *key, bool may_be_null)
{
    const json_t *value = json_object_get(parent, key);
    golden_need(g, json_is_string(value) || (may_be_null && json_is_null(value)), key);
    return json_string_value(value);
}

static inline size_t golden_size(const golden *g, const json_t *parent, const char *key)
{
    const json_t *value = json_object_get(parent, key);
    golden_need(g, json_is_integer(value) && json_integer_value(value) >= 0, key);
    return (size_t)json_integer_value(value);
}

static inline int64_t golden_integer(const golden *g, const json_t *list, size_t i,
                                     const char *what)
{
    const json_t *value = json_array_get(list, i);
    golden_need(g, json_is_integer(value), what);
    return json_integer_value(value);
}

static inline double *golden_doubles(golden *g, const json_t *list, size_t n,
                                     const char *what)
{
    golden_need(g, json_array_size(list) == n, what);
    double *out = golden_array(g, n, sizeof(double));
    for (size_t i = 0; i < n; i++) {
        golden_need(g, json_is_number(json_array_get(list, i)), what);
        out[i] = json_number_value(json_array_get(list, i));
    }
    return out;
}

static inline int32_t *golden_ids(golden *g, const json_t *list, size_t n)
{
    golden_need(g, json_array_size(list) == n, "ids");
    int32_t *out = golden_array(g, n, sizeof(int32_t));
    for (size_t i = 0; i < n; i++) {
        int64_t id = golden_integer(g, list, i, "ids");
        golden_need(g, id >= 0 && (size_t)id < g->vocab_size,
                    "an id of the vocabulary");
        out[i] = (int32_t)id;
    }
    return out;
}

static inline uint8_t *golden_types(golden *g, const json_t *list, size_t n)
{
    golden_need(g, json_array_size(list) == n, "token_types");
    uint8_t *out = golden_array(g, n, sizeof(uint8_t));
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)golden_integer(g, list, i, "token_types");
    return out;
}

static inline void golden_read_hidden(golden *g, const json_t *list)
{
    golden_need(g, json_array_size(list) == g->n_sequences, "hidden");
    g->hidden = golden_array(g, g->n_sequences, sizeof(*g->hidden));
    for (size_t i = 0; i < g->n_sequences; i++) {
        const json_t *layers = json_array_get(list, i);
        if (json_is_null(layers)) continue;
        golden_need(g, json_array_size(layers) == g->n_layers + 1, "hidden");
        g->hidden[i] = golden_array(g, g->n_layers + 1, sizeof(**g->hidden));
        size_t n = (g->offsets[i + 1] - g->offsets[i]) * g->hidden_size;
        for (size_t l = 0; l <= g->n_layers; l++)
            g->hidden[i][l] = golden_doubles(g, json_array_get(layers, l), n, "hidden");
    }
}

static inline void golden_read_sequences(golden *g, const json_t *from)
{
    const json_t *offsets = golden_list(g, from, "offsets");
    golden_need(g, json_array_size(offsets) >= 2, "offsets");
    g->n_sequences = json_array_size(offsets) - 1;
    size_t *at = golden_array(g, g->n_sequences + 1, sizeof(size_t));
    for (size_t i = 0; i <= g->n_sequences; i++) {
        at[i] = (size_t)golden_integer(g, offsets, i, "offsets");
        golden_need(g, i == 0 ? at[0] == 0 : at[i] > at[i - 1], "offsets");
    }
    g->offsets = at;
    g->ids = golden_ids(g, golden_list(g, from, "ids"), at[g->n_sequences]);
    g->types = golden_types(g, golden_list(g, from, "token_types"), at[g->n_sequences]);
    g->logits =
        golden_doubles(g, golden_list(g, from, "logits"), g->n_sequences, "logits");
    golden_read_hidden(g, golden_list(g, from, "hidden"));
}

static inline void golden_read_job(golden *g, golden_job *job, const json_t *from)
{
    const json_t *documents = golden_list(g, from, "documents");
    const json_t *ids = golden_list(g, from, "ids");
    const json_t *types = golden_list(g, from, "token_types");
    const json_t *truncated = golden_list(g, from, "truncated");
    size_t n = json_array_size(documents);
    golden_need(g, json_array_size(truncated) == n, "truncated");
    golden_need(g, json_array_size(ids) == n, "ids");
    job->query = golden_text(g, from, "query", false);
    job->instruction = golden_text(g, from, "instruction", true);
    job->query_joins_newline =
        json_is_true(json_object_get(from, "query_joins_newline"));
    job->n_documents = n;
    job->documents = golden_array(g, n, sizeof(*job->documents));
    job->ids = golden_array(g, n, sizeof(*job->ids));
    job->types = golden_array(g, n, sizeof(*job->types));
    size_t *n_ids = golden_array(g, n, sizeof(size_t));
    bool *is_truncated = golden_array(g, n, sizeof(bool));
    for (size_t i = 0; i < n; i++) {
        job->documents[i] = json_string_value(json_array_get(documents, i));
        golden_need(g, job->documents[i] != NULL, "documents");
        n_ids[i] = json_array_size(json_array_get(ids, i));
        job->ids[i] = golden_ids(g, json_array_get(ids, i), n_ids[i]);
        job->types[i] = golden_types(g, json_array_get(types, i), n_ids[i]);
        is_truncated[i] = json_is_true(json_array_get(truncated, i));
    }
    job->n_ids = n_ids;
    job->is_truncated = is_truncated;
    job->logits = golden_doubles(g, golden_list(g, from, "logits"), n, "logits");
    if (g->first_head == 0) return;
    const json_t *by_layer = golden_list(g, from, "layer_logits");
    job->layer_logits = golden_array(g, n, sizeof(*job->layer_logits));
    for (size_t i = 0; i < n; i++)
        job->layer_logits[i] =
            golden_doubles(g, json_array_get(by_layer, i),
                           g->n_layers - g->first_head + 1, "layer_logits");
}

static inline void golden_read_jobs(golden *g, const json_t *list)
{
    g->n_jobs = json_array_size(list);
    golden_job *jobs = golden_array(g, g->n_jobs, sizeof(golden_job));
    for (size_t i = 0; i < g->n_jobs; i++)
        golden_read_job(g, &jobs[i], json_array_get(list, i));
    g->jobs = jobs;
}

static inline void golden_read_shape(golden *g, const json_t *shape)
{
    g->hidden_size = golden_size(g, shape, "hidden_size");
    g->n_layers = golden_size(g, shape, "n_layers");
    g->n_heads = golden_size(g, shape, "n_heads");
    g->n_kv_heads = golden_size(g, shape, "n_kv_heads");
    g->head_size = golden_size(g, shape, "head_size");
    g->ffn_size = golden_size(g, shape, "ffn_size");
    g->vocab_size = golden_size(g, shape, "vocab_size");
    g->max_tokens = golden_size(g, shape, "max_tokens");
}

/* ---- what tests call ---- */

/* Reads <folder>/<name>/golden.json; folder is GRT_TEST_DATA "/golden". */
static inline void golden_open(golden *g, const char *folder, const char *name)
{
    memset(g, 0, sizeof(*g));
    char file[GOLDEN_MAX_PATH];
    int n = snprintf(g->path, sizeof(g->path), "%s/%s", folder, name);
    golden_need(g, n > 0 && (size_t)n < sizeof(g->path), "a short path");
    n = snprintf(file, sizeof(file), "%s/%s/golden.json", folder, name);
    golden_need(g, n > 0 && (size_t)n < sizeof(file), "a short path");
    json_error_t error;
    g->root = json_load_file(file, 0, &error);
    golden_need(g, json_is_object(g->root), "golden.json");
    g->name = golden_text(g, g->root, "case", false);
    g->family = golden_text(g, g->root, "family", false);
    g->dtype = golden_text(g, g->root, "dtype", false);
    g->refused = golden_text(g, g->root, "refused", true);
    g->is_gguf = !strcmp(golden_text(g, g->root, "container", false), "gguf");
    const char *inside = golden_text(g, g->root, "checkpoint", false);
    n = snprintf(g->path, sizeof(g->path), "%s/%s%s%s", folder, name,
                 inside[0] ? "/" : "", inside);
    golden_need(g, n > 0 && (size_t)n < sizeof(g->path), "a short path");
    golden_read_shape(g, json_object_get(g->root, "shape"));
    if (g->refused) return;
    if (json_object_get(g->root, "first_head"))
        g->first_head = golden_size(g, g->root, "first_head");
    golden_read_sequences(g, json_object_get(g->root, "sequences"));
    golden_read_jobs(g, golden_list(g, g->root, "jobs"));
}

static inline void golden_close(golden *g)
{
    while (g->blocks) {
        void *next = *(void **)g->blocks;
        free(g->blocks);
        g->blocks = next;
    }
    json_decref(g->root);
    memset(g, 0, sizeof(*g));
}

static inline int golden_compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Names of all cases in folder, sorted; returns how many. */
static inline size_t golden_names(char names[GOLDEN_MAX_CASES][GOLDEN_MAX_NAME],
                                  const char *folder)
{
    size_t n = 0;
    DIR *directory = opendir(folder);
    if (!directory) return 0;
    for (const struct dirent *entry; (entry = readdir(directory));) {
        size_t length = strlen(entry->d_name);
        if (entry->d_name[0] == '.' || length >= GOLDEN_MAX_NAME) continue;
        if (n == GOLDEN_MAX_CASES) break;
        memcpy(names[n++], entry->d_name, length + 1);
    }
    closedir(directory);
    qsort(names, n, GOLDEN_MAX_NAME, golden_compare_names);
    return n;
}

#endif /* TESTS_GOLDEN_GOLDEN_H */
