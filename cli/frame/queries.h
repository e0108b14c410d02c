/*
 * queries.h - a file of queries, for the commands that have --queries or --pairs.
 *
 * A line is a JSON object with a query and its documents.  Where all queries are about
 * the same documents, lines need none, and may be plain text: a query each.
 */
#ifndef CLI_QUERIES_H
#define CLI_QUERIES_H

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

enum { CLI_UNKNOWN_MAX = 16 };

/* Reads them one by one, so that memory does not grow with their number. */
typedef struct cli_queries {
    cli_lines lines;
    cli_documents documents; /* of the current query */
    json_t *line;            /* the current query's object; NULL: a line of text */
    cli_fields fields;       /* of documents */
    int has_corpus;          /* 1: lines need no documents */
    int is_text;             /* lines are texts */
    /* Members that the caller reads itself, to a NULL: those that nobody reads are
     * named then; NULL: nothing is named. */
    const char *const *own_members;
    char *unknown[CLI_UNKNOWN_MAX]; /* those that were; owned */
    char where[300];
    char problem[300]; /* what is wrong with the current line */
} cli_queries;

/* `path` "-" is standard input; kept. */
int cli_queries_open(cli_queries *queries, const char *path);
/* 1: a query is there; what its line does not say stays as it is in `query`, and what
 * it says is borrowed until the next call.  0: the end.  -1: an error was reported. */
int cli_queries_next(cli_queries *queries, cli_query *query);
/* The same, and 2: the line is no query, `problem` says why (also: it does not fit
 * --memory), and `query` has its id and
 * text as far as they could be read. */
int cli_queries_try(cli_queries *queries, cli_query *query);
void cli_queries_close(cli_queries *queries);

#endif
