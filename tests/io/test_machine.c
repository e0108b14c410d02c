/* test_machine.c - what the system says about memory follows what the process does. */
#include "test.h"

#include "io/machine.h"

#include <sys/mman.h>
#include <sys/prctl.h>

enum { MIB = 1 << 20, BLOCK = 64 * MIB };

static void *touch_block(void)
{
    unsigned char *block =
        mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(block != MAP_FAILED);
    for (size_t i = 0; i < BLOCK; i += 4096)
        block[i] = 1;
    return block;
}

static void test_resident_bytes_follow_pages(void **state)
{
    (void)state;
    if (!GRT_TEST_LINUX) skip();
    uint64_t before = grt_resident_bytes();
    assert_true(before > MIB / 4);
    void *block = touch_block();
    uint64_t with = grt_resident_bytes();
    assert_true(with >= before + BLOCK - 4 * MIB);
    if (!GRT_TEST_SANITIZED) assert_true(with <= before + BLOCK + 16 * MIB);
    (void)munmap(block, BLOCK);
    assert_true(grt_resident_bytes() <= with - BLOCK + 4 * MIB);
    assert_true(grt_resident_peak_bytes() >= with - 4 * MIB); /* a peak stays */
}

static void test_available_bytes_are_plausible(void **state)
{
    (void)state;
    if (!GRT_TEST_LINUX) skip();
    uint64_t available = grt_available_bytes();
    assert_true(available > 16 * MIB);
    assert_true(available < (uint64_t)1 << 50);
}

/* A process may call itself anything: its name stands first in /proc/self/status. */
static void test_a_name_like_a_key_is_not_read(void **state)
{
    (void)state;
    if (!GRT_TEST_LINUX) skip();
    uint64_t rss = grt_resident_bytes(), peak = grt_resident_peak_bytes();
    assert_int_equal(prctl(PR_SET_NAME, "VmRSS: 7", 0, 0, 0), 0);
    assert_true(grt_resident_bytes() >= rss / 2);
    assert_int_equal(prctl(PR_SET_NAME, "VmHWM: 7", 0, 0, 0), 0);
    assert_true(grt_resident_peak_bytes() >= peak / 2);
}

static void test_freed_memory_goes_back(void **state)
{
    (void)state;
#if defined(__GLIBC__) && GRT_TEST_LINUX && !GRT_TEST_SANITIZED
    enum { N = 4000, EACH = 8000 };
    static void *blocks[N + 1];
    for (size_t i = 0; i <= N; i++) {
        blocks[i] = malloc(EACH);
        assert_non_null(blocks[i]);
        memset(blocks[i], 1, EACH);
    }
    for (size_t i = 0; i < N; i++) /* the last one keeps the heap's end in place */
        free(blocks[i]);
    uint64_t before = grt_resident_bytes();
    grt_release_freed();
    assert_true(grt_resident_bytes() + (uint64_t)N * EACH / 2 < before);
    free(blocks[N]);
#else
    grt_release_freed();
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resident_bytes_follow_pages),
        cmocka_unit_test(test_available_bytes_are_plausible),
        cmocka_unit_test(test_a_name_like_a_key_is_not_read),
        cmocka_unit_test(test_freed_memory_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
