/*
 * batch.c - `grating rank --queries`: a stream of queries in, a stream of rankings out.
 *
 * Each line is read, ranked, printed and forgotten, so memory does not grow with the
 * number of lines.  A line that cannot be ranked costs its own ranking only: an object
 * with an error stands in its place, and the exit code tells at the end.
 */
#include "frame/cli.h"
#include "frame/ids.h"
#include "frame/text.h"
#include "rank/members.h"
#include "rank/ranker.h"
#include "wire/results.h"

typedef struct batch {
    cli_queries queries;
    cli_documents corpus; /* of all queries, where lines have none */
    cli_ranker ranker;
    cli_output output;
    size_t n_lines;   /* that hold something, counted from 1 */
    size_t n_failed;  /* of these */
    int spoils_trace; /* a query failed after its part of the trace was begun */
} batch;

static cli_ranking ranking_of(const batch *run, const cli_query *query,
                              const cli_documents *documents)
{
    const cli_rank_options *options = run->ranker.options;
    return (cli_ranking){.model = run->ranker.path,
                         .query = query->text,
                         .query_bytes = query->bytes,
                         .hides_text = options->hides_text,
                         .hides_stats = options->hides_stats,
                         .documents = documents,
                         .noted = run->ranker.host.model,
                         .plan = &run->ranker.plan,
                         .query_number = run->n_lines,
                         .query_id = query->id};
}

static int print_failure(batch *run, const cli_query *query, grt_status status,
                         const char *text)
{
    run->n_failed++;
    if (run->output != CLI_OUTPUT_JSON) return CLI_SUCCESS;
    cli_id_text storage;
    wire_buffer buffer = {0};
    wire_json json = {.out = &buffer};
    wire_ranking ranking = {.model = run->ranker.path,
                            .query_number = run->n_lines,
                            .query_id = cli_id(query->id, &storage)};
    if (!run->ranker.options->hides_text) {
        ranking.query = query->text;
        ranking.query_bytes = query->bytes;
    }
    wire_put_ranking_error(&json, &ranking, status, text);
    wire_put_string(&buffer, "\n");
    int code = cli_buffer_print(stdout, &buffer);
    wire_release(&buffer);
    return code ? code : cli_flush_output();
}

static int rank_query(batch *run, const cli_query *query)
{
    const cli_documents *documents =
        run->queries.has_corpus ? &run->corpus : &run->queries.documents;
    cli_ranking ranking = ranking_of(run, query, documents);
    grt_result *result = NULL;
    run->ranker.progress.query_number = run->n_lines;
    /* A first stage that found nothing: there is nothing to rank. */
    int code = CLI_SUCCESS;
    if (documents->n) code = cli_ranker_rank(&run->ranker, query, documents, &result);
    if (code == CLI_FAILURE) {
        run->spoils_trace |= run->ranker.options->trace_path != NULL;
        return print_failure(run, query, run->ranker.status, run->ranker.problem);
    }
    if (!code) {
        size_t n = result ? grt_result_count(result) : 0;
        ranking.result = result;
        ranking.k = query->k && query->k < n ? query->k : n;
        if (result || run->output == CLI_OUTPUT_JSON)
            code = cli_ranking_print(&ranking, run->output);
        if (!code) code = cli_flush_output();
    }
    grt_result_free(result);
    return code;
}

static int fail_line(batch *run, const cli_query *query, const char *problem)
{
    cli_lines_fail(&run->queries.lines, "%s", problem);
    return print_failure(run, query, GRT_OK, problem);
}

static int rank_line(batch *run, const cli_query *query, int is_query)
{
    const cli_rank_options *options = run->ranker.options;
    cli_rank_options own = *options;
    char problem[240];
    run->n_lines++;
    if (!is_query) return fail_line(run, query, run->queries.problem);
    if (cli_members_read(&own, run->queries.line, problem, sizeof problem))
        return fail_line(run, query, problem);
    run->ranker.options = &own;
    int code = rank_query(run, query);
    run->ranker.options = options;
    return code;
}

/* Documents that are the same for all queries. */
static int read_corpus(batch *run, const cli_rank_options *options)
{
    if (!options->input.n_paths) return CLI_SUCCESS;
    run->queries.has_corpus = 1;
    return cli_documents_read(&run->corpus, &options->input);
}

static int finish(batch *run, int code)
{
    if (!code && run->n_lines == 0)
        code = cli_fail("no queries in %s", run->queries.lines.name);
    run->queries.lines.n_blank = 0; /* nobody counts lines of a batch by hand */
    cli_lines_report(&run->queries.lines);
    cli_ranker_report(&run->ranker);
    /* Lines that were no queries are not in the trace, and cost it nothing. */
    int closing = code ? code : run->spoils_trace ? CLI_FAILURE : CLI_SUCCESS;
    if (!code && run->n_failed)
        code = cli_fail("%zu of %zu queries failed", run->n_failed, run->n_lines);
    closing = cli_ranker_close(&run->ranker, closing);
    if (!code) code = closing;
    cli_queries_close(&run->queries);
    cli_documents_release(&run->corpus);
    return code;
}

int cli_rank_batch(const cli_rank_options *options)
{
    batch run = {.output = options->output == CLI_OUTPUT_TSV ? CLI_OUTPUT_TSV
                                                             : CLI_OUTPUT_JSON};
    int code = cli_queries_open(&run.queries, options->queries_path);
    run.queries.fields = options->input.fields;
    run.queries.own_members = cli_member_names;
    if (!code) code = cli_ranker_open(&run.ranker, options);
    if (!code) cli_ranker_expect(&run.ranker, NULL, 0);
    if (!code) code = read_corpus(&run, options);
    if (!code && run.output == CLI_OUTPUT_TSV) cli_ranking_print_tsv_header(1);
    int next = 1;
    while (!code && next > 0) {
        cli_query query = {.instruction = options->instruction, .k = options->k};
        next = cli_queries_try(&run.queries, &query);
        if (next > 0) code = rank_line(&run, &query, next == 1);
    }
    if (!code && next < 0) code = CLI_FAILURE;
    return finish(&run, code);
}
