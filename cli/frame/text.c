/* text.c - text of unknown origin on a terminal, in JSON, in TSV and in pictures. */
#include "frame/text.h"

#include "frame/cli.h"

#include <string.h>
#include <wchar.h>

/* Without a UTF-8 locale wcwidth knows ASCII only; one column is then the guess. */
static size_t columns_of(uint32_t point)
{
    if (point < 0x7F) return 1;
    int width = wcwidth((wchar_t)point);
    return width < 0 ? 1 : (size_t)width;
}

/* Columns of what a terminal, or a picture, shows for a code point. */
static size_t shown_columns(uint32_t point)
{
    wire_danger danger = wire_danger_of(point);
    if (danger == WIRE_HARMLESS) return columns_of(point);
    return danger == WIRE_JOINER ? 0 : 1;
}

static void put_escaped(FILE *file, wire_format format, uint32_t point, int is_first)
{
    char escaped[WIRE_ESCAPED_MAX];
    fwrite(escaped, 1, wire_escape(escaped, format, point, is_first), file);
}

/* Walks the text as long as it stays within `limit` columns, and prints it unless
 * `file` is NULL.  Returns the bytes consumed. */
static size_t walk(FILE *file, wire_format format, const char *text, size_t bytes,
                   size_t limit, size_t *columns)
{
    size_t i = 0;
    *columns = 0;
    while (i < bytes) {
        uint32_t point;
        size_t length = wire_decode(text + i, bytes - i, &point);
        size_t width = shown_columns(point);
        if (*columns + width > limit) break;
        if (file) put_escaped(file, format, point, 0);
        *columns += width;
        i += length;
    }
    return i;
}

size_t cli_text_columns(const char *text, size_t bytes)
{
    size_t columns;
    walk(NULL, WIRE_TERMINAL, text, bytes, SIZE_MAX, &columns);
    return columns;
}

size_t cli_text_prefix(const char *text, size_t bytes, size_t n)
{
    size_t i = 0;
    for (; n > 0 && i < bytes; n--) {
        uint32_t point;
        i += wire_decode(text + i, bytes - i, &point);
    }
    return i;
}

static size_t print_cut(FILE *file, wire_format format, const char *text, size_t bytes,
                        size_t columns)
{
    static const char dots[] = "...";
    size_t used;
    if (columns == 0) columns = SIZE_MAX;
    if (walk(NULL, format, text, bytes, columns, &used) == bytes) {
        walk(file, format, text, bytes, columns, &used);
        return used;
    }
    size_t n_dots = columns < strlen(dots) ? columns : strlen(dots);
    walk(file, format, text, bytes, columns - n_dots, &used);
    fwrite(dots, 1, n_dots, file);
    return used + n_dots;
}

size_t cli_text_print(FILE *file, const char *text, size_t bytes, size_t columns)
{
    return print_cut(file, WIRE_TERMINAL, text, bytes, columns);
}

size_t cli_text_fit(const char *text, size_t bytes, size_t columns)
{
    static const size_t n_dots = 3;
    size_t used;
    if (columns == 0) columns = SIZE_MAX;
    if (walk(NULL, WIRE_TERMINAL, text, bytes, columns, &used) == bytes) return bytes;
    return walk(NULL, WIRE_TERMINAL, text, bytes,
                columns < n_dots ? 0 : columns - n_dots, &used);
}

void cli_text_xml(FILE *file, const char *text, size_t bytes, size_t columns)
{
    print_cut(file, WIRE_SVG, text, bytes, columns);
}

void cli_text_put(FILE *file, wire_format format, const char *text, size_t bytes)
{
    int is_number = format == WIRE_TSV && wire_is_number(text, bytes);
    for (size_t i = 0; i < bytes;) {
        uint32_t point;
        int is_first = i == 0 && !is_number;
        i += wire_decode(text + i, bytes - i, &point);
        put_escaped(file, format, point, is_first);
    }
}

void cli_text_json(FILE *file, const char *text, size_t bytes)
{
    putc('"', file);
    cli_text_put(file, WIRE_JSON, text, bytes);
    putc('"', file);
}

int cli_buffer_print(FILE *file, wire_buffer *buffer)
{
    int has_failed = buffer->has_failed;
    if (!has_failed) fwrite(buffer->data, 1, buffer->bytes, file);
    wire_clear(buffer);
    return has_failed ? cli_fail("out of memory") : CLI_SUCCESS;
}

cli_number_text cli_grouped(uint64_t value)
{
    cli_number_text out;
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    size_t n = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0) out.text[n++] = ',';
        out.text[n++] = digits[i];
    }
    out.text[n] = 0;
    return out;
}

cli_number_text cli_bytes_text(uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    cli_number_text out;
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        unit++;
    }
    snprintf(out.text, sizeof out.text, unit ? "%.1f %s" : "%.0f %s", value,
             units[unit]);
    return out;
}
