/*
 * batch.c - `grating rank --queries`: a stream of queries in, a stream of rankings out.
 *
 * Each line is read, ranked, printed and forgotten, so memory does not grow with the
 * number of lines.  The first line that cannot be ranked ends the run; the rankings of
 * the lines before it have left the process by then.
 */
#include "frame/cli.h"
#include "rank/ranker.h"

typedef struct batch {
    cli_queries queries;
    cli_ranker ranker;
    cli_output output;
    size_t n_queries;
} batch;

static int rank_query(batch *run, const cli_query *query)
{
    grt_result *result = NULL;
    run->ranker.progress.query_number = run->n_queries + 1;
    int code = cli_ranker_rank(&run->ranker, query, &run->queries.documents, &result);
    if (!code) {
        run->n_queries++;
        size_t n = grt_result_count(result);
        cli_ranking ranking = {.model = run->ranker.path,
                               .documents = &run->queries.documents,
                               .result = result,
                               .query = query->text,
                               .query_bytes = query->bytes,
                               .hides_text = run->ranker.options->hides_text,
                               .hides_stats = run->ranker.options->hides_stats,
                               .k = query->k && query->k < n ? query->k : n,
                               .query_number = run->n_queries,
                               .query_id = query->id};
        code = cli_ranking_print(&ranking, run->output);
        if (!code) code = cli_flush_output();
    }
    grt_result_free(result);
    return code;
}

int cli_rank_batch(const cli_rank_options *options)
{
    batch run = {.output = options->output == CLI_OUTPUT_TSV ? CLI_OUTPUT_TSV
                                                             : CLI_OUTPUT_JSON};
    int code = cli_queries_open(&run.queries, options->queries_path);
    if (!code) code = cli_ranker_open(&run.ranker, options);
    if (!code && run.output == CLI_OUTPUT_TSV) cli_ranking_print_tsv_header(1);
    int next = 1;
    while (!code && next > 0) {
        cli_query query = {.instruction = options->instruction, .k = options->k};
        next = cli_queries_next(&run.queries, &query);
        if (next > 0) code = rank_query(&run, &query);
    }
    if (!code && next < 0) code = CLI_FAILURE;
    if (!code && run.n_queries == 0)
        code = cli_fail("no queries in %s", run.queries.lines.name);
    cli_ranker_report(&run.ranker);
    code = cli_ranker_close(&run.ranker, code);
    cli_queries_close(&run.queries);
    return code;
}
