/* test_abi.c - structs that are older or newer than the library: docs/ABI.md.
 *
 * Every option struct is given at the size of its first release, shorter, and longer;
 * every struct that the library fills is filled at all sizes and never past them. */
#include "golden/noted.h"
#include "opened.h"

#define TINY GRT_TEST_DATA "/golden/bert-f32"

/* Longer than any struct by more than one field. */
enum { ROOM = 1024, LONGER = 24 };

typedef union room {
    unsigned char bytes[ROOM];
    uint64_t aligned;
    void *pointer;
} room;

/* The size of a struct whose last field was `last` in its first release (0.2). */
#define FIRST_SIZE(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))

static grt_model *model;
static grt_result *result;
static const char *const documents[] = {"owls hunt", "steam", "bread", "mice and owls"};

static grt_request owl_request(void)
{
    grt_request request = GRT_REQUEST_INIT;
    request.query = "owls";
    request.documents = documents;
    request.n_documents = 4;
    return request;
}

static int set_up(void **state)
{
    (void)state;
    grt_request request = owl_request();
    model = open_on(NULL, TINY, NULL);
    result = rank_ok(model, &request);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    grt_result_free(result);
    grt_model_close(model);
    return 0;
}

/* ---- Options ---- */

static temp_dir dir;
static char samples_path[128], profile_path[128];

static grt_status use_engine_options(const void *options, grt_error *err)
{
    grt_engine *engine = NULL;
    grt_status status = grt_engine_create(&engine, options, err);
    grt_engine_free(engine);
    return status;
}

static grt_status use_model_options(const void *options, grt_error *err)
{
    grt_model *opened = NULL;
    grt_status status = grt_model_open(&opened, NULL, TINY, options, err);
    grt_model_close(opened);
    return status;
}

static grt_status use_request(const void *request, grt_error *err)
{
    grt_result *ranked = NULL;
    grt_ranking *ranking = NULL;
    grt_status status = grt_rank(&ranked, model, request, err);
    grt_result_free(ranked);
    grt_status opened = grt_ranking_open(&ranking, model, request, err);
    grt_ranking_free(ranking);
    assert_int_equal(opened, status);
    return status;
}

static grt_status use_policy(const void *policy, grt_error *err)
{
    grt_request request = owl_request();
    request.policy = policy;
    return use_request(&request, err);
}

static grt_status use_calibration_options(const void *options, grt_error *err)
{
    grt_calibration *calibration = NULL;
    grt_status status = grt_calibration_open(&calibration, model, options, err);
    grt_calibration_close(calibration);
    return status;
}

static grt_status use_calibration_request(const void *request, grt_error *err)
{
    grt_calibration *calibration = NULL;
    grt_calibration_options options = GRT_CALIBRATION_OPTIONS_INIT;
    options.samples_path = samples_path;
    options.profile_path = profile_path;
    assert_ok(grt_calibration_open(&calibration, model, &options, err), err);
    grt_status status = grt_calibration_add(calibration, request, err);
    grt_calibration_close(calibration);
    return status;
}

typedef struct option_struct {
    const char *name;
    const void *valid;
    size_t size;
    size_t first_size;
    grt_status (*use)(const void *options, grt_error *err);
} option_struct;

static void set_size(room *r, size_t size)
{
    memcpy(r->bytes, &size, sizeof(size));
}

static void check_options(const option_struct *o)
{
    grt_error err;
    room r;
    assert_true(o->first_size <= o->size && o->size + LONGER <= ROOM);
    /* the first release's: what lies behind it is not looked at */
    memset(&r, 0xFF, sizeof(r));
    memcpy(r.bytes, o->valid, o->first_size);
    set_size(&r, o->first_size);
    if (o->use(&r, &err) != GRT_OK) fail_msg("%s, first size: %s", o->name, err.text);
    /* shorter than that, or not set */
    const size_t short_sizes[] = {o->first_size - 1, sizeof(size_t), 1, 0};
    for (size_t i = 0; i < 4; i++) {
        set_size(&r, short_sizes[i]);
        assert_refused(o->use(&r, &err), GRT_E_INVALID_ARG, &err, "struct_size");
    }
    /* a newer program's, that sets nothing new */
    for (size_t more = 1; more <= LONGER; more++) {
        memset(&r, 0xFF, sizeof(r));
        memcpy(r.bytes, o->valid, o->size);
        memset(r.bytes + o->size, 0, more);
        set_size(&r, o->size + more);
        if (o->use(&r, &err) != GRT_OK)
            fail_msg("%s, %zu bytes more: %s", o->name, more, err.text);
        /* and that sets one */
        r.bytes[o->size + more - 1] = 1;
        assert_refused(o->use(&r, &err), GRT_E_UNSUPPORTED, &err, "does not have");
    }
}

