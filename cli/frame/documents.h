/*
 * documents.h - lines and documents from a file or standard input.
 */
#ifndef CLI_DOCUMENTS_H
#define CLI_DOCUMENTS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Reads a text file line by line.  Lines without anything but white space are passed
 * over and counted; a byte order mark at the start and carriage returns at the ends go.
 */
typedef struct cli_lines {
    FILE *file;
    const char *name; /* how messages name the file; borrowed */
    char *line;       /* the current line, NUL-terminated; may hold NULs */
    size_t bytes;     /* of the current line */
    size_t capacity;
    size_t number;  /* of the current line, from 1 */
    uint64_t begin; /* of the current line, in bytes from where reading began */
    uint64_t end;   /* of the current line with its line break */
    size_t n_blank; /* lines passed over */
} cli_lines;

/* `path` NULL or "-" is standard input; kept. */
int cli_lines_open(cli_lines *lines, const char *path);
/* 1: a line is there.  0: the end.  -1: an error was reported. */
int cli_lines_next(cli_lines *lines);
/* "notes.txt, line 7: <text>"; returns CLI_FAILURE. */
int cli_lines_fail(const cli_lines *lines, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void cli_lines_close(cli_lines *lines);
/* Parses the current line as JSON; NULL after an error line. */
json_t *cli_lines_json(const cli_lines *lines);

typedef struct cli_documents {
    char **texts;  /* [n], owned */
    size_t *bytes; /* [n] */
    json_t **ids;  /* [n], string or number, NULL where there is none; owned */
    size_t n;
    size_t capacity;
} cli_documents;

typedef enum cli_format {
    CLI_FORMAT_AUTO,
    CLI_FORMAT_LINES,
    CLI_FORMAT_JSONL
} cli_format;

/* Reads a whole file of documents, at least one. */
int cli_documents_read(cli_documents *documents, const char *path, cli_format format);
/* Copies a text; `id` may be NULL.  0 when memory is out. */
int cli_documents_add(cli_documents *documents, const char *text, size_t bytes,
                      json_t *id);
/* Adds a JSON value: a string, or an object with "text" and perhaps "id".  NULL, or a
 * text that says what is wrong with it. */
const char *cli_documents_add_json(cli_documents *documents, const json_t *value);
/* Forgets the documents and keeps the arrays. */
void cli_documents_clear(cli_documents *documents);
void cli_documents_release(cli_documents *documents);

#endif
