/* test_small.c - the small parts of base: cursor, checked arithmetic, arena, errors,
 * types. */
#include "test.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/clock.h"
#include "base/dtype.h"
#include "base/hash.h"
#include "base/memory.h"

static void cursor_reads_little_endian(void **state)
{
    (void)state;
    const unsigned char data[] = {1,  2,  3,  4,  5,  6, 7, 8,    9,   10,
                                  11, 12, 13, 14, 15, 0, 0, 0xC0, 0x3F};
    grt_bytes b = grt_bytes_over(data, sizeof(data));
    assert_int_equal(grt_bytes_u8(&b), 0x01);
    assert_int_equal(grt_bytes_u16(&b), 0x0302);
    assert_int_equal(grt_bytes_u32(&b), 0x07060504);
    assert_int_equal(grt_bytes_u64(&b), UINT64_C(0x0F0E0D0C0B0A0908));
    assert_true(grt_bytes_f32(&b) == 1.5f);
    assert_int_equal(grt_bytes_left(&b), 0);
    assert_false(b.is_short);
}

static void cursor_stays_where_it_was_when_short(void **state)
{
    (void)state;
    const unsigned char data[] = {1, 2, 3};
    grt_bytes b = grt_bytes_over(data, sizeof(data));
    assert_ptr_equal(grt_bytes_take(&b, 1), data);
    assert_int_equal(grt_bytes_u32(&b), 0);
    assert_true(b.is_short);
    assert_int_equal(b.offset, 1);
    assert_int_equal(grt_bytes_u8(&b), 0); /* also what would fit */
    assert_int_equal(grt_bytes_left(&b), 0);
    b = grt_bytes_over(data, sizeof(data));
    assert_null(grt_bytes_take(&b, UINT64_MAX));
    assert_true(b.is_short);
}

static void checked_sums_and_products(void **state)
{
    (void)state;
    uint64_t out = 7;
    size_t size = 7;
    assert_true(grt_add_u64(&out, UINT64_MAX - 1, 1) && out == UINT64_MAX);
    out = 7;
    assert_false(grt_add_u64(&out, UINT64_MAX, 1));
    assert_false(grt_mul_u64(&out, UINT64_C(1) << 32, UINT64_C(1) << 32));
    assert_int_equal(out, 7);
    assert_true(grt_mul_u64(&out, UINT64_MAX, 1) && out == UINT64_MAX);
    assert_true(grt_mul_u64(&out, UINT64_MAX, 0) && out == 0);
    assert_false(grt_mul_size(&size, SIZE_MAX / 2, 3));
    assert_false(grt_add_size(&size, SIZE_MAX, 1));
    assert_int_equal(size, 7);
    assert_true(grt_mul_size(&size, 6, 7) && size == 42);
}

static void arena_gives_zeros_that_do_not_overlap(void **state)
{
    (void)state;
    uint64_t before = grt_memory_now();
    grt_arena arena = {0};
    grt_error err;
    enum { N = 3000 };
    static unsigned char *objects[N];
    for (size_t i = 0; i < N; i++) {
        size_t n = i % 97 + (i == 1000 ? 200000 : 0);
        assert_ok(grt_arena_alloc(&arena, &objects[i], n, 1, &err), &err);
        assert_int_equal((uintptr_t)objects[i] % 16, 0);
        for (size_t k = 0; k < n; k++)
            assert_int_equal(objects[i][k], 0);
        memset(objects[i], (int)(i % 251) + 1, n);
    }
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < i % 97; k++)
            assert_int_equal(objects[i][k], i % 251 + 1);
    const char *text;
    assert_ok(grt_arena_copy_text(&arena, &text, "owls at night", 4, &err), &err);
    assert_string_equal(text, "owls");
    assert_refused_at(grt_arena_alloc(&arena, &objects[0], SIZE_MAX / 2, 3, &err),
                      GRT_E_NO_MEMORY, &err, "no memory", -1);
    assert_refused_at(grt_arena_alloc(&arena, &objects[0], SIZE_MAX - 3, 1, &err),
                      GRT_E_NO_MEMORY, &err, "no memory", -1);
    grt_arena_release(&arena);
    assert_null(arena.newest);
    assert_int_equal(grt_memory_now(), before);
}

