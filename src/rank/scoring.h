/* scoring.h - from hidden states to scores at a layer boundary.
 *
 * The model's own head reads the scored row of each sequence, or the mean of its rows.
 * A profile's readout reads pooled states: what the head reads, the mean over the
 * document's rows and, where rows see each other in both directions, the mean over the
 * query's.  With the query's mean it may also read how far the two means lie apart,
 * value by value, which is derived from them: features are pooled states and that. */
#ifndef GRT_RANK_SCORING_H
#define GRT_RANK_SCORING_H

#include "models/network.h"
#include "profile/profile.h"

/* features[n][grt_features_size] of pooled[n][grt_pooled_size], which may lie at the
 * same place. */
void grt_derive_features(const grt_network *network, const float *pooled, size_t n,
                         float *features);

/* A sequence's score from its features. */
float grt_read_out(const grt_readout *readout, const float *features);

/* A sequence of a chunk. */
typedef struct grt_scored_sequence {
    size_t first_row; /* in the chunk */
    size_t n_rows;
    const grt_pair_spans *spans; /* rows counted from the pair's first */
} grt_scored_sequence;

/* What is scored of a chunk: its sequences, the prefix left out. */
typedef struct grt_scored {
    grt_rows hidden; /* [n_rows][hidden_size] of the chunk */
    size_t n_rows;
    const grt_scored_sequence *sequences; /* [n] */
    size_t n;
    size_t n_prefix; /* rows of each pair that are not its sequence's */
    size_t layer;    /* layers computed */
} grt_scored;

/* Values of the device that the functions below take as `scratch`, beside the
 * workspace's memory, and of the host that readouts take. */
size_t grt_scoring_floats(const grt_network *network);
size_t grt_readout_floats(const grt_network *network);

/* scores[n] by the model's head. */
GRT_NODISCARD grt_status grt_score_by_head(const grt_network *network,
                                           const grt_workspace *workspace,
                                           const grt_scored *scored, float *scores,
                                           grt_memory *scratch, grt_error *err);

/* pooled[n][grt_pooled_size].  The mean over no rows is zeros. */
GRT_NODISCARD grt_status grt_pool_states(const grt_network *network,
                                         const grt_workspace *workspace,
                                         const grt_scored *scored, float *pooled,
                                         grt_memory *scratch, grt_error *err);

/* scores[n] by a readout, by the threads of `pool`; pooled [grt_readout_floats]. */
GRT_NODISCARD grt_status grt_score_by_readout(const grt_network *network,
                                              const grt_workspace *workspace,
                                              const grt_scored *scored,
                                              const grt_readout *readout, float *scores,
                                              grt_memory *scratch, float *pooled,
                                              grt_pool *pool, grt_error *err);

#endif /* GRT_RANK_SCORING_H */
