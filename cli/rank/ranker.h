/*
 * ranker.h - a model, opened for the command, and what a run counts.
 */
#ifndef CLI_RANKER_H
#define CLI_RANKER_H

#include "frame/cli.h"
#include "frame/documents.h"
#include "grating.h"
#include "frame/host.h"
#include "frame/progress.h"
#include "frame/queries.h"
#include "rank/results.h"
#include "frame/stats.h"
#include "rank/trace.h"

typedef enum cli_color { CLI_COLOR_AUTO, CLI_COLOR_ALWAYS, CLI_COLOR_NEVER } cli_color;

/* The arguments of `grating rank`; strings are borrowed from argv. */
typedef struct cli_rank_options {
    const char *query;
    const char *queries_path;
    cli_input input; /* documents; its paths are borrowed from argv too */
    const char *instruction;
    const char *model_path;
    const char *profile_path; /* NULL: the model's own, if there is one; "": none */
    const char *trace_path;   /* NULL: none */
    size_t k;                 /* 0: all */
    size_t width;             /* SIZE_MAX: the terminal's, or none */
    cli_engine_options engine;
    grt_policy policy;
    float precision;  /* 0: the policy's own */
    float dispersion; /* 0: the policy's own */
    size_t n_clusters;
    size_t first_layer;
    grt_promise promise;
    uint64_t deadline_ns;       /* of each query; 0: none */
    size_t max_document_tokens; /* 0: what the model takes */
    grt_long_documents long_documents;
    cli_output output;
    int hides_progress;
    int shows_stats;
    cli_color color;
    int hides_text;  /* JSON */
    int hides_stats; /* JSON */
} cli_rank_options;

typedef struct cli_ranker {
    const cli_rank_options *options; /* borrowed; of the query at hand */
    char *path;                      /* of the model, owned */
    cli_host host;
    cli_progress progress;
    cli_trace trace;
    cli_sparks sparks;
    cli_stats stats;
    cli_plan plan;          /* of the last query */
    size_t n_computed;      /* layers of the last query */
    size_t k;               /* of the last query */
    float expected;         /* precision of the last query that was late */
    size_t n_truncated;     /* documents that were cut */
    size_t document_tokens; /* that one of these could have; 0: what the model takes */
    size_t n_cut_queries;   /* beside one document at least */
    int lacks_profile;      /* 1: bounds decided, and they were the default ones */
    int ignores_precision;  /* 1: one was asked for, and the policy knows none */
    /* of the last query that failed */
    grt_status status;
    char problem[240];
} cli_ranker;

int cli_ranker_open(cli_ranker *ranker, const cli_rank_options *options);
/* Documents that are read from here on are for such a query, of which NULL is not known
 * yet: refusals name budgets for it. */
void cli_ranker_expect(cli_ranker *ranker, const char *query, size_t bytes);
/* Ranks; `*out` is for the caller to free. */
int cli_ranker_rank(cli_ranker *ranker, const cli_query *query,
                    const cli_documents *documents, grt_result **out);
/* Says on standard error what the user should know about the run. */
void cli_ranker_report(const cli_ranker *ranker);
/* `code` is that of the run so far: only success makes its trace appear.  Returns it,
 * or that of a trace that could not be written. */
int cli_ranker_close(cli_ranker *ranker, int code);

/* The options of `grating rank`. */
extern const cli_option cli_rank_options_table[];
/* Takes one option or operand; `key` is not CLI_END, CLI_BAD or that of --help. */
int cli_rank_option(cli_rank_options *options, int key, const char *value);
/* Refuses what does not go together. */
int cli_rank_check(const cli_rank_options *options);

/* `grating rank --queries`. */
int cli_rank_batch(const cli_rank_options *options);

#endif
