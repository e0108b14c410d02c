/* test_scores.c - scores and what they mean: they never rise along a ranking, whoever
 * ran to the end shows the full pass's, and who wants only good ones gets those. */
#include "opened.h"

#include <math.h>

enum { N = N_PASSAGES };

static const char *const models[] = {GRT_SOURCE_DIR "/models/grating-mini",
                                     GRT_SOURCE_DIR "/models/grating-mini-qwen3",
                                     GRT_TEST_DATA "/golden/minicpm-f32"};
enum { N_MODELS = sizeof(models) / sizeof(models[0]) };

static const char *const queries[] = {"how do owls hunt", "why does bread rise",
                                      "what did the market do", "birds of prey"};
enum { N_QUERIES = sizeof(queries) / sizeof(queries[0]) };

static grt_request request_of(const char *query, const grt_policy_options *policy,
                              size_t k)
{
    grt_request request = passages_request(policy, N, k);
    request.query = query;
    return request;
}

static float logistic(float logit)
{
    return (float)(1.0 / (1.0 + exp(-(double)logit)));
}

/* Returns how many were decided early. */
static size_t check_scores(const grt_result *result, const float *full)
{
    const float *scores = grt_result_scores(result),
                *logits = grt_result_logits(result);
    size_t n_early = 0;
    for (size_t i = 0; i < N; i++) {
        size_t index = grt_result_indices(result)[i];
        int32_t state = grt_result_states(result)[i];
        int is_exact = (grt_result_flags(result)[i] & GRT_FLAG_EXACT) != 0;
        assert_true(scores[i] >= 0.0f && scores[i] <= 1.0f);
        if (i > 0 && scores[i] > scores[i - 1])
            fail_msg("place %zu shows %.9g, the one above %.9g", i, (double)scores[i],
                     (double)scores[i - 1]);
        assert_int_equal(is_exact, state == GRT_STATE_FINISHED);
        n_early += !is_exact;
        if (is_exact) {
            assert_true(logits[i] == full[index]);
            assert_true(scores[i] == logistic(logits[i]));
        } else if (state == GRT_STATE_SELECTED) {
            assert_true(scores[i] >= logistic(logits[i])); /* raised where it must */
        } else {
            assert_true(scores[i] <= logistic(logits[i]));
        }
    }
    return n_early;
}

static void test_scores_never_rise_along_a_ranking(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_MODELS; m++) {
        size_t n_early = 0;
        grt_model *model = open_on(NULL, models[m], NULL);
        for (size_t q = 0; q < N_QUERIES; q++) {
            float full[N];
            grt_request request = request_of(queries[q], &full_pass, 0);
            rank_logits(model, &request, full);
            for (unsigned choice = 0; choice < 36; choice++) {
                grt_policy_options policy = policy_of((grt_policy)(1 + choice % 3));
                policy.precision = choice & 4 ? 0.5f : 0.0f;
                policy.promise = (int32_t)(GRT_PROMISE_SET + choice / 12);
                request = request_of(queries[q], &policy, 1 + choice % 6);
                grt_result *result = rank_ok(model, &request);
                n_early += check_scores(result, full);
                if (policy.promise == GRT_PROMISE_SCORES)
                    for (size_t i = 0; i < request.k; i++)
                        assert_true(grt_result_flags(result)[i] & GRT_FLAG_EXACT);
                grt_result_free(result);
            }
        }
        grt_model_close(model);
        assert_true(n_early > 0);
    }
}

/* With a precision near 1 an order is that of the top K run to the end, and it never
 * costs more. */
