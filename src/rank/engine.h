/* engine.h - what stands behind a grt_engine: threads, turns on them, and a budget.
 *
 * Whoever computes holds the turn: it alone uses the pool, the windows of layers, the
 * embedding caches and the scratch of all models.  Memory is reserved in the turn, and
 * given back at any time. */
#ifndef GRT_RANK_ENGINE_H
#define GRT_RANK_ENGINE_H

#include "base/budget.h"
#include "base/error.h"
#include "base/pool.h"
#include "base/turns.h"

struct grt_engine {
    /* set at creation */
    size_t n_threads;
    grt_hidden_storage hidden;
    size_t chunk_rows;
    char *temporary_directory; /* NULL: the usual one */
    grt_pool *pool;
    uint64_t process;   /* that made it */
    uint64_t own_bytes; /* reserved for itself */
    grt_turns turns;
    /* shared by all threads */
    grt_budget
        budget; /* of what the library allocates; reserved for models and rankings */
    atomic_size_t n_rankings; /* open */
    atomic_size_t n_models;
    /* used in the turn */
    struct grt_model *models; /* linked by grt_model.next */
};

GRT_NODISCARD grt_status grt_engine_init(grt_engine *engine,
                                         const grt_engine_options *options,
                                         grt_error *err);
void grt_engine_release(grt_engine *engine);

/* GRT_E_UNSUPPORTED in a child of the process that made the engine: the threads stayed
 * with the parent. */
GRT_NODISCARD grt_status grt_engine_check_process(const grt_engine *engine,
                                                  grt_error *err);

/* 0: there is none. */
uint64_t grt_engine_budget_bytes(const grt_engine *engine);

#endif /* GRT_RANK_ENGINE_H */
