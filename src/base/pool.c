/* pool.c - see pool.h.
 *
 * Workers sleep on `work_ready` until `round` moves on.  In a round each thread takes
 * the next task number from an atomic counter until none is left; the last worker to
 * finish wakes the caller. */
#include "base/pool.h"

#include "base/memory.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

struct grt_pool {
    /* set at creation */
    size_t n_threads;
    size_t n_started; /* worker threads, without the caller */
    pthread_t *threads;
    struct worker_start {
        grt_pool *pool;
        size_t worker;
    } * starts;
    /* guarded by lock */
    pthread_mutex_t lock;
    pthread_cond_t work_ready;
    pthread_cond_t work_done;
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
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->round == seen && !pool->is_stopping)
            pthread_cond_wait(&pool->work_ready, &pool->lock);
        if (pool->is_stopping) break;
        seen = pool->round;
        pthread_mutex_unlock(&pool->lock);
        take_tasks(pool, start->worker);
        pthread_mutex_lock(&pool->lock);
        if (--pool->n_busy == 0) pthread_cond_signal(&pool->work_done);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static grt_status start_workers(grt_pool *pool, grt_error *err)
{
    for (size_t i = 0; i + 1 < pool->n_threads; i++) {
        pool->starts[i].pool = pool;
        pool->starts[i].worker = i + 1;
        int code =
            pthread_create(&pool->threads[i], NULL, worker_main, &pool->starts[i]);
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
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work_ready, NULL);
    pthread_cond_init(&pool->work_done, NULL);
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
    pthread_mutex_lock(&pool->lock);
    pool->fn = fn;
    pool->payload = payload;
    pool->n_tasks = n_tasks;
    atomic_store(&pool->next_task, 0);
    if (is_shared) {
        pool->n_busy = pool->n_started;
        pool->round++;
        pthread_cond_broadcast(&pool->work_ready);
    }
    pthread_mutex_unlock(&pool->lock);
    take_tasks(pool, 0);
    if (!is_shared) return;
    pthread_mutex_lock(&pool->lock);
    while (pool->n_busy != 0)
        pthread_cond_wait(&pool->work_done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

size_t grt_pool_n_threads(const grt_pool *pool)
{
    return pool->n_threads;
}

void grt_pool_free(grt_pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->lock);
    pool->is_stopping = 1;
    pthread_cond_broadcast(&pool->work_ready);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->n_started; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->work_done);
    pthread_cond_destroy(&pool->work_ready);
    pthread_mutex_destroy(&pool->lock);
    grt_free(pool->starts);
    grt_free(pool->threads);
    grt_free(pool);
}

size_t grt_usable_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
    int n = CPU_COUNT(&set);
    return n < 1 ? 1 : (size_t)n;
}
