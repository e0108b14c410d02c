/* blocks.h - the steps of a layer that are more than one operation of a device. */
#ifndef GRT_MODELS_BLOCKS_BLOCKS_H
#define GRT_MODELS_BLOCKS_BLOCKS_H

#include "models/network.h"

/* Where the chunk keeps only scored rows: moves them to the front of x and returns how
 * many there are.  Elsewhere: n_rows. */
size_t grt_block_keep_scored(grt_device *device, const grt_chunk *chunk, grt_rows x);
/* The same for the chunk's positions. */
void grt_block_keep_positions(const grt_chunk *chunk);

/* What attention reads and fills. */
typedef struct grt_attended {
    grt_rows queries, out; /* [n_rows, or scored rows][n_heads * head_size] */
    grt_rows keys, values; /* [n_rows][n_kv_heads * head_size] */
} grt_attended;
grt_attended grt_attended_take(grt_space *space, const grt_network *network,
                               size_t n_rows);

/* Attention of every sequence and head of the chunk as the layer's kind has it, with
 * the prefix where there is one (whose keys and values are kept first where the chunk
 * begins with it). */
void grt_block_attention(const grt_network *network, const grt_workspace *workspace,
                         const grt_layer_kind *kind, const grt_chunk *chunk,
                         const grt_attended *rows);

/* Queries or keys, x [n_rows][n_heads * head_size], before they meet. */
typedef struct grt_turn {
    const grt_layer_kind *kind;
    const uint32_t *positions; /* [n_rows] */
    size_t n_heads;
    const grt_weight *norm; /* [head_size] of an RMS norm of each head; NULL or lacking:
                               none */
    bool is_interleaved;    /* see grt_rope_op */
} grt_turn;

/* Norm of each head, then rotary embedding by the positions. */
void grt_block_turn(const grt_network *network, const grt_workspace *workspace,
                    const grt_turn *turn, grt_rows x, size_t n_rows);

#endif /* GRT_MODELS_BLOCKS_BLOCKS_H */
