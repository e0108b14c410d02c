/*
 * command.h - the arguments of `grating serve`.
 */
#ifndef CLI_SERVE_COMMAND_H
#define CLI_SERVE_COMMAND_H

#include "frame/engine_options.h"

extern const cli_option cli_serve_options_table[];

#ifdef GRT_HAVE_SERVE
#include "serve/options.h"

enum { CLI_SERVE_ALIASES_MAX = 64, CLI_SERVE_NAMES_MAX = 64 };

typedef struct cli_serve_options {
    serve_options serve;
    cli_engine_options engine;
    serve_alias aliases[CLI_SERVE_ALIASES_MAX];
    char *owned[3 * CLI_SERVE_ALIASES_MAX]; /* names and paths of aliases */
    size_t n_owned;
    const char *keys[CLI_SERVE_NAMES_MAX];
    const char *hosts[CLI_SERVE_NAMES_MAX];
    const char *origins[CLI_SERVE_NAMES_MAX];
    const char *key_file, *certificate_file, *private_key_file;
    char *texts[3]; /* what is in these files */
    char profile_folder[4096];
} cli_serve_options;

int cli_serve_option(cli_serve_options *options, int key, const char *value);
/* When all are read: files, models by their names, what excludes what. */
int cli_serve_check(cli_serve_options *options);
void cli_serve_release(cli_serve_options *options);
#endif

#endif
