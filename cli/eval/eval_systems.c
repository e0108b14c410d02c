/*
 * eval_systems.c - ranks each query with each policy and keeps what came out.
 *
 * Systems take turns query by query, so that a machine that gets slower or faster
 * treats them alike.  A query counts when all systems have ranked it: an interruption
 * leaves whole queries.
 */
#include "eval/eval.h"

#include "frame/cli.h"
#include "frame/notes.h"
#include "frame/process.h"
#include "frame/text.h"

#include <stdlib.h>
#include <string.h>

/* ---- Opening ---- */

static void add_system(eval_bench *bench, grt_policy policy, float precision,
                       const char *name)
{
    size_t row = bench->n_rows++;
    for (size_t i = 0; i < bench->options->n_ks; i++) {
        eval_system *system = &bench->systems[i][row];
        *system = (eval_system){.policy = policy, .precision = precision};
        char suffix[16] = "";
        grt_promise asked = bench->options->promise;
        system->promise = asked ? asked : GRT_PROMISE_ORDER;
        if (policy != GRT_POLICY_NONE && asked)
            snprintf(suffix, sizeof suffix, " %s", grt_promise_text(asked));
        if (precision > 0)
            snprintf(system->name, sizeof system->name, "%s %g%s", name,
                     (double)precision, suffix);
        else
            snprintf(system->name, sizeof system->name, "%s%s", name, suffix);
    }
}

/* Without a profile policy cluster knows no precision, and has one row. */
static void add_systems(eval_bench *bench)
{
    const eval_options *options = bench->options;
    add_system(bench, GRT_POLICY_NONE, 0, "first stage");
    add_system(bench, GRT_POLICY_NONE, 0, "full pass");
    if (options->sum_weight > 0) {
        char name[32];
        snprintf(name, sizeof name, "full + %g x first", (double)options->sum_weight);
        add_system(bench, GRT_POLICY_NONE, 0, name);
    }
    bench->first_policy = bench->n_rows;
    for (size_t i = 0; i < options->n_policies; i++) {
        grt_policy policy = options->policies[i];
        const char *name = grt_policy_text(policy);
        if (policy == GRT_POLICY_CLUSTER && !bench->profile) {
            add_system(bench, policy, 0, name);
            continue;
        }
        for (size_t j = 0; j < options->n_precisions; j++)
            add_system(bench, policy, options->precisions[j], name);
    }
    bench->n_passes = 1 + options->n_ks * (bench->n_rows - bench->first_policy);
}

int eval_bench_open(eval_bench *bench, const eval_options *options, eval_data *data)
{
    *bench = (eval_bench){.options = options, .data = data};
    cli_progress_init(&bench->progress, !options->hides_progress);
    int code = cli_find_model(&bench->model_path, options->model_path);
    if (code) return code;
    grt_error error = {0};
    grt_model_info info = GRT_MODEL_INFO_INIT;
    grt_status status = cli_host_open(&bench->host, bench->model_path,
                                      options->profile_path, &options->engine, &error);
    if (status) return cli_fail_status(NULL, status, &error);
    grt_model_describe(bench->host.model, &info);
    if (info.profile && !(bench->profile = strdup(info.profile)))
        return cli_fail("out of memory");
    add_systems(bench);
    if (!options->run_out_path) return CLI_SUCCESS;
    return cli_file_create(&bench->run_out, options->run_out_path);
}

/* ---- One ranking ---- */

/* A cli_step_fn.  All passes of a query stand for the same work. */
static void show(const grt_step *step, void *payload)
{
    eval_bench *bench = payload;
    const eval_data *data = bench->data;
    size_t limit = bench->options->limit;
    size_t n = data->options->pairs_path ? data->n_texts : data->n_chosen;
    size_t n_layers = step->n_layers ? step->n_layers : 1;
    char before[64];
    if (limit && limit < n) n = limit;
    snprintf(before, sizeof before, "query %zu of %zu ", bench->n_queries + 1, n);
    uint64_t part = (uint64_t)bench->n_calls * n_layers + step->layer;
    uint64_t whole = (uint64_t)n * bench->n_passes * n_layers;
    cli_progress_draw_work(&bench->progress, before, part, whole, (double)part,
                           (double)whole, bench->started_ns);
}

static int rank(eval_bench *bench, const eval_case *query, const eval_system *system,
                size_t k, grt_result **out)
{
    grt_error error = {0};
    grt_policy_options policy = GRT_POLICY_OPTIONS_INIT;
    policy.policy = (int32_t)system->policy;
    policy.promise = (int32_t)system->promise;
    policy.precision = system->precision;
    grt_request request = GRT_REQUEST_INIT;
    request.query = query->text;
    request.query_bytes = query->bytes;
    request.documents = query->documents;
    request.document_bytes = query->document_bytes;
    request.n_documents = query->n;
    request.k = k;
    request.instruction = query->instruction;
    request.policy = &policy;
    grt_status status = cli_host_rank(&bench->host, &request, show, bench, out, &error);
    if (status == GRT_E_CANCELLED) {
        bench->is_interrupted = 1;
        return CLI_INTERRUPTED;
    }
    if (status) {
        cli_progress_erase(&bench->progress);
        return cli_fail_status(query->where, status, &error);
    }
    return CLI_SUCCESS;
}

