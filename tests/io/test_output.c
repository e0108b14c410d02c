/* test_output.c - files that are written: whole or not at all, locked, on a full disk,
 * and where no file can be. */
#include "temp_dir.h"

#include "base/memory.h"
#include "io/output.h"

#include <fcntl.h>
#include <sys/wait.h>

static temp_dir dir;
static char path[128], other[128];

static int set_up(void **state)
{
    (void)state;
    temp_make(&dir);
    temp_path(&dir, "written", path);
    temp_path(&dir, "other", other);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_remove(&dir);
    return grt_memory_now() != 0; /* everything was freed */
}

static grt_output *create(const char *where)
{
    grt_error err;
    grt_output *output = NULL;
    assert_ok(grt_output_create(&output, where, &err), &err);
    return output;
}

static void put(grt_output *output, uint64_t offset, const char *text)
{
    grt_error err;
    assert_ok(grt_output_write(output, offset, text, strlen(text), &err), &err);
}

static void test_a_file_appears_when_it_is_committed(void **state)
{
    (void)state;
    grt_error err;
    grt_output *output = create(path);
    put(output, 0, "first");
    assert_int_equal(access(path, F_OK), -1);
    assert_ok(grt_output_commit(output, &err), &err);
    assert_file_holds(path, "first", 5);
    grt_output_close(output);
    assert_file_holds(path, "first", 5);
    assert_int_equal(temp_entries(&dir, 0), 1);
}

static void test_the_old_file_stays_until_then(void **state)
{
    (void)state;
    grt_error err;
    write_whole(path, "an older text", 13);
    grt_output *output = create(path);
    put(output, 0, "new");
    assert_file_holds(path, "an older text", 13);
    assert_ok(grt_output_commit(output, &err), &err);
    grt_output_close(output);
    assert_file_holds(path, "new", 3);
    assert_int_equal(temp_entries(&dir, 0), 1);
}

static void test_a_discarded_file_leaves_nothing(void **state)
{
    (void)state;
    grt_output *output = create(path);
    put(output, 0, "text");
    grt_output_close(output);
    assert_int_equal(temp_entries(&dir, 0), 0);
    write_whole(path, "old", 3);
    output = create(path);
    put(output, 0, "text");
    grt_output_close(output);
    assert_file_holds(path, "old", 3);
    assert_int_equal(temp_entries(&dir, 0), 1);
    grt_output_close(NULL);
}

static void test_two_drafts_of_one_file_do_not_meet(void **state)
{
    (void)state;
    grt_error err;
    grt_output *one = create(path), *two = create(path);
    put(one, 0, "one");
    put(two, 0, "two");
    assert_ok(grt_output_commit(one, &err), &err);
    assert_file_holds(path, "one", 3);
    assert_ok(grt_output_commit(two, &err), &err);
    grt_output_close(one);
    grt_output_close(two);
    assert_file_holds(path, "two", 3);
    assert_int_equal(temp_entries(&dir, 0), 1);
}

static void test_bytes_lie_at_their_offsets(void **state)
{
    (void)state;
    grt_error err;
    grt_output *output = create(path);
    put(output, 6, "world");
    put(output, 0, "hello");
    put(output, 5, "");
    put(output, 7, "O");
    assert_ok(grt_output_sync(output, &err), &err);
    assert_ok(grt_output_commit(output, &err), &err);
    assert_file_holds(path, "hello\0wOrld", 11);
    assert_ok(grt_output_cut(output, 3, &err), &err);
    assert_file_holds(path, "hel", 3);
    grt_output_close(output);
}

static void test_an_opened_file_keeps_its_contents(void **state)
{
    (void)state;
    grt_error err;
    grt_output *output;
    assert_ok(grt_output_open(&output, path, &err), &err); /* made */
    put(output, 0, "abcdef");
    grt_output_close(output);
    assert_file_holds(path, "abcdef", 6);
    assert_ok(grt_output_open(&output, path, &err), &err);
    put(output, 2, "XY");
    put(output, 6, "gh");
    assert_ok(grt_output_cut(output, 7, &err), &err);
    grt_output_close(output);
    assert_file_holds(path, "abXYefg", 7);
    assert_int_equal(temp_entries(&dir, 0), 1);
}