static void test_an_order_that_is_nearly_certain(void **state)
{
    (void)state;
    static const float precisions[] = {0.0f, 0.999999f};
    for (size_t m = 0; m < N_MODELS; m++) {
        grt_model *model = open_on(NULL, models[m], NULL);
        for (size_t q = 0; q < N_QUERIES; q += 2) {
            for (size_t k = 1; k < N; k += 4) {
                for (size_t p = 0; p < 2; p++) {
                    grt_policy_options policy = policy_of(GRT_POLICY_DEFAULT);
                    policy.precision = precisions[p];
                    grt_request request = request_of(queries[q], &policy, k);
                    grt_result *order = rank_ok(model, &request);
                    assert_int_equal(stats_of(order).promise, GRT_PROMISE_ORDER);
                    policy.promise = GRT_PROMISE_SCORES;
                    grt_result *scores = rank_ok(model, &request);
                    assert_true(stats_of(order).candidates_x_layers <=
                                stats_of(scores).candidates_x_layers);
                    for (size_t i = 0; i < k && p == 1; i++)
                        assert_int_equal(grt_result_indices(order)[i],
                                         grt_result_indices(scores)[i]);
                    grt_result_free(order);
                    grt_result_free(scores);
                }
            }
        }
        grt_model_close(model);
    }
}

/* Where nothing predicts the final logit the top K run to the end. */
static void test_an_order_without_a_profile(void **state)
{
    (void)state;
    setup s = SETUP_INIT;
    s.model.profile_path = "";
    grt_model *model = open_with(models[0], &s);
    for (int policy = GRT_POLICY_CLUSTER; policy <= GRT_POLICY_BOUND; policy++) {
        grt_policy_options options = policy_of((grt_policy)policy);
        options.precision = 0.5f;
        options.dispersion = policy == GRT_POLICY_CLUSTER ? 0.1f : 0.0f;
        options.first_layer = 1;
        grt_request request = request_of(queries[0], &options, 3);
        grt_result *order = rank_ok(model, &request);
        options.promise = GRT_PROMISE_SCORES;
        grt_result *scores = rank_ok(model, &request);
        assert_same_result(order, scores);
        for (size_t i = 0; i < 3; i++)
            assert_true(grt_result_flags(order)[i] & GRT_FLAG_EXACT);
        grt_result_free(order);
        grt_result_free(scores);
    }
    close_with(model);
}

/* Also of an order that is not final. */
static void test_scores_of_an_order_as_it_stands(void **state)
{
    (void)state;
    grt_model *model = open_on(NULL, models[0], NULL);
    for (int policy = GRT_POLICY_NONE; policy <= GRT_POLICY_BOUND; policy++) {
        grt_policy_options options = policy_of((grt_policy)policy);
        options.precision = 0.5f;
        grt_request request = request_of(queries[0], &options, 4);
        grt_ranking *ranking = open_ranking(model, &request);
        grt_step step;
        do {
            step = step_ok(ranking);
            grt_result *result = result_ok(ranking);
            const float *scores = grt_result_scores(result);
            for (size_t i = 1; i < N; i++)
                assert_true(scores[i] <= scores[i - 1]);
            grt_result_free(result);
        } while (!step.is_done);
        grt_ranking_free(ranking);
    }
    grt_model_close(model);
}

static void test_only_those_with_a_score(void **state)
{
    (void)state;
    grt_model *model = open_on(NULL, models[0], NULL);
    grt_policy_options policy = policy_of(GRT_POLICY_BOUND);
    policy.promise = GRT_PROMISE_SCORES;
    for (size_t k = 0; k <= N; k += 4) {
        grt_request request = request_of(queries[0], &policy, k);
        grt_result *all = rank_ok(model, &request);
        size_t most = k ? k : N;
        assert_int_equal(grt_result_top(all), most);
        for (size_t i = 0; i < most; i++) {
            request.min_score = grt_result_scores(all)[i];
            grt_result *some = rank_ok(model, &request);
            size_t n = i + 1; /* equal ones are in */
            while (n < most && grt_result_scores(all)[n] == request.min_score)
                n++;
            assert_int_equal(grt_result_top(some), n);
            assert_int_equal(grt_result_count(some),
                             N); /* the others are there still */
            grt_result_free(some);
        }
        request.min_score = 1.0f;
        grt_result *none = rank_ok(model, &request);
        assert_int_equal(grt_result_top(none), 0);
        grt_result_free(none);
        grt_result_free(all);
    }
    grt_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores_never_rise_along_a_ranking),
        cmocka_unit_test(test_an_order_that_is_nearly_certain),
        cmocka_unit_test(test_an_order_without_a_profile),
        cmocka_unit_test(test_scores_of_an_order_as_it_stands),
        cmocka_unit_test(test_only_those_with_a_score),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
