/* process.c - what the system says about the memory of this process. */
#include "frame/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

/* The number in KiB of this line of /proc/self/status, as bytes; 0: it is not there. */
static uint64_t status_bytes(const char *name)
{
    char line[256];
    uint64_t bytes = 0;
    FILE *file = fopen("/proc/self/status", "re");
    while (file && !bytes && fgets(line, sizeof line, file)) {
        if (strncmp(line, name, strlen(name)) == 0)
            bytes = strtoull(line + strlen(name), NULL, 10) * 1024;
    }
    if (file) fclose(file);
    return bytes;
}

uint64_t cli_process_peak(void)
{
#if defined(__APPLE__)
    const uint64_t unit = 1;
#else
    const uint64_t unit = 1024;
#endif
    uint64_t bytes = status_bytes("VmHWM:");
    struct rusage usage;
    if (!bytes && getrusage(RUSAGE_SELF, &usage) == 0)
        bytes = (uint64_t)usage.ru_maxrss * unit;
    return bytes;
}

uint64_t cli_process_resident(void)
{
    uint64_t bytes = status_bytes("VmRSS:");
    return bytes ? bytes : cli_process_peak();
}

void cli_process_forget_peak(void)
{
    cli_process_trim();
    FILE *file = fopen("/proc/self/clear_refs", "we");
    if (!file) return;
    (void)fputs("5", file);
    (void)fclose(file);
}

void cli_process_trim(void)
{
#if defined(__GLIBC__)
    (void)malloc_trim(0);
#endif
}

void cli_process_map_large_blocks(void)
{
#if defined(__GLIBC__)
    (void)mallopt(M_MMAP_THRESHOLD, CLI_MAPPED_BYTES);
#endif
}
