/*
 * faults.h - what is wrong with a request, and how it is told.
 *
 * A client may try again what comes back as 429, 500, 503 or 504.  So what would fail
 * in the same way again is none of these.
 */
#ifndef SERVE_FAULTS_H
#define SERVE_FAULTS_H

#include "serve/http.h"

typedef enum serve_fault_kind {
    SERVE_OK = 0,
    SERVE_BAD_REQUEST,   /* 400 */
    SERVE_UNAUTHORIZED,  /* 401 */
    SERVE_FORBIDDEN,     /* 403: a foreign Host or Origin */
    SERVE_NOT_FOUND,     /* 404 */
    SERVE_BAD_METHOD,    /* 405 */
    SERVE_TOO_LARGE,     /* 413: the body */
    SERVE_TOO_MANY,      /* 413: the documents */
    SERVE_TOO_LONG,      /* 422: a document, where it may not be cut */
    SERVE_UNPROCESSABLE, /* 422: it never fits, or the model cannot do it */
    SERVE_BAD_MODEL,     /* 424: it cannot be opened or read */
    SERVE_BUSY,          /* 429 or 503, try again */
    SERVE_LOADING,       /* 503, try again */
    SERVE_STOPPING,      /* 503, try again, elsewhere */
    SERVE_OUT_OF_MEMORY, /* 503 */
    SERVE_N_FAULTS
} serve_fault_kind;

typedef struct serve_fault {
    serve_fault_kind kind;
    unsigned retry_after_s; /* 0: not told */
    char param[64];         /* the member at fault, or "" */
    char text[320];
} serve_fault;

/* Fills `out` and returns the kind. */
serve_fault_kind serve_fail(serve_fault *out, serve_fault_kind kind, const char *param,
                            const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* What a failure of the library is to a client. */
serve_fault_kind serve_fail_status(serve_fault *out, grt_status status,
                                   const grt_error *error);

/* How a client wants errors. */
typedef enum serve_error_shape {
    SERVE_ERROR_OBJECT = 0, /* {"error": {...}, "message", "detail"} */
    SERVE_ERROR_STRING,     /* {"error": TEXT, "error_type": TYPE}: TEI, Weaviate */
    SERVE_ERROR_DETAIL /* {"message", "detail"}: Voyage breaks on an object "error" */
} serve_error_shape;

unsigned serve_fault_status(serve_fault_kind kind, unsigned busy_status);
/* Appends the body of an error. */
void serve_put_fault(wire_buffer *out, const serve_fault *fault,
                     serve_error_shape shape, unsigned status);
/* The whole answer. */
void serve_fault_response(http_response *out, const serve_fault *fault,
                          serve_error_shape shape, unsigned busy_status);

#endif
