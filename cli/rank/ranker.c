/* ranker.c - a model and a session, opened for the command, and what a run counts. */
#include "rank/ranker.h"

#include <stdlib.h>
#include <string.h>

int cli_ranker_open(cli_ranker *ranker, const cli_rank_options *options)
{
    *ranker = (cli_ranker){.options = options};
    int code = cli_find_model(&ranker->path, options->model_path);
    if (code) return code;
    grt_error error = {0};
    grt_model_options model = GRT_MODEL_OPTIONS_INIT;
    model.profile_path = options->profile_path;
    grt_status status = grt_model_open(&ranker->model, ranker->path, &model, &error);
    if (!status)
        status = grt_session_create(&ranker->session, ranker->model, &options->session,
                                    &error);
    if (status) return cli_fail_status(NULL, status, &error);
    cli_progress_init(&ranker->progress, !options->hides_progress);
    if (!options->trace_path) return CLI_SUCCESS;
    return cli_trace_create(&ranker->trace, options->trace_path, ranker->path);
}

static grt_request request_of(cli_ranker *ranker, const cli_query *query,
                              const cli_documents *documents)
{
    const cli_rank_options *options = ranker->options;
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
    request.policy = options->policy;
    request.precision = options->precision;
    request.keeps_order = options->keeps_order;
    request.dispersion = options->dispersion;
    request.n_clusters = options->n_clusters;
    request.first_layer = options->first_layer;
    if (options->trace_path) {
        request.trace = cli_trace_step;
        request.trace_payload = &ranker->trace;
    }
    return request;
}

static void count_result(cli_ranker *ranker, const grt_result *result)
{
    const grt_item *items = grt_result_items(result);
    const grt_stats *stats = grt_result_stats(result);
    for (size_t i = 0; i < grt_result_count(result); i++)
        ranker->n_truncated += items[i].truncated != 0;
    ranker->lacks_profile |= stats->policy == GRT_POLICY_BOUND && !stats->has_profile;
    ranker->ignores_precision |= stats->policy == GRT_POLICY_CLUSTER &&
                                 ranker->options->precision > 0 && !stats->has_profile;
    cli_stats_add(&ranker->stats, stats);
}

int cli_ranker_rank(cli_ranker *ranker, const cli_query *query,
                    const cli_documents *documents, grt_result **out)
{
    if (cli_was_interrupted()) return cli_fail_interrupted();
    grt_error error = {0};
    grt_request request = request_of(ranker, query, documents);
    int is_traced = ranker->options->trace_path != NULL;
    if (is_traced) cli_trace_begin(&ranker->trace, &request, query->id);
    grt_status status = grt_rank(ranker->session, &request, out, &error);
    cli_progress_erase(&ranker->progress);
    if (status) {
        ranker->status = status;
        snprintf(ranker->problem, sizeof ranker->problem, "%s",
                 error.text[0] ? error.text : grt_status_text(status));
        return cli_fail_status(query->where, status, &error);
    }
    if (is_traced) cli_trace_end(&ranker->trace, *out, documents);
    count_result(ranker, *out);
    return CLI_SUCCESS;
}

static void report_truncated(const cli_ranker *ranker)
{
    grt_model_info info;
    grt_model_describe(ranker->model, &info);
    cli_note("%zu of %zu documents %s cut to %zu tokens", ranker->n_truncated,
             ranker->stats.sum.n_documents, ranker->n_truncated == 1 ? "was" : "were",
             info.max_tokens);
}

enum { DRIFTED_PART = 4 }; /* a quarter of the queries */

/* Bounds that were widened still hold, but save little. */
static void report_drift(const cli_stats *stats)
{
    char which[80] = "scores moved";
    if (stats->n_queries > 1)
        snprintf(which, sizeof which, "%zu of %zu queries: scores moved up to",
                 stats->n_drifted, stats->n_queries);
    cli_note(
        "%s %.1f times as far as in calibration: this looks like another kind of text; "
        "bounds were widened, and \"grating calibrate\" with such queries would "
        "save more",
        which, (double)stats->sum.drift);
}

void cli_ranker_report(const cli_ranker *ranker)
{
    const char *profile = ranker->options ? ranker->options->profile_path : NULL;
    if (ranker->n_truncated) report_truncated(ranker);
    if (ranker->ignores_precision)
        cli_note("--precision has no effect on policy cluster without a profile");
    /* Who says "--profile none" knows. */
    if (ranker->lacks_profile && !profile)
        cli_note("this model has no profile: careful default bounds decide; \"grating "
                 "calibrate\" makes one");
    /* A few queries of a batch move that far on familiar text, too. */
    if (ranker->stats.n_drifted &&
        DRIFTED_PART * ranker->stats.n_drifted >= ranker->stats.n_queries)
        report_drift(&ranker->stats);
    if (ranker->stats.n_queries == 0 || !ranker->options->shows_stats) return;
    grt_model_info info;
    grt_model_describe(ranker->model, &info);
    cli_stats_report(&ranker->stats, info.profile);
}

int cli_ranker_close(cli_ranker *ranker, int code)
{
    if (ranker->trace.file.file) {
        if (code)
            cli_trace_discard(&ranker->trace);
        else
            code = cli_trace_commit(&ranker->trace);
    }
    grt_session_free(ranker->session);
    grt_model_close(ranker->model);
    free(ranker->path);
    *ranker = (cli_ranker){0};
    return code;
}
