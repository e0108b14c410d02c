/* test_engine.c - pruning, streaming, chunks and storage change what is computed and
 * where it lies, never a bit of what comes out (bf16 states its tolerance). */
#include "opened.h"

#include "api/experiment.h"
#include "base/memory.h"

#include <fcntl.h>
#include <math.h>

enum { N = 12 };

static const char *const models[] = {GRT_SOURCE_DIR "/models/grating-mini",
                                     GRT_TEST_DATA "/golden/qwen3-gguf-q8_0/model.gguf",
                                     GRT_TEST_DATA "/golden/qwen3-bf16"};
enum { N_MODELS = sizeof(models) / sizeof(models[0]) };

static const char *const documents[N] = {
    "Owls hunt at night by sound; their feathers make no noise.",
    "The barn owl drops on voles that it hears under the snow, which it can locate to "
    "within a degree by the difference between its ears, one higher than the other.",
    "",
    "Steam engines heat water in a boiler.",
    "An owl.",
    "Hawks hunt by day, from a perch or in flight, and see four times as sharply as we "
    "do; most take rabbits, some take birds.",
    "a b c d e f g h i j k l m n o p q r s t u v w x y z",
    "Plants turn carbon dioxide and water into sugar.",
    "Owls hunt at night by sound; their feathers make no noise.",
    "Night vision of owls comes from large tubular eyes that cannot turn in the skull.",
    "\xff\xfe broken text \xe2\x82",
    "Mice are hunted by owls, cats, weasels, foxes and snakes.",
};

static grt_request request_of(const char *query)
{
    grt_request request = GRT_REQUEST_INIT;
    request.query = query;
    request.documents = documents;
    request.n_documents = N;
    request.k = 3;
    request.policy = &full_pass;
    return request;
}

static void rank_with(const char *path, const setup *s, const grt_experiment *plain,
                      float *logits)
{
    grt_model *model = open_with(path, s);
    for (int pass = 0; pass < 2; pass++) { /* the second finds buffers and layers */
        grt_error err;
        grt_request request = request_of("how do owls hunt");
        grt_result *result = NULL;
        assert_ok(grt_rank_experiment(&result, model, &request, plain, &err), &err);
        logits_of(result, logits);
        grt_stats stats = stats_of(result);
        assert_true(stats.tokens_x_layers <= stats.full_tokens_x_layers);
        grt_result_free(result);
    }
    close_with(model);
}

/* Nothing shared, nothing left out, everything in memory, one chunk. */
static setup plain_setup(void)
{
    setup s = SETUP_INIT;
    s.engine.n_threads = 1;
    s.engine.chunk_rows = 100000;
    s.model.residency = GRT_RESIDENCY_RESIDENT;
    return s;
}

static const grt_experiment plain_rows = {.computes_prefix_apart = 1,
                                          .computes_all_rows = 1};

static void test_every_technique_is_exact(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_MODELS; m++) {
        setup s = plain_setup();
        float wanted[N], found[N];
        rank_with(models[m], &s, &plain_rows, wanted);
        /* the small models take all choices, the real one every fifth */
        for (unsigned choice = 0; choice < 64; choice += m == 0 ? 5 : 1) {
            grt_experiment rows = plain_rows;
            s = plain_setup();
            s.engine.n_threads = 1 + (choice & 1);
            if (choice & 2) s.model.residency = GRT_RESIDENCY_STREAMED;
            if (choice & 4) s.engine.chunk_rows = 1;
            if (choice & 8) s.engine.hidden = GRT_HIDDEN_FILE;
            if (choice & 16) rows.computes_prefix_apart = 0;
            if (choice & 32) rows.computes_all_rows = 0;
            s.model.n_cached_rows = choice & 4 ? 5 : 0;
            rank_with(models[m], &s, &rows, found);
            if (memcmp(found, wanted, sizeof(wanted)) != 0)
                for (size_t i = 0; i < N; i++)
                    if (found[i] != wanted[i])
                        fail_msg("%s, choice %u: document %zu: %.9g, not %.9g",
                                 models[m], choice, i, (double)found[i],
                                 (double)wanted[i]);
        }
    }
}

