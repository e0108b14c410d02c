/*
 * names.h - a set of names, numbered in the order in which they came.
 */
#ifndef CLI_NAMES_H
#define CLI_NAMES_H

#include <stddef.h>
#include <stdint.h>

#define CLI_NAMES_NONE SIZE_MAX

/* Initialised with zeros.  A name has no NUL in it. */
typedef struct cli_names {
    char *bytes; /* all names, each with its NUL */
    size_t n_bytes;
    size_t capacity_bytes;
    size_t *starts; /* [n] where a name begins in `bytes` */
    size_t n;
    size_t capacity;
    size_t *slots; /* [n_slots] numbers from 1, 0: empty; open addressing */
    size_t n_slots;
} cli_names;

/* 1: added; 0: it was there; -1: out of memory.  `*number` is its number. */
int cli_names_add(cli_names *names, const char *name, size_t *number);
/* The number of a name, or CLI_NAMES_NONE. */
size_t cli_names_find(const cli_names *names, const char *name);
/* Borrowed until the next name is added. */
const char *cli_names_text(const cli_names *names, size_t number);
void cli_names_release(cli_names *names);

#endif
