/*
 * places.h - paths, and what lies at them, for the commands that look for models.
 */
#ifndef CLI_PLACES_H
#define CLI_PLACES_H

#include <limits.h>
#include <stddef.h>

typedef struct cli_place {
    char text[PATH_MAX];
} cli_place;

/* 0 when it is too long. */
int cli_place_make(cli_place *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Something is there, behind links too. */
int cli_place_exists(const char *path);
int cli_place_is_folder(const char *path);

/* The value of a variable that is set and not empty, or NULL. */
const char *cli_variable(const char *name);
/* A variable that holds a folder, with "~/" at its start as the user's own; 0: it is
 * not set. */
int cli_place_of_variable(cli_place *out, const char *name);

/* Whether the same folder is among the n places, under this name or another. */
int cli_place_is_among(const cli_place *places, size_t n, const cli_place *one);

/* Not 0 ends the walk. */
typedef int cli_place_fn(const char *folder, const char *name, void *payload);

/* Calls `fn` with what is in a folder, by name; names that begin with a dot are left
 * out, and a folder that is not there is empty. */
int cli_place_walk(const char *folder, cli_place_fn *fn, void *payload);

/* What looking for a model by its name came to. */
typedef enum cli_find {
    CLI_FIND_NONE,   /* nobody has it */
    CLI_FIND_OK,     /* it is at a place */
    CLI_FIND_BROKEN, /* it is there and cannot be used; a text says why */
} cli_find;

enum { CLI_PROBLEM_BYTES = 1000 };

/* What is too long is cut. */
void cli_find_problem(char problem[CLI_PROBLEM_BYTES], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
