/* fuzz_writers.c - any text through every writer: nothing that acts comes out, and
 * where nothing is to be lost, what went in can be had back. */
#include "run.h"

#include "frame/text.h"
#include "wire/json.h"

#include <jansson.h>
#include <string.h>

/* What a reader of the output should have: invalid bytes are U+FFFD. */
static wire_buffer repaired(const char *text, size_t n)
{
    wire_buffer out = {0};
    for (size_t i = 0; i < n;) {
        uint32_t point;
        char bytes[4];
        i += wire_decode(text + i, n - i, &point);
        wire_put(&out, bytes, wire_encode(bytes, point));
    }
    return out;
}

static void expect(const wire_buffer *expected, const char *found, size_t n)
{
    fuzz_need(expected->bytes == n && (!n || memcmp(expected->data, found, n) == 0),
              "nothing is lost");
}

static void check_json(const wire_buffer *expected, const char *text, size_t n)
{
    wire_buffer out = {0};
    wire_json json = {.out = &out};
    wire_begin(&json, NULL, '[');
    wire_text(&json, NULL, text, n);
    wire_end(&json, ']');
    fuzz_check_harmless(out.data, out.bytes, 0);
    json_t *array = json_loadb(out.data, out.bytes, JSON_ALLOW_NUL, NULL);
    const json_t *value = json_array_get(array, 0);
    fuzz_need(json_is_string(value), "output is JSON");
    expect(expected, json_string_value(value), json_string_length(value));
    json_decref(array);
    wire_release(&out);
}

static uint32_t hexadecimal(const char *text, size_t n)
{
    char digits[9] = "";
    memcpy(digits, text, n);
    return (uint32_t)strtoul(digits, NULL, 16);
}

/* Undoes \t, \n, \r, \\, \xHH, \uHHHH and \UHHHHHHHH. */
static void check_escaped(const wire_buffer *expected, const wire_buffer *out)
{
    wire_buffer back = {0};
    for (size_t i = 0; i < out->bytes;) {
        const char *at = out->data + i;
        if (*at != '\\') {
            wire_put(&back, at, 1);
            i++;
            continue;
        }
        fuzz_need(out->bytes - i >= 2, "an escape is whole");
        size_t n = at[1] == 'x' ? 2 : at[1] == 'u' ? 4 : at[1] == 'U' ? 8 : 0;
        fuzz_need(out->bytes - i >= 2 + n, "an escape is whole");
        static const char letters[] = "tnr\\", meant[] = "\t\n\r\\";
        const char *letter = strchr(letters, at[1]);
        char bytes[4];
        if (n) {
            wire_put(&back, bytes, wire_encode(bytes, hexadecimal(at + 2, n)));
        } else {
            fuzz_need(letter && at[1], "an escape is a known one");
            wire_put(&back, &meant[letter - letters], 1);
        }
        i += 2 + n;
    }
    expect(expected, back.data, back.bytes);
    wire_release(&back);
}

static void check_format(wire_format format, const wire_buffer *expected,
                         const char *text, size_t n)
{
    wire_buffer out = {0};
    wire_put_text(&out, format, text, n);
    fuzz_check_harmless(out.data, out.bytes, 0);
    for (size_t i = 0; i < out.bytes; i++) {
        char c = out.data[i];
        fuzz_need(c != '\n' && c != '\t', "a text stays on its line and in its cell");
        fuzz_need(format != WIRE_SVG || (c != '<' && c != '>'), "no element begins");
        fuzz_need(format != WIRE_TREC || c != ' ', "a text stays in its field");
    }
    if (format == WIRE_TSV) check_escaped(expected, &out);
    wire_release(&out);
}

typedef struct shown {
    const char *text;
    size_t n, columns;
} shown;

static int print(void *payload)
{
    const shown *self = payload;
    size_t used = cli_text_print(stdout, self->text, self->n, self->columns);
    fuzz_need(!self->columns || used <= self->columns,
              "a line is as wide as it may be");
    size_t n = cli_text_fit(self->text, self->n, self->columns);
    fuzz_need(n <= self->n, "what fits is a part of the text");
    cli_text_xml(stdout, self->text, self->n, self->columns);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    shown self = {(const char *)data + 1, size - 1, data[0] % 40};
    wire_buffer expected = repaired(self.text, self.n);
    fuzz_run run;
    check_json(&expected, self.text, self.n);
    for (int format = WIRE_TERMINAL; format <= WIRE_TREC; format++)
        if (format != WIRE_JSON)
            check_format((wire_format)format, &expected, self.text, self.n);
    fuzz_capture(&run, print, &self);
    fuzz_check_harmless(run.out, run.out_bytes, 0);
    fuzz_run_free(&run);
    wire_release(&expected);
    return 0;
}
