/* test_cancel.c - a ranking is cancelled wherever it is: it ends soon, is freed at
 * once, and the model gives the same bits afterwards. */
#include "deep_checkpoint.h"
#include "opened.h"
#include "slow_reads.h"

#include "base/memory.h"

#define MINI GRT_SOURCE_DIR "/models/grating-mini"

enum { N = 24, N_LAYERS = 12 };

static const char *const phrases[] = {
    "owls hunt at night by sound", "steam engines heat water in a boiler",
    "the barn owl drops on voles that it hears under the snow",
    "plants turn carbon dioxide and water into sugar"};

static const char *documents[N];
static deep_checkpoint deep;

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < N; i++)
        documents[i] = phrases[i % 4] + i / 4;
    deep_write(&deep, N_LAYERS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    deep_remove(&deep);
    return grt_memory_now() != 0;
}

static grt_request owl_request(void)
{
    grt_request request = GRT_REQUEST_INIT;
    request.query = "how do owls hunt";
    request.documents = documents;
    request.n_documents = N;
    request.k = 3;
    request.policy = &full_pass;
    return request;
}

/* Layers are read one after another, and a chunk is a document. */
static grt_model *open_streamed(const char *path)
{
    setup s = SETUP_INIT;
    s.engine.n_threads = 2;
    s.engine.chunk_rows = 1;
    s.model.residency = GRT_RESIDENCY_STREAMED;
    return open_with(path, &s);
}

static void assert_cancelled(grt_ranking *ranking)
{
    grt_error err;
    grt_step step = GRT_STEP_INIT;
    assert_refused(grt_ranking_step(&step, ranking, &err), GRT_E_CANCELLED, &err,
                   "cancelled");
    assert_int_equal(grt_ranking_step(&step, ranking, NULL), GRT_E_CANCELLED);
}

/* ---- From the thread that steps ---- */

static void test_cancelling_between_steps(void **state)
{
    (void)state;
    grt_model *model = open_streamed(deep.directory);
    grt_request request = owl_request();
    grt_result *wanted = rank_ok(model, &request);
    for (size_t n_steps = 0; n_steps <= N_LAYERS; n_steps++) {
        grt_ranking *ranking = open_ranking(model, &request);
        grt_result *before = NULL, *after = NULL;
        for (size_t i = 0; i < n_steps; i++)
            (void)step_ok(ranking);
        if (n_steps > 0) before = result_ok(ranking);
        for (size_t i = 0; i < 1 + n_steps % 3; i++)
            grt_ranking_cancel(ranking);
        assert_cancelled(ranking);
        if (before) { /* the order is still there */
            after = result_ok(ranking);
            assert_same_result(after, before);
        }
        grt_result_free(before);
        grt_result_free(after);
        grt_ranking_free(ranking);
        assert_int_equal(usage_of(model).n_rankings, 0);
        grt_result *found = rank_ok(model, &request);
        assert_same_result(found, wanted);
        grt_result_free(found);
    }
    grt_result_free(wanted);
    close_with(model);
}

static void test_other_rankings_go_on(void **state)
{
    (void)state;
    grt_model *model = open_streamed(deep.directory);
    grt_request request = owl_request();
    grt_result *wanted = rank_ok(model, &request);
    grt_ranking *first = open_ranking(model, &request);
    grt_ranking *second = open_ranking(model, &request);
    for (size_t i = 0; i < 4; i++) {
        (void)step_ok(first);
        (void)step_ok(second);
    }
    grt_ranking_cancel(first);
    assert_cancelled(first);
    (void)step_ok(second);
    grt_ranking_free(first);
    while (!step_ok(second).is_done) {
    }
    grt_result *found = result_ok(second);
    assert_same_result(found, wanted);
    grt_result_free(found);
    grt_result_free(wanted);
    grt_ranking_free(second);
    close_with(model);
}

/* ---- From another thread ---- */

/* A thread that steps until something ends it. */
typedef struct stepper {
    grt_ranking *ranking;
    grt_status status;
    atomic_size_t layer; /* computed; SIZE_MAX: none, and texts are not read */
    atomic_bool has_ended;
} stepper;

static void *step_through(void *payload)
{
    stepper *s = payload;
    grt_step step = GRT_STEP_INIT;
    while (s->status == GRT_OK && !step.is_done) {
        s->status = grt_ranking_step(&step, s->ranking, NULL);
        if (s->status == GRT_OK) atomic_store(&s->layer, step.layer);
    }
    atomic_store(&s->has_ended, true);
    return NULL;
}

static pthread_t start_stepper(stepper *s, grt_model *model, const grt_request *request)
{
    *s = (stepper){.ranking = open_ranking(model, request)};
    atomic_init(&s->layer, SIZE_MAX);
    atomic_init(&s->has_ended, false);
    return worker_start(step_through, s);
}

/* Ends it somewhere in a layer, that is between two of its chunks. */
static void test_cancelling_between_chunks(void **state)
{
    (void)state;
    enum { MANY = 200, MAX_TRIES = 40 };
    const char *many[MANY];
    size_t n_within = 0;
    grt_model *model = open_streamed(deep.directory);
    grt_request request = owl_request();
    for (size_t i = 0; i < MANY; i++)
        many[i] = documents[i % N];
    request.documents = many;
    request.n_documents = MANY;
    grt_result *wanted = rank_ok(model, &request);
    uint64_t full = stats_of(wanted).total_ns;
    assert_true(full > 0);
    for (size_t i = 0; i < MAX_TRIES && n_within < 5; i++) {
        stepper s;
        pthread_t thread = start_stepper(&s, model, &request);
        sleep_ns(full * (1 + i % 8) / 10);
        grt_ranking_cancel(s.ranking);
        worker_join(thread);
        if (s.status == GRT_E_CANCELLED && atomic_load(&s.layer) < N_LAYERS) {
            n_within++;
            grt_result *stands = result_ok(s.ranking);
            for (size_t j = 0; j < MANY; j++) { /* of whole layers only */
                assert_int_equal(grt_result_layers(stands)[j], atomic_load(&s.layer));
                assert_int_equal(grt_result_states(stands)[j], GRT_STATE_ACTIVE);
            }
            grt_result_free(stands);
        } else {
            assert_int_equal(s.status, GRT_OK); /* it was faster */
        }
        grt_ranking_free(s.ranking);
        assert_int_equal(usage_of(model).n_rankings, 0);
    }
    assert_true(n_within > 0);
    grt_result *found = rank_ok(model, &request);
    assert_same_result(found, wanted);
    grt_result_free(found);
    grt_result_free(wanted);
    close_with(model);
}

