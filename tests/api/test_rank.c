/* test_rank.c - the public functions on the bundled model: agreement with the
 * reference, independence of threads and company, errors, cancelling, running out of
 * memory. */
#include "test.h"

#include "base/memory.h"

#include <jansson.h>
#include <math.h>

#define MODEL_DIR   GRT_SOURCE_DIR "/models/grating-mini"
#define DECODER_DIR GRT_SOURCE_DIR "/models/grating-mini-qwen3"

static grt_model *model;

static int open_model(void **state)
{
    (void)state;
    grt_error err;
    if (grt_model_open(&model, MODEL_DIR, NULL, &err) == GRT_OK) return 0;
    printf("%s\n", err.text);
    return 1;
}

static int close_model(void **state)
{
    (void)state;
    grt_model_close(model);
    return grt_memory_now() != 0; /* everything was freed */
}

static grt_session *session_of(grt_model *of, grt_arithmetic arithmetic,
                               size_t n_threads)
{
    grt_error err;
    grt_session *session = NULL;
    grt_session_options options = GRT_SESSION_OPTIONS_INIT;
    options.n_threads = n_threads;
    options.arithmetic = arithmetic;
    assert_ok(grt_session_create(&session, of, &options, &err), &err);
    return session;
}

static grt_session *new_session(size_t n_threads)
{
    return session_of(model, GRT_ARITHMETIC_F32, n_threads);
}

static const char *const documents[] = {
    "Owls hunt at night; soft feathers make their flight nearly silent.",
    "The stock market closed slightly higher on Friday.",
    "",
    "An owl finds its prey by sound: its ears sit at different heights.",
    "Bread rises because yeast makes carbon dioxide.",
};
enum { N_DOCUMENTS = sizeof(documents) / sizeof(documents[0]) };

static grt_request owl_request(void)
{
    grt_request request = GRT_REQUEST_INIT;
    request.query = "how do owls hunt";
    request.documents = documents;
    request.n_documents = N_DOCUMENTS;
    request.k = 2;
    request.policy = GRT_POLICY_NONE;
    return request;
}

/* Logits by document, in the request's order. */
static void rank_logits(grt_session *session, const grt_request *request, float *logits)
{
    grt_error err;
    grt_result *result = NULL;
    assert_ok(grt_rank(session, request, &result, &err), &err);
    assert_int_equal(grt_result_count(result), request->n_documents);
    const grt_item *items = grt_result_items(result);
    for (size_t i = 0; i < request->n_documents; i++) {
        logits[items[i].index] = items[i].logit;
        if (i > 0) assert_true(items[i - 1].logit >= items[i].logit);
        assert_true(items[i].score >= 0.0f && items[i].score <= 1.0f);
        double score = 1.0 / (1.0 + exp(-(double)items[i].logit));
        assert_true(fabs(score - (double)items[i].score) < 1e-6);
        assert_int_equal(items[i].state, GRT_STATE_FINISHED);
    }
    grt_result_free(result);
}

static void check_reference_line(grt_session *session, json_t *line, double *worst,
                                 size_t *n_pairs)
{
    json_t *texts = json_object_get(line, "documents");
    json_t *wanted = json_object_get(line, "logits");
    size_t n = json_array_size(texts);
    assert_true(n > 0 && n <= 64 && json_array_size(wanted) == n);
    const char *list[64];
    float logits[64];
    for (size_t i = 0; i < n; i++)
        list[i] = json_string_value(json_array_get(texts, i));
    grt_request request = GRT_REQUEST_INIT;
    request.query = json_string_value(json_object_get(line, "query"));
    request.documents = list;
    request.n_documents = n;
    rank_logits(session, &request, logits);
    for (size_t i = 0; i < n; i++) {
        double off =
            fabs((double)logits[i] - json_real_value(json_array_get(wanted, i)));
        if (off > *worst) *worst = off;
    }
    *n_pairs += n;
}

