/* test_cutoff.c - models whose layers have heads of their own: which head reads what,
 * models that stop at one, and what is refused. */
#include "opened.h"
#include "temp_dir.h"

#include "api/experiment.h"
#include "base/memory.h"
#include "golden/golden.h"

#include <math.h>

#define FOLDER GRT_TEST_DATA "/golden"

enum { N_LAYERS = 4, FIRST_HEAD = 2, N_DOCUMENTS = 3 };

typedef struct fixture {
    golden g;
    const golden_job *job;
    grt_request request;
} fixture;

static fixture f;

static int set_up(void **state)
{
    (void)state;
    golden_open(&f.g, FOLDER, "minicpm-f32");
    f.job = &f.g.jobs[0];
    assert_int_equal(f.g.n_layers, N_LAYERS);
    assert_int_equal(f.g.first_head, FIRST_HEAD);
    assert_int_equal(f.job->n_documents, N_DOCUMENTS);
    f.request = (grt_request)GRT_REQUEST_INIT;
    f.request.query = f.job->query;
    f.request.documents = f.job->documents;
    f.request.n_documents = N_DOCUMENTS;
    f.request.policy = &full_pass;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    golden_close(&f.g);
    return grt_memory_now() != 0;
}

static double wanted(size_t layer, size_t document)
{
    return f.job->layer_logits[document][layer - FIRST_HEAD];
}

static grt_model *open_model(size_t cutoff, grt_residency residency)
{
    setup s = SETUP_INIT;
    s.engine.n_threads = 2;
    s.model.arithmetic = GRT_ARITHMETIC_F32;
    s.model.cutoff_layer = cutoff;
    s.model.residency = (int32_t)residency;
    return open_with(f.g.path, &s);
}

/* ---- What steps show ---- */

typedef struct step_log {
    size_t n; /* with scores */
    size_t layers[N_LAYERS];
    float scores[N_LAYERS][N_DOCUMENTS];
    size_t last_layer;
    size_t n_layers;
} step_log;

static void note(step_log *log, const grt_step *step)
{
    log->last_layer = step->layer;
    log->n_layers = step->n_layers;
    if (step->n == 0) return;
    assert_true(log->n < N_LAYERS);
    log->layers[log->n] = step->layer;
    for (size_t i = 0; i < step->n; i++)
        log->scores[log->n][step->indices[i]] = step->scores[i];
    log->n++;
}

static grt_result *rank_logged(grt_model *model, step_log *log)
{
    grt_step step;
    grt_ranking *ranking = open_ranking(model, &f.request);
    do {
        step = step_ok(ranking);
        note(log, &step);
    } while (!step.is_done);
    grt_result *result = result_ok(ranking);
    grt_ranking_free(ranking);
    return result;
}

static void test_each_layer_is_read_by_its_own_head(void **state)
{
    (void)state;
    step_log log = {0};
    grt_model *model = open_model(0, GRT_RESIDENCY_AUTO);
    grt_result_free(rank_logged(model, &log));
    assert_int_equal(log.n, N_LAYERS - FIRST_HEAD + 1);
    for (size_t step = 0; step < log.n; step++) {
        assert_int_equal(log.layers[step], FIRST_HEAD + step);
        for (size_t i = 0; i < N_DOCUMENTS; i++)
            assert_true(fabs((double)log.scores[step][i] -
                             wanted(FIRST_HEAD + step, i)) < 1e-4);
    }
    close_with(model);
}

/* ---- Models that stop ---- */

