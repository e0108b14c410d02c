/*
 * bench.h - what the files of `grating bench` share.
 *
 * A configuration is measured in a process of its own, so that its peak memory is its
 * own: the command starts itself again with --worker, sends a job through a pipe and
 * gets an outcome back.  Both are plain structs, since both ends are the same program.
 * The command itself never opens a model: what a process had resident before it becomes
 * a worker would count as the worker's.
 */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "api/experiment.h"
#include "frame/host.h"

#include <stdio.h>

enum { BENCH_RUNS_MAX = 99, BENCH_VALUES_MAX = 16, BENCH_SCHEDULE_MAX = 64 };

/* ---- Schedules ---- */

/* Decisions by count, and the request that they were made for. */
typedef struct bench_schedule {
    size_t n_layers;
    size_t n_documents;
    size_t k;
    size_t n;
    grt_schedule_entry entries[BENCH_SCHEDULE_MAX];
} bench_schedule;

/* The worked example of arXiv 2510.15620, top 10 of 20; see docs/benchmarks.md. */
extern const bench_schedule bench_published_schedule;

/* Reads "LAYER:SELECT:DROP,..." into out->entries.  NULL, or a text that says what is
 * wrong with it. */
const char *bench_schedule_parse(bench_schedule *out, const char *text);
/* The same decisions for another request: layers by their share of the depth, selected
 * ones by their share of K, dropped ones by their share of N - K, so that a request
 * that `from` decides in full is decided in full.  `to` has n_layers >= 1, n_documents
 * and k set; nothing is decided when k is 0 or at least n_documents. */
void bench_schedule_scale(bench_schedule *to, const bench_schedule *from);

/* ---- One measurement ---- */

typedef struct bench_job {
    size_t n_documents;
    size_t n_tokens; /* of a pair, about */
    size_t k;
    grt_policy policy;
    int is_scheduled;        /* the schedule decides, not the policy */
    bench_schedule schedule; /* unscaled */
    cli_engine_options engine;
    int computes_prefix_apart; /* as in grt_experiment */
    int computes_all_rows;
} bench_job;

typedef struct bench_outcome {
    grt_status status;
    char text[240]; /* when the status is not GRT_OK: why */
    uint64_t time_ns;
    uint64_t peak_bytes;
    uint64_t selection; /* a number made from the top K, in any order */
    size_t n_truncated;
    grt_stats stats; /* isa is not to be used */
    cli_plan plan;
    char isa[16];
    char model[160];
} bench_outcome;

/* Where pairs come from. */
typedef struct bench_source {
    const char *model_path;
    const char *text_path; /* NULL: made-up words */
} bench_source;

/* Runs the job in a process of its own.  A failure of the library is an outcome; the
 * code is not CLI_SUCCESS when there is no outcome. */
int bench_measure(bench_outcome *out, const bench_job *job, const bench_source *source);
/* The other end: argv is "--worker" MODEL [TEXT]. */
int bench_work(int argc, char **argv);

/* ---- Texts ---- */

typedef struct bench_texts {
    char **documents; /* [n], owned */
    size_t n;
} bench_texts;

extern const char bench_query[];

/* n documents of about n_tokens tokens of the model each, always the same ones.
 * Returns an exit code. */
int bench_texts_make(bench_texts *out, const grt_model *model, size_t n,
                     size_t n_tokens, const char *path);
void bench_texts_release(bench_texts *texts);

/* ---- Tables ---- */

/* A line of a table. */
typedef struct bench_row {
    char name[48];
    bench_job job;
    int is_refused;      /* a memory budget that does not suffice */
    bench_outcome *runs; /* [n_runs] of the table */
} bench_row;

typedef enum bench_kind { BENCH_ABLATION, BENCH_STREAMING, BENCH_SCALING } bench_kind;

typedef struct bench_table {
    bench_kind kind;
    const char *name;    /* "ablation", "documents" */
    const char *varying; /* heads the column of names */
    bench_row *rows;     /* [n_rows]; the first is what the others are compared with */
    size_t n_rows;
    size_t n_runs;
} bench_table;

typedef struct bench_values {
    uint64_t values[BENCH_VALUES_MAX];
    size_t n;
} bench_values;

/* What scaling varies. */
typedef enum bench_dimension {
    BENCH_DOCUMENTS,
    BENCH_LENGTH,
    BENCH_TOP,
    BENCH_BUDGET,
    BENCH_N_DIMENSIONS
} bench_dimension;

typedef struct bench_options {
    bench_kind kind;
    bench_source source;
    bench_job job; /* what rows are made from */
    size_t n_runs;
    bench_values values[BENCH_N_DIMENSIONS]; /* n 0: the table is left out */
    int chooses_budgets; /* 1: found out when the table is measured */
    const char *csv_path, *svg_path;
} bench_options;

/* Makes the tables of the kind and measures them, at most BENCH_N_DIMENSIONS.  They are
 * for the caller to free, also after a failure. */
int bench_tables_measure(bench_table *tables, size_t *n, const bench_options *options);
void bench_table_release(bench_table *table);

typedef struct bench_spread {
    double median, low, high;
} bench_spread;

bench_spread bench_time_ms(const bench_table *table, const bench_row *row);
/* Of the time to that of the first row in the same turn. */
bench_spread bench_time_ratio(const bench_table *table, const bench_row *row);
/* The largest of the runs. */
uint64_t bench_peak_bytes(const bench_table *table, const bench_row *row);
double bench_peak_ratio(const bench_table *table, const bench_row *row);

/* ---- Reports ---- */

void bench_report_print(const bench_options *options, const bench_table *tables,
                        size_t n);
void bench_csv_write(FILE *file, const bench_options *options,
                     const bench_table *tables, size_t n);
void bench_svg_write(FILE *file, const bench_options *options,
                     const bench_table *tables, size_t n);

#endif
