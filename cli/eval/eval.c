/* eval.c - `grating eval`: how good rankings are, and what pruning costs. */
#include "eval/eval.h"

#include "frame/cli.h"
#include "frame/signals.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_DEFAULT = 50, DEPTH_MAX = 1000000, K_MAX = 10000, COUNT_MAX = 1000000000 };
enum { SUM_WEIGHT_MAX = 1000 };

enum {
    KEY_BEIR = CLI_KEY_ENGINE_END,
    KEY_SPLIT,
    KEY_CORPUS,
    KEY_QUERIES,
    KEY_QRELS,
    KEY_PAIRS,
    KEY_BM25,
    KEY_STEMMER,
    KEY_RUN,
    KEY_DEPTH,
    KEY_LIMIT,
    KEY_LEVEL,
    KEY_SUM,
    KEY_POLICIES,
    KEY_PRECISION,
    KEY_PROMISE,
    KEY_PROFILE,
    KEY_INSTRUCTION,
    KEY_SEED,
    KEY_JSON,
    KEY_RUN_OUT,
    KEY_NO_PROGRESS
};

static const cli_option options_table[] = {
    {KEY_BEIR, "beir", "DIR",
     "a folder with corpus.jsonl, queries.jsonl and\nqrels/SPLIT.tsv"},
    {KEY_SPLIT, "split", "SPLIT", "of the BEIR folder (default test)"},
    {KEY_CORPUS, "corpus", "FILE", "documents: JSON lines, or lines \"id TAB text\""},
    {KEY_QUERIES, "queries", "FILE", "queries: the same"},
    {KEY_QRELS, "qrels", "FILE", "judgements: of TREC or BEIR"},
    {KEY_PAIRS, "pairs", "FILE",
     "JSON lines {\"query\", \"documents\"}, as rank reads\n"
     "them, perhaps with \"relevance\""},
    {KEY_BM25, "bm25", NULL, "find candidates by BM25 (default without --run)"},
    {KEY_STEMMER, "stemmer", "NAME", "for BM25: porter or none (default porter)"},
    {KEY_RUN, "run", "FILE", "take the candidates from a TREC run"},
    {KEY_DEPTH, "depth", "N",
     "candidates of each query (default 50, with --pairs all)"},
    {KEY_LIMIT, "limit", "N", "evaluate the first N queries only"},
    {'k', "k", "LIST", "judge the first K places (default 1,5,10)"},
    {KEY_LEVEL, "relevant-from", "GRADE",
     "documents with this grade or a higher one are relevant\n"
     "for P, MRR and recall (default 1)"},
    {KEY_SUM, "first-stage-weight", "W",
     "also judge the sum of the logit and W x the first\n"
     "stage's score, in standard deviations over the\n"
     "candidates (default 1); none: do not"},
    {'m', "model", "PATH",
     "Hugging Face directory or GGUF file (default: the\nbundled grating-small)"},
    {KEY_INSTRUCTION, "instruction", "TEXT", "the task, for models that take one"},
    {KEY_POLICIES, "policies", "LIST",
     "of none, cluster and bound: compare them with the full\npass"},
    {KEY_PRECISION, "precision", "LIST",
     "what cluster and bound are asked for (default 0.99)"},
    {KEY_PROMISE, "promise", "WHAT",
     "what the precision is about: set, order (default) or\n"
     "scores, as in rank"},
    {KEY_PROFILE, "profile", "FILE",
     "made by \"grating calibrate\", or none (default: the one\n"
     "beside the model, if there is one)"},
    {KEY_SEED, "seed", "N", "of intervals and tests (default 1)"},
    CLI_ENGINE_OPTIONS,
    {KEY_JSON, "json", "FILE", "write the report there as JSON, too"},
    {KEY_RUN_OUT, "run-out", "FILE", "write the rankings there as a TREC run"},
    {KEY_NO_PROGRESS, "no-progress", NULL, "no progress bar on standard error"},
    CLI_HELP_OPTION,
    CLI_END_OPTION};

