/* eval_report.c - means, intervals and tests over queries, and the table of them. */
#include "eval/eval.h"

#include "frame/cli.h"
#include "eval/significance.h"
#include "frame/text.h"

#include <stdlib.h>
#include <string.h>

/* ---- Figures ---- */

static size_t n_columns(const eval_bench *bench)
{
    return bench->options->n_ks * bench->n_rows * CLI_N_METRICS;
}

static size_t column_of(const eval_bench *bench, size_t k_index, size_t row,
                        cli_metric metric)
{
    return (k_index * bench->n_rows + row) * CLI_N_METRICS + (size_t)metric;
}

/* `scratch` [n_queries]. */
static void compare_to_full(eval_report *report, size_t k_index, size_t row,
                            cli_metric metric, double *scratch)
{
    const eval_bench *bench = report->bench;
    size_t n = bench->n_queries, m = n_columns(bench);
    size_t own = column_of(bench, k_index, row, metric);
    size_t full = column_of(bench, k_index, EVAL_ROW_FULL, metric);
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        scratch[i] = bench->values[i * m + own] - bench->values[i * m + full];
        sum += scratch[i];
    }
    eval_figure *figure = &report->figures[own];
    figure->difference = sum / (double)n;
    figure->p = cli_paired_p(scratch, n, bench->options->seed);
}

static void average(eval_report *report, const double *low, const double *high)
{
    const eval_bench *bench = report->bench;
    size_t n = bench->n_queries, m = n_columns(bench);
    for (size_t j = 0; j < m; j++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += bench->values[i * m + j];
        report->figures[j] =
            (eval_figure){.mean = sum / (double)n, .low = low[j], .high = high[j]};
    }
}

int eval_report_make(eval_report *report, const eval_bench *bench)
{
    size_t n = bench->n_queries, m = n_columns(bench);
    *report = (eval_report){.bench = bench};
    report->figures = calloc(m, sizeof *report->figures);
    double *low = calloc(m, sizeof *low), *high = calloc(m, sizeof *high);
    double *scratch = calloc(n, sizeof *scratch);
    int is_made = report->figures && low && high && scratch &&
                  cli_bootstrap(bench->values, n, m, bench->options->seed, low, high);
    if (is_made) average(report, low, high);
    for (size_t i = 0; is_made && i < bench->options->n_ks; i++) {
        for (size_t row = 0; row < bench->n_rows; row++) {
            for (int metric = 0; metric < CLI_N_METRICS; metric++)
                compare_to_full(report, i, row, (cli_metric)metric, scratch);
        }
    }
    free(low);
    free(high);
    free(scratch);
    return is_made;
}

const eval_figure *eval_report_figure(const eval_report *report, size_t k_index,
                                      size_t row, cli_metric metric)
{
    return &report->figures[column_of(report->bench, k_index, row, metric)];
}

int eval_report_has(const eval_report *report, cli_metric metric)
{
    return metric == CLI_METRIC_OVERLAP || report->bench->data->has_judgements;
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

double eval_computed_share(const eval_bench *bench, size_t k_index, size_t row)
{
    const eval_system *systems = bench->systems[k_index];
    return share(systems[row].candidates_x_layers,
                 systems[EVAL_ROW_FULL].candidates_x_layers);
}

double eval_time_share(const eval_bench *bench, size_t k_index, size_t row)
{
    const eval_system *systems = bench->systems[k_index];
    return share(systems[row].total_ns, systems[EVAL_ROW_FULL].total_ns);
}

void eval_report_release(eval_report *report)
{
    free(report->figures);
    *report = (eval_report){0};
}

/* ---- The table ---- */

static void put_name(const char *name)
{
    printf("%-11s ", name);
}

static void put_path(const char *name, const char *path)
{
    put_name(name);
    cli_text_print(stdout, path, strlen(path), 0);
    putchar('\n');
}

static void print_head(const eval_bench *bench)
{
    const eval_data *data = bench->data;
    const eval_options *options = bench->options;
    double n = (double)bench->n_queries;
    put_path("model", bench->model_path);
    if (bench->n_rows > bench->first_policy)
        put_path("profile", bench->profile ? bench->profile : "none");
    if (data->corpus_path) {
        put_path("corpus", data->corpus_path);
        put_name("documents");
        printf("%s\n", cli_grouped(data->n_documents).text);
    }
    put_path("queries", options->pairs_path ? options->pairs_path : data->queries_path);
    if (data->qrels_path) put_path("judgements", data->qrels_path);
    put_path("first stage", eval_data_stage(data));
    put_name("evaluated");
    printf("%s quer%s, %.1f candidates each", cli_grouped(bench->n_queries).text,
           bench->n_queries == 1 ? "y" : "ies", (double)bench->n_candidates / n);
    if (data->has_judgements)
        printf("; recall of all candidates %.4f", bench->recall_sum / n);
    putchar('\n');
}

/* Of the column of names: that of the longest, and at least 16. */
static int name_width(const eval_bench *bench)
{
    size_t width = 16;
    for (size_t row = 0; row < bench->n_rows; row++) {
        size_t n = strlen(bench->systems[0][row].name);
        if (n > width) width = n;
    }
    return (int)width;
}

static void print_metric(const eval_report *report, size_t k_index, cli_metric metric)
{
    const eval_bench *bench = report->bench;
    char name[32];
    snprintf(name, sizeof name, "%s@%zu", cli_metric_name(metric),
             bench->options->ks[k_index]);
    int width = name_width(bench);
    printf("\n%-*s    mean  95 %% interval     less full        p\n", width, name);
    for (size_t row = 0; row < bench->n_rows; row++) {
        const eval_figure *figure = eval_report_figure(report, k_index, row, metric);
        printf("%-*s  %.4f  %.4f to %.4f", width, bench->systems[k_index][row].name,
               figure->mean, figure->low, figure->high);
        if (row == EVAL_ROW_FULL)
            printf("          -        -\n");
        else
            printf("    %+.4f   %.4f\n", figure->difference, figure->p);
    }
}

static void print_cost(const eval_bench *bench, size_t k_index)
{
    char name[32];
    snprintf(name, sizeof name, "cost, K = %zu", bench->options->ks[k_index]);
    int width = name_width(bench);
    printf("\n%-*s  computed     time  drift\n", width, name);
    for (size_t row = bench->first_policy; row < bench->n_rows; row++) {
        const eval_system *system = &bench->systems[k_index][row];
        char drift[16] = "-";
        if (system->n_drifts)
            snprintf(drift, sizeof drift, "%.2f",
                     system->drift_sum / (double)system->n_drifts);
        printf("%-*s   %5.1f %%  %5.1f %%  %5s\n", width, system->name,
               100 * eval_computed_share(bench, k_index, row),
               100 * eval_time_share(bench, k_index, row), drift);
    }
}

void eval_report_print(const eval_report *report)
{
    const eval_bench *bench = report->bench;
    print_head(bench);
    for (size_t i = 0; i < bench->options->n_ks; i++) {
        for (int metric = 0; metric < CLI_N_METRICS; metric++) {
            if (eval_report_has(report, (cli_metric)metric))
                print_metric(report, i, (cli_metric)metric);
        }
        if (bench->n_rows > bench->first_policy) print_cost(bench, i);
    }
}
