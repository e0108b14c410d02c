/* test_policy.c - from a request's options to a selector, with and without a profile.
 */
#include "test.h"

#include "rank/policy.h"

#include <math.h>

enum { N_LAYERS = 8 };

static const float spreads[N_LAYERS] = {INFINITY, 4, 3, 2, 1, 0.5f, 0.25f, 0.125f};
static const float moves[N_LAYERS] = {0, 0, 2, 1, 1, 0.5f, 0.25f, 0.125f};
static const float precisions[] = {0.9f, 0.99f};
static const float ks[] = {1, 10};
static const float margins[] = {1, 2, 3, 4};
static const float dispersions[] = {0.1f, 0.2f, 0.3f, 0.4f};
static const float first_layers[] = {1, 2, 3, 5};

static const grt_profile no_profile;
static const grt_profile profile = {.path = "some.profile",
                                    .n_layers = N_LAYERS,
                                    .spreads = spreads,
                                    .moves = moves,
                                    .precisions = precisions,
                                    .n_precisions = 2,
                                    .ks = ks,
                                    .n_ks = 2,
                                    .margins = margins,
                                    .dispersions = dispersions,
                                    .first_layers = first_layers};

static grt_policy_choice choice;

static grt_request request_of(grt_policy policy)
{
    grt_request request = GRT_REQUEST_INIT;
    request.n_documents = 100;
    request.k = 10;
    request.policy = policy;
    return request;
}

static void choose(const grt_profile *with, const grt_request *request)
{
    grt_error err;
    assert_ok(grt_policy_choose(&choice, with, N_LAYERS, 0, request, &err), &err);
    assert_int_not_equal(choice.policy, GRT_POLICY_DEFAULT);
    assert_int_equal(choice.wants_scores,
                     choice.policy != GRT_POLICY_NONE || request->trace);
    assert_int_equal(choice.selector.is_exact_order, request->keeps_order != 0);
}

static void test_who_wants_all_gets_the_full_pass(void **state)
{
    (void)state;
    const size_t all[] = {0, 100, 101, SIZE_MAX};
    for (size_t i = 0; i < 4; i++)
        for (int policy = GRT_POLICY_DEFAULT; policy <= GRT_POLICY_BOUND; policy++) {
            grt_request request = request_of((grt_policy)policy);
            request.k = all[i];
            choose(&profile, &request);
            assert_int_equal(choice.policy, GRT_POLICY_NONE);
            assert_int_equal(choice.selector.kind, GRT_SELECTOR_NONE);
            assert_true(choice.precision == 0.0f && !choice.has_profile &&
                        !choice.reads_profile && !choice.wants_scores);
        }
    grt_request request = request_of(GRT_POLICY_NONE);
    choose(&profile, &request);
    assert_int_equal(choice.selector.kind, GRT_SELECTOR_NONE);
}

static void test_bound_reads_a_profile_where_there_is_one(void **state)
{
    (void)state;
    grt_request request = request_of(GRT_POLICY_DEFAULT);
    choose(&profile, &request);
    assert_int_equal(choice.policy, GRT_POLICY_BOUND);
    assert_int_equal(choice.selector.kind, GRT_SELECTOR_BOUND);
    const grt_bound_policy *bound = &choice.selector.bound;
    assert_true(choice.has_profile && choice.reads_profile);
    assert_ptr_equal(bound->spread, spreads);
    assert_ptr_equal(bound->moves, moves);
    assert_int_equal(choice.selector.first_layer, 0);
    assert_true(bound->margin == 4.0f);
    assert_true(bound->precision == 0.99f && choice.precision == 0.99f);
    request.precision = 0.8f;
    request.k = 1;
    choose(&profile, &request);
    assert_true(bound->margin == 1.0f && choice.precision == 0.8f);
}

/* Scores are a random walk, and silent in the first half. */
static void test_bound_does_without_a_profile(void **state)
{
    (void)state;
    grt_request request = request_of(GRT_POLICY_BOUND);
    request.precision = 0.95f;
    request.keeps_order = 1;
    choose(&no_profile, &request);
    const grt_bound_policy *bound = &choice.selector.bound;
    assert_true(!choice.has_profile && !choice.reads_profile);
    assert_true(!bound->spread && !bound->moves && bound->margin == 1.0f);
    assert_int_equal(bound->n_layers, N_LAYERS);
    assert_true(choice.precision == 0.95f);
    assert_int_equal(choice.selector.first_layer, N_LAYERS / 2);
    request.first_layer = 6;
    choose(&no_profile, &request);
    assert_int_equal(choice.selector.first_layer, 6);
}

static void test_cluster_takes_the_first_that_is_given(void **state)
{
    (void)state;
    grt_request request = request_of(GRT_POLICY_CLUSTER);
    const grt_cluster_policy *cluster = &choice.selector.cluster;
    choose(&no_profile, &request);
    assert_int_equal(choice.selector.kind, GRT_SELECTOR_CLUSTER);
    assert_true(cluster->dispersion == 0.5f && choice.precision == 0.0f);
    assert_int_equal(cluster->max_clusters, 4);
    assert_int_equal(choice.selector.first_layer, 0);
    assert_false(choice.has_profile);
    choose(&profile, &request);
    assert_true(cluster->dispersion == 0.4f && choice.precision == 0.99f);
    assert_int_equal(choice.selector.first_layer, 5);
    assert_true(choice.has_profile && !choice.reads_profile);
    request.dispersion = 0.7f;
    request.n_clusters = 9;
    choose(&profile, &request);
    assert_true(cluster->dispersion == 0.7f && choice.precision == 0.0f);
    assert_int_equal(cluster->max_clusters, 9);
    assert_int_equal(choice.selector.first_layer, 0);
    assert_false(choice.has_profile);
}

