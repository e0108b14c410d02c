/*
 * state.h - what the threads of a server share.  For serve/ only.
 */
#ifndef SERVE_STATE_H
#define SERVE_STATE_H

#include "serve/log.h"
#include "serve/metrics.h"
#include "serve/models.h"
#include "serve/queue.h"
#include "serve/selfcheck.h"
#include "serve/server.h"

struct serve_server {
    /* Set at the start. */
    serve_options options;
    char address[320];
    uint64_t started_ns;
    grt_engine *engine;
    http_server *http;
    pthread_t reader, watch, late, checker;
    int has_reader, has_watch, has_late, has_checker; /* started */
    pthread_t *workers;                               /* [n_workers] started */
    size_t n_workers;
    /* Each guards itself. */
    serve_models models;
    serve_queue queue;
    serve_metrics metrics;
    serve_selfcheck selfcheck;
    serve_log log;
    pthread_mutex_t lock; /* guards what follows */
    int is_ready, is_stopping, watch_ends;

    uint64_t n_ids;
};

int serve_is_ready(serve_server *server);
int serve_is_stopping(serve_server *server);

/* ---- Threads ---- */

void *serve_reader_main(void *server);
void *serve_worker_main(void *server);
void *serve_late_main(void *server);
void *serve_watch_main(void *server);

/* ---- Requests ---- */

/* http_request_fn: refuses whom guard.h refuses, and answers or queues the others. */
void serve_check(http_exchange *exchange, void *server);
void serve_route(http_exchange *exchange, void *server);
/* http_refuse_fn. */
void serve_refuse(http_response *out, http_exchange *exchange, unsigned status,
                  const char *text, void *server);

/* Ends a job with an answer, or with a fault, and frees it. */
void serve_finish(serve_server *server, serve_job *job, serve_answer *answer);
void serve_finish_fault(serve_server *server, serve_job *job, const serve_fault *fault);

/* How long a client should wait when so many are before it. */
unsigned serve_retry_after(serve_server *server);

/* ---- Ranking ---- */

/* When the answer to a job is due, on the clock; 0: at no time. */
uint64_t serve_deadline_of(const serve_server *server, const serve_job *job);

/* Ranks a job's documents; the entries are for the caller to free. */
serve_fault_kind serve_rank(serve_server *server, serve_job *job, serve_answer *out,
                            serve_fault *fault);

/* ---- Pages ---- */

/* Answers a GET; 0: there is no such page. */
int serve_page(serve_server *server, http_exchange *exchange, const char *path);

/* ---- Streams ---- */

void serve_stream_begin(serve_server *server, serve_job *job);
/* A layer, as an event; on the thread that ranks. */
void serve_stream_step(serve_server *server, serve_job *job, const grt_step *step);
/* The last event; the exchange is then not the caller's. */
void serve_stream_end(serve_job *job, const char *event, const wire_buffer *data);

#endif
