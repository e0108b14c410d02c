/* test_samples.c - the file of calibration samples: what is put in comes out, also
 * after an interruption at any byte; what is damaged or of others is left as it is. */
#include "temp_dir.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "calibrate/samples.h"

#include <math.h>

enum { N_LAYERS = 3, WIDTH = 2, HEADER = 64, N_AT = 16 };

static const grt_samples_shape shape = {N_LAYERS,
                                        WIDTH,
                                        {{1, 2, 3, 65535}, 77},
                                        GRT_ARITHMETIC_BF16};
static temp_dir dir;
static char path[128];

static int set_up(void **state)
{
    (void)state;
    temp_make(&dir);
    temp_path(&dir, "samples", path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_remove(&dir);
    return grt_memory_now() != 0;
}

/* ---- What records hold ---- */

static float score_of(uint64_t key, size_t layer, size_t i)
{
    return (float)key * 1000 + (float)(layer * 100 + i) + 0.5f;
}

static float state_of(uint64_t key, size_t layer, size_t i, size_t column)
{
    return -score_of(key, layer, i) * (float)(column + 2);
}

static size_t record_size(size_t n)
{
    return 32 + (N_LAYERS - 1) * n * (WIDTH + 1) * sizeof(float) + n * sizeof(float);
}

static grt_status put_candidate(grt_samples *samples, uint64_t key, size_t layer,
                                size_t i, grt_error *err)
{
    float score = score_of(key, layer, i), states[WIDTH];
    for (size_t c = 0; c < WIDTH; c++)
        states[c] = state_of(key, layer, i, c);
    return grt_samples_put(samples, layer, i, 1, &score,
                           layer < N_LAYERS ? states : NULL, err);
}

/* All but the end of a record, candidates in an order of no help. */
static grt_status put_all(grt_samples *samples, uint64_t key, size_t n, grt_error *err)
{
    GRT_TRY(grt_samples_begin(samples, key, n, GRT_ARITHMETIC_AUTO, err));
    for (size_t layer = N_LAYERS; layer > 0; layer--)
        for (size_t i = 0; i < n; i++)
            GRT_TRY(put_candidate(samples, key, layer, (i + 1) % n, err));
    return GRT_OK;
}

static grt_status add(grt_samples *samples, uint64_t key, size_t n, grt_error *err)
{
    grt_status status = put_all(samples, key, n, err);
    if (status == GRT_OK) status = grt_samples_finish(samples, err);
    if (status != GRT_OK) grt_samples_abandon(samples);
    return status;
}

static void check_record(const grt_samples *samples, size_t at, uint64_t key, size_t n)
{
    grt_error err;
    float values[64];
    assert_int_equal(samples->own.records[at].key, key);
    assert_int_equal(samples->own.records[at].n, n);
    for (size_t layer = 1; layer <= N_LAYERS; layer++) {
        assert_ok(
            grt_samples_scores(samples, &samples->own.records[at], layer, values, &err),
            &err);
        for (size_t i = 0; i < n; i++)
            assert_true(values[i] == score_of(key, layer, i));
        if (layer == N_LAYERS) continue;
        assert_ok(
            grt_samples_pooled(samples, &samples->own.records[at], layer, values, &err),
            &err);
        for (size_t i = 0; i < n * WIDTH; i++)
            assert_true(values[i] == state_of(key, layer, i / WIDTH, i % WIDTH));
    }
}

/* Keys and sizes of the records of most tests. */
static const uint64_t keys[] = {7, 3, 9};
static const size_t counts[] = {2, 5, 3};
enum { N_RECORDS = 3, ARITHMETIC_AT = 20 /* in the header */ };

static grt_samples open_samples(void)
{
    grt_error err;
    grt_samples samples;
    assert_ok(grt_samples_open(&samples, path, &shape, &err), &err);
    return samples;
}

static void write_three(void)
{
    grt_error err;
    grt_samples samples = open_samples();
    for (size_t i = 0; i < N_RECORDS; i++)
        assert_ok(add(&samples, keys[i], counts[i], &err), &err);
    grt_samples_close(&samples);
}

static size_t end_of(size_t n_records)
{
    size_t end = HEADER;
    for (size_t i = 0; i < n_records; i++)
        end += record_size(counts[i]);
    return end;
}

static void expect_records(size_t n_records)
{
    grt_samples samples = open_samples();
    assert_int_equal(samples.own.n, n_records);
    for (size_t i = 0; i < N_RECORDS; i++)
        assert_int_equal(grt_samples_find(&samples, keys[i], GRT_ARITHMETIC_AUTO) !=
                             NULL,
                         i < n_records);
    for (size_t i = 0; i < n_records; i++)
        check_record(&samples, i, keys[i], counts[i]);
    grt_samples_close(&samples);
}

/* Opening is refused, and the file keeps every byte. */
static void expect_refused(grt_status wanted, const char *text, int64_t offset)
{
    grt_error err;
    grt_samples samples;
    size_t n;
    unsigned char *before = read_whole(path, &n);
    assert_refused_at(grt_samples_open(&samples, path, &shape, &err), wanted, &err,
                      text, offset);
    grt_samples_close(&samples);
    assert_file_holds(path, before, n);
    free(before);
}

static void patch(size_t offset, const void *bytes, size_t n)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

/* ---- Tests ---- */

static void test_what_is_put_in_comes_out(void **state)
{
    (void)state;
    grt_error err;
    grt_samples samples = open_samples();
    assert_int_equal(samples.own.n, 0);
    for (size_t i = 0; i < N_RECORDS; i++) {
        assert_null(grt_samples_find(&samples, keys[i], GRT_ARITHMETIC_AUTO));
        assert_ok(add(&samples, keys[i], counts[i], &err), &err);
        assert_non_null(grt_samples_find(&samples, keys[i], GRT_ARITHMETIC_AUTO));
        for (size_t j = 0; j <= i; j++) /* read while the file grows */
            check_record(&samples, j, keys[j], counts[j]);
    }
    grt_samples_close(&samples);
    expect_records(N_RECORDS);
    size_t n;
    unsigned char *bytes = read_whole(path, &n);
    assert_int_equal(n, end_of(N_RECORDS));
    assert_memory_equal(bytes, "GRTSAMPL\2\0\0\0\3\0\0\0\2\0\0\0\2\0\0\0", 24);
    free(bytes);
}

static void test_many_records(void **state)
{
    (void)state;
    grt_error err;
    enum { N = 300 };
    grt_samples samples = open_samples();
    for (uint64_t key = 0; key < N; key++)
        assert_ok(add(&samples, key, 2 + key % 4, &err), &err);
    grt_samples_close(&samples);
    samples = open_samples();
    assert_int_equal(samples.own.n, N);
    for (uint64_t key = 0; key < N; key++)
        check_record(&samples, key, key, 2 + key % 4);
    assert_null(grt_samples_find(&samples, N, GRT_ARITHMETIC_AUTO));
    grt_samples_close(&samples);
}

/* Cut at every byte: whole records survive, the others can be added again, and then it
 * is the same file as without an interruption. */
static void test_a_file_cut_anywhere_goes_on(void **state)
{
    (void)state;
    grt_error err;
    size_t n;
    write_three();
    unsigned char *whole = read_whole(path, &n);
    for (size_t cut = HEADER; cut <= n; cut++) {
        size_t n_left = 0;
        while (n_left < N_RECORDS && end_of(n_left + 1) <= cut)
            n_left++;
        write_whole(path, whole, cut);
        expect_records(n_left);
        assert_file_holds(path, whole, end_of(n_left));
        grt_samples samples = open_samples();
        for (size_t i = n_left; i < N_RECORDS; i++)
            assert_ok(add(&samples, keys[i], counts[i], &err), &err);
        grt_samples_close(&samples);
        assert_file_holds(path, whole, n);
    }
    for (size_t cut = 1; cut < HEADER; cut++) {
        write_whole(path, whole, cut);
        expect_refused(GRT_E_FORMAT, "samples: is not a file of calibration samples",
                       ANY_OFFSET);
    }
    write_whole(path, whole, 0);
    expect_records(0);
    assert_file_holds(path, whole, HEADER);
    free(whole);
}

static void test_a_record_without_its_mark_is_dropped(void **state)
{
    (void)state;
    grt_error err;
    size_t n;
    write_three();
    unsigned char *whole = read_whole(path, &n);
    grt_samples samples = open_samples();
    assert_ok(put_all(&samples, 50, 4, &err), &err);
    grt_samples_close(&samples); /* the process is gone here */
    size_t n_interrupted;
    free(read_whole(path, &n_interrupted));
    assert_int_equal(n_interrupted, n + record_size(4));
    expect_records(N_RECORDS);
    assert_file_holds(path, whole, n);
    free(whole);
}

static void test_an_abandoned_record_leaves_the_file_as_it_was(void **state)
{
    (void)state;
    grt_error err;
    size_t n;
    write_three();
    unsigned char *whole = read_whole(path, &n);
    grt_samples samples = open_samples();
    assert_ok(grt_samples_begin(&samples, 50, 4, GRT_ARITHMETIC_AUTO, &err), &err);
    assert_ok(put_candidate(&samples, 50, 2, 3, &err), &err);
    grt_samples_abandon(&samples);
    assert_file_holds(path, whole, n);
    assert_null(grt_samples_find(&samples, 50, GRT_ARITHMETIC_AUTO));
    assert_ok(put_all(&samples, 51, 4, &err), &err);
    grt_samples_abandon(&samples);
    assert_file_holds(path, whole, n);
    assert_ok(add(&samples, 52, 2, &err), &err);
    check_record(&samples, N_RECORDS, 52, 2);
    grt_samples_close(&samples);
    free(whole);
}

static void test_a_key_that_stands_twice_is_read_twice(void **state)
{
    (void)state;
    grt_error err;
    grt_samples samples = open_samples();
    assert_ok(add(&samples, 5, 2, &err), &err);
    assert_ok(add(&samples, 5, 3, &err), &err);
    grt_samples_close(&samples);
    samples = open_samples();
    assert_int_equal(samples.own.n, 2);
    check_record(&samples, 0, 5, 2);
    check_record(&samples, 1, 5, 3);
    grt_samples_close(&samples);
}

static void test_files_of_others_are_left_alone(void **state)
{
    (void)state;
    static const char letter[] = "Dear Grandmother, thank you for the owls.  They are "
                                 "very well and eat all that you sent along.";
    write_whole(path, letter, sizeof(letter));
    expect_refused(GRT_E_FORMAT, "samples: is not a file of calibration samples", 0);
    write_whole(path, letter, 20);
    expect_refused(GRT_E_FORMAT, "samples: is not a file of calibration samples", -1);
}

static void test_damaged_headers(void **state)
{
    (void)state;
    size_t n;
    write_three();
    unsigned char *whole = read_whole(path, &n);
    for (size_t at = 0; at < HEADER; at++) { /* each byte counts */
        write_whole(path, whole, n);
        unsigned char changed = whole[at] ^ 1;
        if (at == ARITHMETIC_AT) changed = GRT_ARITHMETIC_INT8 + 1;
        patch(at, &changed, 1);
        bool is_magic = at < 8, is_version = at >= 8 && at < 12;
        expect_refused(is_version ? GRT_E_UNSUPPORTED : GRT_E_FORMAT,
                       is_magic     ? "is not a file of calibration samples"
                       : is_version ? "this one reads version 2"
                                    : "samples: the samples are of another model",
                       is_magic ? 0 : -1);
    }
    free(whole);
}

/* A record in another arithmetic, between those of the file's own. */
static grt_status add_compared(grt_samples *samples, uint64_t key, size_t n,
                               grt_arithmetic arithmetic, grt_error *err)
{
    GRT_TRY(grt_samples_begin(samples, key, n, arithmetic, err));
    for (size_t layer = 1; layer <= N_LAYERS; layer++)
        for (size_t i = 0; i < n; i++)
            GRT_TRY(put_candidate(samples, key + arithmetic, layer, i, err));
    return grt_samples_finish(samples, err);
}

static void test_comparisons_stand_beside(void **state)
{
    (void)state;
    grt_error err;
    float values[64];
    grt_samples samples = open_samples();
    assert_int_equal(samples.shape.arithmetic, GRT_ARITHMETIC_BF16);
    assert_ok(add(&samples, 7, 2, &err), &err);
    assert_ok(add_compared(&samples, 7, 2, GRT_ARITHMETIC_F32, &err), &err);
    assert_ok(add_compared(&samples, 7, 2, GRT_ARITHMETIC_INT8, &err), &err);
    assert_ok(add(&samples, 3, 5, &err), &err);
    grt_samples_close(&samples);
    samples = open_samples();
    assert_int_equal(samples.own.n, 2);
    assert_int_equal(samples.compared.n, 2);
    check_record(&samples, 0, 7, 2);
    check_record(&samples, 1, 3, 5);
    assert_null(grt_samples_find(&samples, 7, GRT_ARITHMETIC_BF16));
    assert_null(grt_samples_find(&samples, 3, GRT_ARITHMETIC_F32));
    const grt_samples_record *found =
        grt_samples_find(&samples, 7, GRT_ARITHMETIC_INT8);
    assert_non_null(found);
    assert_ok(grt_samples_scores(&samples, found, 2, values, &err), &err);
    assert_true(values[1] == score_of(7 + GRT_ARITHMETIC_INT8, 2, 1));
    grt_samples_close(&samples);
}

/* A file without queries takes the arithmetic of who opens it; one with queries keeps
 * its own, also an older one that does not say. */
static void test_the_arithmetic_of_a_file(void **state)
{
    (void)state;
    grt_error err;
    grt_samples_shape finer = shape;
    finer.arithmetic = GRT_ARITHMETIC_F32;
    grt_samples samples = open_samples();
    grt_samples_close(&samples);
    assert_ok(grt_samples_open(&samples, path, &finer, &err), &err);
    assert_int_equal(samples.shape.arithmetic, GRT_ARITHMETIC_F32);
    assert_ok(add(&samples, 7, 2, &err), &err);
    grt_samples_close(&samples);
    samples = open_samples();
    assert_int_equal(samples.shape.arithmetic, GRT_ARITHMETIC_F32);
    grt_samples_close(&samples);
    patch(ARITHMETIC_AT, "", 1);
    samples = open_samples();
    assert_int_equal(samples.shape.arithmetic, GRT_ARITHMETIC_AUTO);
    check_record(&samples, 0, 7, 2);
    grt_samples_close(&samples);
}

static void test_samples_of_another_model(void **state)
{
    (void)state;
    grt_error err;
    grt_samples samples;
    write_three();
    grt_samples_shape others[] = {shape, shape, shape, shape};
    others[0].n_layers++;
    others[1].pooled_size++;
    others[2].fingerprint.words[3]--;
    others[3].fingerprint.weights++;
    for (size_t i = 0; i < 4; i++) {
        assert_refused(grt_samples_open(&samples, path, &others[i], &err), GRT_E_FORMAT,
                       &err, "samples: the samples are of another model");
        grt_samples_close(&samples);
    }
    expect_records(N_RECORDS);
}

/* Every bit of a finished record's header: nothing that was computed is thrown away. */
static void test_damaged_record_headers(void **state)
{
    (void)state;
    size_t n;
    char text[64];
    write_three();
    unsigned char *whole = read_whole(path, &n);
    for (size_t record = 0; record < N_RECORDS; record++) {
        for (size_t bit = 0; bit < (size_t)32 * 8; bit++) {
            size_t at = end_of(record) + bit / 8;
            unsigned char changed = whole[at] ^ (unsigned char)(1u << bit % 8);
            write_whole(path, whole, n);
            patch(at, &changed, 1);
            (void)snprintf(text, sizeof(text),
                           "samples: damaged at byte %zu: ", end_of(record));
            expect_refused(GRT_E_FORMAT, text, (int64_t)end_of(record));
        }
    }
    free(whole);
}

/* With a check that fits it. */
static void patch_number(size_t record, uint64_t n)
{
    uint64_t numbers[] = {n,
                          grt_hash_u64(grt_hash_u64(GRT_HASH_INIT, keys[record]), n)};
    patch(end_of(record) + N_AT, numbers, sizeof(numbers));
}

static void test_impossible_numbers_of_candidates(void **state)
{
    (void)state;
    const uint64_t never[] = {0, 1, UINT64_MAX, UINT64_MAX / 4, UINT64_MAX / 28 + 1};
    const uint64_t cut_off[] = {6, 1000, UINT32_MAX, UINT64_C(1) << 40, INT64_MAX / 28};
    write_three();
    patch_number(1, 5);
    expect_records(N_RECORDS);
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        patch_number(1, never[i]);
        expect_refused(GRT_E_FORMAT, "no record begins there", (int64_t)end_of(1));
    }
    for (size_t i = 0; i < sizeof(cut_off) / sizeof(cut_off[0]); i++) {
        (void)unlink(path);
        write_three();
        patch_number(2, cut_off[i]);
        expect_records(2);
    }
    grt_error err;
    (void)unlink(path);
    grt_samples samples = open_samples();
    assert_refused(
        grt_samples_begin(&samples, 1, SIZE_MAX / 8, GRT_ARITHMETIC_AUTO, &err),
        GRT_E_TOO_LONG, &err, "documents are too many");
    assert_refused(grt_samples_begin(&samples, 1, (size_t)INT64_MAX / 28,
                                     GRT_ARITHMETIC_AUTO, &err),
                   GRT_E_TOO_LONG, &err, "documents are too many");
    assert_ok(add(&samples, 1, 2, &err), &err);
    grt_samples_close(&samples);
}

