/* blocks.h - the steps that architectures share, on a chunk and with the session's
 * threads.
 *
 * Work is split into tasks of fixed size, so results do not depend on the threads. */
#ifndef GRT_MODELS_BLOCKS_BLOCKS_H
#define GRT_MODELS_BLOCKS_BLOCKS_H

#include "models/network.h"

/* y[n_rows][n_out] = x[n_rows][n_in] * W^T + bias, or y += when is_added. */
void grt_block_linear(const grt_workspace *workspace, const grt_weight *weight,
                      const float *bias, const float *x, float *y, size_t n_rows,
                      int is_added);

/* The same in f32, whatever the session multiplies matrices in: for heads. */
void grt_block_head(const grt_workspace *workspace, const grt_weight *weight,
                    const float *bias, const float *x, float *y, size_t n_rows);

/* Calls fn for row ranges first..last-1 that cover 0..n_rows-1, in parallel. */
typedef void grt_rows_fn(size_t first, size_t last, void *payload);
void grt_block_rows(const grt_workspace *workspace, size_t n_rows, grt_rows_fn *fn,
                    void *payload);

/* Where the chunk keeps only scored rows: moves them to the front of x [n_rows][width]
 * and returns how many there are.  Elsewhere: n_rows. */
size_t grt_block_keep_scored(const grt_network *network, const grt_chunk *chunk,
                             float *x, size_t width);
/* The same for the chunk's positions. */
void grt_block_keep_positions(const grt_network *network, const grt_chunk *chunk);

/* Attention of every sequence and head of the chunk as the layer's kind has it, with
 * the prefix where there is one (whose keys and values are kept first where the chunk
 * begins with it).  queries, out [n_rows, or scored rows][n_heads * head_size]; keys,
 * values [n_rows][n_kv_heads * head_size].  Query head h reads key head
 * h / (n_heads / n_kv_heads). */
void grt_block_attention(const grt_network *network, const grt_workspace *workspace,
                         const grt_layer_kind *kind, const grt_chunk *chunk,
                         const float *queries, const float *keys, const float *values,
                         float *out, int is_causal);

void grt_block_layer_norm(const grt_workspace *workspace, float *x, const float *weight,
                          const float *bias, float eps, size_t n_rows, size_t n);
/* The same into dst [n_rows][n]. */
void grt_block_layer_norm_to(const grt_workspace *workspace, float *dst, const float *x,
                             const float *weight, const float *bias, float eps,
                             size_t n_rows, size_t n);
void grt_block_rms_norm(const grt_workspace *workspace, float *dst, const float *x,
                        const float *weight, float eps, size_t n_rows, size_t n);
void grt_block_gelu(const grt_workspace *workspace, float *x, size_t n_rows, size_t n);
void grt_block_silu_mul(const grt_workspace *workspace, float *gate, const float *up,
                        size_t n_rows, size_t n);
void grt_block_gelu_tanh_mul(const grt_workspace *workspace, float *gate,
                             const float *up, size_t n_rows, size_t n);
/* x *= factor. */
void grt_block_scale(const grt_workspace *workspace, float *x, float factor,
                     size_t n_rows, size_t n);

/* y += x. */
void grt_block_add(const grt_workspace *workspace, float *y, const float *x,
                   size_t n_rows, size_t n);

/* gate = GELU(gate) * up (GeGLU, Shazeer 2020), [n_rows][n]. */
void grt_block_gelu_mul(const grt_workspace *workspace, float *gate, const float *up,
                        size_t n_rows, size_t n);

/* Queries or keys, x [n_rows][n_heads * head_size], before they meet. */
typedef struct grt_turn {
    const grt_layer_kind *kind;
    const uint32_t *positions; /* [n_rows] */
    size_t n_heads;
    const float *norm;   /* [head_size] of an RMS norm of each head; NULL: none */
    bool is_interleaved; /* values 2i and 2i + 1 turn together: heads are put in order
                            first, which changes no product of a query and a key */
} grt_turn;

/* Norm of each head, then rotary embedding by the positions. */
void grt_block_turn(const grt_network *network, const grt_workspace *workspace,
                    const grt_turn *turn, float *x, size_t n_rows);

#endif /* GRT_MODELS_BLOCKS_BLOCKS_H */