/* ---- Values ---- */

static int set_path(const char **out, const char *option, const char *path)
{
    if (!path[0]) return cli_usage(&cli_eval_command, "%s: the name is empty", option);
    *out = path;
    return CLI_SUCCESS;
}

static int set_profile(eval_options *options, const char *value)
{
    if (strcmp(value, "none") != 0)
        return set_path(&options->profile_path, "--profile", value);
    options->profile_path = "";
    return CLI_SUCCESS;
}

/* Takes one entry of a list; `options` as in the caller. */
typedef int entry_fn(eval_options *options, const char *text);

/* Calls `take` for each entry between commas. */
static int set_list(eval_options *options, const char *list, entry_fn *take)
{
    char *copy = strdup(list), *at = copy;
    int code = copy ? CLI_SUCCESS : cli_fail("out of memory");
    while (!code && at) {
        char *comma = strchr(at, ',');
        if (comma) *comma = 0;
        code = take(options, at);
        at = comma ? comma + 1 : NULL;
    }
    free(copy);
    return code;
}

static int add_k(eval_options *options, const char *text)
{
    size_t k = 0;
    int code = cli_parse_number("-k", text, 1, K_MAX, &k);
    if (code) return code;
    if (options->n_ks == EVAL_MAX_KS)
        return cli_usage(&cli_eval_command, "-k: more than %d numbers", EVAL_MAX_KS);
    for (size_t i = 0; i < options->n_ks; i++) {
        if (options->ks[i] == k)
            return cli_usage(&cli_eval_command, "-k: %zu comes twice", k);
    }
    options->ks[options->n_ks++] = k;
    return CLI_SUCCESS;
}

/* The full pass is there anyway: "none" adds nothing. */
static int add_policy(eval_options *options, const char *text)
{
    static const char *const names[] = {"none", "cluster", "bound", NULL};
    static const grt_policy values[] = {GRT_POLICY_NONE, GRT_POLICY_CLUSTER,
                                        GRT_POLICY_BOUND};
    size_t choice = 0;
    int code = cli_parse_choice("--policies", text, names, &choice);
    if (code || values[choice] == GRT_POLICY_NONE) return code;
    for (size_t i = 0; i < options->n_policies; i++) {
        if (options->policies[i] == values[choice])
            return cli_usage(&cli_eval_command, "--policies: %s comes twice", text);
    }
    options->policies[options->n_policies++] = values[choice];
    return CLI_SUCCESS;
}

static int add_precision(eval_options *options, const char *text)
{
    float value = 0;
    int code = cli_parse_real("--precision", text, 1, &value);
    if (code) return code;
    if (options->n_precisions == EVAL_MAX_PRECISIONS)
        return cli_usage(&cli_eval_command, "--precision: more than %d numbers",
                         EVAL_MAX_PRECISIONS);
    for (size_t i = 0; i < options->n_precisions; i++) {
        if (!(options->precisions[i] < value) && !(options->precisions[i] > value))
            return cli_usage(&cli_eval_command, "--precision: %s comes twice", text);
    }
    options->precisions[options->n_precisions++] = value;
    return CLI_SUCCESS;
}

static int set_promise(eval_options *options, const char *text)
{
    static const char *const names[] = {"set", "order", "scores", NULL};
    static const grt_promise values[] = {GRT_PROMISE_SET, GRT_PROMISE_ORDER,
                                         GRT_PROMISE_SCORES};
    size_t choice = 0;
    int code = cli_parse_choice("--promise", text, names, &choice);
    options->promise = values[choice];
    return code;
}

static int set_stemmer(eval_options *options, const char *text)
{
    static const char *const names[] = {"porter", "none", NULL};
    size_t choice = 0;
    int code = cli_parse_choice("--stemmer", text, names, &choice);
    options->is_unstemmed = choice == 1;
    options->wants_bm25 = 1;
    return code;
}

