/* bench_report.c - what `grating bench` prints, and its CSV file. */
#include "bench/bench.h"

#include "frame/cli.h"
#include "frame/text.h"

#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifndef GRT_COMMIT
#define GRT_COMMIT "not known"
#endif

/* ---- The head: machine, model and conditions ---- */

/* The value of "name : value" in a file of /proc. */
static void find_value(char *out, size_t capacity, const char *path, const char *name)
{
    char line[256];
    FILE *file = fopen(path, "r");
    snprintf(out, capacity, "unknown");
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (!colon || strncmp(line, name, strlen(name)) != 0) continue;
        line[strcspn(line, "\n")] = 0;
        snprintf(out, capacity, "%s", colon + 1 + strspn(colon + 1, " \t"));
        break;
    }
    if (file) fclose(file);
}

static const char *const kind_names[] = {[BENCH_ABLATION] = "ablation",
                                         [BENCH_STREAMING] = "streaming",
                                         [BENCH_SCALING] = "scaling"};

static const bench_outcome *first_outcome(const bench_table *tables)
{
    return &tables[0].rows[0].runs[0];
}

static void put_machine(FILE *file, const char *prefix, const bench_outcome *outcome)
{
    char cpu[128], features[64];
    struct utsname system = {0};
    cpu_set_t set;
    (void)uname(&system);
    find_value(cpu, sizeof cpu, "/proc/cpuinfo", "model name");
    snprintf(features, sizeof features, "%s", outcome->isa);
    size_t n_cpus = sched_getaffinity(0, sizeof set, &set) == 0
                        ? (size_t)CPU_COUNT(&set)
                        : (size_t)sysconf(_SC_NPROCESSORS_ONLN);
    double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    fprintf(file, "%smachine   %s, %zu usable CPUs, %.1f GiB, %s %s\n", prefix, cpu,
            n_cpus, memory / 1073741824, system.sysname, system.release);
    fprintf(file, "%slibrary   grating %s, commit %s, kernels %s\n", prefix,
            grt_version(), GRT_COMMIT, features);
}

static void put_schedule(FILE *file, const bench_job *job, size_t n_layers)
{
    bench_schedule from = job->schedule;
    bench_schedule to = {
        .n_layers = n_layers, .n_documents = job->n_documents, .k = job->k};
    if (from.n_layers == 0) from.n_layers = n_layers;
    bench_schedule_scale(&to, &from);
    fprintf(file, "as recorded, for any scores:");
    for (size_t i = 0; i < to.n; i++)
        fprintf(file, "%s after %zu of %zu layers %zu selected and %zu dropped",
                i ? "," : "", to.entries[i].layer, n_layers, to.entries[i].n_select,
                to.entries[i].n_drop);
    fputs(to.n ? "\n" : " none\n", file);
}

static void put_head(FILE *file, const char *prefix, const bench_options *options,
                     const bench_table *tables)
{
    const bench_outcome *outcome = first_outcome(tables);
    const bench_job *job = &options->job;
    const bench_source *source = &options->source;
    fprintf(file, "%sbench     %s\n", prefix, kind_names[options->kind]);
    put_machine(file, prefix, outcome);
    fprintf(file, "%smodel     ", prefix);
    cli_text_print(file, source->model_path, strlen(source->model_path), 0);
    fprintf(file, ": %s\n", outcome->model);
    fprintf(file, "%srequest   top %zu of %zu documents, pairs of about %zu tokens, ",
            prefix, job->k, job->n_documents, job->n_tokens);
    if (job->engine.n_threads)
        fprintf(file, "%zu threads\n", job->engine.n_threads);
    else
        fprintf(file, "a thread for each CPU\n");
    fprintf(file, "%stexts     ", prefix);
    if (source->text_path) {
        fputs("words of ", file);
        cli_text_print(file, source->text_path, strlen(source->text_path), 0);
        putc('\n', file);
    } else {
        fputs("made-up words by Zipf's law, always the same ones\n", file);
    }
    if (options->kind != BENCH_STREAMING) {
        fprintf(file, "%spruning   ", prefix);
        if (job->is_scheduled)
            put_schedule(file, job, outcome->stats.n_layers);
        else
            fprintf(file, "policy %s on the model's own scores\n",
                    grt_policy_text(job->policy));
    }
    fprintf(
        file,
        "%sruns      %zu in turns, each a process of its own after a warm-up; median "
        "time, largest peak\n",
        prefix, options->n_runs);
}

/* ---- Columns ---- */

typedef struct cell {
    char text[64];
} cell;

typedef struct column {
    const char *title;
    unsigned tables; /* bits of bench_kind that show it */
    cell (*make)(const bench_table *table, const bench_row *row);
} column;

static cell __attribute__((format(printf, 1, 2))) cell_of(const char *format, ...)
{
    cell out;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out.text, sizeof out.text, format, arguments);
    va_end(arguments);
    return out;
}

