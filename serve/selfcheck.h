/*
 * selfcheck.h - does the precision hold on what is really asked?
 *
 * A stated share of the requests that were decided early is kept, and ranked once more
 * in full when nobody else needs the machine.  The share of the full pass's top K that
 * had come back is counted for each model's name.  Where it is too low, with what
 * chance may do set aside, less loss is asked of the policy than the requests allow;
 * where it is well above, again more.  Every such change stands in the log.
 *
 * Thread safe.
 */
#ifndef SERVE_SELFCHECK_H
#define SERVE_SELFCHECK_H

#include "serve/dialects.h"
#include "serve/log.h"
#include "serve/models.h"
#include "serve/queue.h"

/* Of one model's name, since the last change of its factor. */
typedef struct serve_observed {
    uint64_t n_checks; /* requests, since the start */
    uint64_t n_places; /* of top Ks */
    uint64_t n_lost;   /* places that the full pass gives to another document */
    double allowed;    /* that may be lost, by the precision of each request */
    double factor;     /* of the loss that is allowed, at most 1 */
    uint64_t n_changes;
} serve_observed;

typedef struct serve_kept serve_kept;

typedef struct serve_selfcheck {
    const serve_options *options;
    serve_models *models;
    serve_queue *queue; /* nothing is checked while somebody waits */
    serve_log *log;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t has_kept;
    serve_observed *observed; /* [n_aliases] */
    serve_kept *first;
    size_t n_kept, kept_bytes;
    double due; /* rises by the share with each request */
    int is_closed;
    grt_ranking *ranking; /* in progress */
} serve_selfcheck;

grt_status serve_selfcheck_init(serve_selfcheck *self, const serve_options *options,
                                serve_models *models, serve_queue *queue,
                                serve_log *log);
/* Its thread must have ended. */
void serve_selfcheck_release(serve_selfcheck *self);

/* The precision to ask of the policy where a request is promised `precision`. */
float serve_selfcheck_precision(serve_selfcheck *self, size_t alias, float precision);
/* Takes the request over when it is to be checked; else it stays the caller's.
 * `precision`: what was promised. */
void serve_selfcheck_offer(serve_selfcheck *self, size_t alias, serve_request *request,
                           const serve_answer *answer, float precision);

/* Its thread. */
void *serve_selfcheck_main(void *self);
/* Somebody has come: what it computes is cancelled, and tried again later. */
void serve_selfcheck_yield(serve_selfcheck *self);
/* Its thread returns soon. */
void serve_selfcheck_close(serve_selfcheck *self);

/* Appends its metrics; nothing where nothing is checked. */
void serve_selfcheck_put(wire_buffer *out, serve_selfcheck *self);

/* ---- Arithmetic ---- */

/* 95 % interval of a share of n by Wilson. */
void serve_wilson(double share, uint64_t n, double *low, double *high);
/* Counts a request, and changes the factor when it is time; 1: it has changed. */
int serve_observe(serve_observed *observed, size_t k, size_t n_lost, float precision);

#endif