/* "none" is a weight of 0 that was asked for. */
static int set_sum_weight(eval_options *options, const char *value)
{
    options->has_sum_weight = 1;
    options->sum_weight = 0;
    if (strcmp(value, "none") == 0) return CLI_SUCCESS;
    return cli_parse_real("--first-stage-weight", value, SUM_WEIGHT_MAX,
                          &options->sum_weight);
}

/* ---- Options ---- */

static int set_data(eval_options *options, int key, const char *value)
{
    switch (key) {
    case KEY_BEIR: return set_path(&options->beir_path, "--beir", value);
    case KEY_SPLIT: return set_path(&options->split, "--split", value);
    case KEY_CORPUS: return set_path(&options->corpus_path, "--corpus", value);
    case KEY_QUERIES: return set_path(&options->queries_path, "--queries", value);
    case KEY_QRELS: return set_path(&options->qrels_path, "--qrels", value);
    case KEY_PAIRS: return set_path(&options->pairs_path, "--pairs", value);
    case KEY_BM25: options->wants_bm25 = 1; return CLI_SUCCESS;
    case KEY_STEMMER: return set_stemmer(options, value);
    case KEY_RUN: return set_path(&options->run_path, "--run", value);
    default: return cli_parse_number("--depth", value, 1, DEPTH_MAX, &options->depth);
    }
}

static int set_option(eval_options *options, int key, const char *value)
{
    if (cli_is_engine_option(key))
        return cli_engine_option(&options->engine, &cli_eval_command, key, value);
    if (key >= KEY_BEIR && key <= KEY_DEPTH) return set_data(options, key, value);
    switch (key) {
    case CLI_OPERAND:
        return cli_usage(&cli_eval_command, "unexpected argument \"%s\"", value);
    case 'm': options->model_path = value; return CLI_SUCCESS;
    case 'k': return set_list(options, value, add_k);
    case KEY_LIMIT:
        return cli_parse_number("--limit", value, 1, COUNT_MAX, &options->limit);
    case KEY_LEVEL:
        return cli_parse_number("--relevant-from", value, 1, EVAL_GRADE_MAX,
                                &options->level);
    case KEY_SUM: return set_sum_weight(options, value);
    case KEY_POLICIES: return set_list(options, value, add_policy);
    case KEY_PRECISION: return set_list(options, value, add_precision);
    case KEY_PROMISE: return set_promise(options, value);
    case KEY_PROFILE: return set_profile(options, value);
    case KEY_INSTRUCTION: options->instruction = value; return CLI_SUCCESS;
    case KEY_SEED:
        return cli_parse_number("--seed", value, 0, COUNT_MAX, &options->seed);
    case KEY_JSON: return set_path(&options->json_path, "--json", value);
    case KEY_RUN_OUT: return set_path(&options->run_out_path, "--run-out", value);
    default: options->hides_progress = 1; return CLI_SUCCESS;
    }
}

static int check_sources(const eval_options *options)
{
    const cli_command *self = &cli_eval_command;
    int has_files = options->corpus_path || options->queries_path;
    int n = (options->beir_path != NULL) + has_files + (options->pairs_path != NULL);
    if (n != 1)
        return cli_usage(self, "give one of --beir, --corpus with --queries, and "
                               "--pairs");
    if (has_files && !(options->corpus_path && options->queries_path))
        return cli_usage(self, "--corpus and --queries need each other");
    if (options->split && !options->beir_path)
        return cli_usage(self, "--split is for --beir");
    if (options->split && options->qrels_path)
        return cli_usage(self, "--split and --qrels exclude each other");
    const char *stage = options->run_path     ? "--run"
                        : options->wants_bm25 ? "--bm25"
                                              : NULL;
    if (options->pairs_path && stage)
        return cli_usage(self, "%s is not for --pairs, which have their candidates",
                         stage);
    if (options->pairs_path && options->has_sum_weight)
        return cli_usage(self, "--first-stage-weight is not for --pairs, which have no "
                               "scores");
    if (options->run_path && options->wants_bm25)
        return cli_usage(self, "--run and --bm25 exclude each other");
    const char *pointless = options->n_precisions ? "--precision"
                            : options->promise    ? "--promise"
                                                  : NULL;
    if (pointless && !options->n_policies)
        return cli_usage(self, "%s is for --policies cluster and bound", pointless);
    return CLI_SUCCESS;
}

