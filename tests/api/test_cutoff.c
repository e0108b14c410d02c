/* test_cutoff.c - models whose layers have heads of their own: which head reads what,
 * sessions that stop at one, and what is refused. */
#include "temp_dir.h"

#include "base/memory.h"
#include "golden/golden.h"

#include <math.h>

#define FOLDER GRT_TEST_DATA "/golden"

enum { N_LAYERS = 4, FIRST_HEAD = 2, N_DOCUMENTS = 3 };

typedef struct fixture {
    golden g;
    const golden_job *job;
    grt_model *model;
    grt_request request;
} fixture;

static fixture f;

static int set_up(void **state)
{
    (void)state;
    grt_error err;
    golden_open(&f.g, FOLDER, "minicpm-f32");
    f.job = &f.g.jobs[0];
    assert_int_equal(f.g.n_layers, N_LAYERS);
    assert_int_equal(f.g.first_head, FIRST_HEAD);
    assert_int_equal(f.job->n_documents, N_DOCUMENTS);
    assert_ok(grt_model_open(&f.model, f.g.path, NULL, &err), &err);
    f.request = (grt_request)GRT_REQUEST_INIT;
    f.request.query = f.job->query;
    f.request.documents = f.job->documents;
    f.request.n_documents = N_DOCUMENTS;
    f.request.policy = GRT_POLICY_NONE;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    grt_model_close(f.model);
    golden_close(&f.g);
    return grt_memory_now() != 0;
}

static double wanted(size_t layer, size_t document)
{
    return f.job->layer_logits[document][layer - FIRST_HEAD];
}

static grt_session *open_session(const grt_model *model, size_t cutoff,
                                 grt_residency residency)
{
    grt_error err;
    grt_session *session = NULL;
    grt_session_options options = GRT_SESSION_OPTIONS_INIT;
    options.arithmetic = GRT_ARITHMETIC_F32;
    options.n_threads = 2;
    options.cutoff_layer = cutoff;
    options.residency = residency;
    assert_ok(grt_session_create(&session, model, &options, &err), &err);
    return session;
}

static grt_result *rank(grt_session *session)
{
    grt_error err;
    grt_result *result = NULL;
    assert_ok(grt_rank(session, &f.request, &result, &err), &err);
    return result;
}

/* ---- What a trace sees ---- */

typedef struct trace_log {
    size_t n;
    size_t layers[N_LAYERS];
    float scores[N_LAYERS][N_DOCUMENTS];
    size_t n_layers;
} trace_log;

static void note(const grt_trace_step *step, void *payload)
{
    trace_log *log = payload;
    assert_true(log->n < N_LAYERS);
    log->layers[log->n] = step->layer;
    log->n_layers = step->n_layers;
    for (size_t i = 0; i < step->n; i++)
        log->scores[log->n][step->indices[i]] = step->scores[i];
    log->n++;
}

static void test_each_layer_is_read_by_its_own_head(void **state)
{
    (void)state;
    trace_log log = {0};
    f.request.trace = note;
    f.request.trace_payload = &log;
    grt_session *session = open_session(f.model, 0, GRT_RESIDENCY_AUTO);
    grt_result_free(rank(session));
    assert_int_equal(log.n, N_LAYERS - FIRST_HEAD + 1);
    for (size_t step = 0; step < log.n; step++) {
        assert_int_equal(log.layers[step], FIRST_HEAD + step);
        for (size_t i = 0; i < N_DOCUMENTS; i++)
            assert_true(fabs((double)log.scores[step][i] -
                             wanted(FIRST_HEAD + step, i)) < 1e-4);
    }
    grt_session_free(session);
}

/* ---- Sessions that stop ---- */

static int count_layers(const grt_progress *progress, void *payload)
{
    trace_log *log = payload;
    log->n = progress->layer;
    log->n_layers = progress->n_layers;
    return 0;
}

static void check_cutoff(size_t cutoff, grt_residency residency)
{
    trace_log log = {0};
    f.request.progress = count_layers;
    f.request.progress_payload = &log;
    grt_session *session = open_session(f.model, cutoff, residency);
    for (size_t turn = 0; turn < 2; turn++) { /* again with warm slots */
        grt_result *result = rank(session);
        const grt_stats *stats = grt_result_stats(result);
        assert_int_equal(log.n, cutoff);
        assert_int_equal(log.n_layers, cutoff);
        assert_int_equal(stats->n_layers, cutoff);
        assert_int_equal(stats->plan.n_layers, cutoff);
        assert_int_equal(stats->candidates_x_layers, N_DOCUMENTS * cutoff);
        for (size_t i = 0; i < N_DOCUMENTS; i++) {
            const grt_item *item = &grt_result_items(result)[i];
            assert_int_equal(item->state, GRT_STATE_FINISHED);
            assert_int_equal(item->decided_at_layer, cutoff);
            assert_true(fabs((double)item->logit - wanted(cutoff, item->index)) < 1e-4);
            if (i > 0) assert_true(item[-1].logit >= item->logit);
        }
        grt_result_free(result);
    }
    grt_session_free(session);
}

