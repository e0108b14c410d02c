/* rank_options.c - the arguments of `grating rank`. */
#include "rank/ranker.h"
#include "frame/engine_options.h"

#include <string.h>

enum {
    K_MAX = 1000000000,
    WIDTH_MAX = 1000000,
    CLUSTERS_MIN = 2,
    CLUSTERS_MAX = 64,
    LAYERS_MAX = 1000,
    DISPERSION_LIMIT = 1000,
    TOKENS_MAX = 1000000000
};

enum {
    KEY_ALL = CLI_KEY_ENGINE_END,
    KEY_QUERIES,
    KEY_INSTRUCTION,
    KEY_FORMAT,
    KEY_FIELD,
    KEY_ID_FIELD,
    KEY_POLICY,
    KEY_PRECISION,
    KEY_PROMISE,
    KEY_FIRST_LAYER,
    KEY_DISPERSION,
    KEY_CLUSTERS,
    KEY_PROFILE,
    KEY_DEADLINE,
    KEY_LONG_DOCUMENTS,
    KEY_MAX_DOCUMENT_TOKENS,
    KEY_TRACE,
    KEY_STATS,
    KEY_JSON,
    KEY_TSV,
    KEY_NO_TEXT,
    KEY_COLOR,
    KEY_NO_STATS,
    KEY_WIDTH,
    KEY_NO_PROGRESS
};

const cli_option cli_rank_options_table[] = {
    CLI_OPTION_GROUP("what is ranked"),
    {'q', "query", "QUERY", "the query, where it is not the first argument"},
    {KEY_QUERIES, "queries", "FILE",
     "rank a batch: JSON lines {\"query\", \"documents\"}, with\n"
     "\"k\", \"instruction\", \"id\" and options such as\n"
     "\"max_document_tokens\" if wanted; with FILE queries\n"
     "need no documents and may be lines of text"},
    {KEY_FORMAT, "format", "FORMAT",
     "of FILE: lines, jsonl, json, csv, tsv, nul, paragraphs,\n"
     "files or auto (default: auto, by name and first line)"},
    {'r', "recursive", NULL, "read the files in folders too"},
    {'0', "null", NULL, "documents end at NUL bytes, like --format nul"},
    {KEY_FIELD, "field", "WHAT=NAME",
     "the member or column that is the text, the title or\n"
     "the id of a document, e.g. text=page_content"},
    {KEY_ID_FIELD, "id-field", "NAME", "like --field id=NAME"},
    {KEY_LONG_DOCUMENTS, "long-documents", "HOW",
     "what happens to those too long for the model: cut at\n"
     "their end (default), best (split into chunks, the best\n"
     "of which counts) or refuse"},
    {KEY_MAX_DOCUMENT_TOKENS, "max-document-tokens", "N",
     "a document with more tokens than N is too long as well"},

    CLI_OPTION_GROUP("the model and memory"),
    {'m', "model", "PATH",
     "Hugging Face directory, GGUF file, or a name that\n"
     "\"grating models\" lists (default: $GRATING_MODEL, or\n"
     "the bundled grating-small)"},
    {KEY_INSTRUCTION, "instruction", "TEXT", "the task, for models that take one"},
    CLI_ENGINE_OPTIONS,
    CLI_CUTOFF_OPTION,

    CLI_OPTION_GROUP("when documents are decided"),
    {KEY_POLICY, "policy", "POLICY",
     "when documents are decided before the last layer:\n"
     "bound, cluster or none (default: bound)"},
    {KEY_PRECISION, "precision", "P",
     "share of the full ranking's K best that shall come\n"
     "back, 0 < P < 1 (default 0.99)"},
    {KEY_PROMISE, "promise", "WHAT",
     "what the precision is about: set, who the K best are;\n"
     "order, also in which order (default); scores, also\n"
     "with which scores: the K best run to the end"},
    {KEY_FIRST_LAYER, "first-layer", "N", "decide after N layers at the earliest"},
    {KEY_DISPERSION, "dispersion", "X",
     "policy cluster: decide where |deviation / mean| of the\n"
     "scores is above X (default: the profile's, or 0.5)"},
    {KEY_CLUSTERS, "clusters", "N", "policy cluster: at most N (default 4)"},
    {KEY_PROFILE, "profile", "FILE",
     "made by \"grating calibrate\", or none (default: the one\n"
     "beside the model, if there is one)"},
    {KEY_DEADLINE, "deadline", "TIME",
     "take the order as it stands after so long, such as\n"
     "800ms or 1.5s"},

    CLI_OPTION_GROUP("what is printed"),
    {'k', "top", "K", "print the K best (default 10; 0: all)"},
    {KEY_ALL, "all", NULL, "print all, like -k 0"},
    {KEY_TRACE, "trace", "FILE",
     "write the scores after every layer, for \"grating plot\""},
    {KEY_STATS, "stats", NULL, "say on standard error what was computed and read"},
    {KEY_JSON, "json", NULL, "print JSON, one object for each query"},
    {KEY_TSV, "tsv", NULL, "print tab-separated values with a header line"},
    {KEY_NO_TEXT, "no-text", NULL, "JSON without the query and the texts"},
    {KEY_NO_STATS, "no-stats", NULL, "JSON without statistics"},
    {KEY_WIDTH, "width", "N",
     "cut lines of the table to N columns (default: the\n"
     "terminal's width; 0: no limit)"},
    {KEY_COLOR, "color", "WHEN",
     "set off words of the query: auto, always or never\n"
     "(default: auto, on a terminal unless $NO_COLOR is set)"},
    {KEY_NO_PROGRESS, "no-progress", NULL, "no progress bar on standard error"},
    CLI_HELP_OPTION,
    CLI_END_OPTION};

