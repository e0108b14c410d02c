/*
 * results.h - a ranking as a table, as JSON, or as tab-separated values.
 */
#ifndef CLI_RESULTS_H
#define CLI_RESULTS_H

#include <stddef.h>

#include "frame/documents.h"
#include "frame/stats.h"
#include "grating.h"
#include "rank/sparks.h"

typedef enum cli_output {
    CLI_OUTPUT_DEFAULT,
    CLI_OUTPUT_TABLE,
    CLI_OUTPUT_JSON,
    CLI_OUTPUT_TSV
} cli_output;

/* What the printing functions need to know; everything is borrowed. */
typedef struct cli_ranking {
    const char *model; /* path */
    const char *query;
    size_t query_bytes;
    const cli_documents *documents;
    const grt_result *result;
    const grt_model *noted; /* JSON: whose notes are printed */
    const cli_plan *plan;
    size_t k;                 /* results to print, at most the result's count */
    size_t query_number;      /* in a batch, from 1; else 0 */
    const json_t *query_id;   /* in a batch, or NULL */
    size_t width;             /* table: columns to cut lines to; 0: no limit */
    const cli_sparks *sparks; /* table: scores by layer; NULL: none */
    int has_color;            /* table: words of the query are set off */
    int has_footnote;         /* table: says what marks mean */
    int hides_text;           /* JSON: without texts and query */
    int hides_stats;          /* JSON: without statistics */
} cli_ranking;

/* CLI_FAILURE after an error line when memory is out. */
int cli_ranking_print(const cli_ranking *ranking, cli_output output);
/* The line of column names that goes before the first TSV line. */
void cli_ranking_print_tsv_header(int is_batch);

#endif
