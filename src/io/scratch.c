/* scratch.c - see scratch.h. */
#include "io/scratch.h"

#include "base/memory.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char default_directory[] = "/var/tmp";

struct grt_scratch {
    int fd;
};

/* A file without a name, or one whose name is taken away at once. */
static int open_nameless(const char *directory)
{
    int fd = -1;
#ifdef O_TMPFILE
    fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) return fd;
#endif
    char path[4096];
    int n = snprintf(path, sizeof(path), "%s/grating-XXXXXX", directory);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkstemp(path);
    if (fd >= 0) (void)unlink(path);
    return fd;
}

grt_status grt_scratch_create(grt_scratch **out, const char *directory,
                              uint64_t n_bytes, grt_error *err)
{
    if (!directory) directory = default_directory;
    grt_scratch *scratch;
    GRT_TRY(grt_alloc_array(&scratch, 1, sizeof(*scratch), "a temporary file", err));
    scratch->fd = open_nameless(directory);
    int code = scratch->fd < 0 ? errno : 0;
    if (!code && n_bytes > INT64_MAX) code = EFBIG;
    if (!code) code = posix_fallocate(scratch->fd, 0, (off_t)(n_bytes ? n_bytes : 1));
    if (code == EOPNOTSUPP || code == EINVAL) /* this file system cannot reserve */
        code = ftruncate(scratch->fd, (off_t)n_bytes) == 0 ? 0 : errno;
    if (code) {
        grt_scratch_free(scratch);
        GRT_FAIL(err, GRT_E_IO, "%s: no temporary file of %" PRIu64 " bytes: %s",
                 grt_path_tail(directory), n_bytes, strerror(code));
    }
    *out = scratch;
    return GRT_OK;
}

grt_status grt_scratch_write(grt_scratch *scratch, uint64_t offset, const void *src,
                             size_t n, grt_error *err)
{
    const unsigned char *from = src;
    while (n > 0) {
        ssize_t done = pwrite(scratch->fd, from, n, (off_t)offset);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0)
            GRT_FAIL(err, GRT_E_IO, "writing a temporary file: %s",
                     done < 0 ? strerror(errno) : "nothing was written");
        from += done;
        offset += (uint64_t)done;
        n -= (size_t)done;
    }
    return GRT_OK;
}

grt_status grt_scratch_read(grt_scratch *scratch, uint64_t offset, void *dst, size_t n,
                            grt_error *err)
{
    unsigned char *to = dst;
    while (n > 0) {
        ssize_t done = pread(scratch->fd, to, n, (off_t)offset);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0)
            GRT_FAIL(err, GRT_E_IO, "reading a temporary file: %s",
                     done < 0 ? strerror(errno) : "it is shorter than it was written");
        to += done;
        offset += (uint64_t)done;
        n -= (size_t)done;
    }
    return GRT_OK;
}

void grt_scratch_free(grt_scratch *scratch)
{
    if (!scratch) return;
    if (scratch->fd >= 0) (void)close(scratch->fd);
    grt_free(scratch);
}
