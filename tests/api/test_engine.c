/* test_engine.c - pruning, streaming, chunks and storage change what is computed and
 * where it lies, never a bit of what comes out (bf16 states its tolerance). */
#include "test.h"

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
    request.policy = GRT_POLICY_NONE;
    return request;
}

static grt_model *open_model(const char *path)
{
    grt_error err;
    grt_model *model = NULL;
    assert_ok(grt_model_open(&model, path, NULL, &err), &err);
    return model;
}

static grt_session *new_session(const grt_model *model,
                                const grt_session_options *options)
{
    grt_error err;
    grt_session *session = NULL;
    assert_ok(grt_session_create(&session, model, options, &err), &err);
    return session;
}

static grt_result *rank(grt_session *session, const grt_request *request)
{
    grt_error err;
    grt_result *result = NULL;
    assert_ok(grt_rank(session, request, &result, &err), &err);
    assert_int_equal(grt_result_count(result), request->n_documents);
    return result;
}

static void logits_of(const grt_result *result, float *logits)
{
    for (size_t i = 0; i < grt_result_count(result); i++) {
        const grt_item *item = &grt_result_items(result)[i];
        logits[item->index] = item->logit;
    }
}

static void rank_with(const grt_model *model, const grt_session_options *options,
                      float *logits)
{
    grt_session *session = new_session(model, options);
    for (int pass = 0; pass < 2; pass++) { /* the second finds buffers and layers */
        grt_request request = request_of("how do owls hunt");
        grt_result *result = rank(session, &request);
        logits_of(result, logits);
        const grt_stats *stats = grt_result_stats(result);
        assert_true(stats->tokens_x_layers <= stats->full_tokens_x_layers);
        grt_result_free(result);
    }
    grt_session_free(session);
}

/* Nothing shared, nothing left out, everything in memory, one chunk. */
static grt_session_options plain_options(void)
{
    grt_session_options options = GRT_SESSION_OPTIONS_INIT;
    options.n_threads = 1;
    options.residency = GRT_RESIDENCY_RESIDENT;
    options.chunk_rows = 100000;
    options.computes_prefix_apart = 1;
    options.computes_all_rows = 1;
    return options;
}

static void test_every_technique_is_exact(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_MODELS; m++) {
        grt_model *model = open_model(models[m]);
        grt_session_options options = plain_options();
        float wanted[N], found[N];
        rank_with(model, &options, wanted);
        /* the small models take all choices, the real one every fifth */
        for (unsigned choice = 0; choice < 64; choice += m == 0 ? 5 : 1) {
            options = plain_options();
            options.n_threads = 1 + (choice & 1);
            if (choice & 2) options.residency = GRT_RESIDENCY_STREAMED;
            if (choice & 4) options.chunk_rows = 1;
            if (choice & 8) options.hidden = GRT_HIDDEN_FILE;
            if (choice & 16) options.computes_prefix_apart = 0;
            if (choice & 32) options.computes_all_rows = 0;
            options.n_cached_rows = choice & 4 ? 5 : 0;
            rank_with(model, &options, found);
            if (memcmp(found, wanted, sizeof(wanted)) != 0)
                for (size_t i = 0; i < N; i++)
                    if (found[i] != wanted[i])
                        fail_msg("%s, choice %u: document %zu: %.9g, not %.9g",
                                 models[m], choice, i, (double)found[i],
                                 (double)wanted[i]);
        }
        grt_model_close(model);
    }
}

static void test_bf16_states_stay_close(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_MODELS; m++) {
        grt_model *model = open_model(models[m]);
        grt_session_options options = plain_options();
        float wanted[N], found[N];
        rank_with(model, &options, wanted);
        options.hidden = GRT_HIDDEN_BF16;
        rank_with(model, &options, found);
        for (size_t i = 0; i < N; i++)
            assert_true(fabsf(found[i] - wanted[i]) < 0.15f);
        assert_true(memcmp(found, wanted, sizeof(wanted)) != 0);
        grt_model_close(model);
    }
}

