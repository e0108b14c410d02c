/* os.h - every call to an operating system, behind one header.
 *
 * posix.c holds what POSIX systems share, linux.c what only Linux has.  No other folder
 * includes a system's header (tools/check_layers.py).
 *
 * True for every function unless its comment says otherwise:
 *   - It is thread safe, for different objects and where the system says so for one.
 *   - It returns 0, or a positive number of <errno.h>.  Outputs come first and are
 *     written only on 0.
 *   - It allocates nothing of its own. */
#ifndef GRT_OS_OS_H
#define GRT_OS_OS_H

#include <pthread.h>
#include <stdint.h>

/* ---- Threads ----
 *
 * A thread of ours never runs a signal handler of the host's: every signal that can be
 * sent to a process is blocked in it.  Those that a fault raises in the thread itself
 * (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS) are not, so that a host's crash
 * reporter sees them. */

typedef pthread_t grt_os_thread;
typedef pthread_mutex_t grt_os_mutex;
typedef pthread_cond_t grt_os_condition;

int grt_os_thread_start(grt_os_thread *out, void *(*run)(void *argument),
                        void *argument);

/* Returns when the thread has.  Once for each thread. */
void grt_os_thread_join(grt_os_thread *thread);

void grt_os_mutex_init(grt_os_mutex *mutex);
void grt_os_mutex_destroy(grt_os_mutex *mutex);
void grt_os_lock(grt_os_mutex *mutex);
void grt_os_unlock(grt_os_mutex *mutex);

void grt_os_condition_init(grt_os_condition *condition);
void grt_os_condition_destroy(grt_os_condition *condition);

/* Lets go of the mutex while it waits; may return without a signal. */
void grt_os_wait(grt_os_condition *condition, grt_os_mutex *mutex);
void grt_os_wake_one(grt_os_condition *condition);
void grt_os_wake_all(grt_os_condition *condition);

/* ---- The process ---- */

/* Another number after fork in the child, where no thread but the caller's lives on. */
uint64_t grt_os_process_id(void);

#endif /* GRT_OS_OS_H */
