/* ranker.c - a model, opened for the command, and what a run counts. */
#include "rank/ranker.h"

#include "frame/notes.h"
#include "frame/signals.h"

#include <stdlib.h>
#include <string.h>

int cli_ranker_open(cli_ranker *ranker, const cli_rank_options *options)
{
    *ranker = (cli_ranker){.options = options};
    int code = cli_find_model(&ranker->path, options->model_path);
    if (code) return code;
    grt_error error = {0};
    grt_status status = cli_host_open(&ranker->host, ranker->path,
                                      options->profile_path, &options->engine, &error);
    if (status) return cli_fail_status(NULL, status, &error);
    cli_progress_init(&ranker->progress, !options->hides_progress);
    if (!options->trace_path) return CLI_SUCCESS;
    return cli_trace_create(&ranker->trace, options->trace_path, ranker->path);
}

void cli_ranker_expect(cli_ranker *ranker, const char *query, size_t bytes)
{
    const cli_rank_options *options = ranker->options;
    size_t most = options->long_documents == GRT_LONG_CUT ? options->max_document_tokens
                                                          : SIZE_MAX;
    cli_host_expect(&ranker->host, query, bytes, options->instruction, most);
}

static grt_policy_options policy_of(const cli_rank_options *options)
{
    grt_policy_options policy = GRT_POLICY_OPTIONS_INIT;
    policy.policy = (int32_t)options->policy;
    policy.promise = (int32_t)options->promise;
    policy.precision = options->precision;
    policy.dispersion = options->dispersion;
    policy.n_clusters = options->n_clusters;
    policy.first_layer = options->first_layer;
    return policy;
}

static grt_request request_of(const cli_ranker *ranker, const cli_query *query,
                              const cli_documents *documents)
{
    grt_request request = GRT_REQUEST_INIT;
    request.query = query->text;
    request.query_bytes = query->bytes;
    request.documents = (const char *const *)documents->texts;
    request.document_bytes = documents->bytes;
    request.n_documents = documents->n;
    request.k = query->k;
    request.instruction = query->instruction;
    request.deadline_ns = ranker->options->deadline_ns;
    request.max_document_tokens = ranker->options->max_document_tokens;
    request.long_documents = (int32_t)ranker->options->long_documents;
    return request;
}

/* A cli_step_fn. */
static void see_step(const grt_step *step, void *payload)
{
    cli_ranker *ranker = payload;
    ranker->n_computed = step->layer;
    cli_progress_step(&ranker->progress, step);
    if (ranker->options->trace_path) cli_trace_step(&ranker->trace, step);
    cli_sparks_step(&ranker->sparks, step);
}

static void count_result(cli_ranker *ranker, const grt_request *request,
                         const grt_result *result)
{
    const uint32_t *flags = grt_result_flags(result);
    grt_stats stats = GRT_STATS_INIT;
    grt_result_stats(result, &stats);
    uint32_t all = 0;
    size_t n_before = ranker->n_truncated;
    for (size_t i = 0; i < grt_result_count(result); i++) {
        ranker->n_truncated += (flags[i] & GRT_FLAG_TRUNCATED) != 0;
        all |= flags[i];
    }
    if (ranker->n_truncated > n_before && request->max_document_tokens)
        ranker->document_tokens = request->max_document_tokens;
    ranker->n_cut_queries += (all & GRT_FLAG_QUERY_TRUNCATED) != 0;
    ranker->lacks_profile |= stats.policy == GRT_POLICY_BOUND && !stats.has_profile;
    ranker->ignores_precision |= stats.policy == GRT_POLICY_CLUSTER &&
                                 ranker->options->precision > 0 && !stats.has_profile;
    ranker->plan = cli_host_plan(&ranker->host, result);
    ranker->k =
        request->k && request->k < stats.n_documents ? request->k : stats.n_documents;
    cli_stats_add(&ranker->stats, &stats, &ranker->plan);
    if (stats.deadline_hit) ranker->expected = stats.expected_precision;
}

int cli_ranker_rank(cli_ranker *ranker, const cli_query *query,
                    const cli_documents *documents, grt_result **out)
{
    if (cli_was_interrupted()) return cli_fail_interrupted();
    grt_error error = {0};
    grt_request request = request_of(ranker, query, documents);
    grt_policy_options policy = policy_of(ranker->options);
    request.policy = &policy;
    int is_traced = ranker->options->trace_path != NULL;
    cli_sparks_begin(&ranker->sparks,
                     is_traced && ranker->options->output == CLI_OUTPUT_DEFAULT &&
                         !ranker->options->queries_path,
                     documents->n);
    if (is_traced) cli_trace_begin(&ranker->trace, &request, query->id);
    grt_status status =
        cli_host_rank(&ranker->host, &request, see_step, ranker, out, &error);
    cli_progress_erase(&ranker->progress);
    if (status) {
        ranker->status = status;
        snprintf(ranker->problem, sizeof ranker->problem, "%s",
                 error.text[0] ? error.text : grt_status_text(status));
        return cli_fail_status(query->where, status, &error);
    }
    if (is_traced) cli_trace_end(&ranker->trace, *out, documents);
    count_result(ranker, &request, *out);
    return CLI_SUCCESS;
}

