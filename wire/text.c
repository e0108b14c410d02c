/* text.c - text of unknown origin, made harmless for the place where it is shown. */
#include "wire/text.h"

#include <stdio.h>
#include <string.h>

typedef struct range {
    uint32_t first, last;
    wire_danger danger;
} range;

/* In rising order; what is not in it is harmless.  Characters of the categories Cc, Zl
 * and Zp of Unicode, and of Cf those that are not seen. */
static const range ranges[] = {
    {0x00, 0x08, WIRE_CONTROL},
    {0x09, 0x0A, WIRE_LINE},
    {0x0B, 0x0C, WIRE_CONTROL},
    {0x0D, 0x0D, WIRE_LINE},
    {0x0E, 0x1F, WIRE_CONTROL},
    {0x7F, 0x84, WIRE_CONTROL},
    {0x85, 0x85, WIRE_LINE},
    {0x86, 0x9F, WIRE_CONTROL},
    {0xAD, 0xAD, WIRE_INVISIBLE},     /* soft hyphen */
    {0x34F, 0x34F, WIRE_INVISIBLE},   /* grapheme joiner */
    {0x61C, 0x61C, WIRE_DIRECTION},   /* Arabic letter mark */
    {0x115F, 0x1160, WIRE_INVISIBLE}, /* Hangul fillers */
    {0x17B4, 0x17B5, WIRE_INVISIBLE}, /* Khmer inherent vowels */
    {0x180E, 0x180E, WIRE_INVISIBLE}, /* Mongolian vowel separator */
    {0x200B, 0x200B, WIRE_INVISIBLE}, /* zero-width space */
    {0x200C, 0x200D, WIRE_JOINER},
    {0x200E, 0x200F, WIRE_DIRECTION},
    {0x2028, 0x2029, WIRE_LINE},
    {0x202A, 0x202E, WIRE_DIRECTION},
    {0x2060, 0x2065, WIRE_INVISIBLE}, /* word joiner, invisible operators */
    {0x2066, 0x2069, WIRE_DIRECTION},
    {0x206A, 0x206F, WIRE_DIRECTION}, /* deprecated shaping controls */
    {0x3164, 0x3164, WIRE_INVISIBLE},
    {0xFEFF, 0xFEFF, WIRE_INVISIBLE}, /* byte order mark */
    {0xFFA0, 0xFFA0, WIRE_INVISIBLE},
    {0xFFF9, 0xFFFB, WIRE_INVISIBLE},   /* interlinear annotation */
    {0x1BCA0, 0x1BCA3, WIRE_INVISIBLE}, /* shorthand controls */
    {0x1D173, 0x1D17A, WIRE_INVISIBLE}, /* musical controls */
    {0xE0000, 0xE0FFF, WIRE_INVISIBLE}, /* tags, variation selectors that carry bytes */
};
enum { N_RANGES = sizeof ranges / sizeof ranges[0] };

wire_danger wire_danger_of(uint32_t point)
{
    size_t low = 0, high = N_RANGES;
    if (point >= 0x20 && point < 0x7F) return WIRE_HARMLESS;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges[middle].last < point)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == N_RANGES || point < ranges[low].first) return WIRE_HARMLESS;
    return ranges[low].danger;
}

size_t wire_decode(const char *text, size_t left, uint32_t *out)
{
    const unsigned char *s = (const unsigned char *)text;
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = s[0] < 0x80   ? 1
                    : s[0] < 0xC2 ? 0
                    : s[0] < 0xE0 ? 2
                    : s[0] < 0xF0 ? 3
                    : s[0] < 0xF5 ? 4
                                  : 0;
    *out = WIRE_REPLACEMENT;
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

int wire_is_utf8(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes;) {
        uint32_t point;
        size_t length = wire_decode(text + i, bytes - i, &point);
        if (point == WIRE_REPLACEMENT && length == 1) return 0;
        i += length;
    }
    return 1;
}

size_t wire_encode(char *out, uint32_t point)
{
    static const unsigned char leads[5] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t length = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (length == 1) {
        out[0] = (char)point;
        return 1;
    }
    for (size_t i = length; i-- > 1; point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3F));
    out[0] = (char)(leads[length] | point);
    return length;
}

