/* test_deadline.c - a ranking whose time is over gives the order as it stands: that of
 * the scores after the last layer that all candidates have computed. */
#include "deep_checkpoint.h"
#include "opened.h"
#include "worker.h"

enum { N = 30, N_LAYERS = 40, K = 5 };

static const char *const phrases[] = {
    "owls hunt at night by sound", "steam engines heat water in a boiler",
    "the barn owl drops on voles that it hears under the snow",
    "plants turn carbon dioxide and water into sugar",
    "night vision of owls comes from large tubular eyes"};

static const char *documents[N];
static deep_checkpoint deep;
static grt_model *model;
static float by_layer[N_LAYERS + 1][N]; /* scores after each layer, in the full pass */
static uint64_t full_ns;                /* the fastest of several full passes */

static grt_request owl_request(void)
{
    grt_request request = GRT_REQUEST_INIT;
    request.query = "how do owls hunt";
    request.documents = documents;
    request.n_documents = N;
    request.k = K;
    request.policy = &full_pass;
    return request;
}

static void run_in_full(void)
{
    grt_step step;
    grt_request request = owl_request();
    grt_ranking *ranking = open_ranking(model, &request);
    do {
        step = step_ok(ranking);
        for (size_t i = 0; i < step.n; i++)
            by_layer[step.layer][step.indices[i]] = step.scores[i];
    } while (!step.is_done);
    assert_int_equal(step.layer, N_LAYERS);
    if (full_ns == 0 || step.elapsed_ns < full_ns) full_ns = step.elapsed_ns;
    grt_ranking_free(ranking);
}

static int set_up(void **state)
{
    (void)state;
    setup s = SETUP_INIT;
    s.engine.n_threads = 2;
    s.engine.chunk_rows = 64;
    for (size_t i = 0; i < N; i++)
        documents[i] = phrases[i % 5] + i / 5;
    deep_write(&deep, N_LAYERS);
    model = open_with(deep.directory, &s);
    for (int i = 0; i < 4; i++) /* the first reads the layers */
        run_in_full();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close_with(model);
    deep_remove(&deep);
    return 0;
}

/* Everybody is there once, all at `layer` and with its scores, in their order. */
static void check_order_of(const grt_result *result, size_t layer)
{
    const size_t *indices = grt_result_indices(result);
    unsigned char seen[N] = {0};
    assert_int_equal(grt_result_count(result), N);
    assert_int_equal(grt_result_top(result), K);
    for (size_t i = 0; i < N; i++) {
        assert_true(indices[i] < N && !seen[indices[i]]);
        seen[indices[i]] = 1;
        assert_int_equal(grt_result_layers(result)[i], layer);
        assert_int_equal(grt_result_states(result)[i], GRT_STATE_ACTIVE);
        assert_false(grt_result_flags(result)[i] & GRT_FLAG_EXACT);
        if (layer == 0) {
            assert_int_equal(indices[i], i);
            continue;
        }
        float here = by_layer[layer][indices[i]];
        assert_true(grt_result_logits(result)[i] == here);
        if (i == 0) continue;
        float above = by_layer[layer][indices[i - 1]];
        assert_true(above > here || (above == here && indices[i - 1] < indices[i]));
    }
}

static void check_stats(const grt_result *result)
{
    grt_stats stats = stats_of(result);
    assert_int_equal(stats.deadline_hit, 1);
    assert_int_equal(stats.n_documents, N);
    assert_int_equal(stats.n_layers, N_LAYERS);
    assert_true(stats.expected_precision > 0 && stats.expected_precision <= 1);
}

static void test_a_deadline_that_is_past_already(void **state)
{
    (void)state;
    grt_request request = owl_request();
    grt_policy_options options;
    request.deadline_ns = 1;
    request.policy = &options;
    for (int policy = GRT_POLICY_DEFAULT; policy <= GRT_POLICY_BOUND; policy++) {
        options = policy_of((grt_policy)policy);
        grt_result *result = rank_ok(model, &request);
        check_order_of(result, 0);
        check_stats(result);
        grt_result_free(result);
    }
    grt_ranking *ranking = open_ranking(model, &request);
    grt_step step = step_ok(ranking);
    assert_true(step.is_done && step.deadline_hit);
    assert_int_equal(step.layer, 0);
    step = step_ok(ranking);
    assert_true(step.is_done && step.deadline_hit);
    grt_ranking_free(ranking);
}

/* Whether the deadline ended it; a machine that was slow before may be fast now. */
static int check_at(size_t percent)
{
    grt_request request = owl_request();
    request.deadline_ns = full_ns * percent / 100;
    uint64_t start = now_ns();
    grt_result *result = rank_ok(model, &request);
    uint64_t took = now_ns() - start;
    int is_hit = stats_of(result).deadline_hit;
    if (is_hit) {
        size_t layer = grt_result_layers(result)[0];
        assert_true(layer < N_LAYERS);
        check_order_of(result, layer);
        check_stats(result);
        if (took > 10 * full_ns + 1000000000)
            fail_msg("%zu %%: took %llu ns", percent, (unsigned long long)took);
        print_message("%zu %% of the time: layer %zu of %d, %.0f %% took\n", percent,
                      layer, N_LAYERS, 100 * (double)took / (double)full_ns);
    } else {
        for (size_t i = 0; i < N; i++)
            assert_int_equal(grt_result_states(result)[i], GRT_STATE_FINISHED);
    }
    grt_result_free(result);
    return is_hit;
}

static void test_the_order_as_it_stands(void **state)
{
    (void)state;
    static const size_t percents[] = {10, 30, 50, 80};
    for (size_t i = 0; i < 4; i++) {
        int n_hits = 0;
        for (int tries = 0; tries < 20 && n_hits < 3; tries++)
            n_hits += check_at(percents[i]);
        assert_true(n_hits > 0);
    }
}

