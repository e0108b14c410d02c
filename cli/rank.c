/* rank.c - `grating rank`: arguments, and the ranking of one list of documents. */
#include "cli.h"
#include "ranker.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { K_DEFAULT = 10, K_MAX = 1000000000, THREADS_MAX = 1024, WIDTH_MAX = 1000000 };

enum {
    KEY_ALL = CLI_KEY_LONG,
    KEY_QUERIES,
    KEY_INSTRUCTION,
    KEY_FORMAT,
    KEY_JSON,
    KEY_TSV,
    KEY_WIDTH,
    KEY_NO_PROGRESS
};

static const cli_option options_table[] = {
    {'q', "query", "QUERY", "rank the documents of FILE for this query"},
    {KEY_QUERIES, "queries", "FILE",
     "rank a batch: JSON lines {\"query\", \"documents\"}, with\n"
     "\"k\", \"instruction\" and \"id\" if wanted"},
    {'k', "top", "K", "print the K best (default 10; 0: all)"},
    {KEY_ALL, "all", NULL, "print all, like -k 0"},
    {KEY_INSTRUCTION, "instruction", "TEXT", "the task, for models that take one"},
    {'m', "model", "PATH",
     "Hugging Face directory or GGUF file (default: the\nbundled grating-mini)"},
    {'t', "threads", "N", "threads to use (default 0: one for each usable CPU)"},
    {KEY_FORMAT, "format", "FORMAT",
     "of FILE: lines, jsonl or auto (default: auto, which\nlooks at the first line)"},
    {KEY_JSON, "json", NULL, "print JSON, one object for each query"},
    {KEY_TSV, "tsv", NULL, "print tab-separated values with a header line"},
    {KEY_WIDTH, "width", "N",
     "cut lines of the table to N columns (default: the\n"
     "terminal's width; 0: no limit)"},
    {KEY_NO_PROGRESS, "no-progress", NULL, "no progress bar on standard error"},
    CLI_HELP_OPTION,
    CLI_END_OPTION};

static int parse_format(const char *text, cli_format *out)
{
    static const char *const names[] = {"auto", "lines", "jsonl"};
    static const cli_format values[] = {CLI_FORMAT_AUTO, CLI_FORMAT_LINES,
                                        CLI_FORMAT_JSONL};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = values[i];
            return CLI_SUCCESS;
        }
    }
    return cli_usage(&cli_rank_command, "--format: \"%s\" is not lines, jsonl or auto",
                     text);
}

static int set_output(cli_rank_options *options, cli_output output)
{
    if (options->output != CLI_OUTPUT_DEFAULT && options->output != output)
        return cli_usage(&cli_rank_command, "--json and --tsv exclude each other");
    options->output = output;
    return CLI_SUCCESS;
}

static int set_documents(cli_rank_options *options, const char *path)
{
    if (options->documents_path)
        return cli_usage(&cli_rank_command,
                         "one FILE at a time: \"%s\" is a second one", path);
    options->documents_path = path;
    return CLI_SUCCESS;
}

/* Takes one option; `key` is not CLI_END, CLI_BAD or that of --help. */
static int set_option(cli_rank_options *options, int key, const char *value)
{
    switch (key) {
    case CLI_OPERAND: return set_documents(options, value);
    case 'q': options->query = value; return CLI_SUCCESS;
    case 'm': options->model_path = value; return CLI_SUCCESS;
    case 'k': return cli_parse_number("-k, --top", value, K_MAX, &options->k);
    case 't':
        return cli_parse_number("-t, --threads", value, THREADS_MAX,
                                &options->n_threads);
    case KEY_ALL: options->k = 0; return CLI_SUCCESS;
    case KEY_QUERIES: options->queries_path = value; return CLI_SUCCESS;
    case KEY_INSTRUCTION: options->instruction = value; return CLI_SUCCESS;
    case KEY_FORMAT: return parse_format(value, &options->format);
    case KEY_JSON: return set_output(options, CLI_OUTPUT_JSON);
    case KEY_TSV: return set_output(options, CLI_OUTPUT_TSV);
    case KEY_WIDTH:
        return cli_parse_number("--width", value, WIDTH_MAX, &options->width);
    default: options->hides_progress = 1; return CLI_SUCCESS;
    }
}

static int check_options(const cli_rank_options *options)
{
    const cli_command *self = &cli_rank_command;
    if (options->query && options->queries_path)
        return cli_usage(self, "--query and --queries exclude each other");
    if (!options->query && !options->queries_path)
        return cli_usage(self, "no query: give --query or --queries");
    if (options->query && !options->query[0])
        return cli_usage(self, "the query is empty");
    if (options->queries_path && options->documents_path)
        return cli_usage(self,
                         "with --queries the documents come from its lines, not "
                         "from \"%s\"",
                         options->documents_path);
    if (options->queries_path && options->format != CLI_FORMAT_AUTO)
        return cli_usage(self, "--format is for FILE; --queries reads JSON lines");
    return CLI_SUCCESS;
}

static size_t table_width(const cli_rank_options *options)
{
    enum { USUAL = 80 };
    struct winsize size;
    if (options->width != SIZE_MAX) return options->width;
    if (!isatty(STDOUT_FILENO)) return 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return USUAL;
    return size.ws_col;
}

static int rank_documents(const cli_rank_options *options)
{
    cli_documents documents = {0};
    cli_ranker ranker = {0};
    grt_result *result = NULL;
    cli_query query = {.text = options->query,
                       .bytes = strlen(options->query),
                       .instruction = options->instruction,
                       .k = options->k};
    int code = cli_documents_read(&documents, options->documents_path, options->format);
    if (!code) code = cli_ranker_open(&ranker, options);
    if (!code) code = cli_ranker_rank(&ranker, &query, &documents, &result);
    if (!code) {
        size_t n = grt_result_count(result);
        cli_ranking ranking = {.model = ranker.path,
                               .documents = &documents,
                               .result = result,
                               .k = query.k && query.k < n ? query.k : n,
                               .width = table_width(options)};
        if (options->output == CLI_OUTPUT_TSV) cli_ranking_print_tsv_header(0);
        cli_ranking_print(&ranking, options->output);
        code = cli_flush_output();
        cli_ranker_report(&ranker);
    }
    grt_result_free(result);
    cli_ranker_close(&ranker);
    cli_documents_release(&documents);
    return code;
}

static int run(int argc, char **argv)
{
    cli_rank_options options = {.k = K_DEFAULT, .width = SIZE_MAX};
    cli_parser parser;
    cli_parser_init(&parser, &cli_rank_command, argc, argv);
    int key;
    while ((key = cli_parser_next(&parser)) != CLI_END) {
        if (key == CLI_BAD) return CLI_USAGE;
        if (key == 'h') return cli_print_help(&cli_rank_command);
        int code = set_option(&options, key, parser.value);
        if (code) return code;
    }
    int code = check_options(&options);
    if (code) return code;
    cli_catch_interrupts();
    return options.queries_path ? cli_rank_batch(&options) : rank_documents(&options);
}

const cli_command cli_rank_command = {
    .name = "rank",
    .summary = "rank documents for a query",
    .usage = "rank -q QUERY [OPTION]... [FILE]\n"
             "       grating rank --queries FILE [OPTION]...",
    .details =
        "Ranks the documents of FILE (or of standard input) by how well they answer\n"
        "QUERY and prints the best.  A document is a line of text, or a JSON line\n"
        "with \"text\" and perhaps \"id\".  Empty lines are passed over.",
    .options = options_table,
    .run = run};
