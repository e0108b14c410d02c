/* eval_json.c - the report of `grating eval` as one JSON object. */
#include "eval/eval.h"

#include "eval/significance.h"
#include "frame/text.h"

#include <inttypes.h>
#include <string.h>

static void put_text(FILE *file, const char *name, const char *value)
{
    fprintf(file, "\"%s\": ", name);
    if (value)
        cli_text_json(file, value, strlen(value));
    else
        fputs("null", file);
    fputs(", ", file);
}

static void put_count(FILE *file, const char *name, uint64_t value)
{
    fprintf(file, "\"%s\": %" PRIu64 ", ", name, value);
}

/* 12 digits: sums of the same values in another order look the same. */
static void put_figure(FILE *file, const eval_figure *figure, int is_full)
{
    fprintf(file, "{\"mean\": %.12g, \"low\": %.12g, \"high\": %.12g, ", figure->mean,
            figure->low, figure->high);
    if (is_full)
        fputs("\"difference\": null, \"p\": null}", file);
    else
        fprintf(file, "\"difference\": %.12g, \"p\": %.12g}", figure->difference,
                figure->p);
}

static void put_metrics(const eval_report *report, FILE *file, size_t k_index,
                        size_t row)
{
    int is_next = 0;
    fputs("\"metrics\": {", file);
    for (int i = 0; i < CLI_N_METRICS; i++) {
        cli_metric metric = (cli_metric)i;
        if (!eval_report_has(report, metric)) continue;
        fprintf(file, "%s\"%s\": ", is_next ? ", " : "", cli_metric_key(metric));
        put_figure(file, eval_report_figure(report, k_index, row, metric),
                   row == EVAL_ROW_FULL);
        is_next = 1;
    }
    putc('}', file);
}

static void put_system(const eval_report *report, FILE *file, size_t k_index,
                       size_t row)
{
    const eval_bench *bench = report->bench;
    const eval_system *system = &bench->systems[k_index][row];
    int is_sum = row > EVAL_ROW_FULL && row < bench->first_policy;
    fprintf(file, "\n  {\"k\": %zu, ", bench->options->ks[k_index]);
    put_text(file, "system", system->name);
    put_text(file, "policy",
             row == EVAL_ROW_FIRST || is_sum ? NULL : grt_policy_text(system->policy));
    put_text(file, "promise",
             system->policy == GRT_POLICY_NONE ? NULL
                                               : grt_promise_text(system->promise));
    if (system->precision > 0)
        fprintf(file, "\"precision\": %g, ", (double)system->precision);
    else
        fputs("\"precision\": null, ", file);
    if (row == EVAL_ROW_FIRST || is_sum) {
        fputs("\"computed\": null, \"time\": null, ", file);
    } else {
        fprintf(file, "\"computed\": %.12g, \"time\": %.6g, ",
                eval_computed_share(bench, k_index, row),
                eval_time_share(bench, k_index, row));
        fprintf(file, "\"total_ms\": %.3f, ", (double)system->total_ns / 1e6);
    }
    if (system->n_drifts)
        fprintf(file, "\"drift\": %.6g, ",
                system->drift_sum / (double)system->n_drifts);
    put_metrics(report, file, k_index, row);
    putc('}', file);
}

static void put_data(const eval_bench *bench, FILE *file)
{
    const eval_data *data = bench->data;
    const eval_options *options = bench->options;
    put_text(file, "model", bench->model_path);
    put_text(file, "profile", bench->profile);
    put_text(file, "corpus", data->corpus_path);
    put_text(file, "queries",
             options->pairs_path ? options->pairs_path : data->queries_path);
    put_text(file, "judgements", data->qrels_path);
    put_text(file, "first_stage", eval_data_stage(data));
    put_count(file, "n_documents", data->n_documents);
    put_count(file, "n_queries", bench->n_queries);
    put_count(file, "n_candidates", bench->n_candidates);
    put_count(file, "n_truncated", bench->n_truncated);
    put_count(file, "n_without_candidates", bench->n_empty);
    put_count(file, "n_unjudged_queries", data->n_unjudged);
    put_count(file, "n_irrelevant_queries", data->n_irrelevant);
    put_count(file, "n_judgements_of_unknown_documents", data->n_strange);
    put_count(file, "n_judgements_of_unknown_queries", data->judged.n_other);
    put_count(file, "depth", options->depth);
    put_count(file, "relevance_level", options->level);
    if (options->sum_weight > 0)
        fprintf(file, "\"first_stage_weight\": %g, ", (double)options->sum_weight);
    put_count(file, "seed", options->seed);
    put_count(file, "resamples", CLI_RESAMPLES);
    if (data->has_judgements)
        fprintf(file, "\"candidates_recall\": %.12g, ",
                bench->recall_sum / (double)bench->n_queries);
    fprintf(file, "\"interrupted\": %s, ", bench->is_interrupted ? "true" : "false");
}

void eval_report_json(const eval_report *report, FILE *file)
{
    const eval_bench *bench = report->bench;
    putc('{', file);
    put_data(bench, file);
    fputs("\"systems\": [", file);
    for (size_t i = 0; i < bench->options->n_ks; i++) {
        for (size_t row = 0; row < bench->n_rows; row++) {
            if (i + row) putc(',', file);
            put_system(report, file, i, row);
        }
    }
    fputs("\n]}\n", file);
}
