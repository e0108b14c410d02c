/* peak.c - runs a command and says what it took: `peak OUT GROUP COMMAND...`
 *
 * OUT gets "CODE SIGNAL PEAK_KIB MILLISECONDS": the exit code, or -1 and the signal
 * that ended it, and the most that it had resident by the kernel's count.  (A command
 * that is started from a script in Python or sh has that interpreter's peak as its own
 * least.) GROUP is a cgroup's folder that the command is put into, or "-". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 0: the group takes the process. */
static int join(const char *group)
{
    char path[512];
    snprintf(path, sizeof path, "%s/cgroup.procs", group);
    FILE *file = fopen(path, "w");
    if (!file) return 1;
    int failed = fprintf(file, "%ld\n", (long)getpid()) < 0;
    return fclose(file) != 0 || failed;
}

int main(int argc, char **argv)
{
    int status = 0;
    struct rusage usage;
    if (argc < 4) return 2;
    long begun = now_ms();
    pid_t child = fork();
    if (child < 0) return 3;
    if (child == 0) {
        if (strcmp(argv[2], "-") != 0 && join(argv[2])) _exit(126);
        execvp(argv[3], argv + 3);
        _exit(127);
    }
    if (wait4(child, &status, 0, &usage) != child) return 3;
    FILE *out = fopen(argv[1], "w");
    if (!out) return 3;
    fprintf(out, "%d %d %ld %ld\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1,
            WIFSIGNALED(status) ? WTERMSIG(status) : 0, usage.ru_maxrss,
            now_ms() - begun);
    return fclose(out) ? 3 : 0;
}
