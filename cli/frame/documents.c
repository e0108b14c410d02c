/* documents.c - lines and documents from a file or standard input. */
#include "frame/documents.h"

#include "frame/cli.h"
#include "frame/progress.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Lines ---- */

int cli_lines_open(cli_lines *lines, const char *path)
{
    *lines = (cli_lines){.name = path};
    if (!path || strcmp(path, "-") == 0) {
        lines->file = stdin;
        lines->name = "standard input";
        if (isatty(STDIN_FILENO)) cli_note("reading from the terminal; Ctrl-D ends");
        return CLI_SUCCESS;
    }
    lines->file = fopen(path, "r");
    if (!lines->file) return cli_fail("cannot open %s: %s", path, strerror(errno));
    return CLI_SUCCESS;
}

static int is_blank(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (!text[i] || !strchr(" \t\r\n\v\f", text[i])) return 0;
    }
    return 1;
}

/* Removes the line's end and, from the first line, a byte order mark. */
static void trim_line(cli_lines *lines)
{
    static const char mark[] = "\xEF\xBB\xBF";
    size_t skip = 0;
    if (lines->number == 1 && lines->bytes >= 3 && memcmp(lines->line, mark, 3) == 0)
        skip = 3;
    if (lines->bytes > skip && lines->line[lines->bytes - 1] == '\n') lines->bytes--;
    if (lines->bytes > skip && lines->line[lines->bytes - 1] == '\r') lines->bytes--;
    lines->bytes -= skip;
    memmove(lines->line, lines->line + skip, lines->bytes);
    lines->line[lines->bytes] = 0;
}

int cli_lines_next(cli_lines *lines)
{
    for (;;) {
        cli_begin_waiting();
        errno = 0;
        ssize_t length = getline(&lines->line, &lines->capacity, lines->file);
        int error = errno;
        cli_end_waiting();
        if (length < 0 && (ferror(lines->file) || error)) {
            cli_fail("cannot read %s: %s", lines->name, strerror(error));
            return -1;
        }
        if (length < 0) return 0;
        lines->number++;
        lines->bytes = (size_t)length;
        lines->begin = lines->end;
        lines->end += (uint64_t)length;
        trim_line(lines);
        if (!is_blank(lines->line, lines->bytes)) return 1;
        lines->n_blank++;
    }
}

int cli_lines_fail(const cli_lines *lines, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return cli_fail("%s, line %zu: %s", lines->name, lines->number, text);
}

void cli_lines_close(cli_lines *lines)
{
    if (lines->file && lines->file != stdin) fclose(lines->file);
    free(lines->line);
    *lines = (cli_lines){0};
}

static json_t *parse(const cli_lines *lines, json_error_t *error)
{
    return json_loadb(lines->line, lines->bytes,
                      JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, error);
}

json_t *cli_lines_json(const cli_lines *lines)
{
    json_error_t error;
    json_t *value = parse(lines, &error);
    if (!value) cli_lines_fail(lines, "column %d: %s", error.column, error.text);
    return value;
}

/* ---- Documents ---- */

/* Makes room for one more; 0 when memory is out. */
static int reserve(cli_documents *documents)
{
    if (documents->n < documents->capacity) return 1;
    size_t capacity = documents->capacity ? documents->capacity * 2 : 64;
    if (capacity > SIZE_MAX / sizeof(void *)) return 0;
    char **texts = realloc(documents->texts, capacity * sizeof *texts);
    if (texts) documents->texts = texts;
    size_t *bytes = realloc(documents->bytes, capacity * sizeof *bytes);
    if (bytes) documents->bytes = bytes;
    json_t **ids = realloc(documents->ids, capacity * sizeof *ids);
    if (ids) documents->ids = ids;
    if (!texts || !bytes || !ids) return 0;
    documents->capacity = capacity;
    return 1;
}

int cli_documents_add(cli_documents *documents, const char *text, size_t bytes,
                      json_t *id)
{
    if (!reserve(documents)) return 0;
    char *copy = malloc(bytes + 1);
    if (!copy) return 0;
    memcpy(copy, text, bytes);
    copy[bytes] = 0;
    documents->texts[documents->n] = copy;
    documents->bytes[documents->n] = bytes;
    documents->ids[documents->n] = json_incref(id);
    documents->n++;
    return 1;
}

const char *cli_documents_add_json(cli_documents *documents, const json_t *value)
{
    const json_t *text = value;
    json_t *id = NULL;
    if (json_is_object(value)) {
        text = json_object_get(value, "text");
        id = json_object_get(value, "id");
        if (json_is_null(id)) id = NULL;
        if (!text) return "a document has no \"text\"";
        if (!json_is_string(text)) return "the \"text\" of a document is not a string";
        if (id && !json_is_string(id) && !json_is_number(id))
            return "the \"id\" of a document is neither a string nor a number";
    } else if (!json_is_string(value)) {
        return "a document is neither a string nor an object with \"text\"";
    }
    if (!cli_documents_add(documents, json_string_value(text), json_string_length(text),
                           id))
        return "out of memory";
    return NULL;
}

/* The first line decides what the file is: JSON lines begin with an object that has a
 * "text". */
static cli_format guess_format(const cli_lines *lines)
{
    json_error_t error;
    json_t *value = parse(lines, &error);
    int is_document = json_is_object(value) && json_object_get(value, "text");
    json_decref(value);
    return is_document ? CLI_FORMAT_JSONL : CLI_FORMAT_LINES;
}

static int add_line(cli_documents *documents, const cli_lines *lines, cli_format format)
{
    if (format == CLI_FORMAT_LINES) {
        if (cli_documents_add(documents, lines->line, lines->bytes, NULL))
            return CLI_SUCCESS;
        return cli_fail("out of memory");
    }
    json_t *value = cli_lines_json(lines);
    if (!value) return CLI_FAILURE;
    const char *problem = cli_documents_add_json(documents, value);
    json_decref(value);
    return problem ? cli_lines_fail(lines, "%s", problem) : CLI_SUCCESS;
}

int cli_documents_read(cli_documents *documents, const char *path, cli_format format)
{
    cli_lines lines;
    int code = cli_lines_open(&lines, path);
    int next = 0;
    while (!code && (next = cli_lines_next(&lines)) > 0) {
        if (format == CLI_FORMAT_AUTO) format = guess_format(&lines);
        code = add_line(documents, &lines, format);
    }
    if (!code && next < 0) code = CLI_FAILURE;
    if (!code && documents->n == 0) code = cli_fail("no documents in %s", lines.name);
    if (!code && lines.n_blank)
        cli_note("%zu empty line%s of %s passed over", lines.n_blank,
                 lines.n_blank == 1 ? "" : "s", lines.name);
    cli_lines_close(&lines);
    return code;
}

void cli_documents_clear(cli_documents *documents)
{
    for (size_t i = 0; i < documents->n; i++) {
        free(documents->texts[i]);
        json_decref(documents->ids[i]);
    }
    documents->n = 0;
}

void cli_documents_release(cli_documents *documents)
{
    cli_documents_clear(documents);
    free(documents->texts);
    free(documents->bytes);
    free(documents->ids);
    *documents = (cli_documents){0};
}
