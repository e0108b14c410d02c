/* session.h - what stands behind a grt_session: one request from texts to ranked items.
 *
 * All candidates move through the layers together.  Their hidden states lie in one
 * array [rows][hidden_size]; inside a layer they are worked on in chunks of whole
 * sequences, so that intermediates exist for one chunk only. */
#ifndef GRT_RANK_SESSION_H
#define GRT_RANK_SESSION_H

#include "rank/model.h"

#include "stream/window.h"

/* A block that grows and is kept between requests. */
typedef struct grt_buffer {
    void *data;
    size_t n_bytes;
} grt_buffer;

struct grt_session {
    /* set at creation */
    const grt_model *model;
    grt_kernels kernels;
    grt_pool *pool;
    grt_window *window;
    size_t n_threads;
    grt_buffer linear_scratch;
    grt_buffer layer_vectors;
    grt_buffer embed_scratch;
    grt_buffer logit_scratch;
    /* grown by requests */
    grt_pairs pairs;
    grt_buffer positions;         /* [rows] uint32 */
    grt_buffer hidden;            /* [rows][hidden_size] f32 */
    grt_buffer chunk;             /* [chunk rows][floats per row] f32 */
    grt_buffer attention_scratch; /* [n_threads] */
    grt_buffer rope;              /* cos then sin, [longest][head_size / 2] each */
    size_t rope_rows;
    grt_buffer logits;         /* [documents] f32 */
    grt_buffer order;          /* [documents] size_t */
    grt_buffer document_views; /* [documents] */
};

struct grt_result {
    size_t n_items;
    grt_stats stats;
    grt_item items[]; /* [n_items], best first */
};

GRT_NODISCARD grt_status grt_session_init(grt_session *session, const grt_model *model,
                                          size_t n_threads, grt_error *err);
void grt_session_release(grt_session *session);

/* The request's arguments have been checked.  On failure the session stays usable. */
GRT_NODISCARD grt_status grt_session_rank(grt_session *session,
                                          const grt_request *request, grt_result **out,
                                          grt_error *err);

/* Makes a buffer hold at least count * size bytes; contents are lost when it grows. */
GRT_NODISCARD grt_status grt_buffer_need(grt_buffer *buffer, size_t count, size_t size,
                                         const char *what, grt_error *err);

/* Ends (exclusive) of the chunks of a packed batch: whole sequences, at least one, as
 * many as stay within max_rows.  Returns the sequence after the chunk that begins at
 * `first`. */
size_t grt_chunk_end(const size_t *offsets, size_t n_sequences, size_t first,
                     size_t max_rows);

#endif /* GRT_RANK_SESSION_H */
