/* forward.h - one layer over all active candidates, chunk by chunk, and its scores. */
#ifndef GRT_RANK_FORWARD_H
#define GRT_RANK_FORWARD_H

#include "base/error.h"

#include <stdbool.h>

typedef struct grt_forward_counts {
    uint64_t tokens_x_layers;     /* rows computed, summed over layers */
    uint64_t candidates_x_layers; /* layers computed, summed over candidates */
} grt_forward_counts;

/* Memory of a pass over n pairs, with `pooled` floats of an observer for each;
 * UINT64_MAX when it cannot be counted. */
uint64_t grt_forward_bytes(size_t n, size_t pooled);

/* In the turn, which it may give up between chunks and take again.  Computes layer
 * `layer` for all active candidates; once all of it is done their scores at the
 * boundary after it, priors included, stand in decisions.scores.  GRT_E_CANCELLED when
 * the ranking's stop was asked for: scores are those of the boundary before then, and
 * no further layer can be computed.  *holds_turn says whether the turn is still held,
 * also on failure. */
GRT_NODISCARD grt_status grt_forward_layer(grt_ranking *ranking, size_t layer,
                                           bool *holds_turn, grt_error *err);

#endif /* GRT_RANK_FORWARD_H */