/* ---- What one ranking is worth ---- */

/* The work on one query; everything is owned and freed together. */
typedef struct eval_trial {
    const eval_case *query;
    size_t *order;                         /* [n] candidates, best first */
    size_t *full;                          /* [n] the same by the full pass */
    int *grades;                           /* [n] in that order */
    char *is_in_full;                      /* [n] 1: among the full pass's first K */
    double *values;                        /* [n_ks][n_rows][CLI_N_METRICS] */
    eval_system (*systems)[EVAL_MAX_ROWS]; /* [n_ks] what is added to the bench's */
    size_t n_truncated;
} eval_trial;

static int trial_init(eval_trial *trial, const eval_bench *bench,
                      const eval_case *query)
{
    size_t n = query->n ? query->n : 1, n_ks = bench->options->n_ks;
    *trial = (eval_trial){.query = query};
    trial->order = calloc(n, sizeof *trial->order);
    trial->full = calloc(n, sizeof *trial->full);
    trial->grades = calloc(n, sizeof *trial->grades);
    trial->is_in_full = calloc(n, 1);
    trial->values = calloc(n_ks * bench->n_rows * CLI_N_METRICS, sizeof *trial->values);
    trial->systems = calloc(n_ks, sizeof *trial->systems);
    int is_complete = trial->order && trial->full && trial->grades &&
                      trial->is_in_full && trial->values && trial->systems;
    return is_complete ? CLI_SUCCESS : cli_fail("out of memory");
}

static void trial_release(eval_trial *trial)
{
    free(trial->order);
    free(trial->full);
    free(trial->grades);
    free(trial->is_in_full);
    free(trial->values);
    free(trial->systems);
}

static double overlap(const eval_trial *trial, size_t k)
{
    size_t n = trial->query->n, same = 0;
    if (k > n) k = n;
    if (k == 0) return 1; /* nothing could be lost */
    memset(trial->is_in_full, 0, n);
    for (size_t i = 0; i < k; i++)
        trial->is_in_full[trial->full[i]] = 1;
    for (size_t i = 0; i < k; i++)
        same += trial->is_in_full[trial->order[i]] != 0;
    return (double)same / (double)k;
}

/* Judges `order` at one K. */
static void judge(eval_trial *trial, const eval_bench *bench, size_t k_index,
                  size_t row)
{
    const eval_case *query = trial->query;
    size_t k = bench->options->ks[k_index];
    double *values = trial->values + (k_index * bench->n_rows + row) * CLI_N_METRICS;
    for (size_t i = 0; i < query->n; i++)
        trial->grades[i] = query->grades[trial->order[i]];
    cli_judged judged = {.grades = trial->grades,
                         .n = query->n,
                         .ideal = query->ideal,
                         .n_ideal = query->n_ideal,
                         .level = (int)bench->options->level};
    values[CLI_METRIC_NDCG] = cli_ndcg(&judged, k);
    values[CLI_METRIC_PRECISION] = cli_precision(&judged, k);
    values[CLI_METRIC_MRR] = cli_mrr(&judged, k);
    values[CLI_METRIC_RECALL] = cli_recall(&judged, k);
    values[CLI_METRIC_OVERLAP] = overlap(trial, k);
}

static void take_order(eval_trial *trial, const grt_result *result)
{
    memcpy(trial->order, grt_result_indices(result),
           trial->query->n * sizeof *trial->order);
}

static void take_stats(eval_system *system, const grt_result *result)
{
    grt_stats stats = GRT_STATS_INIT;
    grt_result_stats(result, &stats);
    system->candidates_x_layers += stats.candidates_x_layers;
    system->total_ns += stats.total_ns;
    system->drift_sum += (double)stats.drift;
    system->n_drifts += stats.drift > 0;
    system->has_profile |= stats.has_profile;
}

/* ---- A run file ---- */

/* Ids with white space would break the columns. */
static int check_id(const eval_bench *bench, const char *id)
{
    if (id[0] && !strpbrk(id, " \t\r\n\v\f")) return CLI_SUCCESS;
    return cli_fail("%s: the id \"%s\" cannot stand in a TREC run",
                    bench->options->run_out_path, id);
}

/* The score counts down, so that every reader finds this order: scores of candidates
 * that were decided at different layers do not compare, and trec_eval has an order of
 * its own for equal ones. */
