/* test_chunks.c - chunks are whole sequences, cover all of them, and keep to the limit.
 */
#include "test.h"

#include "rank/session.h"

static void test_chunks_cover_all_sequences(void **state)
{
    (void)state;
    uint32_t seed = 7;
    for (int round = 0; round < 500; round++) {
        size_t offsets[41] = {0};
        seed = seed * 1664525u + 1013904223u;
        size_t n = 1 + (seed >> 24) % 40;
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525u + 1013904223u;
            offsets[i + 1] = offsets[i] + 1 + (seed >> 22) % 100;
        }
        size_t max_rows = 1 + (seed >> 10) % 300;
        size_t first = 0;
        while (first < n) {
            size_t end = grt_chunk_end(offsets, n, first, max_rows);
            assert_true(end > first && end <= n);
            size_t rows = offsets[end] - offsets[first];
            assert_true(rows <= max_rows || end == first + 1);
            if (end < n) assert_true(offsets[end + 1] - offsets[first] > max_rows);
            first = end;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks_cover_all_sequences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
