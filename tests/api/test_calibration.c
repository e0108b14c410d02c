/* test_calibration.c - calibration the whole way: queries into samples, samples into a
 * profile, the profile beside a model, and what it does to rankings. */
#include "opened.h"
#include "temp_dir.h"

#include "base/memory.h"
#include "calibrate/samples.h"
#include "rank/model.h"

#include <math.h>

#define ENCODER GRT_SOURCE_DIR "/models/grating-mini"
#define DECODER GRT_TEST_DATA "/golden/qwen3-f32-tied"

enum { N_QUERIES = 12, N_DOCUMENTS = 6, MAX_LAYERS = 16 };

static temp_dir dir;
static char samples_path[128], profile_path[128], other[128];

static int set_up(void **state)
{
    (void)state;
    temp_make(&dir);
    temp_path(&dir, "samples", samples_path);
    temp_path(&dir, "profile", profile_path);
    temp_path(&dir, "other", other);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_remove(&dir);
    return grt_memory_now() != 0;
}

/* ---- Texts ---- */

static const char *const topics[N_QUERIES] = {
    "owls",    "steam engines", "bread",    "the stock market", "glaciers", "violins",
    "bridges", "bees",          "printing", "volcanoes",        "tides",    "chess"};

static const char *const phrases[N_DOCUMENTS] = {
    "All that is known about %s, told in one chapter: how %s came to be, and why.",
    "A short note on %s.",
    "Of %s nothing is said here; it is about the weather of last week.",
    "In the garden there were chairs, a table, and a book about %s.",
    "Twenty questions on %s, with answers.",
    "The committee met on Tuesday and adjourned."};

typedef struct text_query {
    char query[64];
    char texts[N_DOCUMENTS][128];
    const char *documents[N_DOCUMENTS];
    grt_request request;
} text_query;

/* Documents of two kinds mix: half are about the query's topic, half about the next. */
static void make_query(text_query *q, size_t which)
{
    (void)snprintf(q->query, sizeof(q->query), "what is there to know about %s",
                   topics[which]);
    for (size_t d = 0; d < N_DOCUMENTS; d++) {
        const char *topic = topics[(which + (d * which) % 3) % N_QUERIES];
        const char *phrase = phrases[(d + which) % N_DOCUMENTS], *hole;
        char *text = q->texts[d];
        text[0] = '\0';
        size_t n = 0;
        while ((hole = strstr(phrase, "%s"))) {
            n += (size_t)snprintf(text + n, sizeof(q->texts[d]) - n, "%.*s%s",
                                  (int)(hole - phrase), phrase, topic);
            phrase = hole + 2;
        }
        (void)snprintf(text + n, sizeof(q->texts[d]) - n, "%s", phrase);
        q->documents[d] = text;
    }
    q->request = (grt_request)GRT_REQUEST_INIT;
    q->request.query = q->query;
    q->request.documents = q->documents;
    q->request.n_documents = N_DOCUMENTS;
}

/* ---- Models and calibrations ---- */

static grt_model *open_model(const char *path, const char *profile)
{
    setup s = SETUP_INIT;
    s.engine.n_threads = 2;
    s.model.profile_path = profile;
    return open_with(path, &s);
}

static grt_calibration_options usual_options(void)
{
    grt_calibration_options options = GRT_CALIBRATION_OPTIONS_INIT;
    options.samples_path = samples_path;
    options.profile_path = profile_path;
    return options;
}

static grt_calibration *open_calibration(grt_model *model,
                                         const grt_calibration_options *options)
{
    grt_error err;
    grt_calibration *calibration = NULL;
    assert_ok(grt_calibration_open(&calibration, model, options, &err), &err);
    return calibration;
}

static void add_queries(grt_calibration *calibration, size_t begin, size_t end)
{
    grt_error err;
    for (size_t i = begin; i < end; i++) {
        text_query q;
        make_query(&q, i);
        assert_ok(grt_calibration_add(calibration, &q.request, &err), &err);
    }
}

/* What the last fit found. */
typedef struct fitted {
    grt_calibration_report report;
    grt_calibration_row rows[16];
    float gamma_head[MAX_LAYERS], gamma_readout[MAX_LAYERS]; /* from layer 1 */
    char profile_path[512];
} fitted;

static fitted last;

static void fit(grt_calibration *calibration)
{
    grt_error err;
    last = (fitted){.report = GRT_CALIBRATION_REPORT_INIT};
    grt_calibration_report *report = &last.report;
    assert_ok(grt_calibration_fit(report, calibration, NULL, NULL, &err), &err);
    assert_in_range(report->n_rows, 1, 16);
    assert_in_range(report->n_layers, 2, MAX_LAYERS);
    (void)snprintf(last.profile_path, sizeof(last.profile_path), "%s",
                   report->profile_path);
    for (size_t i = 0; i < report->n_rows; i++) {
        last.rows[i] = (grt_calibration_row)GRT_CALIBRATION_ROW_INIT;
        assert_int_equal(grt_calibration_report_row(calibration, i, &last.rows[i]),
                         GRT_OK);
    }
    grt_calibration_row none = GRT_CALIBRATION_ROW_INIT;
    assert_int_equal(grt_calibration_report_row(calibration, report->n_rows, &none),
                     GRT_E_INVALID_ARG);
    float head, readout;
    for (size_t layer = 1; layer < report->n_layers; layer++)
        assert_int_equal(grt_calibration_gamma(calibration, layer,
                                               &last.gamma_head[layer - 1],
                                               &last.gamma_readout[layer - 1]),
                         GRT_OK);
    assert_int_equal(grt_calibration_gamma(calibration, 0, &head, &readout),
                     GRT_E_INVALID_ARG);
    assert_int_equal(
        grt_calibration_gamma(calibration, report->n_layers, &head, &readout),
        GRT_E_INVALID_ARG);
}

static void calibrate(grt_model *model, const grt_calibration_options *options)
{
    grt_calibration *calibration = open_calibration(model, options);
    add_queries(calibration, 0, N_QUERIES);
    assert_int_equal(grt_calibration_count(calibration), N_QUERIES);
    fit(calibration);
    grt_calibration_close(calibration);
}

/* ---- What rankings with the profile are held against ---- */

