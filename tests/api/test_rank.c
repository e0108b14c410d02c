/* test_rank.c - the public functions on the bundled model: agreement with the
 * reference, independence of threads and company, lengths, columns, errors, running out
 * of memory. */
#include "opened.h"

#include "base/memory.h"

#include <jansson.h>
#include <math.h>

#define MODEL_DIR   GRT_SOURCE_DIR "/models/grating-mini"
#define SMALL_DIR   GRT_SOURCE_DIR "/models/grating-small"
#define DECODER_DIR GRT_SOURCE_DIR "/models/grating-mini-qwen3"

static grt_model *model;

static setup setup_of(grt_arithmetic arithmetic, size_t n_threads)
{
    setup s = SETUP_INIT;
    s.engine.n_threads = n_threads;
    s.model.arithmetic = (int32_t)arithmetic;
    return s;
}

static int open_model(void **state)
{
    (void)state;
    setup s = setup_of(GRT_ARITHMETIC_F32, 2);
    model = open_with(MODEL_DIR, &s);
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    close_with(model);
    return grt_memory_now() != 0; /* everything was freed */
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
    request.policy = &full_pass;
    return request;
}

/* Logits by document, in the request's order. */
static void rank_in_full(grt_model *of, const grt_request *request, float *logits)
{
    grt_result *result = rank_ok(of, request);
    const float *found = grt_result_logits(result), *scores = grt_result_scores(result);
    for (size_t i = 0; i < request->n_documents; i++) {
        if (i > 0) assert_true(found[i - 1] >= found[i]);
        assert_true(scores[i] >= 0.0f && scores[i] <= 1.0f);
        double score = 1.0 / (1.0 + exp(-(double)found[i]));
        assert_true(fabs(score - (double)scores[i]) < 1e-6);
        assert_int_equal(grt_result_states(result)[i], GRT_STATE_FINISHED);
    }
    logits_of(result, logits);
    grt_result_free(result);
}

static void check_reference_line(grt_model *of, json_t *line, double *worst,
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
    rank_in_full(of, &request, logits);
    for (size_t i = 0; i < n; i++) {
        double off =
            fabs((double)logits[i] - json_real_value(json_array_get(wanted, i)));
        if (off > *worst) *worst = off;
    }
    *n_pairs += n;
}

/* Sanitizers look for faults of memory, which every line has as well: a few do there.
 */
static const size_t n_reference_lines = GRT_TEST_SANITIZED ? 3 : SIZE_MAX;

static void check_reference(const char *directory, size_t n_wanted,
                            grt_arithmetic arithmetic, double tolerance)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/reference_scores.jsonl", directory);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    setup s = setup_of(arithmetic, 2);
    grt_model *of = open_with(directory, &s);
    double worst = 0.0;
    size_t n_pairs = 0, n_lines = 0;
    for (; n_lines < n_reference_lines; n_lines++) {
        json_error_t json_error;
        json_t *line = json_loadf(file, JSON_DISABLE_EOF_CHECK, &json_error);
        if (!line) break;
        check_reference_line(of, line, &worst, &n_pairs);
        json_decref(line);
    }
    (void)fclose(file);
    printf("%zu pairs in %s, largest difference of a logit %.2e\n", n_pairs,
           grt_arithmetic_text(arithmetic), worst);
    if (!GRT_TEST_SANITIZED) assert_int_equal(n_pairs, n_wanted);
    assert_true(n_pairs > 0 && worst < tolerance);
    close_with(of);
}

static void test_logits_agree_with_the_reference(void **state)
{
    (void)state;
    /* The logits span 7.5. */
    check_reference(MODEL_DIR, 238, GRT_ARITHMETIC_F32, 2e-4);
    check_reference(MODEL_DIR, 238, GRT_ARITHMETIC_BF16, 2e-1);
    check_reference(MODEL_DIR, 238, GRT_ARITHMETIC_INT8, 3);
}

static void test_the_small_model_agrees_with_the_reference(void **state)
{
    (void)state;
    /* The logits span 19. */
    check_reference(SMALL_DIR, 238, GRT_ARITHMETIC_F32, 2e-4);
    check_reference(SMALL_DIR, 238, GRT_ARITHMETIC_BF16, 1e-1);
    check_reference(SMALL_DIR, 238, GRT_ARITHMETIC_INT8, 6e-1);
}

