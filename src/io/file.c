/* file.c - see file.h.
 *
 * Every file is a source (read_at, close, payload); grt_file_open makes one over a
 * descriptor and pread, so that there is a single loop for short reads, interruptions
 * and the end of the file, and tests reach it with sources of their own.
 *
 * A direct read takes what it can get through a second descriptor and leaves the rest
 * to that loop: whatever goes wrong, the loop meets it again and gives its error. */
#include "io/file.h"

#include "base/checked.h"
#include "base/memory.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_PATH_IN_TEXT = 100,
    MAX_READ = 1 << 30, /* bytes asked from a source in one go */
    DIRECT_UNTRIED = -1,
    DIRECT_REFUSED = -2
};

struct grt_file {
    grt_file_source source;
    uint64_t size_bytes;
    int fd;               /* -1: not ours */
    grt_file *self;       /* for direct_fd in a const file: it is opened when needed */
    atomic_int direct_fd; /* of O_DIRECT, or DIRECT_UNTRIED, DIRECT_REFUSED */
    char path[];
};

const char *grt_path_tail(const char *path)
{
    size_t n = strlen(path);
    if (n <= MAX_PATH_IN_TEXT) return path;
    const char *tail = path + n - MAX_PATH_IN_TEXT;
    while ((*tail & 0xC0) == 0x80) /* not inside a UTF-8 sequence */
        tail++;
    return tail;
}

static grt_status file_new(grt_file **out, const char *path, grt_error *err)
{
    size_t n = strlen(path) + 1;
    size_t n_bytes;
    if (!grt_add_size(&n_bytes, sizeof(grt_file), n))
        GRT_FAIL(err, GRT_E_NO_MEMORY, "no memory for a path of %zu bytes", n);
    grt_file *file;
    GRT_TRY(grt_alloc_array(&file, 1, n_bytes, "an open file", err));
    memcpy(file->path, path, n);
    file->fd = -1;
    file->self = file;
    atomic_init(&file->direct_fd, DIRECT_UNTRIED);
    *out = file;
    return GRT_OK;
}

static grt_status open_failed(const char *path, int code, grt_error *err)
{
    bool is_missing = code == ENOENT || code == ENOTDIR;
    GRT_FAIL(err, is_missing ? GRT_E_NOT_FOUND : GRT_E_IO, "%s: %s",
             grt_path_tail(path), is_missing ? "no such file" : strerror(code));
}

static int64_t descriptor_read_at(void *payload, uint64_t offset, void *dst, size_t n)
{
    const grt_file *file = payload;
    if (offset > INT64_MAX - n) return 0; /* pread would say EINVAL */
    ssize_t got = pread(file->fd, dst, n, (off_t)offset);
    return got < 0 ? -errno : got;
}

static void descriptor_close(void *payload)
{
    const grt_file *file = payload;
    (void)close(file->fd);
}

/* O_NONBLOCK: opening a FIFO must not wait for a writer; regular files ignore it. */
grt_status grt_file_open(grt_file **out, const char *path, grt_error *err)
{
    grt_file *file;
    GRT_TRY(file_new(&file, path, err));
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        int code = errno;
        grt_free(file);
        return open_failed(path, code, err);
    }
    struct stat stat;
    int code = fstat(fd, &stat) == 0 ? 0 : errno;
    if (code != 0 || !S_ISREG(stat.st_mode)) {
        (void)close(fd);
        grt_free(file);
        if (code != 0) return open_failed(path, code, err);
        GRT_FAIL(err, GRT_E_IO, "%s: %s, not a regular file", grt_path_tail(path),
                 S_ISDIR(stat.st_mode) ? "is a directory" : "is a device or pipe");
    }
    file->fd = fd;
    file->size_bytes = (uint64_t)stat.st_size;
    file->source = (grt_file_source){descriptor_read_at, descriptor_close, file};
    *out = file;
    return GRT_OK;
}

grt_status grt_file_from_source(grt_file **out, const char *path,
                                const grt_file_source *source, uint64_t size_bytes,
                                grt_error *err)
{
    grt_file *file;
    GRT_TRY(file_new(&file, path, err));
    file->source = *source;
    file->size_bytes = size_bytes;
    *out = file;
    return GRT_OK;
}

const char *grt_file_path(const grt_file *file)
{
    return file->path;
}

uint64_t grt_file_size(const grt_file *file)
{
    return file->size_bytes;
}

grt_status grt_file_read_at(const grt_file *file, uint64_t offset, void *dst, size_t n,
                            grt_error *err)
{
    unsigned char *to = dst;
    size_t done = 0;
    while (done < n) {
        size_t want = n - done < MAX_READ ? n - done : MAX_READ;
        uint64_t at = offset + done;
        if (at < offset || at > INT64_MAX) at = INT64_MAX; /* past any end */
        int64_t got = file->source.read_at(file->source.payload, at, to + done, want);
        if (got == -EINTR) continue;
        if (got < 0 || (uint64_t)got > want)
            GRT_FAIL_AT(err, GRT_E_IO, at, "%s: reading at byte %" PRIu64 ": %s",
                        grt_path_tail(file->path), at,
                        got < 0 ? strerror((int)-got) : "the source gave too much");
        if (got == 0)
            GRT_FAIL_AT(err, GRT_E_FORMAT, at,
                        "%s: truncated: %zu bytes wanted at byte %" PRIu64
                        ", the file ends at byte %" PRIu64,
                        grt_path_tail(file->path), n, offset, at);
        done += (size_t)got;
    }
    return GRT_OK;
}