static void test_work_is_saved_where_it_can_be(void **state)
{
    (void)state;
    grt_model *model = open_model(models[1]);
    grt_model_info info;
    grt_model_describe(model, &info);
    grt_session *session = new_session(model, NULL);
    grt_request request = request_of("how do owls hunt");
    grt_result *result = rank(session, &request);
    const grt_stats *stats = grt_result_stats(result);
    assert_true(stats->n_prefix > 20);
    uint64_t own = stats->n_tokens - N * stats->n_prefix;
    assert_int_equal(stats->tokens_x_layers,
                     (own + stats->n_prefix) * (info.n_layers - 1) + N);
    assert_int_equal(stats->full_tokens_x_layers, stats->n_tokens * info.n_layers);
    assert_int_equal(stats->candidates_x_layers, N * info.n_layers);
    grt_result_free(result);
    grt_session_free(session);
    grt_model_close(model);
}

/* ---- Pruning ---- */

typedef struct trace_check {
    size_t last_layer;
    size_t last_n;
    grt_state states[N];
    size_t layers[N];
    float scores[N];
} trace_check;

static void check_step(const grt_trace_step *step, void *payload)
{
    trace_check *check = payload;
    assert_int_equal(step->layer, check->last_layer + 1);
    assert_true(step->n <= check->last_n && step->n > 0);
    size_t n_active = 0;
    for (size_t i = 0; i < step->n; i++) {
        size_t index = step->indices[i];
        assert_true(index < N && (i == 0 || index > step->indices[i - 1]));
        assert_int_equal(check->states[index], GRT_STATE_ACTIVE);
        check->states[index] = step->states[i];
        check->layers[index] = step->layer;
        check->scores[index] = step->scores[i];
        n_active += step->states[i] == GRT_STATE_ACTIVE;
    }
    check->last_layer = step->layer;
    check->last_n = n_active;
}

/* Ranks, and checks that trace, items and counts tell the same story. */
static grt_result *rank_traced(grt_session *session, grt_request *request)
{
    trace_check check = {.last_n = N};
    for (size_t i = 0; i < N; i++)
        check.states[i] = GRT_STATE_ACTIVE;
    request->trace = check_step;
    request->trace_payload = &check;
    grt_result *result = rank(session, request);
    const grt_item *items = grt_result_items(result);
    size_t n_selected = 0, n_finished = 0, layers = 0, seen = 0;
    for (size_t i = 0; i < N; i++) {
        size_t index = items[i].index;
        assert_int_equal(items[i].state, check.states[index]);
        assert_int_equal(items[i].decided_at_layer, check.layers[index]);
        assert_true(items[i].logit == check.scores[index]);
        n_selected += items[i].state == GRT_STATE_SELECTED;
        n_finished += items[i].state == GRT_STATE_FINISHED;
        layers += items[i].decided_at_layer;
        seen |= (size_t)1 << index;
        if (i == 0) continue;
        int is_later = items[i].state == GRT_STATE_DROPPED ||
                       items[i - 1].state != GRT_STATE_DROPPED;
        assert_true(is_later);
    }
    assert_int_equal(seen, ((size_t)1 << N) - 1);
    assert_true(n_selected <= request->k);
    assert_true(n_selected + n_finished >= request->k);
    assert_int_equal(grt_result_stats(result)->candidates_x_layers, layers);
    return result;
}

static void test_every_policy_tells_one_story(void **state)
{
    (void)state;
    static const grt_schedule_entry schedule[] = {{1, 1, 3}, {2, 0, 0}, {3, 1, 2}};
    for (size_t m = 0; m < N_MODELS; m++) {
        grt_model *model = open_model(models[m]);
        grt_session_options options = GRT_SESSION_OPTIONS_INIT;
        options.n_threads = 2;
        options.chunk_rows = 64;
        options.residency = GRT_RESIDENCY_STREAMED;
        grt_session *session = new_session(model, &options);
        for (unsigned choice = 0; choice < 40; choice++) {
            grt_request request = request_of(choice & 1 ? "owls" : "steam engine");
            request.policy = (grt_policy)(choice % 5);
            request.keeps_order = (choice >> 1) & 1;
            request.k = 1 + choice % 4;
            request.precision = choice & 8 ? 0.6f : 0.0f;
            request.schedule = schedule;
            request.n_schedule = 3;
            grt_result *result = rank_traced(session, &request);
            const grt_stats *stats = grt_result_stats(result);
            assert_int_equal(stats->policy,
                             request.policy ? request.policy : GRT_POLICY_BOUND);
            grt_result_free(result);
        }
        grt_session_free(session);
        grt_model_close(model);
    }
}