static void test_values_that_are_not_finite(void **state)
{
    (void)state;
    grt_error err;
    float values[16];
    char text[64];
    const float bad[] = {NAN, INFINITY, -INFINITY};
    write_three();
    size_t score_at = end_of(1) + 32 + 3 * sizeof(float); /* layer 1, fourth */
    size_t state_at = end_of(1) + 32 + (5 + 2 * 4) * sizeof(float); /* the fifth's */
    for (size_t i = 0; i < 3; i++) {
        patch(score_at, &bad[i], sizeof(bad[i]));
        patch(state_at, &bad[i], sizeof(bad[i]));
        grt_samples samples = open_samples();
        assert_int_equal(samples.own.n, N_RECORDS);
        (void)snprintf(text, sizeof(text), "not finite at byte %zu", score_at);
        assert_refused_at(
            grt_samples_scores(&samples, &samples.own.records[1], 1, values, &err),
            GRT_E_FORMAT, &err, text, (int64_t)score_at);
        (void)snprintf(text, sizeof(text), "not finite at byte %zu", state_at);
        assert_refused_at(
            grt_samples_pooled(&samples, &samples.own.records[1], 1, values, &err),
            GRT_E_FORMAT, &err, text, (int64_t)state_at);
        assert_ok(
            grt_samples_scores(&samples, &samples.own.records[1], 2, values, &err),
            &err);
        check_record(&samples, 2, keys[2], counts[2]);
        grt_samples_close(&samples);
    }
}

