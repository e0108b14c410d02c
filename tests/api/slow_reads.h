/* slow_reads.h - takes the place of pread in a test program, so that reads can be held
 * back, told and cut into pieces.  Included by one source file of a program. */
#ifndef GRT_TESTS_API_SLOW_READS_H
#define GRT_TESTS_API_SLOW_READS_H

#include "worker.h"

#include <sys/syscall.h>
#include <unistd.h>

enum { SLOW_PIECE = 64 << 10 };

typedef struct slow_reads {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by lock */
    int is_on;          /* 1: reads give SLOW_PIECE at most, and are counted */
    uint64_t n_read;    /* bytes, since it was put on */
    uint64_t n_allowed; /* reads wait while n_read is as much */
    int n_waiting;
} slow_reads;

static slow_reads slow = {.lock = PTHREAD_MUTEX_INITIALIZER,
                          .changed = PTHREAD_COND_INITIALIZER};

/* From now on n_allowed bytes may be read, the rest waits. */
static inline void slow_begin(uint64_t n_allowed)
{
    (void)pthread_mutex_lock(&slow.lock);
    slow.is_on = 1;
    slow.n_read = 0;
    slow.n_allowed = n_allowed;
    (void)pthread_mutex_unlock(&slow.lock);
}

/* Waits until a read waits; false when none does for a minute. */
static inline int slow_is_reached(void)
{
    for (int i = 0; i < 60000; i++) {
        (void)pthread_mutex_lock(&slow.lock);
        int n = slow.n_waiting;
        (void)pthread_mutex_unlock(&slow.lock);
        if (n > 0) return 1;
        sleep_ns(1000000);
    }
    return 0;
}

static inline uint64_t slow_bytes(void)
{
    (void)pthread_mutex_lock(&slow.lock);
    uint64_t n = slow.n_read;
    (void)pthread_mutex_unlock(&slow.lock);
    return n;
}

static inline void slow_allow(uint64_t n_allowed)
{
    (void)pthread_mutex_lock(&slow.lock);
    slow.n_allowed = n_allowed;
    (void)pthread_cond_broadcast(&slow.changed);
    (void)pthread_mutex_unlock(&slow.lock);
}

static inline void slow_end(void)
{
    (void)pthread_mutex_lock(&slow.lock);
    slow.is_on = 0;
    slow.n_allowed = UINT64_MAX;
    (void)pthread_cond_broadcast(&slow.changed);
    (void)pthread_mutex_unlock(&slow.lock);
}

static ssize_t slow_pread(int fd, void *to, size_t n, off_t at)
{
    (void)pthread_mutex_lock(&slow.lock);
    if (slow.is_on) {
        slow.n_waiting++;
        while (slow.is_on && slow.n_read >= slow.n_allowed)
            (void)pthread_cond_wait(&slow.changed, &slow.lock);
        slow.n_waiting--;
        if (slow.is_on && n > SLOW_PIECE) n = SLOW_PIECE;
        slow.n_read += n;
    }
    (void)pthread_mutex_unlock(&slow.lock);
    return (ssize_t)syscall(SYS_pread64, fd, to, n, at);
}

/* The C library's names of it. */
ssize_t pread(int fd, void *to, size_t n, off_t at)
{
    return slow_pread(fd, to, n, at);
}

ssize_t pread64(int fd, void *to, size_t n, off_t at)
{
    return slow_pread(fd, to, n, at);
}

#endif /* GRT_TESTS_API_SLOW_READS_H */
