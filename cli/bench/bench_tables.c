/*
 * bench_tables.c - which configurations are measured, and in which order.
 *
 * All rows of a table run once, one after the other, then all again: what the machine
 * does to one row at some time, it does to its neighbours too, and ratios are taken
 * within a turn.
 */
#include "bench/bench.h"

#include "frame/cli.h"
#include "frame/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Rows ---- */

static int table_init(bench_table *out, const bench_options *options, const char *name,
                      const char *varying, size_t n_rows)
{
    *out = (bench_table){.kind = options->kind,
                         .name = name,
                         .varying = varying,
                         .rows = calloc(n_rows, sizeof *out->rows),
                         .n_runs = options->n_runs};
    if (!out->rows) return cli_fail("out of memory");
    for (; out->n_rows < n_rows; out->n_rows++) {
        bench_row *row = &out->rows[out->n_rows];
        row->job = options->job;
        row->runs = calloc(out->n_runs, sizeof *row->runs);
        if (!row->runs) return cli_fail("out of memory");
    }
    return CLI_SUCCESS;
}

void bench_table_release(bench_table *table)
{
    for (size_t i = 0; i < table->n_rows; i++)
        free(table->rows[i].runs);
    free(table->rows);
    *table = (bench_table){0};
}

static void name_row(bench_row *row, const char *name)
{
    snprintf(row->name, sizeof row->name, "%s", name);
}

static void prune_nothing(bench_job *job)
{
    job->policy = GRT_POLICY_NONE;
    job->is_scheduled = 0;
}

/* Each row adds one technique to those above it. */
static int make_ablation(bench_table *out, const bench_options *options)
{
    enum { OFF, PRUNING, CHUNKING, STREAMING, CACHE, SHARING, N_ROWS };
    static const char *const names[N_ROWS] = {
        "all off",     "+ pruning",         "+ chunking",
        "+ streaming", "+ embedding cache", "+ shared and unread rows"};
    int code = table_init(out, options, "ablation", "configuration", N_ROWS);
    for (size_t i = 0; !code && i < N_ROWS; i++) {
        bench_job *job = &out->rows[i].job;
        cli_engine_options *engine = &job->engine;
        name_row(&out->rows[i], names[i]);
        if (i < PRUNING) prune_nothing(job);
        engine->chunk_rows = i < CHUNKING ? SIZE_MAX : 0; /* all in one chunk */
        engine->residency =
            i < STREAMING ? GRT_RESIDENCY_RESIDENT : GRT_RESIDENCY_STREAMED;
        engine->n_cached_rows = i < CACHE ? SIZE_MAX : 0; /* the whole table */
        job->computes_prefix_apart = i < SHARING;
        job->computes_all_rows = i < SHARING;
    }
    return code;
}

static int make_streaming(bench_table *out, const bench_options *options)
{
    enum { N_ROWS = 3 };
    static const char *const names[N_ROWS] = {"resident", "streamed",
                                              "streamed past the page cache"};
    int code = table_init(out, options, "streaming", "layers", N_ROWS);
    for (size_t i = 0; !code && i < N_ROWS; i++) {
        bench_job *job = &out->rows[i].job;
        name_row(&out->rows[i], names[i]);
        prune_nothing(job);
        job->engine.residency =
            i == 0 ? GRT_RESIDENCY_RESIDENT : GRT_RESIDENCY_STREAMED;
        /* A budget that everything fits is what makes reads go past the page cache. */
        if (i == 2) job->engine.memory_bytes = UINT64_MAX / 4;
    }
    return code;
}

static void set_value(bench_job *job, bench_dimension dimension, uint64_t value)
{
    size_t count = (size_t)value;
    switch (dimension) {
    case BENCH_DOCUMENTS: job->n_documents = count; break;
    case BENCH_LENGTH: job->n_tokens = count; break;
    case BENCH_TOP: job->k = count; break;
    case BENCH_BUDGET:
    case BENCH_N_DIMENSIONS:
        job->engine.memory_bytes = value;
        job->engine.residency = GRT_RESIDENCY_AUTO;
        break;
    }
}

static const char *const dimension_names[BENCH_N_DIMENSIONS] = {"documents", "tokens",
                                                                "K", "budget"};

static int make_scaling(bench_table *out, const bench_options *options,
                        bench_dimension dimension)
{
    const bench_values *values = &options->values[dimension];
    size_t n_before = dimension == BENCH_BUDGET; /* one row without a budget */
    int code = table_init(out, options, dimension_names[dimension],
                          dimension_names[dimension], values->n + n_before);
    for (size_t i = 0; !code && i < out->n_rows; i++) {
        bench_row *row = &out->rows[i];
        row->job.engine.residency = GRT_RESIDENCY_STREAMED;
        if (i < n_before) {
            row->job.engine.residency = GRT_RESIDENCY_AUTO;
            name_row(row, "none");
            continue;
        }
        uint64_t value = values->values[i - n_before];
        set_value(&row->job, dimension, value);
        if (dimension == BENCH_BUDGET)
            name_row(row, cli_bytes_text(value).text);
        else
            snprintf(row->name, sizeof row->name, "%llu", (unsigned long long)value);
    }
    return code;
}

/* ---- Measuring ---- */

