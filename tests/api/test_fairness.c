/* test_fairness.c - a small ranking beside a large one on the same engine: counted in
 * layers of the large one, not in time. */
#include "deep_checkpoint.h"
#include "opened.h"
#include "worker.h"

enum { N_LARGE = 400, N_SMALL = 4, N_LAYERS = 24 };

static const char *const phrases[] = {
    "owls hunt at night by sound", "steam engines heat water in a boiler",
    "the barn owl drops on voles that it hears under the snow"};

static const char *documents[N_LARGE];
static deep_checkpoint deep;
static grt_model *model, *other;

static int set_up(void **state)
{
    (void)state;
    setup s = SETUP_INIT;
    s.engine.n_threads = 2;
    for (size_t i = 0; i < N_LARGE; i++)
        documents[i] = phrases[i % 3] + i / 3 % 16;
    deep_write(&deep, N_LAYERS);
    model = open_with(deep.directory, &s);
    other = open_on(grt_model_engine(model), deep.directory, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    grt_model_close(other);
    close_with(model);
    deep_remove(&deep);
    return 0;
}

static grt_request request_of(size_t n)
{
    grt_request request = GRT_REQUEST_INIT;
    request.query = "how do owls hunt";
    request.documents = documents;
    request.n_documents = n;
    request.k = 3;
    request.policy = &full_pass;
    return request;
}

/* ---- The large one, on a thread of its own ---- */

typedef struct large {
    grt_ranking *ranking;
    atomic_size_t n_steps; /* taken */
    atomic_bool has_ended;
} large;

static void *step_through(void *payload)
{
    large *l = payload;
    grt_error err;
    grt_step step = GRT_STEP_INIT;
    while (!step.is_done &&
           worker_check_ok(grt_ranking_step(&step, l->ranking, &err), &err))
        (void)atomic_fetch_add(&l->n_steps, 1);
    atomic_store(&l->has_ended, true);
    return NULL;
}

static void *rank_in_one(void *payload)
{
    large *l = payload;
    grt_error err;
    grt_result *result = NULL;
    grt_request request = request_of(N_LARGE);
    worker_check_ok(grt_rank(&result, model, &request, &err), &err);
    grt_result_free(result);
    atomic_store(&l->has_ended, true);
    return NULL;
}

static void wait_for_steps(large *l, size_t n)
{
    while (atomic_load(&l->n_steps) < n && !atomic_load(&l->has_ended))
        sleep_ns(1000000);
}

/* ---- The small one ---- */

static void rank_small(grt_model *on, int in_steps, grt_result **out)
{
    grt_request request = request_of(N_SMALL);
    if (!in_steps) {
        *out = rank_ok(on, &request);
        return;
    }
    grt_ranking *ranking = open_ranking(on, &request);
    while (!step_ok(ranking).is_done) {
    }
    *out = result_ok(ranking);
    grt_ranking_free(ranking);
}

/* It begins when the large one has computed two layers, and ends before that has
 * computed half of the others. */
static void check_beside(grt_model *on, int in_steps)
{
    grt_result *wanted, *found;
    rank_small(on, in_steps, &wanted);
    grt_request request = request_of(N_LARGE);
    large l = {.ranking = open_ranking(model, &request)};
    atomic_init(&l.n_steps, 0);
    atomic_init(&l.has_ended, false);
    pthread_t thread = worker_start(step_through, &l);
    wait_for_steps(&l, 3);
    size_t before = atomic_load(&l.n_steps);
    rank_small(on, in_steps, &found);
    size_t after = atomic_load(&l.n_steps);
    assert_false(atomic_load(&l.has_ended));
    worker_join(thread);
    assert_int_equal(atomic_load(&l.n_steps), N_LAYERS + 1);
    print_message("%zu of the large one's %d steps, meanwhile\n", after - before,
                  N_LAYERS + 1);
    assert_true(after - before < N_LAYERS / 2);
    assert_same_result(found, wanted);
    grt_result_free(found);
    grt_result_free(wanted);
    grt_ranking_free(l.ranking);
}

static void test_a_small_ranking_does_not_wait_for_a_large_one(void **state)
{
    (void)state;
    check_beside(model, 0);
    check_beside(model, 1);
}

static void test_nor_for_one_of_another_model(void **state)
{
    (void)state;
    check_beside(other, 0);
    check_beside(other, 1);
}

/* Also where the large one is a single call. */
static void test_a_large_call_gives_way(void **state)
{
    (void)state;
    large l = {0};
    atomic_init(&l.n_steps, 0);
    atomic_init(&l.has_ended, false);
    grt_result *found;
    pthread_t thread = worker_start(rank_in_one, &l);
    while (usage_of(model).n_rankings == 0 && !atomic_load(&l.has_ended))
        sleep_ns(1000000);
    for (int i = 0; i < 3; i++) {
        rank_small(i % 2 ? other : model, i == 2, &found);
        assert_true(stats_of(found).turn_ns > 0); /* it did wait */
        assert_false(atomic_load(&l.has_ended));
        grt_result_free(found);
    }
    worker_join(thread);
}

/* Two of a size both get on: neither waits for the other's end. */
static void test_two_of_a_size_take_turns(void **state)
{
    (void)state;
    large both[2] = {{0}, {0}};
    pthread_t threads[2];
    grt_request request = request_of(120);
    for (size_t i = 0; i < 2; i++) {
        atomic_init(&both[i].n_steps, 0);
        atomic_init(&both[i].has_ended, false);
        both[i].ranking = open_ranking(model, &request);
    }
    for (size_t i = 0; i < 2; i++)
        threads[i] = worker_start(step_through, &both[i]);
    while (!atomic_load(&both[0].has_ended) && !atomic_load(&both[1].has_ended))
        sleep_ns(1000000);
    size_t first = atomic_load(&both[0].n_steps),
           second = atomic_load(&both[1].n_steps);
    print_message("when one has ended: %zu and %zu steps\n", first, second);
    assert_true(first > N_LAYERS / 3 && second > N_LAYERS / 3);
    for (size_t i = 0; i < 2; i++) {
        worker_join(threads[i]);
        grt_ranking_free(both[i].ranking);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_small_ranking_does_not_wait_for_a_large_one),
        cmocka_unit_test(test_nor_for_one_of_another_model),
        cmocka_unit_test(test_a_large_call_gives_way),
        cmocka_unit_test(test_two_of_a_size_take_turns),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
