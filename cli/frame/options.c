/*
 * options.c - arguments against a command's table of options.
 *
 * Names must be given in full: an abbreviation that works today would be ambiguous
 * after the next option is added.
 */
#include "frame/cli.h"

#include "frame/near.h"

#include <stdlib.h>
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

static int fail_unknown(const cli_command *command, const char *text, size_t length)
{
    char typed[64];
    cli_near near;
    snprintf(typed, sizeof typed, "%.*s", (int)(length < 64 ? length : 63), text);
    cli_near_init(&near, typed);
    for (const cli_option *option = command->options; option->key; option++) {
        if (option->name) cli_near_try(&near, option->name);
    }
    const char *best = cli_near_best(&near);
    if (best)
        cli_usage(command, "unknown option \"--%.*s\", did you mean --%s?", (int)length,
                  text, best);
    else
        cli_usage(command, "unknown option \"--%.*s\"", (int)length, text);
    return CLI_BAD;
}

/* The last value counts, which may not be what was meant.  Options that take "A=B" or
 * "A..." are meant to be repeated. */
static void note_repeated(cli_parser *parser, const cli_option *option)
{
    size_t i = (size_t)(option - parser->command->options);
    if (i >= 64 || strchr(option->argument, '=') || strstr(option->argument, "..."))
        return;
    uint64_t bit = (uint64_t)1 << i;
    if (parser->seen & bit)
        cli_note("--%s is given more than once; the last one counts", option->name);
    parser->seen |= bit;
}

static int parse_long(cli_parser *parser, const char *text)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : strlen(text);
    const cli_option *option = parser->command->options;
    while (option->key && (!option->name || strlen(option->name) != length ||
                           memcmp(option->name, text, length) != 0))
        option++;
    if (!option->key) return fail_unknown(parser->command, text, length);
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
        note_repeated(parser, option);
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
        note_repeated(parser, option);
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

int cli_parse_number(const char *option, const char *text, size_t least, size_t most,
                     size_t *out)
{
    size_t value = 0;
    const char *c = text;
    while (*c >= '0' && *c <= '9' && value <= most)
        value = value * 10 + (size_t)(*c++ - '0');
    if (!*text || *c || value < least || value > most) {
        cli_note("%s: \"%s\" is not a whole number from %zu to %zu", option, text,
                 least, most);
        return CLI_USAGE;
    }
    *out = value;
    return CLI_SUCCESS;
}

/* Reads digits with at most one point in them; returns what follows, or NULL.  strtod
 * alone would take signs, exponents, "inf" and hexadecimal numbers too. */
static const char *read_decimal(const char *text, double *out)
{
    size_t length = strspn(text, "0123456789.");
    char *end;
    if (length == 0) return NULL;
    *out = strtod(text, &end);
    return end == text + length ? end : NULL;
}

int cli_parse_real(const char *option, const char *text, double limit, float *out)
{
    double value;
    const char *end = read_decimal(text, &value);
    /* The comparisons are about the float that is handed on. */
    if (!end || *end || !((float)value > 0) || !((float)value < (float)limit)) {
        cli_note("%s: \"%s\" is not a number above 0 and below %g", option, text,
                 limit);
        return CLI_USAGE;
    }
    *out = (float)value;
    return CLI_SUCCESS;
}

int cli_parse_size(const char *option, const char *text, uint64_t *out)
{
    static const char units[] = "KMGT";
    const double most = 1125899906842624.0; /* 1024 T: a double holds it exactly */
    double value;
    const char *end = read_decimal(text, &value);
    const char *unit = end && *end ? strchr(units, *end) : NULL;
    if (unit) {
        for (const char *u = units; u <= unit; u++)
            value *= 1024;
        end++;
    } else if (end && strchr(text, '.')) {
        end = NULL; /* there is no half a byte: a unit is missing */
    }
    /* No process is that small: who says 300 means MiB. */
    if (end && !*end && !unit && value >= 1 && value < 65536) {
        cli_note("%s: \"%s\" is so many bytes; \"%sM\" are MiB", option, text, text);
        return CLI_USAGE;
    }
    if (!end || *end || !(value >= 1) || value > most) {
        cli_note("%s: \"%s\" is not a size in bytes, such as 300M or 1.5G (K, M, G and "
                 "T are powers of 1024)",
                 option, text);
        return CLI_USAGE;
    }
    *out = (uint64_t)value;
    return CLI_SUCCESS;
}

int cli_read_duration(const char *text, uint64_t *out)
{
    const double most = 1e15; /* eleven days */
    double value;
    const char *end = read_decimal(text, &value);
    if (end && strcmp(end, "ms") == 0)
        value *= 1e6;
    else if (end && strcmp(end, "s") == 0)
        value *= 1e9;
    else
        end = NULL;
    if (!end || !(value >= 1) || value > most) return 0;
    *out = (uint64_t)value;
    return 1;
}

int cli_parse_duration(const char *option, const char *text, uint64_t *out)
{
    if (cli_read_duration(text, out)) return CLI_SUCCESS;
    cli_note("%s: \"%s\" is not a time, such as 800ms or 1.5s", option, text);
    return CLI_USAGE;
}

int cli_parse_choice(const char *option, const char *text, const char *const *names,
                     size_t *out)
{
    char list[200];
    size_t used = 0;
    for (size_t i = 0; names[i]; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = i;
            return CLI_SUCCESS;
        }
        const char *before = i == 0 ? "" : names[i + 1] ? ", " : " or ";
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", before,
                                     names[i]);
    }
    cli_note("%s: \"%s\" is not %s", option, text, list);
    return CLI_USAGE;
}

void cli_print_options(const cli_option *options)
{
    enum { HELP_COLUMN = 26 };
    for (const cli_option *option = options; option->key; option++) {
        int column = 0;
        if (!option->name) {
            printf("%s%s:\n", option == options ? "" : "\n", option->help);
            continue;
        }
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
    printf("usage: %s %s\n\n%s\n\noptions:\n", cli_program, command->usage,
           command->details);
    cli_print_options(command->options);
    if (command->examples) printf("\nexamples:\n%s\n", command->examples);
    return cli_flush_output();
}
