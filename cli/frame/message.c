/* message.c - error lines, and the state of standard output. */
#include "frame/cli.h"

#include "frame/signals.h"
#include "frame/text.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* Longer messages are cut: they quote arguments, which can have any length. */
enum { MESSAGE_BYTES = 1024 };

static void __attribute__((format(printf, 1, 0)))
put_line(const char *format, va_list arguments, const char *hint)
{
    char text[MESSAGE_BYTES];
    int length = vsnprintf(text, sizeof text, format, arguments);
    if (length < 0) text[0] = 0;
    if (length >= (int)sizeof text) memcpy(text + sizeof text - 4, "...", 4);
    fprintf(stderr, "%s: ", cli_program);
    cli_text_print(stderr, text, strlen(text), 0);
    fprintf(stderr, "%s\n", hint);
}

void cli_note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_line(format, arguments, "");
    va_end(arguments);
}

int cli_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_line(format, arguments, "");
    va_end(arguments);
    return CLI_FAILURE;
}

int cli_usage(const cli_command *command, const char *format, ...)
{
    char hint[80];
    snprintf(hint, sizeof hint, "; see \"%s %s%s--help\"", cli_program,
             command ? command->name : "", command ? " " : "");
    va_list arguments;
    va_start(arguments, format);
    put_line(format, arguments, hint);
    va_end(arguments);
    return CLI_USAGE;
}

int cli_fail_status(const char *where, grt_status status, const grt_error *error)
{
    const char *text = error->text[0] ? error->text : grt_status_text(status);
    if (status == GRT_E_CANCELLED) return cli_fail_interrupted();
    return where ? cli_fail("%s: %s", where, text) : cli_fail("%s", text);
}

/* A reader that went away (EPIPE) knows that it did: no message then. */
int cli_flush_output(void)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return CLI_SUCCESS;
    if (errno == EPIPE) return CLI_FAILURE;
    return cli_fail("cannot write to standard output: %s",
                    errno ? strerror(errno) : "an earlier write failed");
}