static void test_a_full_disk_keeps_the_records_before(void **state)
{
    (void)state;
    grt_error err;
    size_t n;
    write_three();
    unsigned char *whole = read_whole(path, &n);
    grt_samples samples = open_samples();
    for (size_t room = 0; room < record_size(4); room += 4) {
        limit_files((rlim_t)(n + room));
        grt_status status = add(&samples, 60, 4, &err);
        limit_files(RLIM_INFINITY);
        assert_refused(status, GRT_E_IO, &err, "samples: writing: ");
        assert_file_holds(path, whole, n);
        assert_int_equal(samples.own.n, N_RECORDS);
    }
    assert_ok(add(&samples, 60, 4, &err), &err); /* room again */
    grt_samples_close(&samples);
    samples = open_samples();
    check_record(&samples, N_RECORDS, 60, 4);
    grt_samples_close(&samples);
    free(whole);
}

static void test_a_disk_too_full_for_the_header(void **state)
{
    (void)state;
    for (rlim_t room = 0; room < HEADER; room += 21) {
        grt_error err;
        grt_samples samples;
        (void)unlink(path);
        limit_files(room);
        grt_status status = grt_samples_open(&samples, path, &shape, &err);
        limit_files(RLIM_INFINITY);
        assert_refused(status, GRT_E_IO, &err, "samples: writing: ");
        grt_samples_close(&samples);
        write_three(); /* once there is room */
        expect_records(N_RECORDS);
    }
}

