/* test_threads.c - an engine and its models are used by several threads at once: what
 * each gets has the bits that one thread alone gets.  Run it under ThreadSanitizer, too
 * (./test tsan). */
#include "opened.h"
#include "worker.h"

#include "base/memory.h"

#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__)
#define IS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_TSAN 1
#endif
#endif
#ifndef IS_TSAN
#define IS_TSAN 0
#endif

#define ENCODER GRT_SOURCE_DIR "/models/grating-mini"
#define DECODER GRT_TEST_DATA "/golden/qwen3-bf16"

enum { N_THREADS = 4, N_REQUESTS = 6, N = 10, N_ROUNDS = IS_TSAN ? 3 : 8 };

static const char *const documents[N + N_REQUESTS] = {
    "Owls hunt at night by sound; their feathers make no noise.",
    "Steam engines heat water in a boiler.",
    "The barn owl drops on voles that it hears under the snow.",
    "",
    "An owl.",
    "Hawks hunt by day, from a perch or in flight, and see sharply.",
    "a b c d e f g h i j k l m n o p q r s t u v w x y z",
    "Plants turn carbon dioxide and water into sugar.",
    "Owls hunt at night by sound; their feathers make no noise.",
    "Night vision of owls comes from large tubular eyes.",
    "Mice are hunted by owls, cats, weasels, foxes and snakes.",
    "Bread rises because yeast makes carbon dioxide.",
    "The stock market closed slightly higher on Friday.",
    "Glaciers move a few metres in a year.",
    "A violin has four strings.",
    "Bees dance."};

static const grt_policy_options bound = {.struct_size = sizeof(grt_policy_options),
                                         .policy = GRT_POLICY_BOUND};

static grt_request request_of(size_t which)
{
    static const char *const queries[N_REQUESTS] = {
        "how do owls hunt", "steam", "what do mice fear", "bread", "",
        "music and strings"};
    grt_request request = GRT_REQUEST_INIT;
    request.query = queries[which];
    request.documents = documents + which;
    request.n_documents = N - which;
    request.k = 1 + which % 3;
    request.policy = which % 2 ? &bound : &full_pass;
    return request;
}

static grt_model *model;
static grt_result *wanted[N_REQUESTS];
static size_t wanted_tokens[N_REQUESTS];

static int is_same(const grt_result *a, const grt_result *b)
{
    size_t n = grt_result_count(a);
    return grt_result_count(b) == n &&
           !memcmp(grt_result_indices(a), grt_result_indices(b), n * sizeof(size_t)) &&
           !memcmp(grt_result_logits(a), grt_result_logits(b), n * sizeof(float)) &&
           !memcmp(grt_result_scores(a), grt_result_scores(b), n * sizeof(float)) &&
           !memcmp(grt_result_states(a), grt_result_states(b), n * sizeof(int32_t)) &&
           !memcmp(grt_result_layers(a), grt_result_layers(b), n * sizeof(size_t));
}

static void rank_in_one(size_t which)
{
    grt_error err;
    grt_result *result = NULL;
    grt_request request = request_of(which);
    if (!worker_check_ok(grt_rank(&result, model, &request, &err), &err)) return;
    worker_check(is_same(result, wanted[which]));
    grt_result_free(result);
}

static void rank_in_steps(size_t which, size_t most_steps)
{
    grt_error err;
    grt_ranking *ranking = NULL;
    grt_result *result = NULL;
    grt_step step = GRT_STEP_INIT;
    grt_request request = request_of(which);
    if (!worker_check_ok(grt_ranking_open(&ranking, model, &request, &err), &err))
        return;
    for (size_t i = 0; i < most_steps && !step.is_done; i++)
        if (!worker_check_ok(grt_ranking_step(&step, ranking, &err), &err)) break;
    if (step.is_done &&
        worker_check_ok(grt_ranking_result(&result, ranking, &err), &err)) {
        worker_check(is_same(result, wanted[which]));
        grt_result_free(result);
    }
    grt_ranking_free(ranking);
}

static void count_tokens(size_t which)
{
    grt_error err;
    size_t n = 0;
    worker_check_ok(
        grt_count_tokens(&n, model, documents[which], GRT_NUL_TERMINATED, &err), &err);
    worker_check(n == wanted_tokens[which]);
}

static void look_around(void)
{
    grt_model_info info = GRT_MODEL_INFO_INIT;
    grt_engine_usage usage = GRT_ENGINE_USAGE_INIT;
    grt_memory_plan plan = GRT_MEMORY_PLAN_INIT;
    grt_error err;
    grt_model_describe(model, &info);
    worker_check(info.n_layers > 0 && info.profile == NULL);
    worker_check(grt_engine_describe(grt_model_engine(model), &usage) == GRT_OK);
    worker_check(usage.n_models >= 1);
    worker_check_ok(grt_plan_memory(&plan, model, 10, 20, &err), &err);
    worker_check(plan.n_layers == info.n_layers);
}