/* pooled . weights, and where the readout reads it, what lies between the two means. */
static float by_hand(const grt_readout *readout, const float *pooled, size_t width)
{
    double sum = (double)readout->bias;
    for (size_t c = 0; c < readout->n_features; c++) {
        size_t d = width / 3, j = c - width; /* past the pooled states */
        double x = c < width ? (double)pooled[c]
                             : fabs((double)pooled[d + j] - (double)pooled[2 * d + j]);
        sum += x * (double)readout->weights[c];
    }
    return (float)sum;
}

/* Scores that readouts give the samples of one query; last: those of the head. */
typedef struct wanted_scores {
    float by_layer[MAX_LAYERS][N_DOCUMENTS];
    size_t n_layers;
    size_t n_seen;
} wanted_scores;

static void read_wanted(wanted_scores *wanted, const grt_model *model,
                        const grt_samples *samples, size_t record)
{
    grt_error err;
    size_t width = samples->shape.pooled_size, n_layers = samples->shape.n_layers;
    float *pooled = calloc(N_DOCUMENTS * width, sizeof(float));
    assert_non_null(pooled);
    assert_int_equal(samples->own.records[record].n, N_DOCUMENTS);
    *wanted = (wanted_scores){.n_layers = n_layers};
    for (size_t l = 1; l < n_layers; l++) {
        grt_readout readout = grt_profile_readout(&model->profile, l);
        assert_int_equal(readout.n_features, grt_features_size(&model->opened.network));
        assert_ok(
            grt_samples_pooled(samples, &samples->own.records[record], l, pooled, &err),
            &err);
        for (size_t i = 0; i < N_DOCUMENTS; i++)
            wanted->by_layer[l - 1][i] = by_hand(&readout, pooled + i * width, width);
    }
    assert_ok(grt_samples_scores(samples, &samples->own.records[record], n_layers,
                                 wanted->by_layer[n_layers - 1], &err),
              &err);
    free(pooled);
}

static void check_step(wanted_scores *wanted, const grt_step *step)
{
    assert_int_equal(step->n_layers, wanted->n_layers);
    for (size_t i = 0; i < step->n; i++) {
        double found = (double)step->scores[i];
        double expected = (double)wanted->by_layer[step->layer - 1][step->indices[i]];
        if (fabs(found - expected) > 1e-4 * (1 + fabs(expected)))
            fail_msg("layer %zu: %.6f, the samples give %.6f", step->layer, found,
                     expected);
        wanted->n_seen++;
    }
}

static int is_in_top(const grt_result *result, size_t k, size_t index)
{
    for (size_t i = 0; i < k; i++)
        if (grt_result_indices(result)[i] == index) return 1;
    return 0;
}

/* How many of the full pass's top K come back; checks every score on the way, and adds
 * the layers that candidates computed to *n_computed. */
static size_t check_ranking(grt_model *model, const grt_samples *samples, size_t which,
                            size_t k, size_t *n_computed)
{
    text_query q;
    wanted_scores wanted;
    size_t n_back = 0;
    read_wanted(&wanted, model, samples, which);
    make_query(&q, which);
    grt_result *full = rank_ok(model, &q.request); /* k 0: all run to the end */
    for (size_t i = 0; i < N_DOCUMENTS; i++)
        assert_true(grt_result_logits(full)[i] ==
                    wanted.by_layer[wanted.n_layers - 1][grt_result_indices(full)[i]]);
    assert_false(stats_of(full).has_profile);
    q.request.k = k;
    grt_ranking *ranking = open_ranking(model, &q.request);
    grt_step step;
    do {
        step = step_ok(ranking);
        if (step.n > 0) check_step(&wanted, &step);
    } while (!step.is_done);
    grt_result *result = result_ok(ranking);
    grt_ranking_free(ranking);
    grt_stats stats = stats_of(result);
    assert_int_equal(stats.policy, GRT_POLICY_BOUND);
    assert_true(stats.has_profile && stats.precision == 0.99f);
    assert_true(stats.drift >= 1 && isfinite(stats.drift));
    assert_int_equal(stats.candidates_x_layers, wanted.n_seen);
    assert_true(wanted.n_seen <= wanted.n_layers * N_DOCUMENTS);
    for (size_t i = 0; i < k; i++)
        n_back += (size_t)is_in_top(result, k, grt_result_indices(full)[i]);
    *n_computed += wanted.n_seen;
    grt_result_free(result);
    grt_result_free(full);
    return n_back;
}

/* Returns the share of the full pass that was computed. */
static double check_rankings(grt_model *model)
{
    grt_error err;
    size_t n_computed = 0;
    grt_samples samples;
    grt_samples_shape shape = {.n_layers = model->opened.network.n_layers,
                               .pooled_size = grt_pooled_size(&model->opened.network)};
    assert_ok(grt_fingerprint_take(&shape.fingerprint, &model->opened.checkpoint, &err),
              &err);
    assert_ok(grt_samples_open(&samples, samples_path, &shape, &err), &err);
    assert_int_equal(samples.own.n, N_QUERIES);
    for (size_t which = 0; which < N_QUERIES; which++) {
        bool is_fitted = which % 4 != 3;
        size_t n_back = check_ranking(model, &samples, which, 2, &n_computed);
        if (is_fitted) assert_int_equal(n_back, 2);
    }
    grt_samples_close(&samples);
    return (double)n_computed /
           (double)(N_QUERIES * N_DOCUMENTS * model->opened.network.n_layers);
}

static void check_report(size_t n_layers)
{
    assert_int_equal(last.report.n_fitted, 9);
    assert_int_equal(last.report.n_reported, 3);
    assert_int_equal(last.report.n_layers, n_layers);
    assert_int_equal(last.report.n_rows, 6); /* K 1 and 5; there are no 10 documents */
    for (size_t i = 0; i < last.report.n_rows; i++) {
        const grt_calibration_row *row = &last.rows[i];
        assert_true(row->precision == 0.99f && row->k <= 5);
        assert_true(row->reached >= row->reached_low);
        assert_true(row->reached <= row->reached_high && row->reached_high <= 1);
        assert_true(row->computed > 0 && row->computed <= 1);
    }
    for (size_t l = 0; l + 1 < n_layers; l++) {
        assert_true(fabsf(last.gamma_head[l]) <= 1);
        assert_true(fabsf(last.gamma_readout[l]) <= 1);
    }
}

