/* output.c - see output.h. */
#include "io/output.h"

#include "base/memory.h"
#include "io/file.h"
#include "os/os.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const char draft_suffix[] = ".XXXXXX";

struct grt_output {
    grt_os_file file;
    bool is_draft; /* stands under draft_path until it is committed */
    char *draft_path;
    char *path;
};

static grt_status output_new(grt_output **out, const char *path, grt_error *err)
{
    size_t n = strlen(path);
    grt_output *output;
    GRT_TRY(grt_alloc_array(&output, 1, sizeof(*output), "a file to write", err));
    output->file = GRT_OS_NO_FILE;
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

grt_status grt_output_create(grt_output **out, const char *path, grt_error *err)
{
    if (!path[0]) GRT_FAIL(err, GRT_E_IO, "an empty path names no file to write");
    if (grt_path_is_directory(path)) /* better now than when it is committed */
        GRT_FAIL(err, GRT_E_IO, "%s: is a directory", grt_path_tail(path));
    grt_output *output;
    GRT_TRY(output_new(&output, path, err));
    int code = grt_os_create_draft(&output->file, output->draft_path);
    if (code != 0) {
        grt_status status = failed(output, "creating it", code, err);
        grt_output_close(output);
        return status;
    }
    output->is_draft = true;
    *out = output;
    return GRT_OK;
}

static grt_status open_locked(grt_output *output, grt_error *err)
{
    grt_os_stat found;
    int code = grt_os_open_update(&output->file, output->path);
    if (code != 0) return failed(output, "opening it for writing", code, err);
    code = grt_os_file_stat(&found, output->file);
    if (code != 0) return failed(output, "stat", code, err);
    if (found.kind != GRT_OS_REGULAR)
        GRT_FAIL(err, GRT_E_IO, "%s: is not a regular file",
                 grt_path_tail(output->path));
    code = grt_os_lock_file(output->file);
    if (code == 0) return GRT_OK;
    if (code != EWOULDBLOCK) return failed(output, "locking it", code, err);
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
        int64_t done = grt_os_write_at(output->file, offset, from, n);
        if (done <= 0)
            return failed(output, "writing", done < 0 ? (int)-done : ENOSPC, err);
        from += done;
        offset += (uint64_t)done;
        n -= (size_t)done;
    }
    return GRT_OK;
}

grt_status grt_output_cut(grt_output *output, uint64_t n_bytes, grt_error *err)
{
    int code = grt_os_resize_file(output->file, n_bytes);
    return code == 0 ? GRT_OK : failed(output, "cutting its end off", code, err);
}

grt_status grt_output_sync(grt_output *output, grt_error *err)
{
    int code = grt_os_sync(output->file);
    return code == 0 ? GRT_OK : failed(output, "writing", code, err);
}

grt_status grt_output_commit(grt_output *output, grt_error *err)
{
    GRT_TRY(grt_output_sync(output, err));
    int code = grt_os_rename(output->draft_path, output->path);
    if (code != 0) return failed(output, "giving the new file its name", code, err);
    output->is_draft = false;
    return GRT_OK;
}

void grt_output_close(grt_output *output)
{
    if (!output) return;
    if (output->is_draft) (void)grt_os_remove(output->draft_path);
    if (output->file != GRT_OS_NO_FILE) grt_os_close(output->file);
    grt_free(output->draft_path);
    grt_free(output->path);
    grt_free(output);
}