/* One of four: everything that a thread may do with a model, in an order of its own. */
static void *work(void *payload)
{
    size_t thread = *(const size_t *)payload;
    for (size_t round = 0; round < N_ROUNDS; round++)
        for (size_t i = 0; i < N_REQUESTS; i++) {
            size_t which = (i + thread * 2) % N_REQUESTS;
            switch ((i + round + thread) % 4) {
            case 0: rank_in_one(which); break;
            case 1: rank_in_steps(which, SIZE_MAX); break;
            case 2: rank_in_steps(which, 1 + i % 3); break; /* and leaves */
            default: rank_in_one(which); break;
            }
            count_tokens(which);
            look_around();
        }
    return NULL;
}

/* Opens and closes models meanwhile, on the same engine. */
static void *open_and_close(void *payload)
{
    const char *path = payload;
    for (size_t round = 0; round < N_ROUNDS; round++) {
        grt_error err;
        grt_model *other = NULL;
        grt_result *result = NULL;
        grt_request request = request_of(0);
        grt_model_options options = GRT_MODEL_OPTIONS_INIT;
        options.profile_path = "";
        grt_engine *engine = round % 3 ? grt_model_engine(model) : NULL;
        if (!worker_check_ok(grt_model_open(&other, engine, path, &options, &err),
                             &err))
            continue;
        if (round % 2 &&
            worker_check_ok(grt_rank(&result, other, &request, &err), &err)) {
            worker_check(is_same(result, wanted[0]));
            grt_result_free(result);
        }
        grt_model_close(other);
    }
    return NULL;
}

static void run_threads(const char *path, uint64_t memory_bytes, int32_t residency)
{
    size_t numbers[N_THREADS];
    pthread_t threads[N_THREADS];
    setup s = SETUP_INIT;
    uint64_t before = grt_memory_now();
    s.engine.n_threads = 1;
    s.model.profile_path = "";
    model = open_with(path, &s);
    for (size_t i = 0; i < N_REQUESTS; i++) {
        grt_error err;
        grt_request request = request_of(i);
        wanted[i] = rank_ok(model, &request);
        assert_ok(grt_count_tokens(&wanted_tokens[i], model, documents[i],
                                   GRT_NUL_TERMINATED, &err),
                  &err);
    }
    close_with(model);
    s.engine.n_threads = 3;
    s.engine.memory_bytes = memory_bytes;
    s.model.residency = residency;
    model = open_with(path, &s);
    union {
        const char *in;
        void *out;
    } name = {path};
    pthread_t opener = worker_start(open_and_close, name.out);
    for (size_t i = 0; i < N_THREADS; i++) {
        numbers[i] = i;
        threads[i] = worker_start(work, &numbers[i]);
    }
    for (size_t i = 0; i < N_THREADS; i++)
        worker_join(threads[i]);
    worker_join(opener);
    grt_engine_usage usage = usage_of(model);
    assert_int_equal(usage.n_models, 1);
    assert_int_equal(usage.n_rankings, 0);
    if (memory_bytes) assert_true(usage.reserved_bytes <= memory_bytes);
    close_with(model);
    for (size_t i = 0; i < N_REQUESTS; i++)
        grt_result_free(wanted[i]);
    assert_int_equal(grt_memory_now(), before);
}

static void test_four_threads_on_one_encoder(void **state)
{
    (void)state;
    run_threads(ENCODER, 0, GRT_RESIDENCY_AUTO);
}

static void test_four_threads_on_one_decoder(void **state)
{
    (void)state;
    run_threads(DECODER, 0, GRT_RESIDENCY_AUTO);
    run_threads(DECODER, 0, GRT_RESIDENCY_STREAMED);
}

/* A budget that holds them all, so that layers come and go and buffers are resized. */
static void test_four_threads_under_a_budget(void **state)
{
    (void)state;
    run_threads(DECODER, (uint64_t)1 << 30, GRT_RESIDENCY_STREAMED);
    run_threads(ENCODER, (uint64_t)1 << 30, GRT_RESIDENCY_AUTO);
}

/* ---- One budget for two, and no room for both ---- */

static grt_status rank_when_there_is_room(grt_result **out, const grt_request *request,
                                          grt_error *err)
{
    grt_status status;
    while ((status = grt_rank(out, model, request, err)) == GRT_E_BUSY)
        sleep_ns(200000);
    return status;
}

