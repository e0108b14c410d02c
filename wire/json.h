/*
 * json.h - writes JSON into a buffer, with the commas where they belong.
 *
 *     wire_json json = {.out = &buffer};
 *     wire_begin(&json, NULL, '{');
 *     wire_text(&json, "model", path, strlen(path));
 *     wire_begin(&json, "layers", '[');
 *     wire_count(&json, NULL, 4);
 *     wire_end(&json, ']');
 *     wire_end(&json, '}');
 *
 * `name` is that of a member, or NULL in an array and at the top.  Names are ours and
 * need no escape.  Failure shows in the buffer.  One thread at a time.
 */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include "wire/buffer.h"

typedef struct wire_json {
    wire_buffer *out;
    int needs_comma; /* before the next value */
} wire_json;

/* '{' or '[', and its end. */
void wire_begin(wire_json *json, const char *name, char bracket);
void wire_end(wire_json *json, char bracket);
/* Any bytes; invalid ones become U+FFFD. */
void wire_text(wire_json *json, const char *name, const char *text, size_t bytes);
/* Up to its NUL; NULL is null. */
void wire_string(wire_json *json, const char *name, const char *text);
void wire_count(wire_json *json, const char *name, uint64_t value);
void wire_integer(wire_json *json, const char *name, int64_t value);
void wire_bool(wire_json *json, const char *name, int value);
void wire_null(wire_json *json, const char *name);
/* The fewest digits that read back as the same value; null when it is not finite. */
void wire_float(wire_json *json, const char *name, float value);
void wire_double(wire_json *json, const char *name, double value);
/* Nanoseconds as milliseconds with three decimals. */
void wire_ms(wire_json *json, const char *name, uint64_t ns);
/* A value that is JSON already. */
void wire_raw(wire_json *json, const char *name, const char *value);

/* ---- Ids ---- */

/* An id that a user gave to a text. */
typedef struct wire_id {
    const char *text; /* NULL: none */
    size_t bytes;
    int is_number; /* 1: `text` is a number of JSON, written without quotes */
} wire_id;

/* Writes nothing when there is none. */
void wire_put_id(wire_json *json, const char *name, wire_id id);

#endif