static int set_format(cli_rank_options *options, const char *text)
{
    static const char *const names[] = {"lines", "jsonl",      "json",  "csv",  "tsv",
                                        "nul",   "paragraphs", "files", "auto", NULL};
    static const cli_format values[] = {
        CLI_FORMAT_LINES,      CLI_FORMAT_JSONL, CLI_FORMAT_JSON,
        CLI_FORMAT_CSV,        CLI_FORMAT_TSV,   CLI_FORMAT_NUL,
        CLI_FORMAT_PARAGRAPHS, CLI_FORMAT_FILES, CLI_FORMAT_AUTO};
    size_t i = 0;
    int code = cli_parse_choice("--format", text, names, &i);
    options->input.format = values[i];
    return code;
}

/* "text=page_content" */
static int set_field(cli_rank_options *options, const char *text)
{
    static const char *const names[] = {"text", "title", "id"};
    cli_fields *fields = &options->input.fields;
    const char **values[] = {&fields->text, &fields->title, &fields->id};
    const char *equals = strchr(text, '=');
    for (size_t i = 0; equals && i < sizeof names / sizeof names[0]; i++) {
        size_t length = (size_t)(equals - text);
        if (strlen(names[i]) != length || memcmp(names[i], text, length) != 0) continue;
        *values[i] = equals + 1;
        if (i > 0 || equals[1]) return CLI_SUCCESS;
        return cli_usage(&cli_rank_command, "--field text= needs a name");
    }
    return cli_usage(&cli_rank_command,
                     "--field: \"%s\" is not text=NAME, title=NAME or id=NAME", text);
}

static int set_policy(cli_rank_options *options, const char *text)
{
    static const char *const names[] = {"bound", "cluster", "none", NULL};
    static const grt_policy values[] = {GRT_POLICY_BOUND, GRT_POLICY_CLUSTER,
                                        GRT_POLICY_NONE};
    size_t i = 0;
    int code = cli_parse_choice("--policy", text, names, &i);
    options->policy = values[i];
    return code;
}

