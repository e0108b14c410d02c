/* test_os.c - what os.h promises, on the system at hand. */
#include "child.h"
#include "temp_dir.h"

#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { MIB = 1 << 20 };

/* ---- Threads ---- */

typedef struct meeting {
    grt_os_mutex lock;
    grt_os_condition changed;
    int n_here;
    atomic_int n_once;
} meeting;

static meeting all;
static grt_os_once_flag once = GRT_OS_ONCE_INIT;

static void count_once(void)
{
    atomic_fetch_add(&all.n_once, 1);
}

static void *come(void *argument)
{
    grt_os_once(&once, count_once);
    grt_os_lock(&all.lock);
    all.n_here++;
    grt_os_wake_all(&all.changed);
    while (all.n_here < 4) /* ends only when all four have come */
        grt_os_wait(&all.changed, &all.lock);
    grt_os_unlock(&all.lock);
    return argument;
}

static void test_threads_meet(void **state)
{
    (void)state;
    grt_os_thread threads[4];
    grt_os_mutex_init(&all.lock);
    grt_os_condition_init(&all.changed);
    for (int i = 0; i < 4; i++)
        assert_int_equal(grt_os_thread_start(&threads[i], come, NULL), 0);
    for (int i = 0; i < 4; i++)
        grt_os_thread_join(&threads[i]);
    grt_os_condition_destroy(&all.changed);
    grt_os_mutex_destroy(&all.lock);
    assert_int_equal(all.n_here, 4);
    assert_int_equal(atomic_load(&all.n_once), 1);
}

/* The mask of the thread that starts another stays as it was. */
static void test_starting_a_thread_leaves_the_mask(void **state)
{
    (void)state;
    sigset_t before, after;
    grt_os_thread thread;
    all.n_here = 4;
    (void)pthread_sigmask(SIG_BLOCK, NULL, &before);
    (void)sigaddset(&before, SIGUSR2);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    grt_os_mutex_init(&all.lock);
    grt_os_condition_init(&all.changed);
    assert_int_equal(grt_os_thread_start(&thread, come, NULL), 0);
    grt_os_thread_join(&thread);
    (void)pthread_sigmask(SIG_BLOCK, NULL, &after);
    for (int number = 1; number < 32; number++)
        assert_int_equal(sigismember(&before, number), sigismember(&after, number));
}

static int another_process(void *payload)
{
    const uint64_t *parent = payload;
    return grt_os_process_id() == *parent;
}

static void test_a_child_is_another_process(void **state)
{
    (void)state;
    uint64_t here = grt_os_process_id();
    assert_int_equal(in_child(another_process, &here), 0);
    assert_int_equal(grt_os_process_id(), here);
}

static void test_the_clock_goes_on(void **state)
{
    (void)state;
    uint64_t last = grt_os_clock_ns(), first = last;
    for (int i = 0; i < 1000; i++) {
        uint64_t now = grt_os_clock_ns();
        assert_true(now >= last);
        last = now;
    }
    (void)usleep(2000);
    assert_true(grt_os_clock_ns() - first >= 2000000);
}

/* ---- Memory ---- */

static void test_blocks_are_aligned(void **state)
{
    (void)state;
    for (size_t alignment = 16; alignment <= 4096; alignment *= 2) {
        unsigned char *block = grt_os_block_new(alignment, 2 * alignment);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % alignment, 0);
        memset(block, 1, 2 * alignment);
        grt_os_block_free(block);
    }
    grt_os_block_free(NULL);
}

static void test_pages_are_zero_and_can_move(void **state)
{
    (void)state;
    unsigned char *pages = grt_os_pages_new(MIB);
    assert_non_null(pages);
    for (size_t i = 0; i < MIB; i++)
        assert_int_equal(pages[i], 0);
    memset(pages, 7, MIB);
    unsigned char *moved = grt_os_pages_resize(pages, MIB, 3 * MIB);
    if (!moved) { /* this system cannot: they stayed */
        assert_int_equal(pages[MIB - 1], 7);
        grt_os_pages_free(pages, MIB);
        skip();
    }
    assert_int_equal(moved[0] + moved[MIB - 1], 14);
    for (size_t i = MIB; i < 3 * MIB; i++)
        assert_int_equal(moved[i], 0);
    grt_os_pages_free(moved, 3 * MIB);
}

static void test_resident_pages_are_those_touched(void **state)
{
    (void)state;
    enum { N_PAGES = 3000, EACH = 4096 };
    size_t total = (size_t)N_PAGES * EACH;
    unsigned char *pages = grt_os_pages_new(total);
    assert_non_null(pages);
    uint64_t none = grt_os_pages_resident(pages, total);
    for (size_t i = 0; i < total / 2; i += EACH)
        pages[i] = 1;
    uint64_t half = grt_os_pages_resident(pages, total);
    if (none == total) { /* this system does not tell */
        assert_int_equal(half, total);
    } else {
        assert_true(none <= total / 8);
        assert_true(half >= total / 2 && half <= total / 2 + total / 8);
    }
    grt_os_pages_free(pages, total);
}

