/* test_row_cache.c - the cache of table rows against a list in order of use. */
#include "test.h"

#include "base/memory.h"
#include "io/faulty_file.h"
#include "stream/row_cache.h"

#include <errno.h>

enum { N_ROWS = 40, ROW_BYTES = 24, OFFSET = 100, SIZE = OFFSET + N_ROWS * ROW_BYTES };

static unsigned char data[SIZE];
static uint32_t seed = 1;

static size_t below(size_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (unsigned char)(i * 31 + (i >> 8) * 7);
    return 0;
}

/* Rows that should be cached, the last used one first. */
typedef struct model {
    size_t rows[N_ROWS];
    size_t n, capacity;
} model;

/* Puts the row first; returns whether it was there. */
static int model_use(model *m, size_t row)
{
    size_t at = 0;
    while (at < m->n && m->rows[at] != row)
        at++;
    int was_there = at < m->n;
    if (!was_there && m->n < m->capacity) m->n++;
    if (at >= m->n) at = m->n - 1;
    memmove(m->rows + 1, m->rows, at * sizeof(m->rows[0]));
    m->rows[0] = row;
    return was_there;
}

typedef struct fixture {
    faulty_file source;
    grt_file *file;
    grt_row_cache *cache;
} fixture;

static void open_cache(fixture *f, size_t n_cached)
{
    grt_error err;
    memset(f, 0, sizeof(*f));
    f->source = (faulty_file){.data = data, .size = SIZE};
    assert_ok(faulty_open(&f->file, &f->source, "table", &err), &err);
    grt_row_table table = {f->file, OFFSET, N_ROWS, ROW_BYTES};
    uint64_t before = grt_memory_now();
    assert_ok(grt_row_cache_create(&f->cache, &table, n_cached, &err), &err);
    assert_true(grt_memory_now() - before <=
                grt_row_cache_bytes(N_ROWS, ROW_BYTES, n_cached) + 4 * 64);
}

static void close_cache(fixture *f)
{
    grt_row_cache_free(f->cache);
    grt_file_close(f->file);
}

static void use(fixture *f, model *m, size_t row)
{
    grt_error err;
    const void *found;
    int n_reads = f->source.n_reads;
    uint64_t n_bytes = grt_row_cache_bytes_read(f->cache);
    int is_hit = model_use(m, row);
    assert_ok(grt_row_cache_get(f->cache, row, &found, &err), &err);
    assert_memory_equal(found, data + OFFSET + row * ROW_BYTES, ROW_BYTES);
    assert_int_equal(f->source.n_reads - n_reads, !is_hit);
    assert_int_equal(grt_row_cache_bytes_read(f->cache) - n_bytes,
                     is_hit ? 0 : ROW_BYTES);
}

static void test_the_row_used_longest_ago_goes_first(void **state)
{
    (void)state;
    for (size_t capacity = 1; capacity <= N_ROWS; capacity++) {
        fixture f;
        model m = {.capacity = capacity};
        open_cache(&f, capacity);
        for (int step = 0; step < 2000; step++) /* a few rows are asked for often */
            use(&f, &m, below(3) ? below(1 + capacity / 2) : below(N_ROWS));
        close_cache(&f);
    }
}

static void test_any_capacity_is_brought_into_range(void **state)
{
    (void)state;
    const size_t asked[] = {0, 1, N_ROWS, N_ROWS + 1, SIZE_MAX};
    const size_t given[] = {1, 1, N_ROWS, N_ROWS, N_ROWS};
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        fixture f;
        model m = {.capacity = given[i]};
        open_cache(&f, asked[i]);
        for (int pass = 0; pass < 2; pass++)
            for (size_t row = 0; row < N_ROWS; row++)
                use(&f, &m, row);
        assert_int_equal(grt_row_cache_bytes(N_ROWS, ROW_BYTES, asked[i]),
                         grt_row_cache_bytes(N_ROWS, ROW_BYTES, given[i]));
        close_cache(&f);
    }
    grt_row_cache_free(NULL);
}

static void test_rows_read_in_pieces_are_whole(void **state)
{
    (void)state;
    fixture f;
    open_cache(&f, 3);
    f.source.piece = 5;
    for (size_t row = 0; row < N_ROWS; row++) {
        grt_error err;
        const void *found;
        assert_ok(grt_row_cache_get(f.cache, row, &found, &err), &err);
        assert_memory_equal(found, data + OFFSET + row * ROW_BYTES, ROW_BYTES);
    }
    close_cache(&f);
}