static cell percent(double ratio)
{
    return cell_of("%+.1f %%", 100 * (ratio - 1));
}

static cell mib(uint64_t bytes)
{
    return cell_of("%.1f", (double)bytes / 1048576);
}

static const grt_stats *stats_of(const bench_row *row)
{
    return &row->runs[0].stats;
}

/* The request alone, by its definition: counts do not differ between runs. */
static cell make_tokens(const bench_table *table, const bench_row *row)
{
    (void)table;
    const grt_stats *stats = stats_of(row);
    return cell_of("%.0f", (double)stats->n_tokens / (double)stats->n_documents);
}

static cell make_time(const bench_table *table, const bench_row *row)
{
    return cell_of("%.1f", bench_time_ms(table, row).median);
}

static cell make_time_change(const bench_table *table, const bench_row *row)
{
    return percent(bench_time_ratio(table, row).median);
}

static cell make_time_range(const bench_table *table, const bench_row *row)
{
    bench_spread ratio = bench_time_ratio(table, row);
    return cell_of("%+.1f .. %+.1f", 100 * (ratio.low - 1), 100 * (ratio.high - 1));
}

static cell make_each(const bench_table *table, const bench_row *row)
{
    return cell_of("%.2f", bench_time_ms(table, row).median /
                               (double)stats_of(row)->n_documents);
}

static cell make_peak(const bench_table *table, const bench_row *row)
{
    return mib(bench_peak_bytes(table, row));
}

static cell make_peak_change(const bench_table *table, const bench_row *row)
{
    return percent(bench_peak_ratio(table, row));
}

static cell make_read(const bench_table *table, const bench_row *row)
{
    (void)table;
    return mib(stats_of(row)->weight_bytes + stats_of(row)->embedding_bytes);
}

static cell make_reading(const bench_table *table, const bench_row *row)
{
    (void)table;
    return cell_of("%.1f", (double)stats_of(row)->read_ns / 1e6);
}

static cell make_waiting(const bench_table *table, const bench_row *row)
{
    (void)table;
    return cell_of("%.1f", (double)stats_of(row)->wait_ns / 1e6);
}

static double computed_share(const bench_row *row)
{
    const grt_stats *stats = stats_of(row);
    return (double)stats->tokens_x_layers / (double)stats->full_tokens_x_layers;
}

static cell make_computed(const bench_table *table, const bench_row *row)
{
    (void)table;
    return cell_of("%.1f %%", 100 * computed_share(row));
}

enum {
    IN_ABLATION = 1 << BENCH_ABLATION,
    IN_STREAMING = 1 << BENCH_STREAMING,
    IN_SCALING = 1 << BENCH_SCALING,
    IN_PAIRED = IN_ABLATION | IN_STREAMING,
    IN_ALL = IN_PAIRED | IN_SCALING
};

static const column columns[] = {
    {"tokens/pair", IN_ALL, make_tokens},
    {"time ms", IN_ALL, make_time},
    {"time", IN_PAIRED, make_time_change},
    {"range %", IN_PAIRED, make_time_range},
    {"ms/candidate", IN_SCALING, make_each},
    {"peak MiB", IN_ALL, make_peak},
    {"peak", IN_PAIRED, make_peak_change},
    {"read MiB", IN_ALL, make_read},
    {"reading ms", IN_STREAMING, make_reading},
    {"waiting ms", IN_STREAMING, make_waiting},
    {"computed", IN_ABLATION | IN_SCALING, make_computed},
};
enum { N_COLUMNS = sizeof columns / sizeof columns[0] };

/* ---- The tables, as Markdown ---- */

static cell make_cell(const bench_table *table, const bench_row *row, size_t i)
{
    return row->is_refused ? cell_of("-") : columns[i].make(table, row);
}

static size_t column_width(const bench_table *table, size_t i)
{
    size_t width = strlen(columns[i].title);
    for (size_t row = 0; row < table->n_rows; row++) {
        size_t n = strlen(make_cell(table, &table->rows[row], i).text);
        if (n > width) width = n;
    }
    return width;
}

static void put_dashes(size_t n)
{
    for (size_t i = 0; i < n; i++)
        putchar('-');
}

static void put_table(const bench_table *table)
{
    size_t first = strlen(table->varying), widths[N_COLUMNS];
    for (size_t row = 0; row < table->n_rows; row++)
        if (strlen(table->rows[row].name) > first)
            first = strlen(table->rows[row].name);
    printf("\n| %-*s |", (int)first, table->varying);
    for (size_t i = 0; i < N_COLUMNS; i++) {
        widths[i] = columns[i].tables & 1u << table->kind ? column_width(table, i) : 0;
        if (widths[i]) printf(" %*s |", (int)widths[i], columns[i].title);
    }
    fputs("\n|-", stdout);
    put_dashes(first);
    fputs("-|", stdout);
    for (size_t i = 0; i < N_COLUMNS; i++) {
        if (!widths[i]) continue;
        put_dashes(widths[i] + 1);
        fputs(":|", stdout);
    }
    putchar('\n');
    for (size_t row = 0; row < table->n_rows; row++) {
        printf("| %-*s |", (int)first, table->rows[row].name);
        for (size_t i = 0; i < N_COLUMNS; i++)
            if (widths[i])
                printf(" %*s |", (int)widths[i],
                       make_cell(table, &table->rows[row], i).text);
        putchar('\n');
    }
}