static void test_bf16_states_stay_close(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_MODELS; m++) {
        setup s = plain_setup();
        float wanted[N], found[N];
        rank_with(models[m], &s, &plain_rows, wanted);
        s.engine.hidden = GRT_HIDDEN_BF16;
        rank_with(models[m], &s, &plain_rows, found);
        for (size_t i = 0; i < N; i++)
            assert_true(fabsf(found[i] - wanted[i]) < 0.15f);
        assert_true(memcmp(found, wanted, sizeof(wanted)) != 0);
    }
}

static void test_work_is_saved_where_it_can_be(void **state)
{
    (void)state;
    grt_model *model = open_on(NULL, models[1], NULL);
    grt_model_info info = GRT_MODEL_INFO_INIT;
    grt_model_describe(model, &info);
    grt_request request = request_of("how do owls hunt");
    grt_result *result = rank_ok(model, &request);
    grt_stats stats = stats_of(result);
    assert_true(stats.n_prefix > 20);
    uint64_t own = stats.n_tokens - N * stats.n_prefix;
    assert_int_equal(stats.tokens_x_layers,
                     (own + stats.n_prefix) * (info.n_layers - 1) + N);
    assert_int_equal(stats.full_tokens_x_layers, stats.n_tokens * info.n_layers);
    assert_int_equal(stats.candidates_x_layers, N * info.n_layers);
    grt_result_free(result);
    grt_model_close(model);
}

/* ---- Pruning ---- */

/* What the steps of a ranking told of each document. */
typedef struct story {
    size_t last_layer;
    size_t n_active;
    int32_t states[N];
    size_t layers[N];
    float scores[N];
} story;

static void follow(story *told, const grt_step *step)
{
    assert_true(step->n > 0);
    assert_int_equal(step->n, told->n_active);
    size_t n_active = 0;
    for (size_t i = 0; i < step->n; i++) {
        size_t index = step->indices[i];
        assert_true(index < N && (i == 0 || index > step->indices[i - 1]));
        assert_int_equal(told->states[index], GRT_STATE_ACTIVE);
        told->states[index] = step->states[i];
        told->layers[index] = step->layer;
        told->scores[index] = step->scores[i];
        n_active += step->states[i] == GRT_STATE_ACTIVE;
    }
    assert_int_equal(step->n_active, n_active);
    told->n_active = n_active;
}

/* Columns that make sense on their own. */
static void check_columns(const grt_result *result, size_t k)
{
    const size_t *indices = grt_result_indices(result);
    const int32_t *states = grt_result_states(result);
    size_t n_selected = 0, n_finished = 0, layers = 0, seen = 0;
    for (size_t i = 0; i < N; i++) {
        n_selected += states[i] == GRT_STATE_SELECTED;
        n_finished += states[i] == GRT_STATE_FINISHED;
        layers += grt_result_layers(result)[i];
        seen |= (size_t)1 << indices[i];
        if (i == 0) continue;
        assert_true(states[i] == GRT_STATE_DROPPED ||
                    states[i - 1] != GRT_STATE_DROPPED);
    }
    assert_int_equal(seen, ((size_t)1 << N) - 1);
    assert_true(n_selected <= k);
    assert_true(n_selected + n_finished >= k);
    assert_int_equal(stats_of(result).candidates_x_layers, layers);
}

