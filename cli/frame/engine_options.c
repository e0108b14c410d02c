/* engine_options.c - how an engine and a model on it are opened. */
#include "frame/engine_options.h"

enum { THREADS_MAX = 1024, LAYERS_MAX = 1000 };

int cli_is_engine_option(int key)
{
    return key == 't' || (key >= CLI_KEY_MEMORY && key < CLI_KEY_ENGINE_END);
}

static int set_hidden(cli_engine_options *options, const char *text)
{
    static const char *const names[] = {"f32", "bf16", "file", "auto", NULL};
    static const grt_hidden_storage values[] = {GRT_HIDDEN_F32, GRT_HIDDEN_BF16,
                                                GRT_HIDDEN_FILE, GRT_HIDDEN_AUTO};
    size_t i = 0;
    int code = cli_parse_choice("--hidden", text, names, &i);
    options->hidden = values[i];
    return code;
}

static int set_arithmetic(cli_engine_options *options, const char *text)
{
    static const char *const names[] = {"f32", "bf16", "int8", "auto", NULL};
    static const grt_arithmetic values[] = {GRT_ARITHMETIC_F32, GRT_ARITHMETIC_BF16,
                                            GRT_ARITHMETIC_INT8, GRT_ARITHMETIC_AUTO};
    size_t i = 0;
    int code = cli_parse_choice("--arithmetic", text, names, &i);
    options->arithmetic = values[i];
    return code;
}

static int set_residency(cli_engine_options *options, const cli_command *command,
                         grt_residency residency)
{
    if (options->residency != GRT_RESIDENCY_AUTO && options->residency != residency)
        return cli_usage(command, "--resident and --streamed exclude each other");
    options->residency = residency;
    return CLI_SUCCESS;
}

int cli_engine_option(cli_engine_options *options, const cli_command *command, int key,
                      const char *value)
{
    switch (key) {
    case 't':
        return cli_parse_number("-t, --threads", value, 0, THREADS_MAX,
                                &options->n_threads);
    case CLI_KEY_MEMORY:
        return cli_parse_size("--memory", value, &options->memory_bytes);
    case CLI_KEY_TEMPORARY:
        if (!value[0]) return cli_usage(command, "--temporary-directory is empty");
        options->temporary_directory = value;
        return CLI_SUCCESS;
    case CLI_KEY_HIDDEN: return set_hidden(options, value);
    case CLI_KEY_ARITHMETIC: return set_arithmetic(options, value);
    case CLI_KEY_CUTOFF_LAYER:
        return cli_parse_number("--cutoff-layer", value, 1, LAYERS_MAX,
                                &options->cutoff_layer);
    case CLI_KEY_RESIDENT:
        return set_residency(options, command, GRT_RESIDENCY_RESIDENT);
    default: return set_residency(options, command, GRT_RESIDENCY_STREAMED);
    }
}
