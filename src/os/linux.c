/* linux.c - what of os.h only Linux has. */
#include "os/linux_limits.h"
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char status[] = "/proc/self/status";

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- The process and the machine ---- */

/* The mask has room for 8,192 CPUs; the kernel's own limit is there. */
static size_t cpus_of_affinity(void)
{
    static const size_t bits = 8 * sizeof(unsigned long);
    unsigned long mask[8192 / (8 * sizeof(unsigned long))] = {0};
    size_t n = 0;
    if (sched_getaffinity(0, sizeof(mask), (cpu_set_t *)(void *)mask) != 0) return 1;
    for (size_t i = 0; i < sizeof(mask) / sizeof(mask[0]) * bits; i++)
        n += mask[i / bits] >> (i % bits) & 1;
    return n < 1 ? 1 : n;
}

int grt_os_program_path(char *out, size_t n_out)
{
    ssize_t n = readlink("/proc/self/exe", out, n_out);
    if (n < 0) return errno;
    if ((size_t)n >= n_out) return ENAMETOOLONG;
    out[n] = 0;
    return 0;
}

size_t grt_os_usable_cpus(void)
{
    return least(cpus_of_affinity(), grt_linux_cgroup_cpus(""));
}

/* In KiB.  Keys begin with their line: the name that a process gives itself stands in
 * the first one, and may be anything. */
static uint64_t kib(const char *path, const char *key)
{
    uint64_t n = grt_linux_number("", path, key);
    return n > UINT64_MAX / 1024 ? UINT64_MAX : n * 1024;
}

static uint64_t machine_bytes(void)
{
    uint64_t n = kib("/proc/meminfo", "MemAvailable:");
    if (n != UINT64_MAX) return n;
    long pages = sysconf(_SC_AVPHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_MAX;
}

/* What a limit of the process leaves of what `key` of its status counts. */
static uint64_t limit_left(int resource, const char *key)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return UINT64_MAX;
    uint64_t used = kib(status, key);
    if (used == UINT64_MAX) used = 0;
    return used < limit.rlim_cur ? limit.rlim_cur - used : 0;
}

uint64_t grt_os_available_bytes(void)
{
    const uint64_t limits[] = {machine_bytes(), grt_linux_cgroup_bytes(""),
                               limit_left(RLIMIT_AS, "VmSize:"),
                               limit_left(RLIMIT_DATA, "VmData:")};
    uint64_t found = UINT64_MAX;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        if (limits[i] < found) found = limits[i];
    if (found == UINT64_MAX) return 0;
    return found ? found : 1;
}

/* Linux saves the 8 KiB of the tiles only for a process that has asked; the others
 * would be killed at their first use.  It refuses before 5.16, where a seccomp filter
 * says so, and when a thread's signal stack is too small for the larger frame.  The
 * permission is for all threads, also later ones.  See the kernel's
 * Documentation/arch/x86/xstate.rst. */
bool grt_os_may_use_tiles(void)
{
#if defined(SYS_arch_prctl)
    enum { GET_PERMISSION = 0x1022, ASK_PERMISSION = 0x1023, TILE_DATA = 18 };
    uint64_t granted = 0;
    if (syscall(SYS_arch_prctl, ASK_PERMISSION, TILE_DATA) != 0) return false;
    return syscall(SYS_arch_prctl, GET_PERMISSION, &granted) == 0 &&
           (granted & 1u << TILE_DATA) != 0;
#else
    return false;
#endif
}

void grt_os_cpu_bits(uint64_t *hwcap, uint64_t *hwcap2)
{
    *hwcap = getauxval(AT_HWCAP);
    *hwcap2 = getauxval(AT_HWCAP2);
}

/* ---- Memory ---- */

void *grt_os_pages_resize(void *pages, size_t old_bytes, size_t n_bytes)
{
    void *moved = mremap(pages, old_bytes, n_bytes, MREMAP_MAYMOVE);
    return moved == MAP_FAILED ? NULL : moved;
}

uint64_t grt_os_pages_resident(const void *pages, size_t n_bytes)
{
    enum { AT_ONCE = 1024 };
    unsigned char flags[AT_ONCE];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t n_pages = (n_bytes + page - 1) / page;
    uint64_t n_resident = 0;
    for (size_t i = 0; i < n_pages; i += AT_ONCE) {
        size_t n = least(AT_ONCE, n_pages - i);
        uintptr_t at = (uintptr_t)pages + i * page;
        if (mincore((void *)at, n * page, flags) != 0) return n_bytes;
        for (size_t j = 0; j < n; j++)
            n_resident += flags[j] & 1;
    }
    return n_resident * page;
}

/* ---- Files ---- */

/* Through /proc: the path may name another file by now. */
int grt_os_open_direct(grt_os_file *out, grt_os_file file)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", (int)file);
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_DIRECT);
    if (fd < 0) return errno;
    *out = fd;
    return 0;
}

/* Some file systems cannot reserve. */
int grt_os_reserve(grt_os_file file, uint64_t n_bytes)
{
    int code;
    if (n_bytes > INT64_MAX) return EFBIG;
    if (n_bytes == 0) return grt_os_resize_file(file, 0);
    do
        code = posix_fallocate((int)file, 0, (off_t)n_bytes);
    while (code == EINTR);
    if (code == EOPNOTSUPP || code == EINVAL || code == ENOSYS)
        return grt_os_resize_file(file, n_bytes);
    return code;
}

int grt_os_sync(grt_os_file file)
{
    return fdatasync((int)file) == 0 ? 0 : errno;
}

static void advise(grt_os_file file, uint64_t offset, size_t n, int advice)
{
    if (n <= INT64_MAX && offset <= INT64_MAX - (uint64_t)n)
        (void)posix_fadvise((int)file, (off_t)offset, (off_t)n, advice);
}

void grt_os_expect(grt_os_file file, uint64_t offset, size_t n)
{
    advise(file, offset, n, POSIX_FADV_WILLNEED);
}

void grt_os_forget(grt_os_file file, uint64_t offset, size_t n)
{
    advise(file, offset, n, POSIX_FADV_DONTNEED);
}
