/* child.h - running a function in a child of fork. */
#ifndef GRT_TESTS_CHILD_H
#define GRT_TESTS_CHILD_H

#include "test.h"

#include <sys/wait.h>
#include <unistd.h>

/* What `run` gives (0..255) in the child; the child fails the test when it takes more
 * than 20 seconds or ends otherwise. */
static inline int in_child(int (*run)(void *payload), void *payload)
{
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(20);
        _exit(run(payload));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status))
        fail_msg("the child ended with signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

#endif /* GRT_TESTS_CHILD_H */
