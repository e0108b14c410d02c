/*
 * metrics.h - what a server has done, counted, in the text format of Prometheus.
 * Thread safe.
 */
#ifndef SERVE_METRICS_H
#define SERVE_METRICS_H

#include "serve/dialects.h"

#include <pthread.h>

enum { SERVE_BUCKETS = 14 };

typedef struct serve_histogram {
    uint64_t counts[SERVE_BUCKETS + 1]; /* the last: above all bounds */
    double sum;
} serve_histogram;

enum { SERVE_N_DIALECTS = 8, SERVE_N_STATUSES = 16 };

typedef struct serve_metrics {
    pthread_mutex_t lock;
    struct {
        const char *dialect;
        unsigned status;
        uint64_t n;
    } requests[SERVE_N_DIALECTS * SERVE_N_STATUSES];
    serve_histogram total, queue, compute; /* seconds */
    uint64_t n_documents, n_tokens;
    uint64_t tokens_x_layers, full_tokens_x_layers;
    uint64_t candidates_x_layers, full_candidates_x_layers;
    uint64_t n_deadlines, n_gone, n_truncated;
    uint64_t read_bytes;
    double service_s; /* mean of the last requests, without waiting */
} serve_metrics;

void serve_metrics_init(serve_metrics *metrics);
void serve_metrics_release(serve_metrics *metrics);

/* A request that was answered with a status, after so long. */
void serve_metrics_request(serve_metrics *metrics, const char *dialect, unsigned status,
                           uint64_t total_ns);
/* One that was ranked. */
void serve_metrics_answer(serve_metrics *metrics, const serve_answer *answer);
void serve_metrics_gone(serve_metrics *metrics);
/* Mean seconds that a ranking took of late; 0: none was there. */
double serve_metrics_service_s(serve_metrics *metrics);

/* What is so now, and not counted. */
typedef struct serve_gauges {
    size_t n_unread, n_waiting, n_running, n_connections;
    int is_ready;
    uint64_t resident_bytes, uptime_ns;
    grt_engine_usage usage;
} serve_gauges;

void serve_metrics_put(wire_buffer *out, serve_metrics *metrics,
                       const serve_gauges *gauges);

#endif
