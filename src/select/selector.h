/* selector.h - who is in the top K, who is not, who computes on.
 *
 * Pure functions of scores: no tensors, no files, no memory of their own.  The rules,
 * their sources and where they differ from the paper: docs/algorithms/selection.md. */
#ifndef GRT_SELECT_SELECTOR_H
#define GRT_SELECT_SELECTOR_H

#include "grating.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum grt_verdict {
    GRT_VERDICT_DEFER, /* computes on */
    GRT_VERDICT_SELECT,
    GRT_VERDICT_DROP
} grt_verdict;

/* The published policy (arXiv 2510.15620): where the coefficient of variation of the
 * scores exceeds a threshold, cluster them and route clusters by the one that holds the
 * K-th candidate. */
typedef struct grt_cluster_policy {
    float dispersion;    /* threshold on |std / mean| of the active scores */
    size_t max_clusters; /* from 2 on; below, all finite scores are one cluster */
    float explained;     /* the fewest clusters that explain this share of the variance,
                            0..1, are taken, but at most max_clusters */
} grt_cluster_policy;

/* Ours: a difference of two scores at boundary l still moves until the last layer by a
 * normal amount of a known standard deviation. */
typedef struct grt_bound_policy {
    /* [n_layers] that deviation at boundary l; silent where INFINITY, NaN or negative.
     * NULL: nothing was calibrated, and scores are taken for a random walk whose steps
     * are as large as those so far were. */
    const float *spread;
    /* [n_layers] what a difference usually moves from boundary l - 1 to l; all are 0
     * before layer 1.  Scores that move farther are of a domain that was not
     * calibrated, and spreads grow in proportion.  [1] of 0: not known, and silent at
     * boundary 1.  NULL: spreads are believed. */
    const float *moves;
    size_t n_layers;
    float margin;    /* deviations are multiplied by it */
    float precision; /* expected share of the full pass's top K, 0..1 */
} grt_bound_policy;

/* After `layer` layers the n_select best candidates are selected and the n_drop worst
 * dropped.  (api/experiment.h, which sees the public header only, says the same.) */
#ifndef GRT_HAS_SCHEDULE_ENTRY
#define GRT_HAS_SCHEDULE_ENTRY
typedef struct grt_schedule_entry {
    size_t layer;
    size_t n_select;
    size_t n_drop;
} grt_schedule_entry;
#endif

/* Verdicts by count, for weights that mean nothing: at boundary `layer` the n_select
 * best are selected and the n_drop worst dropped, as far as slots and ties allow.  Of
 * several steps for one layer the last one counts. */
typedef struct grt_schedule_policy {
    const grt_schedule_entry *steps; /* [n_steps] */
    size_t n_steps;
} grt_schedule_policy;

typedef enum grt_selector_kind {
    GRT_SELECTOR_NONE, /* the full pass: all are deferred, always */
    GRT_SELECTOR_CLUSTER,
    GRT_SELECTOR_BOUND,
    GRT_SELECTOR_SCHEDULE
} grt_selector_kind;

typedef struct grt_selector {
    grt_selector_kind kind;
    size_t first_layer;  /* the policy is silent at boundaries before this one */
    bool is_exact_order; /* drop only: whoever may be in the top K runs to the end */
    bool settles_order;  /* a member of the top K is selected only when its order among
                            them is settled, too (settled.h); else it runs on */
    union {
        grt_cluster_policy cluster;
        grt_bound_policy bound;
        grt_schedule_policy schedule;
    };
} grt_selector;

/* What the selector sees after a layer. */
typedef struct grt_boundary {
    size_t layer;        /* layers computed: 1..n_layers - 1 */
    const float *scores; /* [n] logits of the active candidates; may hold NaN */
    size_t n;            /* active */
    size_t slots;        /* of the top K that are still free, 1..n */
    size_t n_candidates; /* of the request */
    size_t k;            /* of the request */
    float moved;         /* by grt_moved, since the boundary before; NaN: not known */
    float drift;         /* largest grt_drift so far, at least 1 */
    float step;          /* root mean square of what differences moved in a layer, from
                            nothing before layer 1; NaN: not known */
} grt_boundary;

/* The standard deviation of how differences of scores moved from one boundary to the
 * next: before[n] and after[n] of the same candidates.  NaN when n < 2 or a score is
 * not finite. */
float grt_moved(const float *before, const float *after, size_t n);

/* Whether the policy's scores predict the final logit, at any boundary. */
bool grt_reads_predictions(const grt_selector *selector);

/* Whether the policy knows how large differences usually are at boundary 1. */
bool grt_expects_first_move(const grt_selector *selector);

/* How many times farther than expected scores moved to boundary `layer`; 1 where the
 * policy expects nothing. */
float grt_drift(const grt_selector *selector, size_t layer, float moved);

/* Bytes of scratch for n active candidates, aligned to 8; never falls with n. */
size_t grt_select_scratch_bytes(size_t n);

/* Fills verdicts[n].  At most `slots` are selected and never more than n - slots
 * dropped, so that the top K can always be filled.  At any layer, also where the policy
 * is silent: when what is deferred fits the slots exactly it is selected (so all are
 * where n == slots), and when no slot is left it is dropped; then nothing is deferred
 * and the request is decided.  With is_exact_order nothing is ever selected: who would
 * be is deferred, also when the deferred fit the slots exactly.  Candidates with equal
 * scores that straddle the boundary are deferred; a NaN ranks last and is never
 * selected before others. */
void grt_select(const grt_selector *selector, const grt_boundary *boundary,
                grt_verdict *verdicts, void *scratch);

#endif /* GRT_SELECT_SELECTOR_H */
