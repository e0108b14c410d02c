/* policy.h - what the selector asks of a policy.  Internal to src/select.
 *
 * A policy sees the active scores best first, and answers with two counts: so many of
 * the best are selected, so many of the worst dropped.  The rules that hold for all
 * policies are applied in selector.c. */
#ifndef GRT_SELECT_POLICY_H
#define GRT_SELECT_POLICY_H

#include "select/decisions.h"

#include <math.h>

typedef struct grt_ranked {
    const float *scores; /* [n] falling, NaN last */
    size_t n;
    size_t slots; /* 1..n - 1 */
} grt_ranked;

typedef struct grt_cut {
    size_t n_select;
    size_t n_drop;
} grt_cut;

/* The run of finite scores, their mean and population standard deviation. */
typedef struct grt_moments {
    size_t begin, end; /* equal when there is none; then both numbers are NaN */
    double mean;
    double deviation;
} grt_moments;

/* The cluster of one rank in the clustering that was chosen. */
typedef struct grt_clustering {
    size_t n_clusters;
    size_t begin, end; /* ranks of the cluster */
    double within;     /* sum of squares around the clusters' means, all clusters */
    double total;      /* the same for one cluster */
} grt_clustering;

/* Two NaN are the same: neither is better. */
static inline bool grt_is_same_score(float a, float b)
{
    return a == b || (isnan(a) && isnan(b));
}

grt_moments grt_finite_moments(const grt_ranked *ranked);

/* Optimal clusters of n > 0 sorted finite scores: the fewest, from two on, that leave
 * at most `unexplained` of the total, at most max_clusters; one where all scores are
 * equal. O(m n log n).  `at` is the rank whose cluster is wanted. */
grt_clustering grt_cluster_sorted(const float *scores, size_t n, size_t at,
                                  size_t max_clusters, double unexplained,
                                  void *scratch);
size_t grt_cluster_scratch_bytes(size_t n);

grt_cut grt_cut_by_cluster(const grt_cluster_policy *policy, const grt_ranked *ranked,
                           void *scratch);
/* The standard deviation of what a difference of two scores still moves until the last
 * layer, margin included; NaN: nothing is known. */
double grt_bound_movement(const grt_bound_policy *policy, const grt_boundary *boundary);

/* The same as it is expected, without a margin, seen from the last boundary; NaN:
 * nothing is known.  Without a bound policy scores are taken for a random walk. */
double grt_expected_movement(const grt_selector *selector,
                             const grt_decisions *decisions, size_t n_layers);

grt_cut grt_cut_by_bound(const grt_bound_policy *policy, const grt_boundary *boundary,
                         const grt_ranked *ranked);

#endif /* GRT_SELECT_POLICY_H */
