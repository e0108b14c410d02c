/* test_pool.c - each task runs once, on any number of threads, round after round. */
#include "child.h"

#include "base/memory.h"
#include "base/pool.h"

#include <stdatomic.h>

enum { MAX_TASKS = 300, N_ROUNDS = 2000 };

typedef struct work {
    atomic_int n_runs[MAX_TASKS];
    atomic_int n_bad_workers;
    size_t n_threads;
    size_t order[MAX_TASKS]; /* with one thread: tasks as they started */
    size_t n_started;
} work;

static void run_task(size_t task, size_t worker, void *payload)
{
    work *w = payload;
    if (worker >= w->n_threads) atomic_fetch_add(&w->n_bad_workers, 1);
    atomic_fetch_add(&w->n_runs[task], 1);
    if (w->n_threads == 1) w->order[w->n_started++] = task;
}

static void each_task_runs_once(void **state)
{
    (void)state;
    static const size_t threads[] = {1, 2, 7};
    static const size_t tasks[] = {0, 1, 2, 6, 7, 8, 61, MAX_TASKS};
    static work w;
    grt_error err;
    for (size_t t = 0; t < 3; t++) {
        grt_pool *pool;
        assert_ok(grt_pool_create(&pool, threads[t], &err), &err);
        assert_int_equal(grt_pool_n_threads(pool), threads[t]);
        for (size_t round = 0; round < N_ROUNDS; round++) {
            size_t n = tasks[round % 8];
            memset(&w, 0, sizeof(w));
            w.n_threads = threads[t];
            grt_pool_run(pool, n, run_task, &w);
            assert_int_equal(atomic_load(&w.n_bad_workers), 0);
            for (size_t i = 0; i < MAX_TASKS; i++)
                if (atomic_load(&w.n_runs[i]) != (i < n))
                    fail_msg("%d threads, round %d: task %d", (int)threads[t],
                             (int)round, (int)i);
            for (size_t i = 0; threads[t] == 1 && i < n; i++)
                assert_int_equal(w.order[i], i);
        }
        grt_pool_free(pool);
    }
}

/* Plain writes of the workers are there for the caller when the round is over. */
static void write_square(size_t task, size_t worker, void *payload)
{
    (void)worker;
    ((size_t *)payload)[task] = task * task;
}

static void results_are_visible_after_a_round(void **state)
{
    (void)state;
    grt_error err;
    grt_pool *pool;
    assert_ok(grt_pool_create(&pool, 4, &err), &err);
    for (int round = 0; round < 200; round++) {
        size_t squares[MAX_TASKS] = {0};
        grt_pool_run(pool, MAX_TASKS, write_square, squares);
        for (size_t i = 0; i < MAX_TASKS; i++)
            assert_int_equal(squares[i], i * i);
    }
    grt_pool_free(pool);
}

static void frees_all_when_allocation_fails(void **state)
{
    (void)state;
    uint64_t before = grt_memory_now();
    grt_pool_free(NULL);
    for (uint64_t nth = 1; nth <= 4; nth++) {
        grt_pool *pool = NULL;
        grt_memory_fail_nth(nth);
        grt_status status = grt_pool_create(&pool, 3, NULL);
        grt_memory_fail_nth(0);
        assert_int_equal(status, nth <= 3 ? GRT_E_NO_MEMORY : GRT_OK);
        grt_pool_free(pool);
        assert_int_equal(grt_memory_now(), before);
    }
}

/* 0 when a child, which has none of the threads, gets rid of the pool without waiting
 * for them. */
static int leave_pool(void *payload)
{
    grt_pool *pool = payload;
    uint64_t before = grt_memory_now();
    grt_pool_free(pool);
    return grt_memory_now() < before ? 0 : 1;
}

static void a_child_leaves_the_pool(void **state)
{
    (void)state;
    grt_error err;
    grt_pool *pool;
    assert_ok(grt_pool_create(&pool, 3, &err), &err);
    assert_int_equal(in_child(leave_pool, pool), 0);
    size_t squares[7] = {0}; /* the parent's goes on */
    grt_pool_run(pool, 7, write_square, squares);
    assert_int_equal(squares[6], 36);
    grt_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_task_runs_once),
        cmocka_unit_test(results_are_visible_after_a_round),
        cmocka_unit_test(frees_all_when_allocation_fails),
        cmocka_unit_test(a_child_leaves_the_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
