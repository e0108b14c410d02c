/* scratch.c - see scratch.h. */
#include "io/scratch.h"

#include "base/memory.h"
#include "io/file.h"
#include "os/os.h"

#include <inttypes.h>
#include <string.h>

struct grt_scratch {
    grt_os_file file;
};

grt_status grt_scratch_create(grt_scratch **out, const char *directory,
                              uint64_t n_bytes, grt_error *err)
{
    char fallback[1024] = "";
    int code = 0;
    if (!directory) {
        code = grt_os_temporary_directory(fallback, sizeof(fallback));
        directory = fallback;
    }
    grt_scratch *scratch;
    GRT_TRY(grt_alloc_array(&scratch, 1, sizeof(*scratch), "a temporary file", err));
    scratch->file = GRT_OS_NO_FILE;
    if (code == 0) code = grt_os_create_nameless(&scratch->file, directory);
    if (code == 0) code = grt_os_reserve(scratch->file, n_bytes);
    if (code != 0) {
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
        int64_t done = grt_os_write_at(scratch->file, offset, from, n);
        if (done <= 0)
            GRT_FAIL(err, GRT_E_IO, "writing a temporary file: %s",
                     done < 0 ? strerror((int)-done) : "nothing was written");
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
        int64_t done = grt_os_read_at(scratch->file, offset, to, n);
        if (done <= 0)
            GRT_FAIL(err, GRT_E_IO, "reading a temporary file: %s",
                     done < 0 ? strerror((int)-done)
                              : "it is shorter than it was written");
        to += done;
        offset += (uint64_t)done;
        n -= (size_t)done;
    }
    return GRT_OK;
}

void grt_scratch_free(grt_scratch *scratch)
{
    if (!scratch) return;
    if (scratch->file != GRT_OS_NO_FILE) grt_os_close(scratch->file);
    grt_free(scratch);
}
