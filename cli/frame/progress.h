/*
 * progress.h - the progress bar and Ctrl-C.
 *
 * The bar is drawn between the steps of a ranking.  The signal handler notes an
 * interrupt, and cancels what the library computes.  While the process waits for input
 * nothing is computed, and there is no way to check a note and begin to wait in one
 * step: there the handler itself ends the process.
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
/* What the library computes and how that is cancelled, from the handler too. */
typedef struct cli_running {
    void (*cancel)(void *work);
    void *work;
} cli_running;

/* The first Ctrl-C cancels it, at once when there was one; kept, NULL: none. */
void cli_cancel_when_interrupted(const cli_running *running);
/* Between these two a Ctrl-C ends the process at once with CLI_INTERRUPTED; what was
 * printed must have been flushed. */
void cli_begin_waiting(void);
void cli_end_waiting(void);
/* A Ctrl-C that ends the process at once removes this file first; kept until it is
 * taken back.  There is room for a few. */
void cli_remove_when_interrupted(const char *path);
void cli_keep_when_interrupted(const char *path);
/* A Ctrl-C that ends the process at once prints this text last, lines and all; kept,
 * NULL: none. */
void cli_say_when_interrupted(const char *text);
/* Prints "interrupted"; returns CLI_INTERRUPTED. */
int cli_fail_interrupted(void);

/* Of a clock that only goes forward. */
int64_t cli_now_ns(void);

void cli_progress_init(cli_progress *progress, int is_wanted);
/* Draws a bar filled to `part` of `whole`, with text before and after it, unless the
 * last one was drawn a moment ago. */
void cli_progress_draw(cli_progress *progress, const char *before, uint64_t part,
                       uint64_t whole, const char *after);
/* The same with the time since `started_ns` after it and, when `done` of `total` parts
 * of the work took that time, the time that is left. */
void cli_progress_draw_work(cli_progress *progress, const char *before, uint64_t part,
                            uint64_t whole, double done, double total,
                            int64_t started_ns);
/* Draws how far a ranking is, with the number of its query in a batch. */
void cli_progress_step(cli_progress *progress, const grt_step *step);
/* Takes the bar off the screen. */
void cli_progress_erase(cli_progress *progress);

#endif
