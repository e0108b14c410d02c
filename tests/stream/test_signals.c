/* test_signals.c - the library's threads leave a host's signals to the host. */
#include "test.h"

#include "base/pool.h"
#include "stream/reader.h"

#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static atomic_int n_handled, n_elsewhere;
static pthread_t main_thread;

static void on_signal(int number)
{
    (void)number;
    atomic_fetch_add(&n_handled, 1);
    if (!pthread_equal(pthread_self(), main_thread)) atomic_fetch_add(&n_elsewhere, 1);
}

static void do_nothing(size_t task, size_t worker, void *payload)
{
    (void)task, (void)worker, (void)payload;
}

static grt_status nothing_to_do(grt_job *job, grt_error *err)
{
    (void)job, (void)err;
    return GRT_OK;
}

static void wake_all_threads(grt_pool *pool, grt_reader *reader)
{
    for (int i = 0; i < 50; i++) {
        grt_job job = {.run = nothing_to_do};
        grt_reader_submit(reader, &job);
        grt_pool_run(pool, 64, do_nothing, NULL);
        assert_int_equal(grt_reader_wait(reader, &job), GRT_OK);
    }
}

/* While this thread blocks a signal of the process, any other that does not would take
 * it. */
static void expect_on_main_only(int number, grt_pool *pool, grt_reader *reader)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked, before, pending;
    atomic_store(&n_handled, 0);
    assert_int_equal(sigaction(number, &action, NULL), 0);
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, number);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &blocked, &before), 0);
    assert_int_equal(kill(getpid(), number), 0);
    wake_all_threads(pool, reader);
    assert_int_equal(atomic_load(&n_handled), 0);
    assert_int_equal(sigpending(&pending), 0);
    assert_int_equal(sigismember(&pending, number), 1);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    assert_int_equal(atomic_load(&n_handled), 1);
    assert_int_equal(atomic_load(&n_elsewhere), 0);
}

static void test_signals_of_the_process_stay_on_the_main_thread(void **state)
{
    (void)state;
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGCHLD, SIGALRM};
    grt_error err;
    grt_pool *pool;
    grt_reader *reader;
    main_thread = pthread_self();
    assert_ok(grt_pool_create(&pool, 3, &err), &err);
    assert_ok(grt_reader_create(&reader, &err), &err);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        expect_on_main_only(numbers[i], pool, reader);
    grt_reader_free(reader);
    grt_pool_free(pool);
}

/* Signals that a handler may take on, by their numbers in the mask. */
static uint64_t bit(int number)
{
    return (uint64_t)1 << (number - 1);
}

static uint64_t blocked_in(const char *task)
{
    char path[300], line[256];
    uint64_t mask = 0;
    (void)snprintf(path, sizeof(path), "/proc/self/task/%s/status", task);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    while (fgets(line, sizeof(line), file))
        if (strncmp(line, "SigBlk:", 7) == 0) mask = strtoull(line + 7, NULL, 16);
    (void)fclose(file);
    return mask;
}

/* A fault of the thread's own is the business of the host's crash reporter. */
static void test_only_faults_are_let_through(void **state)
{
    (void)state;
    const uint64_t faults = bit(SIGSEGV) | bit(SIGBUS) | bit(SIGFPE) | bit(SIGILL) |
                            bit(SIGTRAP) | bit(SIGSYS);
    const uint64_t never = bit(SIGKILL) | bit(SIGSTOP) | bit(32) | bit(33) | bit(34);
    grt_error err;
    grt_pool *pool;
    grt_reader *reader;
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks) skip();
    assert_ok(grt_pool_create(&pool, 3, &err), &err);
    assert_ok(grt_reader_create(&reader, &err), &err);
    wake_all_threads(pool, reader);
    size_t n_ours = 0;
    for (const struct dirent *entry; (entry = readdir(tasks));) {
        if (entry->d_name[0] == '.' || strtol(entry->d_name, NULL, 10) == getpid())
            continue;
        uint64_t mask = blocked_in(entry->d_name);
        if ((mask | never) == ~faults)
            n_ours++;
        else if (!GRT_TEST_SANITIZED) /* which has a thread of its own */
            fail_msg("thread %s blocks %" PRIx64, entry->d_name, mask);
    }
    (void)closedir(tasks);
    assert_true(n_ours >= 3);
    grt_reader_free(reader);
    grt_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signals_of_the_process_stay_on_the_main_thread),
        cmocka_unit_test(test_only_faults_are_let_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
