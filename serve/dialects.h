/*
 * dialects.h - the ways in which clients ask for a ranking, in one table.
 *
 * A dialect is told by a key of the body, and by the path where the key alone does not
 * tell.  All are read alike (request.h); a row of the table says where the documents
 * are, how the answer is written and which shape errors have.
 */
#ifndef SERVE_DIALECTS_H
#define SERVE_DIALECTS_H

#include "serve/request.h"
#include "wire/json.h"

/* One candidate, best first. */
typedef struct serve_entry {
    size_t index;
    float score; /* 0..1, falling with the rank */
    float logit; /* likewise */
    int32_t state;
    uint32_t flags;
    size_t layer;
} serve_entry;

/* What is answered. */
typedef struct serve_answer {
    const serve_request *request;
    char id[40];
    const char *model;    /* echoed, or the one that ranked */
    serve_entry *entries; /* [n] owned */
    size_t n;
    size_t k; /* that the policy was about */
    size_t n_truncated;
    int query_is_truncated;
    uint64_t n_tokens;
    grt_stats stats; /* of the one ranking, or sums over several */
    uint64_t queue_ns, total_ns;
    uint64_t created_s;
    wire_buffer *trace; /* a JSON array of steps; NULL: none */
} serve_answer;

struct serve_dialect {
    const char *name;             /* for metrics and logs */
    const char *key;              /* of the body that tells it; NULL: all others */
    const char *path;             /* only there; NULL: everywhere */
    const char *const *documents; /* members that may hold them, NULL at the end */
    serve_error_shape errors;
    int wants_scores; /* of all, not the best: K is all where nobody asks for less */

    void (*put)(wire_json *json, const serve_answer *answer);
};

/* The row for a body, which may be NULL when it could not be read. */
const serve_dialect *serve_dialect_for(const char *path, const json_t *body);
/* Row i, or NULL behind the last. */
const serve_dialect *serve_dialect_at(size_t i);

/* The writers, answers.c. */
void serve_put_results(wire_json *json, const serve_answer *answer);    /* and data */
void serve_put_results_v2(wire_json *json, const serve_answer *answer); /* no data */
void serve_put_results_infinity(wire_json *json, const serve_answer *answer);
void serve_put_array(wire_json *json, const serve_answer *answer);
void serve_put_rankings(wire_json *json, const serve_answer *answer);
void serve_put_data(wire_json *json, const serve_answer *answer);
void serve_put_document_scores(wire_json *json, const serve_answer *answer);
void serve_put_pair_scores(wire_json *json, const serve_answer *answer);

#endif
