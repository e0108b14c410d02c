/*
 * eval.h - what the files of `grating eval` share.
 *
 *     eval.c             the options, and the order of things
 *     eval_lines.c       one line of qrels or of a run
 *     eval_records.c     texts with ids: documents and queries, JSON lines or TSV
 *     eval_judgements.c  qrels
 *     eval_run.c         a first stage's run
 *     eval_bm25.c        a first stage of our own: SQLite's FTS5
 *     eval_data.c        all of these together: which queries there are
 *     eval_source.c      query by query, its candidates with their texts and grades
 *     eval_systems.c     ranks each query with each policy and keeps what came out
 *     eval_sum.c         the ranking by logits and first stage together
 *     eval_report.c      means, intervals and tests; the table
 *     eval_json.c        the same as JSON
 *
 * Texts of a corpus stay in its file: ids and places are held in memory, a candidate's
 * text is read when its query is ranked.
 */
#ifndef CLI_EVAL_H
#define CLI_EVAL_H

#include <jansson.h>
#include <stdint.h>

#include "frame/documents.h"
#include "frame/file.h"
#include "grating.h"
#include "frame/host.h"
#include "frame/ids.h"
#include "eval/metrics.h"
#include "eval/names.h"
#include "frame/progress.h"
#include "frame/queries.h"

enum {
    EVAL_MAX_KS = 16,
    EVAL_MAX_POLICIES = 4,
    EVAL_MAX_PRECISIONS = 8,
    EVAL_MAX_ROWS = 3 + EVAL_MAX_POLICIES * EVAL_MAX_PRECISIONS,
    EVAL_GRADE_MAX = 1000000
};

/* The arguments of `grating eval`; strings are borrowed from argv. */
typedef struct eval_options {
    const char *beir_path; /* a folder; else the three files below, or pairs_path */
    const char *split;
    const char *corpus_path;
    const char *queries_path;
    const char *qrels_path;
    const char *run_path;
    const char *pairs_path;
    const char *model_path;   /* NULL: the bundled one */
    const char *profile_path; /* NULL: the model's own; "": none */
    const char *instruction;
    const char *json_path;
    const char *run_out_path;
    size_t depth; /* candidates of a query; 0: all */
    size_t limit; /* queries; 0: all */
    size_t ks[EVAL_MAX_KS];
    size_t n_ks;
    grt_policy policies[EVAL_MAX_POLICIES]; /* without GRT_POLICY_NONE */
    size_t n_policies;
    float precisions[EVAL_MAX_PRECISIONS];
    size_t n_precisions;
    size_t level;     /* the least grade that is relevant */
    float sum_weight; /* of the first stage in the sum; 0: no such row */
    int has_sum_weight;
    size_t seed;
    cli_engine_options engine;
    grt_promise promise;
    int wants_bm25; /* --bm25 was given */
    int is_unstemmed;
    int hides_progress;
} eval_options;

/* ---- One line of qrels or of a run ---- */

typedef struct eval_judged_line {
    const char *query;
    const char *document;
    int grade;
    size_t n_fields; /* 3: BEIR; 4: TREC */
    int is_header;   /* "query-id corpus-id score" */
} eval_judged_line;

typedef struct eval_run_line {
    const char *query;
    const char *document;
    double score;
} eval_run_line;

/* NULL, or a text that says what is wrong; `line` [bytes] is cut into fields, which
 * `out` points to. */
const char *eval_parse_judgement(eval_judged_line *out, char *line, size_t bytes);
const char *eval_parse_run(eval_run_line *out, char *line, size_t bytes);

/* ---- Texts with ids ---- */

/* Reads a file of records: JSON lines, by frame/records.h, or lines "id TAB text"; the
 * first line tells which. */
typedef struct eval_records {
    cli_lines lines;
    int is_json;
    int joins_titles; /* texts begin with the title and a space */
    json_t *line;     /* of the current record */
    cli_id_text number;
    char *joined; /* [joined_capacity] */
    size_t joined_capacity;
    const char *id;
    const char *text; /* [bytes] */
    size_t bytes;
    char problem[300]; /* what is wrong with the current record */
} eval_records;

int eval_records_open(eval_records *records, const char *path, int joins_titles);
/* 1: a record is there.  0: the end.  -1: an error was reported. */
int eval_records_next(eval_records *records);
/* Where a record begins. */
typedef struct eval_place {
    uint64_t offset;
    size_t line;
} eval_place;

/* Reads a record again that had this id. */
int eval_records_again(eval_records *records, const eval_place *place, const char *id);
void eval_records_close(eval_records *records);

/* ---- Judgements ---- */

