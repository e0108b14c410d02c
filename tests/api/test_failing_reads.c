/* test_failing_reads.c - checkpoints that are cut, overwritten or replaced while they
 * are open: the request fails and names the file, and the model is refused until it is
 * opened again; or, where the file was replaced by another, nothing happens. */
#include "deep_checkpoint.h"
#include "opened.h"

#include "base/memory.h"

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

/* The clock of files goes in steps of some milliseconds. */
static void let_time_pass(void)
{
    assert_int_equal(usleep(10000), 0);
}

/* Writes bytes into the file that is there, from `at` on. */
static void overwrite(size_t at, const unsigned char *bytes, size_t n)
{
    let_time_pass();
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
    let_time_pass();
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

/* Steps to the end or to the first error. */
static grt_status step_through(grt_ranking *ranking, const accident *a, grt_error *err)
{
    grt_step step = GRT_STEP_INIT;
    grt_status status = GRT_OK;
    while (status == GRT_OK && !step.is_done) {
        status = grt_ranking_step(&step, ranking, err);
        if (status == GRT_OK && a && step.layer == a->layer) a->happen(a->at);
    }
    return status;
}

static grt_status rank(grt_model *model, const accident *a, float *logits,
                       grt_error *err)
{
    grt_request request = GRT_REQUEST_INIT;
    request.query = "how do owls hunt";
    request.documents = documents;
    request.n_documents = N;
    request.policy = &full_pass;
    grt_ranking *ranking = open_ranking(model, &request);
    grt_status status = step_through(ranking, a, err);
    if (status == GRT_OK) {
        grt_result *result = NULL;
        status = grt_ranking_result(&result, ranking, err);
        if (status == GRT_OK) logits_of(result, logits);
        grt_result_free(result);
    } else { /* it computes no further */
        grt_step step = GRT_STEP_INIT;
        assert_int_equal(grt_ranking_step(&step, ranking, NULL), status);
    }
    grt_ranking_free(ranking);
    return status;
}

/* Models that read in different ways. */
static grt_model *open_model(unsigned kind)
{
    setup s = SETUP_INIT;
    s.engine.n_threads = 2;
    s.engine.chunk_rows = 1; /* a chunk for each document */
    s.engine.hidden = kind & 2 ? GRT_HIDDEN_FILE : GRT_HIDDEN_F32;
    if (kind & 4) s.engine.memory_bytes = (uint64_t)1 << 32; /* past the page cache */
    s.model.residency = kind & 1 ? GRT_RESIDENCY_STREAMED : GRT_RESIDENCY_RESIDENT;
    s.model.n_cached_rows = 3;
    return open_with(deep.directory, &s);
}

static void check_same(grt_model *model, const float *wanted)
{
    grt_error err;
    float found[N];
    assert_ok(rank(model, NULL, found, &err), &err);
    assert_memory_equal(found, wanted, sizeof(found));
}

/* Written in place, even to what it was: nobody can know what was read of it. */
static void check_must_be_opened_again(grt_model *model, unsigned kind,
                                       const float *wanted)
{
    grt_error err;
    float found[N];
    assert_refused(rank(model, NULL, found, &err), GRT_E_IO, &err,
                   "model.safetensors: was changed while it was in use");
    close_with(model);
    model = open_model(kind);
    check_same(model, wanted);
    close_with(model);
}

static void full_logits(float *logits)
{
    grt_error err;
    grt_model *model = open_model(0);
    assert_ok(rank(model, NULL, logits, &err), &err);
    close_with(model);
}

static void test_a_cut_file_fails_the_request_and_not_the_model(void **state)
{
    (void)state;
    float wanted[N], found[N];
    full_logits(wanted);
    for (unsigned kind = 0; kind < 8; kind++)
        for (size_t part = 0; part < 4; part++) {
            /* the first is cut before the embedding, the others within layers */
            grt_error err;
            grt_model *model = open_model(kind);
            cut_to(content_bytes * part / 4 + 9); /* later, all might be read already */
            assert_refused(rank(model, NULL, found, &err), GRT_E_FORMAT, &err,
                           "model.safetensors: truncated");
            restore();
            check_must_be_opened_again(model, kind, wanted);
        }
}

static void test_a_file_cut_between_layers(void **state)
{
    (void)state;
    float wanted[N], found[N];
    full_logits(wanted);
    for (unsigned kind = 1; kind < 8; kind += 2)
        for (size_t layer = 1; layer < N_LAYERS - 2; layer++) {
            grt_error err;
            char text[40];
            accident a = {layer, cut_to, content_bytes - 200000}; /* the last layer */
            grt_model *model = open_model(kind);
            (void)snprintf(text, sizeof(text), "layer %d: ", N_LAYERS - 1);
            assert_refused(rank(model, &a, found, &err), GRT_E_FORMAT, &err, text);
            assert_non_null(strstr(err.text, "model.safetensors: truncated"));
            assert_true(err.offset >= (int64_t)content_bytes - 500000);
            restore();
            check_must_be_opened_again(model, kind, wanted);
        }
}

static void test_values_that_are_not_finite_are_an_error(void **state)
{
    (void)state;
    float wanted[N], found[N];
    full_logits(wanted);
    for (unsigned kind = 1; kind < 8; kind += 2) {
        grt_error err;
        accident a = {0, spoil_from, content_bytes - 200000};
        grt_model *model = open_model(kind);
        assert_refused(rank(model, &a, found, &err), GRT_E_FORMAT, &err,
                       "the model gives a score that is not a number");
        restore();
        check_must_be_opened_again(model, kind, wanted);
    }
}

static void change_weights(size_t at)
{
    unsigned char bytes[200];
    memcpy(bytes, content + at, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i += 2)
        bytes[i] ^= 0x10; /* low bits of numbers: they stay finite */
    overwrite(at, bytes, sizeof(bytes));
}

/* Other weights in the middle of a ranking would give another ranking. */
static void test_weights_that_change_under_a_ranking(void **state)
{
    (void)state;
    float wanted[N], found[N];
    full_logits(wanted);
    for (unsigned kind = 0; kind < 8; kind++) {
        grt_error err;
        accident a = {1 + kind % 3, change_weights, content_bytes - 200000};
        grt_model *model = open_model(kind);
        assert_refused(rank(model, &a, found, &err), GRT_E_IO, &err,
                       "model.safetensors: was changed while it was in use");
        restore();
        check_must_be_opened_again(model, kind, wanted);
    }
}

/* The first n bytes, in a file of its own that takes the name. */
static void replace_weights(size_t n)
{
    char fresh[200];
    (void)snprintf(fresh, sizeof(fresh), "%s.new", weights);
    FILE *file = fopen(fresh, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(fresh, weights), 0);
}

/* An open file stays what it was when another one takes its name. */
static void test_a_replaced_file_does_not_disturb_who_has_it_open(void **state)
{
    (void)state;
    grt_error err;
    grt_model *other = NULL;
    float wanted[N];
    full_logits(wanted);
    grt_model *model = open_model(1);
    replace_weights(content_bytes / 2);
    check_same(model, wanted);
    assert_refused(grt_model_open(&other, NULL, deep.directory, NULL, &err),
                   GRT_E_FORMAT, &err, "model.safetensors: ");
    assert_null(other);
    replace_weights(content_bytes);
    assert_ok(grt_model_open(&other, NULL, deep.directory, NULL, &err), &err);
    grt_model_close(other);
    check_same(model, wanted);
    assert_int_equal(unlink(weights), 0);
    check_same(model, wanted);
    replace_weights(content_bytes);
    close_with(model);
}

static void test_a_missing_directory_for_hidden_states_is_named(void **state)
{
    (void)state;
    grt_error err;
    float wanted[N], found[N];
    full_logits(wanted);
    char directory[100];
    (void)snprintf(directory, sizeof(directory), "%s/tmp", deep.directory);
    setup s = SETUP_INIT;
    s.engine.hidden = GRT_HIDDEN_FILE;
    s.engine.temporary_directory = directory;
    grt_model *model = open_with(deep.directory, &s);
    assert_refused(rank(model, NULL, found, &err), GRT_E_IO, &err,
                   "/tmp: no temporary file of ");
    assert_int_equal(mkdir(directory, 0700), 0);
    check_same(model, wanted);
    assert_int_equal(rmdir(directory), 0); /* nothing lies in it */
    check_same(model, wanted);
    close_with(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cut_file_fails_the_request_and_not_the_model),
        cmocka_unit_test(test_a_file_cut_between_layers),
        cmocka_unit_test(test_values_that_are_not_finite_are_an_error),
        cmocka_unit_test(test_weights_that_change_under_a_ranking),
        cmocka_unit_test(test_a_replaced_file_does_not_disturb_who_has_it_open),
        cmocka_unit_test(test_a_missing_directory_for_hidden_states_is_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
