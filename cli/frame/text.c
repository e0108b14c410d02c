/* text.c - text of unknown origin on a terminal, in JSON and in TSV. */
#include "frame/text.h"

#include <string.h>
#include <wchar.h>

enum { REPLACEMENT = 0xFFFD };

/* Decodes one code point into `*out` and returns its length.  An invalid byte is one
 * U+FFFD. */
static size_t decode(const char *text, size_t left, uint32_t *out)
{
    const unsigned char *s = (const unsigned char *)text;
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = s[0] < 0x80   ? 1
                    : s[0] < 0xC2 ? 0
                    : s[0] < 0xE0 ? 2
                    : s[0] < 0xF0 ? 3
                    : s[0] < 0xF5 ? 4
                                  : 0;
    *out = REPLACEMENT;
    if (length == 0 || length > left) return 1;
    if (length == 1) {
        *out = s[0];
        return 1;
    }
    uint32_t point = s[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xC0) != 0x80) return 1;
        point = point << 6 | (s[i] & 0x3Fu);
    }
    if (point < smallest[length] || point > 0x10FFFF ||
        (point >= 0xD800 && point < 0xE000))
        return 1;
    *out = point;
    return length;
}

int cli_text_is_valid(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes;) {
        uint32_t point;
        size_t length = decode(text + i, bytes - i, &point);
        if (point == REPLACEMENT && length == 1) return 0;
        i += length;
    }
    return 1;
}

/* What a terminal is shown for a code point. */
static uint32_t visible(uint32_t point)
{
    if (point == '\t' || point == '\n' || point == '\r') return ' ';
    if (point < 0x20 || (point >= 0x7F && point < 0xA0)) return '?';
    if (point >= 0x200E && point <= 0x200F) return '?';
    if (point >= 0x2028 && point <= 0x202E) return '?';
    if (point >= 0x2066 && point <= 0x2069) return '?';
    return point;
}

/* Without a UTF-8 locale wcwidth knows ASCII only; one column is then the guess. */
static size_t columns_of(uint32_t point)
{
    if (point < 0x7F) return 1;
    int width = wcwidth((wchar_t)point);
    return width < 0 ? 1 : (size_t)width;
}

static void put_point(FILE *file, uint32_t point)
{
    if (point < 0x80) {
        putc((int)point, file);
        return;
    }
    if (point < 0x800) {
        putc((int)(0xC0 | point >> 6), file);
    } else {
        if (point < 0x10000) {
            putc((int)(0xE0 | point >> 12), file);
        } else {
            putc((int)(0xF0 | point >> 18), file);
            putc((int)(0x80 | (point >> 12 & 0x3F)), file);
        }
        putc((int)(0x80 | (point >> 6 & 0x3F)), file);
    }
    putc((int)(0x80 | (point & 0x3F)), file);
}

/* How a code point is written to a file. */
typedef void put_fn(FILE *file, uint32_t point);

static void put_xml(FILE *file, uint32_t point)
{
    switch (point) {
    case '&': fputs("&amp;", file); return;
    case '<': fputs("&lt;", file); return;
    case '>': fputs("&gt;", file); return;
    case '"': fputs("&quot;", file); return;
    default: /* XML has no place for U+FFFE and U+FFFF */
        put_point(file, point == 0xFFFE || point == 0xFFFF ? REPLACEMENT : point);
    }
}

/* Walks the text as long as it stays within `limit` columns; `put` may be NULL.
 * Returns the bytes consumed. */
static size_t walk(put_fn *put, FILE *file, const char *text, size_t bytes,
                   size_t limit, size_t *columns)
{
    size_t i = 0;
    *columns = 0;
    while (i < bytes) {
        uint32_t point;
        size_t length = decode(text + i, bytes - i, &point);
        point = visible(point);
        size_t width = columns_of(point);
        if (*columns + width > limit) break;
        if (put) put(file, point);
        *columns += width;
        i += length;
    }
    return i;
}

size_t cli_text_columns(const char *text, size_t bytes)
{
    size_t columns;
    walk(NULL, NULL, text, bytes, SIZE_MAX, &columns);
    return columns;
}

size_t cli_text_prefix(const char *text, size_t bytes, size_t n)
{
    size_t i = 0;
    for (; n > 0 && i < bytes; n--) {
        uint32_t point;
        i += decode(text + i, bytes - i, &point);
    }
    return i;
}

static size_t print_cut(put_fn *put, FILE *file, const char *text, size_t bytes,
                        size_t columns)
{
    static const char dots[] = "...";
    size_t used;
    if (columns == 0) columns = SIZE_MAX;
    if (walk(NULL, NULL, text, bytes, columns, &used) == bytes) {
        walk(put, file, text, bytes, columns, &used);
        return used;
    }
    size_t n_dots = columns < strlen(dots) ? columns : strlen(dots);
    walk(put, file, text, bytes, columns - n_dots, &used);
    fwrite(dots, 1, n_dots, file);
    return used + n_dots;
}

size_t cli_text_print(FILE *file, const char *text, size_t bytes, size_t columns)
{
    return print_cut(put_point, file, text, bytes, columns);
}

void cli_text_xml(FILE *file, const char *text, size_t bytes, size_t columns)
{
    print_cut(put_xml, file, text, bytes, columns);
}

void cli_text_json(FILE *file, const char *text, size_t bytes)
{
    putc('"', file);
    for (size_t i = 0; i < bytes;) {
        uint32_t point;
        i += decode(text + i, bytes - i, &point);
        if (point == '"' || point == '\\')
            fprintf(file, "\\%c", (int)point);
        else if (point == '\n')
            fputs("\\n", file);
        else if (point < 0x20 || point == 0x7F)
            fprintf(file, "\\u%04x", (unsigned)point);
        else
            put_point(file, point);
    }
    putc('"', file);
}

void cli_text_tsv(FILE *file, const char *text, size_t bytes)
{
    static const char plain[] = "\\\t\n\r", escaped[] = "\\tnr";
    for (size_t i = 0; i < bytes;) {
        uint32_t point;
        i += decode(text + i, bytes - i, &point);
        const char *found = point && point < 0x80 ? strchr(plain, (int)point) : NULL;
        if (found)
            fprintf(file, "\\%c", escaped[found - plain]);
        else if (point < 0x20 || point == 0x7F)
            fprintf(file, "\\x%02x", (unsigned)point);
        else
            put_point(file, point);
    }
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