static void memory_is_accounted(void **state)
{
    (void)state;
    grt_error err;
    uint64_t before = grt_memory_now();
    unsigned char *block;
    assert_ok(grt_alloc_array(&block, 100, 10, "a test", &err), &err);
    assert_int_equal((uintptr_t)block % 64, 0);
    assert_int_equal(grt_memory_now() - before, 1064);
    assert_true(grt_memory_peak() >= before + 1064);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(block[i], 0);
    block[999] = 42;
    assert_ok(grt_realloc_array(&block, 5000, 1, "a test", &err), &err);
    assert_int_equal(block[999], 42);
    assert_int_equal(grt_memory_now() - before, 5064);
    grt_memory_fail_nth(1);
    assert_refused_at(grt_realloc_array(&block, 9000, 1, "a test", &err),
                      GRT_E_NO_MEMORY, &err, "no memory for a test (9000 x 1 bytes)",
                      -1);
    assert_int_equal(block[999], 42);
    assert_refused_at(grt_alloc_array(&block, SIZE_MAX / 2, 3, "a test", &err),
                      GRT_E_NO_MEMORY, &err, "no memory for a test", -1);
    grt_free(block);
    grt_free(NULL);
    assert_int_equal(grt_memory_now(), before);
}

/* Blocks that grow and shrink through sizes where they get pages of their own. */
static void blocks_keep_their_bytes_when_resized(void **state)
{
    (void)state;
    static const size_t sizes[] = {1000,   200000,  262000, 262144, 3000000, 9000000,
                                   262145, 5000000, 100,    700000, 40};
    enum { N = sizeof(sizes) / sizeof(sizes[0]) };
    grt_error err;
    uint64_t before = grt_memory_now();
    unsigned char *block = NULL;
    size_t kept = 0;
    for (size_t s = 0; s < N; s++) {
        if (block) {
            grt_memory_fail_nth(1);
            assert_int_equal(grt_realloc_array(&block, sizes[s], 1, "a test", &err),
                             GRT_E_NO_MEMORY);
            assert_int_equal(grt_memory_now() - before, sizes[s - 1] + 64);
        }
        assert_ok(grt_realloc_array(&block, sizes[s], 1, "a test", &err), &err);
        assert_int_equal((uintptr_t)block % 64, 0);
        assert_int_equal(grt_memory_now() - before, sizes[s] + 64);
        if (sizes[s] < kept) kept = sizes[s];
        for (size_t i = 0; i < kept; i += 7)
            assert_int_equal(block[i], (unsigned char)(i * 13 + s - 1));
        kept = sizes[s];
        for (size_t i = 0; i < kept; i++)
            block[i] = (unsigned char)(i * 13 + s);
    }
    grt_free(block);
    assert_int_equal(grt_memory_now(), before);
}

static void pages_are_resident_once_written(void **state)
{
    (void)state;
    enum { SIZE = 24 << 20, PAGE = 4096 };
    grt_error err;
    unsigned char *block, *small;
    assert_int_equal(grt_memory_resident(NULL), 0);
    assert_ok(grt_alloc(&small, 1000, "a test", &err), &err);
    assert_true(grt_memory_resident(small) >= 1000);
    assert_ok(grt_alloc(&block, SIZE, "a test", &err), &err);
    if (!GRT_TEST_SANITIZED) {
        uint64_t untouched = grt_memory_resident(block);
        assert_true(untouched <= 4 << 20); /* large pages may come with the header */
        for (size_t i = 12 << 20; i < SIZE; i += PAGE)
            block[i] = 1;
        uint64_t half = grt_memory_resident(block);
        assert_true(half >= untouched + (8 << 20) && half <= 20 << 20);
    }
    for (size_t i = 0; i < SIZE; i += PAGE)
        block[i] = 1;
    assert_true(grt_memory_resident(block) >= SIZE);
    grt_free(block);
    grt_free(small);
}

static void the_nth_allocation_fails_once(void **state)
{
    (void)state;
    void *block;
    grt_memory_fail_nth(3);
    for (int i = 1; i <= 5; i++) {
        grt_status status = grt_alloc(&block, 1, "a test", NULL);
        assert_int_equal(status, i == 3 ? GRT_E_NO_MEMORY : GRT_OK);
        if (status == GRT_OK) grt_free(block);
    }
}

