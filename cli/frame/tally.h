/*
 * tally.h - what an input that does not fit --memory holds, and the budget it needs.
 *
 * A refusal is to name a budget that works.  So what does not fit is read on, and
 * counted, but not kept: to its end, or for a few seconds.
 */
#ifndef CLI_TALLY_H
#define CLI_TALLY_H

#include <stddef.h>
#include <stdint.h>

typedef struct cli_tally {
    uint64_t n_documents;
    uint64_t kept_bytes; /* what keeping them would take */
    uint64_t most_bytes; /* beside that for a moment, at most: a line, parsed */
    uint64_t read_bytes;
    /* as the planner counts them */
    uint64_t n_pairs, n_tokens, most_tokens;
    int64_t begun_ns; /* 0: not yet */
    size_t n_unseen;  /* bytes and documents since the clock was looked at */
    int is_late;      /* texts are not looked at any more */
    int is_endless;   /* reading was given up */
} cli_tally;

/* What ranking takes, as far as the command knows its model; the host's. */
typedef struct cli_planner {
    /* Counts pairs and tokens of a document; `text` NULL: only its size is known. */
    void (*count)(cli_tally *tally, const char *text, size_t bytes, void *payload);
    /* The least that the process needs to rank what was counted, without its texts; 0:
     * not known. */
    uint64_t (*smallest)(const cli_tally *tally, void *payload);
    void *payload;
} cli_planner;

/* Copied; NULL: there is none. */
void cli_tally_plan_with(const cli_planner *planner);

/* Counts a document that is not kept; `kept` is what keeping it would take.  0: it is
 * time to give up. */
int cli_tally_document(cli_tally *tally, const char *text, size_t bytes, size_t kept);

/* Counts a piece of a text of which only the size will be known; 0: it is time to give
 * up. */
int cli_tally_piece(cli_tally *tally, size_t bytes);

/* Looks at JSON that is too long to be parsed, piece by piece.  All zero is ready. */
typedef struct cli_json_scan {
    uint64_t n_strings, n_objects, n_arrays, n_commas, bytes;
    uint64_t string_bytes; /* of the current one */
    int is_in_string, is_escaped, is_behind_string;
} cli_json_scan;
/* 0: it is time to give up. */
int cli_tally_json(cli_tally *tally, cli_json_scan *scan, const char *text,
                   size_t bytes);
/* No less than the values parsed take. */
uint64_t cli_json_parsed_bytes(const cli_json_scan *scan);

/* "a budget of 70 MiB works", or that no end was seen. */
typedef struct cli_tally_text {
    char text[160];
} cli_tally_text;
cli_tally_text cli_tally_enough(const cli_tally *tally);
/* "WHAT does not fit 64.0 MiB (1,000 documents); a budget of 70 MiB works"; returns
 * CLI_FAILURE. */
int cli_tally_refuse(const cli_tally *tally, const char *what);
/* What does not fit and was not counted: "out of memory" without a budget. */
int cli_fail_memory(const char *what);

#endif
