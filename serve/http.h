/*
 * http.h - an HTTP/1.1 server: the one place that knows the library behind it.
 *
 * One thread of its own reads requests and writes answers.  It calls `check` when the
 * headers are there and `handle` when the body is, too.  Both may answer at once; a
 * handler that does not keeps the exchange, and answers, or streams, from any thread.
 *
 *     exchange    one request and its answer.  The handler owns it until http_answer or
 *                 http_stream_end, also when the client has left meanwhile.
 *
 * Refused here, before anybody sees it: two Content-Length headers, one beside a
 * Transfer-Encoding, a body over the limit.
 */
#ifndef SERVE_HTTP_H
#define SERVE_HTTP_H

#include "grating.h"
#include "wire/buffer.h"

typedef struct http_server http_server;
typedef struct http_exchange http_exchange;

/* What came in.  Borrowed from the exchange. */
typedef struct http_request {
    const char *method;
    const char *path;   /* decoded, without what follows "?" */
    const char *remote; /* the client's address, as text */
    const char *body;   /* [bytes], a NUL behind them; NULL: none */
    size_t bytes;
    uint64_t received_ns; /* of the monotonic clock, when the headers were there */
} http_request;

enum { HTTP_MAX_HEADERS = 16 };

typedef struct http_header {
    const char *name, *value; /* borrowed for the call */
} http_header;

typedef struct http_response {
    unsigned status;
    const char *type; /* Content-Type */
    http_header headers[HTTP_MAX_HEADERS];
    size_t n_headers;
    wire_buffer body; /* taken over */
    int closes;       /* 1: the connection ends with this answer */
} http_response;

/* On the server's thread. */
typedef void http_request_fn(http_exchange *exchange, void *payload);
/* Writes the answer to what is refused here, for the path that it was sent to. */
typedef void http_refuse_fn(http_response *out, http_exchange *exchange,
                            unsigned status, const char *text, void *payload);

typedef struct http_options {
    int listen_fd;      /* a listening socket; taken over */
    size_t body_bytes;  /* largest body */
    size_t total_bytes; /* of all bodies that are in memory */
    unsigned n_connections;
    unsigned n_per_address;
    unsigned idle_s;         /* a connection that is silent for so long is closed */
    unsigned read_s;         /* a request must have been read within so long */
    int keeps_half_closed;   /* 1: who has shut down his sending side still gets an
                                answer; else he counts as gone */
    const char *certificate; /* PEM texts; NULL: no TLS */
    const char *key;
    http_request_fn *check, *handle;
    http_refuse_fn *refuse;
    void *payload; /* of all three */
} http_options;

/* Starts serving.  GRT_E_IO, GRT_E_NO_MEMORY, GRT_E_UNSUPPORTED (no TLS here). */
grt_status http_start(http_server **out, const http_options *options, grt_error *err);
/* From here on nobody new is let in; who is in is told that his connection ends. */
void http_drain(http_server *server);
/* Requests that are read or not answered in full. */
size_t http_n_exchanges(http_server *server);
/* Closes connections that have taken too long to send a request; call it now and then.
 */
void http_sweep(http_server *server);
/* All exchanges must have been answered. */
void http_stop(http_server *server);

const http_request *http_request_of(const http_exchange *exchange);
/* A header's value, or NULL; in `check` and `handle` only. */
const char *http_header_of(const http_exchange *exchange, const char *name);

/* The answer; the exchange is no longer the caller's.  Any thread. */
void http_answer(http_exchange *exchange, http_response *response);

/* An answer that is written bit by bit (server-sent events).  The response's body is
 * its beginning. */
void http_stream_begin(http_exchange *exchange, http_response *response);
/* 0: too much waits to be sent already, and nothing was added.  `must_keep` 1: it is
 * added all the same. */
int http_stream_write(http_exchange *exchange, const char *data, size_t bytes,
                      int must_keep);
/* The end; the exchange is no longer the caller's. */
void http_stream_end(http_exchange *exchange);

/* 1: the client has left.  Any thread. */
int http_is_gone(http_exchange *exchange);

void http_add_header(http_response *response, const char *name, const char *value);

#endif
