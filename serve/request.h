/*
 * request.h - a request to rank, whatever dialect it is written in.
 *
 * Every dialect is read by the same reader: a member that one of them knows means the
 * same in all, and members that nobody knows are ignored.  The dialect (dialects.h)
 * says how the answer is written.
 */
#ifndef SERVE_REQUEST_H
#define SERVE_REQUEST_H

#include "serve/lenient.h"

typedef struct serve_dialect serve_dialect;

/* What a request may ask of grating itself, and what a server or a model's alias says
 * where it does not: {"grating": {...}}. */
typedef struct serve_wishes {
    int has_k;
    size_t k;             /* 0: all */
    float precision;      /* 0: not said */
    int32_t promise;      /* grt_promise */
    int32_t policy;       /* grt_policy */
    uint64_t deadline_ns; /* 0: not said */
} serve_wishes;

typedef struct serve_limits {
    size_t n_documents; /* of one request */
    size_t text_bytes;  /* of one document or query */
} serve_limits;

typedef struct serve_request {
    const serve_dialect *dialect;
    json_t *root;        /* holds the texts; owned */
    const char *model;   /* as it was named; NULL: not */
    serve_text *queries; /* [n_queries], owned.  One, or one for each document */
    size_t n_queries;
    const char **texts;    /* [n_documents], owned */
    size_t *bytes;         /* [n_documents], owned */
    const json_t **values; /* [n_documents] the documents as they came, owned */
    char **joined;         /* texts made of several fields, owned */
    size_t n_joined;
    size_t n_documents;
    serve_text instruction;     /* data NULL: none */
    size_t top_n;               /* results that are wanted; 0: all */
    size_t max_document_tokens; /* 0: not said */
    size_t max_query_tokens;    /* 0: not said */
    int32_t long_documents;     /* grt_long_documents */
    long long priority;         /* the least goes first */
    int cuts_starts; /* asked for, and not done: documents are cut at their ends */
    int returns_documents;
    int gives_logits; /* instead of scores from 0 to 1 */
    int is_streamed;
    int is_traced;
    serve_wishes wishes;
} serve_request;

/* Reads a body that was sent to `path`; on failure the dialect is set all the same, for
 * the shape of the error.  `out` is for serve_request_release also then. */
serve_fault_kind serve_request_read(serve_request *out, const char *path,
                                    const char *body, size_t bytes,
                                    const serve_limits *limits, serve_fault *fault);
void serve_request_release(serve_request *request);

/* The members of "grating", and the same of an alias. */
serve_fault_kind serve_wishes_read(serve_wishes *out, const json_t *object,
                                   serve_fault *fault);
/* What `own` does not say is taken from `other`. */
void serve_wishes_fill(serve_wishes *own, const serve_wishes *other);

#endif
