/* posix.c - os.h for systems with POSIX.1-2008. */
#include "os/os.h"

#include <signal.h>
#include <unistd.h>

/* All but the signals of faults, which are for the thread that has them. */
static void blocked_in_threads(sigset_t *out)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    (void)sigfillset(out);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        (void)sigdelset(out, faults[i]);
}

/* A new thread has the mask of its creator at that moment: there is no time at which it
 * could run a handler. */
int grt_os_thread_start(grt_os_thread *out, void *(*run)(void *argument),
                        void *argument)
{
    sigset_t blocked, before;
    blocked_in_threads(&blocked);
    int code = pthread_sigmask(SIG_BLOCK, &blocked, &before);
    if (code != 0) return code;
    code = pthread_create(out, NULL, run, argument);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

void grt_os_thread_join(grt_os_thread *thread)
{
    (void)pthread_join(*thread, NULL);
}

void grt_os_mutex_init(grt_os_mutex *mutex)
{
    (void)pthread_mutex_init(mutex, NULL);
}

void grt_os_mutex_destroy(grt_os_mutex *mutex)
{
    (void)pthread_mutex_destroy(mutex);
}

void grt_os_lock(grt_os_mutex *mutex)
{
    (void)pthread_mutex_lock(mutex);
}

void grt_os_unlock(grt_os_mutex *mutex)
{
    (void)pthread_mutex_unlock(mutex);
}

void grt_os_condition_init(grt_os_condition *condition)
{
    (void)pthread_cond_init(condition, NULL);
}

void grt_os_condition_destroy(grt_os_condition *condition)
{
    (void)pthread_cond_destroy(condition);
}

void grt_os_wait(grt_os_condition *condition, grt_os_mutex *mutex)
{
    (void)pthread_cond_wait(condition, mutex);
}

void grt_os_wake_one(grt_os_condition *condition)
{
    (void)pthread_cond_signal(condition);
}

void grt_os_wake_all(grt_os_condition *condition)
{
    (void)pthread_cond_broadcast(condition);
}

uint64_t grt_os_process_id(void)
{
    return (uint64_t)getpid();
}