static int write_run(eval_bench *bench, const eval_trial *trial, const char *name,
                     size_t k)
{
    FILE *file = bench->run_out.file;
    const eval_case *query = trial->query;
    char tag[64];
    if (!file) return CLI_SUCCESS;
    if (k)
        snprintf(tag, sizeof tag, "%s-k%zu", name, k);
    else
        snprintf(tag, sizeof tag, "%s", name);
    for (char *c = tag; *c; c++) {
        if (*c == ' ') *c = '-';
    }
    int code = check_id(bench, query->id);
    for (size_t i = 0; !code && i < query->n; i++) {
        cli_id_text storage;
        const char *id = eval_source_document(query->source, trial->order[i], &storage);
        code = check_id(bench, id);
        if (code) break;
        cli_text_put(file, WIRE_TREC, query->id, strlen(query->id));
        fputs(" Q0 ", file);
        cli_text_put(file, WIRE_TREC, id, strlen(id));
        fprintf(file, " %zu %zu %s\n", i + 1, query->n - i, tag);
    }
    (void)cli_file_check(&bench->run_out);
    return code;
}

/* ---- One query ---- */

static int judge_sum(eval_bench *bench, eval_trial *trial, const grt_result *full)
{
    const eval_case *query = trial->query;
    size_t row = EVAL_ROW_FULL + 1;
    if (row == bench->first_policy) return CLI_SUCCESS;
    double weight = (double)bench->options->sum_weight;
    if (full && !eval_sum_order(trial->order, full, query->scores, weight))
        return cli_fail("out of memory");
    for (size_t i = 0; i < bench->options->n_ks; i++)
        judge(trial, bench, i, row);
    return write_run(bench, trial, "sum", 0);
}

static int rank_full(eval_bench *bench, eval_trial *trial)
{
    grt_result *result = NULL;
    const eval_case *query = trial->query;
    const eval_system *full = &bench->systems[0][EVAL_ROW_FULL];
    int code = query->n ? rank(bench, query, full, 0, &result) : CLI_SUCCESS;
    if (code) return code;
    if (result) {
        const uint32_t *flags = grt_result_flags(result);
        take_order(trial, result);
        memcpy(trial->full, trial->order, query->n * sizeof *trial->full);
        for (size_t i = 0; i < query->n; i++)
            trial->n_truncated += (flags[i] & GRT_FLAG_TRUNCATED) != 0;
    }
    for (size_t i = 0; i < bench->options->n_ks; i++) {
        if (result) take_stats(&trial->systems[i][EVAL_ROW_FULL], result);
        judge(trial, bench, i, EVAL_ROW_FULL);
    }
    bench->n_calls++;
    code = write_run(bench, trial, "full", 0);
    if (!code) code = judge_sum(bench, trial, result);
    grt_result_free(result);
    return code;
}

static void judge_first_stage(eval_trial *trial, const eval_bench *bench)
{
    for (size_t i = 0; i < trial->query->n; i++)
        trial->order[i] = i;
    for (size_t i = 0; i < bench->options->n_ks; i++)
        judge(trial, bench, i, EVAL_ROW_FIRST);
}

static int rank_pruned(eval_bench *bench, eval_trial *trial, size_t k_index, size_t row)
{
    grt_result *result = NULL;
    const eval_case *query = trial->query;
    const eval_system *system = &bench->systems[k_index][row];
    size_t k = bench->options->ks[k_index];
    int code = query->n ? rank(bench, query, system, k, &result) : CLI_SUCCESS;
    if (code) return code;
    if (result) {
        take_order(trial, result);
        take_stats(&trial->systems[k_index][row], result);
    }
    judge(trial, bench, k_index, row);
    grt_result_free(result);
    bench->n_calls++;
    return write_run(bench, trial, system->name, k);
}

static int keep_values(eval_bench *bench, const eval_trial *trial)
{
    size_t width = bench->options->n_ks * bench->n_rows * CLI_N_METRICS;
    if (bench->n_queries == bench->capacity) {
        size_t capacity =
            bench->capacity + 64; /* one after another: a jump would not fit */
        if (capacity > SIZE_MAX / sizeof(double) / width)
            return cli_fail("out of memory");
        double *values =
            realloc(bench->values, capacity * width * sizeof *bench->values);
        if (!values) return cli_fail("out of memory");
        bench->values = values;
        bench->capacity = capacity;
    }
    memcpy(bench->values + bench->n_queries * width, trial->values,
           width * sizeof *bench->values);
    bench->n_queries++;
    return CLI_SUCCESS;
}

