/*
 * lenient.h - members of a JSON object as clients really write them.
 *
 * null is the same as absent; a number or a truth value may be a string.  What cannot
 * be taken for what is wanted is SERVE_BAD_REQUEST, with the member's name.
 */
#ifndef SERVE_LENIENT_H
#define SERVE_LENIENT_H

#include "serve/faults.h"

#include <jansson.h>

/* A text, which may hold NULs.  `data` NULL: there is none. */
typedef struct serve_text {
    const char *data;
    size_t bytes;
} serve_text;

/* The member, or NULL when it is absent or null. */
const json_t *serve_member(const json_t *object, const char *name);
/* Of the first of the names, which end with NULL, that is there. */
const json_t *serve_first_member(const json_t *object, const char *const *names,
                                 const char **found);

serve_text serve_text_of(const json_t *string);

/* Each leaves *out alone when the member is absent, and returns `fault->kind`, which is
 * not changed when all is well. */
serve_fault_kind serve_take_bool(int *out, const json_t *object, const char *name,
                                 serve_fault *fault);
/* -1 and less is 0. */
serve_fault_kind serve_take_count(size_t *out, const json_t *object, const char *name,
                                  serve_fault *fault);
serve_fault_kind serve_take_integer(long long *out, const json_t *object,
                                    const char *name, serve_fault *fault);
serve_fault_kind serve_take_real(double *out, const json_t *object, const char *name,
                                 serve_fault *fault);
serve_fault_kind serve_take_text(serve_text *out, const json_t *object,
                                 const char *name, serve_fault *fault);

#endif
