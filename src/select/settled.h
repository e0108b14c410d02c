/* settled.h - whether a member's place among the top K is settled.  Pure functions; the
 * maths: docs/algorithms/selection.md, "The order of the top K". */
#ifndef GRT_SELECT_SETTLED_H
#define GRT_SELECT_SETTLED_H

#include "select/selector.h"

/* The top K as they stand at a boundary, best first. */
typedef struct grt_members {
    const float *finals;  /* [n] predicted final logits, falling */
    const bool *is_fixed; /* [n] was decided before: its prediction moves no more */
    size_t n;
} grt_members;

/* Whether member `rank` may stop at the boundary: all that it could compute yet is
 * expected to gain less of the top K's DCG than its share of what precision leaves.
 * Only where scores are predictions of the final logit (a bound with spreads); never
 * before the selector's first layer. */
bool grt_is_settled(const grt_selector *selector, const grt_boundary *boundary,
                    const grt_members *members, size_t rank);

#endif /* GRT_SELECT_SETTLED_H */
