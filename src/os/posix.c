/* posix.c - os.h for systems with POSIX.1-2008; linux.c or other.c hold the rest. */
#include "os/os.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- Threads ---- */

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
    pthread_condattr_t attributes; /* a clock that nobody sets */
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

void grt_os_condition_destroy(grt_os_condition *condition)
{
    (void)pthread_cond_destroy(condition);
}

void grt_os_wait(grt_os_condition *condition, grt_os_mutex *mutex)
{
    (void)pthread_cond_wait(condition, mutex);
}

bool grt_os_wait_for(grt_os_condition *condition, grt_os_mutex *mutex, uint64_t ns)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    ns += (uint64_t)until.tv_nsec;
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    return pthread_cond_timedwait(condition, mutex, &until) == 0;
}

void grt_os_wake_one(grt_os_condition *condition)
{
    (void)pthread_cond_signal(condition);
}

void grt_os_wake_all(grt_os_condition *condition)
{
    (void)pthread_cond_broadcast(condition);
}

void grt_os_once(grt_os_once_flag *flag, void (*once)(void))
{
    (void)pthread_once(flag, once);
}

uint64_t grt_os_clock_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

const char *grt_os_variable(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

/* Of what is a part of the program dladdr gives the name that it was called by. */
int grt_os_library_path(char *out, size_t n_out)
{
    static const char here;
    Dl_info found;
    if (!dladdr(&here, &found) || !found.dli_fname || found.dli_fname[0] != '/')
        return ENOENT;
    size_t n_bytes = strlen(found.dli_fname) + 1;
    if (n_bytes > n_out) return ENAMETOOLONG;
    memcpy(out, found.dli_fname, n_bytes);
    return 0;
}

uint64_t grt_os_process_id(void)
{
    return (uint64_t)getpid();
}

/* ---- Memory ---- */

void *grt_os_block_new(size_t alignment, size_t n_bytes)
{
    return aligned_alloc(alignment, n_bytes);
}

void grt_os_block_free(void *block)
{
    free(block);
}

void *grt_os_pages_new(size_t n_bytes)
{
    void *pages =
        mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

void grt_os_pages_free(void *pages, size_t n_bytes)
{
    (void)munmap(pages, n_bytes);
}

/* ---- Files ---- */

static int give(grt_os_file *out, int fd)
{
    if (fd < 0) return errno;
    *out = fd;
    return 0;
}

static int open_again(const char *path, int flags)
{
    int fd;
    do
        fd = open(path, flags | O_CLOEXEC, 0666);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/* O_NONBLOCK: opening a FIFO must not wait for its other end; regular files ignore it.
 */
int grt_os_open(grt_os_file *out, const char *path)
{
    return give(out, open_again(path, O_RDONLY | O_NONBLOCK));
}

int grt_os_open_update(grt_os_file *out, const char *path)
{
    return give(out, open_again(path, O_RDWR | O_CREAT | O_NONBLOCK));
}

/* mkostemp gives 0600; a file that is kept gets what the process's umask allows. */
static void open_to_others(int fd)
{
    mode_t mask = umask(0);
    (void)umask(mask);
    (void)fchmod(fd, 0666 & ~mask);
}

int grt_os_create_draft(grt_os_file *out, char *path_template)
{
    int fd = mkostemp(path_template, O_CLOEXEC);
    if (fd >= 0) open_to_others(fd);
    return give(out, fd);
}

int grt_os_create_nameless(grt_os_file *out, const char *directory)
{
    int fd = -1;
#ifdef O_TMPFILE
    fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) return give(out, fd);
#endif
    char path[4096];
    int n = snprintf(path, sizeof(path), "%s/grating-XXXXXX", directory);
    if (n < 0 || (size_t)n >= sizeof(path)) return ENAMETOOLONG;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) (void)unlink(path);
    return give(out, fd);
}

/* /tmp is memory on many systems. */
int grt_os_temporary_directory(char *out, size_t n_out)
{
    static const char name[] = "/var/tmp";
    if (n_out < sizeof(name)) return ENAMETOOLONG;
    memcpy(out, name, sizeof(name));
    return 0;
}

void grt_os_close(grt_os_file file)
{
    (void)close((int)file);
}

/* pread and pwrite say EINVAL to an offset that is no off_t. */
static bool is_offset(uint64_t offset, size_t n)
{
    return n <= INT64_MAX && offset <= INT64_MAX - (uint64_t)n;
}

int64_t grt_os_read_at(grt_os_file file, uint64_t offset, void *dst, size_t n)
{
    ssize_t got;
    if (!is_offset(offset, n)) return 0;
    do
        got = pread((int)file, dst, n, (off_t)offset);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

int64_t grt_os_write_at(grt_os_file file, uint64_t offset, const void *src, size_t n)
{
    ssize_t done;
    if (!is_offset(offset, n)) return -EFBIG;
    do
        done = pwrite((int)file, src, n, (off_t)offset);
    while (done < 0 && errno == EINTR);
    return done < 0 ? -errno : done;
}

static uint64_t ns_of(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec;
}

static void fill_stat(grt_os_stat *out, const struct stat *found)
{
    out->kind = S_ISREG(found->st_mode)   ? GRT_OS_REGULAR
                : S_ISDIR(found->st_mode) ? GRT_OS_DIRECTORY
                                          : GRT_OS_SPECIAL;
    out->size_bytes = (uint64_t)found->st_size;
    out->device = (uint64_t)found->st_dev;
    out->number = (uint64_t)found->st_ino;
    out->n_names = (uint64_t)found->st_nlink;
#if defined(__APPLE__)
    out->written_ns = ns_of(&found->st_mtimespec);
    out->changed_ns = ns_of(&found->st_ctimespec);
#else
    out->written_ns = ns_of(&found->st_mtim);
    out->changed_ns = ns_of(&found->st_ctim);
#endif
}

int grt_os_file_stat(grt_os_stat *out, grt_os_file file)
{
    struct stat found;
    if (fstat((int)file, &found) != 0) return errno;
    fill_stat(out, &found);
    return 0;
}

int grt_os_path_stat(grt_os_stat *out, const char *path)
{
    struct stat found;
    if (stat(path, &found) == 0) {
        fill_stat(out, &found);
        return 0;
    }
    int code = errno;
    if (code != ENOENT || lstat(path, &found) != 0 || !S_ISLNK(found.st_mode))
        return code;
    *out = (grt_os_stat){.kind = GRT_OS_BROKEN};
    return 0;
}

int grt_os_lock_file(grt_os_file file)
{
    return flock((int)file, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
}

int grt_os_resize_file(grt_os_file file, uint64_t n_bytes)
{
    int code;
    if (n_bytes > INT64_MAX) return EFBIG;
    do
        code = ftruncate((int)file, (off_t)n_bytes) == 0 ? 0 : errno;
    while (code == EINTR);
    return code;
}

int grt_os_rename(const char *from, const char *to)
{
    return rename(from, to) == 0 ? 0 : errno;
}

int grt_os_remove(const char *path)
{
    return unlink(path) == 0 ? 0 : errno;
}

int grt_os_list(const char *directory, bool (*each)(const char *name, void *payload),
                void *payload)
{
    DIR *entries = opendir(directory);
    if (!entries) return errno;
    int code = 0;
    for (bool goes_on = true; goes_on;) {
        errno = 0;
        const struct dirent *entry = readdir(entries);
        if (!entry) { /* the end, or a fault */
            code = errno;
            break;
        }
        const char *name = entry->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            goes_on = each(name, payload);
    }
    (void)closedir(entries);
    return code;
}
