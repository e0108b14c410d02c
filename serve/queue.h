/*
 * queue.h - requests on their way: read one after the other, then ranked in the order
 * of their priorities.
 *
 *     unread --> reading --> waiting --> running
 *
 * The lock guards the list and what is said so below; the rest of a job belongs to the
 * thread that holds it.
 */
#ifndef SERVE_QUEUE_H
#define SERVE_QUEUE_H

#include "serve/dialects.h"
#include "serve/options.h"

#include <pthread.h>

typedef enum serve_job_state {
    SERVE_JOB_UNREAD = 0,
    SERVE_JOB_READING,
    SERVE_JOB_WAITING,
    SERVE_JOB_RUNNING
} serve_job_state;

typedef struct serve_job {
    struct serve_job *before, *after; /* guarded by the lock */
    serve_job_state state;            /* guarded */
    uint64_t number;                  /* of arrival */
    http_exchange *exchange;
    serve_request request;
    char id[40];
    const char *path; /* static */
    uint64_t received_ns, started_ns;
    size_t alias;         /* that ranked */
    float precision;      /* promised; 0: none */
    uint64_t deadline_ns; /* on the clock, set before it waits; 0: none */
    grt_ranking *ranking; /* guarded; NULL: none computes */
    int is_gone;          /* guarded: the client has left */
    int is_cancelled;     /* guarded: the server stops */
    int is_streaming;     /* guarded: the answer has begun */
    uint64_t written_ns;  /* guarded: the last event of a stream */
} serve_job;

typedef struct serve_queue {
    pthread_mutex_t lock;
    pthread_cond_t has_unread, has_waiting, has_ended, has_deadline;
    serve_job *first, *last; /* in the order of arrival */
    size_t counts[4];        /* by state */
    size_t limit;            /* of those that wait */
    uint64_t n_arrived, n_ended;
    int is_closed;
} serve_queue;

void serve_queue_init(serve_queue *queue, size_t limit);
void serve_queue_release(serve_queue *queue);
/* No more jobs come: threads that wait for one return. */
void serve_queue_close(serve_queue *queue);

void serve_queue_add(serve_queue *queue, serve_job *job);
/* Wait for a job; NULL: closed, and none is left. */
serve_job *serve_queue_next_unread(serve_queue *queue);
serve_job *serve_queue_next(serve_queue *queue);
/* One whose deadline has passed while it waited: its answer is due, whoever else is
 * before it. */
serve_job *serve_queue_next_late(serve_queue *queue);
/* 0: too many wait already. */
int serve_queue_fits(serve_queue *queue);
/* A job that was read is to be ranked. */
void serve_queue_put(serve_queue *queue, serve_job *job);
/* Takes a job out of the list. */
void serve_queue_remove(serve_queue *queue, serve_job *job);
/* Waits until another job has ended, or for so long.  `n_ended` is the count that the
 * caller has seen. */
void serve_queue_wait_ended(serve_queue *queue, uint64_t n_ended, uint64_t most_ns);

size_t serve_queue_count(serve_queue *queue, serve_job_state state);
/* All. */
size_t serve_queue_total(serve_queue *queue);

#endif
