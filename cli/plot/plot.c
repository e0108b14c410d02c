/* plot.c - `grating plot`: a trace of `grating rank` as a picture. */
#include "plot/chart.h"
#include "frame/cli.h"
#include "frame/file.h"

enum { KEY_QUERY = CLI_KEY_LONG, KEY_RANK };
enum { QUERIES_MAX = 1000000000 };

static const cli_option options_table[] = {
    {'o', "output", "FILE", "write the picture to FILE (default: standard output)"},
    {KEY_QUERY, "query", "N", "draw query N of a batch (default 1)"},
    {KEY_RANK, "rank", NULL, "draw ranks instead of scores"},
    CLI_HELP_OPTION,
    CLI_END_OPTION};

typedef struct plot_options {
    const char *trace_path;
    const char *output_path; /* NULL: standard output */
    size_t query;
    int by_rank;
} plot_options;

static int draw_to_file(const cli_traced_query *query, const plot_options *options)
{
    cli_file out;
    int code = cli_file_create(&out, options->output_path);
    if (code) return code;
    code = cli_chart_draw(out.file, query, options->by_rank);
    if (!code) return cli_file_commit(&out);
    cli_file_discard(&out);
    return code;
}

static int plot(const plot_options *options)
{
    cli_traced_query query;
    int code = cli_trace_read(&query, options->trace_path, options->query);
    if (!code && options->output_path) code = draw_to_file(&query, options);
    if (!code && !options->output_path) {
        code = cli_chart_draw(stdout, &query, options->by_rank);
        if (!code) code = cli_flush_output();
    }
    cli_traced_query_release(&query);
    return code;
}

static int set_option(plot_options *options, int key, const char *value)
{
    switch (key) {
    case 'o':
        if (!value[0]) return cli_usage(&cli_plot_command, "-o: the name is empty");
        options->output_path = value;
        return CLI_SUCCESS;
    case KEY_QUERY:
        return cli_parse_number("--query", value, 1, QUERIES_MAX, &options->query);
    case KEY_RANK: options->by_rank = 1; return CLI_SUCCESS;
    default: /* an operand */
        if (options->trace_path)
            return cli_usage(&cli_plot_command,
                             "one FILE at a time: \"%s\" is a second one", value);
        options->trace_path = value;
        return CLI_SUCCESS;
    }
}

static int run(int argc, char **argv)
{
    plot_options options = {.query = 1};
    cli_parser parser;
    cli_parser_init(&parser, &cli_plot_command, argc, argv);
    int key;
    while ((key = cli_parser_next(&parser)) != CLI_END) {
        if (key == CLI_BAD) return CLI_USAGE;
        if (key == 'h') return cli_print_help(&cli_plot_command);
        int code = set_option(&options, key, parser.value);
        if (code) return code;
    }
    if (!options.trace_path)
        return cli_usage(&cli_plot_command,
                         "no FILE: give what \"grating rank --trace\" "
                         "wrote");
    return plot(&options);
}

const cli_command cli_plot_command = {
    .name = "plot",
    .summary = "draw the scores of a ranking by layer",
    .usage = "plot [OPTION]... FILE",
    .details = "Draws FILE, which \"grating rank --trace FILE\" wrote, as an SVG "
               "picture: the\n"
               "scores of the documents after each layer, and where each was decided.",
    .options = options_table,
    .run = run};
