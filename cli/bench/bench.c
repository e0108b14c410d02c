/* bench.c - `grating bench`: arguments. */
#include "bench/bench.h"

#include "frame/cli.h"
#include "frame/file.h"
#include "frame/signals.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_DOCUMENTS = CLI_KEY_LONG,
    KEY_TOKENS,
    KEY_RUNS,
    KEY_TEXT,
    KEY_POLICY,
    KEY_SCHEDULE,
    KEY_BY,
    KEY_VALUES,
    KEY_CSV,
    KEY_SVG
};

static const cli_option options_table[] = {
    {'m', "model", "PATH",
     "Hugging Face directory or GGUF file (default: the\nbundled grating-small)"},
    {'t', "threads", "N", "threads to use (default 0: one for each usable CPU)"},
    {KEY_DOCUMENTS, "documents", "N", "candidates (default: ablation 60, others 20)"},
    {KEY_TOKENS, "tokens", "T", "tokens of a pair, about (default 500)"},
    {'k', "top", "K", "how many are wanted (default 10)"},
    {KEY_RUNS, "runs", "R", "runs of each row, in turns (default 3)"},
    {KEY_TEXT, "text", "FILE", "take the words of documents from FILE"},
    {KEY_POLICY, "policy", "NAME",
     "pruning: schedule (default), bound, cluster or none"},
    {KEY_SCHEDULE, "schedule", "LIST",
     "decisions LAYER:SELECT:DROP,... for N, K and this\n"
     "model (default: those of the published example)"},
    {KEY_BY, "by", "NAME",
     "scaling: only the table by documents, tokens, k or\nbudget"},
    {KEY_VALUES, "values", "LIST",
     "with --by: the values, such as 5,10,20; budgets as\n300M or 1.5G"},
    {KEY_CSV, "csv", "FILE", "write the numbers to FILE"},
    {KEY_SVG, "svg", "FILE", "write a plot to FILE"},
    CLI_HELP_OPTION,
    CLI_END_OPTION};

enum { COUNT_MAX = 100000, TOKENS_MAX = 1000000, THREADS_MAX = 1024 };

static const char *const dimensions[] = {"documents", "tokens", "k", "budget", NULL};

/* What the arguments say, before it is put together. */
typedef struct arguments {
    bench_options options;
    const char *kind;
    const char *model; /* NULL: bundled */
    const char *schedule;
    size_t by; /* BENCH_N_DIMENSIONS: all */
    const char *values;
} arguments;

static int set_policy(bench_job *job, const char *text)
{
    static const grt_policy policies[] = {GRT_POLICY_DEFAULT, GRT_POLICY_BOUND,
                                          GRT_POLICY_CLUSTER, GRT_POLICY_NONE};
    static const char *const names[] = {"schedule", "bound", "cluster", "none", NULL};
    size_t i = 0;
    int code = cli_parse_choice("--policy", text, names, &i);
    if (code) return code;
    job->policy = policies[i];
    job->is_scheduled = i == 0;
    return code;
}

static int set_kind(arguments *self, const char *text)
{
    if (self->kind)
        return cli_usage(&cli_bench_command,
                         "one benchmark at a time: \"%s\" is a "
                         "second one",
                         text);
    self->kind = text;
    return CLI_SUCCESS;
}

static int set_option(arguments *self, int key, const char *value)
{
    bench_options *options = &self->options;
    bench_job *job = &options->job;
    switch (key) {
    case CLI_OPERAND: return set_kind(self, value);
    case 'm': self->model = value; return CLI_SUCCESS;
    case 't':
        return cli_parse_number("-t, --threads", value, 0, THREADS_MAX,
                                &job->engine.n_threads);
    case 'k': return cli_parse_number("-k, --top", value, 1, COUNT_MAX, &job->k);
    case KEY_DOCUMENTS:
        return cli_parse_number("--documents", value, 1, COUNT_MAX, &job->n_documents);
    case KEY_TOKENS:
        return cli_parse_number("--tokens", value, 1, TOKENS_MAX, &job->n_tokens);
    case KEY_RUNS:
        return cli_parse_number("--runs", value, 1, BENCH_RUNS_MAX, &options->n_runs);
    case KEY_TEXT: options->source.text_path = value; return CLI_SUCCESS;
    case KEY_POLICY: return set_policy(job, value);
    case KEY_SCHEDULE: self->schedule = value; return CLI_SUCCESS;
    case KEY_BY: return cli_parse_choice("--by", value, dimensions, &self->by);
    case KEY_VALUES: self->values = value; return CLI_SUCCESS;
    case KEY_CSV: options->csv_path = value; return CLI_SUCCESS;
    default: options->svg_path = value; return CLI_SUCCESS;
    }
}

