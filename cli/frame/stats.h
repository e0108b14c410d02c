/*
 * stats.h - what requests computed and read, and the plan of their memory.
 */
#ifndef CLI_STATS_H
#define CLI_STATS_H

#include "grating.h"

/* From this grt_stats.drift on, queries are of another kind than those of the
 * calibration. */
#define CLI_DRIFT_FAR 2.0F

/* Of all requests of a run. */
typedef struct cli_stats {
    size_t n_queries;
    grt_stats sum; /* counts, bytes and times are sums; plan and drift are the
                      largest ones */
    uint64_t full_candidates_x_layers; /* what full passes compute */
    size_t n_drifted; /* queries whose drift was CLI_DRIFT_FAR or more */
} cli_stats;

void cli_stats_add(cli_stats *stats, const grt_stats *request);
/* Prints a block of lines to standard error; `profile` is its path or NULL. */
void cli_stats_report(const cli_stats *stats, const char *profile);

/* Prints a table of the parts to standard output. */
void cli_plan_print(const grt_memory_plan *plan);

#endif
