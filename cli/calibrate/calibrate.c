/* calibrate.c - `grating calibrate`: makes the profile of a model. */
#include "calibrate/calibrate.h"

#include "frame/cli.h"
#include "frame/signals.h"

enum { K_LARGEST = 1000 };

enum {
    KEY_QUERIES = CLI_KEY_ENGINE_END,
    KEY_INSTRUCTION,
    KEY_PRECISION,
    KEY_BESIDE,
    KEY_FORCE,
    KEY_SAMPLES,
    KEY_FIT_ONLY,
    KEY_JSON,
    KEY_NO_PROGRESS
};

static const cli_option options_table[] = {
    {KEY_QUERIES, "queries", "FILE",
     "JSON lines {\"query\", \"documents\"}, as rank reads them"},
    {'m', "model", "PATH",
     "Hugging Face directory or GGUF file (default: the\nbundled grating-small)"},
    {KEY_INSTRUCTION, "instruction", "TEXT", "the task, for models that take one"},
    {KEY_PRECISION, "precision", "P",
     "report on this share of the full ranking's K best,\n"
     "0 < P < 1 (default 0.99)"},
    {'k', "k-max", "K", "largest K to fit and report, up to 1000 (default 10)"},
    {'o', "output", "PROFILE",
     "write the profile there (default: your data folder,\n"
     "where rank finds it by the model's fingerprint)"},
    {KEY_BESIDE, "beside-model", NULL, "write it beside the model, for all who use it"},
    {KEY_FORCE, "force", NULL, "replace also a profile that rests on more queries"},
    {KEY_SAMPLES, "samples", "FILE",
     "what full passes gave is kept here (default: in your\n"
     "data folder; beside PROFILE with -o)"},
    {KEY_FIT_ONLY, "fit-only", NULL, "compute no queries, fit from the samples"},
    CLI_ENGINE_OPTIONS,
    {KEY_JSON, "json", NULL, "print the report as one JSON object"},
    {KEY_NO_PROGRESS, "no-progress", NULL, "no progress bar on standard error"},
    CLI_HELP_OPTION,
    CLI_END_OPTION};

static int set_path(const char **out, const char *option, const char *path)
{
    if (!path[0])
        return cli_usage(&cli_calibrate_command, "%s: the name is empty", option);
    *out = path;
    return CLI_SUCCESS;
}

static int set_option(cli_calibrate_options *options, int key, const char *value)
{
    if (cli_is_engine_option(key))
        return cli_engine_option(&options->engine, &cli_calibrate_command, key, value);
    switch (key) {
    case CLI_OPERAND:
        return cli_usage(&cli_calibrate_command, "unexpected argument \"%s\"", value);
    case 'm': options->model_path = value; return CLI_SUCCESS;
    case 'k': return cli_parse_number("-k", value, 1, K_LARGEST, &options->k_max);
    case 'o': return set_path(&options->profile_path, "--output", value);
    case KEY_QUERIES: return set_path(&options->queries_path, "--queries", value);
    case KEY_INSTRUCTION: options->instruction = value; return CLI_SUCCESS;
    case KEY_PRECISION:
        return cli_parse_real("--precision", value, 1, &options->precision);
    case KEY_SAMPLES: return set_path(&options->samples_path, "--samples", value);
    case KEY_BESIDE: options->is_beside = 1; return CLI_SUCCESS;
    case KEY_FORCE: options->replaces = 1; return CLI_SUCCESS;
    case KEY_FIT_ONLY: options->only_fits = 1; return CLI_SUCCESS;
    case KEY_JSON: options->is_json = 1; return CLI_SUCCESS;
    default: options->hides_progress = 1; return CLI_SUCCESS;
    }
}

static int check_options(const cli_calibrate_options *options)
{
    const cli_command *self = &cli_calibrate_command;
    const char *pointless = options->queries_path  ? "--queries"
                            : options->instruction ? "--instruction"
                                                   : NULL;
    if (options->only_fits && pointless)
        return cli_usage(self, "%s is not for --fit-only, which computes no queries",
                         pointless);
    if (options->is_beside && options->profile_path)
        return cli_usage(self, "--beside-model and --output are two places; give one");
    if (!options->only_fits && !options->queries_path)
        return cli_usage(self, "no queries: give --queries, or --fit-only for those "
                               "that the samples hold");
    return CLI_SUCCESS;
}

static int calibrate(const cli_calibrate_options *options)
{
    cli_calibrator calibrator;
    grt_calibration_report report = GRT_CALIBRATION_REPORT_INIT;
    int code = cli_calibrator_open(&calibrator, options);
    if (!code) code = cli_calibrator_survey(&calibrator);
    if (!code) code = cli_calibrator_begin(&calibrator);
    if (!code) code = cli_calibrator_plan(&calibrator);
    if (!code) code = cli_calibrator_compute(&calibrator);
    if (!code) code = cli_calibrator_fit(&calibrator, &report);
    if (!code) {
        cli_calibrate_report(&calibrator, &report);
        code = cli_flush_output();
    }
    cli_calibrator_close(&calibrator);
    return code;
}

static int run(int argc, char **argv)
{
    cli_calibrate_options options = {0};
    cli_parser parser;
    cli_parser_init(&parser, &cli_calibrate_command, argc, argv);
    int key;
    while ((key = cli_parser_next(&parser)) != CLI_END) {
        if (key == CLI_BAD) return CLI_USAGE;
        if (key == 'h') return cli_print_help(&cli_calibrate_command);
        int code = set_option(&options, key, parser.value);
        if (code) return code;
    }
    int code = check_options(&options);
    if (code) return code;
    cli_catch_interrupts();
    return calibrate(&options);
}

const cli_command cli_calibrate_command = {
    .name = "calibrate",
    .summary = "fit early decisions to a model and your queries",
    .usage = "calibrate --queries FILE [OPTION]...\n"
             "       grating calibrate --fit-only [OPTION]...",
    .details =
        "Computes the queries of FILE in full, fits when \"grating rank\" may decide\n"
        "documents early, reports on queries that the fit has not seen, and writes a\n"
        "profile that rank uses from then on.  No labels are needed.  What is "
        "computed\n"
        "is kept: after an interruption the same command goes on.",
    .options = options_table,
    .run = run};
