/* test_scratch.c - temporary files: places, no name, and what goes wrong with disks. */
#include "test.h"

#include "io/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/grating_scratch_XXXXXX";

static int set_up(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN); /* a file limit then fails with EFBIG */
    return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(directory);
}

static grt_scratch *new_scratch(uint64_t n_bytes)
{
    grt_error err;
    grt_scratch *scratch = NULL;
    assert_ok(grt_scratch_create(&scratch, directory, n_bytes, &err), &err);
    return scratch;
}

/* The descriptor that the next open gets. */
static int next_descriptor(void)
{
    int fd = open("/dev/null", O_RDONLY);
    assert_true(fd >= 0);
    (void)close(fd);
    return fd;
}

static void limit_files(rlim_t n_bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = n_bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_every_place_keeps_its_bytes(void **state)
{
    (void)state;
    enum { SIZE = 70000 };
    static unsigned char wanted[SIZE], got[SIZE];
    grt_error err;
    grt_scratch *scratch = new_scratch(SIZE);
    uint32_t seed = 3;
    for (int round = 0; round < 300; round++) {
        seed = seed * 1664525u + 1013904223u;
        size_t at = seed % SIZE;
        seed = seed * 1664525u + 1013904223u;
        size_t n = (seed >> 8) % (SIZE - at + 1);
        for (size_t i = 0; i < n; i++)
            wanted[at + i] = (unsigned char)(i * 7 + (size_t)round);
        assert_ok(grt_scratch_write(scratch, at, wanted + at, n, &err), &err);
        assert_ok(grt_scratch_read(scratch, at / 2, got, SIZE - at / 2, &err), &err);
        assert_memory_equal(got, wanted + at / 2, SIZE - at / 2);
    }
    grt_scratch_free(scratch);
    grt_scratch_free(NULL);
}

static void test_the_file_has_no_name_and_its_disk_is_reserved(void **state)
{
    (void)state;
    int fd = next_descriptor();
    grt_scratch *scratch = new_scratch(1 << 20);
    size_t n_entries = 0;
    DIR *entries = opendir(directory);
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries));)
        n_entries += entry->d_name[0] != '.';
    (void)closedir(entries);
    assert_int_equal(n_entries, 0);
    struct stat found;
    assert_int_equal(fstat(fd, &found), 0);
    assert_int_equal(found.st_nlink, 0);
    assert_int_equal(found.st_size, 1 << 20);
    if (GRT_TEST_LINUX) assert_true(found.st_blocks * 512 >= 1 << 20);
    assert_int_equal(found.st_mode & 0777, 0600);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    grt_scratch_free(scratch);
    assert_int_equal(fstat(fd, &found), -1);
}

static void test_a_directory_that_cannot_be_used_is_named(void **state)
{
    (void)state;
    grt_error err;
    grt_scratch *scratch = NULL;
    char missing[64], file[64];
    (void)snprintf(missing, sizeof(missing), "%s/missing", directory);
    assert_refused_at(grt_scratch_create(&scratch, missing, 10, &err), GRT_E_IO, &err,
                      "/missing: no temporary file of 10 bytes: No such file", -1);
    (void)snprintf(file, sizeof(file), "%s/file", directory);
    (void)close(open(file, O_CREAT | O_WRONLY, 0600));
    assert_refused(grt_scratch_create(&scratch, file, 10, &err), GRT_E_IO, &err,
                   "/file: no temporary file of 10 bytes: Not a directory");
    (void)unlink(file);
    (void)chmod(directory, 0500);
    bool is_root = geteuid() == 0; /* whom no mode keeps out */
    if (is_root) assert_int_equal(seteuid(65534), 0);
    grt_status status = grt_scratch_create(&scratch, directory, 10, &err);
    if (is_root) assert_int_equal(seteuid(0), 0);
    (void)chmod(directory, 0700);
    assert_refused(status, GRT_E_IO, &err,
                   "no temporary file of 10 bytes: Permission denied");
    assert_non_null(strstr(err.text, directory));
    static char endless[5000];
    memset(endless, 'x', sizeof(endless) - 1);
    assert_refused(grt_scratch_create(&scratch, endless, 10, &err), GRT_E_IO, &err,
                   "xx: no temporary file");
    assert_null(scratch);
}

static void test_a_full_disk_shows_at_creation(void **state)
{
    (void)state;
    grt_error err;
    grt_scratch *scratch = NULL;
    int fd = next_descriptor();
    limit_files(4096);
    grt_status status = grt_scratch_create(&scratch, directory, 100000, &err);
    limit_files(RLIM_INFINITY);
    assert_refused(status, GRT_E_IO, &err,
                   "no temporary file of 100000 bytes: File too large");
    assert_refused(grt_scratch_create(&scratch, directory, UINT64_MAX, &err), GRT_E_IO,
                   &err, "no temporary file of 18446744073709551615 bytes");
    assert_null(scratch);
    assert_int_equal(next_descriptor(), fd); /* nothing stays open */
}

static void test_failing_reads_and_writes_say_so(void **state)
{
    (void)state;
    grt_error err;
    char data[600] = "";
    int fd = next_descriptor();
    grt_scratch *scratch = new_scratch(1000);
    limit_files(500);
    grt_status status = grt_scratch_write(scratch, 200, data, sizeof(data), &err);
    limit_files(RLIM_INFINITY);
    assert_refused(status, GRT_E_IO, &err, "writing a temporary file: File too large");
    assert_ok(grt_scratch_write(scratch, 200, data, sizeof(data), &err), &err);
    assert_int_equal(ftruncate(fd, 300), 0);
    assert_refused(grt_scratch_read(scratch, 200, data, sizeof(data), &err), GRT_E_IO,
                   &err, "reading a temporary file: it is shorter than");
    assert_ok(grt_scratch_read(scratch, 200, data, 100, &err), &err);
    grt_scratch_free(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_place_keeps_its_bytes),
        cmocka_unit_test(test_the_file_has_no_name_and_its_disk_is_reserved),
        cmocka_unit_test(test_a_directory_that_cannot_be_used_is_named),
        cmocka_unit_test(test_a_full_disk_shows_at_creation),
        cmocka_unit_test(test_failing_reads_and_writes_say_so),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
