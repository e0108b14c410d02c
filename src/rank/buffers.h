/* buffers.h - the blocks of memory that a ranking works in, in one table.
 *
 * A plan sums the table, preparing allocates what it says, and releasing goes through
 * it: a buffer is one line there and nothing else.  Shared ones belong to a model and
 * serve whoever has the turn; own ones belong to one ranking. */
#ifndef GRT_RANK_BUFFERS_H
#define GRT_RANK_BUFFERS_H

#include "rank/plan_input.h"

typedef enum grt_buffer_id {
    /* shared by the rankings of a model; the device's: */
    GRT_BUFFER_CHUNK,        /* [chunk rows][floats per row] */
    GRT_BUFFER_ROWS_SCRATCH, /* of operations */
    GRT_BUFFER_SCRATCH,      /* likewise, whatever the chunk */
    GRT_BUFFER_LAYER,        /* grt_layer_place_bytes */
    GRT_BUFFER_SCORING,      /* grt_scoring_floats */
    GRT_BUFFER_ROPE,         /* rotary positions, as grt_rope_fill leaves them */
    /* the host's: */
    GRT_BUFFER_POSITIONS, /* [chunk rows] uint32 */
    GRT_BUFFER_POOLED,    /* pooled states that a readout reads */
    GRT_N_SHARED_BUFFERS,
    /* of one ranking */
    GRT_BUFFER_PREFIX = GRT_N_SHARED_BUFFERS, /* the device's: keys, values:
                                                 [n_prefix][n_kv_heads * head_size] */
    GRT_BUFFER_DECISIONS,                     /* grt_decisions_bytes */
    GRT_BUFFER_PASS,                          /* arrays of forward.c */
    GRT_BUFFER_PRIORS,                        /* [n_documents] f32 */
    GRT_BUFFER_BEST,                          /* [n_documents] size_t: best pair */
    GRT_BUFFER_STEP,                          /* arrays of a grt_step */
    GRT_BUFFER_RESULT,                        /* order of a result, and its columns */
    GRT_N_BUFFERS
} grt_buffer_id;

typedef struct grt_buffer {
    void *data;         /* of the host; NULL in a device's */
    grt_memory *memory; /* of the device; NULL in the host's */
    grt_device *device;
    size_t n_bytes;
} grt_buffer;

/* What a buffer takes with so many rows in a chunk, what comes with its block included;
 * UINT64_MAX when that cannot be counted. */
uint64_t grt_buffer_bytes(grt_buffer_id id, const grt_plan_input *input,
                          size_t chunk_rows);

/* What the shared buffers, those of a chunk, take more for each row of a chunk. */
uint64_t grt_buffer_row_bytes(const grt_plan_input *input);

/* Whether a buffer counts as the plan's chunk_bytes, else as scratch_bytes. */
bool grt_buffer_is_of_chunk(grt_buffer_id id);

/* Makes buffer `id` at least so large; what it held is lost when it changes.  `fits`:
 * and no larger.  GRT_E_NO_MEMORY names it. */
GRT_NODISCARD grt_status grt_buffer_make(grt_buffer *buffer, grt_buffer_id id,
                                         grt_device *device, uint64_t n_bytes,
                                         bool fits, grt_error *err);

void grt_buffer_release(grt_buffer *buffer);

/* The load of a chunk of so many rows, whose sequences have up to n_longest. */
grt_device_load grt_load_of(const grt_network *network, size_t n_longest,
                            size_t chunk_rows);

#endif /* GRT_RANK_BUFFERS_H */