static void test_options_of_other_releases(void **state)
{
    (void)state;
    const grt_engine_options engine = GRT_ENGINE_OPTIONS_INIT;
    const grt_model_options model_options = GRT_MODEL_OPTIONS_INIT;
    const grt_request request = owl_request();
    const grt_policy_options policy = GRT_POLICY_OPTIONS_INIT;
    grt_calibration_options calibration = GRT_CALIBRATION_OPTIONS_INIT;
    temp_make(&dir);
    calibration.samples_path = temp_path(&dir, "samples", samples_path);
    calibration.profile_path = temp_path(&dir, "profile", profile_path);
    const option_struct all[] = {
        {"engine options", &engine, sizeof(engine),
         FIRST_SIZE(grt_engine_options, temporary_directory), use_engine_options},
        {"model options", &model_options, sizeof(model_options),
         FIRST_SIZE(grt_model_options, n_cached_rows), use_model_options},
        {"request", &request, sizeof(request), FIRST_SIZE(grt_request, priors),
         use_request},
        {"policy options", &policy, sizeof(policy),
         FIRST_SIZE(grt_policy_options, first_layer), use_policy},
        {"calibration options", &calibration, sizeof(calibration),
         FIRST_SIZE(grt_calibration_options, k_max), use_calibration_options},
        {"request of a calibration", &request, sizeof(request),
         FIRST_SIZE(grt_request, priors), use_calibration_request},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        check_options(&all[i]);
    temp_remove(&dir);
}

/* No options at all are the defaults. */
static void test_options_may_be_left_out(void **state)
{
    (void)state;
    grt_error err;
    assert_ok(use_engine_options(NULL, &err), &err);
    assert_ok(use_model_options(NULL, &err), &err);
    assert_ok(use_policy(NULL, &err), &err);
}

/* ---- What the library fills ---- */

static grt_calibration *calibration;
static grt_ranking *ranking;
static grt_model *noted;

static grt_status fill_usage(void *out)
{
    return grt_engine_describe(grt_model_engine(model), out);
}

static grt_status fill_info(void *out)
{
    grt_model_describe(model, out);
    return GRT_OK;
}

static grt_status fill_effect(void *out)
{
    return grt_model_effect(model, GRT_ARITHMETIC_INT8, out);
}

static grt_status fill_progress(void *out)
{
    return grt_calibration_step(out, calibration, NULL);
}

static grt_status fill_view(void *out)
{
    return grt_model_tensor(model, 1, out);
}

static grt_status fill_note(void *out)
{
    return grt_model_note(noted, 0, out);
}

static grt_status fill_plan(void *out)
{
    return grt_plan_memory(out, model, 4, 20, NULL);
}

static grt_status fill_result_plan(void *out)
{
    grt_result_plan(result, out);
    return GRT_OK;
}

static grt_status fill_step(void *out)
{
    return grt_ranking_step(out, ranking, NULL);
}

static grt_status fill_item(void *out)
{
    return grt_result_item(result, 1, out);
}

static grt_status fill_stats(void *out)
{
    grt_result_stats(result, out);
    return GRT_OK;
}

static grt_status fill_report(void *out)
{
    return grt_calibration_fit(out, calibration, NULL, NULL, NULL);
}

static grt_status fill_row(void *out)
{
    return grt_calibration_report_row(calibration, 0, out);
}

static grt_status fill_kernel(void *out)
{
    return grt_kernel_describe(0, out);
}

typedef struct filled_struct {
    const char *name;
    size_t size;
    grt_status (*fill)(void *out);
    /* a field whose value is another each time; 0: none */
    size_t changes_at, changes_bytes;
} filled_struct;

/* Filled as far as `size` says, and not a byte further. */
static void check_filled(const filled_struct *f, const room *whole, size_t size)
{
    room r;
    memset(&r, 0xA5, sizeof(r));
    set_size(&r, size);
    assert_int_equal(f->fill(&r), GRT_OK);
    for (size_t i = sizeof(size_t); i < ROOM; i++) {
        int changes = i >= f->changes_at && i < f->changes_at + f->changes_bytes;
        unsigned wanted = 0xA5;
        if (i < size) wanted = i < f->size ? whole->bytes[i] : 0;
        if (r.bytes[i] != wanted && !(changes && i < size))
            fail_msg("%s of %zu bytes: byte %zu is %02x, not %02x", f->name, size, i,
                     r.bytes[i], wanted);
    }
    size_t after;
    memcpy(&after, r.bytes, sizeof(after));
    assert_int_equal(after, size); /* the caller's */
}

static void check_struct(const filled_struct *f)
{
    room whole;
    assert_true(f->size + LONGER <= ROOM);
    memset(&whole, 0xA5, sizeof(whole));
    set_size(&whole, f->size);
    assert_int_equal(f->fill(&whole), GRT_OK);
    size_t n_set = 0;
    for (size_t i = sizeof(size_t); i < f->size; i++)
        n_set += whole.bytes[i] != 0xA5;
    assert_true(n_set > (f->size - sizeof(size_t)) / 2);
    for (size_t size = sizeof(size_t); size <= f->size + LONGER; size += 4)
        check_filled(f, &whole, size);
    check_filled(f, &whole, f->size - 1);
    check_filled(f, &whole, f->size + 1);
}

/* One that has no size at all is not written to. */
static void check_no_size(const filled_struct *f)
{
    room r, before;
    memset(&r, 0xA5, sizeof(r));
    set_size(&r, 0);
    before = r;
    (void)f->fill(&r); /* functions that can fail say GRT_E_INVALID_ARG */
    assert_memory_equal(&r, &before, sizeof(r));
}

static void open_calibration(void)
{
    grt_error err;
    grt_calibration_options options = GRT_CALIBRATION_OPTIONS_INIT;
    static const char *const queries[] = {"owls", "steam",  "bread", "mice", "night",
                                          "hunt", "yeasts", "boil",  "wing"};
    temp_make(&dir);
    options.samples_path = temp_path(&dir, "samples", samples_path);
    options.profile_path = temp_path(&dir, "profile", profile_path);
    assert_ok(grt_calibration_open(&calibration, model, &options, &err), &err);
    for (size_t i = 0; i < 9; i++) {
        grt_request request = owl_request();
        request.query = queries[i];
        assert_ok(grt_calibration_add(calibration, &request, &err), &err);
    }
    grt_calibration_report report = GRT_CALIBRATION_REPORT_INIT;
    assert_ok(grt_calibration_fit(&report, calibration, NULL, NULL, &err), &err);
    assert_true(report.n_rows > 0);
}

static void test_filled_structs_of_other_releases(void **state)
{
    (void)state;
    const filled_struct all[] = {
        {"usage", sizeof(grt_engine_usage), fill_usage, 0, 0},
        {"info", sizeof(grt_model_info), fill_info, 0, 0},
        {"effect", sizeof(grt_arithmetic_effect), fill_effect, 0, 0},
        {"progress", sizeof(grt_calibration_progress), fill_progress, 0, 0},
        {"tensor view", sizeof(grt_tensor_view), fill_view, 0, 0},
        {"note", sizeof(grt_note), fill_note, 0, 0},
        {"plan", sizeof(grt_memory_plan), fill_plan, 0, 0},
        {"a result's plan", sizeof(grt_memory_plan), fill_result_plan, 0, 0},
        {"step", sizeof(grt_step), fill_step, offsetof(grt_step, elapsed_ns), 8},
        {"item", sizeof(grt_item), fill_item, 0, 0},
        {"stats", sizeof(grt_stats), fill_stats, 0, 0},
        {"report", sizeof(grt_calibration_report), fill_report, 0, 0},
        {"row", sizeof(grt_calibration_row), fill_row, 0, 0},
        {"kernel", sizeof(grt_kernel_info), fill_kernel, 0, 0},
    };
    grt_request request = owl_request();
    temp_dir noted_dir;
    noted_make(&noted_dir);
    noted = open_on(NULL, noted_dir.path, NULL);
    open_calibration();
    ranking = open_ranking(model, &request);
    while (!step_ok(ranking).is_done) { /* its step is the same from now on */
    }
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        check_struct(&all[i]);
        check_no_size(&all[i]);
    }
    grt_ranking_free(ranking);
    grt_calibration_close(calibration);
    temp_remove(&dir);
    grt_model_close(noted);
    temp_remove(&noted_dir);
}

