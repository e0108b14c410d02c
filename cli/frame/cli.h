/*
 * cli.h - what the files of the command `grating` share.
 *
 * One file per command, each with a table of its options: the table drives the parser
 * and the help text, so that the two cannot disagree.  commands.c lists the commands.
 * The command sees grating.h only, and `grating bench` api/experiment.h.  Functions
 * that can fail print their own error line and return an exit code of the process.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "grating.h"

enum {
    CLI_SUCCESS = 0,
    CLI_FAILURE =
        1, /* a model, a file or the ranking failed, or a check found a problem */
    CLI_USAGE = 2,
    CLI_INTERRUPTED = 130
};

/* How messages and help name the command; defined beside its table of commands. */
extern const char cli_program[];

/* ---- Commands and their options ---- */

/* Keys of options: the letter of those that have one, else a number from here on. */
enum { CLI_KEY_LONG = 256 };
/* What cli_parser_next returns besides keys. */
enum { CLI_END = 0, CLI_BAD = -1, CLI_OPERAND = -2 };
/* The key of an entry that heads those that follow it. */
enum { CLI_KEY_GROUP = -3 };

typedef struct cli_option {
    int key;              /* 0 ends a table */
    const char *name;     /* the long name, without dashes; NULL: heads a group */
    const char *argument; /* how help names its argument; NULL: it takes none */
    const char *help;     /* lines after the first begin with "\n" */
} cli_option;

typedef struct cli_command {
    const char *name;
    const char *summary;
    const char *usage; /* what follows "usage: PROGRAM " */
    const char *details;
    const char *examples; /* lines, or NULL */
    const cli_option *options;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
} cli_command;

extern const cli_command cli_rank_command;
extern const cli_command cli_plot_command;
extern const cli_command cli_calibrate_command;
extern const cli_command cli_eval_command;
extern const cli_command cli_inspect_command;
extern const cli_command cli_doctor_command;
extern const cli_command cli_bench_command;
extern const cli_command cli_models_command;
extern const cli_command cli_serve_command;
extern const cli_command cli_completion_command;
/* All of them, NULL at the end. */
extern const cli_command *const cli_commands[];

/* The whole command: streams, signals and locale of the process, then the command that
 * argv[1] names.  Returns the process's exit code. */
int cli_main(int argc, char **argv);

#define CLI_OPTION_GROUP(title)            \
    {                                      \
        CLI_KEY_GROUP, NULL, NULL, (title) \
    }
/* The last entries of every table of options. */
#define CLI_HELP_OPTION                     \
    {                                       \
        'h', "help", NULL, "show this help" \
    }
#define CLI_END_OPTION      \
    {                       \
        0, NULL, NULL, NULL \
    }

/* Walks the arguments of a command: options may be clustered ("-hk3"), given as
 * "--name value" or "--name=value", and stand among operands; "--" ends them. */
typedef struct cli_parser {
    const cli_command *command;
    int argc;
    char **argv;
    int next;            /* index of the argument to look at */
    const char *cluster; /* rest of a cluster of letters, or NULL */
    int only_operands;   /* 1 after "--" */
    uint64_t seen;       /* options with a value, by their places in the table */
    const char *value;   /* of the option or operand just returned */
} cli_parser;

void cli_parser_init(cli_parser *parser, const cli_command *command, int argc,
                     char **argv);
/* The key of the next option, CLI_OPERAND, CLI_END, or CLI_BAD after an error line. */
int cli_parser_next(cli_parser *parser);

/* Values of options; `option` is how an error names it. */

/* A whole decimal number. */
int cli_parse_number(const char *option, const char *text, size_t least, size_t most,
                     size_t *out);
/* A decimal number above 0 and below `limit`. */
int cli_parse_real(const char *option, const char *text, double limit, float *out);
/* Bytes: a decimal number above 0, perhaps with K, M, G or T for powers of 1024. */
int cli_parse_size(const char *option, const char *text, uint64_t *out);
/* Nanoseconds: a decimal number above 0 with ms or s. */
int cli_parse_duration(const char *option, const char *text, uint64_t *out);
/* The same without a word; 0: it is none. */
int cli_read_duration(const char *text, uint64_t *out);
/* One of `names`, which end with NULL; `*out` is its place. */
int cli_parse_choice(const char *option, const char *text, const char *const *names,
                     size_t *out);

/* Prints the help of a command to standard output. */
int cli_print_help(const cli_command *command);
void cli_print_options(const cli_option *options);

/* ---- Messages and output ---- */

/* "PROGRAM: <text>" on standard error, one line; see text.h for what becomes of
 * control characters in it. */
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same; returns CLI_FAILURE. */
int cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same with a pointer to `PROGRAM COMMAND --help`; returns CLI_USAGE. */
int cli_usage(const cli_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Reports a failure of the library; `where` (may be NULL) names the place first. */
int cli_fail_status(const char *where, grt_status status, const grt_error *error);

/* Pushes standard output out and reports a write error, such as a full disk. */
int cli_flush_output(void);

/* ---- The model ---- */

/* The path of a model, as grt_model_find; NULL is that of GRATING_MODEL, or else the
 * default one.  `*out` is for the caller to free. */
int cli_find_model(char **out, const char *name);

#endif