static void test_the_decoder_agrees_with_the_reference(void **state)
{
    (void)state;
    /* The logits span 11. */
    check_reference(DECODER_DIR, 118, GRT_ARITHMETIC_F32, 2e-4);
    check_reference(DECODER_DIR, 118, GRT_ARITHMETIC_BF16, 3e-1);
    check_reference(DECODER_DIR, 118, GRT_ARITHMETIC_INT8, 2);
}

static void test_results_do_not_depend_on_threads_or_company(void **state)
{
    (void)state;
    float wanted[N_DOCUMENTS];
    setup s = setup_of(GRT_ARITHMETIC_F32, 1);
    grt_model *of = open_with(MODEL_DIR, &s);
    grt_request request = owl_request();
    rank_in_full(of, &request, wanted);
    close_with(of);
    const size_t thread_counts[] = {2, 3, 7};
    for (size_t t = 0; t < 3; t++) {
        float logits[N_DOCUMENTS];
        s.engine.n_threads = thread_counts[t];
        of = open_with(MODEL_DIR, &s);
        rank_in_full(of, &request, logits);
        assert_memory_equal(logits, wanted, sizeof(wanted));
        for (size_t i = 0; i < N_DOCUMENTS; i++) { /* each on its own, same model */
            grt_request one = owl_request();
            one.documents = documents + i;
            one.n_documents = 1;
            rank_in_full(of, &one, logits);
            assert_memory_equal(logits, wanted + i, sizeof(float));
        }
        close_with(of);
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
    rank_in_full(model, &request, logits);
    assert_true(logits[0] == logits[1]);
}

/* A length of 0 is an empty text, whatever follows. */
static void test_a_length_of_nothing_is_an_empty_text(void **state)
{
    (void)state;
    const char *const texts[] = {"owls", "", "owls hunt at night"};
    const size_t n_bytes[] = {0, 0, GRT_NUL_TERMINATED};
    const char *const plain[] = {"", "", "owls hunt at night"};
    grt_request request = owl_request();
    float found[3], wanted[3];
    request.n_documents = 3;
    request.documents = texts;
    request.document_bytes = n_bytes;
    rank_in_full(model, &request, found);
    request.documents = plain;
    request.document_bytes = NULL;
    rank_in_full(model, &request, wanted);
    assert_memory_equal(found, wanted, sizeof(wanted));
    request.query_bytes = 0;
    rank_in_full(model, &request, found);
    request.query = "";
    request.query_bytes = GRT_NUL_TERMINATED;
    rank_in_full(model, &request, wanted);
    assert_memory_equal(found, wanted, sizeof(wanted));
    grt_error err;
    size_t n = 9, whole, part;
    assert_ok(grt_count_tokens(&n, model, "owls hunt", 0, &err), &err);
    assert_int_equal(n, 0);
    assert_ok(grt_count_tokens(&whole, model, "owls hunt", GRT_NUL_TERMINATED, &err),
              &err);
    assert_ok(grt_count_tokens(&part, model, "owls hunt", 4, &err), &err);
    assert_true(part > 0 && part < whole);
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
    grt_result *result = rank_ok(model, &request);
    for (size_t i = 0; i < 2; i++) {
        int is_long = grt_result_indices(result)[i] == 0;
        uint32_t flags = grt_result_flags(result)[i];
        assert_int_equal((flags & GRT_FLAG_TRUNCATED) != 0, is_long);
        if (is_long) assert_int_equal(grt_result_tokens(result)[i], 512);
    }
    grt_result_free(result);
}

static void test_an_item_is_a_row_of_the_columns(void **state)
{
    (void)state;
    grt_request request = owl_request();
    grt_result *result = rank_ok(model, &request);
    assert_int_equal(grt_result_top(result), 2);
    grt_item item = GRT_ITEM_INIT;
    for (size_t i = 0; i < N_DOCUMENTS; i++) {
        assert_int_equal(grt_result_item(result, i, &item), GRT_OK);
        assert_int_equal(item.index, grt_result_indices(result)[i]);
        assert_true(item.score == grt_result_scores(result)[i]);
        assert_true(item.logit == grt_result_logits(result)[i]);
        assert_int_equal(item.state, grt_result_states(result)[i]);
        assert_int_equal(item.flags, grt_result_flags(result)[i]);
        assert_int_equal(item.layer, grt_result_layers(result)[i]);
        assert_int_equal(item.n_tokens, grt_result_tokens(result)[i]);
    }
    assert_int_equal(grt_result_item(result, N_DOCUMENTS, &item), GRT_E_INVALID_ARG);
    assert_int_equal(grt_result_item(result, SIZE_MAX, &item), GRT_E_INVALID_ARG);
    grt_result_free(result);
}

static void refuse(const grt_request *request, grt_status status, const char *text)
{
    grt_error err;
    grt_result *result = NULL;
    grt_ranking *ranking = NULL;
    assert_refused(grt_rank(&result, model, request, &err), status, &err, text);
    assert_null(result);
    assert_refused(grt_ranking_open(&ranking, model, request, &err), status, &err,
                   text);
    assert_null(ranking);
}

static void test_wrong_requests_are_named(void **state)
{
    (void)state;
    grt_error err;
    grt_result *result = NULL;
    grt_request request = owl_request();
    request.query = NULL;
    refuse(&request, GRT_E_INVALID_ARG, "no query");
    request = owl_request();
    request.n_documents = 0;
    refuse(&request, GRT_E_INVALID_ARG, "no documents");
    request = owl_request();
    request.documents = NULL;
    refuse(&request, GRT_E_INVALID_ARG, "no documents");
    request = owl_request();
    const char *const with_null[] = {"a", NULL};
    request.documents = with_null;
    request.n_documents = 2;
    refuse(&request, GRT_E_INVALID_ARG, "document 1");
    request = owl_request();
    request.struct_size = 8;
    refuse(&request, GRT_E_INVALID_ARG, "struct_size");
    request = owl_request();
    request.long_documents = 7;
    refuse(&request, GRT_E_INVALID_ARG, "long_documents");
    const float bad[] = {-0.1f, 1.5f, NAN};
    for (size_t i = 0; i < 3; i++) {
        request = owl_request();
        request.min_score = bad[i];
        refuse(&request, GRT_E_INVALID_ARG, "min_score");
    }
    request = owl_request();
    request.instruction = "find owls";
    assert_refused(grt_rank(&result, model, &request, &err), GRT_E_UNSUPPORTED, &err,
                   "instruction");
}

static void test_wrong_arguments_are_named(void **state)
{
    (void)state;
    grt_error err;
    grt_request request = owl_request();
    grt_result *result = NULL;
    grt_ranking *ranking = NULL;
    grt_model *none = NULL;
    grt_engine *engine = NULL;
    grt_engine_options options = GRT_ENGINE_OPTIONS_INIT;
    options.n_threads = 100000;
    assert_refused(grt_engine_create(&engine, &options, &err), GRT_E_INVALID_ARG, &err,
                   "100000");
    assert_null(engine);
    assert_refused(grt_model_open(&none, NULL, "/nonexistent/model", NULL, &err),
                   GRT_E_NOT_FOUND, &err, "/nonexistent/model");
    assert_refused(grt_model_open(NULL, NULL, MODEL_DIR, NULL, &err), GRT_E_INVALID_ARG,
                   &err, "no output");
    assert_refused(grt_model_open(&none, NULL, NULL, NULL, &err), GRT_E_INVALID_ARG,
                   &err, "no path");
    assert_refused(grt_engine_create(NULL, NULL, &err), GRT_E_INVALID_ARG, &err,
                   "no output");
    assert_refused(grt_rank(NULL, model, &request, &err), GRT_E_INVALID_ARG, &err,
                   "no output");
    assert_refused(grt_rank(&result, model, NULL, &err), GRT_E_INVALID_ARG, &err,
                   "no request");
    assert_int_equal(grt_rank(&result, NULL, &request, NULL), GRT_E_INVALID_ARG);
    assert_refused(grt_ranking_open(&ranking, NULL, &request, &err), GRT_E_INVALID_ARG,
                   &err, "no model");
    grt_step step = GRT_STEP_INIT;
    assert_refused(grt_ranking_step(&step, NULL, &err), GRT_E_INVALID_ARG, &err,
                   "no ranking");
    assert_refused(grt_ranking_result(&result, NULL, &err), GRT_E_INVALID_ARG, &err,
                   "no ranking");
    grt_ranking_cancel(NULL);
    grt_ranking_free(NULL);
    grt_result_free(NULL);
    grt_model_close(NULL);
    grt_engine_free(NULL);
}

/* ---- Where memory runs out ---- */

/* Every allocation of an engine fails once: an error each time, and no leak. */
static void test_engines_fail_cleanly_without_memory(void **state)
{
    (void)state;
    uint64_t before = grt_memory_now();
    uint64_t nth = 1;
    for (grt_status status = GRT_E_NO_MEMORY; status != GRT_OK; nth++) {
        grt_engine *engine = NULL;
        grt_engine_options options = GRT_ENGINE_OPTIONS_INIT;
        options.n_threads = 2;
        grt_memory_fail_nth(nth);
        status = grt_engine_create(&engine, &options, NULL);
        grt_memory_fail_nth(0);
        if (status != GRT_OK) assert_int_equal(status, GRT_E_NO_MEMORY);
        grt_engine_free(engine);
        assert_int_equal(grt_memory_now(), before);
        assert_true(nth < 1000);
    }
    assert_true(nth > 2);
}

/* The same of a model that has not ranked yet, whose buffers are all still to come. */
static void test_rankings_fail_cleanly_without_memory(void **state)
{
    (void)state;
    grt_request request = owl_request();
    float wanted[N_DOCUMENTS], logits[N_DOCUMENTS];
    rank_in_full(model, &request, wanted);
    uint64_t before = grt_memory_now(); /* the model keeps what it ranked in */
    setup s = setup_of(GRT_ARITHMETIC_F32, 2);
    grt_model *of = open_with(MODEL_DIR, &s);
    uint64_t nth = 1;
    for (grt_status status = GRT_E_NO_MEMORY; status != GRT_OK; nth++) {
        grt_result *result = NULL;
        grt_error err;
        grt_memory_fail_nth(nth);
        status = grt_rank(&result, of, &request, &err);
        grt_memory_fail_nth(0);
        if (status != GRT_OK) assert_int_equal(status, GRT_E_NO_MEMORY);
        grt_result_free(result);
        assert_int_equal(usage_of(of).n_rankings, 0);
        assert_true(nth < 10000);
    }
    assert_true(nth > 10);
    rank_in_full(of, &request, logits);
    assert_memory_equal(logits, wanted, sizeof(wanted));
    close_with(of);
    assert_true(grt_memory_now() <= before);
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
        status = grt_model_open(&other, NULL, MODEL_DIR, NULL, &err);
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
    grt_model_info info = GRT_MODEL_INFO_INIT;
    grt_model_describe(model, &info);
    assert_string_equal(info.architecture, "bert");
    assert_string_equal(info.format, "safetensors");
    assert_int_equal(info.n_layers, 8);
    assert_int_equal(info.hidden_size, 256);
    assert_int_equal(info.max_tokens, 512);
    assert_int_equal(info.n_parameters, 14329857);
    assert_int_equal(info.arithmetic, GRT_ARITHMETIC_F32);
    assert_non_null(info.isa);
    uint64_t total = 0;
    grt_tensor_view view = GRT_TENSOR_VIEW_INIT;
    for (size_t i = 0; i < info.n_tensors; i++) {
        assert_int_equal(grt_model_tensor(model, i, &view), GRT_OK);
        total += view.size_bytes;
    }
    assert_int_equal(total, info.embedding_bytes + info.layers_bytes + info.head_bytes +
                                info.other_bytes);
    assert_int_equal(grt_model_tensor(model, info.n_tensors, &view), GRT_E_INVALID_ARG);
}

static void test_each_operation_has_one_chosen_kernel(void **state)
{
    (void)state;
    const char *operation = "";
    int n_chosen = 1;
    grt_kernel_info info = GRT_KERNEL_INFO_INIT;
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
        cmocka_unit_test(test_the_small_model_agrees_with_the_reference),
        cmocka_unit_test(test_the_decoder_agrees_with_the_reference),
        cmocka_unit_test(test_results_do_not_depend_on_threads_or_company),
        cmocka_unit_test(test_lengths_replace_terminators),
        cmocka_unit_test(test_a_length_of_nothing_is_an_empty_text),
        cmocka_unit_test(test_long_documents_are_cut_and_say_so),
        cmocka_unit_test(test_an_item_is_a_row_of_the_columns),
        cmocka_unit_test(test_wrong_requests_are_named),
        cmocka_unit_test(test_wrong_arguments_are_named),
        cmocka_unit_test(test_engines_fail_cleanly_without_memory),
        cmocka_unit_test(test_rankings_fail_cleanly_without_memory),
        cmocka_unit_test(test_opening_fails_cleanly_without_memory),
        cmocka_unit_test(test_model_description),
        cmocka_unit_test(test_each_operation_has_one_chosen_kernel),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
