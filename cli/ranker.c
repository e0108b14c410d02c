/* ranker.c - a model and a session, opened for the command, and what a run counts. */
#include "ranker.h"

#include "cli.h"

#include <stdlib.h>
#include <string.h>

int cli_ranker_open(cli_ranker *ranker, const cli_rank_options *options)
{
    *ranker = (cli_ranker){0};
    if (options->model_path) {
        ranker->path = strdup(options->model_path);
        if (!ranker->path) return cli_fail("out of memory");
    } else {
        int code = cli_bundled_model(&ranker->path, 0);
        if (code) return code;
    }
    grt_error error = {0};
    grt_session_options session = GRT_SESSION_OPTIONS_INIT;
    session.n_threads = options->n_threads;
    grt_status status = grt_model_open(&ranker->model, ranker->path, NULL, &error);
    if (!status)
        status = grt_session_create(&ranker->session, ranker->model, &session, &error);
    if (status) return cli_fail_status(NULL, status, &error);
    cli_progress_init(&ranker->progress, !options->hides_progress);
    return CLI_SUCCESS;
}

int cli_ranker_rank(cli_ranker *ranker, const cli_query *query,
                    const cli_documents *documents, grt_result **out)
{
    if (cli_was_interrupted()) return cli_fail_interrupted();
    grt_error error = {0};
    grt_request request = GRT_REQUEST_INIT;
    request.query = query->text;
    request.query_bytes = query->bytes;
    request.documents = (const char *const *)documents->texts;
    request.document_bytes = documents->bytes;
    request.n_documents = documents->n;
    request.k = query->k;
    request.instruction = query->instruction;
    request.progress = cli_progress_step;
    request.progress_payload = &ranker->progress;
    grt_status status = grt_rank(ranker->session, &request, out, &error);
    cli_progress_erase(&ranker->progress);
    if (status) return cli_fail_status(query->where, status, &error);
    const grt_item *items = grt_result_items(*out);
    for (size_t i = 0; i < grt_result_count(*out); i++)
        ranker->n_truncated += items[i].truncated != 0;
    ranker->n_documents += documents->n;
    return CLI_SUCCESS;
}

void cli_ranker_report(const cli_ranker *ranker)
{
    if (ranker->n_truncated == 0) return;
    grt_model_info info;
    grt_model_describe(ranker->model, &info);
    cli_note("%zu of %zu documents %s cut to %zu tokens", ranker->n_truncated,
             ranker->n_documents, ranker->n_truncated == 1 ? "was" : "were",
             info.max_tokens);
}

void cli_ranker_close(cli_ranker *ranker)
{
    grt_session_free(ranker->session);
    grt_model_close(ranker->model);
    free(ranker->path);
    *ranker = (cli_ranker){0};
}