/* Steps through, and checks that steps, columns and counts tell the same story. */
static grt_result *rank_followed(grt_model *model, const grt_request *request)
{
    story told = {.n_active = N};
    grt_ranking *ranking = open_ranking(model, request);
    grt_step step;
    for (size_t i = 0; i < N; i++)
        told.states[i] = GRT_STATE_ACTIVE;
    do {
        step = step_ok(ranking);
        if (step.n > 0) follow(&told, &step);
    } while (!step.is_done);
    grt_result *result = result_ok(ranking);
    grt_ranking_free(ranking);
    grt_stats stats = stats_of(result);
    int predicts = stats.policy == GRT_POLICY_BOUND && stats.has_profile;
    for (size_t i = 0; i < N; i++) {
        size_t index = grt_result_indices(result)[i];
        int32_t state = grt_result_states(result)[i];
        assert_int_equal(state, told.states[index]);
        assert_int_equal(grt_result_layers(result)[i], told.layers[index]);
        if (!predicts || state == GRT_STATE_FINISHED)
            assert_true(grt_result_logits(result)[i] == told.scores[index]);
    }
    check_columns(result, request->k);
    return result;
}

static void test_every_policy_tells_one_story(void **state)
{
    (void)state;
    static const grt_schedule_entry schedule[] = {{1, 1, 3}, {2, 0, 0}, {3, 1, 2}};
    static const grt_experiment by_schedule = {.schedule = schedule, .n_schedule = 3};
    for (size_t m = 0; m < N_MODELS; m++) {
        setup s = SETUP_INIT;
        s.engine.n_threads = 2;
        s.engine.chunk_rows = 64;
        s.model.residency = GRT_RESIDENCY_STREAMED;
        grt_model *model = open_with(models[m], &s);
        for (unsigned choice = 0; choice < 40; choice++) {
            grt_error err;
            grt_result *result = NULL;
            grt_request request = request_of(choice & 1 ? "owls" : "steam engine");
            grt_policy_options policy = policy_of((grt_policy)(choice % 5 % 4));
            policy.promise = (int32_t)(GRT_PROMISE_SET + choice / 2 % 3);
            policy.precision = choice & 8 ? 0.6f : 0.0f;
            request.policy = &policy;
            request.k = 1 + choice % 4;
            if (choice % 5 == 4) {
                assert_ok(
                    grt_rank_experiment(&result, model, &request, &by_schedule, &err),
                    &err);
                check_columns(result, request.k);
            } else {
                result = rank_followed(model, &request);
                assert_int_equal(stats_of(result).policy,
                                 policy.policy ? policy.policy : GRT_POLICY_BOUND);
            }
            assert_int_equal(stats_of(result).promise, policy.promise);
            grt_result_free(result);
        }
        close_with(model);
    }
}

static void test_a_schedule_does_what_it_says(void **state)
{
    (void)state;
    grt_error err;
    static const grt_schedule_entry schedule[] = {{1, 1, 3}, {2, 0, 4}, {3, 1, 1}};
    static const grt_experiment by_schedule = {.schedule = schedule, .n_schedule = 3};
    grt_model *model = open_on(NULL, models[0], NULL);
    grt_request request = request_of("how do owls hunt");
    grt_policy_options policy = policy_of(GRT_POLICY_DEFAULT);
    request.policy = &policy;
    request.k = 4;
    grt_result *result = NULL;
    assert_ok(grt_rank_experiment(&result, model, &request, &by_schedule, &err), &err);
    check_columns(result, request.k);
    size_t n_selected[9] = {0}, n_dropped[9] = {0};
    for (size_t i = 0; i < N; i++) {
        size_t layer = grt_result_layers(result)[i];
        n_selected[layer] += grt_result_states(result)[i] == GRT_STATE_SELECTED;
        n_dropped[layer] += grt_result_states(result)[i] == GRT_STATE_DROPPED;
    }
    assert_int_equal(n_selected[1], 1);
    assert_int_equal(n_dropped[1], 3);
    assert_int_equal(n_dropped[2], 4);
    /* one is selected and one dropped at layer 3; two are left for two slots */
    assert_int_equal(n_selected[3], 3);
    assert_int_equal(n_dropped[3], 1);
    grt_result_free(result);
    grt_model_close(model);
}

