/* test_steps.c - a ranking a layer at a time: its steps give what grt_rank gives, and
 * after each of them there is an order. */
#include "opened.h"

#include <math.h>

#include "base/memory.h"

enum { N = 9, MAX_LAYERS = 32 };

static const char *const models[] = {GRT_SOURCE_DIR "/models/grating-mini",
                                     GRT_SOURCE_DIR "/models/grating-mini-qwen3",
                                     GRT_TEST_DATA "/golden/minicpm-f32"};
enum { N_MODELS = sizeof(models) / sizeof(models[0]) };

static grt_request request_of(const grt_policy_options *policy, size_t k)
{
    return passages_request(policy, N, k);
}

static void test_steps_give_what_one_call_gives(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_MODELS; m++) {
        grt_model *model = open_on(NULL, models[m], NULL);
        for (unsigned choice = 0; choice < 16; choice++) {
            grt_policy_options policy = policy_of((grt_policy)(choice % 4));
            policy.precision = choice & 4 ? 0.7f : 0.0f;
            policy.promise = choice & 8 ? GRT_PROMISE_SCORES : 0;
            grt_request request = request_of(&policy, 1 + choice % 3);
            grt_result *wanted = rank_ok(model, &request);
            grt_ranking *ranking = open_ranking(model, &request);
            while (!step_ok(ranking).is_done) {
            }
            grt_result *found = result_ok(ranking);
            grt_ranking_free(ranking);
            assert_same_result(found, wanted);
            grt_stats a = stats_of(found), b = stats_of(wanted);
            assert_int_equal(a.candidates_x_layers, b.candidates_x_layers);
            assert_int_equal(a.tokens_x_layers, b.tokens_x_layers);
            assert_int_equal(a.policy, b.policy);
            assert_true(a.precision == b.precision);
            assert_true(a.expected_precision == b.expected_precision);
            grt_result_free(found);
            grt_result_free(wanted);
        }
        grt_model_close(model);
    }
}

/* ---- What steps tell, and the order after each ---- */

/* All that steps have told so far. */
typedef struct told {
    size_t layer; /* the last one with scores; 0: none */
    int32_t states[N];
    size_t layers[N]; /* at which a candidate's score was told last */
    float scores[N];
} told;

static void follow(told *t, const grt_step *step)
{
    size_t last = SIZE_MAX;
    for (size_t i = 0; i < step->n; i++) {
        size_t index = step->indices[i];
        assert_true(index < N && (i == 0 || index > last));
        assert_int_equal(t->states[index], GRT_STATE_ACTIVE);
        t->states[index] = step->states[i];
        t->layers[index] = step->layer;
        t->scores[index] = step->scores[i];
        t->layer = step->layer;
        last = index;
    }
}

static size_t count(const told *t, int32_t wanted)
{
    size_t n = 0;
    for (size_t i = 0; i < N; i++)
        n += t->states[i] == wanted;
    return n;
}

/* Whether scores are predictions of the final logit. */
static int predicts(const grt_result *result)
{
    grt_stats stats = stats_of(result);
    return stats.policy == GRT_POLICY_BOUND && stats.has_profile;
}

/* Selected first, earlier ones before later ones; then those that compute or have run
 * to the end; then dropped ones, later ones first.  Of predictions: the top K, the
 * others, dropped ones. */
static long rank_group(const told *t, const grt_result *result, size_t rank)
{
    size_t index = grt_result_indices(result)[rank];
    long layer = (long)t->layers[index];
    if (predicts(result))
        return rank < grt_result_top(result)           ? 0
               : t->states[index] == GRT_STATE_DROPPED ? 2
                                                       : 1;
    if (t->states[index] == GRT_STATE_SELECTED) return layer;
    if (t->states[index] == GRT_STATE_DROPPED) return 3 * MAX_LAYERS - layer;
    return MAX_LAYERS;
}

/* Of one that is not decided: its score.  Predictions of decided ones move with the
 * others, all that were decided at one layer alike. */
