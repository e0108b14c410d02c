/* decisions.h - one request's candidates on their way through the layers: who still
 * computes, how many slots are left, who was decided where.  Pure functions. */
#ifndef GRT_SELECT_DECISIONS_H
#define GRT_SELECT_DECISIONS_H

#include "select/selector.h"

/* The caller owns all arrays; grt_decisions_init fills them. */
typedef struct grt_decisions {
    size_t n; /* candidates */
    size_t k;
    size_t slots;   /* of the top K that are still free */
    size_t *active; /* [n] indices of the n_active that compute, rising */
    size_t n_active;
    float *scores;         /* [n] each candidate's last score */
    grt_verdict *verdicts; /* [n] DEFER: active, or ran to the end */
    size_t *layers;        /* [n] boundary at which it was decided; 0: not yet */
    size_t layer;          /* the last boundary seen; 0: none */
    float drift;           /* see grt_boundary */
    float walked;          /* squares of all moves so far; NaN: not known */
    bool predicts;         /* scores are predictions of the final logit */
    double level;          /* of scores: the sum of their mean moves so far */
    float *levels;         /* [n] the level when it was decided */
    /* scratch */
    float *active_scores;         /* [n] */
    float *previous_scores;       /* [n_active] at the boundary before; 0 at first */
    grt_verdict *active_verdicts; /* [n] */
    void *select_scratch;         /* grt_select_scratch_bytes(n) */
    float *finals;                /* [n] */
    size_t *by_final;             /* [n] */
    size_t *order;                /* [n] */
    bool *flags;                  /* [n] */
} grt_decisions;

/* Bytes for the arrays of n candidates, in one block aligned to 64; SIZE_MAX when they
 * cannot be counted. */
size_t grt_decisions_bytes(size_t n);

/* Everybody active, k slots (0 or more than n: n).  Before the first boundary everybody
 * has the score in priors [n]; NULL: 0. */
void grt_decisions_init(grt_decisions *decisions, void *block, size_t n, size_t k,
                        const float *priors);

/* For boundaries 1, 2, ... in turn, so that it sees how scores move.
 * Takes the scores of the active candidates (decisions->scores) at boundary `layer`,
 * asks the selector, and applies what it says.  Returns true when nobody computes any
 * more. */
bool grt_decide(grt_decisions *decisions, const grt_selector *selector, size_t layer);

/* After the last layer: takes the final scores of the active candidates. */
void grt_decisions_end(grt_decisions *decisions);

/* The logit that a candidate is expected to have after the last layer.  Where scores
 * are predictions, that of a decided one is its last score and what the scores of those
 * that computed on moved since, on average: predictions of different layers differ by a
 * level that all candidates share.  Else its last score. */
float grt_decisions_final(const grt_decisions *decisions, size_t candidate);

/* The ranking: order[n] from best to worst, equals by index.
 * Where scores are predictions: the top K, which are the selected ones and the best of
 * those not decided; then the others not decided; then dropped ones; each by the final
 * logits.
 * Else scores of different layers do not compare: selected candidates first, earlier
 * ones before later ones; then those that ran to the end; then dropped ones, later ones
 * before earlier ones; each by score. */
void grt_decisions_order(const grt_decisions *decisions, size_t *order);

#endif /* GRT_SELECT_DECISIONS_H */