static void errors_carry_context(void **state)
{
    (void)state;
    grt_error err;
    assert_int_equal(grt_error_set(&err, GRT_E_FORMAT, 9, "tensor %d", 4),
                     GRT_E_FORMAT);
    grt_error_prepend(&err, "layer %d", 7);
    assert_string_equal(err.text, "layer 7: tensor 4");
    assert_int_equal(err.offset, 9);
    assert_int_equal(grt_error_set(NULL, GRT_E_IO, -1, "nobody reads this"), GRT_E_IO);
    char longer[400];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    (void)grt_error_set(&err, GRT_E_IO, -1, "%s", longer);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    grt_error_prepend(&err, "%s", longer);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_string_equal(grt_status_text(GRT_E_NOT_FOUND), "file not found");
    assert_string_equal(grt_status_text((grt_status)-99), "unknown status");
}

static void types_know_their_sizes(void **state)
{
    (void)state;
    uint64_t n = 5;
    assert_true(grt_dtype_bytes(&n, GRT_DTYPE_F32, 3) && n == 12);
    assert_true(grt_dtype_bytes(&n, GRT_DTYPE_BF16, 3) && n == 6);
    assert_true(grt_dtype_bytes(&n, GRT_DTYPE_Q8_0, 64) && n == 68);
    assert_false(grt_dtype_bytes(&n, GRT_DTYPE_Q8_0, 63));
    assert_false(grt_dtype_bytes(&n, GRT_DTYPE_F32, UINT64_MAX / 2));
    assert_false(grt_dtype_bytes(&n, GRT_DTYPE_OTHER, 1));
    assert_int_equal(n, 68);
    assert_true(grt_dtype_bytes(&n, GRT_DTYPE_Q6_K, 512) && n == 420);
    assert_false(grt_dtype_bytes(&n, GRT_DTYPE_Q6_K, 128));
    assert_string_equal(grt_dtype_name(GRT_DTYPE_Q8_0), "Q8_0");
    assert_string_equal(grt_dtype_name(GRT_DTYPE_OTHER), "other");
    assert_string_equal(
        grt_dtype_names(),
        "F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K");
}

static void the_clock_moves_on(void **state)
{
    (void)state;
    uint64_t start = grt_clock_ns(), now = start;
    while (now == start)
        now = grt_clock_ns();
    assert_true(now > start && now - start < UINT64_C(1000000000));
}

/* Vectors of the algorithm's authors. */
static void hashes_are_fnv_1a(void **state)
{
    (void)state;
    assert_int_equal(grt_hash_bytes(GRT_HASH_INIT, "", 0),
                     UINT64_C(0xcbf29ce484222325));
    assert_int_equal(grt_hash_bytes(GRT_HASH_INIT, "a", 1),
                     UINT64_C(0xaf63dc4c8601ec8c));
    uint64_t whole = grt_hash_bytes(GRT_HASH_INIT, "foobar", 6);
    assert_int_equal(whole, UINT64_C(0x85944171f73967e8));
    uint64_t half = grt_hash_bytes(GRT_HASH_INIT, "foo", 3);
    assert_int_equal(grt_hash_bytes(half, "bar", 3), whole);
    assert_int_equal(
        grt_hash_u64(GRT_HASH_INIT, UINT64_C(0x8070605040302010)),
        grt_hash_bytes(GRT_HASH_INIT, "\x10\x20\x30\x40\x50\x60\x70\x80", 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cursor_reads_little_endian),
        cmocka_unit_test(cursor_stays_where_it_was_when_short),
        cmocka_unit_test(checked_sums_and_products),
        cmocka_unit_test(hashes_are_fnv_1a),
        cmocka_unit_test(arena_gives_zeros_that_do_not_overlap),
        cmocka_unit_test(memory_is_accounted),
        cmocka_unit_test(pages_are_resident_once_written),
        cmocka_unit_test(blocks_keep_their_bytes_when_resized),
        cmocka_unit_test(the_nth_allocation_fails_once),
        cmocka_unit_test(errors_carry_context),
        cmocka_unit_test(types_know_their_sizes),
        cmocka_unit_test(the_clock_moves_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