static void test_a_file_is_open_once(void **state)
{
    (void)state;
    grt_error err;
    grt_samples samples = open_samples(), second;
    assert_refused(grt_samples_open(&second, path, &shape, &err), GRT_E_IO, &err,
                   "samples: another process writes it");
    grt_samples_close(&second);
    assert_ok(add(&samples, 1, 2, &err), &err);
    grt_samples_close(&samples);
}

static void test_running_out_of_memory(void **state)
{
    (void)state;
    size_t n;
    write_three();
    unsigned char *whole = read_whole(path, &n);
    grt_status status = GRT_E_NO_MEMORY;
    for (uint64_t i = 1; status != GRT_OK; i++) {
        grt_error err;
        grt_samples samples;
        assert_true(i < 100);
        grt_memory_fail_nth(i);
        status = grt_samples_open(&samples, path, &shape, &err);
        grt_memory_fail_nth(0);
        if (status != GRT_OK) assert_int_equal(status, GRT_E_NO_MEMORY);
        grt_samples_close(&samples);
        assert_int_equal(grt_memory_now(), 0);
        assert_file_holds(path, whole, n);
    }
    free(whole);
    grt_error err;
    (void)unlink(path);
    grt_samples samples = open_samples();
    grt_memory_fail_nth(1);
    assert_int_equal(add(&samples, 1, 2, &err), GRT_E_NO_MEMORY);
    grt_memory_fail_nth(0);
    assert_int_equal(samples.own.n, 0);
    assert_ok(add(&samples, 2, 2, &err), &err);
    grt_samples_close(&samples);
    samples = open_samples();
    assert_int_equal(samples.own.n, 1);
    check_record(&samples, 0, 2, 2);
    grt_samples_close(&samples);
}

#define SAMPLES_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLES_TEST(test_what_is_put_in_comes_out),
        SAMPLES_TEST(test_many_records),
        SAMPLES_TEST(test_comparisons_stand_beside),
        SAMPLES_TEST(test_the_arithmetic_of_a_file),
        SAMPLES_TEST(test_a_file_cut_anywhere_goes_on),
        SAMPLES_TEST(test_a_record_without_its_mark_is_dropped),
        SAMPLES_TEST(test_an_abandoned_record_leaves_the_file_as_it_was),
        SAMPLES_TEST(test_a_key_that_stands_twice_is_read_twice),
        SAMPLES_TEST(test_files_of_others_are_left_alone),
        SAMPLES_TEST(test_damaged_headers),
        SAMPLES_TEST(test_samples_of_another_model),
        SAMPLES_TEST(test_damaged_record_headers),
        SAMPLES_TEST(test_impossible_numbers_of_candidates),
        SAMPLES_TEST(test_values_that_are_not_finite),
        SAMPLES_TEST(test_a_full_disk_keeps_the_records_before),
        SAMPLES_TEST(test_a_disk_too_full_for_the_header),
        SAMPLES_TEST(test_a_file_is_open_once),
        SAMPLES_TEST(test_running_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
