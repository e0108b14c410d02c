/*
 * lines.h - a text file, or standard input, line by line.
 *
 * What the bytes are is found out first.  UTF-16 becomes UTF-8; what is no text
 * (compressed, a picture, a document of a word processor, NUL bytes) is refused by its
 * name.  Bytes that are not UTF-8 stay as they are and are counted: whoever reads them
 * takes each for U+FFFD.
 */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include "frame/tally.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

typedef enum cli_encoding {
    CLI_ENCODING_UTF8,
    CLI_ENCODING_UTF16LE,
    CLI_ENCODING_UTF16BE
} cli_encoding;

/* Lines without anything but white space are passed over and counted; a byte order mark
 * at the start and carriage returns at the ends go. */
typedef struct cli_lines {
    int fd;           /* -1: none */
    const char *name; /* how messages name the file; borrowed */
    char separator;   /* '\n', or 0: texts end at NUL bytes and may hold lines */
    char *line;       /* [bytes] the current one, NUL-terminated; may hold NULs */
    size_t bytes;     /* of the current line */
    size_t capacity;
    size_t number;     /* of the current line, from 1 */
    uint64_t begin;    /* of the current line, in bytes from where reading began */
    uint64_t end;      /* of the current line with its line break */
    size_t n_blank;    /* lines passed over */
    size_t n_invalid;  /* lines that are not valid UTF-8 */
    size_t n_repaired; /* JSON that was not as RFC 8259 has it, and was read */
    /* what was read and is not a line yet */
    char *chunk; /* [filled] bytes */
    size_t at, filled;
    cli_encoding encoding;
    int is_known; /* the encoding was found out */
    int is_at_end;
    /* what is done with a line that does not fit --memory: */
    cli_tally *tally;       /* it counts there; NULL: reading ends with an error line */
    int is_json;            /* it is looked at as JSON; else it is a document */
    uint64_t skipped_bytes; /* of the line that was passed over last */
} cli_lines;

/* What cli_lines_next and cli_lines_rest return for what does not fit, where a tally
 * counts. */
enum { CLI_LINES_TOO_LARGE = 2 };

/* `path` NULL or "-" is standard input; kept. */
int cli_lines_open(cli_lines *lines, const char *path);
/* 1: a line is there.  0: the end.  -1: an error was reported. */
int cli_lines_next(cli_lines *lines);
/* Appends all that follows the current line to it; the same results. */
int cli_lines_rest(cli_lines *lines);
/* Goes to where line `number` begins, for cli_lines_next. */
int cli_lines_seek(cli_lines *lines, uint64_t begin, size_t number);
/* "notes.txt, line 7: <text>"; returns CLI_FAILURE. */
int cli_lines_fail(const cli_lines *lines, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Notes what was passed over, replaced or repaired. */
void cli_lines_report(const cli_lines *lines);
void cli_lines_close(cli_lines *lines);
/* Parses the current line as JSON; NULL after an error line.  `is_counted` (may be
 * NULL) says that there was no room for it, and the tally has it. */
json_t *cli_lines_json(cli_lines *lines, int *is_counted);
/* Whether JSON was not parsed since --memory has no room for it; the tally counts the
 * current line then, and the line is freed. */
int cli_lines_count_json(cli_lines *lines, const json_error_t *error);

#endif