/* A text as long as a book, many times. */
static void test_cancelling_while_texts_are_read(void **state)
{
    (void)state;
    enum { MANY = 192, BYTES = 300000, MAX_TRIES = 20 };
    const char *many[MANY];
    size_t n_within = 0;
    char *book = malloc(BYTES + 1);
    assert_non_null(book);
    for (size_t i = 0; i < BYTES; i++)
        book[i] = phrases[i % 4][i % 19];
    book[BYTES] = '\0';
    for (size_t i = 0; i < MANY; i++)
        many[i] = book + i;
    grt_model *model = open_streamed(MINI);
    grt_request request = owl_request(), small = owl_request();
    request.documents = many;
    request.n_documents = MANY;
    grt_result *wanted = rank_ok(model, &small);
    grt_ranking *ranking = open_ranking(model, &request);
    uint64_t start = now_ns();
    (void)step_ok(ranking);
    uint64_t full = now_ns() - start;
    grt_ranking_free(ranking);
    for (size_t i = 0; i < MAX_TRIES && n_within < 3; i++) {
        stepper s;
        pthread_t thread = start_stepper(&s, model, &request);
        sleep_ns(full / 4);
        grt_ranking_cancel(s.ranking);
        worker_join(thread);
        assert_int_equal(s.status, GRT_E_CANCELLED);
        n_within += atomic_load(&s.layer) == SIZE_MAX; /* not even the first step */
        grt_ranking_free(s.ranking);
    }
    assert_true(n_within > 0);
    grt_result *found = rank_ok(model, &small);
    assert_same_result(found, wanted);
    grt_result_free(found);
    grt_result_free(wanted);
    close_with(model);
    free(book);
}

/* A layer of 3 MB comes in pieces; the step waits for it, and does not wait for the
 * whole of it when it is cancelled. */
static void test_cancelling_while_a_layer_is_read(void **state)
{
    (void)state;
    enum { MIB = 1 << 20 };
    static const uint64_t before[] = {0, 200000, 3 * MIB, 7 * MIB};
    grt_model *model = open_streamed(MINI);
    grt_request request = owl_request();
    grt_result *wanted = rank_ok(model, &request);
    for (size_t i = 0; i < 4; i++) {
        stepper s;
        slow_begin(before[i]);
        pthread_t thread = start_stepper(&s, model, &request);
        assert_true(slow_is_reached());
        sleep_ns(20000000); /* what needs no reading is done */
        assert_false(atomic_load(&s.has_ended));
        grt_ranking_cancel(s.ranking);
        uint64_t at = slow_bytes();
        sleep_ns(200000000); /* the step looks for it now and then */
        slow_allow(UINT64_MAX);
        worker_join(thread);
        uint64_t n_read = slow_bytes() - at;
        slow_end();
        assert_int_equal(s.status, GRT_E_CANCELLED);
        if (n_read > MIB + SLOW_PIECE)
            fail_msg("%llu bytes were read after it was cancelled at %llu",
                     (unsigned long long)n_read, (unsigned long long)at);
        grt_ranking_free(s.ranking);
        grt_result *found = rank_ok(model, &request);
        assert_same_result(found, wanted);
        grt_result_free(found);
    }
    grt_result_free(wanted);
    close_with(model);
}

/* While somebody else has the turn, and keeps it: a cancel ends the waiting, too. */
static void test_cancelling_one_that_waits_for_its_turn(void **state)
{
    (void)state;
    grt_model *model = open_streamed(MINI);
    grt_request request = owl_request();
    grt_result *wanted = rank_ok(model, &request);
    slow_begin(0);
    stepper holder, waiter;
    pthread_t first = start_stepper(&holder, model, &request);
    assert_true(slow_is_reached());
    pthread_t second = start_stepper(&waiter, model, &request);
    sleep_ns(20000000);
    assert_false(atomic_load(&waiter.has_ended));
    grt_ranking_cancel(waiter.ranking);
    worker_join(second); /* the first one still waits for its layer */
    assert_false(atomic_load(&holder.has_ended));
    assert_int_equal(waiter.status, GRT_E_CANCELLED);
    grt_ranking_free(waiter.ranking);
    slow_end();
    worker_join(first);
    assert_int_equal(holder.status, GRT_OK);
    grt_result *found = result_ok(holder.ranking);
    assert_same_result(found, wanted);
    grt_result_free(found);
    grt_ranking_free(holder.ranking);
    grt_result_free(wanted);
    close_with(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cancelling_between_steps),
        cmocka_unit_test(test_other_rankings_go_on),
        cmocka_unit_test(test_cancelling_between_chunks),
        cmocka_unit_test(test_cancelling_while_texts_are_read),
        cmocka_unit_test(test_cancelling_while_a_layer_is_read),
        cmocka_unit_test(test_cancelling_one_that_waits_for_its_turn),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