static void check_logits(const told *t, const grt_result *result)
{
    float moved[MAX_LAYERS] = {0};
    int is_known[MAX_LAYERS] = {0};
    for (size_t i = 0; i < N; i++) {
        size_t index = grt_result_indices(result)[i], layer = t->layers[index];
        float logit = grt_result_logits(result)[i], score = t->scores[index];
        int32_t state = t->states[index];
        int is_decided = state == GRT_STATE_SELECTED || state == GRT_STATE_DROPPED;
        if (!is_decided || !predicts(result)) {
            assert_true(logit == score);
            continue;
        }
        if (!is_known[layer]) moved[layer] = logit - score;
        is_known[layer] = 1;
        assert_true(fabsf(logit - score - moved[layer]) < 1e-4f);
    }
}

static void check_order(const told *t, const grt_result *result, size_t k)
{
    const size_t *indices = grt_result_indices(result);
    const float *logits = grt_result_logits(result);
    size_t seen = 0;
    assert_int_equal(grt_result_count(result), N);
    assert_int_equal(grt_result_top(result), k);
    for (size_t i = 0; i < N; i++) {
        size_t index = indices[i];
        seen |= (size_t)1 << index;
        assert_int_equal(grt_result_states(result)[i], t->states[index]);
        assert_int_equal(grt_result_layers(result)[i], t->layers[index]);
        uint32_t is_exact = grt_result_flags(result)[i] & GRT_FLAG_EXACT;
        assert_int_equal(is_exact != 0, t->states[index] == GRT_STATE_FINISHED);
        if (t->layer == 0) {
            assert_int_equal(index, i); /* the request's order */
            continue;
        }
        if (i == 0) continue;
        size_t above = indices[i - 1];
        long group = rank_group(t, result, i);
        long group_above = rank_group(t, result, i - 1);
        assert_true(group_above <= group);
        if (group_above < group) continue;
        assert_true(logits[i - 1] >= logits[i]);
        if (logits[i - 1] == logits[i]) assert_true(above < index);
    }
    if (t->layer > 0) check_logits(t, result);
    assert_int_equal(seen, ((size_t)1 << N) - 1);
}

static void check_counts(const told *t, const grt_step *step)
{
    assert_int_equal(step->n_active, count(t, GRT_STATE_ACTIVE));
    assert_int_equal(step->n_selected, count(t, GRT_STATE_SELECTED));
    assert_int_equal(step->n_dropped, count(t, GRT_STATE_DROPPED));
    assert_false(step->deadline_hit);
}

static void check_ranking(grt_model *model, const grt_request *request)
{
    grt_error err;
    grt_step step;
    told t = {0};
    grt_result *result = NULL;
    size_t n_steps = 0;
    uint64_t last_ns = 0;
    grt_ranking *ranking = open_ranking(model, request);
    for (size_t i = 0; i < N; i++)
        t.states[i] = GRT_STATE_ACTIVE;
    assert_refused(grt_ranking_result(&result, ranking, &err), GRT_E_INVALID_ARG, &err,
                   "before the first step");
    do {
        step = step_ok(ranking);
        assert_int_equal(step.layer, n_steps++);
        assert_true(step.n_layers < MAX_LAYERS);
        assert_true(step.elapsed_ns >= last_ns);
        last_ns = step.elapsed_ns;
        if (step.layer == 0) assert_int_equal(step.n, 0);
        follow(&t, &step);
        check_counts(&t, &step);
        result = result_ok(ranking);
        check_order(&t, result, request->k);
        float expected = stats_of(result).expected_precision;
        assert_true(expected >= 0 && expected <= 1);
        assert_true(step.expected_precision == expected);
        grt_result_free(result);
    } while (!step.is_done);
    assert_int_equal(count(&t, GRT_STATE_ACTIVE), 0);
    assert_true(step.layer == step.n_layers || step.n_active == 0);
    grt_ranking_free(ranking);
}