static void check_reference(grt_model *of, const char *path, size_t n_wanted,
                            grt_arithmetic arithmetic, double tolerance)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    grt_session *session = session_of(of, arithmetic, 2);
    double worst = 0.0;
    size_t n_pairs = 0;
    for (;;) {
        json_error_t json_error;
        json_t *line = json_loadf(file, JSON_DISABLE_EOF_CHECK, &json_error);
        if (!line) break;
        check_reference_line(session, line, &worst, &n_pairs);
        json_decref(line);
    }
    (void)fclose(file);
    printf("%zu pairs in %s, largest difference of a logit %.2e\n", n_pairs,
           grt_arithmetic_text(arithmetic), worst);
    assert_int_equal(n_pairs, n_wanted);
    assert_true(worst < tolerance);
    grt_session_free(session);
}

static void test_logits_agree_with_the_reference(void **state)
{
    (void)state;
    static const char path[] = MODEL_DIR "/reference_scores.jsonl";
    /* The logits span 7.5. */
    check_reference(model, path, 238, GRT_ARITHMETIC_F32, 2e-4);
    check_reference(model, path, 238, GRT_ARITHMETIC_BF16, 2e-1);
    check_reference(model, path, 238, GRT_ARITHMETIC_INT8, 3);
}

static void test_the_decoder_agrees_with_the_reference(void **state)
{
    (void)state;
    static const char path[] = DECODER_DIR "/reference_scores.jsonl";
    grt_error err;
    grt_model *decoder = NULL;
    assert_ok(grt_model_open(&decoder, DECODER_DIR, NULL, &err), &err);
    /* The logits span 11. */
    check_reference(decoder, path, 118, GRT_ARITHMETIC_F32, 2e-4);
    check_reference(decoder, path, 118, GRT_ARITHMETIC_BF16, 3e-1);
    check_reference(decoder, path, 118, GRT_ARITHMETIC_INT8, 2);
    grt_model_close(decoder);
}

static void test_results_do_not_depend_on_threads_or_company(void **state)
{
    (void)state;
    float wanted[N_DOCUMENTS];
    grt_session *session = new_session(1);
    grt_request request = owl_request();
    rank_logits(session, &request, wanted);
    grt_session_free(session);
    const size_t thread_counts[] = {2, 3, 7};
    for (size_t t = 0; t < 3; t++) {
        float logits[N_DOCUMENTS];
        session = new_session(thread_counts[t]);
        rank_logits(session, &request, logits);
        assert_memory_equal(logits, wanted, sizeof(wanted));
        for (size_t i = 0; i < N_DOCUMENTS; i++) { /* each on its own, same session */
            grt_request one = owl_request();
            one.documents = documents + i;
            one.n_documents = 1;
            rank_logits(session, &one, logits);
            assert_memory_equal(logits, wanted + i, sizeof(float));
        }
        grt_session_free(session);
    }
}

static void test_lengths_replace_terminators(void **state)
{
    (void)state;
    const char *const packed[] = {"owls hunt at nightXXXX", "owls hunt at night"};
    const size_t n_bytes[] = {18, 18};
    grt_request request = owl_request();
    request.query = "owlsYYYY";
    request.query_bytes = 4;
    request.documents = packed;
    request.document_bytes = n_bytes;
    request.n_documents = 2;
    float logits[2];
    grt_session *session = new_session(1);
    rank_logits(session, &request, logits);
    assert_true(logits[0] == logits[1]);
    grt_session_free(session);
}

static void test_long_documents_are_cut_and_say_so(void **state)
{
    (void)state;
    static char long_text[20000];
    for (size_t i = 0; i + 5 < sizeof(long_text); i += 5)
        memcpy(long_text + i, "owls ", 5);
    const char *const list[] = {long_text, documents[0]};
    grt_request request = owl_request();
    request.documents = list;
    request.n_documents = 2;
    grt_error err;
    grt_result *result = NULL;
    grt_session *session = new_session(2);
    assert_ok(grt_rank(session, &request, &result, &err), &err);
    for (size_t i = 0; i < 2; i++) {
        const grt_item *item = &grt_result_items(result)[i];
        assert_int_equal(item->truncated, item->index == 0);
        if (item->index == 0) assert_int_equal(item->n_tokens, 512);
    }
    grt_result_free(result);
    grt_session_free(session);
}