static int set_long_documents(cli_rank_options *options, const char *text)
{
    static const char *const names[] = {"cut", "best", "refuse", NULL};
    static const grt_long_documents values[] = {GRT_LONG_CUT, GRT_LONG_BEST,
                                                GRT_LONG_REFUSE};
    size_t i = 0;
    int code = cli_parse_choice("--long-documents", text, names, &i);
    options->long_documents = values[i];
    return code;
}

static int set_promise(cli_rank_options *options, const char *text)
{
    static const char *const names[] = {"set", "order", "scores", NULL};
    static const grt_promise values[] = {GRT_PROMISE_SET, GRT_PROMISE_ORDER,
                                         GRT_PROMISE_SCORES};
    size_t i = 0;
    int code = cli_parse_choice("--promise", text, names, &i);
    options->promise = values[i];
    return code;
}

static int set_color(cli_rank_options *options, const char *text)
{
    static const char *const names[] = {"auto", "always", "never", NULL};
    static const cli_color values[] = {CLI_COLOR_AUTO, CLI_COLOR_ALWAYS,
                                       CLI_COLOR_NEVER};
    size_t i = 0;
    int code = cli_parse_choice("--color", text, names, &i);
    options->color = values[i];
    return code;
}

static int set_output(cli_rank_options *options, cli_output output)
{
    if (options->output != CLI_OUTPUT_DEFAULT && options->output != output)
        return cli_usage(&cli_rank_command, "--json and --tsv exclude each other");
    options->output = output;
    return CLI_SUCCESS;
}

static int set_path(const char **out, const char *option, const char *path)
{
    if (!path[0]) return cli_usage(&cli_rank_command, "%s: the name is empty", option);
    *out = path;
    return CLI_SUCCESS;
}

/* Options that say how candidates are decided. */
static int set_selection(cli_rank_options *options, int key, const char *value)
{
    switch (key) {
    case KEY_POLICY: return set_policy(options, value);
    case KEY_PRECISION:
        return cli_parse_real("--precision", value, 1, &options->precision);
    case KEY_PROMISE: return set_promise(options, value);
    case KEY_FIRST_LAYER:
        return cli_parse_number("--first-layer", value, 1, LAYERS_MAX,
                                &options->first_layer);
    case KEY_DISPERSION:
        return cli_parse_real("--dispersion", value, DISPERSION_LIMIT,
                              &options->dispersion);
    case KEY_CLUSTERS:
        return cli_parse_number("--clusters", value, CLUSTERS_MIN, CLUSTERS_MAX,
                                &options->n_clusters);
    default: /* KEY_PROFILE */
        if (strcmp(value, "none") == 0) {
            options->profile_path = "";
            return CLI_SUCCESS;
        }
        return set_path(&options->profile_path, "--profile", value);
    }
}

static int set_printing(cli_rank_options *options, int key, const char *value)
{
    switch (key) {
    case KEY_TRACE: return set_path(&options->trace_path, "--trace", value);
    case KEY_STATS: options->shows_stats = 1; return CLI_SUCCESS;
    case KEY_JSON: return set_output(options, CLI_OUTPUT_JSON);
    case KEY_TSV: return set_output(options, CLI_OUTPUT_TSV);
    case KEY_COLOR: return set_color(options, value);
    case KEY_NO_TEXT: options->hides_text = 1; return CLI_SUCCESS;
    case KEY_NO_STATS: options->hides_stats = 1; return CLI_SUCCESS;
    case KEY_WIDTH:
        return cli_parse_number("--width", value, 0, WIDTH_MAX, &options->width);
    default: options->hides_progress = 1; return CLI_SUCCESS;
    }
}

