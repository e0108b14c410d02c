/*
 * guard.h - who may ask: Host, Origin and keys.
 *
 * A page that a browser shows may send requests to this machine, also by a name of its
 * own that leads here (DNS rebinding).  So a Host must be one that such a page cannot
 * have: an address, a name without dots, or one that the operator named; and an Origin
 * must be this server, or one that the operator named.
 */
#ifndef SERVE_GUARD_H
#define SERVE_GUARD_H

#include "serve/options.h"

/* Headers that matter, NULL where they are absent. */
typedef struct serve_caller {
    const char *host, *origin;
    const char *authorization, *x_api_key, *api_key;
} serve_caller;

/* SERVE_OK or SERVE_FORBIDDEN. */
serve_fault_kind serve_check_host(const serve_options *options,
                                  const serve_caller *caller, serve_fault *fault);
/* SERVE_OK or SERVE_UNAUTHORIZED.  The time that it takes does not depend on how much
 * of a key is right. */
serve_fault_kind serve_check_key(const serve_options *options,
                                 const serve_caller *caller, serve_fault *fault);
/* 1: the origin was named by the operator, and its pages may read answers. */
int serve_is_named_origin(const serve_options *options, const char *origin);

#endif