static void check_cutoff(size_t cutoff, grt_residency residency)
{
    grt_model *model = open_model(cutoff, residency);
    for (size_t turn = 0; turn < 2; turn++) { /* again with warm slots */
        step_log log = {0};
        grt_result *result = rank_logged(model, &log);
        grt_stats stats = stats_of(result);
        assert_int_equal(log.last_layer, cutoff);
        assert_int_equal(log.n_layers, cutoff);
        assert_int_equal(stats.n_layers, cutoff);
        assert_int_equal(plan_of(result).n_layers, cutoff);
        assert_int_equal(stats.candidates_x_layers, N_DOCUMENTS * cutoff);
        const float *logits = grt_result_logits(result);
        for (size_t i = 0; i < N_DOCUMENTS; i++) {
            size_t index = grt_result_indices(result)[i];
            assert_int_equal(grt_result_states(result)[i], GRT_STATE_FINISHED);
            assert_int_equal(grt_result_layers(result)[i], cutoff);
            assert_true(fabs((double)logits[i] - wanted(cutoff, index)) < 1e-4);
            if (i > 0) assert_true(logits[i - 1] >= logits[i]);
        }
        grt_result_free(result);
    }
    close_with(model);
}

static void test_a_model_stops_at_its_cutoff(void **state)
{
    (void)state;
    for (size_t cutoff = FIRST_HEAD; cutoff <= N_LAYERS; cutoff++) {
        check_cutoff(cutoff, GRT_RESIDENCY_STREAMED);
        check_cutoff(cutoff, GRT_RESIDENCY_RESIDENT);
    }
}

/* At layer 1 there is no head: a schedule that asks for a decision there gets none. */
static void test_decisions_wait_for_the_first_head(void **state)
{
    (void)state;
    grt_error err;
    grt_schedule_entry step = {1, 1, 0};
    const grt_experiment by_schedule = {.schedule = &step, .n_schedule = 1};
    grt_policy_options policy = policy_of(GRT_POLICY_DEFAULT);
    policy.first_layer = 1;
    f.request.policy = &policy;
    f.request.k = 1;
    grt_model *model = open_model(3, GRT_RESIDENCY_AUTO);
    grt_result *result = NULL;
    assert_ok(grt_rank_experiment(&result, model, &f.request, &by_schedule, &err),
              &err);
    assert_int_equal(grt_result_states(result)[0], GRT_STATE_FINISHED);
    grt_result_free(result);
    step.layer = FIRST_HEAD;
    assert_ok(grt_rank_experiment(&result, model, &f.request, &by_schedule, &err),
              &err);
    size_t best = grt_result_indices(result)[0];
    assert_int_equal(grt_result_states(result)[0], GRT_STATE_SELECTED);
    assert_int_equal(grt_result_layers(result)[0], FIRST_HEAD);
    for (size_t i = 0; i < N_DOCUMENTS; i++)
        assert_true(wanted(FIRST_HEAD, best) >= wanted(FIRST_HEAD, i));
    grt_result_free(result);
    close_with(model);
}

static void test_a_plan_counts_the_layers_that_run(void **state)
{
    (void)state;
    grt_error err;
    grt_memory_plan all = GRT_MEMORY_PLAN_INIT, some = GRT_MEMORY_PLAN_INIT;
    grt_model *model = open_model(0, GRT_RESIDENCY_RESIDENT);
    assert_ok(grt_plan_memory(&all, model, 4, 100, &err), &err);
    close_with(model);
    model = open_model(FIRST_HEAD, GRT_RESIDENCY_RESIDENT);
    assert_ok(grt_plan_memory(&some, model, 4, 100, &err), &err);
    close_with(model);
    assert_int_equal(all.n_layers, N_LAYERS);
    assert_int_equal(some.n_layers, FIRST_HEAD);
    assert_int_equal(some.n_slots, FIRST_HEAD);
    assert_true(some.layers_bytes < all.layers_bytes * 3 / 4);
}

/* ---- With a profile ---- */

