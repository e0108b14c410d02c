/*
 * records.h - a text with its id and title, in an object of JSON: the one reader for
 * `grating rank`, `calibrate` and `eval`.
 */
#ifndef CLI_RECORDS_H
#define CLI_RECORDS_H

#include <jansson.h>
#include <stddef.h>

/* Names of members (or of columns); "a.b" is member b of member a.  NULL: the usual
 * ones.  A title of "" is none. */
typedef struct cli_fields {
    const char *text;  /* "text", "contents", "content", "page_content", "passage",
                          "body" */
    const char *title; /* "title"; it goes before the text, with a space */
    const char *id;    /* "id", "_id", "docid", "doc_id" */
    int has_option;    /* 1: messages speak of --field */
} cli_fields;

typedef struct cli_record {
    const json_t *id; /* a string or a number; NULL: none.  Borrowed, as the rest is */
    const char *title;
    size_t title_bytes;
    const char *text;
    size_t bytes;
    char problem[300]; /* room for what cli_record_read returns */
} cli_record;

/* Reads a string, or an object.  NULL, or a text that says what is wrong with it. */
const char *cli_record_read(cli_record *out, const json_t *value,
                            const cli_fields *fields);

enum { CLI_FIELD_NAMES_MAX = 8 };
typedef enum cli_field { CLI_FIELD_TEXT, CLI_FIELD_TITLE, CLI_FIELD_ID } cli_field;

/* Fills `names` with those that are looked for, in this order; returns their number. */
size_t cli_field_names(const cli_fields *fields, cli_field field,
                       const char *names[CLI_FIELD_NAMES_MAX]);

#endif
