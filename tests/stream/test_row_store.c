/* test_row_store.c - rows that go through passes against rows in plain arrays: all
 * storages, chunk sizes, rows that leave, and disks that fail. */
#include "test.h"

#include "base/memory.h"
#include "rank/layout.h"
#include "stream/row_store.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <unistd.h>

enum { WIDTH = 5, N_RANGES = 24, MAX_RANGE = 9, MAX_ROWS = N_RANGES * MAX_RANGE };

static const grt_row_storage storages[] = {GRT_ROWS_F32, GRT_ROWS_BF16, GRT_ROWS_FILE};
enum { N_STORAGES = sizeof(storages) / sizeof(storages[0]) };

static uint32_t seed = 1;

static size_t below(size_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static int set_up(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN); /* a file limit then fails with EFBIG */
    return 0;
}

/* Ranges of rows that are still there, and what their rows should be. */
typedef struct model {
    grt_row_range ranges[N_RANGES];
    size_t n;
    size_t n_rows;
    float rows[MAX_ROWS][WIDTH];
    size_t chunk_ends[N_RANGES];
    size_t chunk_rows;
} model;

static void init_model(model *m, size_t n_ranges, size_t chunk_rows)
{
    *m = (model){.n = n_ranges, .chunk_rows = chunk_rows};
    for (size_t i = 0; i < n_ranges; i++) {
        m->ranges[i] = (grt_row_range){m->n_rows, 1 + below(MAX_RANGE)};
        m->n_rows += m->ranges[i].n;
    }
}

static grt_row_store *new_store(const model *m, grt_row_storage storage)
{
    grt_error err;
    grt_row_store *store = NULL;
    size_t largest = m->chunk_rows > MAX_RANGE ? m->chunk_rows : (size_t)MAX_RANGE;
    grt_row_store_options options = {storage, m->n_rows, WIDTH, largest, "/tmp"};
    uint64_t before = grt_memory_now();
    assert_ok(grt_row_store_create(&store, &options, &err), &err);
    uint64_t taken = grt_memory_now() - before;
    assert_true(taken <= grt_row_store_bytes(&options) + 1024); /* headers of blocks */
    return store;
}

/* Rounds to 8 significant bits, ties to even, in another way than the store. */
static float rounded(float x)
{
    int exponent;
    double part = frexp((double)x, &exponent);
    return (float)ldexp(nearbyint(ldexp(part, 8)), exponent - 8);
}

static float changed(float value, size_t row, size_t column, int layer)
{
    if (layer == 0) return (float)row + (float)column * 0.37f - 20.0f;
    return value * 0.91f + (float)layer * 0.123f;
}

/* Checks one open chunk and works on it, in the store's rows and in the model's. */
static void work_on(model *m, size_t chunk, int layer, float *rows, bool is_bf16)
{
    size_t at = 0;
    for (size_t i = chunk ? m->chunk_ends[chunk - 1] : 0; i < m->chunk_ends[chunk]; i++)
        for (size_t r = 0; r < m->ranges[i].n; r++)
            for (size_t c = 0; c < WIDTH; c++, at++) {
                size_t row = m->ranges[i].first + r;
                float *wanted = &m->rows[row][c];
                if (layer > 0 && rows[at] != *wanted)
                    fail_msg("layer %d, row %zu: %.9g, not %.9g", layer, row,
                             (double)rows[at], (double)*wanted);
                rows[at] = changed(*wanted, row, c, layer);
                *wanted = is_bf16 ? rounded(rows[at]) : rows[at];
                if (is_bf16)
                    assert_true(fabsf(*wanted - rows[at]) <= fabsf(rows[at]) / 256);
            }
}

static grt_row_pass pass_of(model *m, bool is_first, bool is_last)
{
    size_t n_chunks = grt_layout_chunks(m->ranges, m->n, m->chunk_rows, m->chunk_ends);
    return (grt_row_pass){m->ranges, m->chunk_ends, n_chunks, is_first, is_last};
}

static void run_pass(grt_row_store *store, model *m, int layer, bool is_last,
                     bool is_bf16)
{
    grt_error err;
    grt_row_pass pass = pass_of(m, layer == 0, is_last);
    grt_row_store_begin(store, &pass);
    for (size_t chunk = 0; chunk < pass.n_chunks; chunk++) {
        float *rows;
        assert_ok(grt_row_store_open(store, &rows, &err), &err);
        work_on(m, chunk, layer, rows, is_bf16);
        grt_row_store_close(store);
    }
    assert_ok(grt_row_store_end(store, &err), &err);
}