/* A failed read costs the row that it was to replace, and nothing else. */
static void model_lose_oldest(model *m)
{
    if (m->n == m->capacity) m->n--;
}

static void test_failing_reads_leave_the_cache_right(void **state)
{
    (void)state;
    for (size_t capacity = 1; capacity <= 12; capacity++) {
        fixture f;
        model m = {.capacity = capacity};
        open_cache(&f, capacity);
        for (int step = 0; step < 2000; step++) {
            grt_error err;
            const void *found = NULL;
            size_t row = below(N_ROWS), kind = below(6);
            size_t cached = 0;
            while (cached < m.n && m.rows[cached] != row)
                cached++;
            if (kind > 1 || cached < m.n) {
                use(&f, &m, row);
                continue;
            }
            uint64_t n_bytes = grt_row_cache_bytes_read(f.cache);
            if (kind == 0) {
                f.source.fail_read = f.source.n_reads + 1;
                f.source.fail_code = EIO;
                assert_refused(grt_row_cache_get(f.cache, row, &found, &err), GRT_E_IO,
                               &err, "table: reading at byte");
            } else {
                f.source.shrinks_at =
                    OFFSET + row * ROW_BYTES + 1 + below(ROW_BYTES - 1);
                assert_refused(grt_row_cache_get(f.cache, row, &found, &err),
                               GRT_E_FORMAT, &err, "table: truncated");
                f.source.shrinks_at = 0;
            }
            model_lose_oldest(&m);
            assert_null(found);
            assert_int_equal(grt_row_cache_bytes_read(f.cache), n_bytes);
        }
        close_cache(&f);
    }
}

/* Hints are not reads: nothing is cached, counted or moved. */
static void test_expecting_rows_changes_nothing(void **state)
{
    (void)state;
    fixture f;
    model m = {.capacity = 4};
    open_cache(&f, 4);
    int32_t rows[N_ROWS];
    for (int32_t i = 0; i < N_ROWS; i++)
        rows[i] = (i * 7) % N_ROWS;
    for (int step = 0; step < 200; step++) {
        int n_reads = f.source.n_reads;
        grt_row_cache_expect(f.cache, rows, below(N_ROWS + 1));
        assert_int_equal(f.source.n_reads, n_reads);
        use(&f, &m, below(8));
    }
    close_cache(&f);
}

static void test_memory_is_counted_or_refused(void **state)
{
    (void)state;
    grt_error err;
    faulty_file source = {.data = data, .size = SIZE};
    grt_file *file;
    assert_ok(faulty_open(&file, &source, "table", &err), &err);
    assert_true(grt_row_cache_bytes(SIZE_MAX / 2, ROW_BYTES, 1) == SIZE_MAX);
    assert_true(grt_row_cache_bytes(1 << 20, SIZE_MAX / 4, 8) == SIZE_MAX);
    grt_row_table table = {file, 0, 1000, SIZE_MAX / 8};
    grt_row_cache *cache = NULL;
    uint64_t before = grt_memory_now();
    assert_refused(grt_row_cache_create(&cache, &table, 100, &err), GRT_E_NO_MEMORY,
                   &err, "no memory for cached rows");
    table = (grt_row_table){file, OFFSET, N_ROWS, ROW_BYTES};
    for (uint64_t nth = 1; nth <= 4; nth++) {
        grt_memory_fail_nth(nth);
        assert_int_equal(grt_row_cache_create(&cache, &table, 4, &err),
                         GRT_E_NO_MEMORY);
        assert_null(cache);
        assert_int_equal(grt_memory_now(), before);
    }
    grt_memory_fail_nth(0);
    grt_file_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_row_used_longest_ago_goes_first),
        cmocka_unit_test(test_any_capacity_is_brought_into_range),
        cmocka_unit_test(test_rows_read_in_pieces_are_whole),
        cmocka_unit_test(test_failing_reads_leave_the_cache_right),
        cmocka_unit_test(test_expecting_rows_changes_nothing),
        cmocka_unit_test(test_memory_is_counted_or_refused),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
