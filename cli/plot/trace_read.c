/*
 * trace_read.c - reads what trace.h writes, for one query of it.
 *
 * The file may come from anywhere: every member is checked before it is used, and no
 * number sizes an array unless as many elements stand in the file.
 */
#include "plot/trace_read.h"

#include "frame/cli.h"
#include "frame/file.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS_MAX = 1000, DOCUMENTS_MAX = 10000 };

typedef struct reader {
    const char *name; /* of the file */
    char place[80];   /* "query 1, step 3: ", or "" */
} reader;

static int __attribute__((format(printf, 2, 3)))
bad(const reader *in, const char *format, ...)
{
    char text[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return cli_fail("%s: %s%s", in->name, in->place, text);
}

/* ---- Members of objects ---- */

static int read_count(const reader *in, const json_t *object, const char *name,
                      size_t least, size_t most, size_t *out)
{
    const json_t *value = json_object_get(object, name);
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < (json_int_t)least ||
        number > (json_int_t)most)
        return bad(in, "\"%s\" is missing or not a whole number from %zu to %zu", name,
                   least, most);
    *out = (size_t)number;
    return CLI_SUCCESS;
}

static int read_text(const reader *in, const json_t *object, const char *name,
                     const char **out)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_string(value))
        return bad(in, "\"%s\" is missing or not a string", name);
    *out = json_string_value(value);
    return CLI_SUCCESS;
}

static int read_array(const reader *in, const json_t *object, const char *name,
                      const json_t **out)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_array(value))
        return bad(in, "\"%s\" is missing or not an array", name);
    *out = value;
    return CLI_SUCCESS;
}

/* null, and what a double cannot draw, is NaN. */
static int read_score(const json_t *value, double *out)
{
    *out = (double)NAN;
    if (json_is_null(value)) return 1;
    if (!json_is_number(value)) return 0;
    double number = json_number_value(value);
    if (fabs(number) < 1e100) *out = number;
    return 1;
}

static int read_state(const json_t *value, grt_state *out)
{
    static const grt_state states[] = {GRT_STATE_FINISHED, GRT_STATE_SELECTED,
                                       GRT_STATE_DROPPED, GRT_STATE_ACTIVE};
    if (!json_is_string(value)) return 0;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (strcmp(json_string_value(value), grt_state_text(states[i])) == 0) {
            *out = states[i];
            return 1;
        }
    }
    return 0;
}

/* ---- Documents ---- */

static int read_document(const reader *in, const cli_traced_query *query,
                         const json_t *value, cli_traced_document *out)
{
    size_t n = query->n_documents;
    if (!json_is_object(value)) return bad(in, "not an object");
    int code = read_count(in, value, "index", 0, n - 1, &out->index);
    if (!code) code = read_count(in, value, "rank", 1, n, &out->rank);
    if (!code) code = read_text(in, value, "text", &out->text);
    if (!code)
        code = read_count(in, value, "decided_at_layer", 1, query->n_layers,
                          &out->decided_at_layer);
    if (code) return code;
    if (!read_state(json_object_get(value, "state"), &out->state) ||
        out->state == GRT_STATE_ACTIVE)
        return bad(in, "\"state\" is not finished, selected or dropped");
    if (!read_score(json_object_get(value, "logit"), &out->logit))
        return bad(in, "\"logit\" is missing or neither a number nor null");
    out->id = json_object_get(value, "id");
    if (out->id && !json_is_string(out->id) && !json_is_number(out->id))
        return bad(in, "\"id\" is neither a string nor a number");
    return CLI_SUCCESS;
}

/* Fills documents[] by rank and ranks[] by index; each must come exactly once. */
static int read_documents(reader *in, const json_t *list, cli_traced_query *query,
                          size_t *ranks)
{
    size_t length = strlen(in->place);
    for (size_t i = 0; i < query->n_documents; i++) {
        cli_traced_document document = {0};
        snprintf(in->place + length, sizeof in->place - length,
                 "document %zu: ", i + 1);
        int code = read_document(in, query, json_array_get(list, i), &document);
        if (code) return code;
        if (query->documents[document.rank - 1].rank)
            return bad(in, "rank %zu is taken", document.rank);
        if (ranks[document.index]) return bad(in, "index %zu is taken", document.index);
        query->documents[document.rank - 1] = document;
        ranks[document.index] = document.rank;
    }
    in->place[length] = 0;
    return CLI_SUCCESS;
}

/* ---- Steps ---- */

static int read_step(const reader *in, const json_t *step, cli_traced_query *query,
                     const size_t *ranks, double *scores)
{
    const json_t *candidates = NULL, *values = NULL, *states = NULL;
    int code = read_array(in, step, "candidates", &candidates);
    if (!code) code = read_array(in, step, "scores", &values);
    if (!code) code = read_array(in, step, "states", &states);
    if (code) return code;
    size_t n = json_array_size(candidates);
    if (json_array_size(values) != n || json_array_size(states) != n)
        return bad(in, "%zu candidates, %zu scores and %zu states", n,
                   json_array_size(values), json_array_size(states));
    for (size_t i = 0; i < n; i++) {
        const json_t *candidate = json_array_get(candidates, i);
        json_int_t index = json_integer_value(candidate);
        grt_state state;
        if (!json_is_integer(candidate) || index < 0 ||
            (size_t)index >= query->n_documents)
            return bad(in, "candidate %zu is not the index of a document", i + 1);
        if (!read_score(json_array_get(values, i), &scores[ranks[index] - 1]))
            return bad(in, "score %zu is neither a number nor null", i + 1);
        if (!read_state(json_array_get(states, i), &state))
            return bad(in, "state %zu is not one", i + 1);
    }
    return CLI_SUCCESS;
}

