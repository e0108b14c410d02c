/* queries.c - a file of queries, one on each line. */
#include "frame/queries.h"

#include "frame/cli.h"
#include "frame/json.h"
#include "frame/room.h"
#include "frame/text.h"
#include "wire/text.h"

#include <stdlib.h>
#include <string.h>

int cli_queries_open(cli_queries *queries, const char *path)
{
    *queries = (cli_queries){0};
    int code = cli_lines_open(&queries->lines, path);
    queries->lines.is_json = 1;
    return code;
}

/* ---- Members ---- */

static const char *const query_names[] = {"query", "question", NULL};
static const char *const documents_names[] = {"documents", "texts", "passages", NULL};
static const char *const k_names[] = {"k", "top_k", "top_n", NULL};
static const char *const id_names[] = {"id", "_id", "query_id", "qid", NULL};
/* Grades, which eval reads, and a line's other members that say nothing to a ranking.
 */
static const char *const other_names[] = {"instruction", "relevance", "text", NULL};

static const json_t *find(const json_t *line, const char *const *names)
{
    for (; *names; names++) {
        const json_t *found = json_object_get(line, *names);
        if (found && !json_is_null(found)) return found;
    }
    return NULL;
}

static int is_among(const char *name, const char *const *names)
{
    for (; *names; names++) {
        if (strcmp(name, *names) == 0) return 1;
    }
    return 0;
}

/* Each name once: a batch has thousands of lines with the same. */
static void note_unknown(cli_queries *queries, const char *name)
{
    size_t n = 0;
    for (; n < CLI_UNKNOWN_MAX && queries->unknown[n]; n++) {
        if (strcmp(queries->unknown[n], name) == 0) return;
    }
    if (n == CLI_UNKNOWN_MAX) return;
    queries->unknown[n] = strdup(name);
    cli_note("%s, line %zu: the member \"%s\" is not read", queries->lines.name,
             queries->lines.number, name);
}

static void look_for_unknown(cli_queries *queries)
{
    void *iterator = json_object_iter(queries->line);
    for (; queries->own_members && iterator;
         iterator = json_object_iter_next(queries->line, iterator)) {
        const char *name = json_object_iter_key(iterator);
        if (!is_among(name, query_names) && !is_among(name, documents_names) &&
            !is_among(name, k_names) && !is_among(name, id_names) &&
            !is_among(name, other_names) && !is_among(name, queries->own_members))
            note_unknown(queries, name);
    }
}

/* ---- A line ---- */

/* "k" and what other programs call it; those that are there must agree. */
static const char *read_k(const json_t *line, size_t *out)
{
    int is_known = 0;
    for (const char *const *name = k_names; *name; name++) {
        const json_t *k = json_object_get(line, *name);
        if (!k || json_is_null(k)) continue;
        if (!json_is_integer(k) || json_integer_value(k) < 0)
            return "\"k\" is not a whole number from 0 on";
        size_t value = (size_t)json_integer_value(k);
        if (is_known && value != *out)
            return "\"k\", \"top_k\" and \"top_n\" are the same, and differ";
        *out = value;
        is_known = 1;
    }
    return NULL;
}

static const char *read_documents(cli_queries *queries)
{
    const json_t *list = find(queries->line, documents_names);
    if (!list && queries->has_corpus) return NULL;
    if (list && queries->has_corpus)
        return "\"documents\" and documents for all queries exclude each other";
    if (!json_is_array(list)) return "\"documents\" is missing or not an array";
    for (size_t i = 0; i < json_array_size(list); i++) {
        cli_record record;
        int is_added = 1;
        const char *problem = cli_documents_add_json(
            &queries->documents, &record, json_array_get(list, i), &queries->fields,
            (wire_id){0}, &is_added);
        if (!problem && !is_added && !queries->documents.is_counted)
            problem = "out of memory";
        if (!problem) continue;
        snprintf(queries->problem, sizeof queries->problem, "%s", problem);
        return queries->problem;
    }
    return NULL;
}

/* Checks one line's object and fills `query` with what is borrowed from it.  NULL, or a
 * text that says what is wrong. */