/* ---- Tests ---- */

/* A directory with links to all files of the model. */
static void link_model(const char *from, temp_dir *to)
{
    static const char *const names[] = {"config.json", "model.safetensors", "vocab.txt",
                                        "tokenizer.json", "tokenizer_config.json"};
    temp_make(to);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char target[512], link[128];
        (void)snprintf(target, sizeof(target), "%s/%s", from, names[i]);
        if (access(target, R_OK) != 0) continue;
        assert_int_equal(symlink(target, temp_path(to, names[i], link)), 0);
    }
}

static void check_whole_way(const char *from, size_t n_layers, double most_computed)
{
    temp_dir home;
    grt_model_info info = GRT_MODEL_INFO_INIT;
    char beside[128];
    link_model(from, &home);
    temp_path(&home, "grating.profile.safetensors", beside);
    grt_model *model = open_model(home.path, NULL);
    grt_model_describe(model, &info);
    assert_null(info.profile);
    grt_calibration_options options = usual_options();
    options.profile_path = NULL;
    grt_calibration *calibration = open_calibration(model, &options);
    assert_int_equal(access(beside, F_OK), -1); /* trying it out left nothing */
    add_queries(calibration, 0, 5);
    grt_calibration_close(calibration); /* interrupted */
    calibration = open_calibration(model, &options);
    assert_int_equal(grt_calibration_count(calibration), 5);
    grt_calibration_close(calibration);
    calibrate(model, &options);
    assert_string_equal(last.profile_path, beside);
    check_report(n_layers);
    close_with(model);
    model = open_model(home.path, NULL);
    grt_model_describe(model, &info);
    assert_string_equal(info.profile, beside);
    assert_true(check_rankings(model) <= most_computed);
    close_with(model);
    temp_remove(&home);
}

static void test_the_whole_way_of_an_encoder(void **state)
{
    (void)state;
    check_whole_way(ENCODER, 8, 0.95);
}

static void test_the_whole_way_of_a_decoder(void **state)
{
    (void)state;
    check_whole_way(DECODER, 3, 1);
}