static int read_steps(reader *in, const json_t *list, cli_traced_query *query,
                      const size_t *ranks)
{
    size_t length = strlen(in->place), before = 0;
    for (size_t i = 0; i < query->n_steps; i++) {
        const json_t *step = json_array_get(list, i);
        double *scores = query->scores + i * query->n_documents;
        snprintf(in->place + length, sizeof in->place - length, "step %zu: ", i + 1);
        if (!json_is_object(step)) return bad(in, "not an object");
        int code = read_count(in, step, "layer", before + 1, query->n_layers,
                              &query->layers[i]);
        if (code) return code;
        before = query->layers[i];
        for (size_t d = 0; d < query->n_documents; d++)
            scores[d] = (double)NAN;
        code = read_step(in, step, query, ranks, scores);
        if (code) return code;
    }
    in->place[length] = 0;
    return CLI_SUCCESS;
}

/* ---- The file ---- */

static int read_lists(reader *in, const json_t *value, cli_traced_query *out)
{
    const json_t *documents = NULL, *steps = NULL;
    int code = read_array(in, value, "documents", &documents);
    if (!code) code = read_array(in, value, "steps", &steps);
    if (code) return code;
    out->n_documents = json_array_size(documents);
    out->n_steps = json_array_size(steps);
    if (out->n_documents == 0 || out->n_documents > DOCUMENTS_MAX)
        return bad(in, "%zu documents; 1 to %d can be drawn", out->n_documents,
                   (int)DOCUMENTS_MAX);
    if (out->k > out->n_documents)
        return bad(in, "\"k\" is %zu, of %zu documents", out->k, out->n_documents);
    if (out->n_steps == 0)
        return bad(in, "no layer gave scores before the ranking ended, as when a "
                       "deadline comes first: there is nothing to draw");
    if (out->n_steps > out->n_layers)
        return bad(in, "%zu steps of %zu layers", out->n_steps, out->n_layers);
    out->documents = calloc(out->n_documents, sizeof *out->documents);
    out->layers = calloc(out->n_steps, sizeof *out->layers);
    out->scores = calloc(out->n_steps * out->n_documents, sizeof *out->scores);
    size_t *ranks = calloc(out->n_documents, sizeof *ranks);
    if (!out->documents || !out->layers || !out->scores || !ranks)
        code = cli_fail("out of memory");
    if (!code) code = read_documents(in, documents, out, ranks);
    if (!code) code = read_steps(in, steps, out, ranks);
    free(ranks);
    return code;
}

static int read_query(reader *in, const json_t *value, cli_traced_query *out)
{
    if (!json_is_object(value)) return bad(in, "not an object");
    int code = read_text(in, value, "query", &out->query);
    if (!code) code = read_text(in, value, "policy", &out->policy);
    if (!code) code = read_count(in, value, "n_layers", 1, LAYERS_MAX, &out->n_layers);
    if (!code) code = read_count(in, value, "k", 1, DOCUMENTS_MAX, &out->k);
    if (code) return code;
    const json_t *precision = json_object_get(value, "precision");
    if (precision && !json_is_number(precision))
        return bad(in, "\"precision\" is not a number");
    out->precision = json_number_value(precision);
    return read_lists(in, value, out);
}

static int read_root(reader *in, size_t number, cli_traced_query *out)
{
    const json_t *queries = NULL;
    const char *format = json_string_value(json_object_get(out->root, "format"));
    const json_t *version = json_object_get(out->root, "version");
    if (!format || strcmp(format, "grating-trace") != 0)
        return bad(in, "not a trace of \"grating rank --trace\"");
    if (!json_is_integer(version) || json_integer_value(version) != 1)
        return bad(in, "a trace of another version than 1");
    int code = read_text(in, out->root, "model", &out->model);
    if (!code) code = read_array(in, out->root, "queries", &queries);
    if (code) return code;
    out->n_queries = json_array_size(queries);
    if (number > out->n_queries)
        return bad(in, "query %zu is asked for, %zu %s there", number, out->n_queries,
                   out->n_queries == 1 ? "is" : "are");
    snprintf(in->place, sizeof in->place, "query %zu: ", number);
    return read_query(in, json_array_get(queries, number - 1), out);
}

static json_t *load(const reader *in, const char *path)
{
    json_error_t error;
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    if (!file) {
        cli_fail("cannot open %s: %s", path, strerror(errno));
        return NULL;
    }
    cli_file_protect(path);
    errno = 0;
    json_t *root = json_loadf(file, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (ferror(file))
        cli_fail("cannot read %s: %s", in->name, strerror(errno));
    else if (!root)
        bad(in, "line %d, column %d: %s", error.line, error.column, error.text);
    if (file != stdin) fclose(file);
    return root;
}

int cli_trace_read(cli_traced_query *out, const char *path, size_t number)
{
    reader in = {.name = strcmp(path, "-") == 0 ? "standard input" : path};
    *out = (cli_traced_query){0};
    out->root = load(&in, path);
    return out->root ? read_root(&in, number, out) : CLI_FAILURE;
}

void cli_traced_query_release(cli_traced_query *query)
{
    json_decref(query->root);
    free(query->documents);
    free(query->layers);
    free(query->scores);
    *query = (cli_traced_query){0};
}
