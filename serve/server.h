/*
 * server.h - the server as a whole, for the command.
 *
 *     serve_server_start(&server, &options, &err)     listens, and opens the first
 * model
 *     ... wait for a signal ...
 *     serve_server_stop(server)                       finishes what has begun
 *
 * Threads: the one of http.h answers what needs no model; a reader takes JSON apart;
 * `n_parallel` workers rank, whose steps the library lets take turns; a watch looks
 * whether clients are still there.
 */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include "serve/options.h"

typedef struct serve_server serve_server;

/* Fills in what is not said. */
void serve_options_init(serve_options *options);

/* Listens before the first model is open, and then opens it: GRT_OK means ready.  On
 * failure nothing is left.  Signals should be blocked by the caller, who waits for
 * them. */
grt_status serve_server_start(serve_server **out, const serve_options *options,
                              grt_error *err);
/* Where it listens: "http://127.0.0.1:8080". */
const char *serve_server_address(const serve_server *server);
/* Lets nobody new in, finishes what has begun within options.drain_ns, and frees it. */
void serve_server_stop(serve_server *server);

#endif