/* ---- Putting it together ---- */

static int choose_kind(arguments *self)
{
    static const struct {
        const char *name;
        bench_kind kind;
        size_t n_documents;
    } kinds[] = {{"ablation", BENCH_ABLATION, 60},
                 {"scaling", BENCH_SCALING, 20},
                 {"streaming", BENCH_STREAMING, 20}};
    if (!self->kind)
        return cli_usage(&cli_bench_command,
                         "no benchmark: name ablation, scaling or streaming");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        bench_job *job = &self->options.job;
        if (strcmp(self->kind, kinds[i].name) != 0) continue;
        self->options.kind = kinds[i].kind;
        if (job->n_documents == 0) job->n_documents = kinds[i].n_documents;
        return CLI_SUCCESS;
    }
    return cli_usage(&cli_bench_command,
                     "\"%s\" is not a benchmark: ablation, scaling or streaming",
                     self->kind);
}

static int choose_schedule(arguments *self)
{
    bench_job *job = &self->options.job;
    job->schedule = bench_published_schedule;
    if (!self->schedule) return CLI_SUCCESS;
    if (!job->is_scheduled)
        return cli_usage(&cli_bench_command, "--schedule is for --policy schedule");
    const char *wrong = bench_schedule_parse(&job->schedule, self->schedule);
    if (wrong)
        return cli_usage(&cli_bench_command, "--schedule: \"%s\": %s", self->schedule,
                         wrong);
    job->schedule.n_layers = 0; /* the model's own */
    job->schedule.n_documents = job->n_documents;
    job->schedule.k = job->k;
    return CLI_SUCCESS;
}

static int parse_values(const arguments *self, bench_values *out)
{
    enum { LENGTH_MAX = 400 };
    char text[LENGTH_MAX + 1];
    if (strlen(self->values) > LENGTH_MAX)
        return cli_usage(&cli_bench_command, "--values: the list is too long");
    snprintf(text, sizeof text, "%s", self->values);
    out->n = 0;
    for (char *at = text, *next; at; at = next) {
        size_t value = 0;
        if (out->n == BENCH_VALUES_MAX)
            return cli_usage(&cli_bench_command, "--values: more than %d values",
                             (int)BENCH_VALUES_MAX);
        next = strchr(at, ',');
        if (next) *next++ = 0;
        int code = self->by == BENCH_BUDGET
                       ? cli_parse_size("--values", at, &out->values[out->n])
                       : cli_parse_number("--values", at, 1, COUNT_MAX, &value);
        if (code) return code;
        if (self->by != BENCH_BUDGET) out->values[out->n] = value;
        out->n++;
    }
    return CLI_SUCCESS;
}

/* The published sizes, and what lies around them. */
static int choose_values(arguments *self)
{
    static const bench_values usual[BENCH_N_DIMENSIONS] = {
        {{5, 10, 20, 50, 100, 200}, 6},
        {{64, 128, 256, 512, 1024}, 5},
        {{1, 5, 10}, 3},
        {{0}, 5}}; /* found out when the table is measured */
    bench_options *options = &self->options;
    if (self->by < BENCH_N_DIMENSIONS && options->kind != BENCH_SCALING)
        return cli_usage(&cli_bench_command, "--by is for scaling");
    if (self->values && self->by == BENCH_N_DIMENSIONS)
        return cli_usage(&cli_bench_command, "--values is for --by");
    for (size_t i = 0; i < BENCH_N_DIMENSIONS; i++)
        if (self->by == BENCH_N_DIMENSIONS || self->by == i)
            options->values[i] = usual[i];
    options->chooses_budgets = !self->values;
    return self->values ? parse_values(self, &options->values[self->by]) : CLI_SUCCESS;
}