static void drop_some(model *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        if (below(4) > 0) m->ranges[n++] = m->ranges[i];
    m->n = n;
}

static void test_rows_come_back_as_they_were_left(void **state)
{
    (void)state;
    for (size_t s = 0; s < N_STORAGES; s++)
        for (size_t chunk_rows = 1; chunk_rows <= MAX_ROWS;
             chunk_rows += 1 + chunk_rows / 3)
            for (size_t n = 1; n <= N_RANGES; n += 1 + below(5)) {
                model m;
                init_model(&m, n, chunk_rows);
                grt_row_store *store = new_store(&m, storages[s]);
                for (int layer = 0; layer < 5; layer++)
                    run_pass(store, &m, layer, layer == 4,
                             storages[s] == GRT_ROWS_BF16);
                grt_row_store_free(store);
            }
    grt_row_store_free(NULL);
}

static void test_rows_keep_their_places_when_others_leave(void **state)
{
    (void)state;
    for (size_t s = 0; s < N_STORAGES; s++)
        for (int round = 0; round < 60; round++) {
            model m;
            init_model(&m, N_RANGES, 1 + below(40));
            grt_row_store *store = new_store(&m, storages[s]);
            for (int layer = 0; layer < 8; layer++) {
                m.chunk_rows = 1 + below(m.chunk_rows); /* no larger than at creation */
                run_pass(store, &m, layer, layer == 7, storages[s] == GRT_ROWS_BF16);
                drop_some(&m);
            }
            grt_row_store_free(store);
        }
}