static void test_there_is_an_order_after_every_step(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_MODELS; m++) {
        grt_model *model = open_on(NULL, models[m], NULL);
        for (unsigned choice = 0; choice < 12; choice++) {
            grt_policy_options policy = policy_of((grt_policy)(choice % 4));
            policy.precision = choice & 4 ? 0.6f : 0.0f;
            policy.promise = (int32_t)(choice % 3); /* default, set, order */
            grt_request request = request_of(&policy, 1 + choice % 3);
            check_ranking(model, &request);
        }
        grt_model_close(model);
    }
}

static void test_after_the_last_step_nothing_changes(void **state)
{
    (void)state;
    grt_model *model = open_on(NULL, models[0], NULL);
    for (int policy = GRT_POLICY_NONE; policy <= GRT_POLICY_BOUND; policy++) {
        grt_policy_options options = policy_of((grt_policy)policy);
        grt_request request = request_of(&options, 2);
        grt_ranking *ranking = open_ranking(model, &request);
        grt_step step, again;
        while (!(step = step_ok(ranking)).is_done) {
        }
        grt_result *wanted = result_ok(ranking);
        for (int i = 0; i < 3; i++) {
            again = step_ok(ranking);
            assert_true(again.is_done);
            assert_int_equal(again.layer, step.layer);
            assert_int_equal(again.n_active, step.n_active);
            assert_int_equal(again.n_selected, step.n_selected);
            assert_int_equal(again.n_dropped, step.n_dropped);
            grt_result *found = result_ok(ranking);
            assert_same_result(found, wanted);
            assert_int_equal(stats_of(found).candidates_x_layers,
                             stats_of(wanted).candidates_x_layers);
            grt_result_free(found);
        }
        grt_ranking_cancel(ranking); /* too late */
        assert_true(step_ok(ranking).is_done);
        grt_result_free(wanted);
        grt_ranking_free(ranking);
    }
    grt_model_close(model);
}

/* ---- Whose memory is what ---- */

/* Everything that a request points to may go once the first step has returned. */
static void test_texts_are_borrowed_until_the_first_step(void **state)
{
    (void)state;
    grt_model *model = open_on(NULL, models[1], NULL);
    grt_policy_options policy = policy_of(GRT_POLICY_BOUND);
    float priors[N] = {0.5f, -1, 0, 2, 0, 0, 0.25f, 0, 0};
    grt_request request = request_of(&policy, 2);
    request.instruction = "Find what is about birds";
    request.priors = priors;
    grt_result *wanted = rank_ok(model, &request);
    char query[] = "how do owls hunt", instruction[] = "Find what is about birds";
    char *copies[N];
    for (size_t i = 0; i < N; i++) {
        copies[i] = malloc(strlen(passages[i]) + 1);
        assert_non_null(copies[i]);
        memcpy(copies[i], passages[i], strlen(passages[i]) + 1);
    }
    request.query = query;
    request.instruction = instruction;
    request.documents = (const char *const *)copies;
    grt_ranking *ranking = open_ranking(model, &request);
    (void)step_ok(ranking);
    for (size_t i = 0; i < N; i++) {
        free(copies[i]);
        copies[i] = NULL;
        priors[i] = 100;
    }
    memset(query, 'x', sizeof(query));
    memset(instruction, 'x', sizeof(instruction));
    memset(&policy, 0xFF, sizeof(policy));
    memset(&request, 0xFF, sizeof(request));
    while (!step_ok(ranking).is_done) {
    }
    grt_result *found = result_ok(ranking);
    assert_same_result(found, wanted);
    grt_result_free(found);
    grt_result_free(wanted);
    grt_ranking_free(ranking);
    grt_model_close(model);
}

