/*
 * completion.c - `grating completion SHELL`: a script that completes commands, their
 * options and the names of models, written from the tables that the parser reads.
 */
#include "frame/cli.h"

#include <string.h>

static const cli_option options_table[] = {CLI_HELP_OPTION, CLI_END_OPTION};

static int is_option(const cli_option *option)
{
    return option->name != NULL;
}

/* ---- bash ---- */

static void print_bash(const cli_command *const *commands)
{
    printf(
        "# bash completion of grating\n"
        "_grating() {\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
        "    local words\n"
        "    case $before in\n"
        "    -m | --model)\n"
        "        COMPREPLY=($(compgen -f -W \"$(grating models --names 2>/dev/null)\" "
        "-- \"$word\"))\n"
        "        return ;;\n"
        "    esac\n"
        "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
        "        words=\"help");
    for (size_t i = 0; commands[i]; i++)
        printf(" %s", commands[i]->name);
    printf("\"\n"
           "    else\n"
           "        case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; commands[i]; i++) {
        printf("        %s) words=\"", commands[i]->name);
        const char *before = "";
        for (const cli_option *option = commands[i]->options; option->key; option++) {
            if (!is_option(option)) continue;
            printf("%s--%s", before, option->name);
            before = " ";
        }
        printf("\" ;;\n");
    }
    printf("        esac\n"
           "        case $word in -*) ;; *) COMPREPLY=($(compgen -f -- \"$word\")); "
           "return ;; esac\n"
           "    fi\n"
           "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
           "}\n"
           "complete -o filenames -F _grating grating\n");
}

/* ---- zsh and fish: helps are quoted, one line each ---- */

static void print_quoted(const char *text, const char *special)
{
    for (; *text; text++) {
        if (*text == '\'') {
            printf("'\\''");
        } else {
            if (strchr(special, *text)) putchar('\\');
            putchar(*text == '\n' ? ' ' : *text);
        }
    }
}

static void print_zsh(const cli_command *const *commands)
{
    printf(
        "#compdef grating\n"
        "# zsh completion of grating\n"
        "_grating_models() { compadd -- $(grating models --names 2>/dev/null); _files "
        "}\n"
        "_grating() {\n"
        "    if (( CURRENT == 2 )); then\n"
        "        local -a commands=('help:show the help of a command'");
    for (size_t i = 0; commands[i]; i++) {
        printf(" '%s:", commands[i]->name);
        print_quoted(commands[i]->summary, "");
        printf("'");
    }
    printf(")\n"
           "        _describe command commands\n"
           "        return\n"
           "    fi\n"
           "    local command=$words[2]\n"
           "    shift words; (( CURRENT-- ))\n"
           "    case $command in\n");
    for (size_t i = 0; commands[i]; i++) {
        printf("    %s) _arguments", commands[i]->name);
        for (const cli_option *option = commands[i]->options; option->key; option++) {
            if (!is_option(option)) continue;
            printf(" '--%s%s[", option->name, option->argument ? "=" : "");
            print_quoted(option->help, "[]:\\");
            printf("]");
            if (option->argument)
                printf(":%s:%s", option->argument,
                       strcmp(option->name, "model") == 0 ? "_grating_models"
                                                          : "_files");
            printf("'");
        }
        printf(" '*:file:_files' ;;\n");
    }
    printf("    esac\n}\n_grating \"$@\"\n");
}

static void print_fish(const cli_command *const *commands)
{
    printf("# fish completion of grating\n");
    for (size_t i = 0; commands[i]; i++) {
        printf("complete -c grating -n __fish_use_subcommand -f -a %s -d '",
               commands[i]->name);
        print_quoted(commands[i]->summary, "");
        printf("'\n");
        for (const cli_option *option = commands[i]->options; option->key; option++) {
            if (!is_option(option)) continue;
            printf("complete -c grating -n '__fish_seen_subcommand_from %s' -l %s",
                   commands[i]->name, option->name);
            if (option->key < CLI_KEY_LONG) printf(" -s %c", option->key);
            if (option->argument) printf(" -r");
            if (strcmp(option->name, "model") == 0)
                printf(" -a '(grating models --names 2>/dev/null)'");
            printf(" -d '");
            print_quoted(option->help, "\\");
            printf("'\n");
        }
    }
}

static int run(int argc, char **argv)
{
    static const char *const names[] = {"bash", "zsh", "fish", NULL};
    const char *shell = NULL;
    cli_parser parser;
    cli_parser_init(&parser, &cli_completion_command, argc, argv);
    int key;
    while ((key = cli_parser_next(&parser)) != CLI_END) {
        if (key == CLI_BAD) return CLI_USAGE;
        if (key == 'h') return cli_print_help(&cli_completion_command);
        if (shell)
            return cli_usage(&cli_completion_command, "unexpected argument \"%s\"",
                             parser.value);
        shell = parser.value;
    }
    size_t which = 0;
    if (!shell)
        return cli_usage(&cli_completion_command, "no shell: bash, zsh or fish");
    if (cli_parse_choice("SHELL", shell, names, &which)) return CLI_USAGE;
    if (which == 0)
        print_bash(cli_commands);
    else if (which == 1)
        print_zsh(cli_commands);
    else
        print_fish(cli_commands);
    return cli_flush_output();
}

const cli_command cli_completion_command = {
    .name = "completion",
    .summary = "write a script that completes arguments in a shell",
    .usage = "completion bash | zsh | fish",
    .details = "Prints a script for the shell, which completes commands, options and "
               "the\nnames of models.",
    .examples = "  source <(grating completion bash)\n"
                "  grating completion zsh >~/.zfunc/_grating\n"
                "  grating completion fish >~/.config/fish/completions/grating.fish",
    .options = options_table,
    .run = run};