/* Through /proc: the path may name another file by now. */
static int open_direct(int fd)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    int direct = open(name, O_RDONLY | O_CLOEXEC | O_DIRECT);
    return direct < 0 ? DIRECT_REFUSED : direct;
}

static int direct_descriptor(const grt_file *file)
{
    if (file->fd < 0) return DIRECT_REFUSED;
    atomic_int *slot = &file->self->direct_fd;
    int fd = atomic_load(slot);
    if (fd != DIRECT_UNTRIED) return fd;
    int opened = open_direct(file->fd);
    if (atomic_compare_exchange_strong(slot, &fd, opened)) return opened;
    if (opened >= 0) (void)close(opened); /* another thread was faster */
    return fd;
}

/* Bytes read directly, n at most: fewer at the end of the file, at an error, and where
 * the file system refuses. */
static size_t direct_bytes(int fd, uint64_t offset, unsigned char *dst, size_t n)
{
    size_t done = 0;
    while (done < n && done % GRT_DIRECT_ALIGNMENT == 0) {
        size_t want = n - done < MAX_READ ? n - done : MAX_READ;
        ssize_t got = pread(fd, dst + done, want, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        done += (size_t)got;
    }
    return done;
}

grt_status grt_file_read_direct(const grt_file *file, uint64_t offset, void *dst,
                                size_t n, grt_error *err)
{
    assert(offset % GRT_DIRECT_ALIGNMENT == 0 && n % GRT_DIRECT_ALIGNMENT == 0);
    assert((uintptr_t)dst % GRT_DIRECT_ALIGNMENT == 0);
    if (offset >= file->size_bytes) return GRT_OK;
    uint64_t left = file->size_bytes - offset;
    size_t wanted = left < n ? (size_t)left : n;
    int fd = direct_descriptor(file);
    size_t done = fd >= 0 ? direct_bytes(fd, offset, dst, n) : 0;
    if (done >= wanted) return GRT_OK;
    GRT_TRY(grt_file_read_at(file, offset + done, (unsigned char *)dst + done,
                             wanted - done, err));
    if (file->fd >= 0)
        (void)posix_fadvise(file->fd, (off_t)offset, (off_t)n, POSIX_FADV_DONTNEED);
    return GRT_OK;
}

void grt_file_expect(const grt_file *file, uint64_t offset, size_t n)
{
    if (file->fd >= 0 && offset <= INT64_MAX - n)
        (void)posix_fadvise(file->fd, (off_t)offset, (off_t)n, POSIX_FADV_WILLNEED);
}

void grt_file_close(grt_file *file)
{
    if (!file) return;
    int direct = atomic_load(&file->direct_fd);
    if (direct >= 0) (void)close(direct);
    if (file->source.close) file->source.close(file->source.payload);
    grt_free(file);
}

grt_status grt_file_load(char **out, size_t *out_bytes, const char *path,
                         size_t limit_bytes, grt_error *err)
{
    grt_file *file;
    GRT_TRY(grt_file_open(&file, path, err));
    grt_status status = GRT_OK;
    char *text = NULL;
    uint64_t size = file->size_bytes;
    if (size > limit_bytes || size >= SIZE_MAX)
        status = grt_error_set(err, GRT_E_TOO_LONG, -1,
                               "%s: has %" PRIu64 " bytes; at most %zu are read",
                               grt_path_tail(path), size, limit_bytes);
    if (status == GRT_OK) status = grt_alloc(&text, (size_t)size + 1, "a file", err);
    if (status == GRT_OK) status = grt_file_read_at(file, 0, text, (size_t)size, err);
    grt_file_close(file);
    if (status != GRT_OK) {
        grt_free(text);
        return status;
    }
    text[size] = '\0';
    *out = text;
    *out_bytes = (size_t)size;
    return GRT_OK;
}

bool grt_path_is_directory(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

bool grt_path_exists(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0;
}

grt_status grt_path_join(char **out, const char *directory, const char *name,
                         grt_error *err)
{
    size_t n_directory = strlen(directory);
    size_t n_name = strlen(name);
    size_t n_slash = n_directory > 0 && directory[n_directory - 1] != '/';
    char *path;
    GRT_TRY(grt_alloc(&path, n_directory + n_slash + n_name + 1, "a path", err));
    memcpy(path, directory, n_directory);
    if (n_slash) path[n_directory] = '/';
    memcpy(path + n_directory + n_slash, name, n_name + 1);
    *out = path;
    return GRT_OK;
}

bool grt_directory_find(const char *directory, const char *suffix, char *name,
                        size_t name_bytes)
{
    DIR *entries = opendir(directory);
    if (!entries) return false;
    bool is_found = false;
    size_t n_suffix = strlen(suffix);
    for (const struct dirent *entry; (entry = readdir(entries));) {
        size_t n = strlen(entry->d_name);
        if (n < n_suffix || n >= name_bytes || entry->d_name[0] == '.') continue;
        if (memcmp(entry->d_name + n - n_suffix, suffix, n_suffix) != 0) continue;
        if (is_found && strcmp(entry->d_name, name) >= 0) continue;
        memcpy(name, entry->d_name, n + 1);
        is_found = true;
    }
    (void)closedir(entries);
    return is_found;
}
