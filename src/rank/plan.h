/* plan.h - how a ranking fits into memory; docs/algorithms/memory.md.
 *
 * Made from metadata and token counts alone, before the first token is computed. */
#ifndef GRT_RANK_PLAN_H
#define GRT_RANK_PLAN_H

#include "rank/buffers.h"

#include "stream/row_store.h"

typedef struct grt_plan {
    grt_memory_plan plan;
    uint64_t buffers[GRT_N_BUFFERS]; /* bytes of each, for grt_buffer_make */
    uint64_t shared_bytes;           /* of the model: layers, embedding, its buffers */
    uint64_t own_bytes;              /* of the ranking: hidden states, its buffers */
} grt_plan;

/* What a ranking takes that nothing else counts: the objects themselves, with their
 * blocks' headers. */
enum { GRT_RANKING_BYTES = 4096 };

/* Smallest chunk that a plan chooses, but for requests with fewer rows. */
enum { GRT_CHUNK_MIN_ROWS = 128 };

/* Concessions in this order: fewer slots; chunks down to the rows that fill the
 * kernels; bf16; the smallest chunks; a file.  GRT_E_NO_MEMORY when nothing fits,
 * GRT_E_BUSY when it does once the rankings that are open have ended; *out is the
 * smallest plan then, and err->smallest_bytes is filled. */
GRT_NODISCARD grt_status grt_plan_make(grt_plan *out, const grt_plan_input *input,
                                       grt_error *err);

/* How a row store keeps what a plan calls `hidden`. */
grt_row_storage grt_plan_row_storage(grt_hidden_storage hidden);

#endif /* GRT_RANK_PLAN_H */
