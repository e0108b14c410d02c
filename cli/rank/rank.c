/* rank.c - `grating rank`: the ranking of one list of documents. */
#include "rank/ranker.h"

#include "frame/file.h"
#include "frame/signals.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { K_DEFAULT = 10 };

static size_t table_width(const cli_rank_options *options)
{
    enum { USUAL = 80 };
    struct winsize size;
    if (options->width != SIZE_MAX) return options->width;
    if (!isatty(STDOUT_FILENO)) return 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return USUAL;
    return size.ws_col;
}

static int has_color(const cli_rank_options *options)
{
    const char *refused = getenv("NO_COLOR"), *terminal = getenv("TERM");
    if (options->color != CLI_COLOR_AUTO) return options->color == CLI_COLOR_ALWAYS;
    if ((refused && refused[0]) || !isatty(STDOUT_FILENO)) return 0;
    return !terminal || strcmp(terminal, "dumb") != 0;
}

/* A name that is wrong is better known before a large model was opened. */
static int check_paths(const cli_input *input)
{
    for (size_t i = 0; i < input->n_paths; i++) {
        const char *path = input->paths[i];
        if (strcmp(path, "-") != 0 && access(path, R_OK) != 0)
            return cli_fail("cannot open %s: %s", path, strerror(errno));
    }
    return CLI_SUCCESS;
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
    /* The model first: opening it takes more for a moment than keeping it. */
    int code = check_paths(&options->input);
    if (!code) code = cli_ranker_open(&ranker, options);
    if (!code) cli_ranker_expect(&ranker, query.text, query.bytes);
    if (!code) code = cli_documents_read(&documents, &options->input);
    if (!code) code = cli_ranker_rank(&ranker, &query, &documents, &result);
    if (!code) {
        size_t n = grt_result_count(result);
        cli_ranking ranking = {.model = ranker.path,
                               .documents = &documents,
                               .result = result,
                               .noted = ranker.host.model,
                               .query = query.text,
                               .query_bytes = query.bytes,
                               .hides_text = options->hides_text,
                               .hides_stats = options->hides_stats,
                               .plan = &ranker.plan,
                               .k = query.k && query.k < n ? query.k : n,
                               .width = table_width(options),
                               .sparks = &ranker.sparks,
                               .has_color = has_color(options),
                               .has_footnote = isatty(STDOUT_FILENO)};
        if (options->output == CLI_OUTPUT_TSV) cli_ranking_print_tsv_header(0);
        code = cli_ranking_print(&ranking, options->output);
        if (!code) code = cli_flush_output();
        cli_ranker_report(&ranker);
    }
    grt_result_free(result);
    code = cli_ranker_close(&ranker, code);
    cli_documents_release(&documents);
    return code;
}

/* Whether a word is the name of something; what cannot be told is taken for it, and
 * whoever opens it says why it cannot. */
static int is_name(const char *word)
{
    if (strcmp(word, "-") == 0 || access(word, F_OK) == 0) return 1;
    return errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG;
}

/* A sentence for a first operand is the query: `grating rank "how do owls hunt" *.txt`.
 * The name of a file is not; who means both says -q. */
static void take_operands(cli_rank_options *options, char **operands, size_t n)
{
    options->input.fields.has_option = 1;
    options->input.paths = operands;
    options->input.n_paths = n;
    cli_file_protect(options->queries_path);
    for (size_t i = 0; i < n; i++)
        cli_file_protect(operands[i]);
    if (options->query || options->queries_path || n == 0) return;
    if (is_name(operands[0])) return;
    options->query = operands[0];
    options->input.paths++;
    options->input.n_paths--;
}

static int run(int argc, char **argv)
{
    cli_rank_options options = {.k = K_DEFAULT, .width = SIZE_MAX};
    cli_parser parser;
    cli_parser_init(&parser, &cli_rank_command, argc, argv);
    int key;
    size_t n_operands = 0;
    while ((key = cli_parser_next(&parser)) != CLI_END) {
        if (key == CLI_BAD) return CLI_USAGE;
        if (key == 'h') return cli_print_help(&cli_rank_command);
        int code = CLI_SUCCESS;
        if (key == CLI_OPERAND) /* operands move to the front of argv: they are kept */
            argv[n_operands++] = (char *)(uintptr_t)parser.value;
        else
            code = cli_rank_option(&options, key, parser.value);
        if (code) return code;
    }
    take_operands(&options, argv, n_operands);
    int code = cli_rank_check(&options);
    if (code) return code;
    /* For one query it does not pay to wait until more layers are there. */
    if (options.query && options.engine.residency == GRT_RESIDENCY_AUTO)
        options.engine.residency = GRT_RESIDENCY_STREAMED;
    cli_catch_interrupts();
    return options.queries_path ? cli_rank_batch(&options) : rank_documents(&options);
}

const cli_command cli_rank_command = {
    .name = "rank",
    .summary = "rank documents for a query",
    .usage = "rank [-q] QUERY [OPTION]... [FILE]...\n"
             "       grating rank --queries FILE [OPTION]... [FILE]...",
    .details =
        "Ranks the documents of FILE (or of standard input) by how well they answer\n"
        "QUERY and prints the best.  A document is a line of text; a value of JSON\n"
        "with \"text\" and perhaps \"title\" and \"id\"; a row of a table (.csv, "
        ".tsv);\n"
        "a paragraph of prose (.md, .rst, and texts in folders).  With --queries and\n"
        "FILE each query ranks the documents of FILE.",
    .examples = "  grating rank \"how do owls hunt\" notes.txt\n"
                "  grating rank -r \"tax return 2024\" ~/notes -k 5\n"
                "  grating rank -q \"late deliveries\" --field text=comment "
                "reviews.csv\n"
                "  grating rank --queries questions.txt passages.jsonl --tsv",
    .options = cli_rank_options_table,
    .run = run};
