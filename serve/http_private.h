/*
 * http_private.h - what http.c and http_connections.c share.
 */
#ifndef SERVE_HTTP_PRIVATE_H
#define SERVE_HTTP_PRIVATE_H

#include "serve/http.h"

#include <microhttpd.h>
#include <pthread.h>

/* A connection, between its first byte and its last. */
typedef struct http_connection {
    struct http_connection *before, *after;
    int fd;
    uint64_t waits_since_ns; /* for a request, or the rest of one; 0: it does not */
    int was_closed;          /* shut down by http_sweep */
} http_connection;

struct http_exchange {
    http_exchange *before, *after; /* in the server's list */
    http_server *server;
    struct MHD_Connection *connection; /* NULL: completed */
    http_connection *link;
    int fd;
    http_request request;
    char remote[64];
    char *method, *path;
    wire_buffer body;
    size_t counted_bytes; /* of the body, in the server's sum */
    int is_too_large;
    int n_owners; /* the library, and the handler */
    int is_dispatched;
    int is_suspended;
    /* The answer, once there is one. */
    int is_answered; /* `response` NULL: there was no memory for it */
    struct MHD_Response *response;
    unsigned status;
    int is_queued;
    /* Streams. */
    int has_ended;
    wire_buffer pending; /* not sent yet, from sent_bytes on */
    size_t sent_bytes;
};

struct http_server {
    http_options options;
    struct MHD_Daemon *daemon;
    pthread_mutex_t lock; /* guards all below, and all of exchanges */
    http_exchange *exchanges;
    http_connection *connections;
    size_t n_exchanges;
    size_t total_bytes;
    int is_draining;
    int listen_fd; /* after draining: -1 */
};

/* MHD_NotifyConnectionCallback. */
void http_connection_changed(void *payload, struct MHD_Connection *connection,
                             void **socket_context,
                             enum MHD_ConnectionNotificationCode code);

#endif