/* Nothing is read, and nothing decided, before the first head; but by a profile's
 * readouts. */
static void test_heads_of_layers_bound_what_is_decided(void **state)
{
    (void)state;
    enum { FIRST_HEAD = 3 };
    grt_error err;
    const grt_policy policies[] = {GRT_POLICY_BOUND, GRT_POLICY_CLUSTER,
                                   GRT_POLICY_SCHEDULE};
    const grt_schedule_entry steps[] = {{2, 1, 1}};
    for (size_t i = 0; i < 3; i++)
        for (size_t asked = 0; asked < 6; asked += 5) {
            grt_request request = request_of(policies[i]);
            request.schedule = steps;
            request.n_schedule = 1;
            request.first_layer = asked;
            assert_ok(grt_policy_choose(&choice, &no_profile, N_LAYERS, FIRST_HEAD,
                                        &request, &err),
                      &err);
            assert_int_equal(choice.selector.first_layer, asked ? asked : FIRST_HEAD);
            for (size_t layer = 1; layer <= N_LAYERS; layer++)
                assert_int_equal(grt_policy_scores(&choice, layer, N_LAYERS),
                                 layer >= FIRST_HEAD);
        }
    grt_request request = request_of(GRT_POLICY_CLUSTER);
    request.first_layer = 1; /* less than there is */
    assert_ok(
        grt_policy_choose(&choice, &profile, N_LAYERS, FIRST_HEAD, &request, &err),
        &err);
    assert_int_equal(choice.selector.first_layer, FIRST_HEAD);
    request = request_of(GRT_POLICY_BOUND);
    assert_ok(
        grt_policy_choose(&choice, &profile, N_LAYERS, FIRST_HEAD, &request, &err),
        &err);
    assert_int_equal(choice.selector.first_layer, 0);
    assert_true(grt_policy_scores(&choice, 1, N_LAYERS));
    request = request_of(GRT_POLICY_NONE);
    assert_ok(
        grt_policy_choose(&choice, &profile, N_LAYERS, FIRST_HEAD, &request, &err),
        &err);
    for (size_t layer = 1; layer <= N_LAYERS; layer++)
        assert_int_equal(grt_policy_scores(&choice, layer, N_LAYERS),
                         layer == N_LAYERS);
}

static void watch(const grt_trace_step *step, void *payload)
{
    (void)step, (void)payload;
}

static void test_schedules_and_traces(void **state)
{
    (void)state;
    const grt_schedule_entry steps[] = {{2, 1, 1}};
    grt_request request = request_of(GRT_POLICY_SCHEDULE);
    request.schedule = steps;
    request.n_schedule = 1;
    choose(&profile, &request);
    assert_int_equal(choice.selector.kind, GRT_SELECTOR_SCHEDULE);
    assert_ptr_equal(choice.selector.schedule.steps, steps);
    assert_int_equal(choice.selector.schedule.n_steps, 1);
    request = request_of(GRT_POLICY_NONE);
    request.trace = watch;
    choose(&profile, &request);
    assert_true(choice.wants_scores);
}

static void refuse(const grt_request *request, const char *text)
{
    grt_error err;
    assert_refused_at(grt_policy_choose(&choice, &profile, N_LAYERS, 0, request, &err),
                      GRT_E_INVALID_ARG, &err, text, -1);
}

static void test_options_at_fault_are_named(void **state)
{
    (void)state;
    const float bad_precisions[] = {1.0f, -0.1f, 2.0f, NAN, INFINITY};
    for (size_t i = 0; i < 5; i++) {
        grt_request request =
            request_of(GRT_POLICY_NONE); /* also where it is not read */
        request.precision = bad_precisions[i];
        refuse(&request, "precision of ");
    }
    grt_request request = request_of(GRT_POLICY_CLUSTER);
    request.dispersion = NAN;
    refuse(&request, "dispersion threshold of ");
    request.dispersion = -1.0f;
    refuse(&request, "dispersion threshold of -1");
    request = request_of(GRT_POLICY_CLUSTER);
    request.n_clusters = 1;
    refuse(&request, "1 clusters; 2 to 64");
    request.n_clusters = 65;
    refuse(&request, "65 clusters; 2 to 64");
    request = request_of((grt_policy)5);
    refuse(&request, "policy 5 is not known");
    request = request_of((grt_policy)-1);
    refuse(&request, "policy -1 is not known");
    request = request_of(GRT_POLICY_SCHEDULE);
    refuse(&request, "policy schedule without a schedule");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_wants_all_gets_the_full_pass),
        cmocka_unit_test(test_bound_reads_a_profile_where_there_is_one),
        cmocka_unit_test(test_bound_does_without_a_profile),
        cmocka_unit_test(test_cluster_takes_the_first_that_is_given),
        cmocka_unit_test(test_heads_of_layers_bound_what_is_decided),
        cmocka_unit_test(test_schedules_and_traces),
        cmocka_unit_test(test_options_at_fault_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
