/* json.c - JSON as programs write it, which is not always as RFC 8259 has it. */
#include "frame/json.h"

#include "frame/room.h"
#include "wire/buffer.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- The repair ---- */

/* The value of four hexadecimal digits, or -1. */
static long read_hex(const char *text, size_t left)
{
    long value = 0;
    if (left < 4) return -1;
    for (size_t i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef";
        char c = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] + 32) : text[i];
        const char *found = c ? strchr(digits, c) : NULL;
        if (!found) return -1;
        value = value * 16 + (found - digits);
    }
    return value;
}

/* Copies an escape of a string, at text[0] == '\\'; returns its bytes. */
static size_t copy_escape(wire_buffer *out, const char *text, size_t left)
{
    long unit = left > 1 && text[1] == 'u' ? read_hex(text + 2, left - 2) : -1;
    size_t bytes = unit >= 0 ? 6 : left < 2 ? left : 2;
    if (unit >= 0xD800 && unit < 0xDC00 && left >= 12 && text[6] == '\\' &&
        text[7] == 'u') {
        long low = read_hex(text + 8, left - 8);
        if (low >= 0xDC00 && low < 0xE000) {
            wire_put(out, text, 12);
            return 12;
        }
    }
    if (unit >= 0xD800 && unit < 0xE000)
        wire_put_string(out, "\\ufffd");
    else
        wire_put(out, text, bytes);
    return bytes;
}

/* Copies a string, from its first quote on; returns its bytes. */
static size_t copy_string(wire_buffer *out, const char *text, size_t left)
{
    size_t i = 1;
    wire_put(out, "\"", 1);
    while (i < left && text[i] != '"') {
        if (text[i] == '\\') {
            i += copy_escape(out, text + i, left - i);
            continue;
        }
        char encoded[4];
        uint32_t point;
        i += wire_decode(text + i, left - i, &point);
        if (point < 0x20 && point) /* Python's strict=False */
            wire_printf(out, "\\u%04x", (unsigned)point);
        else
            wire_put(out, encoded, wire_encode(encoded, point));
    }
    if (i < left) wire_put(out, text + i++, 1);
    return i;
}

/* Copies a number, which may be one of those that are none; returns its bytes. */
static size_t copy_number(wire_buffer *out, const char *text, size_t left)
{
    static const char *const names[] = {"NaN", "Infinity", "-Infinity", "-NaN"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t length = strlen(names[i]);
        if (left >= length && memcmp(text, names[i], length) == 0) {
            wire_put_string(out, "null");
            return length;
        }
    }
    size_t n = 0;
    int is_whole = 1;
    while (n < left && text[n] && (is_digit(text[n]) || strchr("+-.eE", text[n]))) {
        is_whole &= is_digit(text[n]) || (n == 0 && text[n] == '-');
        n++;
    }
    char copy[400] = "";
    if (n < sizeof copy) memcpy(copy, text, n);
    errno = 0;
    (void)strtoll(copy, NULL, 10);
    int is_large = is_whole && (errno == ERANGE || n >= sizeof copy);
    if (is_large)
        wire_printf(out, "\"%.*s\"", (int)n, text);
    else if (!is_whole && isinf(strtod(copy, NULL)))
        wire_put_string(out, "null");
    else
        wire_put(out, text, n);
    return n;
}

/* Copies what lies between names and values too. */
static void repair(wire_buffer *out, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes;) {
        const char *at = text + i;
        if (*at == '"') {
            i += copy_string(out, at, bytes - i);
        } else if (is_digit(*at) || *at == '-' || *at == 'N' || *at == 'I') {
            size_t n = copy_number(out, at, bytes - i);
            if (n == 0) wire_put(out, at, 1);
            i += n ? n : 1;
        } else {
            wire_put(out, at, 1);
            i++;
        }
    }
}

/* ---- Parsing ---- */

static _Atomic int lacked_memory;

static void *watched_malloc(size_t n)
{
    if (!cli_room_take_json(n)) return NULL;
    void *block = malloc(n);
    if (!block) lacked_memory = 1;
    return block;
}

void cli_json_watch_memory(void)
{
    json_set_alloc_funcs(watched_malloc, free);
}

int cli_json_lacked_memory(void)
{
    return lacked_memory;
}

int cli_json_is_out_of_memory(const json_error_t *error)
{
    return lacked_memory || cli_room_failed_json() ||
           json_error_code(error) == json_error_out_of_memory;
}

/* Strict first: most JSON is as it should be, and errors are about the text as it is.
 * Parses the first value of the text; error->position is where it ended. */
static json_t *parse_first(const char *text, size_t bytes, size_t flags,
                           int *is_repaired, json_error_t *error)
{
    json_t *value = json_loadb(text, bytes, JSON_REJECT_DUPLICATES | flags, error);
    if (value || cli_json_is_out_of_memory(error)) return value;
    value = json_loadb(text, bytes, flags, error);
    *is_repaired |= value != NULL;
    return value;
}

/* The text as strict readers want it; NULL when memory is out. */
static json_t *with_repair(const char *text, size_t bytes, int *is_repaired,
                           json_error_t *error,
                           json_t *parse(const char *, size_t, int *, json_error_t *))
{
    cli_room_watch_json();
    json_t *value = parse(text, bytes, is_repaired, error);
    if (value || cli_json_is_out_of_memory(error)) return value;
    json_error_t second;
    wire_buffer repaired = {0};
    /* A buffer doubles, and is copied then. */
    if (!cli_room_take(3 * (uint64_t)bytes)) return NULL;
    repair(&repaired, text, bytes);
    if (!repaired.has_failed)
        value = parse(repaired.data, repaired.bytes, is_repaired, &second);
    wire_release(&repaired);
    *is_repaired |= value != NULL;
    return value;
}

static json_t *parse_one(const char *text, size_t bytes, int *is_repaired,
                         json_error_t *error)
{
    return parse_first(text, bytes, JSON_ALLOW_NUL | JSON_DECODE_ANY, is_repaired,
                       error);
}

json_t *cli_json_parse(const char *text, size_t bytes, int *is_repaired,
                       json_error_t *error)
{
    return with_repair(text, bytes, is_repaired, error, parse_one);
}

static size_t skip_space(const char *text, size_t bytes, size_t at)
{
    while (at < bytes && text[at] && strchr(" \t\r\n", text[at]))
        at++;
    return at;
}

static int add(json_t *all, json_t *value)
{
    int failed = json_is_array(value) ? json_array_extend(all, value)
                                      : json_array_append(all, value);
    json_decref(value);
    return failed;
}

static json_t *parse_each(const char *text, size_t bytes, int *is_repaired,
                          json_error_t *error)
{
    const size_t flags = JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK;
    json_t *all = json_array();
    size_t at = skip_space(text, bytes, 0), line = 0;
    while (all && at < bytes) {
        json_t *value = parse_first(text + at, bytes - at, flags, is_repaired, error);
        int failed = !value || add(all, value);
        if (failed) {
            error->line += (int)line;
            json_decref(all);
            return NULL;
        }
        size_t end = at + (size_t)error->position;
        for (; at < end; at++)
            line += text[at] == '\n';
        size_t next = skip_space(text, bytes, at);
        if (next < bytes && text[next] == ',') next = skip_space(text, bytes, next + 1);
        for (; at < next; at++)
            line += text[at] == '\n';
    }
    return all;
}

json_t *cli_json_parse_all(const char *text, size_t bytes, int *is_repaired,
                           json_error_t *error)
{
    return with_repair(text, bytes, is_repaired, error, parse_each);
}