static void report_truncated(const cli_ranker *ranker)
{
    grt_model_info info = GRT_MODEL_INFO_INIT;
    grt_model_describe(ranker->host.model, &info);
    size_t most = ranker->document_tokens;
    if (ranker->n_truncated && most && most < info.max_tokens)
        cli_note("%zu of %zu documents %s cut to %zu tokens of their own, or to the "
                 "%zu that a pair may have",
                 ranker->n_truncated, ranker->stats.sum.n_documents,
                 ranker->n_truncated == 1 ? "was" : "were", most, info.max_tokens);
    else if (ranker->n_truncated)
        cli_note("%zu of %zu documents %s cut to %zu tokens", ranker->n_truncated,
                 ranker->stats.sum.n_documents,
                 ranker->n_truncated == 1 ? "was" : "were", info.max_tokens);
    if (!ranker->n_cut_queries) return;
    if (ranker->stats.n_queries == 1)
        cli_note("the query was cut: with a document it may have %zu tokens",
                 info.max_tokens);
    else
        cli_note("%zu of %zu queries were cut: with a document they may have %zu "
                 "tokens",
                 ranker->n_cut_queries, ranker->stats.n_queries, info.max_tokens);
}

/* A ranking that is not finished must not pass for one that is. */
static void report_deadline(const cli_ranker *ranker)
{
    const cli_stats *stats = &ranker->stats;
    char share[120] = "";
    if (stats->n_queries > 1) {
        cli_note("the deadline passed in %zu of %zu queries: their orders are as they "
                 "stood",
                 stats->n_late, stats->n_queries);
        return;
    }
    if (ranker->n_computed == 0) {
        cli_note("the deadline passed before the first of %zu layers: documents stand "
                 "in the order of the input",
                 stats->sum.n_layers);
        return;
    }
    if (ranker->expected > 0 && ranker->k < stats->sum.n_documents)
        snprintf(share, sizeof share,
                 "; it is expected to hold %.2f of the full ranking's %zu best",
                 (double)ranker->expected, ranker->k);
    cli_note("the deadline passed after layer %zu of %zu: this is the order as it "
             "stood%s",
             ranker->n_computed, stats->sum.n_layers, share);
}

enum { DRIFTED_PART = 4 }; /* a quarter of the queries */

/* Bounds that were widened still hold, but save little.  Where the profile is of
 * another arithmetic, that may be the cause. */
static void report_drift(const cli_stats *stats, const grt_model *model)
{
    char which[80] = "scores moved",
         cause[160] = "this looks like another kind of text";
    grt_model_info info = GRT_MODEL_INFO_INIT;
    grt_model_describe(model, &info);
    if (info.profile_arithmetic && info.profile_arithmetic != info.arithmetic)
        snprintf(cause, sizeof cause,
                 "the profile was made in %s and this is %s, or it is another kind of "
                 "text",
                 grt_arithmetic_text((grt_arithmetic)info.profile_arithmetic),
                 grt_arithmetic_text((grt_arithmetic)info.arithmetic));
    if (stats->n_queries > 1)
        snprintf(which, sizeof which, "%zu of %zu queries: scores moved up to",
                 stats->n_drifted, stats->n_queries);
    cli_note("%s %.1f times as far as in calibration: %s; bounds were widened, and "
             "\"grating calibrate\" with such queries would save more",
             which, (double)stats->sum.drift, cause);
}

void cli_ranker_report(const cli_ranker *ranker)
{
    const char *profile = ranker->options ? ranker->options->profile_path : NULL;
    cli_report_notes(ranker->host.model, GRT_NOTE_RESULT);
    if (ranker->n_truncated || ranker->n_cut_queries) report_truncated(ranker);
    if (ranker->stats.n_late) report_deadline(ranker);
    if (ranker->ignores_precision)
        cli_note("--precision has no effect on policy cluster without a profile");
    /* Who says "--profile none" knows. */
    if (ranker->lacks_profile && !profile)
        cli_note("no profile is in use: careful default bounds decide; \"grating "
                 "calibrate\" makes one");
    /* A few queries of a batch move that far on familiar text, too. */
    if (ranker->stats.n_drifted &&
        DRIFTED_PART * ranker->stats.n_drifted >= ranker->stats.n_queries)
        report_drift(&ranker->stats, ranker->host.model);
    if (ranker->stats.n_queries == 0 || !ranker->options->shows_stats) return;
    grt_model_info info = GRT_MODEL_INFO_INIT;
    grt_model_describe(ranker->host.model, &info);
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
    cli_sparks_release(&ranker->sparks);
    cli_host_close(&ranker->host);
    free(ranker->path);
    *ranker = (cli_ranker){0};
    return code;
}
