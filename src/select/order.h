/* order.h - from scores to a ranking.  Pure functions. */
#ifndef GRT_SELECT_ORDER_H
#define GRT_SELECT_ORDER_H

#include <stddef.h>

/* Fills order[n] with 0..n-1 so that scores[order[i]] never rises with i; equal scores
 * keep their order, NaN comes last. */
void grt_order_by_score(size_t *order, const float *scores, size_t n);

#endif /* GRT_SELECT_ORDER_H */
