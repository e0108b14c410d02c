/* worker.h - threads of a test: what fails on one of them is told on the test's own,
 * since cmocka knows no other. */
#ifndef GRT_TESTS_API_WORKER_H
#define GRT_TESTS_API_WORKER_H

#include "test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

static pthread_mutex_t worker_lock = PTHREAD_MUTEX_INITIALIZER;
static char worker_failure[400]; /* the first; guarded by worker_lock */

static inline void worker_fail(const char *file, int line, const char *text)
{
    (void)pthread_mutex_lock(&worker_lock);
    if (!worker_failure[0])
        (void)snprintf(worker_failure, sizeof(worker_failure), "%s:%d: %s", file, line,
                       text);
    (void)pthread_mutex_unlock(&worker_lock);
}

/* On any thread; goes on afterwards, and is true when it holds. */
#define worker_check(condition) \
    ((condition) ? 1 : (worker_fail(__FILE__, __LINE__, #condition), 0))
#define worker_check_ok(expr, err) \
    (((expr) == GRT_OK) ? 1 : (worker_fail(__FILE__, __LINE__, (err)->text), 0))

static inline pthread_t worker_start(void *(*run)(void *), void *payload)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run, payload), 0);
    return thread;
}

/* Waits for the thread, and fails as it has failed. */
static inline void worker_join(pthread_t thread)
{
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)pthread_mutex_lock(&worker_lock);
    char text[sizeof(worker_failure)];
    memcpy(text, worker_failure, sizeof(text));
    worker_failure[0] = '\0';
    (void)pthread_mutex_unlock(&worker_lock);
    if (text[0]) fail_msg("on another thread: %s", text);
}

static inline uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void sleep_ns(uint64_t ns)
{
    struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    (void)nanosleep(&t, NULL);
}

#endif /* GRT_TESTS_API_WORKER_H */
