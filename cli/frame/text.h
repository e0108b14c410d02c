/*
 * text.h - text of unknown origin on a terminal, in JSON, in TSV and in pictures.
 *
 * Input is UTF-8 with any bytes in it; what reaches the output went through the table
 * of wire/text.h.
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include "wire/buffer.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Columns that the text takes on a terminal. */
size_t cli_text_columns(const char *text, size_t bytes);
/* Prints on one line, cut with "..." to at most `columns` (0: no limit); returns the
 * columns used. */
size_t cli_text_print(FILE *file, const char *text, size_t bytes, size_t columns);
/* Bytes that cli_text_print shows before its dots; all of them when there are none. */
size_t cli_text_fit(const char *text, size_t bytes, size_t columns);
/* Prints a JSON string, with its quotes; invalid bytes become U+FFFD. */
void cli_text_json(FILE *file, const char *text, size_t bytes);
/* Bytes of the first `n` characters. */
size_t cli_text_prefix(const char *text, size_t bytes, size_t n);
/* Prints text for XML, as on a terminal: on one line, cut with "..." to at most
 * `columns` (0: no limit). */
void cli_text_xml(FILE *file, const char *text, size_t bytes, size_t columns);
/* Prints a whole text as a format has it; JSON without its quotes. */
void cli_text_put(FILE *file, wire_format format, const char *text, size_t bytes);
/* Prints what was written and clears it; CLI_FAILURE after an error line when memory
 * was out. */
int cli_buffer_print(FILE *file, wire_buffer *buffer);

/* "1234567" -> "1,234,567" */
typedef struct cli_number_text {
    char text[32];
} cli_number_text;
cli_number_text cli_grouped(uint64_t value);
/* "90.9 MiB" */
cli_number_text cli_bytes_text(uint64_t bytes);

#endif
