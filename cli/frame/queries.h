/*
 * queries.h - queries with documents of their own, one JSON object on each line, for
 * the commands that have --queries.
 */
#ifndef CLI_QUERIES_H
#define CLI_QUERIES_H

#include <jansson.h>
#include <stddef.h>

#include "frame/documents.h"

/* A query and what it asks for; everything is borrowed. */
typedef struct cli_query {
    const char *text;
    size_t bytes;
    const char *instruction;
    size_t k;
    const json_t *id;  /* NULL: none */
    const char *where; /* how an error names the query; NULL: not at all */
} cli_query;

/* Reads them one by one, so that memory does not grow with their number. */
typedef struct cli_queries {
    cli_lines lines;
    cli_documents documents; /* of the current query */
    json_t *line;            /* the current query's object */
    char where[300];
} cli_queries;

/* `path` "-" is standard input; kept. */
int cli_queries_open(cli_queries *queries, const char *path);
/* 1: a query is there; what its line does not say stays as it is in `query`, and what
 * it says is borrowed until the next call.  0: the end.  -1: an error was reported. */
int cli_queries_next(cli_queries *queries, cli_query *query);
void cli_queries_close(cli_queries *queries);

#endif