static int measure_once(bench_table *table, size_t row, size_t turn,
                        const bench_source *source)
{
    bench_row *self = &table->rows[row];
    bench_outcome *out = &self->runs[turn];
    if (self->is_refused) return CLI_SUCCESS;
    if (isatty(STDERR_FILENO))
        cli_note("%s: %s: run %zu of %zu", table->name, self->name, turn + 1,
                 table->n_runs);
    int code = bench_measure(out, &self->job, source);
    if (code || out->status == GRT_OK) return code;
    if (out->status != GRT_E_NO_MEMORY || !self->job.engine.memory_bytes)
        return cli_fail("%s: %s", self->name, out->text);
    self->is_refused = 1;
    cli_note("%s does not suffice; the smallest budget that works is about %s",
             self->name,
             cli_bytes_text(table->rows[0].runs[0].plan.memory.smallest_bytes).text);
    return CLI_SUCCESS;
}

static int measure_rows(bench_table *table, size_t first, size_t end,
                        const bench_source *source)
{
    int code = CLI_SUCCESS;
    for (size_t turn = 0; turn < table->n_runs; turn++)
        for (size_t row = first; row < end && !code; row++)
            code = measure_once(table, row, turn, source);
    return code;
}

/* From the smallest budget that works to one for all that is wanted, as the plan of the
 * first row counts them, in even steps.  A little more than the smallest: processes
 * differ by some pages. */
static void choose_budgets(bench_table *table)
{
    const grt_memory_plan *plan = &table->rows[0].runs[0].plan.memory;
    double smallest = (double)plan->smallest_bytes * 1.02;
    double all = (double)plan->total_bytes * 1.02;
    if (all < smallest) all = 2 * smallest; /* the first row was streamed too */
    size_t n_steps = table->n_rows - 2;
    for (size_t i = 1; i < table->n_rows; i++) {
        double bytes = smallest + (all - smallest) * (double)(i - 1) / (double)n_steps;
        uint64_t mib = (uint64_t)(bytes / 1048576) + 2;
        set_value(&table->rows[i].job, BENCH_BUDGET, mib << 20);
        name_row(&table->rows[i], cli_bytes_text(mib << 20).text);
    }
}

static int measure_budgets(bench_table *table, const bench_options *options)
{
    int code = measure_rows(table, 0, 1, &options->source);
    if (code) return code;
    if (options->chooses_budgets) choose_budgets(table);
    return measure_rows(table, 1, table->n_rows, &options->source);
}

static int measure_scaling(bench_table *tables, size_t *n, const bench_options *options)
{
    for (size_t i = 0; i < BENCH_N_DIMENSIONS; i++) {
        if (options->values[i].n == 0) continue;
        bench_table *table = &tables[(*n)++];
        int code = make_scaling(table, options, (bench_dimension)i);
        if (!code && i == BENCH_BUDGET)
            code = measure_budgets(table, options);
        else if (!code)
            code = measure_rows(table, 0, table->n_rows, &options->source);
        if (code) return code;
    }
    return CLI_SUCCESS;
}

/* Rows with the same policy compute the same scores, so they select the same. */
static void compare_selections(const bench_table *table)
{
    const bench_row *first = &table->rows[table->kind == BENCH_ABLATION ? 1 : 0];
    for (size_t i = 0; i < table->n_rows; i++) {
        const bench_row *row = &table->rows[i];
        if (row->job.policy != first->job.policy ||
            row->job.is_scheduled != first->job.is_scheduled)
            continue;
        for (size_t turn = 0; turn < table->n_runs; turn++)
            if (row->runs[turn].selection != first->runs[0].selection) {
                cli_note("%s: other documents were selected than by %s", row->name,
                         first->name);
                break;
            }
    }
}

int bench_tables_measure(bench_table *tables, size_t *n, const bench_options *options)
{
    *n = 0;
    if (options->kind == BENCH_SCALING) return measure_scaling(tables, n, options);
    *n = 1;
    int code = options->kind == BENCH_ABLATION ? make_ablation(tables, options)
                                               : make_streaming(tables, options);
    if (!code) code = measure_rows(tables, 0, tables->n_rows, &options->source);
    if (!code) compare_selections(tables);
    return code;
}

/* ---- Numbers of a row ---- */

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static bench_spread spread_of(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
    return (bench_spread){.median = (values[n / 2] + values[(n - 1) / 2]) / 2,
                          .low = values[0],
                          .high = values[n - 1]};
}

bench_spread bench_time_ms(const bench_table *table, const bench_row *row)
{
    double values[BENCH_RUNS_MAX];
    for (size_t i = 0; i < table->n_runs; i++)
        values[i] = (double)row->runs[i].time_ns / 1e6;
    return spread_of(values, table->n_runs);
}

bench_spread bench_time_ratio(const bench_table *table, const bench_row *row)
{
    double values[BENCH_RUNS_MAX];
    for (size_t i = 0; i < table->n_runs; i++)
        values[i] =
            (double)row->runs[i].time_ns / (double)table->rows[0].runs[i].time_ns;
    return spread_of(values, table->n_runs);
}

uint64_t bench_peak_bytes(const bench_table *table, const bench_row *row)
{
    uint64_t most = 0;
    for (size_t i = 0; i < table->n_runs; i++)
        if (row->runs[i].peak_bytes > most) most = row->runs[i].peak_bytes;
    return most;
}

double bench_peak_ratio(const bench_table *table, const bench_row *row)
{
    return (double)bench_peak_bytes(table, row) /
           (double)bench_peak_bytes(table, &table->rows[0]);
}
