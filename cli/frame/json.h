/*
 * json.h - JSON as programs write it, which is not always as RFC 8259 has it.
 *
 * Python and pandas write NaN, Infinity and halves of surrogates; names come twice;
 * bytes that are not UTF-8 come from everywhere.  Such JSON is read: bad bytes and
 * halves of surrogates as U+FFFD, numbers that are none as null, of a name that comes
 * twice the last value counts, and an integer of more than 63 bits is a string of its
 * digits.
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <jansson.h>

/* NULL with `error`, whose column is of a single line.  `*is_repaired` is set when the
 * text is none of RFC 8259.  Strings may hold NUL. */
json_t *cli_json_parse(const char *text, size_t bytes, int *is_repaired,
                       json_error_t *error);
/* The values that follow one another in `text`, as an array: the elements of an array
 * count one by one.  NULL with `error`, whose line is one of the text. */
json_t *cli_json_parse_all(const char *text, size_t bytes, int *is_repaired,
                           json_error_t *error);
/* 1: it did not parse only because memory was out. */
int cli_json_is_out_of_memory(const json_error_t *error);

/* From here on it is noticed when Jansson gets no memory.  It does not always say so: a
 * text may lack a character then, and be taken for what it is not. */
void cli_json_watch_memory(void);
/* 1: that has happened, in this command or in the library; results are not to be
 * trusted. */
int cli_json_lacked_memory(void);

#endif