static int cancel_at(const grt_progress *progress, void *payload)
{
    size_t *layer = payload;
    assert_int_equal(progress->n_layers, 8);
    assert_int_equal(progress->n_active, N_DOCUMENTS);
    return progress->layer == *layer;
}

static void test_cancelling_leaves_the_session_usable(void **state)
{
    (void)state;
    grt_session *session = new_session(2);
    for (size_t layer = 0; layer <= 8; layer += 4) {
        grt_request request = owl_request();
        grt_error err;
        grt_result *result = NULL;
        request.progress = cancel_at;
        request.progress_payload = &layer;
        assert_refused(grt_rank(session, &request, &result, &err), GRT_E_CANCELLED,
                       &err, "cancelled");
        assert_null(result);
    }
    float logits[N_DOCUMENTS];
    grt_request request = owl_request();
    rank_logits(session, &request, logits);
    grt_session_free(session);
}

static void test_wrong_arguments_are_named(void **state)
{
    (void)state;
    grt_error err;
    grt_result *result = NULL;
    grt_session *session = new_session(1);
    grt_request request = owl_request();
    request.query = NULL;
    assert_refused(grt_rank(session, &request, &result, &err), GRT_E_INVALID_ARG, &err,
                   "no query");
    request = owl_request();
    request.n_documents = 0;
    assert_refused(grt_rank(session, &request, &result, &err), GRT_E_INVALID_ARG, &err,
                   "no documents");
    request = owl_request();
    const char *const with_null[] = {"a", NULL};
    request.documents = with_null;
    request.n_documents = 2;
    assert_refused(grt_rank(session, &request, &result, &err), GRT_E_INVALID_ARG, &err,
                   "document 1");
    request = owl_request();
    request.instruction = "find owls";
    assert_refused(grt_rank(session, &request, &result, &err), GRT_E_UNSUPPORTED, &err,
                   "instruction");
    request = owl_request();
    request.struct_size = 8;
    assert_refused(grt_rank(session, &request, &result, &err), GRT_E_INVALID_ARG, &err,
                   "struct_size");
    grt_session_options options = GRT_SESSION_OPTIONS_INIT;
    options.n_threads = 100000;
    grt_session *other = NULL;
    assert_refused(grt_session_create(&other, model, &options, &err), GRT_E_INVALID_ARG,
                   &err, "100000");
    grt_model *none = NULL;
    assert_refused(grt_model_open(&none, "/nonexistent/model", NULL, &err),
                   GRT_E_NOT_FOUND, &err, "/nonexistent/model");
    assert_int_equal(grt_rank(NULL, &request, &result, NULL), GRT_E_INVALID_ARG);
    grt_session_free(session);
    grt_session_free(NULL);
    grt_result_free(NULL);
    grt_model_close(NULL);
}

/* Every allocation of session and request fails once: an error each time, no leak, and
 * the session goes on. */
