/* places.h - paths, and what lies at them, for looking for models by name. */
#ifndef GRT_FIND_PLACES_H
#define GRT_FIND_PLACES_H

#include "base/error.h"

#include <stdbool.h>

enum { GRT_PATH_BYTES = 4096 };

typedef struct grt_place {
    char text[GRT_PATH_BYTES];
} grt_place;

/* False when it is too long. */
bool grt_place_make(grt_place *out, const char *format, ...)
    __attribute__((format(GRT_PRINTF, 2, 3)));

/* Something is there, behind links too. */
bool grt_place_exists(const char *path);
bool grt_place_is_folder(const char *path);
/* When it was last written to, in nanoseconds since some beginning; 0: nothing is
 * there. */
uint64_t grt_place_written(const char *path);

/* Reads a small file and ends it with a NUL; returns its bytes, or -1 where it is not a
 * file that can be read or does not fit. */
int64_t grt_place_read(const char *path, char *out, size_t capacity);

/* A variable that holds a folder, with "~/" at its start as the user's own; false: it
 * is not set. */
bool grt_place_of_variable(grt_place *out, const char *name);

/* Whether the same folder is among the n places, under this name or another. */
bool grt_place_is_among(const grt_place *places, size_t n, const grt_place *one);

/* Not 0 ends the walk. */
typedef int grt_place_fn(const char *folder, const char *name, void *payload);

/* Calls `fn` with what is in a folder, by name; names that begin with a dot are left
 * out, and a folder that is not there is empty.  What `fn` returned last, 0, or
 * GRT_E_IO or GRT_E_NO_MEMORY, before any call, where it could not be read. */
int grt_place_walk(const char *folder, grt_place_fn *fn, void *payload);

/* Whether the texts are the same but for the case of ASCII letters; of the first n
 * bytes. */
bool grt_is_same_word(const char *a, const char *b, size_t n);

/* What looking for a model by its name came to. */
typedef enum grt_find_state {
    GRT_FIND_NONE,   /* nobody has it */
    GRT_FIND_OK,     /* it is at a place */
    GRT_FIND_BROKEN, /* it is there and cannot be used; a text says why */
} grt_find_state;

enum { GRT_PROBLEM_BYTES = 512 };

/* What is too long is cut. */
void grt_find_problem(char problem[GRT_PROBLEM_BYTES], const char *format, ...)
    __attribute__((format(GRT_PRINTF, 2, 3)));

#endif
