/*
 * batch.c - `grating rank --queries`: a stream of queries in, a stream of rankings out.
 *
 * Each line is read, ranked, printed and forgotten, so memory does not grow with the
 * number of lines.  The first line that cannot be ranked ends the run; the rankings of
 * the lines before it have left the process by then.
 */
#include "cli.h"
#include "ranker.h"

#include <stdlib.h>
#include <string.h>

typedef struct batch {
    cli_lines lines;
    cli_ranker ranker;
    cli_documents documents;
    cli_output output;
    size_t n_queries;
} batch;

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

static int rank_line(batch *run, cli_query query)
{
    json_t *line = cli_lines_json(&run->lines);
    if (!line) return CLI_FAILURE;
    char where[300];
    snprintf(where, sizeof where, "%s, line %zu", run->lines.name, run->lines.number);
    query.where = where;
    query.id = json_object_get(line, "id");
    grt_result *result = NULL;
    cli_documents_clear(&run->documents);
    const char *problem = read_query(line, &query, &run->documents);
    int code = problem ? cli_lines_fail(&run->lines, "%s", problem) : CLI_SUCCESS;
    run->ranker.progress.query_number = run->n_queries + 1;
    if (!code) code = cli_ranker_rank(&run->ranker, &query, &run->documents, &result);
    if (!code) {
        run->n_queries++;
        size_t n = grt_result_count(result);
        cli_ranking ranking = {.model = run->ranker.path,
                               .documents = &run->documents,
                               .result = result,
                               .k = query.k && query.k < n ? query.k : n,
                               .query_number = run->n_queries,
                               .query_id = query.id};
        cli_ranking_print(&ranking, run->output);
        code = cli_flush_output();
    }
    grt_result_free(result);
    json_decref(line);
    return code;
}

int cli_rank_batch(const cli_rank_options *options)
{
    batch run = {.output = options->output == CLI_OUTPUT_TSV ? CLI_OUTPUT_TSV
                                                             : CLI_OUTPUT_JSON};
    cli_query defaults = {.instruction = options->instruction, .k = options->k};
    int code = cli_lines_open(&run.lines, options->queries_path);
    if (!code) code = cli_ranker_open(&run.ranker, options);
    if (!code && run.output == CLI_OUTPUT_TSV) cli_ranking_print_tsv_header(1);
    int next = 0;
    while (!code && (next = cli_lines_next(&run.lines)) > 0)
        code = rank_line(&run, defaults);
    if (!code && next < 0) code = CLI_FAILURE;
    if (!code && run.n_queries == 0)
        code = cli_fail("no queries in %s", run.lines.name);
    cli_ranker_report(&run.ranker);
    code = cli_ranker_close(&run.ranker, code);
    cli_documents_release(&run.documents);
    cli_lines_close(&run.lines);
    return code;
}