static void test_running_out_of_memory(void **state)
{
    (void)state;
    uint64_t before = grt_memory_now();
    uint64_t nth = 1;
    for (grt_status status = GRT_E_NO_MEMORY; status != GRT_OK; nth++) {
        grt_session *session = NULL;
        grt_session_options options = GRT_SESSION_OPTIONS_INIT;
        options.n_threads = 2;
        grt_memory_fail_nth(nth);
        status = grt_session_create(&session, model, &options, NULL);
        grt_memory_fail_nth(0);
        grt_session_free(session);
        assert_int_equal(grt_memory_now(), before);
        assert_true(nth < 1000);
    }
    grt_session *session = new_session(2);
    grt_request request = owl_request();
    float wanted[N_DOCUMENTS], logits[N_DOCUMENTS];
    rank_logits(session, &request, wanted);
    grt_session_free(session);
    session = new_session(2);
    nth = 1;
    for (grt_status status = GRT_E_NO_MEMORY; status != GRT_OK; nth++) {
        grt_result *result = NULL;
        grt_error err;
        grt_memory_fail_nth(nth);
        status = grt_rank(session, &request, &result, &err);
        grt_memory_fail_nth(0);
        if (status != GRT_OK) assert_int_equal(status, GRT_E_NO_MEMORY);
        grt_result_free(result);
        assert_true(nth < 10000);
    }
    rank_logits(session, &request, logits);
    assert_memory_equal(logits, wanted, sizeof(wanted));
    grt_session_free(session);
    assert_int_equal(grt_memory_now(), before);
}

static void test_opening_fails_cleanly_without_memory(void **state)
{
    (void)state;
    uint64_t before = grt_memory_now();
    grt_status status = GRT_E_NO_MEMORY;
    uint64_t step = 1;
    for (uint64_t nth = 1; status != GRT_OK; nth += step) {
        grt_model *other = NULL;
        grt_error err;
        grt_memory_fail_nth(nth);
        status = grt_model_open(&other, MODEL_DIR, NULL, &err);
        grt_memory_fail_nth(0);
        if (status != GRT_OK) assert_int_equal(status, GRT_E_NO_MEMORY);
        grt_model_close(other);
        assert_int_equal(grt_memory_now(), before);
        if (nth > 200) step = 37; /* many alike: a sample of them */
        assert_true(nth < 1000000);
    }
}

static void test_model_description(void **state)
{
    (void)state;
    grt_model_info info;
    grt_model_describe(model, &info);
    assert_string_equal(info.architecture, "bert");
    assert_string_equal(info.format, "safetensors");
    assert_int_equal(info.n_layers, 8);
    assert_int_equal(info.hidden_size, 256);
    assert_int_equal(info.max_tokens, 512);
    assert_int_equal(info.n_parameters, 14329857);
    uint64_t total = 0;
    for (size_t i = 0; i < info.n_tensors; i++) {
        grt_tensor_view view;
        assert_int_equal(grt_model_tensor(model, i, &view), GRT_OK);
        total += view.size_bytes;
    }
    assert_int_equal(total, info.embedding_bytes + info.layers_bytes + info.head_bytes +
                                info.other_bytes);
    grt_tensor_view view;
    assert_int_equal(grt_model_tensor(model, info.n_tensors, &view), GRT_E_INVALID_ARG);
}

static void test_each_operation_has_one_chosen_kernel(void **state)
{
    (void)state;
    const char *operation = "";
    int n_chosen = 1;
    grt_kernel_info info;
    size_t i = 0;
    for (; grt_kernel_describe(i, &info) == GRT_OK; i++) {
        if (strcmp(operation, info.operation) != 0) {
            assert_int_equal(n_chosen, 1);
            n_chosen = 0;
            operation = info.operation;
        }
        n_chosen += info.is_chosen;
        assert_true((info.reason == NULL) == (info.is_chosen != 0));
    }
    assert_int_equal(n_chosen, 1);
    assert_true(i > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logits_agree_with_the_reference),
        cmocka_unit_test(test_the_decoder_agrees_with_the_reference),
        cmocka_unit_test(test_results_do_not_depend_on_threads_or_company),
        cmocka_unit_test(test_lengths_replace_terminators),
        cmocka_unit_test(test_long_documents_are_cut_and_say_so),
        cmocka_unit_test(test_cancelling_leaves_the_session_usable),
        cmocka_unit_test(test_wrong_arguments_are_named),
        cmocka_unit_test(test_running_out_of_memory),
        cmocka_unit_test(test_opening_fails_cleanly_without_memory),
        cmocka_unit_test(test_model_description),
        cmocka_unit_test(test_each_operation_has_one_chosen_kernel),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
