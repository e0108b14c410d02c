/*
 * text.h - text of unknown origin, made harmless for the place where it is shown.
 *
 * A document can hold characters that act instead of being seen: they move a
 * terminal's cursor, turn the direction of writing, hide a part of a name, start a
 * formula in a spreadsheet.  One table says which these are; every writer of the
 * project goes through it.  What comes out is valid UTF-8 for any bytes that go in.
 *
 * All functions are thread safe.
 */
#ifndef WIRE_TEXT_H
#define WIRE_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum { WIRE_REPLACEMENT = 0xFFFD };

/* What a character does beside being seen. */
typedef enum wire_danger {
    WIRE_HARMLESS = 0,
    WIRE_CONTROL,   /* C0, DEL, C1 (U+009B begins an escape sequence, as ESC [ does) */
    WIRE_LINE,      /* tab, line feed, carriage return, U+0085, U+2028, U+2029 */
    WIRE_DIRECTION, /* marks, overrides and isolates of the bidirectional algorithm */
    WIRE_INVISIBLE, /* takes no room: zero-width spaces, tags, fillers */
    WIRE_JOINER     /* U+200C, U+200D: no room either, but Persian, Indic scripts and
                       emoji are written with them */
} wire_danger;

wire_danger wire_danger_of(uint32_t point);

/* How characters that are not harmless leave. */
typedef enum wire_format {
    WIRE_TERMINAL, /* spaces for WIRE_LINE, nothing for WIRE_JOINER, else "?" */
    WIRE_SVG,      /* the same, and the entities of XML */
    WIRE_JSON,     /* \n, \uXXXX: nothing is lost */
    WIRE_TSV,      /* \t, \n, \r, \\, \xHH, \uHHHH, \UHHHHHHHH: nothing is lost */
    WIRE_TREC      /* \xHH, \uHHHH, \UHHHHHHHH, for white space too: fields end there */
} wire_format;

/* Decodes the first code point of `left` bytes, at least 1, and returns its length.  An
 * invalid byte is one WIRE_REPLACEMENT. */
size_t wire_decode(const char *text, size_t left, uint32_t *out);
/* 1: the text is valid UTF-8. */
int wire_is_utf8(const char *text, size_t bytes);
/* Writes the UTF-8 of a code point, at most 4 bytes; returns their number. */
size_t wire_encode(char *out, uint32_t point);

enum { WIRE_ESCAPED_MAX = 16 };

/* Writes what stands for a code point in a format; returns its bytes, which may be 0.
 * `is_first`: it begins a field, where "=", "+", "-" and "@" start a formula (TSV). */
size_t wire_escape(char out[WIRE_ESCAPED_MAX], wire_format format, uint32_t point,
                   int is_first);
/* 1: digits that no spreadsheet takes for more than a number, such as "-5" or "1.5". */
int wire_is_number(const char *text, size_t bytes);

#endif
