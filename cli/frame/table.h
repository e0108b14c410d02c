/*
 * table.h - comma- and tab-separated values, as spreadsheets write them (RFC 4180), and
 * tab-separated ones without quoting, as collections of texts have them.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stddef.h>

typedef struct cli_cell {
    char *text; /* [bytes], within the table's text */
    size_t bytes;
} cli_cell;

/* Walks rows of a text, which it changes: quotes are taken out of cells. */
typedef struct cli_table {
    char *text; /* [bytes]; borrowed */
    size_t bytes;
    char separator;
    size_t at;
    size_t line; /* on which the current row begins, from 1 */
    size_t next_line;
    cli_cell *cells; /* [n_cells] of the current row; owned */
    size_t n_cells;
    size_t capacity;
} cli_table;

/* `separator` 0: the one of , ; tab and | that the first line has most of. */
void cli_table_init(cli_table *table, char *text, size_t bytes, char separator);
/* 1: a row is there; those of nothing but white space are passed over.  0: the end.
 * Else a text that says what is wrong is in `*problem`, and -1. */
int cli_table_next(cli_table *table, const char **problem);
void cli_table_release(cli_table *table);

#endif
