/*
 * commands.c - the command `grating`: a table of commands.
 *
 * Exit codes: 0 success, 1 failure, 2 wrong usage, 128 + n ended by signal n (130:
 * Ctrl-C).
 */
#include "frame/cli.h"

#include "frame/json.h"
#include "frame/near.h"
#include "frame/signals.h"

#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

const char cli_program[] = "grating";

const cli_command *const cli_commands[] = {&cli_rank_command,
                                           &cli_serve_command,
                                           &cli_models_command,
                                           &cli_inspect_command,
                                           &cli_calibrate_command,
                                           &cli_eval_command,
                                           &cli_plot_command,
                                           &cli_bench_command,
                                           &cli_doctor_command,
                                           &cli_completion_command,
                                           NULL};

static const cli_option general_options[] = {CLI_HELP_OPTION,
                                             {'V', "version", NULL, "show the version"},
                                             CLI_END_OPTION};

static int print_general_help(void)
{
    printf(
        "usage: grating COMMAND [OPTION]...\n\n"
        "Ranks documents by how well they answer a query, with a reranker model, on\n"
        "this machine.\n\ncommands:\n");
    for (size_t i = 0; cli_commands[i]; i++)
        printf("  %-10s  %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    printf("  help        show the help of a command: \"grating help "
           "rank\"\n\noptions:\n");
    cli_print_options(general_options);
    printf("\nExit codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted\n"
           "(128 + n: ended by signal n).\n");
    return cli_flush_output();
}

static const cli_command *find_command(const char *name)
{
    for (size_t i = 0; cli_commands[i]; i++) {
        if (strcmp(cli_commands[i]->name, name) == 0) return cli_commands[i];
    }
    return NULL;
}

static int fail_unknown(const char *name)
{
    cli_near near;
    cli_near_init(&near, name);
    for (size_t i = 0; cli_commands[i]; i++)
        cli_near_try(&near, cli_commands[i]->name);
    cli_near_try(&near, "help");
    const char *best = cli_near_best(&near);
    if (best)
        return cli_usage(NULL, "unknown command \"%s\", did you mean %s?", name, best);
    return cli_usage(NULL, "unknown %s \"%s\"", name[0] == '-' ? "option" : "command",
                     name);
}

static int print_help(int argc, char **argv)
{
    if (argc < 2) return print_general_help();
    const cli_command *command = find_command(argv[1]);
    if (argc > 2) return cli_usage(NULL, "unexpected argument \"%s\"", argv[2]);
    if (!command) return fail_unknown(argv[1]);
    return cli_print_help(command);
}

static int run(int argc, char **argv)
{
    if (argc < 1) { /* who knows no command yet is shown them */
        int code = print_general_help();
        return code ? code : CLI_USAGE;
    }
    const char *name = argv[0];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return print_general_help();
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("grating %s\n", grt_version());
        return cli_flush_output();
    }
    if (strcmp(name, "help") == 0) return print_help(argc, argv);
    const cli_command *command = find_command(name);
    if (command) return command->run(argc, argv);
    return fail_unknown(name);
}

/* A standard stream that is closed at the start would give its number to the next file
 * opened, a model's for instance.  Its place is taken by one on which every use fails.
 */
static void occupy_standard_streams(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) == -1)
            (void)!open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
    }
}

int cli_main(int argc, char **argv)
{
    occupy_standard_streams();
    cli_signals_install();
    /* Documents are UTF-8 and so is the output, whatever the environment says. */
    setlocale(LC_CTYPE, "C.UTF-8");
    cli_json_watch_memory();
    int code = run(argc - 1, argv + 1);
    if (!code && cli_json_lacked_memory()) {
        (void)cli_flush_output();
        code = cli_fail("out of memory: what was printed may be wrong");
    }
    if (code == CLI_INTERRUPTED) return cli_interrupted_code();
    return code ? code : cli_flush_output();
}
