/*
 * ranker.h - a model and a session, opened for the command, and what a run counts.
 */
#ifndef CLI_RANKER_H
#define CLI_RANKER_H

#include "documents.h"
#include "grating.h"
#include "progress.h"
#include "results.h"

/* The arguments of `grating rank`; strings are borrowed from argv. */
typedef struct cli_rank_options {
    const char *query;
    const char *queries_path;
    const char *documents_path;
    const char *instruction;
    const char *model_path;
    size_t k; /* 0: all */
    size_t n_threads;
    size_t width; /* SIZE_MAX: the terminal's, or none */
    cli_format format;
    cli_output output;
    int hides_progress;
} cli_rank_options;

typedef struct cli_ranker {
    char *path; /* of the model, owned */
    grt_model *model;
    grt_session *session;
    cli_progress progress;
    size_t n_documents; /* ranked so far */
    size_t n_truncated; /* of them */
} cli_ranker;

/* A query and what it asks for; everything is borrowed. */
typedef struct cli_query {
    const char *text;
    size_t bytes;
    const char *instruction;
    size_t k;
    const char *where; /* how an error names the query; NULL: not at all */
} cli_query;

int cli_ranker_open(cli_ranker *ranker, const cli_rank_options *options);
/* Ranks; `*out` is for the caller to free. */
int cli_ranker_rank(cli_ranker *ranker, const cli_query *query,
                    const cli_documents *documents, grt_result **out);
/* Says on standard error how many documents were cut, if any. */
void cli_ranker_report(const cli_ranker *ranker);
void cli_ranker_close(cli_ranker *ranker);

/* `grating rank --queries`. */
int cli_rank_batch(const cli_rank_options *options);

#endif
