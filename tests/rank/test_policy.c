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

/* What a request asks for. */
typedef struct asked {
    grt_policy_options options;
    grt_policy_input input;
} asked;

static asked ask_for(grt_policy policy)
{
    asked a = {.options = GRT_POLICY_OPTIONS_INIT,
               .input = {.n_documents = 100, .k = 10}};
    a.options.policy = (int32_t)policy;
    return a;
}

static grt_status try_to_choose(const grt_profile *with, size_t first_head,
                                const asked *a, grt_error *err)
{
    grt_policy_input input = a->input;
    input.options = &a->options;
    return grt_policy_choose(&choice, with, N_LAYERS, first_head, &input, err);
}

static void choose_by_heads(const grt_profile *with, size_t first_head, const asked *a)
{
    grt_error err;
    assert_ok(try_to_choose(with, first_head, a, &err), &err);
}

static void choose(const grt_profile *with, const asked *a)
{
    choose_by_heads(with, 0, a);
    assert_int_not_equal(choice.policy, GRT_POLICY_DEFAULT);
    assert_int_not_equal(choice.promise, GRT_PROMISE_DEFAULT);
    assert_int_equal(choice.wants_scores, choice.selector.kind != GRT_SELECTOR_NONE ||
                                              a->input.wants_scores);
    bool predicts = choice.selector.kind == GRT_SELECTOR_BOUND && choice.reads_profile;
    bool is_order = choice.promise == GRT_PROMISE_ORDER;
    assert_int_equal(choice.selector.settles_order, is_order && predicts);
    assert_int_equal(choice.selector.is_exact_order,
                     choice.promise == GRT_PROMISE_SCORES || (is_order && !predicts));
}

static void test_who_wants_all_gets_the_full_pass(void **state)
{
    (void)state;
    const size_t all[] = {0, 100, 101, SIZE_MAX};
    for (size_t i = 0; i < 4; i++)
        for (int policy = GRT_POLICY_DEFAULT; policy <= GRT_POLICY_BOUND; policy++) {
            asked a = ask_for((grt_policy)policy);
            a.input.k = all[i];
            choose(&profile, &a);
            assert_int_equal(choice.policy, GRT_POLICY_NONE);
            assert_int_equal(choice.selector.kind, GRT_SELECTOR_NONE);
            assert_true(choice.precision == 0.0f && !choice.has_profile &&
                        !choice.reads_profile && !choice.wants_scores);
        }
    asked a = ask_for(GRT_POLICY_NONE);
    choose(&profile, &a);
    assert_int_equal(choice.selector.kind, GRT_SELECTOR_NONE);
}

static void test_bound_reads_a_profile_where_there_is_one(void **state)
{
    (void)state;
    asked a = ask_for(GRT_POLICY_DEFAULT);
    choose(&profile, &a);
    assert_int_equal(choice.policy, GRT_POLICY_BOUND);
    assert_int_equal(choice.selector.kind, GRT_SELECTOR_BOUND);
    const grt_bound_policy *bound = &choice.selector.bound;
    assert_true(choice.has_profile && choice.reads_profile);
    assert_ptr_equal(bound->spread, spreads);
    assert_ptr_equal(bound->moves, moves);
    assert_int_equal(choice.selector.first_layer, 0);
    assert_true(bound->margin == 4.0f);
    assert_true(bound->precision == 0.99f && choice.precision == 0.99f);
    assert_true(choice.usual_margin == 1.0f); /* never wider than the spreads */
    a.options.precision = 0.8f;
    a.input.k = 1;
    choose(&profile, &a);
    assert_true(bound->margin == 1.0f && choice.precision == 0.8f);
    const float narrow[] = {0.1f, 0.2f, 0.5f, 0.4f},
                never[] = {1, 1, INFINITY, INFINITY};
    grt_profile other = profile;
    other.margins = narrow;
    choose(&other, &a);
    assert_true(bound->margin == 0.1f && choice.usual_margin == 0.5f); /* of 0.99 */
    other.margins = never;
    choose(&other, &a);
    assert_true(choice.usual_margin == 1.0f);
}