/* The exit status of a child that opens `path` for writing: 0 opened, 1 refused as in
 * use, 2 anything else. */
static int open_in_a_child(void)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        grt_error err;
        grt_output *output;
        grt_status status = grt_output_open(&output, path, &err);
        if (status == GRT_OK) _exit(0);
        _exit(status == GRT_E_IO && strstr(err.text, "another process writes it") ? 1
                                                                                  : 2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_one_process_at_a_time_writes(void **state)
{
    (void)state;
    grt_error err;
    grt_output *output, *second;
    assert_ok(grt_output_open(&output, path, &err), &err);
    put(output, 0, "mine");
    assert_int_equal(open_in_a_child(), 1);
    assert_refused(grt_output_open(&second, path, &err), GRT_E_IO, &err,
                   "written: another process writes it");
    assert_file_holds(path, "mine", 4);
    grt_output_close(output);
    assert_int_equal(open_in_a_child(), 0);
    assert_ok(grt_output_open(&output, path, &err), &err);
    grt_output_close(output);
}

static void test_a_full_disk_is_an_error(void **state)
{
    (void)state;
    grt_error err;
    char block[1000];
    memset(block, 'x', sizeof(block));
    write_whole(path, "old", 3);
    grt_output *output = create(path);
    limit_files(1500);
    grt_status first = grt_output_write(output, 0, block, sizeof(block), &err);
    grt_status second = grt_output_write(output, 1000, block, sizeof(block), &err);
    limit_files(RLIM_INFINITY);
    assert_int_equal(first, GRT_OK);
    assert_refused(second, GRT_E_IO, &err, "written: writing: ");
    grt_output_close(output);
    assert_file_holds(path, "old", 3);
    assert_int_equal(temp_entries(&dir, 0), 1);
}

static void test_places_where_no_file_can_be(void **state)
{
    (void)state;
    grt_error err;
    grt_output *output;
    const char *const places[] = {"/no/such/directory/file", "/proc/grating_file"};
    assert_refused(grt_output_create(&output, "", &err), GRT_E_IO, &err, "empty path");
    assert_refused(grt_output_open(&output, "", &err), GRT_E_IO, &err, ": No such");
    for (size_t i = 0; i < 2; i++) {
        assert_refused(grt_output_create(&output, places[i], &err), GRT_E_IO, &err,
                       places[i]);
        assert_refused(grt_output_open(&output, places[i], &err), GRT_E_IO, &err,
                       places[i]);
    }
    write_whole(other, "x", 1); /* a file is no directory */
    char below[160];
    (void)snprintf(below, sizeof(below), "%s/file", other);
    assert_refused(grt_output_create(&output, below, &err), GRT_E_IO, &err, "other");
    assert_refused(grt_output_open(&output, below, &err), GRT_E_IO, &err, "other");
    assert_int_equal(temp_entries(&dir, 0), 1);
}

static void test_things_that_are_no_files(void **state)
{
    (void)state;
    grt_error err;
    grt_output *output;
    assert_int_equal(mkdir(path, 0700), 0);
    assert_refused(grt_output_create(&output, path, &err), GRT_E_IO, &err,
                   "written: is a directory");
    assert_refused(grt_output_open(&output, path, &err), GRT_E_IO, &err, "written: ");
    assert_int_equal(mkfifo(other, 0600), 0);
    assert_refused(grt_output_open(&output, other, &err), GRT_E_IO, &err,
                   "other: is not a regular file");
    assert_int_equal(temp_entries(&dir, 0), 2);
}

static mode_t mode_of(const char *where)
{
    struct stat found;
    assert_int_equal(stat(where, &found), 0);
    return found.st_mode & 07777;
}

static void test_the_umask_is_honoured(void **state)
{
    (void)state;
    grt_error err;
    const mode_t masks[] = {022, 077, 002, 027};
    mode_t before = umask(0);
    for (size_t i = 0; i < 4; i++) {
        (void)umask(masks[i]);
        grt_output *output = create(path);
        assert_ok(grt_output_commit(output, &err), &err);
        grt_output_close(output);
        assert_int_equal(mode_of(path), 0666 & ~masks[i]);
        (void)unlink(path);
        assert_ok(grt_output_open(&output, path, &err), &err);
        grt_output_close(output);
        assert_int_equal(mode_of(path), 0666 & ~masks[i]);
        (void)unlink(path);
        assert_int_equal(umask(masks[i]), masks[i]); /* the process keeps its own */
    }
    (void)umask(before);
}

/* A created file replaces the link, never what it points to; an opened one is what the
 * link points to. */
static void test_symbolic_links(void **state)
{
    (void)state;
    grt_error err;
    struct stat found;
    write_whole(other, "target", 6);
    assert_int_equal(symlink(other, path), 0);
    grt_output *output;
    assert_ok(grt_output_open(&output, path, &err), &err);
    put(output, 0, "T");
    grt_output_close(output);
    assert_file_holds(other, "Target", 6);
    assert_int_equal(lstat(path, &found), 0);
    assert_true(S_ISLNK(found.st_mode));
    output = create(path);
    put(output, 0, "new");
    assert_ok(grt_output_commit(output, &err), &err);
    grt_output_close(output);
    assert_file_holds(other, "Target", 6);
    assert_file_holds(path, "new", 3);
    assert_int_equal(lstat(path, &found), 0);
    assert_true(S_ISREG(found.st_mode));
}

static void test_a_name_that_is_taken_away_meanwhile(void **state)
{
    (void)state;
    grt_error err;
    grt_output *output = create(path);
    put(output, 0, "text");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_refused(grt_output_commit(output, &err), GRT_E_IO, &err,
                   "written: giving the new file its name: ");
    grt_output_close(output);
    assert_int_equal(temp_entries(&dir, 0), 1);
}

static void test_running_out_of_memory(void **state)
{
    (void)state;
    grt_error err;
    grt_output *output = NULL;
    for (uint64_t i = 1; i <= 3; i++) {
        grt_memory_fail_nth(i);
        assert_refused(grt_output_create(&output, path, &err), GRT_E_NO_MEMORY, &err,
                       "no memory");
        grt_memory_fail_nth(i);
        assert_refused(grt_output_open(&output, path, &err), GRT_E_NO_MEMORY, &err,
                       "no memory");
        assert_int_equal(temp_entries(&dir, 0), 0);
        assert_int_equal(grt_memory_now(), 0);
    }
    grt_memory_fail_nth(0);
}

#define OUTPUT_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OUTPUT_TEST(test_a_file_appears_when_it_is_committed),
        OUTPUT_TEST(test_the_old_file_stays_until_then),
        OUTPUT_TEST(test_a_discarded_file_leaves_nothing),
        OUTPUT_TEST(test_two_drafts_of_one_file_do_not_meet),
        OUTPUT_TEST(test_bytes_lie_at_their_offsets),
        OUTPUT_TEST(test_an_opened_file_keeps_its_contents),
        OUTPUT_TEST(test_one_process_at_a_time_writes),
        OUTPUT_TEST(test_a_full_disk_is_an_error),
        OUTPUT_TEST(test_places_where_no_file_can_be),
        OUTPUT_TEST(test_things_that_are_no_files),
        OUTPUT_TEST(test_the_umask_is_honoured),
        OUTPUT_TEST(test_symbolic_links),
        OUTPUT_TEST(test_a_name_that_is_taken_away_meanwhile),
        OUTPUT_TEST(test_running_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