static void test_a_profile_at_a_path_of_ones_own(void **state)
{
    (void)state;
    grt_error err;
    grt_model_info info = GRT_MODEL_INFO_INIT;
    grt_model *model = open_model(DECODER, "");
    grt_calibration_options options = usual_options();
    options.precision = 0.9f;
    options.k_max = 1;
    calibrate(model, &options);
    close_with(model);
    assert_string_equal(last.profile_path, profile_path);
    assert_int_equal(last.report.n_rows, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(last.rows[i].precision == 0.9f && last.rows[i].k == 1);
    model = open_model(DECODER, profile_path);
    grt_model_describe(model, &info);
    assert_string_equal(info.profile, profile_path);
    assert_true(check_rankings(model) <= 1);
    close_with(model);
    model = open_model(DECODER, NULL); /* there is none beside it */
    grt_model_describe(model, &info);
    assert_null(info.profile);
    close_with(model);
    grt_model_options other_model = GRT_MODEL_OPTIONS_INIT;
    other_model.profile_path = profile_path;
    assert_refused(grt_model_open(&model, NULL, ENCODER, &other_model, &err),
                   GRT_E_FORMAT, &err,
                   "profile: the profile was made for another checkpoint");
    assert_refused(grt_model_open(&model, NULL, GRT_TEST_DATA "/golden/qwen3-bf16",
                                  &other_model, &err),
                   GRT_E_FORMAT, &err, "made for another checkpoint");
}

static void test_a_damaged_profile_is_refused(void **state)
{
    (void)state;
    grt_error err;
    size_t n;
    grt_model *model = open_model(DECODER, "");
    grt_calibration_options options = usual_options();
    calibrate(model, &options);
    close_with(model);
    grt_model_options damaged = GRT_MODEL_OPTIONS_INIT;
    damaged.profile_path = profile_path;
    unsigned char *whole = read_whole(profile_path, &n);
    for (size_t cut = 0; cut < n; cut += 1 + cut / 8) {
        write_whole(profile_path, whole, cut);
        assert_refused(grt_model_open(&model, NULL, DECODER, &damaged, &err),
                       GRT_E_FORMAT, &err, "profile: ");
    }
    memset(whole + n - 4, 0xff, 4); /* a NaN at the end of the last tensor */
    write_whole(profile_path, whole, n);
    assert_refused(grt_model_open(&model, NULL, DECODER, &damaged, &err), GRT_E_FORMAT,
                   &err, " holds -nan, expected");
    (void)unlink(profile_path);
    assert_refused(grt_model_open(&model, NULL, DECODER, &damaged, &err),
                   GRT_E_NOT_FOUND, &err, "profile: no such file");
    free(whole);
}

/* ---- Arithmetics ---- */

static grt_model *open_in(const char *path, const char *profile,
                          grt_arithmetic arithmetic)
{
    setup s = SETUP_INIT;
    s.engine.n_threads = 2;
    s.model.profile_path = profile;
    s.model.arithmetic = (int32_t)arithmetic;
    return open_with(path, &s);
}

static bool runs_in(grt_arithmetic arithmetic)
{
    grt_model_info info = GRT_MODEL_INFO_INIT;
    grt_model *model = open_in(DECODER, "", arithmetic);
    grt_model_describe(model, &info);
    close_with(model);
    return info.arithmetic == (int32_t)arithmetic;
}

static void check_effect(const grt_model *model, grt_arithmetic arithmetic, bool is_own)
{
    grt_arithmetic_effect effect = GRT_ARITHMETIC_EFFECT_INIT;
    assert_int_equal(grt_model_effect(model, arithmetic, &effect), GRT_OK);
    assert_int_equal(effect.is_known, is_own || runs_in(arithmetic));
    if (is_own) {
        assert_true(effect.is_safe && effect.n_pairs == 0 && effect.kept == 1);
        return;
    }
    if (!effect.is_known) return;
    /* the first 8 queries; they have no more than 10 documents */
    assert_int_equal(effect.n_pairs, 8 * N_DOCUMENTS);
    assert_true(effect.mean > 0 && effect.mean <= effect.largest);
    assert_true(effect.largest < 1 && effect.share > 0 && effect.kept == 1);
    assert_int_equal(effect.is_safe, effect.share <= 0.05f);
}

static bool has_note(const grt_model *model, const char *part)
{
    grt_note note = GRT_NOTE_INIT;
    for (size_t i = 0; grt_model_note(model, i, &note) == GRT_OK; i++)
        if (strstr(note.text, part) && note.level == GRT_NOTE_RESULT) return true;
    return false;
}

/* A profile of f32 knows what the others add. */
static void test_arithmetics_are_measured(void **state)
{
    (void)state;
    grt_model_info info = GRT_MODEL_INFO_INIT;
    grt_model *model = open_in(DECODER, "", GRT_ARITHMETIC_F32);
    grt_calibration_options options = usual_options();
    calibrate(model, &options);
    close_with(model);
    model = open_in(DECODER, profile_path, GRT_ARITHMETIC_F32);
    grt_model_describe(model, &info);
    assert_int_equal(info.profile_arithmetic, GRT_ARITHMETIC_F32);
    check_effect(model, GRT_ARITHMETIC_F32, true);
    check_effect(model, GRT_ARITHMETIC_BF16, false);
    check_effect(model, GRT_ARITHMETIC_INT8, false);
    grt_arithmetic_effect none = GRT_ARITHMETIC_EFFECT_INIT;
    assert_int_equal(grt_model_effect(model, GRT_ARITHMETIC_AUTO, &none),
                     GRT_E_INVALID_ARG);
    assert_int_equal(grt_model_effect(model, (grt_arithmetic)4, &none),
                     GRT_E_INVALID_ARG);
    float own_spread = model->profile.spreads[1];
    close_with(model);
    if (!runs_in(GRT_ARITHMETIC_INT8)) return;
    model = open_in(DECODER, profile_path, GRT_ARITHMETIC_INT8);
    grt_model_describe(model, &info);
    assert_string_equal(info.profile, profile_path);
    assert_true(model->profile.spreads[1] >= own_spread);
    grt_arithmetic_effect int8 = GRT_ARITHMETIC_EFFECT_INIT;
    assert_int_equal(grt_model_effect(model, GRT_ARITHMETIC_INT8, &int8), GRT_OK);
    assert_int_equal(has_note(model, "int8 is not safe for this model: it moves"),
                     !int8.is_safe);
    assert_false(has_note(model, "does not say what int8 adds"));
    close_with(model);
}

/* The bytes of the file with one name in another's place. */
static void rename_in_profile(const char *from, const char *to)
{
    size_t n, length = strlen(from);
    unsigned char *bytes = read_whole(profile_path, &n);
    size_t i = 0;
    while (i + length < n && memcmp(bytes + i, from, length) != 0)
        i++;
    assert_true(i + length < n && length == strlen(to));
    memcpy(bytes + i, to, length);
    write_whole(profile_path, bytes, n);
    free(bytes);
}

static void test_an_arithmetic_that_was_not_measured(void **state)
{
    (void)state;
    text_query q;
    grt_model_info info = GRT_MODEL_INFO_INIT;
    if (!runs_in(GRT_ARITHMETIC_INT8)) skip();
    grt_model *model = open_in(DECODER, "", GRT_ARITHMETIC_F32);
    grt_calibration_options options = usual_options();
    calibrate(model, &options);
    close_with(model);
    rename_in_profile("int8.spreads", "int0.spreads");
    model = open_in(DECODER, profile_path, GRT_ARITHMETIC_INT8);
    grt_model_describe(model, &info);
    assert_null(info.profile);
    assert_true(
        has_note(model, "profile was made in f32 and does not say what int8 adds"));
    make_query(&q, 0);
    q.request.k = 2;
    grt_result *result = rank_ok(model, &q.request);
    assert_false(stats_of(result).has_profile);
    grt_result_free(result);
    close_with(model);
    model = open_in(DECODER, profile_path, GRT_ARITHMETIC_F32);
    grt_model_describe(model, &info);
    assert_string_equal(info.profile, profile_path);
    close_with(model);
}

static void test_samples_of_another_arithmetic(void **state)
{
    (void)state;
    grt_error err;
    text_query q;
    if (!runs_in(GRT_ARITHMETIC_INT8)) skip();
    grt_calibration_options options = usual_options();
    grt_model *model = open_in(DECODER, "", GRT_ARITHMETIC_F32);
    grt_calibration *calibration = open_calibration(model, &options);
    add_queries(calibration, 0, 2);
    grt_calibration_close(calibration);
    close_with(model);
    model = open_in(DECODER, "", GRT_ARITHMETIC_INT8);
    calibration = open_calibration(model, &options);
    make_query(&q, 2);
    assert_refused(grt_calibration_add(calibration, &q.request, &err),
                   GRT_E_INVALID_ARG, &err,
                   "samples: the samples were computed in f32, and this model computes "
                   "in int8");
    make_query(&q, 1); /* this one is there */
    assert_ok(grt_calibration_add(calibration, &q.request, &err), &err);
    assert_int_equal(grt_calibration_count(calibration), 2);
    grt_calibration_close(calibration);
    close_with(model);
}

/* ---- A layer at a time ---- */

static grt_calibration_progress step_ok_of(grt_calibration *calibration)
{
    grt_error err;
    grt_calibration_progress progress = GRT_CALIBRATION_PROGRESS_INIT;
    assert_ok(grt_calibration_step(&progress, calibration, &err), &err);
    return progress;
}

static void test_a_query_a_layer_at_a_time(void **state)
{
    (void)state;
    grt_error err;
    text_query q;
    grt_model *model = open_in(DECODER, "", GRT_ARITHMETIC_F32);
    grt_calibration_options options = usual_options();
    grt_calibration *calibration = open_calibration(model, &options);
    size_t n_passes = 1u + runs_in(GRT_ARITHMETIC_BF16) + runs_in(GRT_ARITHMETIC_INT8);
    assert_true(step_ok_of(calibration).is_done); /* there is none */
    make_query(&q, 0);
    assert_ok(grt_calibration_start(calibration, &q.request, &err), &err);
    assert_refused(grt_calibration_start(calibration, &q.request, &err),
                   GRT_E_INVALID_ARG, &err, "the query before is not done");
    size_t n_steps = 0, done = 0;
    grt_calibration_progress progress;
    do {
        progress = step_ok_of(calibration);
        assert_int_equal(progress.total, n_passes * model->n_layers);
        assert_true(progress.done >= done && progress.done <= progress.total);
        done = progress.done;
        n_steps++;
    } while (!progress.is_done);
    assert_int_equal(done, progress.total);
    /* Of each pass the texts and the layers; of each but the first its opening. */
    assert_int_equal(n_steps, n_passes * (model->n_layers + 1) + n_passes - 1);
    assert_int_equal(grt_calibration_count(calibration), 1);
    assert_ok(grt_calibration_start(calibration, &q.request, &err), &err);
    progress = step_ok_of(calibration); /* known */
    assert_true(progress.is_done && progress.total == 0);
    /* given up half way: the file has the first only */
    make_query(&q, 1);
    assert_ok(grt_calibration_start(calibration, &q.request, &err), &err);
    assert_false(step_ok_of(calibration).is_done);
    assert_false(step_ok_of(calibration).is_done);
    grt_calibration_close(calibration);
    calibration = open_calibration(model, &options);
    assert_int_equal(grt_calibration_count(calibration), 1);
    assert_refused(grt_calibration_step(NULL, calibration, &err), GRT_E_INVALID_ARG,
                   &err, "no output");
    assert_refused(grt_calibration_step(&progress, NULL, &err), GRT_E_INVALID_ARG, &err,
                   "no calibration");
    grt_calibration_close(calibration);
    close_with(model);
}

static void expect_open_refused(grt_model *model,
                                const grt_calibration_options *options,
                                grt_status status, const char *text)
{
    grt_error err;
    grt_calibration *calibration = NULL;
    assert_refused(grt_calibration_open(&calibration, model, options, &err), status,
                   &err, text);
    assert_null(calibration);
}

static void test_options_that_cannot_be(void **state)
{
    (void)state;
    grt_error err;
    grt_model *model = open_model(DECODER, "");
    grt_calibration_options options = usual_options();
    grt_calibration *calibration;
    assert_refused(grt_calibration_open(NULL, model, &options, &err), GRT_E_INVALID_ARG,
                   &err, "no output");
    assert_refused(grt_calibration_open(&calibration, NULL, &options, &err),
                   GRT_E_INVALID_ARG, &err, "no model");
    assert_refused(grt_calibration_open(&calibration, model, NULL, &err),
                   GRT_E_INVALID_ARG, &err, "no options");
    options.struct_size = 8;
    expect_open_refused(model, &options, GRT_E_INVALID_ARG, "struct_size is 8");
    options = usual_options();
    const float precisions[] = {-0.5f, 1, 2, NAN};
    for (size_t i = 0; i < 4; i++) {
        options.precision = precisions[i];
        expect_open_refused(model, &options, GRT_E_INVALID_ARG, "a precision of ");
    }
    options = usual_options();
    options.samples_path = NULL;
    expect_open_refused(model, &options, GRT_E_INVALID_ARG, "no samples_path");
    options.samples_path = "";
    expect_open_refused(model, &options, GRT_E_INVALID_ARG, "no samples_path");
    grt_calibration_close(NULL);
    close_with(model);
}

/* Known before hours of full passes. */
static void test_paths_that_cannot_be_written(void **state)
{
    (void)state;
    grt_model *model = open_model(DECODER, "");
    grt_calibration_options options = usual_options();
    const char *const places[] = {"/no/such/place/profile", "/proc/profile", dir.path,
                                  ""};
    const char *const texts[] = {"/no/such/place/profile: ", "/proc/profile: ",
                                 ": is a directory", "empty path"};
    for (size_t i = 0; i < 4; i++) {
        options.profile_path = places[i];
        expect_open_refused(model, &options, GRT_E_IO, texts[i]);
    }
    assert_int_equal(temp_entries(&dir, 0), 0);
    options = usual_options();
    options.samples_path = "/no/such/place/samples";
    expect_open_refused(model, &options, GRT_E_IO, "/no/such/place/samples: ");
    options.samples_path = dir.path;
    expect_open_refused(model, &options, GRT_E_IO, dir.path);
    assert_int_equal(temp_entries(&dir, 0), 0);
    close_with(model);
}

/* A safetensors file, one bit of its first tensor apart. */
static void copy_retrained(const char *from, const char *to)
{
    static unsigned char bytes[1 << 22];
    uint64_t n_header;
    FILE *file = fopen(from, "rb");
    assert_non_null(file);
    size_t n = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    memcpy(&n_header, bytes, sizeof(n_header));
    assert_true(n < sizeof(bytes) && n_header + 8 < n);
    bytes[n_header + 8] ^= 1;
    file = fopen(to, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

/* As after training a model further in its folder. */
static void test_samples_of_other_weights(void **state)
{
    (void)state;
    temp_dir home;
    char weights[128];
    link_model(DECODER, &home);
    grt_model *model = open_model(home.path, "");
    grt_calibration_options options = usual_options();
    grt_calibration *calibration = open_calibration(model, &options);
    add_queries(calibration, 0, 1);
    grt_calibration_close(calibration);
    close_with(model);
    assert_int_equal(unlink(temp_path(&home, "model.safetensors", weights)), 0);
    copy_retrained(DECODER "/model.safetensors", weights);
    model = open_model(home.path, "");
    expect_open_refused(model, &options, GRT_E_FORMAT,
                        "samples are of another model or other weights");
    close_with(model);
    temp_remove(&home);
}

static void test_samples_of_others(void **state)
{
    (void)state;
    grt_model *model = open_model(DECODER, ""), *second;
    grt_calibration_options options = usual_options();
    grt_calibration *calibration = open_calibration(model, &options);
    expect_open_refused(model, &options, GRT_E_IO, "another process writes it");
    add_queries(calibration, 0, 1);
    grt_calibration_close(calibration);
    second = open_model(GRT_TEST_DATA "/golden/qwen3-bf16", "");
    expect_open_refused(second, &options, GRT_E_FORMAT, "samples are of another model");
    close_with(second);
    calibration = open_calibration(model, &options);
    assert_int_equal(grt_calibration_count(calibration), 1);
    grt_calibration_close(calibration);
    close_with(model);
}

static void test_requests_that_cannot_be_added(void **state)
{
    (void)state;
    grt_error err;
    text_query q;
    size_t n;
    grt_model *model = open_model(DECODER, "");
    grt_calibration_options options = usual_options();
    grt_calibration *calibration = open_calibration(model, &options);
    add_queries(calibration, 0, 1);
    unsigned char *before = read_whole(samples_path, &n);
    make_query(&q, 1);
    assert_refused(grt_calibration_add(NULL, &q.request, &err), GRT_E_INVALID_ARG, &err,
                   "grt_calibration_add: no calibration");
    assert_refused(grt_calibration_add(calibration, NULL, &err), GRT_E_INVALID_ARG,
                   &err, "grt_calibration_add: no request");
    make_query(&q, 1);
    q.request.n_documents = 1;
    assert_refused(grt_calibration_add(calibration, &q.request, &err),
                   GRT_E_INVALID_ARG, &err, "at least 2 documents");
    q.request.n_documents = 0;
    assert_refused(grt_calibration_add(calibration, &q.request, &err),
                   GRT_E_INVALID_ARG, &err, "grt_calibration_add: no documents");
    make_query(&q, 1);
    q.request.query = NULL;
    assert_refused(grt_calibration_add(calibration, &q.request, &err),
                   GRT_E_INVALID_ARG, &err, "grt_calibration_add: no query");
    make_query(&q, 1);
    q.documents[3] = NULL;
    assert_refused(grt_calibration_add(calibration, &q.request, &err),
                   GRT_E_INVALID_ARG, &err, "document 3 is NULL");
    make_query(&q, 1);
    limit_files((rlim_t)n + 500);
    grt_status status = grt_calibration_add(calibration, &q.request, &err);
    limit_files(RLIM_INFINITY);
    assert_refused(status, GRT_E_IO, &err, "samples: writing: ");
    assert_int_equal(grt_calibration_count(calibration), 1);
    assert_file_holds(samples_path, before, n);
    assert_ok(grt_calibration_add(calibration, &q.request, &err), &err);
    assert_int_equal(grt_calibration_count(calibration), 2);
    grt_calibration_close(calibration);
    close_with(model);
    free(before);
}

/* It stays so; what was there before stays, too. */
static void test_a_cancelled_calibration(void **state)
{
    (void)state;
    grt_error err;
    text_query q;
    size_t n;
    grt_model *model = open_model(DECODER, "");
    grt_calibration_options options = usual_options();
    grt_calibration *calibration = open_calibration(model, &options);
    add_queries(calibration, 0, 9);
    unsigned char *before = read_whole(samples_path, &n);
    grt_calibration_cancel(calibration);
    make_query(&q, 9);
    for (size_t i = 0; i < 2; i++)
        assert_refused(grt_calibration_add(calibration, &q.request, &err),
                       GRT_E_CANCELLED, &err, "cancelled");
    assert_refused(grt_calibration_fit(&last.report, calibration, NULL, NULL, &err),
                   GRT_E_CANCELLED, &err, "cancelled");
    assert_int_equal(grt_calibration_count(calibration), 9);
    grt_calibration_close(calibration);
    assert_file_holds(samples_path, before, n);
    assert_int_equal(access(profile_path, F_OK), -1);
    calibration = open_calibration(model, &options);
    assert_ok(grt_calibration_add(calibration, &q.request, &err), &err);
    assert_int_equal(grt_calibration_count(calibration), 10);
    grt_calibration_close(calibration);
    close_with(model);
    free(before);
}

static void test_what_makes_a_query_another_one(void **state)
{
    (void)state;
    grt_error err;
    text_query q;
    size_t lengths[N_DOCUMENTS];
    const float priors[N_DOCUMENTS] = {3, -3, 2, -2, 1, -1};
    grt_model *model = open_model(DECODER, "");
    grt_calibration_options options = usual_options();
    grt_calibration *calibration = open_calibration(model, &options);
    make_query(&q, 0);
    for (size_t i = 0; i < 4; i++) { /* none of this is read */
        q.request.k = i;
        grt_policy_options policy =
            policy_of(i % 2 ? GRT_POLICY_CLUSTER : (grt_policy)9);
        q.request.policy = &policy;
        q.request.priors = i & 2 ? priors : NULL;
        q.request.deadline_ns = i & 1; /* past already */
        assert_ok(grt_calibration_add(calibration, &q.request, &err), &err);
        assert_int_equal(grt_calibration_count(calibration), 1);
    }
    make_query(&q, 0);
    for (size_t i = 0; i < N_DOCUMENTS; i++)
        lengths[i] = strlen(q.documents[i]);
    q.request.document_bytes = lengths; /* says the same */
    q.request.query_bytes = strlen(q.query);
    assert_ok(grt_calibration_add(calibration, &q.request, &err), &err);
    assert_int_equal(grt_calibration_count(calibration), 1);
    q.request.n_documents--;
    assert_ok(grt_calibration_add(calibration, &q.request, &err), &err);
    assert_int_equal(grt_calibration_count(calibration), 2);
    lengths[0]--;
    assert_ok(grt_calibration_add(calibration, &q.request, &err), &err);
    assert_int_equal(grt_calibration_count(calibration), 3);
    q.request.query_bytes--;
    assert_ok(grt_calibration_add(calibration, &q.request, &err), &err);
    assert_int_equal(grt_calibration_count(calibration), 4);
    q.request.instruction = "Find documents about animals";
    assert_ok(grt_calibration_add(calibration, &q.request, &err), &err);
    assert_int_equal(grt_calibration_count(calibration), 5);
    q.request.instruction = ""; /* none; NULL is the model's own */
    assert_ok(grt_calibration_add(calibration, &q.request, &err), &err);
    assert_int_equal(grt_calibration_count(calibration), 6);
    grt_calibration_close(calibration);
    close_with(model);
}

/* Priors and deadlines change nothing of what is added, either. */
static void test_samples_are_of_the_model_alone(void **state)
{
    (void)state;
    grt_error err;
    size_t n;
    const float priors[N_DOCUMENTS] = {3, -3, 2, -2, 1, -1};
    grt_model *model = open_model(DECODER, "");
    grt_calibration_options options = usual_options();
    grt_calibration *calibration = open_calibration(model, &options);
    add_queries(calibration, 0, 3);
    grt_calibration_close(calibration);
    unsigned char *wanted = read_whole(samples_path, &n);
    options.samples_path = other;
    calibration = open_calibration(model, &options);
    for (size_t i = 0; i < 3; i++) {
        text_query q;
        make_query(&q, i);
        q.request.priors = priors;
        q.request.deadline_ns = 1;
        q.request.k = 1;
        assert_ok(grt_calibration_add(calibration, &q.request, &err), &err);
    }
    grt_calibration_close(calibration);
    assert_file_holds(other, wanted, n);
    close_with(model);
    free(wanted);
}

/* Engines differ in threads and memory, models in residency; samples do not. */
static void test_samples_do_not_depend_on_the_engine(void **state)
{
    (void)state;
    grt_error err;
    size_t n;
    grt_memory_plan plan = GRT_MEMORY_PLAN_INIT;
    setup s = SETUP_INIT;
    s.engine.n_threads = 1;
    s.model.profile_path = "";
    grt_model *model = open_with(ENCODER, &s);
    grt_calibration_options options = usual_options();
    grt_calibration *calibration = open_calibration(model, &options);
    add_queries(calibration, 0, 3);
    grt_calibration_close(calibration);
    unsigned char *wanted = read_whole(samples_path, &n);
    options.samples_path = other;
    assert_ok(grt_plan_memory(&plan, model, N_DOCUMENTS, 64, &err), &err);
    close_with(model);
    const uint64_t budgets[] = {0, plan.total_bytes + (256u << 20)};
    for (size_t i = 0; i < 2; i++) {
        s.engine.n_threads = 3;
        s.engine.memory_bytes = budgets[i];
        s.model.residency = i ? GRT_RESIDENCY_AUTO : GRT_RESIDENCY_STREAMED;
        model = open_with(ENCODER, &s);
        calibration = open_calibration(model, &options);
        add_queries(calibration, 0, 3);
        grt_calibration_close(calibration);
        close_with(model);
        assert_file_holds(other, wanted, n);
        (void)unlink(other);
    }
    free(wanted);
}

/* A budget that holds the model, and not its passes. */
static void test_a_calibration_keeps_to_the_budget(void **state)
{
    (void)state;
    grt_error err;
    text_query q;
    grt_model *model = open_model(DECODER, "");
    grt_calibration_options options = usual_options();
    grt_calibration *calibration = open_calibration(model, &options);
    grt_engine_set_memory(grt_model_engine(model), usage_of(model).reserved_bytes + 1);
    make_query(&q, 0);
    assert_refused(grt_calibration_add(calibration, &q.request, &err), GRT_E_NO_MEMORY,
                   &err, "do not fit");
    assert_int_equal(grt_calibration_count(calibration), 0);
    grt_engine_set_memory(grt_model_engine(model), err.smallest_bytes);
    assert_ok(grt_calibration_add(calibration, &q.request, &err), &err);
    grt_calibration_close(calibration);
    close_with(model);
}

static int cancel_fit(size_t done, size_t total, void *payload)
{
    (void)total;
    return done == *(size_t *)payload;
}

static void test_a_fit_that_fails_leaves_the_old_profile(void **state)
{
    (void)state;
    grt_error err;
    size_t at = 3;
    grt_model *model = open_model(DECODER, "");
    grt_calibration_options options = usual_options();
    write_whole(profile_path, "the old one", 11);
    grt_calibration *calibration = open_calibration(model, &options);
    grt_calibration_report report = GRT_CALIBRATION_REPORT_INIT;
    assert_refused(grt_calibration_fit(&report, NULL, NULL, NULL, &err),
                   GRT_E_INVALID_ARG, &err, "no calibration");
    assert_refused(grt_calibration_fit(NULL, calibration, NULL, NULL, &err),
                   GRT_E_INVALID_ARG, &err, "no output");
    float head, readout;
    assert_int_equal(grt_calibration_gamma(calibration, 1, &head, &readout),
                     GRT_E_INVALID_ARG); /* before a fit */
    add_queries(calibration, 0, 7);
    assert_refused(grt_calibration_fit(&report, calibration, NULL, NULL, &err),
                   GRT_E_INVALID_ARG, &err, "7 queries are too few");
    add_queries(calibration, 7, N_QUERIES);
    assert_refused(grt_calibration_fit(&report, calibration, cancel_fit, &at, &err),
                   GRT_E_CANCELLED, &err, "cancelled by the caller at step 3 of ");
    report.n_fitted = report.n_layers = report.n_rows = 77;
    const grt_calibration_report untouched = report;
    limit_files(300);
    grt_status status = grt_calibration_fit(&report, calibration, NULL, NULL, &err);
    limit_files(RLIM_INFINITY);
    assert_refused(status, GRT_E_IO, &err, "profile: writing: ");
    assert_memory_equal(&report, &untouched, sizeof(report));
    assert_file_holds(profile_path, "the old one", 11);
    assert_int_equal(temp_entries(&dir, 0), 2);
    fit(calibration);
    grt_calibration_close(calibration);
    close_with(model);
    model = open_model(DECODER, profile_path);
    close_with(model);
}

static void test_adding_without_memory(void **state)
{
    (void)state;
    grt_error err;
    text_query q;
    grt_calibration_options options = usual_options();
    make_query(&q, 0);
    uint64_t before = grt_memory_now();
    size_t n_failed = 0, n_added = 0;
    for (uint64_t i = 1; i <= 150; i++) { /* a model that has no buffers yet */
        grt_model *model = open_model(DECODER, "");
        grt_calibration *calibration = NULL;
        grt_memory_fail_nth(i);
        grt_status status = grt_calibration_open(&calibration, model, &options, &err);
        if (status == GRT_OK)
            status = grt_calibration_add(calibration, &q.request, &err);
        grt_memory_fail_nth(0);
        if (status != GRT_OK) assert_int_equal(status, GRT_E_NO_MEMORY);
        /* what failed behind its own pass, in a comparison, is held and goes on later
         */
        size_t n_held = calibration ? grt_calibration_count(calibration) : 0;
        assert_true(status == GRT_OK ? n_held == 1 : n_held <= 1);
        if (status != GRT_OK && calibration) {
            assert_ok(grt_calibration_add(calibration, &q.request, &err), &err);
            assert_int_equal(grt_calibration_count(calibration), 1);
        }
        n_failed += status != GRT_OK;
        n_added += status == GRT_OK;
        grt_calibration_close(calibration);
        close_with(model);
        assert_int_equal(grt_memory_now(), before);
        (void)unlink(samples_path);
    }
    assert_true(n_failed > 10 && n_added > 0);
}

/* ---- Which profile ---- */

static void write_queries_of(const char *samples, const char *profile, size_t n,
                             grt_status wanted, const char *text)
{
    grt_error err;
    grt_model *model = open_model(DECODER, "");
    grt_calibration_options options = usual_options();
    grt_calibration_report report = GRT_CALIBRATION_REPORT_INIT;
    options.samples_path = samples;
    options.profile_path = profile;
    grt_calibration *calibration = open_calibration(model, &options);
    add_queries(calibration, 0, n);
    grt_status status = grt_calibration_fit(&report, calibration, NULL, NULL, &err);
    if (wanted == GRT_OK) {
        assert_ok(status, &err);
        assert_int_equal(grt_calibration_replaced(calibration), n);
    } else {
        assert_refused(status, wanted, &err, text);
    }
    grt_calibration_close(calibration);
    close_with(model);
}

/* A profile of more queries stays unless the caller says so. */
static void test_a_profile_of_more_queries_stays(void **state)
{
    (void)state;
    grt_error err;
    size_t n;
    write_queries_of(samples_path, profile_path, 12, GRT_OK, "");
    unsigned char *whole = read_whole(profile_path, &n);
    write_queries_of(other, profile_path, 9, GRT_E_INVALID_ARG,
                     "profile rests on 12 queries, and is not replaced by a profile of "
                     "9");
    assert_file_holds(profile_path, whole, n);
    write_queries_of(samples_path, profile_path, 12, GRT_OK, ""); /* as many */
    grt_model *model = open_model(DECODER, "");
    grt_calibration_options options = usual_options();
    grt_calibration_report report = GRT_CALIBRATION_REPORT_INIT;
    options.samples_path = other;
    options.replaces = 1;
    grt_calibration *calibration = open_calibration(model, &options);
    assert_int_equal(grt_calibration_replaced(calibration), 12);
    assert_ok(grt_calibration_fit(&report, calibration, NULL, NULL, &err), &err);
    grt_calibration_close(calibration);
    close_with(model);
    write_whole(profile_path, "the old one", 11); /* no profile is no obstacle */
    write_queries_of(other, profile_path, 9, GRT_OK, "");
    free(whole);
}

/* A profile in the folder comes before one beside the model, and is where calibration
 * writes by itself. */
static void test_a_folder_of_ones_own(void **state)
{
    (void)state;
    temp_dir home;
    grt_model_info info = GRT_MODEL_INFO_INIT;
    setup s = SETUP_INIT;
    link_model(DECODER, &home);
    s.model.profile_folder = dir.path;
    grt_model *model = open_with(home.path, &s);
    grt_model_describe(model, &info);
    assert_null(info.profile);
    assert_int_equal(strncmp(info.profile_home, dir.path, strlen(dir.path)), 0);
    grt_calibration_options options = usual_options();
    options.profile_path = NULL;
    calibrate(model, &options);
    assert_string_equal(last.profile_path, info.profile_home);
    close_with(model);
    model = open_with(home.path, &s);
    grt_model_describe(model, &info);
    assert_string_equal(info.profile, last.profile_path);
    close_with(model);
    char beside[128];
    size_t n;
    unsigned char *bytes = read_whole(last.profile_path, &n);
    write_whole(temp_path(&home, "grating.profile.safetensors", beside), bytes, n);
    model = open_with(home.path, &s); /* the user's own */
    grt_model_describe(model, &info);
    assert_string_equal(info.profile, last.profile_path);
    close_with(model);
    assert_int_equal(unlink(last.profile_path), 0);
    model = open_with(home.path, &s);
    grt_model_describe(model, &info);
    assert_string_equal(info.profile, beside);
    close_with(model);
    free(bytes);
    temp_remove(&home);
}

#define CALIBRATION_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CALIBRATION_TEST(test_the_whole_way_of_an_encoder),
        CALIBRATION_TEST(test_the_whole_way_of_a_decoder),
        CALIBRATION_TEST(test_a_profile_at_a_path_of_ones_own),
        CALIBRATION_TEST(test_a_damaged_profile_is_refused),
        CALIBRATION_TEST(test_arithmetics_are_measured),
        CALIBRATION_TEST(test_an_arithmetic_that_was_not_measured),
        CALIBRATION_TEST(test_samples_of_another_arithmetic),
        CALIBRATION_TEST(test_a_query_a_layer_at_a_time),
        CALIBRATION_TEST(test_options_that_cannot_be),
        CALIBRATION_TEST(test_paths_that_cannot_be_written),
        CALIBRATION_TEST(test_samples_of_others),
        CALIBRATION_TEST(test_samples_of_other_weights),
        CALIBRATION_TEST(test_requests_that_cannot_be_added),
        CALIBRATION_TEST(test_a_cancelled_calibration),
        CALIBRATION_TEST(test_what_makes_a_query_another_one),
        CALIBRATION_TEST(test_samples_are_of_the_model_alone),
        CALIBRATION_TEST(test_samples_do_not_depend_on_the_engine),
        CALIBRATION_TEST(test_a_calibration_keeps_to_the_budget),
        CALIBRATION_TEST(test_a_fit_that_fails_leaves_the_old_profile),
        CALIBRATION_TEST(test_adding_without_memory),
        CALIBRATION_TEST(test_a_profile_of_more_queries_stays),
        CALIBRATION_TEST(test_a_folder_of_ones_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