static void test_a_promise_of_scores_is_kept(void **state)
{
    (void)state;
    grt_model *model = open_on(NULL, models[0], NULL);
    float wanted[N];
    grt_request request = request_of("how do owls hunt");
    grt_result *full = rank_ok(model, &request);
    logits_of(full, wanted);
    grt_policy_options policy = policy_of(GRT_POLICY_BOUND);
    policy.promise = GRT_PROMISE_SCORES;
    request.policy = &policy;
    grt_result *pruned = rank_followed(model, &request);
    for (size_t i = 0; i < request.k; i++) {
        size_t index = grt_result_indices(pruned)[i];
        assert_int_equal(grt_result_states(pruned)[i], GRT_STATE_FINISHED);
        assert_int_equal(index, grt_result_indices(full)[i]);
        assert_true(grt_result_logits(pruned)[i] == wanted[index]);
        assert_true(grt_result_flags(pruned)[i] & GRT_FLAG_EXACT);
    }
    grt_result_free(full);
    grt_result_free(pruned);
    grt_model_close(model);
}

static void test_all_wanted_means_nobody_leaves(void **state)
{
    (void)state;
    grt_model *model = open_on(NULL, models[0], NULL);
    const size_t ks[] = {0, N, N + 5};
    for (size_t i = 0; i < 3; i++) {
        grt_request request = request_of("how do owls hunt");
        request.policy = NULL;
        request.k = ks[i];
        grt_result *result = rank_ok(model, &request);
        assert_int_equal(stats_of(result).policy, GRT_POLICY_NONE);
        assert_int_equal(grt_result_top(result), N);
        for (size_t j = 0; j < N; j++)
            assert_int_equal(grt_result_states(result)[j], GRT_STATE_FINISHED);
        grt_result_free(result);
    }
    grt_model_close(model);
}

