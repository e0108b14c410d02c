/*
 * trace_read.h - reads what trace.h writes, for one query of it.
 */
#ifndef CLI_TRACE_READ_H
#define CLI_TRACE_READ_H

#include "grating.h"

#include <jansson.h>
#include <stddef.h>

typedef struct cli_traced_document {
    size_t index;
    const json_t *id; /* NULL: none */
    const char *text; /* its start */
    size_t rank;      /* from 1 */
    grt_state state;
    size_t decided_at_layer;
    double logit; /* NaN: not finite */
} cli_traced_document;

/* Strings are borrowed from `root`, and end where they hold a NUL. */
typedef struct cli_traced_query {
    json_t *root;
    const char *model;
    size_t n_queries; /* in the file */
    const char *query;
    const char *policy;
    double precision; /* 0: none */
    size_t k;
    size_t n_layers;
    size_t n_documents;
    cli_traced_document *documents; /* [n_documents] by rank: [0] has rank 1 */
    size_t n_steps;
    size_t *layers; /* [n_steps] layers computed, rising */
    double *scores; /* [n_steps][n_documents], by rank; NaN where a document did not
                       compute the layer or its score is not finite */
} cli_traced_query;

/* Reads query `number` (from 1) of the trace at `path` ("-": standard input).  Whatever
 * `*out` holds after this is to be released, also after a failure. */
int cli_trace_read(cli_traced_query *out, const char *path, size_t number);
void cli_traced_query_release(cli_traced_query *query);

#endif