static void *rank_and_wait(void *payload)
{
    const grt_request *request = payload;
    for (size_t round = 0; round < 3 * N_ROUNDS; round++) {
        grt_error err;
        grt_result *result = NULL;
        if (!worker_check_ok(rank_when_there_is_room(&result, request, &err), &err))
            return NULL;
        worker_check(is_same(result, wanted[0]));
        grt_result_free(result);
        grt_engine_usage usage = GRT_ENGINE_USAGE_INIT;
        worker_check(grt_engine_describe(grt_model_engine(model), &usage) == GRT_OK);
        worker_check(usage.reserved_bytes <= usage.budget_bytes);
    }
    return NULL;
}

static void test_who_finds_no_room_comes_back(void **state)
{
    (void)state;
    grt_error err;
    grt_result *none = NULL;
    setup s = SETUP_INIT;
    grt_request request = request_of(0);
    s.engine.n_threads = 1;
    model = open_with(DECODER, &s);
    wanted[0] = rank_ok(model, &request);
    close_with(model);
    model = open_with(DECODER, &s);
    grt_engine_set_memory(grt_model_engine(model), 1);
    assert_int_equal(grt_rank(&none, model, &request, &err), GRT_E_NO_MEMORY);
    /* hidden states in f32 for one, not for two */
    grt_engine_set_memory(grt_model_engine(model),
                          err.smallest_bytes + (err.smallest_bytes >> 4));
    grt_result *alone = NULL;
    assert_ok(grt_rank(&alone, model, &request, &err), &err);
    grt_result_free(wanted[0]);
    wanted[0] = alone;
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++)
        threads[i] = worker_start(rank_and_wait, &request);
    for (size_t i = 0; i < 3; i++)
        worker_join(threads[i]);
    grt_result_free(wanted[0]);
    close_with(model);
}

/* ---- After a fork ---- */

/* What goes wrong in the child, as its exit status; 0: all is as promised. */
static int run_child(grt_ranking *ranking)
{
    grt_error err;
    grt_result *result = NULL;
    grt_ranking *other = NULL;
    grt_model *opened = NULL;
    grt_step step = GRT_STEP_INIT;
    grt_request request = request_of(0);
    if (grt_rank(&result, model, &request, &err) != GRT_E_UNSUPPORTED) return 10;
    if (!strstr(err.text, "fork")) return 11;
    if (grt_ranking_open(&other, model, &request, &err) != GRT_E_UNSUPPORTED) return 12;
    if (grt_ranking_step(&step, ranking, &err) != GRT_E_UNSUPPORTED) return 13;
    if (grt_model_open(&opened, grt_model_engine(model), DECODER, NULL, &err) !=
        GRT_E_UNSUPPORTED)
        return 14;
    if (IS_TSAN) return 0; /* which takes no threads after a fork */
    if (grt_model_open(&opened, NULL, DECODER, NULL, &err) != GRT_OK) return 15;
    if (grt_rank(&result, opened, &request, &err) != GRT_OK) return 16;
    if (!is_same(result, wanted[0])) return 17;
    grt_result_free(result);
    grt_model_close(opened);
    grt_ranking_free(ranking); /* what it inherited, without a thread to wait for */
    close_with(model);
    return 0;
}

static void test_a_child_is_refused_and_makes_its_own(void **state)
{
    (void)state;
    int code = 0;
    setup s = SETUP_INIT;
    s.engine.n_threads = 2;
    model = open_with(DECODER, &s);
    grt_request request = request_of(0);
    wanted[0] = rank_ok(model, &request);
    grt_ranking *ranking = open_ranking(model, &request);
    (void)step_ok(ranking);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)alarm(60); /* rather than hang */
        _exit(run_child(ranking));
    }
    assert_int_equal(waitpid(child, &code, 0), child);
    if (!WIFEXITED(code) || WEXITSTATUS(code) != 0)
        fail_msg("the child ended with code %x", (unsigned)code);
    while (!step_ok(ranking).is_done) { /* the parent goes on */
    }
    grt_result *found = result_ok(ranking);
    assert_same_result(found, wanted[0]);
    grt_result_free(found);
    grt_result_free(wanted[0]);
    grt_ranking_free(ranking);
    close_with(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_four_threads_on_one_encoder),
        cmocka_unit_test(test_four_threads_on_one_decoder),
        cmocka_unit_test(test_four_threads_under_a_budget),
        cmocka_unit_test(test_who_finds_no_room_comes_back),
        cmocka_unit_test(test_a_child_is_refused_and_makes_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
