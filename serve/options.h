/*
 * options.h - what a server is started with.  Everything is borrowed and must outlive
 * the server.
 */
#ifndef SERVE_OPTIONS_H
#define SERVE_OPTIONS_H

#include "serve/request.h"

/* A name under which a checkpoint is asked for, with options of its own. */
typedef struct serve_alias {
    const char *name;
    const char *path;
    serve_wishes wishes;
} serve_alias;

typedef struct serve_options {
    const char *host; /* to listen at; NULL: 127.0.0.1 */
    const char *port; /* a number; "0": any that is free; NULL: 8080 */
    int listen_fd;    /* a socket that listens already; -1: none */

    const serve_alias *aliases; /* [n_aliases], the first is the default; at least 1 */
    size_t n_aliases;
    grt_engine_options engine; /* memory_bytes is the engine's own */
    grt_model_options model;   /* profile_path is for all */
    /* Of the whole process; 0: no limit.  Then `resident_bytes` must be set. */
    uint64_t memory_bytes;
    uint64_t (*resident_bytes)(void);
    void (*trim)(void); /* gives freed pages back; may be NULL */

    serve_wishes wishes;     /* where neither request nor alias says otherwise */
    size_t n_parallel;       /* rankings that take turns */
    size_t queue_limit;      /* requests that wait for one of these */
    unsigned busy_status;    /* 429 or 503: what is told when the queue is full */
    uint64_t idle_unload_ns; /* a model that nobody asks for is closed; 0: never */
    double self_check;       /* share of requests that is checked in full; 0: none */
    uint64_t drain_ns;       /* after the order to stop, work may go on for so long */
    serve_limits limits;
    size_t body_bytes;
    unsigned n_connections, n_per_address;
    unsigned idle_s, read_s;
    int keeps_half_closed;

    const char *const *keys; /* [n_keys]; none: everybody may ask */
    size_t n_keys;
    const char *const *hosts; /* [n_hosts] names in Host beside those of this machine */
    size_t n_hosts;
    const char *const *origins; /* [n_origins] pages that may ask, "*": all */
    size_t n_origins;
    const char *certificate, *key; /* PEM texts; NULL: no TLS */

    int logs_texts; /* 1: queries stand in the log */
    int is_quiet;   /* 1: no line for each request */
} serve_options;

#endif