static void put_conclusion(const bench_table *table, size_t row, const char *text)
{
    const bench_row *last = &table->rows[row];
    printf("%s: time %s (%s in %zu run%s), peak memory %s\n", text,
           make_time_change(table, last).text, make_time_range(table, last).text,
           table->n_runs, table->n_runs == 1 ? "" : "s",
           make_peak_change(table, last).text);
}

/* A row of shorter pairs than it says must not pass for one of long pairs. */
static void put_truncated(const bench_table *table)
{
    for (size_t i = 0; i < table->n_rows; i++) {
        size_t n = table->rows[i].runs[0].n_truncated;
        if (n)
            printf("%s %s: %zu documents were cut to the model's limit\n",
                   table->varying, table->rows[i].name, n);
    }
}

void bench_report_print(const bench_options *options, const bench_table *tables,
                        size_t n)
{
    put_head(stdout, "", options, tables);
    for (size_t i = 0; i < n; i++) {
        put_table(&tables[i]);
        put_truncated(&tables[i]);
    }
    if (options->kind == BENCH_ABLATION)
        put_conclusion(tables, tables->n_rows - 1, "\nall on against all off");
    if (options->kind == BENCH_STREAMING)
        put_conclusion(tables, 1, "\nstreamed against resident");
}

/* ---- CSV ---- */

static const char csv_columns[] =
    "table,row,documents,tokens_per_pair,k,policy,residency,hidden,slots,chunk_rows,"
    "cached_rows,budget_bytes,runs,time_ms,time_low_ms,time_high_ms,time_ratio,"
    "time_ratio_low,time_ratio_high,ms_per_candidate,peak_bytes,peak_ratio,"
    "weight_bytes,embedding_bytes,read_ms,wait_ms,candidates_x_layers,tokens_x_layers,"
    "computed_share,truncated,selection";

static void put_csv_settings(FILE *file, const bench_table *table, const bench_row *row)
{
    static const char *const residencies[] = {"auto", "streamed", "resident"};
    const grt_stats *stats = stats_of(row);
    const grt_memory_plan *plan = &row->runs[0].plan.memory;
    int is_scheduled = row->job.is_scheduled && row->job.k < stats->n_documents;
    const char *policy =
        is_scheduled ? "schedule" : grt_policy_text((grt_policy)stats->policy);
    fprintf(file, "%s,%s,%zu,%s,%zu,%s,%s,%s,%zu,%zu,%zu,%llu,%zu,", table->name,
            row->name, stats->n_documents, make_tokens(table, row).text, row->job.k,
            policy, residencies[row->job.engine.residency],
            grt_hidden_storage_text((grt_hidden_storage)plan->hidden), plan->n_slots,
            plan->chunk_rows, plan->n_cached_rows,
            (unsigned long long)plan->budget_bytes, table->n_runs);
}

static void put_csv_row(FILE *file, const bench_table *table, const bench_row *row)
{
    const grt_stats *stats = stats_of(row);
    bench_spread time = bench_time_ms(table, row);
    bench_spread ratio = bench_time_ratio(table, row);
    put_csv_settings(file, table, row);
    fprintf(file, "%.3f,%.3f,%.3f,%.4f,%.4f,%.4f,%.3f,%llu,%.4f,", time.median,
            time.low, time.high, ratio.median, ratio.low, ratio.high,
            time.median / (double)stats->n_documents,
            (unsigned long long)bench_peak_bytes(table, row),
            bench_peak_ratio(table, row));
    fprintf(file, "%llu,%llu,%.3f,%.3f,%llu,%llu,%.4f,%zu,%016llx\n",
            (unsigned long long)stats->weight_bytes,
            (unsigned long long)stats->embedding_bytes, (double)stats->read_ns / 1e6,
            (double)stats->wait_ns / 1e6,
            (unsigned long long)stats->candidates_x_layers,
            (unsigned long long)stats->tokens_x_layers, computed_share(row),
            row->runs[0].n_truncated, (unsigned long long)row->runs[0].selection);
}

void bench_csv_write(FILE *file, const bench_options *options,
                     const bench_table *tables, size_t n)
{
    put_head(file, "# ", options, tables);
    fprintf(file, "%s\n", csv_columns);
    for (size_t i = 0; i < n; i++)
        for (size_t row = 0; row < tables[i].n_rows; row++)
            if (!tables[i].rows[row].is_refused)
                put_csv_row(file, &tables[i], &tables[i].rows[row]);
}
