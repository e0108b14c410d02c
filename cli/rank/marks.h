/*
 * marks.h - the words of a query in a document, set off on a terminal.
 */
#ifndef CLI_MARKS_H
#define CLI_MARKS_H

#include <stddef.h>

/* Prints to standard output as cli_text_print does, with the words of the query in
 * bold; letters match in either case, and with or without an "s" at the end.  Words of
 * one or two letters, and those that stand in every text, are left alone. */
void cli_marks_print(const char *query, size_t query_bytes, const char *text,
                     size_t bytes, size_t columns);

#endif