static void test_a_schedule_does_what_it_says(void **state)
{
    (void)state;
    static const grt_schedule_entry schedule[] = {{1, 1, 3}, {2, 0, 4}, {3, 1, 1}};
    grt_model *model = open_model(models[0]);
    grt_session *session = new_session(model, NULL);
    grt_request request = request_of("how do owls hunt");
    request.policy = GRT_POLICY_SCHEDULE;
    request.schedule = schedule;
    request.n_schedule = 3;
    request.k = 4;
    grt_result *result = rank_traced(session, &request);
    size_t n_selected[9] = {0}, n_dropped[9] = {0};
    for (size_t i = 0; i < N; i++) {
        const grt_item *item = &grt_result_items(result)[i];
        n_selected[item->decided_at_layer] += item->state == GRT_STATE_SELECTED;
        n_dropped[item->decided_at_layer] += item->state == GRT_STATE_DROPPED;
    }
    assert_int_equal(n_selected[1], 1);
    assert_int_equal(n_dropped[1], 3);
    assert_int_equal(n_dropped[2], 4);
    /* one is selected and one dropped at layer 3; two are left for two slots */
    assert_int_equal(n_selected[3], 3);
    assert_int_equal(n_dropped[3], 1);
    grt_result_free(result);
    grt_session_free(session);
    grt_model_close(model);
}

static void test_exact_order_keeps_scores_of_the_full_pass(void **state)
{
    (void)state;
    grt_model *model = open_model(models[0]);
    grt_session *session = new_session(model, NULL);
    float wanted[N];
    grt_request request = request_of("how do owls hunt");
    grt_result *full = rank(session, &request);
    logits_of(full, wanted);
    request.policy = GRT_POLICY_BOUND;
    request.keeps_order = 1;
    grt_result *pruned = rank_traced(session, &request);
    for (size_t i = 0; i < request.k; i++) {
        const grt_item *item = &grt_result_items(pruned)[i];
        assert_int_equal(item->state, GRT_STATE_FINISHED);
        assert_int_equal(item->index, grt_result_items(full)[i].index);
        assert_true(item->logit == wanted[item->index]);
    }
    grt_result_free(full);
    grt_result_free(pruned);
    grt_session_free(session);
    grt_model_close(model);
}

static void test_all_wanted_means_nobody_leaves(void **state)
{
    (void)state;
    grt_model *model = open_model(models[0]);
    grt_session *session = new_session(model, NULL);
    const size_t ks[] = {0, N, N + 5};
    for (size_t i = 0; i < 3; i++) {
        grt_request request = request_of("how do owls hunt");
        request.policy = GRT_POLICY_DEFAULT;
        request.k = ks[i];
        grt_result *result = rank(session, &request);
        assert_int_equal(grt_result_stats(result)->policy, GRT_POLICY_NONE);
        for (size_t j = 0; j < N; j++)
            assert_int_equal(grt_result_items(result)[j].state, GRT_STATE_FINISHED);
        grt_result_free(result);
    }
    grt_session_free(session);
    grt_model_close(model);
}

