/*
 * progress.h - the progress bar and Ctrl-C.
 *
 * Both live in the callback that the library calls after each layer: the bar is drawn
 * there, and an interrupt noted by the signal handler ends the ranking from there.
 * While the process waits for input there is no callback, and no way to check a note
 * and begin to wait in one step: there the handler itself ends the process.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdint.h>

#include "grating.h"

typedef struct cli_progress {
    int is_shown;        /* a bar is wanted and standard error is a terminal */
    int is_drawn;        /* a bar is on the screen */
    size_t query_number; /* in a batch; 0: none */
    int64_t drawn_ns;    /* when it was drawn last */
} cli_progress;

/* From here on the first Ctrl-C is noted, and the second ends the process. */
void cli_catch_interrupts(void);
int cli_was_interrupted(void);
/* Between these two a Ctrl-C ends the process at once with CLI_INTERRUPTED; what was
 * printed must have been flushed. */
void cli_begin_waiting(void);
void cli_end_waiting(void);
/* A Ctrl-C that ends the process at once removes this file first; kept, NULL: none. */
void cli_remove_when_interrupted(const char *path);
/* Prints "interrupted"; returns CLI_INTERRUPTED. */
int cli_fail_interrupted(void);

void cli_progress_init(cli_progress *progress, int is_wanted);
/* A grt_progress_fn; the payload is a cli_progress. */
int cli_progress_step(const grt_progress *step, void *payload);
/* Takes the bar off the screen. */
void cli_progress_erase(cli_progress *progress);

#endif