static void test_results_are_independent_of_all_others(void **state)
{
    (void)state;
    uint64_t before = grt_memory_now();
    grt_model *model = open_on(NULL, models[0], NULL);
    grt_request request = request_of(&full_pass, 3);
    grt_result *wanted = rank_ok(model, &request);
    grt_ranking *ranking = open_ranking(model, &request);
    while (!step_ok(ranking).is_done) {
    }
    grt_result *first = result_ok(ranking), *second = result_ok(ranking);
    grt_ranking_free(ranking);
    grt_model_close(model);
    assert_same_result(first, wanted);
    grt_result_free(first);
    assert_same_result(second, wanted);
    assert_non_null(stats_of(second).isa);
    grt_result_free(second);
    grt_result_free(wanted);
    assert_int_equal(grt_memory_now(), before);
}

/* A ranking may be left at any point, and the next one finds nothing of it. */
static void test_rankings_may_be_left_at_any_step(void **state)
{
    (void)state;
    uint64_t before = grt_memory_now();
    setup s = SETUP_INIT;
    s.model.residency = GRT_RESIDENCY_STREAMED;
    s.engine.hidden = GRT_HIDDEN_FILE;
    s.engine.chunk_rows = 1;
    grt_model *model = open_with(models[0], &s);
    grt_request request = request_of(&full_pass, 3);
    grt_result *wanted = rank_ok(model, &request);
    for (size_t n_steps = 0; n_steps < 10; n_steps++) {
        grt_ranking *ranking = open_ranking(model, &request);
        for (size_t i = 0; i < n_steps; i++)
            (void)step_ok(ranking);
        grt_ranking_free(ranking);
        assert_int_equal(usage_of(model).n_rankings, 0);
        grt_result *found = rank_ok(model, &request);
        assert_same_result(found, wanted);
        grt_result_free(found);
    }
    grt_result_free(wanted);
    close_with(model);
    assert_int_equal(grt_memory_now(), before);
}

/* Steps of several rankings of one model, in any order. */
static void test_rankings_take_steps_in_any_order(void **state)
{
    (void)state;
    enum { N_RANKINGS = 4 };
    uint32_t seed = 3;
    for (size_t m = 0; m < N_MODELS; m++) {
        setup s = SETUP_INIT;
        s.model.residency = m == 1 ? GRT_RESIDENCY_STREAMED : GRT_RESIDENCY_RESIDENT;
        grt_model *model = open_with(models[m], &s);
        for (int round = 0; round < 6; round++) {
            grt_policy_options policies[N_RANKINGS];
            grt_request requests[N_RANKINGS];
            grt_ranking *rankings[N_RANKINGS];
            int is_done[N_RANKINGS] = {0};
            for (size_t r = 0; r < N_RANKINGS; r++) {
                policies[r] = policy_of((grt_policy)(1 + (r + (size_t)round) % 3));
                requests[r] = request_of(&policies[r], 1 + r);
                requests[r].documents = passages + r;
                requests[r].n_documents = N - r;
                rankings[r] = open_ranking(model, &requests[r]);
            }
            for (size_t n_left = N_RANKINGS; n_left > 0;) {
                seed = seed * 1664525u + 1013904223u;
                size_t r = (seed >> 16) % N_RANKINGS;
                if (is_done[r]) continue;
                is_done[r] = step_ok(rankings[r]).is_done;
                n_left -= is_done[r] != 0;
            }
            for (size_t r = 0; r < N_RANKINGS; r++) {
                grt_result *found = result_ok(rankings[r]);
                grt_result *wanted = rank_ok(model, &requests[r]);
                assert_same_result(found, wanted);
                grt_result_free(found);
                grt_result_free(wanted);
                grt_ranking_free(rankings[r]);
            }
        }
        close_with(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_give_what_one_call_gives),
        cmocka_unit_test(test_there_is_an_order_after_every_step),
        cmocka_unit_test(test_after_the_last_step_nothing_changes),
        cmocka_unit_test(test_texts_are_borrowed_until_the_first_step),
        cmocka_unit_test(test_results_are_independent_of_all_others),
        cmocka_unit_test(test_rankings_may_be_left_at_any_step),
        cmocka_unit_test(test_rankings_take_steps_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
