/* test_budget.c - what is reserved never passes the limit, from any number of threads.
 */
#include "test.h"

#include "base/budget.h"
#include "base/pool.h"

enum { N_TASKS = 4000, LIMIT = 1000 };

static void test_reserving_and_releasing(void **state)
{
    (void)state;
    grt_budget budget;
    grt_budget_init(&budget, LIMIT);
    assert_int_equal(grt_budget_limit(&budget), LIMIT);
    assert_true(grt_budget_reserve(&budget, 600));
    assert_false(grt_budget_reserve(&budget, 401));
    assert_int_equal(grt_budget_used(&budget), 600); /* a refusal takes nothing */
    assert_true(grt_budget_reserve(&budget, 400));
    assert_true(grt_budget_reserve(&budget, 0));
    assert_false(grt_budget_reserve(&budget, 1));
    grt_budget_release(&budget, 999);
    assert_int_equal(grt_budget_used(&budget), 1);
    assert_int_equal(grt_budget_peak(&budget), LIMIT);
    assert_true(grt_budget_reserve(&budget, 999));
    assert_int_equal(grt_budget_peak(&budget), LIMIT);
}

static void test_huge_numbers_do_not_wrap(void **state)
{
    (void)state;
    grt_budget budget;
    grt_budget_init(&budget, LIMIT);
    assert_true(grt_budget_reserve(&budget, 1));
    assert_false(grt_budget_reserve(&budget, UINT64_MAX));
    assert_int_equal(grt_budget_used(&budget), 1);
    grt_budget_init(&budget, UINT64_MAX); /* no limit, but also no overflow */
    assert_true(grt_budget_reserve(&budget, UINT64_MAX - 1));
    assert_false(grt_budget_reserve(&budget, 2));
    assert_int_equal(grt_budget_peak(&budget), UINT64_MAX - 1);
    grt_budget_init(&budget, 0);
    assert_true(grt_budget_reserve(&budget, 0));
    assert_false(grt_budget_reserve(&budget, 1));
}

typedef struct crowd {
    grt_budget budget;
    atomic_int n_taken, n_over;
} crowd;

/* Half of the limit and a bit: two of them never fit, and one always comes through. */
static void take_and_give(size_t task, size_t worker, void *payload)
{
    crowd *c = payload;
    uint64_t n_bytes = LIMIT / 2 + 1 + task % 7;
    (void)worker;
    if (!grt_budget_reserve(&c->budget, n_bytes)) return;
    if (atomic_fetch_add(&c->n_over, 1) != 0) atomic_fetch_add(&c->n_over, N_TASKS);
    atomic_fetch_add(&c->n_taken, 1);
    atomic_fetch_sub(&c->n_over, 1);
    grt_budget_release(&c->budget, n_bytes);
}

static void test_threads_never_pass_the_limit_together(void **state)
{
    (void)state;
    grt_error err;
    grt_pool *pool;
    crowd c = {0};
    grt_budget_init(&c.budget, LIMIT);
    assert_ok(grt_pool_create(&pool, 4, &err), &err);
    grt_pool_run(pool, N_TASKS, take_and_give, &c);
    grt_pool_free(pool);
    assert_int_equal(atomic_load(&c.n_over), 0);
    assert_true(atomic_load(&c.n_taken) > 0);
    assert_int_equal(grt_budget_used(&c.budget), 0);
    assert_true(grt_budget_peak(&c.budget) > LIMIT / 2);
    assert_true(grt_budget_peak(&c.budget) <= LIMIT / 2 + 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reserving_and_releasing),
        cmocka_unit_test(test_huge_numbers_do_not_wrap),
        cmocka_unit_test(test_threads_never_pass_the_limit_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
