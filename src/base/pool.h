/* pool.h - worker threads that share out numbered tasks.
 *
 * One thread at a time may call grt_pool_run.  The split of the work into tasks is the
 * caller's and must not depend on the number of threads, so that results do not either.
 */
#ifndef GRT_BASE_POOL_H
#define GRT_BASE_POOL_H

#include "base/error.h"

typedef struct grt_pool grt_pool;

/* One task: `task` < n_tasks, `worker` < grt_pool_n_threads (an index for scratch
 * space). */
typedef void grt_task_fn(size_t task, size_t worker, void *payload);

/* n_threads >= 1, the calling thread included: 1 starts no thread at all. */
GRT_NODISCARD grt_status grt_pool_create(grt_pool **out, size_t n_threads,
                                         grt_error *err);

/* Runs tasks 0..n_tasks-1, each once, in rising order of start; returns when all are
 * done. The calling thread works too. */
void grt_pool_run(grt_pool *pool, size_t n_tasks, grt_task_fn *fn, void *payload);

size_t grt_pool_n_threads(const grt_pool *pool);

/* Joins all threads; in a child of fork, where they stayed behind in the parent, only
 * the memory is freed.  Accepts NULL. */
void grt_pool_free(grt_pool *pool);

/* CPUs that this process may use (affinity, quotas of its control groups), at least
 * 1. */
size_t grt_usable_cpus(void);

#endif /* GRT_BASE_POOL_H */