/* Scores are a random walk, and silent in the first half. */
static void test_bound_does_without_a_profile(void **state)
{
    (void)state;
    asked a = ask_for(GRT_POLICY_BOUND);
    a.options.precision = 0.95f;
    a.options.promise = GRT_PROMISE_SCORES;
    choose(&no_profile, &a);
    const grt_bound_policy *bound = &choice.selector.bound;
    assert_true(!choice.has_profile && !choice.reads_profile);
    assert_true(!bound->spread && !bound->moves && bound->margin == 1.0f);
    assert_int_equal(bound->n_layers, N_LAYERS);
    assert_true(choice.precision == 0.95f);
    assert_int_equal(choice.selector.first_layer, N_LAYERS / 2);
    a.options.first_layer = 6;
    choose(&no_profile, &a);
    assert_int_equal(choice.selector.first_layer, 6);
}

static void test_cluster_takes_the_first_that_is_given(void **state)
{
    (void)state;
    asked a = ask_for(GRT_POLICY_CLUSTER);
    const grt_cluster_policy *cluster = &choice.selector.cluster;
    choose(&no_profile, &a);
    assert_int_equal(choice.selector.kind, GRT_SELECTOR_CLUSTER);
    assert_true(cluster->dispersion == 0.5f && choice.precision == 0.0f);
    assert_int_equal(cluster->max_clusters, 4);
    assert_int_equal(choice.selector.first_layer, 0);
    assert_false(choice.has_profile);
    choose(&profile, &a);
    assert_true(cluster->dispersion == 0.4f && choice.precision == 0.99f);
    assert_int_equal(choice.selector.first_layer, 5);
    assert_true(choice.has_profile && !choice.reads_profile);
    a.options.dispersion = 0.7f;
    a.options.n_clusters = 9;
    choose(&profile, &a);
    assert_true(cluster->dispersion == 0.7f && choice.precision == 0.0f);
    assert_int_equal(cluster->max_clusters, 9);
    assert_int_equal(choice.selector.first_layer, 0);
    assert_false(choice.has_profile);
}

/* Nothing is read, and nothing decided, before the first head; but by a profile's
 * readouts. */
/* Nothing is read, and nothing decided, before the first head; but by a profile's
 * readouts. */
static void test_heads_of_layers_bound_what_is_decided(void **state)
{
    (void)state;
    enum { FIRST_HEAD = 3 };
    const grt_policy policies[] = {GRT_POLICY_BOUND, GRT_POLICY_CLUSTER,
                                   GRT_POLICY_DEFAULT};
    const grt_schedule_entry steps[] = {{2, 1, 1}};
    for (size_t i = 0; i < 3; i++)
        for (size_t first = 0; first < 6; first += 5) {
            asked a = ask_for(policies[i]);
            if (i == 2) a.input.schedule = steps;
            a.input.n_schedule = 1;
            a.options.first_layer = first;
            choose_by_heads(&no_profile, FIRST_HEAD, &a);
            assert_int_equal(choice.selector.first_layer, first ? first : FIRST_HEAD);
            for (size_t layer = 1; layer <= N_LAYERS; layer++)
                assert_int_equal(grt_policy_scores(&choice, layer, N_LAYERS),
                                 layer >= FIRST_HEAD);
        }
    asked a = ask_for(GRT_POLICY_CLUSTER);
    a.options.first_layer = 1; /* less than there is */
    choose_by_heads(&profile, FIRST_HEAD, &a);
    assert_int_equal(choice.selector.first_layer, FIRST_HEAD);
    a = ask_for(GRT_POLICY_BOUND);
    choose_by_heads(&profile, FIRST_HEAD, &a);
    assert_int_equal(choice.selector.first_layer, 0);
    assert_true(grt_policy_scores(&choice, 1, N_LAYERS));
    for (int watched = 0; watched < 2; watched++) {
        a = ask_for(GRT_POLICY_NONE);
        a.input.wants_scores = watched;
        choose_by_heads(&profile, FIRST_HEAD, &a);
        for (size_t layer = 1; layer <= N_LAYERS; layer++)
            assert_int_equal(grt_policy_scores(&choice, layer, N_LAYERS),
                             layer == N_LAYERS || (watched && layer >= FIRST_HEAD));
    }
}

