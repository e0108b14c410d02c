/*
 * documents.h - documents from files, folders or standard input.
 *
 * Texts and ids lie end to end in a few blocks, so that many small ones take little
 * more than their bytes.  What does not fit --memory is counted and not kept (tally.h).
 */
#ifndef CLI_DOCUMENTS_H
#define CLI_DOCUMENTS_H

#include "frame/lines.h"
#include "frame/records.h"
#include "frame/tally.h"
#include "wire/json.h"

typedef struct cli_text_block cli_text_block;

typedef struct cli_documents {
    char **texts;  /* [n], NUL-terminated, in the blocks */
    size_t *bytes; /* [n] */
    char **ids;    /* [n], in the blocks, NULL where there is none; NULL: nowhere.  Read
                      with cli_documents_id */
    size_t n;
    size_t capacity, ids_capacity;
    cli_text_block *blocks; /* the newest first; owned */
    cli_tally tally;
    int is_counted; /* 1: there was no room, nothing is kept, `tally` counts */
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
/* Copies a text and its id, if it has one.  0 when memory is out; under a budget it is
 * counted then, and 0 means that an end is not in sight. */
int cli_documents_add(cli_documents *documents, const char *text, size_t bytes,
                      wire_id id);
/* Counts from here on, what was kept too, which is forgotten. */
void cli_documents_count(cli_documents *documents);
/* The id of document i; text NULL: it has none.  In the blocks. */
wire_id cli_documents_id(const cli_documents *documents, size_t i);
/* Forgets all but the first n. */
void cli_documents_cut(cli_documents *documents, size_t n);
/* Adds a JSON value: a string, or an object with a text and perhaps an id (else it gets
 * `id`) and a title.  NULL, or a text that says what is wrong with it; `record` is room
 * for that.  `*is_added` as cli_documents_add. */
const char *cli_documents_add_json(cli_documents *documents, cli_record *record,
                                   const json_t *value, const cli_fields *fields,
                                   wire_id id, int *is_added);
/* Forgets the documents and keeps the arrays and a block. */
void cli_documents_clear(cli_documents *documents);
void cli_documents_release(cli_documents *documents);

#endif