static const char *read_query(cli_queries *queries, cli_query *query)
{
    const json_t *line = queries->line;
    if (!json_is_object(line)) return "not an object with \"query\" and \"documents\"";
    const json_t *text = find(line, query_names), *id = find(line, id_names);
    const json_t *instruction = json_object_get(line, "instruction");
    int has_id = json_is_string(id) || json_is_number(id);
    if (has_id) query->id = id;
    if (!text && queries->has_corpus) text = json_object_get(line, "text");
    if (!json_is_string(text)) return "\"query\" is missing or not a string";
    if (json_string_length(text) == 0) return "\"query\" is empty";
    query->text = json_string_value(text);
    query->bytes = json_string_length(text);
    if (id && !has_id) return "\"id\" is neither a string nor a number";
    if (json_is_null(instruction)) instruction = NULL;
    if (instruction && !json_is_string(instruction))
        return "\"instruction\" is not a string";
    if (instruction &&
        strlen(json_string_value(instruction)) != json_string_length(instruction))
        return "\"instruction\" holds a NUL character";
    if (instruction) query->instruction = json_string_value(instruction);
    const char *problem = read_k(line, &query->k);
    return problem ? problem : read_documents(queries);
}

/* What reading the current line takes beside its documents. */
static void add_line_itself(cli_queries *queries, size_t bytes)
{
    cli_json_scan scan = {.bytes = bytes};
    cli_tally *tally = &queries->documents.tally;
    uint64_t most = 2 * cli_json_parsed_bytes(&scan);
    if (tally->most_bytes < most) tally->most_bytes = most;
}

static const char *say_too_large(cli_queries *queries)
{
    /* A line stays while it is ranked. */
    cli_tally *tally = &queries->documents.tally;
    tally->kept_bytes += tally->most_bytes;
    tally->most_bytes = 0;
    cli_tally_text enough = cli_tally_enough(tally);
    snprintf(queries->problem, sizeof queries->problem,
             "reading this line does not fit %s; %s",
             cli_bytes_text(cli_room_budget()).text, enough.text);
    return queries->problem;
}

/* A line of text where lines of text may be queries. */
static const char *read_line(cli_queries *queries, cli_query *query)
{
    cli_lines *lines = &queries->lines;
    if (lines->number == lines->n_blank + 1)
        queries->is_text =
            queries->has_corpus && lines->line[strspn(lines->line, " \t")] != '{';
    if (queries->is_text) {
        query->text = lines->line;
        query->bytes = lines->bytes;
        return NULL;
    }
    json_error_t error;
    int is_repaired = 0;
    queries->line = cli_json_parse(lines->line, lines->bytes, &is_repaired, &error);
    lines->n_repaired += is_repaired && wire_is_utf8(lines->line, lines->bytes);
    if (queries->line) {
        const char *problem = read_query(queries, query);
        if (problem || !queries->documents.is_counted) return problem;
        add_line_itself(queries, lines->bytes);
        return say_too_large(queries);
    }
    if (cli_lines_count_json(lines, &error)) return say_too_large(queries);
    snprintf(queries->problem, sizeof queries->problem, "column %d: %s", error.column,
             error.text);
    return queries->problem;
}

int cli_queries_try(cli_queries *queries, cli_query *query)
{
    cli_lines *lines = &queries->lines;
    cli_documents_clear(&queries->documents);
    json_decref(queries->line);
    queries->line = NULL;
    lines->tally = &queries->documents.tally;
    int next = cli_lines_next(lines);
    if (next <= 0) return next;
    if (next == CLI_LINES_TOO_LARGE && lines->tally->is_endless) {
        cli_tally_refuse(lines->tally, lines->name);
        return -1;
    }
    snprintf(queries->where, sizeof queries->where, "%s, line %zu", lines->name,
             lines->number);
    query->where = queries->where;
    const char *problem = next == CLI_LINES_TOO_LARGE ? say_too_large(queries)
                                                      : read_line(queries, query);
    if (!problem) {
        look_for_unknown(queries);
        return 1;
    }
    if (problem != queries->problem)
        snprintf(queries->problem, sizeof queries->problem, "%s", problem);
    return 2;
}

int cli_queries_next(cli_queries *queries, cli_query *query)
{
    int next = cli_queries_try(queries, query);
    if (next != 2) return next;
    cli_lines_fail(&queries->lines, "%s", queries->problem);
    return -1;
}

void cli_queries_close(cli_queries *queries)
{
    for (size_t i = 0; i < CLI_UNKNOWN_MAX; i++)
        free(queries->unknown[i]);
    json_decref(queries->line);
    cli_documents_release(&queries->documents);
    cli_lines_close(&queries->lines);
    *queries = (cli_queries){0};
    queries->lines.fd = -1;
}