/* Calibrates on prefixes of the test's documents. */
static void make_profile(const char *samples, const char *profile)
{
    grt_error err;
    grt_calibration *calibration = NULL;
    grt_calibration_options options = GRT_CALIBRATION_OPTIONS_INIT;
    grt_calibration_report report = GRT_CALIBRATION_REPORT_INIT;
    grt_model *model = open_model(0, GRT_RESIDENCY_AUTO);
    options.samples_path = samples;
    options.profile_path = profile;
    options.k_max = 1;
    assert_ok(grt_calibration_open(&calibration, model, &options, &err), &err);
    for (size_t q = 0; q < 12; q++) {
        size_t bytes[2 * N_DOCUMENTS];
        const char *documents[2 * N_DOCUMENTS];
        grt_request request = f.request;
        for (size_t i = 0; i < 2 * N_DOCUMENTS; i++) {
            documents[i] = f.job->documents[i % 2];
            bytes[i] = 10 + 3 * q + 5 * i;
        }
        request.documents = documents;
        request.document_bytes = bytes;
        request.n_documents = 2 * N_DOCUMENTS;
        assert_ok(grt_calibration_add(calibration, &request, &err), &err);
    }
    assert_ok(grt_calibration_fit(&report, calibration, NULL, NULL, &err), &err);
    assert_int_equal(report.n_layers, N_LAYERS);
    grt_calibration_close(calibration);
    close_with(model);
}

/* A profile is about all layers, and reads them all. */
static void test_a_cutoff_leaves_the_profile_unread(void **state)
{
    (void)state;
    temp_dir dir;
    char samples[128], profile[128];
    temp_make(&dir);
    make_profile(temp_path(&dir, "samples", samples),
                 temp_path(&dir, "profile", profile));
    grt_policy_options policy = policy_of(GRT_POLICY_BOUND);
    policy.precision = 0.999f;
    f.request.policy = &policy;
    f.request.k = 1;
    for (size_t cutoff = 3; cutoff <= N_LAYERS; cutoff++) {
        step_log log = {0};
        grt_model_options options = GRT_MODEL_OPTIONS_INIT;
        options.profile_path = profile;
        options.cutoff_layer = cutoff;
        grt_model *model = open_on(NULL, f.g.path, &options);
        grt_result *result = rank_logged(model, &log);
        int is_read = cutoff == N_LAYERS;
        assert_int_equal(stats_of(result).has_profile, is_read);
        assert_int_equal(log.layers[0], is_read ? 1 : FIRST_HEAD);
        grt_result_free(result);
        grt_model_close(model);
    }
    temp_remove(&dir);
}

/* ---- What is refused ---- */

static void refuse(const char *path, size_t cutoff, grt_status status, const char *text)
{
    grt_error err;
    grt_model *model = NULL;
    grt_model_options options = GRT_MODEL_OPTIONS_INIT;
    options.cutoff_layer = cutoff;
    assert_refused(grt_model_open(&model, NULL, path, &options, &err), status, &err,
                   text);
    assert_null(model);
}

static void test_layers_without_a_head_are_refused(void **state)
{
    (void)state;
    grt_error err;
    const size_t bad[] = {1, N_LAYERS + 1, SIZE_MAX};
    for (size_t i = 0; i < 3; i++)
        refuse(f.g.path, bad[i], GRT_E_INVALID_ARG,
               "this model has heads for layers 2 to 4");
    refuse(FOLDER "/qwen3-f32-tied", 2, GRT_E_UNSUPPORTED,
           "a cutoff after layer 2: this qwen3 model has one head, for its last layer");
    grt_model *model = open_model(3, GRT_RESIDENCY_AUTO);
    grt_calibration *calibration = NULL;
    grt_calibration_options options = GRT_CALIBRATION_OPTIONS_INIT;
    options.samples_path = "/nowhere";
    assert_refused(grt_calibration_open(&calibration, model, &options, &err),
                   GRT_E_INVALID_ARG, &err, "profiles are about all layers");
    close_with(model);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_layer_is_read_by_its_own_head),
        TEST(test_a_model_stops_at_its_cutoff),
        TEST(test_decisions_wait_for_the_first_head),
        TEST(test_a_plan_counts_the_layers_that_run),
        TEST(test_a_cutoff_leaves_the_profile_unread),
        TEST(test_layers_without_a_head_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