/* ---- What is left to use ---- */

/* 0: what the child may use is what its limit leaves, give or take 8 MiB. */
static int limited(int resource)
{
    enum { LEFT = 64 * MIB };
    struct rlimit limit;
    uint64_t free_bytes = grt_os_available_bytes();
    if (getrlimit(resource, &limit) != 0) return 1;
    for (rlim_t bytes = 16 * MIB;; bytes += 4 * MIB) { /* just above what it has */
        limit.rlim_cur = bytes;
        if (setrlimit(resource, &limit) != 0) return 2;
        void *more = mmap(NULL, LEFT, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (more != MAP_FAILED) break;
        if (bytes > (rlim_t)1 << 40) return 3;
    }
    uint64_t left = grt_os_available_bytes();
    return left < free_bytes && left <= 8 * MIB ? 0 : 4;
}

static int limited_address_space(void *payload)
{
    (void)payload;
    return limited(RLIMIT_AS);
}

static int limited_data(void *payload)
{
    (void)payload;
    return limited(RLIMIT_DATA);
}

static void test_limits_of_the_process_count(void **state)
{
    (void)state;
    if (GRT_TEST_SANITIZED || grt_os_available_bytes() == 0) skip();
    assert_int_equal(in_child(limited_address_space, NULL), 0);
    assert_int_equal(in_child(limited_data, NULL), 0);
}

/* ---- Files ---- */

static temp_dir dir;

static int make_dir(void **state)
{
    (void)state;
    temp_make(&dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    temp_remove(&dir);
    return 0;
}

static void test_errors_are_positive_numbers(void **state)
{
    (void)state;
    char path[128];
    grt_os_file file = 77;
    grt_os_stat found;
    assert_int_equal(grt_os_open(&file, temp_path(&dir, "none", path)), ENOENT);
    assert_int_equal(file, 77);
    assert_int_equal(grt_os_path_stat(&found, path), ENOENT);
    assert_int_equal(grt_os_remove(path), ENOENT);
    assert_int_equal(grt_os_rename(path, path), ENOENT);
    assert_int_equal(grt_os_create_nameless(&file, path), ENOENT);
    assert_int_equal(grt_os_list(path, NULL, NULL), ENOENT);
    char byte;
    assert_int_equal(grt_os_read_at(-1, 0, &byte, 1), -EBADF);
    assert_int_equal(grt_os_write_at(-1, 0, &byte, 1), -EBADF);
    char small[3];
    assert_int_equal(grt_os_temporary_directory(small, sizeof(small)), ENAMETOOLONG);
}

static void test_kinds_of_files(void **state)
{
    (void)state;
    char path[128];
    grt_os_stat found;
    write_whole(temp_path(&dir, "five", path), "12345", 5);
    assert_int_equal(grt_os_path_stat(&found, path), 0);
    assert_int_equal(found.kind, GRT_OS_REGULAR);
    assert_int_equal(found.size_bytes, 5);
    assert_int_equal(grt_os_path_stat(&found, dir.path), 0);
    assert_int_equal(found.kind, GRT_OS_DIRECTORY);
    assert_int_equal(mkfifo(temp_path(&dir, "pipe", path), 0600), 0);
    grt_os_file file;
    assert_int_equal(grt_os_open(&file, path), 0); /* does not wait for a writer */
    assert_int_equal(grt_os_file_stat(&found, file), 0);
    assert_int_equal(found.kind, GRT_OS_SPECIAL);
    grt_os_close(file);
    (void)temp_entries(&dir, 1);
}

static void test_places_far_and_wrong(void **state)
{
    (void)state;
    static const uint64_t far = (uint64_t)5 << 32;
    char path[128], bytes[8] = "";
    grt_os_file file;
    assert_int_equal(grt_os_open_update(&file, temp_path(&dir, "far", path)), 0);
    assert_int_equal(grt_os_write_at(file, far, "abc", 3), 3);
    assert_int_equal(grt_os_read_at(file, far + 1, bytes, 8), 2);
    assert_memory_equal(bytes, "bc", 2);
    assert_int_equal(grt_os_read_at(file, far + 3, bytes, 8), 0);
    assert_int_equal(grt_os_read_at(file, UINT64_MAX, bytes, 8), 0);
    assert_int_equal(grt_os_write_at(file, UINT64_MAX - 2, bytes, 8), -EFBIG);
    assert_int_equal(grt_os_resize_file(file, UINT64_MAX), EFBIG);
    assert_int_equal(grt_os_resize_file(file, 2), 0);
    assert_int_equal(grt_os_sync(file), 0);
    grt_os_stat found;
    assert_int_equal(grt_os_file_stat(&found, file), 0);
    assert_int_equal(found.size_bytes, 2);
    assert_int_equal(grt_os_reserve(file, 3 * MIB), 0);
    assert_int_equal(grt_os_file_stat(&found, file), 0);
    assert_int_equal(found.size_bytes, 3 * MIB);
    grt_os_expect(file, UINT64_MAX - 1, SIZE_MAX); /* hints never fail */
    grt_os_forget(file, 0, 3 * MIB);
    grt_os_close(file);
    (void)temp_entries(&dir, 1);
}

static void test_drafts(void **state)
{
    (void)state;
    char path[128], other[128], final[128];
    grt_os_file file, second;
    mode_t mask = umask(027);
    (void)temp_path(&dir, "draft.XXXXXX", path);
    (void)temp_path(&dir, "draft.XXXXXX", other);
    assert_int_equal(grt_os_create_draft(&file, path), 0);
    assert_int_equal(grt_os_create_draft(&second, other), 0);
    (void)umask(mask);
    assert_true(strcmp(path, other) != 0);
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0640);
    assert_int_equal(grt_os_write_at(file, 0, "new", 3), 3);
    write_whole(temp_path(&dir, "final", final), "older", 5);
    assert_int_equal(grt_os_rename(path, final), 0);
    assert_file_holds(final, "new", 3);
    assert_int_equal(grt_os_remove(other), 0);
    grt_os_close(file);
    grt_os_close(second);
    assert_int_equal(temp_entries(&dir, 1), 1);
}

static void test_nameless_files(void **state)
{
    (void)state;
    grt_os_file file;
    char byte = 'x';
    assert_int_equal(grt_os_create_nameless(&file, dir.path), 0);
    assert_int_equal(grt_os_write_at(file, 100, &byte, 1), 1);
    assert_int_equal(grt_os_read_at(file, 100, &byte, 1), 1);
    assert_int_equal(temp_entries(&dir, 0), 0);
    grt_os_close(file);
    assert_int_equal(temp_entries(&dir, 0), 0);
}

/* Of the same process through another descriptor, as another process would. */
static void test_locks_exclude(void **state)
{
    (void)state;
    char path[128];
    grt_os_file first, second;
    assert_int_equal(grt_os_open_update(&first, temp_path(&dir, "lock", path)), 0);
    assert_int_equal(grt_os_open_update(&second, path), 0);
    assert_int_equal(grt_os_lock_file(first), 0);
    assert_int_equal(grt_os_lock_file(second), EWOULDBLOCK);
    grt_os_close(first);
    assert_int_equal(grt_os_lock_file(second), 0);
    grt_os_close(second);
    (void)temp_entries(&dir, 1);
}

static void test_direct_reads_give_the_same(void **state)
{
    (void)state;
    enum { SIZE = 8192 };
    static _Alignas(4096) unsigned char wanted[SIZE], got[SIZE];
    char path[128];
    grt_os_file file, direct;
    for (size_t i = 0; i < SIZE; i++)
        wanted[i] = (unsigned char)(i * 7 + i / 256);
    write_whole(temp_path(&dir, "direct", path), wanted, SIZE);
    assert_int_equal(grt_os_open(&file, path), 0);
    int code = grt_os_open_direct(&direct, file);
    if (code == 0) {
        assert_int_equal(grt_os_read_at(direct, 4096, got, 4096), 4096);
        assert_memory_equal(got, wanted + 4096, 4096);
        grt_os_close(direct);
    }
    grt_os_close(file);
    (void)temp_entries(&dir, 1);
    if (code != 0) skip();
}

typedef struct names {
    size_t n_seen, n_wanted;
} names;

static bool count_name(const char *name, void *payload)
{
    names *n = payload;
    assert_true(name[0] == 'f');
    return ++n->n_seen < n->n_wanted;
}

static void test_lists_end_when_asked(void **state)
{
    (void)state;
    char path[128];
    for (char name[3] = "fa"; name[1] < 'f'; name[1]++)
        write_whole(temp_path(&dir, name, path), "", 0);
    names n = {0, 100};
    assert_int_equal(grt_os_list(dir.path, count_name, &n), 0);
    assert_int_equal(n.n_seen, 5);
    n = (names){0, 2};
    assert_int_equal(grt_os_list(dir.path, count_name, &n), 0);
    assert_int_equal(n.n_seen, 2);
    (void)temp_entries(&dir, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_meet),
        cmocka_unit_test(test_starting_a_thread_leaves_the_mask),
        cmocka_unit_test(test_a_child_is_another_process),
        cmocka_unit_test(test_the_clock_goes_on),
        cmocka_unit_test(test_blocks_are_aligned),
        cmocka_unit_test(test_pages_are_zero_and_can_move),
        cmocka_unit_test(test_resident_pages_are_those_touched),
        cmocka_unit_test(test_limits_of_the_process_count),
        cmocka_unit_test(test_errors_are_positive_numbers),
        cmocka_unit_test(test_kinds_of_files),
        cmocka_unit_test(test_places_far_and_wrong),
        cmocka_unit_test(test_drafts),
        cmocka_unit_test(test_nameless_files),
        cmocka_unit_test(test_locks_exclude),
        cmocka_unit_test(test_direct_reads_give_the_same),
        cmocka_unit_test(test_lists_end_when_asked),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