int cli_rank_option(cli_rank_options *options, int key, const char *value)
{
    if (cli_is_engine_option(key))
        return cli_engine_option(&options->engine, &cli_rank_command, key, value);
    if (key >= KEY_POLICY && key <= KEY_PROFILE)
        return set_selection(options, key, value);
    switch (key) {
    case 'r': options->input.is_recursive = 1; return CLI_SUCCESS;
    case '0': return set_format(options, "nul");
    case KEY_FIELD: return set_field(options, value);
    case KEY_ID_FIELD: options->input.fields.id = value; return CLI_SUCCESS;
    case 'q': options->query = value; return CLI_SUCCESS;
    case 'm': options->model_path = value; return CLI_SUCCESS;
    case 'k': return cli_parse_number("-k, --top", value, 0, K_MAX, &options->k);
    case KEY_ALL: options->k = 0; return CLI_SUCCESS;
    case KEY_QUERIES: options->queries_path = value; return CLI_SUCCESS;
    case KEY_INSTRUCTION: options->instruction = value; return CLI_SUCCESS;
    case KEY_FORMAT: return set_format(options, value);
    case KEY_LONG_DOCUMENTS: return set_long_documents(options, value);
    case KEY_MAX_DOCUMENT_TOKENS:
        return cli_parse_number("--max-document-tokens", value, 1, TOKENS_MAX,
                                &options->max_document_tokens);
    case KEY_DEADLINE:
        return cli_parse_duration("--deadline", value, &options->deadline_ns);
    default: return set_printing(options, key, value);
    }
}

static int check_query(const cli_rank_options *options)
{
    const cli_command *self = &cli_rank_command;
    const cli_input *input = &options->input;
    if (options->query && options->queries_path)
        return cli_usage(self, "--query and --queries exclude each other");
    if (!options->query && !options->queries_path)
        return cli_usage(self, "no query: give --query or --queries");
    if (options->query && !options->query[0])
        return cli_usage(self, "the query is empty");
    if (options->queries_path && !input->n_paths &&
        (input->format != CLI_FORMAT_AUTO || input->is_recursive))
        return cli_usage(self, "%s is for FILE; --queries alone reads JSON lines",
                         input->is_recursive ? "--recursive" : "--format");
    size_t n_inputs = options->queries_path && strcmp(options->queries_path, "-") == 0;
    for (size_t i = 0; i < input->n_paths; i++)
        n_inputs += strcmp(input->paths[i], "-") == 0;
    if (n_inputs > 1) return cli_usage(self, "standard input is named more than once");
    return CLI_SUCCESS;
}

/* An option that the policy would not read is a misunderstanding. */
static int check_policy(const cli_rank_options *options)
{
    const cli_command *self = &cli_rank_command;
    const char *pointless = options->precision > 0 ? "--precision"
                            : options->promise     ? "--promise"
                            : options->first_layer ? "--first-layer"
                                                   : NULL;
    if (options->policy == GRT_POLICY_NONE && pointless)
        return cli_usage(self,
                         "%s is not for --policy none, which decides nothing early",
                         pointless);
    const char *clustering = options->dispersion > 0 ? "--dispersion"
                             : options->n_clusters   ? "--clusters"
                                                     : NULL;
    if (options->policy != GRT_POLICY_CLUSTER && clustering)
        return cli_usage(self, "%s is for --policy cluster", clustering);
    if (options->precision > 0 && options->dispersion > 0)
        return cli_usage(self, "--precision and --dispersion exclude each other: a "
                               "profile turns one into the other");
    return CLI_SUCCESS;
}

/* A batch is printed as JSON unless it is to be TSV. */
static int check_output(const cli_rank_options *options)
{
    int is_json = options->output == CLI_OUTPUT_JSON ||
                  (options->queries_path && options->output == CLI_OUTPUT_DEFAULT);
    const char *pointless = options->hides_text    ? "--no-text"
                            : options->hides_stats ? "--no-stats"
                                                   : NULL;
    if (!pointless || is_json) return CLI_SUCCESS;
    return cli_usage(&cli_rank_command, "%s is for --json", pointless);
}

int cli_rank_check(const cli_rank_options *options)
{
    int code = check_query(options);
    if (!code) code = check_output(options);
    return code ? code : check_policy(options);
}
