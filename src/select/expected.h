/* expected.h - how much of the final top K stands in the order of the moment.  Pure
 * functions. */
#ifndef GRT_SELECT_EXPECTED_H
#define GRT_SELECT_EXPECTED_H

#include "select/decisions.h"

/* The expected share of the final top K in the top K as it stands.  A candidate that is
 * not decided will end at its score plus a normal amount, so that a difference of two
 * moves by what the selector's policy expects (grt_bound_policy), times `margin`; then
 * there is one threshold over which K candidates are expected to end, and the share is
 * the mean probability of those that lead now to end over it.  Candidates that were
 * selected count as promised.  Where nothing is known, K / n: what chance gives. */
float grt_expected_precision(const grt_decisions *decisions,
                             const grt_selector *selector, size_t n_layers,
                             float margin);

#endif /* GRT_SELECT_EXPECTED_H */
