/* model.h - what stands behind a grt_model: an open checkpoint on an engine, and what
 * its rankings share. */
#ifndef GRT_RANK_MODEL_H
#define GRT_RANK_MODEL_H

#include "models/open.h"
#include "profile/profile.h"
#include "rank/engine.h"
#include "rank/plan.h"

/* What a ranking works in; kept for the next one when it ends. */
typedef struct grt_working_set {
    grt_buffer buffers[GRT_N_BUFFERS]; /* from GRT_N_SHARED_BUFFERS on */
    grt_row_store *rows;
    grt_row_store_options rows_options;
    uint64_t reserved_bytes;
} grt_working_set;

struct grt_model {
    /* immutable after open */
    grt_opened opened;
    grt_profile profile; /* widened to the arithmetic in use; path NULL: none serves */
    grt_engine *engine;
    char *profile_home; /* where a profile is looked for first, and written */
    bool owns_engine;
    grt_residency residency;
    size_t wanted_cached_rows; /* 0: the plan's choice */
    size_t n_layers;           /* that rankings run through */
    grt_device *device;
    uint64_t opened_bytes; /* reserved for the tokenizer and other tables */
    /* used in the engine's turn */
    struct grt_model *next; /* of the engine's models */
    grt_window *window;     /* NULL: none yet */
    size_t n_slots;
    uint64_t window_user; /* grt_ranking.number of who computed last; 0: nobody */
    grt_row_cache *embeddings;
    size_t n_cached_rows;
    grt_buffer buffers[GRT_N_SHARED_BUFFERS];
    size_t chunk_rows;     /* that the buffers are made for */
    grt_rows ropes;        /* in GRT_BUFFER_ROPE */
    size_t rope_rows;      /* positions in them */
    uint64_t shared_bytes; /* reserved for all of these */
    /* shared by all threads */
    atomic_size_t n_rankings;      /* open, and their memory reserved */
    atomic_uint_fast64_t n_opened; /* rankings ever */
    grt_os_mutex lock;
    grt_working_set parked; /* guarded by lock; all zero: none */
};

/* Opens the checkpoint on the engine; *model is all zero before, and on failure the
 * caller still releases it.  The options have been checked as far as they can be
 * without the checkpoint. */
GRT_NODISCARD grt_status grt_model_init(grt_model *model, grt_engine *engine,
                                        const char *path,
                                        const grt_model_options *options,
                                        grt_error *err);
void grt_model_release(grt_model *model);

/* In the turn: frees what rankings shared, while none is open. */
void grt_model_drop_shared(grt_model *model);
/* Takes the turn: does so for all models of the engine that have no ranking open. */
void grt_model_drop_idle(grt_engine *engine);

void grt_working_set_release(grt_working_set *set);

#endif /* GRT_RANK_MODEL_H */