/* Numbers are those of the names that the judgements were read with. */
typedef struct eval_judgement {
    size_t query;
    size_t document;
    int grade;
} eval_judgement;

typedef struct eval_judgements {
    eval_judgement *rows; /* [n] by query, then by document */
    size_t n;
    size_t capacity;
    size_t n_repeated; /* judged twice with the same grade */
    size_t n_other;    /* of queries that are not among the names */
} eval_judgements;

/* Documents that are not among the names are added to them; queries are added when
 * `adds_queries`, and else counted and passed over. */
int eval_judgements_read(eval_judgements *out, const char *path, cli_names *queries,
                         int adds_queries, cli_names *documents);
/* The rows of a query: from `*begin` on; returns how many. */
size_t eval_judgements_of(const eval_judgements *judgements, size_t query,
                          size_t *begin);
/* The grade of a document; 0 when it has none. */
int eval_judgements_grade(const eval_judgements *judgements, size_t query,
                          size_t document);

/* ---- A run ---- */

typedef struct eval_run_row {
    size_t query;
    size_t document;
    size_t line; /* of the file */
    double score;
} eval_run_row;

typedef struct eval_run {
    eval_run_row *rows; /* [n] by query, then by rank */
    size_t n;
    size_t capacity;
    size_t n_other; /* lines of queries that are not among the names */
} eval_run;

/* A document that is not among the names is an error. */
int eval_run_read(eval_run *out, const char *path, const cli_names *queries,
                  cli_names *documents, const char *corpus);
size_t eval_run_of(const eval_run *run, size_t query, size_t *begin);

/* ---- BM25 ---- */

typedef struct eval_bm25 eval_bm25;

/* CLI_FAILURE, after an error line, in a build without SQLite. */
int eval_bm25_check(void);
int eval_bm25_open(eval_bm25 **out, int is_stemmed);
int eval_bm25_add(eval_bm25 *index, size_t document, const char *text, size_t bytes);
int eval_bm25_finish(eval_bm25 *index);
/* The best documents, at most `depth`, into `documents` [depth], and their scores, the
 * higher the better, into `scores` [depth]. */
int eval_bm25_search(eval_bm25 *index, const char *query, size_t bytes, size_t depth,
                     size_t *documents, double *scores, size_t *n);
/* "BM25 (FTS5 of SQLite 3.40.1, ...)", borrowed. */
const char *eval_bm25_text(const eval_bm25 *index);
void eval_bm25_close(eval_bm25 *index);

/* ---- All data ---- */

typedef struct eval_data {
    const eval_options *options; /* borrowed */
    char *corpus_path;           /* these three are owned; NULL with pairs */
    char *queries_path;
    char *qrels_path;       /* NULL: none */
    cli_names queries;      /* of the queries file; with pairs: of the qrels */
    char **query_texts;     /* [n_texts], not with pairs */
    size_t *query_bytes;    /* [n_texts] */
    size_t n_texts;         /* queries that have a text */
    cli_names documents;    /* of the corpus, then those that only qrels know */
    size_t n_documents;     /* of the corpus */
    eval_place *places;     /* [n_documents] in the corpus's file */
    eval_judgements judged; /* no rows: none */
    eval_run run;
    eval_bm25 *bm25;
    eval_records corpus; /* open, to read candidates' texts */
    size_t *chosen;      /* [n_chosen] queries to evaluate; not with pairs */
    size_t n_chosen;
    size_t n_unjudged;     /* queries passed over: no judgement */
    size_t n_irrelevant;   /* queries passed over: no grade above 0 */
    size_t n_strange;      /* judgements of documents that the corpus lacks */
    int has_judgements;    /* 0: only the overlap can be told */
    cli_progress progress; /* of reading */
} eval_data;

/* Reads everything but the texts of the corpus; `data` is for eval_data_close to
 * release also after a failure. */
int eval_data_open(eval_data *data, const eval_options *options);
/* "BM25 (...)", "the run FILE" or "the order given". */
const char *eval_data_stage(const eval_data *data);
void eval_data_close(eval_data *data);

/* The relevance that a line of pairs tells: "relevance" in its documents, or an array
 * beside them.  `grades` [n_documents].  NULL, or a text that says what is wrong. */
const char *eval_pairs_grades(const json_t *line, size_t n_documents, int *grades,
                              int *is_judged);

/* ---- Query by query ---- */