static void test_a_session_stops_at_its_cutoff(void **state)
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
    grt_schedule_entry step = {1, 1, 0};
    f.request.policy = GRT_POLICY_SCHEDULE;
    f.request.schedule = &step;
    f.request.n_schedule = 1;
    f.request.k = 1;
    f.request.first_layer = 1;
    grt_session *session = open_session(f.model, 3, GRT_RESIDENCY_AUTO);
    grt_result *result = rank(session);
    assert_int_equal(grt_result_items(result)[0].state, GRT_STATE_FINISHED);
    grt_result_free(result);
    step.layer = FIRST_HEAD;
    result = rank(session);
    const grt_item *best = grt_result_items(result);
    assert_int_equal(best->state, GRT_STATE_SELECTED);
    assert_int_equal(best->decided_at_layer, FIRST_HEAD);
    for (size_t i = 0; i < N_DOCUMENTS; i++)
        assert_true(wanted(FIRST_HEAD, best->index) >= wanted(FIRST_HEAD, i));
    grt_result_free(result);
    grt_session_free(session);
}

static void test_a_plan_counts_the_layers_that_run(void **state)
{
    (void)state;
    grt_error err;
    grt_memory_plan all, some;
    grt_session_options options = GRT_SESSION_OPTIONS_INIT;
    options.residency = GRT_RESIDENCY_RESIDENT;
    assert_ok(grt_plan_memory(&all, f.model, &options, 4, 100, &err), &err);
    options.cutoff_layer = FIRST_HEAD;
    assert_ok(grt_plan_memory(&some, f.model, &options, 4, 100, &err), &err);
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
    static grt_calibration_report report;
    options.samples_path = samples;
    options.profile_path = profile;
    options.k_max = 1;
    assert_ok(grt_calibration_open(&calibration, f.model, &options, &err), &err);
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
    assert_ok(grt_calibration_fit(calibration, &report, NULL, NULL, &err), &err);
    assert_int_equal(report.n_layers, N_LAYERS);
    grt_calibration_close(calibration);
}

/* A profile is about all layers, and reads them all. */
static void test_a_cutoff_leaves_the_profile_unread(void **state)
{
    (void)state;
    grt_error err;
    temp_dir dir;
    char samples[128], profile[128];
    temp_make(&dir);
    make_profile(temp_path(&dir, "samples", samples),
                 temp_path(&dir, "profile", profile));
    grt_model *model = NULL;
    grt_model_options options = GRT_MODEL_OPTIONS_INIT;
    options.profile_path = profile;
    assert_ok(grt_model_open(&model, f.g.path, &options, &err), &err);
    for (size_t cutoff = 3; cutoff <= N_LAYERS; cutoff++) {
        trace_log log = {0};
        f.request.policy = GRT_POLICY_BOUND;
        f.request.precision = 0.999f;
        f.request.k = 1;
        f.request.trace = note;
        f.request.trace_payload = &log;
        grt_session *session = open_session(model, cutoff, GRT_RESIDENCY_AUTO);
        grt_result *result = rank(session);
        int is_read = cutoff == N_LAYERS;
        assert_int_equal(grt_result_stats(result)->has_profile, is_read);
        assert_int_equal(log.layers[0], is_read ? 1 : FIRST_HEAD);
        grt_result_free(result);
        grt_session_free(session);
    }
    grt_model_close(model);
    temp_remove(&dir);
}

/* ---- What is refused ---- */

static void refuse(const grt_model *model, size_t cutoff, grt_status status,
                   const char *text)
{
    grt_error err;
    grt_session *session = NULL;
    grt_memory_plan plan;
    grt_session_options options = GRT_SESSION_OPTIONS_INIT;
    options.cutoff_layer = cutoff;
    assert_refused(grt_session_create(&session, model, &options, &err), status, &err,
                   text);
    assert_refused(grt_plan_memory(&plan, model, &options, 1, 64, &err), status, &err,
                   text);
    assert_null(session);
}

static void test_layers_without_a_head_are_refused(void **state)
{
    (void)state;
    grt_error err;
    grt_model *other = NULL;
    const size_t bad[] = {1, N_LAYERS + 1, SIZE_MAX};
    for (size_t i = 0; i < 3; i++)
        refuse(f.model, bad[i], GRT_E_INVALID_ARG,
               "this model has heads for layers 2 to 4");
    assert_ok(grt_model_open(&other, FOLDER "/qwen3-f32-tied", NULL, &err), &err);
    refuse(other, 2, GRT_E_UNSUPPORTED,
           "a cutoff after layer 2: this qwen3 model has one head, for its last layer");
    grt_model_close(other);
    grt_calibration *calibration = NULL;
    grt_calibration_options options = GRT_CALIBRATION_OPTIONS_INIT;
    options.samples_path = "/nowhere";
    options.session.cutoff_layer = 3;
    assert_refused(grt_calibration_open(&calibration, f.model, &options, &err),
                   GRT_E_INVALID_ARG, &err, "profiles are about all layers");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_layer_is_read_by_its_own_head),
        TEST(test_a_session_stops_at_its_cutoff),
        TEST(test_decisions_wait_for_the_first_head),
        TEST(test_a_plan_counts_the_layers_that_run),
        TEST(test_a_cutoff_leaves_the_profile_unread),
        TEST(test_layers_without_a_head_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