static void test_wrong_policies_are_named(void **state)
{
    (void)state;
    grt_model *model = open_model(models[0]);
    grt_session *session = new_session(model, NULL);
    grt_error err;
    grt_result *result = NULL;
    grt_request request = request_of("q");
    request.precision = 1.0f;
    assert_refused(grt_rank(session, &request, &result, &err), GRT_E_INVALID_ARG, &err,
                   "precision");
    request.precision = NAN;
    assert_refused(grt_rank(session, &request, &result, &err), GRT_E_INVALID_ARG, &err,
                   "precision");
    request = request_of("q");
    request.dispersion = -1.0f;
    assert_refused(grt_rank(session, &request, &result, &err), GRT_E_INVALID_ARG, &err,
                   "dispersion");
    request = request_of("q");
    request.n_clusters = 1;
    assert_refused(grt_rank(session, &request, &result, &err), GRT_E_INVALID_ARG, &err,
                   "clusters");
    request = request_of("q");
    request.policy = (grt_policy)9;
    assert_refused(grt_rank(session, &request, &result, &err), GRT_E_INVALID_ARG, &err,
                   "policy 9");
    request.policy = GRT_POLICY_SCHEDULE;
    assert_refused(grt_rank(session, &request, &result, &err), GRT_E_INVALID_ARG, &err,
                   "schedule");
    grt_session_free(session);
    grt_model_close(model);
}

/* ---- Many requests ---- */

static void run_200_requests(const char *path, const grt_session_options *options)
{
    uint64_t before = grt_memory_now();
    grt_model *model = open_model(path);
    grt_session *session = new_session(model, options);
    uint64_t after[10] = {0}; /* requests repeat every ten */
    uint64_t embedding_bytes = 0;
    for (size_t i = 0; i < 200; i++) {
        grt_request request = request_of("how do owls hunt");
        request.policy = i % 2 ? GRT_POLICY_BOUND : GRT_POLICY_NONE;
        request.n_documents = N - i % 5;
        grt_result *result = rank(session, &request);
        if (i >= 20) embedding_bytes += grt_result_stats(result)->embedding_bytes;
        grt_result_free(result);
        if (i >= 20) assert_int_equal(grt_memory_now(), after[i % 10]);
        after[i % 10] = grt_memory_now();
    }
    if (options && options->n_cached_rows > 1000) assert_int_equal(embedding_bytes, 0);
    if (options && options->n_cached_rows == 2) assert_true(embedding_bytes > 0);
    grt_session_free(session);
    grt_model_close(model);
    assert_int_equal(grt_memory_now(), before);
}

static void test_200_requests_leak_nothing_and_reuse_buffers(void **state)
{
    (void)state;
    run_200_requests(models[1], NULL);
    grt_session_options options = GRT_SESSION_OPTIONS_INIT;
    options.n_threads = 2;
    options.hidden = GRT_HIDDEN_FILE;
    options.residency = GRT_RESIDENCY_STREAMED;
    options.chunk_rows = 64;
    options.n_cached_rows = 2;
    run_200_requests(models[1], &options);
    options.n_cached_rows = 100000;
    run_200_requests(models[2], &options);
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
    grt_model *model = open_model(models[2]);
    grt_session_options options = GRT_SESSION_OPTIONS_INIT;
    options.hidden = GRT_HIDDEN_FILE;
    options.memory_bytes = (uint64_t)1 << 32;
    grt_session *session = new_session(model, &options);
    size_t during = 0;
    for (size_t i = 0; i < 40; i++) {
        grt_request request = request_of("how do owls hunt");
        request.n_documents = 1 + i * 5 % N;
        grt_result_free(rank(session, &request));
        if (i == 0) during = n_descriptors();
        assert_int_equal(n_descriptors(), during);
    }
    grt_session_free(session);
    grt_model_close(model);
    assert_int_equal(n_descriptors(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_technique_is_exact),
        cmocka_unit_test(test_bf16_states_stay_close),
        cmocka_unit_test(test_work_is_saved_where_it_can_be),
        cmocka_unit_test(test_every_policy_tells_one_story),
        cmocka_unit_test(test_a_schedule_does_what_it_says),
        cmocka_unit_test(test_exact_order_keeps_scores_of_the_full_pass),
        cmocka_unit_test(test_all_wanted_means_nobody_leaves),
        cmocka_unit_test(test_wrong_policies_are_named),
        cmocka_unit_test(test_200_requests_leak_nothing_and_reuse_buffers),
        cmocka_unit_test(test_temporary_files_are_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
