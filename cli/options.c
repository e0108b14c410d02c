/*
 * options.c - arguments against a command's table of options.
 *
 * Names must be given in full: an abbreviation that works today would be ambiguous
 * after the next option is added.
 */
#include "cli.h"

#include <string.h>

void cli_parser_init(cli_parser *parser, const cli_command *command, int argc,
                     char **argv)
{
    *parser = (cli_parser){.command = command, .argc = argc, .argv = argv, .next = 1};
}

static const char *take_argument(cli_parser *parser)
{
    return parser->next < parser->argc ? parser->argv[parser->next++] : NULL;
}

static int parse_long(cli_parser *parser, const char *text)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : strlen(text);
    const cli_option *option = parser->command->options;
    while (option->key &&
           (strlen(option->name) != length || memcmp(option->name, text, length) != 0))
        option++;
    if (!option->key) {
        cli_usage(parser->command, "unknown option \"--%.*s\"", (int)length, text);
        return CLI_BAD;
    }
    if (!option->argument && equals) {
        cli_usage(parser->command, "option \"--%s\" takes no value", option->name);
        return CLI_BAD;
    }
    if (option->argument) {
        parser->value = equals ? equals + 1 : take_argument(parser);
        if (!parser->value) {
            cli_usage(parser->command, "option \"--%s\" needs a value (%s)",
                      option->name, option->argument);
            return CLI_BAD;
        }
    }
    return option->key;
}

static int parse_letter(cli_parser *parser)
{
    char letter = *parser->cluster++;
    const cli_option *option = parser->command->options;
    while (option->key && option->key != (unsigned char)letter)
        option++;
    if (!option->key) {
        cli_usage(parser->command, "unknown option \"-%c\"", letter);
        return CLI_BAD;
    }
    if (option->argument) {
        parser->value = *parser->cluster ? parser->cluster : take_argument(parser);
        parser->cluster = NULL;
        if (!parser->value) {
            cli_usage(parser->command, "option \"-%c\" needs a value (%s)", letter,
                      option->argument);
            return CLI_BAD;
        }
    }
    return option->key;
}

int cli_parser_next(cli_parser *parser)
{
    if (parser->cluster && *parser->cluster) return parse_letter(parser);
    parser->value = take_argument(parser);
    if (!parser->value) return CLI_END;
    const char *text = parser->value;
    if (parser->only_operands || text[0] != '-' || !text[1]) return CLI_OPERAND;
    if (text[1] != '-') {
        parser->cluster = text + 1;
        return parse_letter(parser);
    }
    if (text[2]) return parse_long(parser, text + 2);
    parser->only_operands = 1;
    return cli_parser_next(parser);
}

int cli_parse_number(const char *option, const char *text, size_t limit, size_t *out)
{
    size_t value = 0;
    const char *c = text;
    while (*c >= '0' && *c <= '9' && value <= limit)
        value = value * 10 + (size_t)(*c++ - '0');
    if (!*text || *c || value > limit) {
        cli_note("%s: \"%s\" is not a whole number from 0 to %zu", option, text, limit);
        return CLI_USAGE;
    }
    *out = value;
    return CLI_SUCCESS;
}

void cli_print_options(const cli_option *options)
{
    enum { HELP_COLUMN = 26 };
    for (const cli_option *option = options; option->key; option++) {
        int column = 0;
        if (option->key < CLI_KEY_LONG)
            column = printf("  -%c, --%s", option->key, option->name);
        else
            column = printf("      --%s", option->name);
        if (option->argument) column += printf(" %s", option->argument);
        printf("%*s", column < HELP_COLUMN - 1 ? HELP_COLUMN - column : 2, "");
        for (const char *c = option->help; *c; c++) {
            putchar(*c);
            if (*c == '\n') printf("%*s", HELP_COLUMN, "");
        }
        putchar('\n');
    }
}

int cli_print_help(const cli_command *command)
{
    printf("usage: grating %s\n\n%s\n\noptions:\n", command->usage, command->details);
    cli_print_options(command->options);
    return cli_flush_output();
}
