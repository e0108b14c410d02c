/*
 * main.c - the command `duvisor`: a table of commands.
 *
 * Exit codes: 0 success, 1 failure (also of the program that was run), 2 wrong usage.
 */
#include "command/command.h"

#include <string.h>

const char cli_program[] = "duvisor";

static const cli_command *const commands[] = {&dv_run_command};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static const cli_option general_options[] = {CLI_HELP_OPTION, CLI_END_OPTION};

static int print_general_help(void)
{
    printf(
        "usage: duvisor COMMAND [OPTION]...\n\n"
        "Runs RISC-V programs, firmware and kernels on a machine with the hypervisor\n"
        "extension, and tells exactly what they did.\n\ncommands:\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        printf("  %-9s  %s\n", commands[i]->name, commands[i]->summary);
    printf("\noptions:\n");
    cli_print_options(general_options);
    printf("\nExit codes: 0 success, 1 failure, 2 wrong usage.\n");
    return cli_flush_output();
}

static int run(int argc, char **argv)
{
    if (argc < 1) return cli_usage(NULL, "no command given");
    const char *name = argv[0];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
        strcmp(name, "help") == 0)
        return print_general_help();
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0) return commands[i]->run(argc, argv);
    return cli_usage(NULL, "unknown %s \"%s\"", name[0] == '-' ? "option" : "command",
                     name);
}

int main(int argc, char **argv)
{
    int code = run(argc - 1, argv + 1);
    return code ? code : cli_flush_output();
}
