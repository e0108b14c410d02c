/* history.h - scores of full passes at every boundary, and what a policy would have
 * made of them. */
#ifndef GRT_CALIBRATE_HISTORY_H
#define GRT_CALIBRATE_HISTORY_H

#include "select/decisions.h"

#include "base/error.h"

/* Candidates of all queries lie end to end. */
typedef struct grt_histories {
    size_t n_layers;
    size_t n_queries;
    size_t n_samples;   /* candidates of all queries */
    const size_t *ends; /* [n_queries] candidate after each query's last */
    float *scores;      /* [n_layers][n_samples] after each layer */
} grt_histories;

/* First candidate and number of candidates of a query. */
size_t grt_history_begin(const grt_histories *histories, size_t query);
size_t grt_history_count(const grt_histories *histories, size_t query);

/* What a policy did on average over the queries with more than k candidates. */
typedef struct grt_replay {
    size_t n_queries; /* 0: there is none, and the rest is 0 */
    double kept;      /* share of the full pass's top K that came back, mean */
    double error;     /* standard error of that mean */
    double missed;    /* members of a top K that did not come back, all queries */
    double computed;  /* layers x candidates, share of the full pass */
    double drift;     /* the factor by which the policy saw scores drift, mean */
} grt_replay;

/* Runs the selector over all histories.  kept: [n_queries] share of each query, -1 for
 * those that were left out; NULL: not wanted.  GRT_E_NO_MEMORY. */
GRT_NODISCARD grt_status grt_replay_run(grt_replay *out, const grt_histories *histories,
                                        const grt_selector *selector, size_t k,
                                        float *kept, grt_error *err);

/* Standard deviation, over all queries, of what a difference of two scores moves from
 * after layer `from` to after layer `to` (1..n_layers); before layer 1 (from 0) all are
 * equal. */
double grt_history_spread(const grt_histories *histories, size_t from, size_t to);

/* Goodman and Kruskal's gamma between the order after `layer` layers and the final
 * one, over all pairs of candidates of the same query; 0 where all are tied. */
double grt_history_gamma(const grt_histories *histories, size_t layer);

#endif /* GRT_CALIBRATE_HISTORY_H */
