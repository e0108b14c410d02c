/* test_chunks.c - chunks are whole sequences, cover all of them, and keep to the limit.
 */
#include "test.h"

#include "rank/layout.h"

static void test_chunks_cover_all_sequences(void **state)
{
    (void)state;
    uint32_t seed = 7;
    for (int round = 0; round < 500; round++) {
        grt_row_range ranges[40];
        size_t ends[40], row = 0;
        seed = seed * 1664525u + 1013904223u;
        size_t n = 1 + (seed >> 24) % 40;
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525u + 1013904223u;
            ranges[i] = (grt_row_range){row, 1 + (seed >> 22) % 100};
            row += ranges[i].n;
        }
        size_t max_rows = 1 + (seed >> 10) % 300;
        size_t n_chunks = grt_layout_chunks(ranges, n, max_rows, ends), first = 0;
        for (size_t c = 0; c < n_chunks; c++) {
            assert_true(ends[c] > first && ends[c] <= n);
            const grt_row_range *last = &ranges[ends[c] - 1];
            size_t rows = last->first + last->n - ranges[first].first;
            assert_true(rows <= max_rows || ends[c] == first + 1);
            if (ends[c] < n) assert_true(rows + ranges[ends[c]].n > max_rows);
            first = ends[c];
        }
        assert_int_equal(first, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks_cover_all_sequences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