static void keep_sums(eval_bench *bench, const eval_trial *trial)
{
    const eval_case *query = trial->query;
    cli_judged all = {.grades = query->grades,
                      .n = query->n,
                      .ideal = query->ideal,
                      .n_ideal = query->n_ideal,
                      .level = (int)bench->options->level};
    for (size_t i = 0; i < bench->options->n_ks; i++) {
        for (size_t row = 0; row < bench->n_rows; row++) {
            eval_system *sum = &bench->systems[i][row];
            const eval_system *one = &trial->systems[i][row];
            sum->candidates_x_layers += one->candidates_x_layers;
            sum->total_ns += one->total_ns;
            sum->drift_sum += one->drift_sum;
            sum->n_drifts += one->n_drifts;
            sum->has_profile |= one->has_profile;
        }
    }
    bench->n_empty += query->n == 0;
    bench->n_candidates += query->n;
    bench->n_truncated += trial->n_truncated;
    if (query->n) bench->recall_sum += cli_recall(&all, query->n);
}

static int evaluate(eval_bench *bench, const eval_case *query)
{
    eval_trial trial;
    int code = trial_init(&trial, bench, query);
    if (!code) code = rank_full(bench, &trial);
    if (!code) judge_first_stage(&trial, bench);
    for (size_t i = 0; !code && i < bench->options->n_ks; i++) {
        for (size_t row = bench->first_policy; !code && row < bench->n_rows; row++)
            code = rank_pruned(bench, &trial, i, row);
    }
    if (!code) code = keep_values(bench, &trial);
    if (!code) keep_sums(bench, &trial);
    trial_release(&trial);
    return code;
}

/* ---- All queries ---- */

/* The first ranking of a process reads weights that later ones find in memory: it is
 * done once more, so that the full pass, which comes first, does not pay for all. */
static int warm_up(eval_bench *bench, const eval_case *query)
{
    grt_result *result = NULL;
    if (query->n == 0) return CLI_SUCCESS;
    int code = rank(bench, query, &bench->systems[0][EVAL_ROW_FULL], 0, &result);
    grt_result_free(result);
    return code;
}

static const char *ending(size_t n)
{
    return n == 1 ? "y" : "ies";
}

static void note_oddities(const eval_bench *bench)
{
    const eval_data *data = bench->data;
    int has_pairs = data->options->pairs_path != NULL;
    if (has_pairs && data->n_unjudged)
        cli_note("%zu quer%s passed over: not judged", data->n_unjudged,
                 ending(data->n_unjudged));
    if (has_pairs && data->n_irrelevant)
        cli_note("%zu quer%s passed over: no grade above 0", data->n_irrelevant,
                 ending(data->n_irrelevant));
    if (bench->n_empty)
        cli_note("%zu quer%s %s no candidates and count%s as 0", bench->n_empty,
                 ending(bench->n_empty), bench->n_empty == 1 ? "has" : "have",
                 bench->n_empty == 1 ? "s" : "");
    if (bench->n_truncated) {
        grt_model_info info = GRT_MODEL_INFO_INIT;
        grt_model_describe(bench->host.model, &info);
        cli_note("%zu of %zu candidates %s cut to %zu tokens", bench->n_truncated,
                 bench->n_candidates, bench->n_truncated == 1 ? "was" : "were",
                 info.max_tokens);
    }
    cli_report_notes(bench->host.model, GRT_NOTE_RESULT);
    int has_policies = bench->n_rows > bench->first_policy;
    if (!bench->profile && !data->options->profile_path && has_policies)
        cli_note("no profile is in use: careful default bounds decide; \"grating "
                 "calibrate\" makes one");
}

int eval_bench_run(eval_bench *bench)
{
    eval_source source;
    eval_case query;
    int code = eval_source_open(&source, bench->data), next = 1, is_warm = 0;
    while (!code && next > 0) {
        next = eval_source_next(&source, &query);
        if (next <= 0) break;
        if (!is_warm) code = warm_up(bench, &query);
        is_warm |= query.n > 0;
        if (bench->n_queries == 0) bench->started_ns = cli_now_ns();
        if (!code) code = evaluate(bench, &query);
    }
    cli_progress_erase(&bench->progress);
    eval_source_close(&source);
    if (next == -2) bench->is_interrupted = 1;
    if (!code && !bench->is_interrupted) {
        if (next < 0) code = CLI_FAILURE;
        if (!code && bench->n_queries == 0)
            code = cli_fail("no query has a relevant document");
        if (!code) note_oddities(bench);
    }
    cli_host_close(&bench->host); /* statistics take its place in memory */
    cli_process_trim();
    return bench->is_interrupted ? CLI_SUCCESS : code;
}

int eval_bench_finish(eval_bench *bench)
{
    return bench->run_out.file ? cli_file_commit(&bench->run_out) : CLI_SUCCESS;
}

void eval_bench_close(eval_bench *bench)
{
    if (bench->run_out.file) cli_file_discard(&bench->run_out);
    cli_host_close(&bench->host);
    free(bench->profile);
    free(bench->model_path);
    free(bench->values);
    *bench = (eval_bench){0};
}
