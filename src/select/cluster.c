/* cluster.c - optimal one-dimensional k-means, and the published policy on top of it.
 *
 * Clusters of sorted numbers are runs.  The least cost of the first j numbers in at
 * most m clusters is the least, over i, of the first i in m - 1 clusters plus one
 * cluster from i to j.  The best i never falls when j rises, so the middle j is solved
 * first and halves the search of the others: O(n log n) for each m.  Only one cluster
 * is asked for, so each entry carries the bounds of that one instead of all splits. */
#include "select/policy.h"

/* Below this share of the total, a sum of squares is rounding. */
#define NOISE 1e-12

typedef struct cluster_row {
    double *cost;  /* [n + 1] of the first j numbers */
    size_t *begin; /* [n + 1] of the wanted cluster, where j > at */
    size_t *end;
} cluster_row;

typedef struct cluster_search {
    double *sums; /* [n + 1] of the first j centred numbers */
    double *squares;
    cluster_row before; /* one cluster less */
    cluster_row now;
    size_t at;
} cluster_search;

size_t grt_cluster_scratch_bytes(size_t n)
{
    return (n + 1) * (4 * sizeof(double) + 4 * sizeof(size_t));
}

static cluster_search place_search(void *scratch, size_t n, size_t at)
{
    double *reals = scratch;
    size_t *ranks = (size_t *)(reals + 4 * (n + 1));
    size_t step = n + 1;
    return (cluster_search){
        .sums = reals,
        .squares = reals + step,
        .before = {reals + 2 * step, ranks, ranks + step},
        .now = {reals + 3 * step, ranks + 2 * step, ranks + 3 * step},
        .at = at,
    };
}

/* Centred on the mean, so that squares do not cancel where scores lie far from 0. */
static void fill_sums(cluster_search *search, const float *scores, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)scores[i];
    double mean = sum / (double)n;
    search->sums[0] = 0;
    search->squares[0] = 0;
    for (size_t i = 0; i < n; i++) {
        double x = (double)scores[i] - mean;
        search->sums[i + 1] = search->sums[i] + x;
        search->squares[i + 1] = search->squares[i] + x * x;
    }
}

static double run_cost(const cluster_search *search, size_t begin, size_t end)
{
    if (begin == end) return 0;
    double sum = search->sums[end] - search->sums[begin];
    double squares = search->squares[end] - search->squares[begin];
    double cost = squares - sum * sum / (double)(end - begin);
    return cost > 0 ? cost : 0;
}

/* Solves entry j with the last cluster beginning in first..last; says where. */
static size_t solve_entry(cluster_search *search, size_t j, size_t first, size_t last)
{
    size_t best = first;
    double least = search->before.cost[first] + run_cost(search, first, j);
    for (size_t i = first + 1; i <= last && i <= j; i++) {
        double cost = search->before.cost[i] + run_cost(search, i, j);
        if (cost >= least) continue;
        least = cost;
        best = i;
    }
    bool is_wanted = best <= search->at && search->at < j;
    search->now.cost[j] = least;
    search->now.begin[j] = is_wanted ? best : search->before.begin[best];
    search->now.end[j] = is_wanted ? j : search->before.end[best];
    return best;
}

/* Solves entries begin..end - 1; recursion is as deep as the logarithm of their number.
 * first <= begin holds throughout. */
static void solve_entries(cluster_search *search, size_t begin, size_t end,
                          size_t first, size_t last)
{
    if (begin == end) return;
    size_t middle = begin + (end - begin) / 2;
    size_t split = solve_entry(search, middle, first, last);
    solve_entries(search, begin, middle, first, split);
    solve_entries(search, middle + 1, end, split, last);
}

static void solve_one_cluster(cluster_search *search, size_t n)
{
    for (size_t j = 0; j <= n; j++) {
        search->now.cost[j] = run_cost(search, 0, j);
        search->now.begin[j] = 0;
        search->now.end[j] = j;
    }
}

static void solve_one_more(cluster_search *search, size_t n)
{
    cluster_row solved = search->now;
    search->now = search->before;
    search->before = solved;
    solve_entries(search, 0, n + 1, 0, n);
}

grt_clustering grt_cluster_sorted(const float *scores, size_t n, size_t at,
                                  size_t max_clusters, double unexplained,
                                  void *scratch)
{
    cluster_search search = place_search(scratch, n, at);
    fill_sums(&search, scores, n);
    solve_one_cluster(&search, n);
    double total = search.now.cost[n];
    double limit = (unexplained > NOISE ? unexplained : NOISE) * total;
    size_t most = max_clusters < n ? max_clusters : n;
    size_t n_clusters = 1;
    if (total > 0) {
        while (n_clusters < most && (n_clusters < 2 || search.now.cost[n] > limit)) {
            solve_one_more(&search, n);
            n_clusters++;
        }
    }
    return (grt_clustering){
        .n_clusters = n_clusters,
        .begin = search.now.begin[n],
        .end = search.now.end[n],
        .within = search.now.cost[n],
        .total = total,
    };
}

/* Ranks of the cluster that holds the last candidate inside.  Scores that are not
 * finite have no place in a sum of squares: equal ones are a cluster of their own. */
static void find_boundary_cluster(const grt_cluster_policy *policy,
                                  const grt_ranked *ranked, const grt_moments *moments,
                                  void *scratch, size_t *begin, size_t *end)
{
    size_t at = ranked->slots - 1;
    *begin = at;
    *end = at + 1;
    if (at >= moments->begin && at < moments->end) {
        grt_clustering found = grt_cluster_sorted(
            ranked->scores + moments->begin, moments->end - moments->begin,
            at - moments->begin, policy->max_clusters, 1 - (double)policy->explained,
            scratch);
        *begin = moments->begin + found.begin;
        *end = moments->begin + found.end;
    }
    /* An optimum never splits equal scores, but rounding might. */
    const float *scores = ranked->scores;
    while (*begin > 0 && grt_is_same_score(scores[*begin - 1], scores[*begin]))
        --*begin;
    while (*end < ranked->n && grt_is_same_score(scores[*end - 1], scores[*end]))
        ++*end;
}

grt_cut grt_cut_by_cluster(const grt_cluster_policy *policy, const grt_ranked *ranked,
                           void *scratch)
{
    grt_cut cut = {0, 0};
    grt_moments moments = grt_finite_moments(ranked);
    /* mean 0 gives infinity, or NaN where all scores are 0: that is no dispersion */
    double variation = fabs(moments.deviation / moments.mean);
    if (!(variation > (double)policy->dispersion)) return cut;
    size_t begin, end;
    find_boundary_cluster(policy, ranked, &moments, scratch, &begin, &end);
    cut.n_select = begin;
    cut.n_drop = ranked->n - end;
    return cut;
}
