/*
 * stats.h - what requests computed and read, and the plan of their memory.
 */
#ifndef CLI_STATS_H
#define CLI_STATS_H

#include "grating.h"

/* From this grt_stats.drift on, queries are of another kind than those of the
 * calibration. */
#define CLI_DRIFT_FAR 2.0F

/* Where the memory of a request goes in the process: budget, total and smallest budget
 * of `memory` are the process's, its scratch includes what no part counts. */
typedef struct cli_plan {
    uint64_t process_bytes; /* resident without the library */
    grt_memory_plan memory;
} cli_plan;

/* Of all requests of a run. */
typedef struct cli_stats {
    size_t n_queries;
    grt_stats sum; /* counts, bytes and times are sums; drift is the largest one */
    cli_plan plan; /* the largest one */
    uint64_t full_candidates_x_layers; /* what full passes compute */
    size_t n_drifted; /* queries whose drift was CLI_DRIFT_FAR or more */
    size_t n_late;    /* queries that a deadline ended */
} cli_stats;

void cli_stats_add(cli_stats *stats, const grt_stats *request, const cli_plan *plan);
/* Prints a block of lines to standard error; `profile` is its path or NULL. */
void cli_stats_report(const cli_stats *stats, const char *profile);

/* Prints a table of the parts to standard output. */
void cli_plan_print(const cli_plan *plan);

#endif
