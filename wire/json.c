/* json.c - writes JSON into a buffer, with the commas where they belong. */
#include "wire/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void begin_value(wire_json *json, const char *name)
{
    if (json->needs_comma) wire_put_string(json->out, ", ");
    json->needs_comma = 1;
    if (!name) return;
    wire_put(json->out, "\"", 1);
    wire_put_string(json->out, name);
    wire_put_string(json->out, "\": ");
}

void wire_begin(wire_json *json, const char *name, char bracket)
{
    begin_value(json, name);
    wire_put(json->out, &bracket, 1);
    json->needs_comma = 0;
}

void wire_end(wire_json *json, char bracket)
{
    wire_put(json->out, &bracket, 1);
    json->needs_comma = 1;
}

void wire_text(wire_json *json, const char *name, const char *text, size_t bytes)
{
    begin_value(json, name);
    wire_put(json->out, "\"", 1);
    wire_put_text(json->out, WIRE_JSON, text, bytes);
    wire_put(json->out, "\"", 1);
}

void wire_string(wire_json *json, const char *name, const char *text)
{
    if (text)
        wire_text(json, name, text, strlen(text));
    else
        wire_null(json, name);
}

void wire_count(wire_json *json, const char *name, uint64_t value)
{
    begin_value(json, name);
    wire_printf(json->out, "%" PRIu64, value);
}

void wire_integer(wire_json *json, const char *name, int64_t value)
{
    begin_value(json, name);
    wire_printf(json->out, "%" PRId64, value);
}

void wire_raw(wire_json *json, const char *name, const char *value)
{
    begin_value(json, name);
    wire_put_string(json->out, value);
}

void wire_bool(wire_json *json, const char *name, int value)
{
    wire_raw(json, name, value ? "true" : "false");
}

void wire_null(wire_json *json, const char *name)
{
    wire_raw(json, name, "null");
}

void wire_float(wire_json *json, const char *name, float value)
{
    char text[32];
    if (!isfinite(value)) {
        wire_null(json, name);
        return;
    }
    for (int digits = 6; digits <= 9; digits++) { /* 9 always suffice */
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value) break;
    }
    wire_raw(json, name, text);
}

void wire_double(wire_json *json, const char *name, double value)
{
    char text[40];
    if (!isfinite(value)) {
        wire_null(json, name);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) { /* 17 always suffice */
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    wire_raw(json, name, text);
}

void wire_ms(wire_json *json, const char *name, uint64_t ns)
{
    begin_value(json, name);
    wire_printf(json->out, "%.3f", (double)ns / 1e6);
}

void wire_put_id(wire_json *json, const char *name, wire_id id)
{
    if (!id.text) return;
    if (!id.is_number) {
        wire_text(json, name, id.text, id.bytes);
        return;
    }
    begin_value(json, name);
    wire_put(json->out, id.text, id.bytes);
}
