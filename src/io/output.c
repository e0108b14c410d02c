/* output.c - see output.h. */
#include "io/output.h"

#include "base/memory.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char draft_suffix[] = ".XXXXXX";

struct grt_output {
    int fd;
    bool is_draft; /* stands under draft_path until it is committed */
    char *draft_path;
    char *path;
};

static grt_status output_new(grt_output **out, const char *path, grt_error *err)
{
    size_t n = strlen(path);
    grt_output *output;
    GRT_TRY(grt_alloc_array(&output, 1, sizeof(*output), "a file to write", err));
    output->fd = -1;
    grt_status status = grt_alloc(&output->path, n + 1, "a path", err);
    if (status == GRT_OK)
        status =
            grt_alloc(&output->draft_path, n + sizeof(draft_suffix), "a path", err);
    if (status != GRT_OK) {
        grt_output_close(output);
        return status;
    }
    memcpy(output->path, path, n + 1);
    memcpy(output->draft_path, path, n);
    memcpy(output->draft_path + n, draft_suffix, sizeof(draft_suffix));
    *out = output;
    return GRT_OK;
}

static grt_status failed(const grt_output *output, const char *doing, int code,
                         grt_error *err)
{
    GRT_FAIL(err, GRT_E_IO, "%s: %s: %s", grt_path_tail(output->path), doing,
             strerror(code));
}

/* mkstemp gives 0600; a file that is kept gets what the process's umask allows. */
static void open_to_others(int fd)
{
    mode_t mask = umask(0);
    (void)umask(mask);
    (void)fchmod(fd, 0666 & ~mask);
}

grt_status grt_output_create(grt_output **out, const char *path, grt_error *err)
{
    if (!path[0]) GRT_FAIL(err, GRT_E_IO, "an empty path names no file to write");
    if (grt_path_is_directory(path)) /* better now than when it is committed */
        GRT_FAIL(err, GRT_E_IO, "%s: is a directory", grt_path_tail(path));
    grt_output *output;
    GRT_TRY(output_new(&output, path, err));
    output->fd = mkostemp(output->draft_path, O_CLOEXEC);
    if (output->fd < 0) {
        grt_status status = failed(output, "creating it", errno, err);
        grt_output_close(output);
        return status;
    }
    output->is_draft = true;
    open_to_others(output->fd);
    *out = output;
    return GRT_OK;
}

/* O_NONBLOCK: opening a FIFO must not wait for a reader. */
static grt_status open_locked(grt_output *output, grt_error *err)
{
    output->fd = open(output->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
    if (output->fd < 0) return failed(output, "opening it for writing", errno, err);
    struct stat found;
    if (fstat(output->fd, &found) != 0) return failed(output, "stat", errno, err);
    if (!S_ISREG(found.st_mode))
        GRT_FAIL(err, GRT_E_IO, "%s: is not a regular file",
                 grt_path_tail(output->path));
    if (flock(output->fd, LOCK_EX | LOCK_NB) == 0) return GRT_OK;
    if (errno != EWOULDBLOCK) return failed(output, "locking it", errno, err);
    GRT_FAIL(err, GRT_E_IO, "%s: another process writes it",
             grt_path_tail(output->path));
}

grt_status grt_output_open(grt_output **out, const char *path, grt_error *err)
{
    grt_output *output;
    GRT_TRY(output_new(&output, path, err));
    grt_status status = open_locked(output, err);
    if (status != GRT_OK) {
        grt_output_close(output);
        return status;
    }
    *out = output;
    return GRT_OK;
}

grt_status grt_output_write(grt_output *output, uint64_t offset, const void *src,
                            size_t n, grt_error *err)
{
    const unsigned char *from = src;
    while (n > 0) {
        ssize_t done = pwrite(output->fd, from, n, (off_t)offset);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return failed(output, "writing", done < 0 ? errno : ENOSPC, err);
        from += done;
        offset += (uint64_t)done;
        n -= (size_t)done;
    }
    return GRT_OK;
}

grt_status grt_output_cut(grt_output *output, uint64_t n_bytes, grt_error *err)
{
    if (ftruncate(output->fd, (off_t)n_bytes) != 0)
        return failed(output, "cutting its end off", errno, err);
    return GRT_OK;
}

grt_status grt_output_sync(grt_output *output, grt_error *err)
{
    if (fdatasync(output->fd) != 0) return failed(output, "writing", errno, err);
    return GRT_OK;
}

grt_status grt_output_commit(grt_output *output, grt_error *err)
{
    GRT_TRY(grt_output_sync(output, err));
    if (rename(output->draft_path, output->path) != 0)
        return failed(output, "giving the new file its name", errno, err);
    output->is_draft = false;
    return GRT_OK;
}

void grt_output_close(grt_output *output)
{
    if (!output) return;
    if (output->is_draft) (void)unlink(output->draft_path);
    if (output->fd >= 0) (void)close(output->fd);
    grt_free(output->draft_path);
    grt_free(output->path);
    grt_free(output);
}