/* A schedule is the policy, whatever else is asked for. */
static void test_schedules_come_first(void **state)
{
    (void)state;
    const grt_schedule_entry steps[] = {{2, 1, 1}};
    for (int policy = GRT_POLICY_DEFAULT; policy <= GRT_POLICY_BOUND; policy++) {
        asked a = ask_for((grt_policy)policy);
        a.input.schedule = steps;
        a.input.n_schedule = 1;
        choose(&profile, &a);
        assert_int_equal(choice.selector.kind, GRT_SELECTOR_SCHEDULE);
        assert_ptr_equal(choice.selector.schedule.steps, steps);
        assert_int_equal(choice.selector.schedule.n_steps, 1);
        assert_true(choice.precision == 0.0f && !choice.has_profile);
        assert_int_equal(choice.promise, GRT_PROMISE_SET); /* counts are all it knows */
    }
}

static void test_scores_for_whoever_watches(void **state)
{
    (void)state;
    asked a = ask_for(GRT_POLICY_NONE);
    a.input.wants_scores = true;
    choose(&profile, &a);
    assert_true(choice.wants_scores);
    a.input.wants_scores = false;
    choose(&profile, &a);
    assert_false(choice.wants_scores);
}

static void test_promises(void **state)
{
    (void)state;
    const grt_promise wanted[] = {GRT_PROMISE_ORDER, GRT_PROMISE_SET, GRT_PROMISE_ORDER,
                                  GRT_PROMISE_SCORES};
    for (int32_t promise = GRT_PROMISE_DEFAULT; promise <= GRT_PROMISE_SCORES;
         promise++) {
        for (int policy = GRT_POLICY_NONE; policy <= GRT_POLICY_BOUND; policy++) {
            asked a = ask_for((grt_policy)policy);
            a.options.promise = promise;
            choose(&profile, &a);
            assert_int_equal(choice.promise, wanted[promise]);
            choose(&no_profile, &a);
            assert_int_equal(choice.promise, wanted[promise]);
        }
    }
}

static void refuse(const asked *a, const char *text)
{
    grt_error err;
    assert_refused_at(try_to_choose(&profile, 0, a, &err), GRT_E_INVALID_ARG, &err,
                      text, -1);
}

static void test_options_at_fault_are_named(void **state)
{
    (void)state;
    const float bad_precisions[] = {1.0f, -0.1f, 2.0f, NAN, INFINITY};
    for (size_t i = 0; i < 5; i++) {
        asked a = ask_for(GRT_POLICY_NONE); /* also where it is not read */
        a.options.precision = bad_precisions[i];
        refuse(&a, "precision of ");
    }
    asked a = ask_for(GRT_POLICY_CLUSTER);
    a.options.dispersion = NAN;
    refuse(&a, "dispersion threshold of ");
    a.options.dispersion = -1.0f;
    refuse(&a, "dispersion threshold of -1");
    a = ask_for(GRT_POLICY_CLUSTER);
    a.options.n_clusters = 1;
    refuse(&a, "1 clusters; 2 to 64");
    a.options.n_clusters = 65;
    refuse(&a, "65 clusters; 2 to 64");
    a = ask_for((grt_policy)4);
    refuse(&a, "policy 4 is not known");
    a = ask_for((grt_policy)-1);
    refuse(&a, "policy -1 is not known");
    a = ask_for(GRT_POLICY_BOUND);
    a.options.promise = 4;
    refuse(&a, "promise 4 is not known");
    a.options.promise = -1;
    refuse(&a, "promise -1 is not known");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_wants_all_gets_the_full_pass),
        cmocka_unit_test(test_bound_reads_a_profile_where_there_is_one),
        cmocka_unit_test(test_bound_does_without_a_profile),
        cmocka_unit_test(test_cluster_takes_the_first_that_is_given),
        cmocka_unit_test(test_heads_of_layers_bound_what_is_decided),
        cmocka_unit_test(test_schedules_come_first),
        cmocka_unit_test(test_scores_for_whoever_watches),
        cmocka_unit_test(test_promises),
        cmocka_unit_test(test_options_at_fault_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