static int check(const arguments *self)
{
    const bench_job *job = &self->options.job;
    if (self->options.kind == BENCH_ABLATION && job->policy == GRT_POLICY_NONE)
        return cli_usage(&cli_bench_command, "an ablation needs a policy that prunes");
    if (self->options.kind == BENCH_ABLATION && job->k >= job->n_documents)
        return cli_usage(&cli_bench_command,
                         "nothing can be pruned when %zu of %zu documents are wanted",
                         job->k, job->n_documents);
    return CLI_SUCCESS;
}

/* The files are opened first: an hour of measuring must not end at a wrong name. */
static int open_files(const bench_options *options, cli_file *csv, cli_file *svg)
{
    int code = CLI_SUCCESS;
    if (options->csv_path) code = cli_file_create(csv, options->csv_path);
    if (code || !options->svg_path) return code;
    code = cli_file_create(svg, options->svg_path);
    if (code && options->csv_path) cli_file_discard(csv);
    return code;
}

static int write_files(const bench_options *options, const bench_table *tables,
                       size_t n, cli_file *csv, cli_file *svg)
{
    int code = CLI_SUCCESS;
    if (options->csv_path) {
        bench_csv_write(csv->file, options, tables, n);
        code = cli_file_commit(csv);
    }
    if (options->svg_path) {
        bench_svg_write(svg->file, options, tables, n);
        int svg_code = cli_file_commit(svg);
        if (!code) code = svg_code;
    }
    return code;
}

static int measure(const bench_options *options)
{
    bench_table tables[BENCH_N_DIMENSIONS] = {{0}};
    cli_file csv = {0}, svg = {0};
    size_t n = 0;
    int code = open_files(options, &csv, &svg);
    if (code) return code;
    code = bench_tables_measure(tables, &n, options);
    if (code) {
        if (options->csv_path) cli_file_discard(&csv);
        if (options->svg_path) cli_file_discard(&svg);
    } else {
        bench_report_print(options, tables, n);
        code = write_files(options, tables, n, &csv, &svg);
        int output_code = cli_flush_output();
        if (!code) code = output_code;
    }
    for (size_t i = 0; i < n; i++)
        bench_table_release(&tables[i]);
    return code;
}

static int run(int argc, char **argv)
{
    arguments self = {.by = BENCH_N_DIMENSIONS};
    self.options.n_runs = 3;
    self.options.job = (bench_job){.n_tokens = 500, .k = 10, .is_scheduled = 1};
    signal(SIGPIPE, SIG_IGN); /* a worker that ended is an error to report */
    if (argc > 1 && strcmp(argv[1], "--worker") == 0)
        return bench_work(argc - 1, argv + 1);
    cli_parser parser;
    cli_parser_init(&parser, &cli_bench_command, argc, argv);
    int key, code;
    while ((key = cli_parser_next(&parser)) != CLI_END) {
        if (key == CLI_BAD) return CLI_USAGE;
        if (key == 'h') return cli_print_help(&cli_bench_command);
        code = set_option(&self, key, parser.value);
        if (code) return code;
    }
    code = choose_kind(&self);
    if (!code) code = choose_schedule(&self);
    if (!code) code = choose_values(&self);
    if (!code) code = check(&self);
    if (code) return code;
    char *model = NULL;
    code = cli_find_model(&model, self.model);
    if (code) return code;
    cli_catch_interrupts(); /* it ends the worker, and files are removed */
    self.options.source.model_path = model;
    code = measure(&self.options);
    free(model);
    return code;
}

const cli_command cli_bench_command = {
    .name = "bench",
    .summary = "measure time, memory and reads of rankings",
    .usage = "bench ablation|scaling|streaming [OPTION]...",
    .details = "Measures rankings of texts made for it and prints tables: what each "
               "technique\n"
               "adds (ablation), how time and memory grow (scaling), what reading "
               "layers while\n"
               "ranking costs (streaming).  Each run is a process of its own.",
    .options = options_table,
    .run = run};
