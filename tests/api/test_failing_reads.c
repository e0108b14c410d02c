/* test_failing_reads.c - checkpoints that are cut, overwritten or replaced while they
 * are open: the request fails, names the file, and the session goes on afterwards. */
#include "test.h"

#include "base/memory.h"
#include "deep_checkpoint.h"

#include <sys/stat.h>
#include <unistd.h>

enum { N = 6, N_LAYERS = 6 };

static const char *const documents[N] = {
    "owls hunt at night", "steam engines", "bread", "owls hear mice under the snow", "",
    "a b c d e f g"};

static deep_checkpoint deep;
static char weights[160];
static unsigned char *content;
static size_t content_bytes;

static int set_up(void **state)
{
    (void)state;
    deep_write(&deep, N_LAYERS);
    deep_path(&deep, "model.safetensors", weights);
    FILE *file = fopen(weights, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) return -1;
    content_bytes = (size_t)ftell(file);
    rewind(file);
    content = malloc(content_bytes);
    if (!content || fread(content, 1, content_bytes, file) != content_bytes) return -1;
    return fclose(file);
}

static int tear_down(void **state)
{
    (void)state;
    free(content);
    deep_remove(&deep);
    return 0;
}

/* Writes bytes into the file that is there, from `at` on. */
static void overwrite(size_t at, const unsigned char *bytes, size_t n)
{
    FILE *file = fopen(weights, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void restore(void)
{
    overwrite(0, content, content_bytes);
}

static void cut_to(size_t n_bytes)
{
    assert_int_equal(truncate(weights, (off_t)n_bytes), 0);
}

/* Not a number in every value from `at` on. */
static void spoil_from(size_t at)
{
    unsigned char *bytes = malloc(content_bytes - at);
    assert_non_null(bytes);
    memset(bytes, 0xFF, content_bytes - at);
    overwrite(at, bytes, content_bytes - at);
    free(bytes);
}

/* What happens to the file once `layer` layers are computed. */
typedef struct accident {
    size_t layer;
    void (*happen)(size_t at);
    size_t at;
} accident;

static int watch(const grt_progress *progress, void *payload)
{
    const accident *a = payload;
    if (progress->layer == a->layer && a->happen) a->happen(a->at);
    return 0;
}

static grt_status rank(grt_session *session, accident *a, float *logits, grt_error *err)
{
    grt_request request = GRT_REQUEST_INIT;
    request.query = "how do owls hunt";
    request.documents = documents;
    request.n_documents = N;
    request.policy = GRT_POLICY_NONE;
    if (a) {
        request.progress = watch;
        request.progress_payload = a;
    }
    grt_result *result = NULL;
    grt_status status = grt_rank(session, &request, &result, err);
    if (status != GRT_OK) {
        assert_null(result);
        return status;
    }
    for (size_t i = 0; i < N; i++)
        logits[grt_result_items(result)[i].index] = grt_result_items(result)[i].logit;
    grt_result_free(result);
    return GRT_OK;
}

static grt_model *open_model(void)
{
    grt_error err;
    grt_model *model = NULL;
    assert_ok(grt_model_open(&model, deep.directory, NULL, &err), &err);
    return model;
}

/* Sessions that read in different ways. */
static grt_session *new_session(const grt_model *model, unsigned kind)
{
    grt_error err;
    grt_session *session = NULL;
    grt_session_options options = GRT_SESSION_OPTIONS_INIT;
    options.n_threads = 2;
    options.chunk_rows = 1; /* a chunk for each document */
    options.residency = kind & 1 ? GRT_RESIDENCY_STREAMED : GRT_RESIDENCY_RESIDENT;
    options.hidden = kind & 2 ? GRT_HIDDEN_FILE : GRT_HIDDEN_F32;
    if (kind & 4) options.memory_bytes = (uint64_t)1 << 32; /* past the page cache */
    options.n_cached_rows = 3;
    assert_ok(grt_session_create(&session, model, &options, &err), &err);
    return session;
}

static void check_same(grt_session *session, const float *wanted)
{
    grt_error err;
    float found[N];
    assert_ok(rank(session, NULL, found, &err), &err);
    assert_memory_equal(found, wanted, sizeof(found));
}

static void full_logits(const grt_model *model, float *logits)
{
    grt_error err;
    grt_session *session = new_session(model, 0);
    assert_ok(rank(session, NULL, logits, &err), &err);
    grt_session_free(session);
}

static void test_a_cut_file_fails_the_request_and_not_the_session(void **state)
{
    (void)state;
    grt_model *model = open_model();
    float wanted[N], found[N];
    full_logits(model, wanted);
    for (unsigned kind = 0; kind < 8; kind++)
        for (size_t part = 0; part < 4; part++) {
            /* the first is cut before the embedding, the others within layers */
            grt_error err;
            grt_session *session = new_session(model, kind);
            cut_to(content_bytes * part / 4 + 9); /* later, all might be read already */
            assert_refused(rank(session, NULL, found, &err), GRT_E_FORMAT, &err,
                           "model.safetensors: truncated");
            restore();
            check_same(session, wanted);
            grt_session_free(session);
        }
    grt_model_close(model);
}

static void test_a_file_cut_between_layers(void **state)
{
    (void)state;
    grt_model *model = open_model();
    float wanted[N], found[N];
    full_logits(model, wanted);
    for (unsigned kind = 1; kind < 8; kind += 2)
        for (size_t layer = 1; layer < N_LAYERS - 2; layer++) {
            grt_error err;
            char text[40];
            accident a = {layer, cut_to, content_bytes - 200000}; /* the last layer */
            grt_session *session = new_session(model, kind);
            (void)snprintf(text, sizeof(text), "layer %d: ", N_LAYERS - 1);
            assert_refused(rank(session, &a, found, &err), GRT_E_FORMAT, &err, text);
            assert_non_null(strstr(err.text, "model.safetensors: truncated"));
            assert_true(err.offset >= (int64_t)content_bytes - 500000);
            restore();
            check_same(session, wanted);
            grt_session_free(session);
        }
    grt_model_close(model);
}

static void test_values_that_are_not_finite_are_an_error(void **state)
{
    (void)state;
    grt_model *model = open_model();
    float wanted[N], found[N];
    full_logits(model, wanted);
    for (unsigned kind = 1; kind < 8; kind += 2) {
        grt_error err;
        accident a = {0, spoil_from, content_bytes - 200000};
        grt_session *session = new_session(model, kind);
        assert_refused(rank(session, &a, found, &err), GRT_E_FORMAT, &err,
                       "the model gives a score that is not a number");
        restore();
        check_same(session, wanted);
        grt_session_free(session);
    }
    grt_model_close(model);
}

/* An open file stays what it was when another one takes its name. */
static void test_a_replaced_file_does_not_disturb_who_has_it_open(void **state)
{
    (void)state;
    grt_error err;
    grt_model *model = open_model(), *other = NULL;
    float wanted[N];
    full_logits(model, wanted);
    grt_session *session = new_session(model, 1);
    char kept[200];
    (void)snprintf(kept, sizeof(kept), "%s.kept", weights);
    assert_int_equal(rename(weights, kept), 0);
    FILE *file = fopen(weights, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, content_bytes / 2, file), content_bytes / 2);
    assert_int_equal(fclose(file), 0);
    check_same(session, wanted);
    assert_refused(grt_model_open(&other, deep.directory, NULL, &err), GRT_E_FORMAT,
                   &err, "model.safetensors: ");
    assert_null(other);
    assert_int_equal(rename(kept, weights), 0);
    assert_ok(grt_model_open(&other, deep.directory, NULL, &err), &err);
    grt_model_close(other);
    grt_session_free(session);
    grt_model_close(model);
}

static void test_a_missing_directory_for_hidden_states_is_named(void **state)
{
    (void)state;
    grt_error err;
    float wanted[N], found[N];
    grt_model *model = open_model();
    full_logits(model, wanted);
    char directory[100];
    (void)snprintf(directory, sizeof(directory), "%s/tmp", deep.directory);
    grt_session *session = NULL;
    grt_session_options options = GRT_SESSION_OPTIONS_INIT;
    options.hidden = GRT_HIDDEN_FILE;
    options.temporary_directory = directory;
    assert_ok(grt_session_create(&session, model, &options, &err), &err);
    assert_refused(rank(session, NULL, found, &err), GRT_E_IO, &err,
                   "/tmp: no temporary file of ");
    assert_int_equal(mkdir(directory, 0700), 0);
    check_same(session, wanted);
    assert_int_equal(rmdir(directory), 0); /* nothing lies in it */
    check_same(session, wanted);
    grt_session_free(session);
    grt_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cut_file_fails_the_request_and_not_the_session),
        cmocka_unit_test(test_a_file_cut_between_layers),
        cmocka_unit_test(test_values_that_are_not_finite_are_an_error),
        cmocka_unit_test(test_a_replaced_file_does_not_disturb_who_has_it_open),
        cmocka_unit_test(test_a_missing_directory_for_hidden_states_is_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
