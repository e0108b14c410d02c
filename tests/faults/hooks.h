/* hooks.h - the n-th call of a kind fails, in a child of fork, whoever makes it: the
 * command, the library, or a library below them.
 *
 *   allocations  the C library's functions are replaced by ours, which pass on to its
 *                own; with AddressSanitizer those of our own code and of Jansson;
 *                mappings of our own code likewise
 *   threads      pthread_create of our own code
 *   the others   system calls: a seccomp filter hands each to a signal handler, which
 *                fails it or makes the call itself
 */
#ifndef GRT_TESTS_FAULTS_HOOKS_H
#define GRT_TESTS_FAULTS_HOOKS_H

#include <stdint.h>

typedef enum fault_kind {
    FAULT_NONE,
    FAULT_ALLOCATION,  /* one of them */
    FAULT_ALLOCATIONS, /* it and all after it */
    FAULT_THREAD,
    FAULT_OPEN,    /* EMFILE: no descriptor is left */
    FAULT_READ,    /* EIO */
    FAULT_NO_READ, /* nothing comes, as of a file that was cut while it is read */
    FAULT_WRITE,   /* ENOSPC, but not where messages go */
    FAULT_CHANGE,  /* EIO where a file is renamed, cut, reserved or synced */
    FAULT_N_KINDS
} fault_kind;

extern const char *const fault_names[FAULT_N_KINDS];

/* 1: this system lets system calls be failed; asked in a child. */
int fault_has_filter(void);

/* Before fork: the counts, which parent and child share, are 0. */
void fault_reset(void);
/* From here to fault_end calls are counted, and the n-th one of the kind fails (0: none
 * does).  System calls are counted for kinds of them only. */
void fault_begin(fault_kind kind, uint64_t n);
void fault_end(void);
uint64_t fault_count(fault_kind kind);

#endif /* GRT_TESTS_FAULTS_HOOKS_H */
