/*
 * text.h - text of unknown origin on a terminal, in JSON and in TSV.
 *
 * Input is UTF-8 with any bytes in it.  What reaches the output is valid UTF-8; what
 * reaches a terminal has no control characters, and none that change the direction of
 * writing, so that a document cannot play with the reader's screen.
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* 1: the text is valid UTF-8. */
int cli_text_is_valid(const char *text, size_t bytes);
/* Columns that the text takes on a terminal. */
size_t cli_text_columns(const char *text, size_t bytes);
/* Prints on one line, cut with "..." to at most `columns` (0: no limit); returns the
 * columns used. */
size_t cli_text_print(FILE *file, const char *text, size_t bytes, size_t columns);
/* Prints a JSON string, with its quotes; invalid bytes become U+FFFD. */
void cli_text_json(FILE *file, const char *text, size_t bytes);
/* Bytes of the first `n` characters. */
size_t cli_text_prefix(const char *text, size_t bytes, size_t n);
/* Prints text for XML, as on a terminal: on one line, cut with "..." to at most
 * `columns` (0: no limit). */
void cli_text_xml(FILE *file, const char *text, size_t bytes, size_t columns);
/* Prints a TSV field: backslash, tab, newline and carriage return as two characters,
 * other control characters as \xHH. */
void cli_text_tsv(FILE *file, const char *text, size_t bytes);

/* "1234567" -> "1,234,567" */
typedef struct cli_number_text {
    char text[32];
} cli_number_text;
cli_number_text cli_grouped(uint64_t value);
/* "90.9 MiB" */
cli_number_text cli_bytes_text(uint64_t bytes);

#endif
