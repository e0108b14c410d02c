/* listen.h - the socket that clients connect to. */
#ifndef SERVE_LISTEN_H
#define SERVE_LISTEN_H

#include "grating.h"

/* Listens at a host and a port; `host` may be an address or a name.  GRT_E_IO says why
 * not (in use, not this machine's, not allowed). */
grt_status serve_listen(int *out, const char *host, const char *port, grt_error *err);
/* "127.0.0.1:8080" or "[::1]:8080". */
void serve_listen_address(int fd, char *out, size_t capacity);
/* The socket that systemd hands over (LISTEN_PID, LISTEN_FDS), or -1: there is none.
 * More than one, or one that does not listen, is GRT_E_INVALID_ARG. */
grt_status serve_listen_inherited(int *out, grt_error *err);

#endif
