/* test_file.c - reading files that are whole, short, failing, shrinking, or no files.
 */
#include "test.h"

#include "io/faulty_file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/grating_file_XXXXXX";
static char path[128];
static const char content[] = "the quick brown fox";

static int write_content(const char *where)
{
    FILE *file = fopen(where, "wb");
    if (!file) return -1;
    size_t n = fwrite(content, 1, sizeof(content) - 1, file);
    return fclose(file) == 0 && n == sizeof(content) - 1 ? 0 : -1;
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(directory)) return -1;
    (void)snprintf(path, sizeof(path), "%s/plain.txt", directory);
    return write_content(path);
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(directory);
}

static void reads_exact_ranges(void **state)
{
    (void)state;
    grt_error err;
    grt_file *file;
    assert_ok(grt_file_open(&file, path, &err), &err);
    assert_int_equal(grt_file_size(file), sizeof(content) - 1);
    assert_string_equal(grt_file_path(file), path);
    char got[8] = "";
    assert_ok(grt_file_read_at(file, 4, got, 5, &err), &err);
    assert_string_equal(got, "quick");
    assert_ok(grt_file_read_at(file, sizeof(content) - 1, got, 0, &err), &err);
    assert_refused_at(
        grt_file_read_at(file, 17, got, 5, &err), GRT_E_FORMAT, &err,
        "plain.txt: truncated: 5 bytes wanted at byte 17, the file ends at byte 19",
        19);
    assert_refused(grt_file_read_at(file, UINT64_MAX - 2, got, 5, &err), GRT_E_FORMAT,
                   &err, "truncated");
    grt_file_close(file);
    grt_file_close(NULL);
}

static void notices_a_file_that_shrank(void **state)
{
    (void)state;
    grt_error err;
    grt_file *file;
    char other[160], got[19];
    (void)snprintf(other, sizeof(other), "%s/shrinks", directory);
    assert_int_equal(write_content(other), 0);
    assert_ok(grt_file_open(&file, other, &err), &err);
    assert_int_equal(truncate(other, 7), 0);
    assert_refused_at(grt_file_read_at(file, 0, got, 19, &err), GRT_E_FORMAT, &err,
                      "shrinks: truncated", 7);
    grt_file_close(file);
    (void)unlink(other);
}

static void refuses_what_is_no_file(void **state)
{
    (void)state;
    grt_error err;
    grt_file *file = NULL;
    char other[160];
    assert_refused_at(grt_file_open(&file, directory, &err), GRT_E_IO, &err,
                      "is a directory", -1);
    (void)snprintf(other, sizeof(other), "%s/nothing", directory);
    assert_refused_at(grt_file_open(&file, other, &err), GRT_E_NOT_FOUND, &err,
                      "nothing: no such", -1);
    (void)snprintf(other, sizeof(other), "%s/plain.txt/below", directory);
    assert_refused_at(grt_file_open(&file, other, &err), GRT_E_NOT_FOUND, &err,
                      "no such file", -1);
    assert_refused_at(grt_file_open(&file, "/dev/null", &err), GRT_E_IO, &err, "device",
                      -1);
    (void)snprintf(other, sizeof(other), "%s/fifo", directory);
    assert_int_equal(mkfifo(other, 0600), 0);
    assert_refused_at(grt_file_open(&file, other, &err), GRT_E_IO, &err, "pipe", -1);
    (void)unlink(other);
    assert_null(file);
}

static void puts_short_reads_together(void **state)
{
    (void)state;
    grt_error err;
    for (size_t piece = 1; piece <= 7; piece++) {
        faulty_file f = {.data = (const unsigned char *)content,
                         .size = 19,
                         .piece = piece,
                         .fail_read = 2,
                         .fail_code = EINTR};
        grt_file *file;
        char got[20] = "";
        assert_ok(faulty_open(&file, &f, "memory", &err), &err);
        assert_ok(grt_file_read_at(file, 0, got, 19, &err), &err);
        assert_string_equal(got, content);
        assert_int_equal(f.n_reads, (19 + piece - 1) / piece + 1);
        grt_file_close(file);
        assert_int_equal(f.n_closed, 1);
    }
}