static void test_wrong_policies_are_named(void **state)
{
    (void)state;
    grt_model *model = open_on(NULL, models[0], NULL);
    grt_error err;
    grt_result *result = NULL;
    const struct {
        grt_policy_options policy;
        const char *text;
    } cases[] = {
        {{sizeof(grt_policy_options), 0, 0, 1.0f, 0, 0, 0}, "precision"},
        {{sizeof(grt_policy_options), 0, 0, NAN, 0, 0, 0}, "precision"},
        {{sizeof(grt_policy_options), 0, 0, 0, -1.0f, 0, 0}, "dispersion"},
        {{sizeof(grt_policy_options), 0, 0, 0, 0, 1, 0}, "clusters"},
        {{sizeof(grt_policy_options), 9, 0, 0, 0, 0, 0}, "policy 9"},
        {{sizeof(grt_policy_options), 4, 0, 0, 0, 0, 0}, "policy 4"},
        {{sizeof(grt_policy_options), 0, 7, 0, 0, 0, 0}, "promise 7"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        grt_request request = request_of("q");
        request.policy = &cases[i].policy;
        assert_refused(grt_rank(&result, model, &request, &err), GRT_E_INVALID_ARG,
                       &err, cases[i].text);
    }
    grt_model_close(model);
}

/* ---- Many requests ---- */

static void run_200_requests(const char *path, const setup *s)
{
    uint64_t before = grt_memory_now();
    grt_model *model = open_with(path, s);
    uint64_t after[10] = {0}; /* requests repeat every ten */
    uint64_t embedding_bytes = 0;
    for (size_t i = 0; i < 200; i++) {
        grt_request request = request_of("how do owls hunt");
        grt_policy_options policy =
            policy_of(i % 2 ? GRT_POLICY_BOUND : GRT_POLICY_NONE);
        request.policy = &policy;
        request.n_documents = N - i % 5;
        grt_result *result = rank_ok(model, &request);
        if (i >= 20) embedding_bytes += stats_of(result).embedding_bytes;
        grt_result_free(result);
        if (i >= 20) assert_int_equal(grt_memory_now(), after[i % 10]);
        after[i % 10] = grt_memory_now();
    }
    if (s->model.n_cached_rows > 1000) assert_int_equal(embedding_bytes, 0);
    if (s->model.n_cached_rows == 2) assert_true(embedding_bytes > 0);
    close_with(model);
    assert_int_equal(grt_memory_now(), before);
}

static void test_200_requests_leak_nothing_and_reuse_buffers(void **state)
{
    (void)state;
    setup s = SETUP_INIT;
    run_200_requests(models[1], &s);
    s.engine.n_threads = 2;
    s.engine.hidden = GRT_HIDDEN_FILE;
    s.engine.chunk_rows = 64;
    s.model.residency = GRT_RESIDENCY_STREAMED;
    s.model.n_cached_rows = 2;
    run_200_requests(models[1], &s);
    s.model.n_cached_rows = 100000;
    run_200_requests(models[2], &s);
}

static size_t n_descriptors(void)
{
    size_t n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* Layouts of changing size make and leave temporary files. */
static void test_temporary_files_are_closed(void **state)
{
    (void)state;
    size_t before = n_descriptors();
    setup s = SETUP_INIT;
    s.engine.hidden = GRT_HIDDEN_FILE;
    s.engine.memory_bytes = (uint64_t)1 << 32;
    grt_model *model = open_with(models[2], &s);
    size_t during = 0;
    for (size_t i = 0; i < 40; i++) {
        grt_request request = request_of("how do owls hunt");
        request.n_documents = 1 + i * 5 % N;
        grt_result_free(rank_ok(model, &request));
        if (i == 0) during = n_descriptors();
        assert_int_equal(n_descriptors(), during);
    }
    close_with(model);
    assert_int_equal(n_descriptors(), before);
}

/* ---- Engines ---- */

static void test_an_engine_says_what_it_holds(void **state)
{
    (void)state;
    grt_engine_options options = GRT_ENGINE_OPTIONS_INIT;
    grt_engine_usage usage = GRT_ENGINE_USAGE_INIT;
    options.n_threads = 3;
    options.memory_bytes = (uint64_t)1 << 30;
    grt_engine *engine = new_engine(&options);
    grt_model *first = open_on(engine, models[1], NULL);
    grt_model *second = open_on(engine, models[2], NULL);
    assert_ptr_equal(grt_model_engine(first), engine);
    assert_ptr_equal(grt_model_engine(second), engine);
    grt_request request = request_of("how do owls hunt");
    grt_ranking *ranking = open_ranking(first, &request);
    (void)step_ok(ranking);
    assert_int_equal(grt_engine_describe(engine, &usage), GRT_OK);
    assert_int_equal(usage.n_threads, 3);
    assert_int_equal(usage.n_models, 2);
    assert_int_equal(usage.n_rankings, 1);
    assert_int_equal(usage.budget_bytes, (uint64_t)1 << 30);
    assert_in_range(usage.reserved_bytes, 1, usage.budget_bytes);
    assert_int_equal(usage.allocated_bytes, grt_memory_now());
    assert_int_equal(usage.peak_bytes, grt_memory_peak());
    grt_ranking_free(ranking);
    grt_model_close(second);
    grt_engine_set_memory(engine, 0);
    assert_int_equal(grt_engine_describe(engine, &usage), GRT_OK);
    assert_int_equal(usage.n_models, 1);
    assert_int_equal(usage.n_rankings, 0);
    assert_int_equal(usage.budget_bytes, 0);
    usage.struct_size = 0;
    assert_int_equal(grt_engine_describe(engine, &usage), GRT_E_INVALID_ARG);
    grt_model_close(first);
    grt_engine_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_technique_is_exact),
        cmocka_unit_test(test_bf16_states_stay_close),
        cmocka_unit_test(test_work_is_saved_where_it_can_be),
        cmocka_unit_test(test_every_policy_tells_one_story),
        cmocka_unit_test(test_a_schedule_does_what_it_says),
        cmocka_unit_test(test_a_promise_of_scores_is_kept),
        cmocka_unit_test(test_all_wanted_means_nobody_leaves),
        cmocka_unit_test(test_wrong_policies_are_named),
        cmocka_unit_test(test_200_requests_leak_nothing_and_reuse_buffers),
        cmocka_unit_test(test_temporary_files_are_closed),
        cmocka_unit_test(test_an_engine_says_what_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
