/* queries.c - queries with documents of their own, one JSON object on each line. */
#include "frame/queries.h"

#include "frame/cli.h"

#include <string.h>

int cli_queries_open(cli_queries *queries, const char *path)
{
    *queries = (cli_queries){0};
    return cli_lines_open(&queries->lines, path);
}

/* Checks one line's object and fills `query` with what is borrowed from it.  NULL, or a
 * text that says what is wrong. */
static const char *read_query(const json_t *line, cli_query *query,
                              cli_documents *documents)
{
    if (!json_is_object(line)) return "not an object with \"query\" and \"documents\"";
    const json_t *text = json_object_get(line, "query");
    const json_t *list = json_object_get(line, "documents");
    const json_t *k = json_object_get(line, "k");
    const json_t *instruction = json_object_get(line, "instruction");
    const json_t *id = json_object_get(line, "id");
    if (!json_is_string(text)) return "\"query\" is missing or not a string";
    if (json_string_length(text) == 0) return "\"query\" is empty";
    if (!json_is_array(list)) return "\"documents\" is missing or not an array";
    if (json_array_size(list) == 0) return "\"documents\" is empty";
    if (k && (!json_is_integer(k) || json_integer_value(k) < 0))
        return "\"k\" is not a whole number from 0 on";
    if (instruction && !json_is_string(instruction))
        return "\"instruction\" is not a string";
    if (instruction &&
        strlen(json_string_value(instruction)) != json_string_length(instruction))
        return "\"instruction\" holds a NUL character";
    if (id && !json_is_string(id) && !json_is_number(id))
        return "\"id\" is neither a string nor a number";
    query->text = json_string_value(text);
    query->bytes = json_string_length(text);
    if (k) query->k = (size_t)json_integer_value(k);
    if (instruction) query->instruction = json_string_value(instruction);
    size_t i;
    const json_t *value;
    json_array_foreach(list, i, value)
    {
        const char *problem = cli_documents_add_json(documents, value);
        if (problem) return problem;
    }
    return NULL;
}

int cli_queries_next(cli_queries *queries, cli_query *query)
{
    cli_lines *lines = &queries->lines;
    cli_documents_clear(&queries->documents);
    json_decref(queries->line);
    queries->line = NULL;
    int next = cli_lines_next(lines);
    if (next <= 0) return next;
    queries->line = cli_lines_json(lines);
    if (!queries->line) return -1;
    snprintf(queries->where, sizeof queries->where, "%s, line %zu", lines->name,
             lines->number);
    query->where = queries->where;
    query->id = json_object_get(queries->line, "id");
    const char *problem = read_query(queries->line, query, &queries->documents);
    if (problem) cli_lines_fail(lines, "%s", problem);
    return problem ? -1 : 1;
}

void cli_queries_close(cli_queries *queries)
{
    json_decref(queries->line);
    cli_documents_release(&queries->documents);
    cli_lines_close(&queries->lines);
    *queries = (cli_queries){0};
}