static void reports_a_failing_read(void **state)
{
    (void)state;
    grt_error err;
    faulty_file f = {.data = (const unsigned char *)content,
                     .size = 19,
                     .piece = 4,
                     .fail_read = 3,
                     .fail_code = EIO};
    grt_file *file;
    char got[19];
    assert_ok(faulty_open(&file, &f, "memory", &err), &err);
    assert_refused_at(grt_file_read_at(file, 2, got, 17, &err), GRT_E_IO, &err,
                      "memory: reading at byte 10: ", 10);
    grt_file_close(file);
}

static int64_t overlong(void *payload, uint64_t offset, void *dst, size_t n)
{
    (void)payload, (void)offset, (void)dst;
    return (int64_t)n + 1;
}

static void refuses_a_source_that_gives_too_much(void **state)
{
    (void)state;
    grt_error err;
    grt_file_source source = {overlong, NULL, NULL};
    grt_file *file;
    char got[4];
    assert_ok(grt_file_from_source(&file, "liar", &source, 100, &err), &err);
    assert_refused_at(grt_file_read_at(file, 8, got, 4, &err), GRT_E_IO, &err,
                      "too much", 8);
    grt_file_close(file);
}

/* Three and a half pages in a directory, read from every page on. */
static void check_direct_reads(const char *where)
{
    enum { PAGE = GRT_DIRECT_ALIGNMENT, SIZE = 3 * PAGE + PAGE / 2, ROOM = 6 * PAGE };
    static _Alignas(GRT_DIRECT_ALIGNMENT) unsigned char got[ROOM];
    static unsigned char wanted[SIZE];
    char other[160];
    grt_error err;
    grt_file *file;
    (void)snprintf(other, sizeof(other), "%s/grating_direct_%ld", where,
                   (long)getpid());
    for (size_t i = 0; i < SIZE; i++)
        wanted[i] = (unsigned char)(i * 13 + (i >> 8));
    FILE *out = fopen(other, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(wanted, 1, SIZE, out), SIZE);
    assert_int_equal(fclose(out), 0);
    assert_ok(grt_file_open(&file, other, &err), &err);
    for (size_t offset = 0; offset <= 5 * PAGE; offset += PAGE)
        for (size_t n = 0; n <= ROOM; n += PAGE) {
            size_t left = offset < SIZE ? SIZE - offset : 0;
            memset(got, 0xEE, ROOM);
            assert_ok(grt_file_read_direct(file, offset, got, n, &err), &err);
            if (left > 0)
                assert_memory_equal(got, wanted + offset, n < left ? n : left);
            if (n < ROOM) assert_int_equal(got[n], 0xEE);
        }
    assert_int_equal(truncate(other, 2 * PAGE + 100), 0);
    assert_refused_at(grt_file_read_direct(file, PAGE, got, 4 * PAGE, &err),
                      GRT_E_FORMAT, &err, "truncated", 2 * PAGE + 100);
    assert_int_equal(truncate(other, PAGE), 0);
    assert_refused_at(grt_file_read_direct(file, 0, got, 2 * PAGE, &err), GRT_E_FORMAT,
                      &err, "truncated", PAGE);
    grt_file_close(file);
    (void)unlink(other);
}

static void reads_directly(void **state)
{
    (void)state;
    check_direct_reads(directory);
    check_direct_reads(GRT_BUILD_DIR);
    if (access("/dev/shm", W_OK) == 0) check_direct_reads("/dev/shm");
}

