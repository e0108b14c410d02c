/*
 * documents.h - documents from files, folders or standard input.
 */
#ifndef CLI_DOCUMENTS_H
#define CLI_DOCUMENTS_H

#include "frame/lines.h"
#include "frame/records.h"

typedef struct cli_documents {
    char **texts;  /* [n], owned */
    size_t *bytes; /* [n] */
    json_t **ids;  /* [n], string or number, NULL where there is none; owned */
    size_t n;
    size_t capacity;
} cli_documents;

typedef enum cli_format {
    CLI_FORMAT_AUTO,       /* by the file's name and its first line */
    CLI_FORMAT_LINES,      /* a line is a document */
    CLI_FORMAT_JSONL,      /* a value of JSON on each line */
    CLI_FORMAT_JSON,       /* arrays or objects, over any number of lines */
    CLI_FORMAT_CSV,        /* with a line of column names; cells may be quoted */
    CLI_FORMAT_TSV,        /* the same with tabs; or lines "id TAB text" */
    CLI_FORMAT_NUL,        /* texts end at NUL bytes */
    CLI_FORMAT_PARAGRAPHS, /* empty lines end a document; a heading stays with what
                              follows it */
    CLI_FORMAT_FILES       /* a file is a document */
} cli_format;

/* What to read; all is borrowed. */
typedef struct cli_input {
    char *const *paths; /* [n_paths]; none, or "-": standard input */
    size_t n_paths;
    cli_format format;
    cli_fields fields;
    int is_recursive; /* the files in folders too, those of hidden names apart */
} cli_input;

/* Reads all, at least one document.  With more than one file, documents that have no id
 * get "file:line". */
int cli_documents_read(cli_documents *documents, const cli_input *input);
/* Copies a text; `id` may be NULL.  0 when memory is out. */
int cli_documents_add(cli_documents *documents, const char *text, size_t bytes,
                      json_t *id);
/* Adds a JSON value: a string, or an object with a text and perhaps an id and a title.
 * NULL, or a text that says what is wrong with it; `record` is room for that. */
const char *cli_documents_add_json(cli_documents *documents, cli_record *record,
                                   const json_t *value, const cli_fields *fields);
/* Forgets the documents and keeps the arrays. */
void cli_documents_clear(cli_documents *documents);
void cli_documents_release(cli_documents *documents);

#endif