/* ---- Widths and names ---- */

#define WIDTH(type, field) sizeof(((type *)0)->field)

static void test_enums_in_structs_have_32_bits(void **state)
{
    (void)state;
    const size_t widths[] = {WIDTH(grt_error, status),
                             WIDTH(grt_engine_options, hidden),
                             WIDTH(grt_model_options, residency),
                             WIDTH(grt_model_options, arithmetic),
                             WIDTH(grt_model_info, arithmetic),
                             WIDTH(grt_note, level),
                             WIDTH(grt_model_info, profile_arithmetic),
                             WIDTH(grt_memory_plan, hidden),
                             WIDTH(grt_policy_options, policy),
                             WIDTH(grt_policy_options, promise),
                             WIDTH(grt_request, long_documents),
                             WIDTH(grt_item, state),
                             WIDTH(grt_stats, policy),
                             WIDTH(grt_stats, promise),
                             WIDTH(grt_stats, arithmetic),
                             WIDTH(grt_calibration_row, policy),
                             sizeof(grt_status)};
    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
        assert_int_equal(widths[i], 4);
}

/* All values from `low` to `high` as text and back, and nothing else. */
#define CHECK_NAMES(type, low, high)                                                   \
    do {                                                                               \
        for (int v = (low); v <= (high); v++) {                                        \
            const char *text = type##_text((type)v);                                   \
            type back = (type)((high) + 9);                                            \
            assert_int_equal(type##_from_text(&back, text), GRT_OK);                   \
            assert_int_equal(back, v);                                                 \
            for (int w = (low); w < v; w++)                                            \
                assert_string_not_equal(text, type##_text((type)w));                   \
        }                                                                              \
        static const char *const bad[] = {"", "no such name", "unknown", "NONE", " "}; \
        type kept = (type)(low);                                                       \
        for (size_t i = 0; i < 5; i++)                                                 \
            assert_int_equal(type##_from_text(&kept, bad[i]), GRT_E_INVALID_ARG);      \
        assert_int_equal(type##_from_text(&kept, NULL), GRT_E_INVALID_ARG);            \
        assert_int_equal(kept, (low));                                                 \
        assert_non_null(type##_text((type)((high) + 1)));                              \
        assert_non_null(type##_text((type)-1));                                        \
    } while (0)

static void test_names_and_values_are_inverse(void **state)
{
    (void)state;
    CHECK_NAMES(grt_hidden_storage, GRT_HIDDEN_AUTO, GRT_HIDDEN_FILE);
    CHECK_NAMES(grt_arithmetic, GRT_ARITHMETIC_AUTO, GRT_ARITHMETIC_INT8);
    CHECK_NAMES(grt_policy, GRT_POLICY_DEFAULT, GRT_POLICY_BOUND);
    CHECK_NAMES(grt_promise, GRT_PROMISE_DEFAULT, GRT_PROMISE_SCORES);
    CHECK_NAMES(grt_long_documents, GRT_LONG_CUT, GRT_LONG_REFUSE);
    CHECK_NAMES(grt_note_level, GRT_NOTE_DETAIL, GRT_NOTE_RESULT);
    CHECK_NAMES(grt_state, GRT_STATE_FINISHED, GRT_STATE_ACTIVE);
}

static void test_every_status_has_a_text_and_a_number(void **state)
{
    (void)state;
    static const int values[] = {0, -1, -2, -3, -4, -5, -6, -7, -8, -9};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(grt_status_text((grt_status)values[i]),
                                    grt_status_text((grt_status)values[j]));
    assert_int_equal(GRT_E_CANCELLED, -7);
    assert_int_equal(GRT_E_BUSY, -9);
    assert_non_null(grt_status_text((grt_status)-1000));
    assert_non_null(grt_status_text((grt_status)1));
}

/* Values that an enum field does not know are named, rather than taken for another. */
static void test_values_that_are_not_known_are_refused(void **state)
{
    (void)state;
    grt_error err;
    static const int32_t bad[] = {-1, 77};
    for (size_t i = 0; i < 2; i++) {
        int32_t value = bad[i];
        grt_engine_options engine = GRT_ENGINE_OPTIONS_INIT;
        engine.hidden = value;
        assert_refused(use_engine_options(&engine, &err), GRT_E_INVALID_ARG, &err,
                       "hidden");
        grt_model_options options = GRT_MODEL_OPTIONS_INIT;
        options.residency = value;
        assert_refused(use_model_options(&options, &err), GRT_E_INVALID_ARG, &err,
                       "residency");
        options = (grt_model_options)GRT_MODEL_OPTIONS_INIT;
        options.arithmetic = value;
        assert_refused(use_model_options(&options, &err), GRT_E_INVALID_ARG, &err,
                       "arithmetic");
        grt_policy_options policy = GRT_POLICY_OPTIONS_INIT;
        policy.policy = value;
        assert_refused(use_policy(&policy, &err), GRT_E_INVALID_ARG, &err, "policy");
        policy.policy = 0;
        policy.promise = value;
        assert_refused(use_policy(&policy, &err), GRT_E_INVALID_ARG, &err, "promise");
        grt_request request = owl_request();
        request.long_documents = value;
        assert_refused(use_request(&request, &err), GRT_E_INVALID_ARG, &err,
                       "long_documents");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_of_other_releases),
        cmocka_unit_test(test_options_may_be_left_out),
        cmocka_unit_test(test_filled_structs_of_other_releases),
        cmocka_unit_test(test_enums_in_structs_have_32_bits),
        cmocka_unit_test(test_names_and_values_are_inverse),
        cmocka_unit_test(test_every_status_has_a_text_and_a_number),
        cmocka_unit_test(test_values_that_are_not_known_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