/* A pass that is cancelled after some chunks, then a request from the start. */
static void test_a_pass_may_end_early(void **state)
{
    (void)state;
    grt_error err;
    for (size_t s = 0; s < N_STORAGES; s++)
        for (int stop_layer = 0; stop_layer < 3; stop_layer++)
            for (size_t stop_chunk = 0; stop_chunk <= 6; stop_chunk++) {
                bool is_bf16 = storages[s] == GRT_ROWS_BF16;
                model m;
                init_model(&m, N_RANGES, 2 * MAX_RANGE);
                grt_row_store *store = new_store(&m, storages[s]);
                for (int layer = 0; layer < stop_layer; layer++)
                    run_pass(store, &m, layer, false, is_bf16);
                grt_row_pass pass = pass_of(&m, stop_layer == 0, false);
                assert_true(pass.n_chunks > stop_chunk);
                grt_row_store_begin(store, &pass);
                for (size_t chunk = 0; chunk < stop_chunk; chunk++) {
                    float *rows;
                    assert_ok(grt_row_store_open(store, &rows, &err), &err);
                    work_on(&m, chunk, stop_layer, rows, is_bf16);
                    grt_row_store_close(store);
                }
                assert_ok(grt_row_store_end(store, &err), &err);
                for (int layer = 0; layer < 3; layer++)
                    run_pass(store, &m, layer, layer == 2, is_bf16);
                grt_row_store_free(store);
            }
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

/* Through a store of one range and back. */
static void store_and_load(grt_row_storage storage, const float *in, float *out,
                           size_t n)
{
    grt_error err;
    grt_row_store *store = NULL;
    grt_row_store_options options = {storage, 1, n, 1, NULL};
    assert_ok(grt_row_store_create(&store, &options, &err), &err);
    grt_row_range range = {0, 1};
    size_t end = 1;
    for (int layer = 0; layer < 2; layer++) {
        grt_row_pass pass = {&range, &end, 1, layer == 0, layer == 1};
        float *rows;
        grt_row_store_begin(store, &pass);
        assert_ok(grt_row_store_open(store, &rows, &err), &err);
        if (layer == 0)
            memcpy(rows, in, n * sizeof(float));
        else
            memcpy(out, rows, n * sizeof(float));
        grt_row_store_close(store);
        assert_ok(grt_row_store_end(store, &err), &err);
    }
    grt_row_store_free(store);
}

static void test_bf16_rounds_to_nearest_and_ties_to_even(void **state)
{
    (void)state;
    enum { N = 4096 };
    static float in[N], out[N];
    for (size_t i = 0; i < N; i++) {
        uint32_t bits = (uint32_t)(below(1 << 16) << 16 | below(1 << 16));
        if (i % 4 == 0) bits = (bits & 0xFFFF0000) | 0x8000; /* a tie */
        if ((bits >> 23 & 0xFF) == 0xFF || (bits >> 23 & 0xFF) == 0) bits ^= 0x20000000;
        memcpy(&in[i], &bits, sizeof(bits));
    }
    store_and_load(GRT_ROWS_BF16, in, out, N);
    for (size_t i = 0; i < N; i++)
        if (bits_of(out[i]) != bits_of(rounded(in[i])))
            fail_msg("%a became %a, not %a", (double)in[i], (double)out[i],
                     (double)rounded(in[i]));
}

static void test_what_is_not_finite_stays_what_it_is(void **state)
{
    (void)state;
    const float in[] = {INFINITY, -INFINITY, NAN,           -NAN,
                        0.0f,     -0.0f,     3.4028234e38f, 1e-45f};
    enum { N = sizeof(in) / sizeof(in[0]) };
    float out[N], payload;
    store_and_load(GRT_ROWS_BF16, in, out, N);
    assert_int_equal(bits_of(out[0]), bits_of(INFINITY));
    assert_int_equal(bits_of(out[1]), bits_of(-INFINITY));
    assert_true(isnan(out[2]) && isnan(out[3]));
    assert_int_equal(bits_of(out[4]), 0);
    assert_int_equal(bits_of(out[5]), 0x80000000u);
    assert_true(out[6] == INFINITY && out[7] == 0.0f);
    const uint32_t low_nan = 0x7F800001; /* all its bits are cut off */
    memcpy(&payload, &low_nan, sizeof(payload));
    store_and_load(GRT_ROWS_BF16, &payload, out, 1);
    assert_true(isnan(out[0]));
    for (size_t s = 0; s < N_STORAGES; s++) {
        if (storages[s] == GRT_ROWS_BF16) continue;
        store_and_load(storages[s], in, out, N);
        assert_memory_equal(out, in, sizeof(in));
    }
}

/* ---- What goes wrong ---- */

static void limit_files(rlim_t n_bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = n_bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The store's file is the next descriptor that is opened. */
static int next_descriptor(void)
{
    int fd = open("/dev/null", O_RDONLY);
    assert_true(fd >= 0);
    (void)close(fd);
    return fd;
}

/* A pass that stops at the first error; the error of open goes before that of end. */
static grt_status pass_until_error(grt_row_store *store, model *m, int layer,
                                   grt_error *err)
{
    grt_row_pass pass = pass_of(m, layer == 0, false);
    grt_error ignored;
    grt_status status = GRT_OK;
    grt_row_store_begin(store, &pass);
    for (size_t chunk = 0; chunk < pass.n_chunks && status == GRT_OK; chunk++) {
        float *rows;
        status = grt_row_store_open(store, &rows, err);
        if (status != GRT_OK) break;
        work_on(m, chunk, layer, rows, false);
        grt_row_store_close(store);
    }
    grt_status ended = grt_row_store_end(store, status == GRT_OK ? err : &ignored);
    return status == GRT_OK ? ended : status;
}

static void run_request(grt_row_store *store, model *m)
{
    for (int layer = 0; layer < 3; layer++)
        run_pass(store, m, layer, layer == 2, false);
}

static void test_rows_that_cannot_be_written_end_the_pass(void **state)
{
    (void)state;
    for (size_t limit_rows = 0; limit_rows < N_RANGES; limit_rows += 2)
        for (size_t chunk_rows = 9; chunk_rows <= MAX_ROWS + 9; chunk_rows *= 3) {
            grt_error err;
            model m;
            init_model(&m, N_RANGES, chunk_rows);
            grt_row_store *store = new_store(&m, GRT_ROWS_FILE);
            limit_files(limit_rows * WIDTH * sizeof(float) + 7);
            grt_status status = pass_until_error(store, &m, 0, &err);
            limit_files(RLIM_INFINITY);
            assert_refused(status, GRT_E_IO, &err,
                           "writing a temporary file: File too large");
            run_request(store, &m); /* the disk has room again */
            grt_row_store_free(store);
        }
}

static void test_rows_that_cannot_be_read_end_the_pass(void **state)
{
    (void)state;
    for (size_t lost_row = 0; lost_row < N_RANGES; lost_row += 2)
        for (size_t chunk_rows = 9; chunk_rows <= MAX_ROWS + 9; chunk_rows *= 3) {
            grt_error err;
            model m;
            init_model(&m, N_RANGES, chunk_rows);
            int fd = next_descriptor();
            grt_row_store *store = new_store(&m, GRT_ROWS_FILE);
            run_pass(store, &m, 0, false, false);
            assert_int_equal(
                ftruncate(fd, (off_t)(lost_row * WIDTH * sizeof(float) + 3)), 0);
            assert_refused(pass_until_error(store, &m, 1, &err), GRT_E_IO, &err,
                           "reading a temporary file: it is shorter");
            run_request(store, &m);
            grt_row_store_free(store);
        }
}

/* Freed in the middle of a pass, with reads and writes under way. */
static void test_a_store_may_be_freed_at_any_time(void **state)
{
    (void)state;
    uint64_t before = grt_memory_now();
    int fd = next_descriptor();
    for (size_t stop = 0; stop < 5; stop++) {
        grt_error err;
        model m;
        init_model(&m, N_RANGES, MAX_RANGE);
        grt_row_store *store = new_store(&m, GRT_ROWS_FILE);
        run_pass(store, &m, 0, false, false);
        grt_row_pass pass = pass_of(&m, false, false);
        grt_row_store_begin(store, &pass);
        for (size_t chunk = 0; chunk < stop; chunk++) {
            float *rows;
            assert_ok(grt_row_store_open(store, &rows, &err), &err);
            grt_row_store_close(store);
        }
        grt_row_store_free(store);
    }
    assert_int_equal(grt_memory_now(), before);
    assert_int_equal(next_descriptor(), fd);
}

static void test_creation_fails_cleanly(void **state)
{
    (void)state;
    grt_error err;
    grt_row_store *store = NULL;
    uint64_t before = grt_memory_now();
    int fd = next_descriptor();
    grt_row_store_options options = {GRT_ROWS_FILE, 10, 4, 5, "/nowhere/at/all"};
    assert_refused(grt_row_store_create(&store, &options, &err), GRT_E_IO, &err,
                   "/nowhere/at/all: no temporary file of 160 bytes");
    options.directory = "/tmp";
    limit_files(100);
    grt_status status = grt_row_store_create(&store, &options, &err);
    limit_files(RLIM_INFINITY);
    assert_refused(status, GRT_E_IO, &err, "/tmp: no temporary file of 160 bytes");
    for (size_t s = 0; s < N_STORAGES; s++) {
        options = (grt_row_store_options){storages[s], SIZE_MAX / 8, 16, 5, NULL};
        assert_refused(grt_row_store_create(&store, &options, &err), GRT_E_NO_MEMORY,
                       &err, "no memory for hidden states");
        options = (grt_row_store_options){storages[s], 10, 4, 5, NULL};
        for (uint64_t nth = 1;; nth++) {
            grt_memory_fail_nth(nth);
            status = grt_row_store_create(&store, &options, &err);
            grt_memory_fail_nth(0);
            if (status == GRT_OK) break;
            assert_int_equal(status, GRT_E_NO_MEMORY);
            assert_null(store);
            assert_true(nth < 20);
        }
        grt_row_store_free(store);
        store = NULL;
    }
    assert_int_equal(grt_memory_now(), before);
    assert_int_equal(next_descriptor(), fd);
}

static void test_bytes_are_counted_or_refused(void **state)
{
    (void)state;
    grt_row_store_options options = {GRT_ROWS_F32, 1000, 10, 100, NULL};
    size_t f32 = grt_row_store_bytes(&options);
    options.storage = GRT_ROWS_BF16;
    assert_int_equal(grt_row_store_bytes(&options), f32 - 1000 * 10 * 2);
    options.storage = GRT_ROWS_FILE;
    assert_int_equal(grt_row_store_bytes(&options), f32 - 1000 * 40 + 2 * 100 * 40);
    options.n_rows = SIZE_MAX / 4;
    assert_true(grt_row_store_bytes(&options) == SIZE_MAX);
    options.n_rows = 1;
    options.chunk_rows = SIZE_MAX / 16;
    assert_true(grt_row_store_bytes(&options) == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_come_back_as_they_were_left),
        cmocka_unit_test(test_rows_keep_their_places_when_others_leave),
        cmocka_unit_test(test_a_pass_may_end_early),
        cmocka_unit_test(test_bf16_rounds_to_nearest_and_ties_to_even),
        cmocka_unit_test(test_what_is_not_finite_stays_what_it_is),
        cmocka_unit_test(test_rows_that_cannot_be_written_end_the_pass),
        cmocka_unit_test(test_rows_that_cannot_be_read_end_the_pass),
        cmocka_unit_test(test_a_store_may_be_freed_at_any_time),
        cmocka_unit_test(test_creation_fails_cleanly),
        cmocka_unit_test(test_bytes_are_counted_or_refused),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
