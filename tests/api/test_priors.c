/* test_priors.c - priors are added before anything is decided, so that the top K is
 * that of the sums: random ones against sums of the full pass's logits. */
#include "opened.h"

#include <math.h>

enum { N = 14 };

static const char *const models[] = {GRT_SOURCE_DIR "/models/grating-mini",
                                     GRT_SOURCE_DIR "/models/grating-mini-qwen3"};
enum { N_MODELS = sizeof(models) / sizeof(models[0]) };

static uint32_t seed = 1;

/* In -1..1. */
static float random_value(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) / (float)(1 << 23) - 1.0f;
}

static grt_request request_of(const grt_policy_options *policy, const float *priors,
                              size_t k)
{
    grt_request request = passages_request(policy, N, k);
    request.priors = priors;
    return request;
}

/* Best first; equal ones keep the order of the request. */
static void sort_by(const float *values, size_t *order)
{
    for (size_t i = 0; i < N; i++) {
        size_t at = i;
        for (; at > 0 && values[order[at - 1]] < values[i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

static void full_sums(grt_model *model, const float *priors, float *sums)
{
    grt_request request = request_of(&full_pass, NULL, 0);
    rank_logits(model, &request, sums);
    for (size_t i = 0; i < N; i++)
        sums[i] += priors[i];
}

static void make_priors(float *priors, int round)
{
    static const float sizes[] = {0.1f, 1, 4, 20};
    for (size_t i = 0; i < N; i++) /* some are 0, as most are in practice */
        priors[i] = round % 3 && i % 4 == 0 ? 0 : sizes[round % 4] * random_value();
}

static void test_the_order_is_that_of_the_sums(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_MODELS; m++) {
        grt_model *model = open_on(NULL, models[m], NULL);
        for (int round = 0; round < 12; round++) {
            float priors[N], sums[N];
            size_t order[N];
            make_priors(priors, round);
            full_sums(model, priors, sums);
            sort_by(sums, order);
            size_t k = (size_t)round % 5;
            grt_request request = request_of(&full_pass, priors, k);
            grt_result *result = rank_ok(model, &request);
            assert_memory_equal(grt_result_indices(result), order, sizeof(order));
            for (size_t i = 0; i < N; i++) {
                float logit = grt_result_logits(result)[i];
                double score = 1.0 / (1.0 + exp(-(double)logit));
                assert_true(logit == sums[order[i]]);
                assert_true(fabs((double)grt_result_scores(result)[i] - score) < 1e-6);
                assert_true(grt_result_flags(result)[i] & GRT_FLAG_EXACT);
            }
            grt_result_free(result);
        }
        grt_model_close(model);
    }
}

/* Candidates leave early by the sums: one that the model puts last is kept by a prior
 * that is large enough, and one that it puts first is dropped. */
static void test_who_leaves_early_leaves_by_the_sums(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_MODELS; m++) {
        size_t n_back = 0, n_wanted = 0, n_early = 0;
        grt_model *model = open_on(NULL, models[m], NULL);
        grt_policy_options policy = policy_of(GRT_POLICY_BOUND);
        policy.precision = 0.999f;
        for (int round = 0; round < 40; round++) {
            float priors[N], sums[N];
            size_t order[N], k = 1 + (size_t)round % 5;
            make_priors(priors, round);
            full_sums(model, priors, sums);
            sort_by(sums, order);
            grt_request request = request_of(&policy, priors, k);
            grt_result *result = rank_ok(model, &request);
            for (size_t i = 0; i < k; i++)
                for (size_t j = 0; j < k; j++)
                    n_back += grt_result_indices(result)[i] == order[j];
            n_wanted += k;
            for (size_t i = 0; i < N; i++) {
                size_t index = grt_result_indices(result)[i];
                uint32_t flags = grt_result_flags(result)[i];
                n_early += !(flags & GRT_FLAG_EXACT);
                if (flags & GRT_FLAG_EXACT)
                    assert_true(grt_result_logits(result)[i] == sums[index]);
            }
            grt_result_free(result);
        }
        grt_model_close(model);
        print_message("%s: %zu of %zu came back, %zu left early\n", models[m], n_back,
                      n_wanted, n_early);
        assert_int_equal(n_back, n_wanted);
        assert_true(n_early > 0);
    }
}

static void test_a_large_prior_decides_at_once(void **state)
{
    (void)state;
    grt_model *model = open_on(NULL, models[0], NULL);
    grt_policy_options policy = policy_of(GRT_POLICY_BOUND);
    float priors[N] = {0};
    for (size_t favourite = 0; favourite < N; favourite++) {
        priors[favourite] = 1000;
        grt_request request = request_of(&policy, priors, 1);
        grt_result *result = rank_ok(model, &request);
        assert_int_equal(grt_result_indices(result)[0], favourite);
        assert_true(grt_result_logits(result)[0] > 900);
        assert_true(grt_result_scores(result)[0] == 1.0f);
        grt_result_free(result);
        priors[favourite] = -1000;
        request = request_of(&policy, priors, 1);
        result = rank_ok(model, &request);
        assert_int_equal(grt_result_indices(result)[N - 1], favourite);
        grt_result_free(result);
        priors[favourite] = 0;
    }
    grt_model_close(model);
}

static void test_priors_of_nothing_change_nothing(void **state)
{
    (void)state;
    static const float nothing[N];
    for (size_t m = 0; m < N_MODELS; m++) {
        grt_model *model = open_on(NULL, models[m], NULL);
        for (int policy = GRT_POLICY_NONE; policy <= GRT_POLICY_BOUND; policy++) {
            grt_policy_options options = policy_of((grt_policy)policy);
            grt_request plain = request_of(&options, NULL, 3);
            grt_request zeros = request_of(&options, nothing, 3);
            grt_result *a = rank_ok(model, &plain), *b = rank_ok(model, &zeros);
            assert_same_result(a, b);
            grt_result_free(a);
            grt_result_free(b);
        }
        grt_model_close(model);
    }
}

/* The scores of steps are the sums, so that who watches sees what decides. */
static void test_steps_show_the_sums(void **state)
{
    (void)state;
    grt_model *model = open_on(NULL, models[1], NULL);
    float priors[N], plain[64][N];
    make_priors(priors, 2);
    for (int pass = 0; pass < 2; pass++) {
        grt_request request = request_of(&full_pass, pass ? priors : NULL, 3);
        grt_ranking *ranking = open_ranking(model, &request);
        grt_step step;
        do {
            step = step_ok(ranking);
            assert_true(step.layer < 64);
            for (size_t i = 0; i < step.n; i++) {
                size_t index = step.indices[i];
                float *kept = &plain[step.layer][index];
                if (pass == 0) *kept = step.scores[i];
                if (pass == 1) assert_true(step.scores[i] == *kept + priors[index]);
            }
        } while (!step.is_done);
        grt_ranking_free(ranking);
    }
    grt_model_close(model);
}

static void test_priors_that_are_no_numbers_are_refused(void **state)
{
    (void)state;
    grt_model *model = open_on(NULL, models[0], NULL);
    const float bad[] = {NAN, INFINITY, -INFINITY};
    const size_t at[] = {0, 3, N - 1};
    for (size_t i = 0; i < 9; i++) {
        grt_error err;
        char text[40];
        float priors[N] = {0};
        grt_result *result = NULL;
        grt_ranking *ranking = NULL;
        priors[at[i / 3]] = bad[i % 3];
        grt_request request = request_of(&full_pass, priors, 3);
        (void)snprintf(text, sizeof(text), "document %zu is not finite", at[i / 3]);
        assert_refused(grt_rank(&result, model, &request, &err), GRT_E_INVALID_ARG,
                       &err, text);
        assert_refused(grt_ranking_open(&ranking, model, &request, &err),
                       GRT_E_INVALID_ARG, &err, text);
        request.priors = NULL;
        grt_result_free(rank_ok(model, &request));
    }
    grt_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_order_is_that_of_the_sums),
        cmocka_unit_test(test_who_leaves_early_leaves_by_the_sums),
        cmocka_unit_test(test_a_large_prior_decides_at_once),
        cmocka_unit_test(test_priors_of_nothing_change_nothing),
        cmocka_unit_test(test_steps_show_the_sums),
        cmocka_unit_test(test_priors_that_are_no_numbers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