static size_t put(char out[WIRE_ESCAPED_MAX], const char *text)
{
    size_t bytes = strlen(text);
    memcpy(out, text, bytes);
    return bytes;
}

static size_t escape_terminal(char out[WIRE_ESCAPED_MAX], uint32_t point)
{
    switch (wire_danger_of(point)) {
    case WIRE_HARMLESS: return wire_encode(out, point);
    case WIRE_LINE: return put(out, " ");
    case WIRE_JOINER: return 0;
    case WIRE_CONTROL:
    case WIRE_DIRECTION:
    case WIRE_INVISIBLE: break;
    }
    return put(out, "?");
}

static size_t escape_svg(char out[WIRE_ESCAPED_MAX], uint32_t point)
{
    switch (point) {
    case '&': return put(out, "&amp;");
    case '<': return put(out, "&lt;");
    case '>': return put(out, "&gt;");
    case '"': return put(out, "&quot;");
    case 0xFFFE: /* XML has no place for these two */
    case 0xFFFF: return wire_encode(out, WIRE_REPLACEMENT);
    default: return escape_terminal(out, point);
    }
}

static size_t escape_json(char out[WIRE_ESCAPED_MAX], uint32_t point)
{
    if (point == '"') return put(out, "\\\"");
    if (point == '\\') return put(out, "\\\\");
    if (point == '\n') return put(out, "\\n");
    if (wire_danger_of(point) == WIRE_HARMLESS) return wire_encode(out, point);
    if (point < 0x10000)
        return (size_t)snprintf(out, WIRE_ESCAPED_MAX, "\\u%04x", (unsigned)point);
    point -= 0x10000;
    return (size_t)snprintf(out, WIRE_ESCAPED_MAX, "\\u%04x\\u%04x",
                            0xD800 | (unsigned)(point >> 10),
                            0xDC00 | (unsigned)(point & 0x3FF));
}

static size_t put_code(char out[WIRE_ESCAPED_MAX], uint32_t point)
{
    int length = point < 0x80      ? snprintf(out, WIRE_ESCAPED_MAX, "\\x%02x", point)
                 : point < 0x10000 ? snprintf(out, WIRE_ESCAPED_MAX, "\\u%04x", point)
                                   : snprintf(out, WIRE_ESCAPED_MAX, "\\U%08x", point);
    return (size_t)length;
}

static size_t escape_tsv(char out[WIRE_ESCAPED_MAX], uint32_t point, int is_first)
{
    static const char plain[] = "\\\t\n\r", letters[] = "\\tnr";
    const char *found = point && point < 0x80 ? strchr(plain, (int)point) : NULL;
    if (found) {
        out[0] = '\\';
        out[1] = letters[found - plain];
        return 2;
    }
    int is_formula = is_first && point && point < 0x80 && strchr("=+-@", (int)point);
    if (is_formula || wire_danger_of(point) != WIRE_HARMLESS)
        return put_code(out, point);
    return wire_encode(out, point);
}

/* Zs of Unicode: readers of runs that split at any white space know these. */
static int is_space(uint32_t point)
{
    return point == ' ' || point == 0xA0 || point == 0x1680 ||
           (point >= 0x2000 && point <= 0x200A) || point == 0x202F || point == 0x205F ||
           point == 0x3000;
}

size_t wire_escape(char out[WIRE_ESCAPED_MAX], wire_format format, uint32_t point,
                   int is_first)
{
    switch (format) {
    case WIRE_TERMINAL: return escape_terminal(out, point);
    case WIRE_SVG: return escape_svg(out, point);
    case WIRE_JSON: return escape_json(out, point);
    case WIRE_TSV: return escape_tsv(out, point, is_first);
    case WIRE_TREC:
        if (is_space(point) || wire_danger_of(point) != WIRE_HARMLESS)
            return put_code(out, point);
        return wire_encode(out, point);
    }
    return 0;
}

int wire_is_number(const char *text, size_t bytes)
{
    size_t i = bytes && text[0] == '-', n_digits = 0, n_points = 0;
    for (; i < bytes; i++) {
        if (text[i] >= '0' && text[i] <= '9')
            n_digits++;
        else if (text[i] != '.' || n_points++)
            return 0;
    }
    return n_digits > 0;
}
