/* machine.c - see machine.h.  Linux: /proc; elsewhere what POSIX has. */
#include "io/machine.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

enum { PROC_BYTES = 8192 };

/* The number after `key` in a file of /proc, or 0.  Keys begin with their line, since
 * the first line of a status is a name that anybody may choose. */
static uint64_t proc_number(const char *path, const char *key)
{
    char text[PROC_BYTES + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    size_t n = 0;
    ssize_t got;
    while (n < PROC_BYTES && (got = read(fd, text + n, PROC_BYTES - n)) > 0)
        n += (size_t)got;
    (void)close(fd);
    text[n] = '\0';
    const char *at = strstr(text, key);
    return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

uint64_t grt_resident_bytes(void)
{
    return proc_number("/proc/self/status", "\nVmRSS:") * 1024;
}

uint64_t grt_resident_peak_bytes(void)
{
    uint64_t peak = proc_number("/proc/self/status", "\nVmHWM:") * 1024;
    struct rusage usage;
    if (peak == 0 && getrusage(RUSAGE_SELF, &usage) == 0)
        peak = (uint64_t)usage.ru_maxrss * 1024;
    return peak;
}

uint64_t grt_available_bytes(void)
{
    return proc_number("/proc/meminfo", "\nMemAvailable:") * 1024;
}

void grt_release_freed(void)
{
#if defined(__GLIBC__)
    (void)malloc_trim(0);
#endif
}
