/* session.h - what stands behind a grt_session: one request from texts to ranked items.
 *
 *     request.c   texts -> pairs -> layout -> plan -> passes -> result
 *     session.c   creation, and the buffers that a plan asks for
 *     forward.c   one layer over all active candidates, chunk by chunk, and its scores
 *
 * All candidates move through the layers together; intermediates exist for one chunk
 * of whole sequences only. */
#ifndef GRT_RANK_SESSION_H
#define GRT_RANK_SESSION_H

#include "rank/buffer.h"
#include "rank/layout.h"
#include "rank/model.h"
#include "rank/plan.h"
#include "rank/policy.h"
#include "rank/scoring.h"
#include "select/decisions.h"

/* For calibration: sees every candidate at every boundary, in the order of the request.
 * pooled: [n][grt_pooled_size], scores: [n] by the head; first is the index of the
 * first of the n candidates.  At the last boundary pooled is NULL. */
typedef struct grt_observer {
    grt_status (*see)(void *payload, size_t layer, size_t first, size_t n,
                      const float *scores, const float *pooled, grt_error *err);
    void *payload;
} grt_observer;

struct grt_session {
    /* set at creation */
    const grt_model *model;
    grt_session_options options;
    size_t n_layers; /* that requests run through */
    grt_kernels kernels;
    grt_pool *pool;
    size_t n_threads;
    uint64_t created_bytes; /* resident when no buffer of a plan was there yet */
    /* as the last plan asked */
    grt_memory_plan plan;
    grt_window *window;
    grt_row_store *rows;
    grt_row_store_options rows_options;
    grt_row_cache *embeddings;
    size_t n_cached_rows;
    grt_buffer linear_scratch;
    grt_buffer layer_vectors; /* [grt_layer_vector_floats] f32 */
    grt_buffer scoring;
    grt_buffer chunk;     /* [chunk rows][floats per row] f32 */
    grt_buffer positions; /* [chunk rows] uint32 */
    grt_buffer attention; /* [n_threads] scratch */
    grt_buffer prefix;    /* keys, values: [n_prefix][n_kv_heads * head_size] each */
    grt_buffer rope;      /* cos then sin, [rope_rows][head_size / 2] each */
    size_t rope_rows;
    /* the request at hand */
    grt_pairs pairs;
    grt_layout layout;
    grt_policy_choice policy;
    grt_decisions decisions;
    grt_buffer decisions_block;
    grt_buffer document_views;    /* [documents] */
    grt_buffer pass;              /* arrays of forward.c */
    grt_buffer order;             /* [documents] size_t */
    grt_buffer trace;             /* arrays of a trace step */
    const grt_observer *observer; /* NULL: none */
};

struct grt_result {
    size_t n_items;
    grt_stats stats;
    grt_item items[]; /* [n_items], best first */
};

GRT_NODISCARD grt_status grt_session_init(grt_session *session, const grt_model *model,
                                          const grt_session_options *options,
                                          grt_error *err);
void grt_session_release(grt_session *session);

/* The request's arguments have been checked.  On failure the session stays usable. */
GRT_NODISCARD grt_status grt_session_rank(grt_session *session,
                                          const grt_request *request, grt_result **out,
                                          grt_error *err);

/* session.c: makes plan and buffers for the layout at hand. */
GRT_NODISCARD grt_status grt_session_prepare(grt_session *session, grt_error *err);

/* forward.c: rows computed, summed over layers. */
typedef struct grt_forward_counts {
    uint64_t tokens_x_layers;
    uint64_t candidates_x_layers;
} grt_forward_counts;

/* Memory of a pass over n candidates, without an observer's states. */
size_t grt_forward_bytes(size_t n);

/* Computes layer `layer` for all active candidates and stores their scores at the
 * boundary after it in decisions.scores. */
GRT_NODISCARD grt_status grt_forward_layer(grt_session *session, size_t layer,
                                           grt_forward_counts *counts, grt_error *err);

#endif /* GRT_RANK_SESSION_H */