/* Steps see the deadline, too, and the ranking that it ended stays as it is. */
static void test_a_deadline_ends_the_steps(void **state)
{
    (void)state;
    int is_hit = 0;
    for (int tries = 0; tries < 20 && !is_hit; tries++) {
        grt_request request = owl_request();
        request.deadline_ns = full_ns / 3;
        grt_ranking *ranking = open_ranking(model, &request);
        grt_step step;
        size_t layer = 0;
        do {
            step = step_ok(ranking);
            if (!step.deadline_hit) layer = step.layer;
        } while (!step.is_done);
        is_hit = step.deadline_hit;
        if (is_hit) {
            assert_int_equal(step.layer, layer);
            grt_result *first = result_ok(ranking);
            check_order_of(first, layer);
            assert_true(step_ok(ranking).is_done);
            grt_result *second = result_ok(ranking);
            assert_same_result(second, first);
            grt_result_free(first);
            grt_result_free(second);
        }
        grt_ranking_free(ranking);
    }
    assert_true(is_hit);
}

/* With time enough it is as if there were none; and after one that was hit the model
 * gives the same bits. */
static void test_a_deadline_that_is_far_changes_nothing(void **state)
{
    (void)state;
    grt_request request = owl_request();
    static const uint64_t far[] = {UINT64_MAX, UINT64_MAX / 2, 600000000000};
    for (int policy = GRT_POLICY_NONE; policy <= GRT_POLICY_BOUND; policy++) {
        grt_policy_options options = policy_of((grt_policy)policy);
        request.policy = &options;
        request.deadline_ns = 0;
        grt_result *wanted = rank_ok(model, &request);
        assert_int_equal(stats_of(wanted).deadline_hit, 0);
        for (size_t i = 0; i < 3; i++) {
            request.deadline_ns = far[i];
            grt_result *found = rank_ok(model, &request);
            assert_int_equal(stats_of(found).deadline_hit, 0);
            assert_same_result(found, wanted);
            grt_result_free(found);
        }
        grt_result_free(wanted);
    }
}

/* Those that were decided before it keep what they had. */
static void test_decisions_before_a_deadline_stand(void **state)
{
    (void)state;
    grt_policy_options options = policy_of(GRT_POLICY_CLUSTER);
    options.dispersion = 0.01f;
    options.first_layer = 1;
    grt_request request = owl_request();
    request.policy = &options;
    grt_step step;
    size_t layers[N] = {0};
    int32_t states[N];
    grt_ranking *ranking = open_ranking(model, &request);
    for (size_t i = 0; i < N; i++)
        states[i] = GRT_STATE_ACTIVE;
    do {
        step = step_ok(ranking);
        for (size_t i = 0; i < step.n; i++) {
            states[step.indices[i]] = step.states[i];
            layers[step.indices[i]] = step.layer;
        }
    } while (!step.is_done);
    grt_ranking_free(ranking);
    size_t n_decided = 0;
    for (size_t percent = 10; percent < 100; percent += 15) {
        request.deadline_ns = full_ns * percent / 100;
        grt_result *result = rank_ok(model, &request);
        for (size_t i = 0; i < N; i++) {
            size_t index = grt_result_indices(result)[i];
            int32_t found = grt_result_states(result)[i];
            if (found == GRT_STATE_ACTIVE) continue;
            assert_int_equal(found, states[index]);
            assert_int_equal(grt_result_layers(result)[i], layers[index]);
            n_decided++;
        }
        grt_result_free(result);
    }
    assert_true(n_decided > 0);
}

/* A layer is left soon after the deadline, also where it would be one chunk: of several
 * tries, since the machine may have other things to do. */
static void test_a_deadline_ends_a_layer(void **state)
{
    (void)state;
    enum { MANY = 120, TRIES = 6 };
    static const char *many[MANY];
    for (size_t i = 0; i < MANY; i++)
        many[i] = phrases[i % 5];
    setup s = SETUP_INIT;
    s.engine.n_threads = 1;
    grt_model *whole =
        open_with(deep.directory, &s); /* in chunks as large as they are */
    grt_request request = owl_request();
    request.documents = many;
    request.n_documents = MANY;
    uint64_t layer_ns = UINT64_MAX, late_ns = UINT64_MAX;
    for (int i = 0; i < 2; i++) {
        uint64_t start = now_ns();
        grt_result_free(rank_ok(whole, &request));
        if ((now_ns() - start) / N_LAYERS < layer_ns)
            layer_ns = (now_ns() - start) / N_LAYERS;
    }
    request.deadline_ns = layer_ns * 5 / 2;
    for (int i = 0; i < TRIES; i++) {
        uint64_t start = now_ns();
        grt_result *result = rank_ok(whole, &request);
        uint64_t took = now_ns() - start;
        assert_int_equal(stats_of(result).deadline_hit, 1);
        grt_result_free(result);
        if (took - request.deadline_ns < late_ns) late_ns = took - request.deadline_ns;
    }
    print_message("late by %.2f of a layer\n", (double)late_ns / (double)layer_ns);
    assert_true(late_ns < layer_ns / 4);
    close_with(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_deadline_that_is_past_already),
        cmocka_unit_test(test_the_order_as_it_stands),
        cmocka_unit_test(test_a_deadline_ends_the_steps),
        cmocka_unit_test(test_a_deadline_that_is_far_changes_nothing),
        cmocka_unit_test(test_decisions_before_a_deadline_stand),
        cmocka_unit_test(test_a_deadline_ends_a_layer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
