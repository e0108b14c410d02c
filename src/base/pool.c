/* pool.c - see pool.h.
 *
 * Workers sleep on `work_ready` until `round` moves on.  In a round each thread takes
 * the next task number from an atomic counter until none is left; the last worker to
 * finish wakes the caller. */
#include "base/pool.h"

#include "base/memory.h"
#include "os/os.h"

#include <stdatomic.h>
#include <string.h>

struct grt_pool {
    /* set at creation */
    size_t n_threads;
    size_t n_started; /* worker threads, without the caller */
    uint64_t process; /* in which they run */
    grt_os_thread *threads;
    struct worker_start {
        grt_pool *pool;
        size_t worker;
    } * starts;
    /* guarded by lock */
    grt_os_mutex lock;
    grt_os_condition work_ready;
    grt_os_condition work_done;
    uint64_t round;
    size_t n_busy;
    int is_stopping;
    /* written under lock before a round, read by workers in it */
    grt_task_fn *fn;
    void *payload;
    size_t n_tasks;
    /* shared by all threads in a round */
    atomic_size_t next_task;
};

static void take_tasks(grt_pool *pool, size_t worker)
{
    for (;;) {
        size_t task = atomic_fetch_add(&pool->next_task, 1);
        if (task >= pool->n_tasks) return;
        pool->fn(task, worker, pool->payload);
    }
}

static void *worker_main(void *argument)
{
    const struct worker_start *start = argument;
    grt_pool *pool = start->pool;
    uint64_t seen = 0;
    grt_os_lock(&pool->lock);
    for (;;) {
        while (pool->round == seen && !pool->is_stopping)
            grt_os_wait(&pool->work_ready, &pool->lock);
        if (pool->is_stopping) break;
        seen = pool->round;
        grt_os_unlock(&pool->lock);
        take_tasks(pool, start->worker);
        grt_os_lock(&pool->lock);
        if (--pool->n_busy == 0) grt_os_wake_one(&pool->work_done);
    }
    grt_os_unlock(&pool->lock);
    return NULL;
}

static grt_status start_workers(grt_pool *pool, grt_error *err)
{
    for (size_t i = 0; i + 1 < pool->n_threads; i++) {
        pool->starts[i].pool = pool;
        pool->starts[i].worker = i + 1;
        int code =
            grt_os_thread_start(&pool->threads[i], worker_main, &pool->starts[i]);
        if (code != 0)
            GRT_FAIL(err, GRT_E_NO_MEMORY, "cannot start worker thread %zu: error %d",
                     i + 1, code);
        pool->n_started++;
    }
    return GRT_OK;
}

grt_status grt_pool_create(grt_pool **out, size_t n_threads, grt_error *err)
{
    grt_pool *pool;
    GRT_TRY(grt_alloc_array(&pool, 1, sizeof(*pool), "the thread pool", err));
    pool->n_threads = n_threads;
    pool->process = grt_os_process_id();
    grt_os_mutex_init(&pool->lock);
    grt_os_condition_init(&pool->work_ready);
    grt_os_condition_init(&pool->work_done);
    grt_status status = grt_alloc_array(&pool->threads, n_threads,
                                        sizeof(*pool->threads), "worker threads", err);
    if (status == GRT_OK)
        status = grt_alloc_array(&pool->starts, n_threads, sizeof(*pool->starts),
                                 "worker threads", err);
    if (status == GRT_OK) status = start_workers(pool, err);
    if (status != GRT_OK) {
        grt_pool_free(pool);
        return status;
    }
    *out = pool;
    return GRT_OK;
}

void grt_pool_run(grt_pool *pool, size_t n_tasks, grt_task_fn *fn, void *payload)
{
    if (n_tasks == 0) return;
    int is_shared = pool->n_started > 0 && n_tasks > 1;
    grt_os_lock(&pool->lock);
    pool->fn = fn;
    pool->payload = payload;
    pool->n_tasks = n_tasks;
    atomic_store(&pool->next_task, 0);
    if (is_shared) {
        pool->n_busy = pool->n_started;
        pool->round++;
        grt_os_wake_all(&pool->work_ready);
    }
    grt_os_unlock(&pool->lock);
    take_tasks(pool, 0);
    if (!is_shared) return;
    grt_os_lock(&pool->lock);
    while (pool->n_busy != 0)
        grt_os_wait(&pool->work_done, &pool->lock);
    grt_os_unlock(&pool->lock);
}

size_t grt_pool_n_threads(const grt_pool *pool)
{
    return pool->n_threads;
}

static void stop_workers(grt_pool *pool)
{
    grt_os_lock(&pool->lock);
    pool->is_stopping = 1;
    grt_os_wake_all(&pool->work_ready);
    grt_os_unlock(&pool->lock);
    for (size_t i = 0; i < pool->n_started; i++)
        grt_os_thread_join(&pool->threads[i]);
    grt_os_condition_destroy(&pool->work_done);
    grt_os_condition_destroy(&pool->work_ready);
    grt_os_mutex_destroy(&pool->lock);
}

/* In a child the lock and the conditions stay as the fork left them: a thread that is
 * no more may hold them. */
void grt_pool_free(grt_pool *pool)
{
    if (!pool) return;
    if (pool->process == grt_os_process_id()) stop_workers(pool);
    grt_free(pool->starts);
    grt_free(pool->threads);
    grt_free(pool);
}

size_t grt_usable_cpus(void)
{
    return grt_os_usable_cpus();
}