static void set_defaults(eval_options *options)
{
    if (!options->split) options->split = "test";
    if (!options->level) options->level = 1;
    if (!options->depth && !options->pairs_path) options->depth = DEPTH_DEFAULT;
    if (!options->pairs_path && !options->has_sum_weight) options->sum_weight = 1;
    if (!options->n_precisions) options->precisions[options->n_precisions++] = 0.99F;
    if (options->n_ks) return;
    static const size_t ks[] = {1, 5, 10};
    memcpy(options->ks, ks, sizeof ks);
    options->n_ks = sizeof ks / sizeof ks[0];
}

/* ---- The order of things ---- */

static int write_json(const eval_report *report, cli_file *file)
{
    eval_report_json(report, file->file);
    (void)cli_file_check(file);
    return cli_file_commit(file);
}

/* What an interruption left is reported, too; the run would look complete. */
static int tell(eval_bench *bench, cli_file *json)
{
    eval_report report;
    if (bench->n_queries == 0) return cli_fail_interrupted();
    if (!eval_report_make(&report, bench)) {
        eval_report_release(&report);
        return cli_fail("out of memory");
    }
    eval_report_print(&report);
    int code = cli_flush_output();
    if (!code && json->file) code = write_json(&report, json);
    if (!code && !bench->is_interrupted) code = eval_bench_finish(bench);
    eval_report_release(&report);
    if (!code && bench->is_interrupted) {
        cli_note("interrupted: the report is about the %zu quer%s ranked so far",
                 bench->n_queries, bench->n_queries == 1 ? "y" : "ies");
        code = CLI_INTERRUPTED;
    }
    return code;
}

static int evaluate(const eval_options *options)
{
    eval_data data = {0};
    eval_bench bench = {0};
    cli_file json = {0};
    int code = CLI_SUCCESS;
    if (!options->pairs_path && !options->run_path) code = eval_bm25_check();
    if (!code) code = eval_data_open(&data, options);
    if (!code) code = eval_bench_open(&bench, options, &data);
    if (!code && options->json_path) code = cli_file_create(&json, options->json_path);
    if (!code) code = eval_bench_run(&bench);
    if (!code) code = tell(&bench, &json);
    if (json.file) cli_file_discard(&json);
    eval_bench_close(&bench);
    eval_data_close(&data);
    return code;
}

static int run(int argc, char **argv)
{
    eval_options options = {.seed = 1};
    cli_parser parser;
    cli_parser_init(&parser, &cli_eval_command, argc, argv);
    int key;
    while ((key = cli_parser_next(&parser)) != CLI_END) {
        if (key == CLI_BAD) return CLI_USAGE;
        if (key == 'h') return cli_print_help(&cli_eval_command);
        int code = set_option(&options, key, parser.value);
        if (code) return code;
    }
    int code = check_sources(&options);
    if (code) return code;
    set_defaults(&options);
    cli_catch_interrupts();
    return evaluate(&options);
}

const cli_command cli_eval_command = {
    .name = "eval",
    .summary = "measure quality, and what early decisions cost",
    .usage = "eval --beir DIR [OPTION]...\n"
             "       grating eval --corpus FILE --queries FILE [--qrels FILE] "
             "[OPTION]...\n"
             "       grating eval --pairs FILE [OPTION]...",
    .details =
        "Ranks the candidates of a first stage in full and, with --policies, with\n"
        "early decisions, and compares the rankings by judgements and with each\n"
        "other: means over queries with 95 % intervals, and how likely a\n"
        "difference is mere chance.",
    .options = options_table,
    .run = run};
