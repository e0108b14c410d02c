/* other.c - what linux.c does, for other POSIX systems: by what all of them have, which
 * is less, or nothing.  Each function says what that costs. */
#include "os/os.h"

#include <errno.h>
#include <unistd.h>

/* Models that come along are not looked for beside the program. */
int grt_os_program_path(char *out, size_t n_out)
{
    (void)out, (void)n_out;
    return ENOENT;
}

/* Without affinity and quotas. */
size_t grt_os_usable_cpus(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (size_t)n;
}

/* Weights are not made resident by themselves. */
uint64_t grt_os_available_bytes(void)
{
    return 0;
}

bool grt_os_may_use_tiles(void)
{
    return false;
}

void grt_os_cpu_bits(uint64_t *hwcap, uint64_t *hwcap2)
{
    *hwcap = *hwcap2 = 0;
}

/* The caller copies. */
void *grt_os_pages_resize(void *pages, size_t old_bytes, size_t n_bytes)
{
    (void)pages, (void)old_bytes, (void)n_bytes;
    return NULL;
}

uint64_t grt_os_pages_resident(const void *pages, size_t n_bytes)
{
    (void)pages;
    return n_bytes;
}

/* Reads go through the page cache. */
int grt_os_open_direct(grt_os_file *out, grt_os_file file)
{
    (void)out, (void)file;
    return ENOTSUP;
}

/* A full disk shows when it is written to. */
int grt_os_reserve(grt_os_file file, uint64_t n_bytes)
{
    return grt_os_resize_file(file, n_bytes);
}

int grt_os_sync(grt_os_file file)
{
    return fsync((int)file) == 0 ? 0 : errno;
}

void grt_os_expect(grt_os_file file, uint64_t offset, size_t n)
{
    (void)file, (void)offset, (void)n;
}

void grt_os_forget(grt_os_file file, uint64_t offset, size_t n)
{
    (void)file, (void)offset, (void)n;
}