/* A query with its candidates; all is borrowed until the next one. */
typedef struct eval_case {
    const char *id;
    const char *text;
    size_t bytes;
    const char *instruction;
    const char *where;            /* how an error names it */
    const char *const *documents; /* [n] in the order of the first stage */
    const size_t *document_bytes; /* [n] */
    size_t n;                     /* perhaps 0 */
    const double *scores;         /* [n] of the first stage; NULL with pairs */
    const int *grades;            /* [n] */
    const int *ideal;             /* [n_ideal] grades above 0, largest first */
    size_t n_ideal;
    const struct eval_source *source; /* knows the documents' ids */
} eval_case;

typedef struct eval_source {
    eval_data *data; /* borrowed */
    size_t next;     /* of the chosen queries, or of the pairs' */
    cli_queries pairs;
    cli_documents documents;
    size_t *candidates; /* [capacity] numbers of documents; not with pairs */
    double *scores;     /* [capacity] of the first stage; not with pairs */
    int *grades;        /* [capacity] */
    size_t capacity;
    int *ideal; /* [ideal_capacity] */
    size_t ideal_capacity;
    cli_id_text id; /* of a query with a number for an id, or none */
    char where[300];
} eval_source;

int eval_source_open(eval_source *source, eval_data *data);
/* 1: a query is there.  0: the end.  -1: an error was reported.  -2: interrupted. */
int eval_source_next(eval_source *source, eval_case *out);
/* The id of candidate `i` of the current query; numbers go into `storage`. */
const char *eval_source_document(const eval_source *source, size_t i,
                                 cli_id_text *storage);
void eval_source_close(eval_source *source);

/* ---- Systems ---- */

/* One way to rank, at one K. */
typedef struct eval_system {
    grt_policy policy;
    float precision; /* 0: none */
    grt_promise promise;
    uint64_t candidates_x_layers;
    uint64_t total_ns;
    double drift_sum;
    size_t n_drifts; /* queries that told a drift */
    int has_profile;
    char name[32]; /* "bound 0.99", "bound 0.99 scores" */
} eval_system;

enum { EVAL_ROW_FIRST = 0, EVAL_ROW_FULL = 1 };

/* Candidates in the order of the sum of a full pass's logits and `weight` x the first
 * stage's scores, standardised: `order` [n], scores [n] by candidate.  0 when memory is
 * out. */
int eval_sum_order(size_t *order, const grt_result *full, const double *scores,
                   double weight);

typedef struct eval_bench {
    const eval_options *options; /* borrowed, as is data */
    eval_data *data;
    char *model_path;
    char *profile; /* path; NULL: none */
    cli_host host;
    cli_progress progress;
    int64_t started_ns;
    cli_file run_out;
    /* [n_ks][n_rows]; first stage, full pass, perhaps their sum, then policies */
    eval_system systems[EVAL_MAX_KS][EVAL_MAX_ROWS];
    size_t n_rows;
    size_t first_policy; /* row; the sum's is the one before, when it is there */
    double *values;      /* [n_queries][n_ks][n_rows][CLI_N_METRICS] */
    size_t n_queries;
    size_t capacity;
    size_t n_empty;      /* queries without candidates */
    size_t n_candidates; /* of all queries */
    size_t n_truncated;  /* of these, cut to the model's limit */
    double recall_sum;   /* of the candidates */
    size_t n_calls;      /* rankings so far */
    size_t n_passes;     /* of one query, for the bar */
    int is_interrupted;
} eval_bench;

int eval_bench_open(eval_bench *bench, const eval_options *options, eval_data *data);
/* Ranks all queries.  An interruption is no failure: `is_interrupted` says so. */
int eval_bench_run(eval_bench *bench);
/* Gives the run file its name. */
int eval_bench_finish(eval_bench *bench);
void eval_bench_close(eval_bench *bench);

/* ---- The report ---- */

typedef struct eval_figure {
    double mean;
    double low, high;  /* 95 % interval */
    double difference; /* to the full pass */
    double p;          /* of that difference */
} eval_figure;

typedef struct eval_report {
    const eval_bench *bench;
    eval_figure *figures; /* [n_ks][n_rows][CLI_N_METRICS] */
} eval_report;

/* At least one query; 0 when memory is out. */
int eval_report_make(eval_report *report, const eval_bench *bench);
const eval_figure *eval_report_figure(const eval_report *report, size_t k_index,
                                      size_t row, cli_metric metric);
/* Without judgements only the overlap is known. */
int eval_report_has(const eval_report *report, cli_metric metric);
/* Shares of the full pass; 0 for the first stage. */
double eval_computed_share(const eval_bench *bench, size_t k_index, size_t row);
double eval_time_share(const eval_bench *bench, size_t k_index, size_t row);
/* Prints to standard output. */
void eval_report_print(const eval_report *report);
void eval_report_json(const eval_report *report, FILE *file);
void eval_report_release(eval_report *report);

#endif