/* No second descriptor is left: as where the file system refuses O_DIRECT. */
static void direct_reads_do_without_a_second_descriptor(void **state)
{
    (void)state;
    static _Alignas(GRT_DIRECT_ALIGNMENT) unsigned char got[GRT_DIRECT_ALIGNMENT];
    grt_error err;
    grt_file *file;
    struct rlimit limit, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    assert_ok(grt_file_open(&file, path, &err), &err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    grt_status status = grt_file_read_direct(file, 0, got, sizeof(got), &err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_ok(status, &err);
    assert_memory_equal(got, content, 19);
    grt_file_close(file);
}

static void direct_reads_of_a_source_go_through_it(void **state)
{
    (void)state;
    static _Alignas(GRT_DIRECT_ALIGNMENT) unsigned char got[GRT_DIRECT_ALIGNMENT];
    grt_error err;
    faulty_file f = {.data = (const unsigned char *)content,
                     .size = 19,
                     .piece = 4,
                     .fail_read = 6,
                     .fail_code = EIO};
    grt_file *file;
    assert_ok(faulty_open(&file, &f, "memory", &err), &err);
    assert_ok(grt_file_read_direct(file, 0, got, sizeof(got), &err), &err);
    assert_memory_equal(got, content, 19);
    assert_refused_at(grt_file_read_direct(file, 0, got, sizeof(got), &err), GRT_E_IO,
                      &err, "memory: reading at byte 0", 0);
    f.shrinks_at = 7;
    assert_refused_at(grt_file_read_direct(file, 0, got, sizeof(got), &err),
                      GRT_E_FORMAT, &err, "truncated", 7);
    grt_file_close(file);
}

static void loads_whole_files_up_to_a_limit(void **state)
{
    (void)state;
    grt_error err;
    char *text = NULL;
    size_t n = 0;
    assert_ok(grt_file_load(&text, &n, path, 19, &err), &err);
    assert_int_equal(n, 19);
    assert_string_equal(text, content);
    grt_free(text);
    text = NULL;
    assert_refused_at(grt_file_load(&text, &n, path, 18, &err), GRT_E_TOO_LONG, &err,
                      "has 19 bytes; at most 18", -1);
    assert_null(text);
}

static void joins_and_shortens_paths(void **state)
{
    (void)state;
    grt_error err;
    char *joined;
    assert_ok(grt_path_join(&joined, "a/b", "c", &err), &err);
    assert_string_equal(joined, "a/b/c");
    grt_free(joined);
    assert_ok(grt_path_join(&joined, "a/", "c", &err), &err);
    assert_string_equal(joined, "a/c");
    grt_free(joined);
    assert_ok(grt_path_join(&joined, "", "c", &err), &err);
    assert_string_equal(joined, "c");
    grt_free(joined);
    char name[160];
    memset(name, 'x', sizeof(name));
    memcpy(name + 140, "/model.gguf", 12);
    assert_string_equal(grt_path_tail(name) + 100 - 11, "/model.gguf");
    assert_string_equal(grt_path_tail("short"), "short");
}

static void finds_by_suffix(void **state)
{
    (void)state;
    char name[64] = "";
    assert_true(grt_directory_find(directory, ".txt", name, sizeof(name)));
    assert_string_equal(name, "plain.txt");
    assert_false(grt_directory_find(directory, ".gguf", name, sizeof(name)));
    assert_false(grt_directory_find(path, ".txt", name, sizeof(name)));
    assert_true(grt_path_is_directory(directory));
    assert_false(grt_path_is_directory(path));
}

/* Yes, no, and what could not be found out. */
static void finds_what_is_there(void **state)
{
    (void)state;
    grt_error err;
    bool is_there = false;
    char other[300], long_name[300];
    assert_ok(grt_path_find(&is_there, path, &err), &err);
    assert_true(is_there);
    assert_ok(grt_path_find_in(&is_there, directory, "missing", &err), &err);
    assert_false(is_there);
    assert_ok(grt_path_find_in(&is_there, path, "below a file", &err), &err);
    assert_false(is_there);
    (void)snprintf(other, sizeof(other), "%s/link", directory);
    assert_int_equal(symlink("nowhere", other), 0);
    assert_refused(grt_path_find(&is_there, other, &err), GRT_E_IO, &err,
                   "link: is a link to a file that is gone");
    assert_int_equal(unlink(other), 0);
    assert_int_equal(symlink("link", other), 0);
    assert_refused(grt_path_find(&is_there, other, &err), GRT_E_IO, &err, "link: ");
    assert_int_equal(unlink(other), 0);
    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = 0;
    assert_refused(grt_path_find_in(&is_there, directory, long_name, &err), GRT_E_IO,
                   &err, "name too long");
}

/* ---- A file that changes ---- */

static grt_file *open_copy(const char *name)
{
    grt_file *file;
    grt_error err;
    assert_int_equal(write_content(name), 0);
    assert_ok(grt_file_open(&file, name, &err), &err);
    assert_ok(grt_file_check_unchanged(file, &err), &err);
    /* The clock of files goes in steps of some milliseconds. */
    assert_int_equal(usleep(20000), 0);
    return file;
}

static void notices_that_a_file_was_changed(void **state)
{
    (void)state;
    enum { SAME_SIZE, GROWN, CUT, TIME_PUT_BACK, N_WAYS };
    char name[300];
    (void)snprintf(name, sizeof(name), "%s/changing", directory);
    for (int way = 0; way < N_WAYS; way++) {
        grt_error err;
        grt_file *file = open_copy(name);
        struct stat before;
        assert_int_equal(stat(name, &before), 0);
        int fd = open(name, O_WRONLY);
        assert_true(fd >= 0);
        if (way == SAME_SIZE || way == TIME_PUT_BACK)
            assert_int_equal(pwrite(fd, "other", 5, 2), 5);
        if (way == GROWN) assert_int_equal(pwrite(fd, "more", 4, 19), 4);
        if (way == CUT) assert_int_equal(ftruncate(fd, 3), 0);
        assert_int_equal(close(fd), 0);
        struct timespec times[2] = {before.st_atim, before.st_mtim};
        if (way == TIME_PUT_BACK)
            assert_int_equal(utimensat(AT_FDCWD, name, times, 0), 0);
        assert_refused(grt_file_check_unchanged(file, &err), GRT_E_IO, &err,
                       "changing: was changed while it was in use");
        grt_file_close(file);
        assert_int_equal(unlink(name), 0);
    }
}

static void a_file_that_is_replaced_is_still_the_one_that_was_opened(void **state)
{
    (void)state;
    char name[300], other[300];
    grt_error err;
    (void)snprintf(name, sizeof(name), "%s/replaced", directory);
    (void)snprintf(other, sizeof(other), "%s/new", directory);
    grt_file *file = open_copy(name);
    assert_int_equal(link(name, other), 0);
    assert_ok(grt_file_check_unchanged(file, &err), &err);
    assert_int_equal(unlink(other), 0);
    grt_file_close(file);
    file = open_copy(name);
    assert_int_equal(write_content(other), 0);
    assert_int_equal(rename(other, name), 0);
    assert_ok(grt_file_check_unchanged(file, &err), &err);
    grt_file_close(file);
    file = open_copy(name);
    assert_int_equal(unlink(name), 0);
    assert_ok(grt_file_check_unchanged(file, &err), &err);
    grt_file_close(file);
}

static void frees_all_when_allocation_fails(void **state)
{
    (void)state;
    uint64_t before = grt_memory_now();
    grt_status status = GRT_E_NO_MEMORY;
    size_t n_failed = 0;
    for (uint64_t nth = 1; status == GRT_E_NO_MEMORY && nth < 100; nth++) {
        char *text = NULL;
        size_t n;
        grt_error err;
        grt_memory_fail_nth(nth);
        status = grt_file_load(&text, &n, path, 100, &err);
        grt_memory_fail_nth(0);
        grt_free(text);
        n_failed += status != GRT_OK;
        assert_int_equal(grt_memory_now(), before);
    }
    assert_int_equal(status, GRT_OK);
    assert_int_equal(n_failed, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_exact_ranges),
        cmocka_unit_test(notices_a_file_that_shrank),
        cmocka_unit_test(refuses_what_is_no_file),
        cmocka_unit_test(puts_short_reads_together),
        cmocka_unit_test(reports_a_failing_read),
        cmocka_unit_test(refuses_a_source_that_gives_too_much),
        cmocka_unit_test(reads_directly),
        cmocka_unit_test(direct_reads_do_without_a_second_descriptor),
        cmocka_unit_test(direct_reads_of_a_source_go_through_it),
        cmocka_unit_test(loads_whole_files_up_to_a_limit),
        cmocka_unit_test(joins_and_shortens_paths),
        cmocka_unit_test(finds_by_suffix),
        cmocka_unit_test(finds_what_is_there),
        cmocka_unit_test(notices_that_a_file_was_changed),
        cmocka_unit_test(a_file_that_is_replaced_is_still_the_one_that_was_opened),
        cmocka_unit_test(frees_all_when_allocation_fails),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
