/* progress.h - the progress bar, drawn between the steps of a ranking. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdint.h>

#include "grating.h"

typedef struct cli_progress {
    int is_shown;        /* a bar is wanted and standard error is a terminal */
    int is_drawn;        /* a bar is on the screen */
    size_t query_number; /* in a batch; 0: none */
    int64_t drawn_ns;    /* when it was drawn last */
    double n_computed;   /* layers of candidates, of the ranking at hand */
    size_t n_last;       /* candidates that the next layer computes */
} cli_progress;

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
/* Draws how far a ranking is, with the number of its query in a batch: how many
 * documents are not decided, and the time left if none of them were before the end. */
void cli_progress_step(cli_progress *progress, const grt_step *step);
/* Takes the bar off the screen. */
void cli_progress_erase(cli_progress *progress);

#endif
