/* file.c - see file.h.
 *
 * Every file is a source (read_at, close, payload); grt_file_open makes one over a file
 * of the system, so that there is a single loop for short reads, interruptions and the
 * end of the file, and tests reach it with sources of their own.
 *
 * A direct read takes what it can get through a second descriptor and leaves the rest
 * to that loop: whatever goes wrong, the loop meets it again and gives its error. */
#include "io/file.h"

#include "base/checked.h"
#include "base/memory.h"
#include "os/os.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_PATH_IN_TEXT = 100,
    MAX_READ = 1 << 30, /* bytes asked from a source in one go */
    DIRECT_UNTRIED = -2,
    DIRECT_REFUSED = -3
};

struct grt_file {
    grt_file_source source;
    uint64_t size_bytes;
    grt_os_stat opened;     /* of the handle, at open */
    grt_os_file handle;     /* GRT_OS_NO_FILE: not ours */
    grt_file *self;         /* for `direct` in a const file: it is opened when needed */
    atomic_intptr_t direct; /* a grt_os_file, or DIRECT_UNTRIED, DIRECT_REFUSED */
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
    file->handle = GRT_OS_NO_FILE;
    file->self = file;
    atomic_init(&file->direct, DIRECT_UNTRIED);
    *out = file;
    return GRT_OK;
}

static grt_status open_failed(const char *path, int code, grt_error *err)
{
    grt_os_stat found;
    if (code == ENOENT && grt_os_path_stat(&found, path) == 0 &&
        found.kind == GRT_OS_BROKEN)
        GRT_FAIL(err, GRT_E_IO, "%s: is a link to a file that is gone",
                 grt_path_tail(path));
    bool is_missing = code == ENOENT || code == ENOTDIR;
    GRT_FAIL(err, is_missing ? GRT_E_NOT_FOUND : GRT_E_IO, "%s: %s",
             grt_path_tail(path), is_missing ? "no such file" : strerror(code));
}

static int64_t handle_read_at(void *payload, uint64_t offset, void *dst, size_t n)
{
    const grt_file *file = payload;
    return grt_os_read_at(file->handle, offset, dst, n);
}

static void handle_close(void *payload)
{
    const grt_file *file = payload;
    grt_os_close(file->handle);
}

static grt_status open_regular(grt_file *file, const char *path, grt_error *err)
{
    grt_os_stat found = {0};
    int code = grt_os_open(&file->handle, path);
    if (code != 0) {
        /* some systems do not open a directory at all */
        if (grt_path_is_directory(path)) code = EISDIR;
        if (code != EISDIR) return open_failed(path, code, err);
        GRT_FAIL(err, GRT_E_IO, "%s: is a directory, not a regular file",
                 grt_path_tail(path));
    }
    code = grt_os_file_stat(&found, file->handle);
    if (code == 0 && found.kind == GRT_OS_REGULAR) {
        file->size_bytes = found.size_bytes;
        file->opened = found;
        return GRT_OK;
    }
    grt_os_close(file->handle);
    if (code != 0) return open_failed(path, code, err);
    GRT_FAIL(err, GRT_E_IO, "%s: %s, not a regular file", grt_path_tail(path),
             found.kind == GRT_OS_DIRECTORY ? "is a directory" : "is a device or pipe");
}

grt_status grt_file_open(grt_file **out, const char *path, grt_error *err)
{
    grt_file *file;
    GRT_TRY(file_new(&file, path, err));
    grt_status status = open_regular(file, path, err);
    if (status != GRT_OK) {
        grt_free(file);
        return status;
    }
    file->source = (grt_file_source){handle_read_at, handle_close, file};
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

static grt_os_file direct_handle(const grt_file *file)
{
    if (file->handle == GRT_OS_NO_FILE) return DIRECT_REFUSED;
    atomic_intptr_t *slot = &file->self->direct;
    intptr_t found = atomic_load(slot);
    if (found != DIRECT_UNTRIED) return found;
    grt_os_file opened;
    if (grt_os_open_direct(&opened, file->handle) != 0) opened = DIRECT_REFUSED;
    if (atomic_compare_exchange_strong(slot, &found, opened)) return opened;
    if (opened >= 0) grt_os_close(opened); /* another thread was faster */
    return found;
}

/* Bytes read directly, n at most: fewer at the end of the file, at an error, and where
 * the file system refuses. */
static size_t direct_bytes(grt_os_file direct, uint64_t offset, unsigned char *dst,
                           size_t n)
{
    size_t done = 0;
    while (done < n && done % GRT_DIRECT_ALIGNMENT == 0) {
        size_t want = n - done < MAX_READ ? n - done : MAX_READ;
        int64_t got = grt_os_read_at(direct, offset + done, dst + done, want);
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
    grt_os_file direct = direct_handle(file);
    size_t done = direct >= 0 ? direct_bytes(direct, offset, dst, n) : 0;
    if (done >= wanted) return GRT_OK;
    GRT_TRY(grt_file_read_at(file, offset + done, (unsigned char *)dst + done,
                             wanted - done, err));
    if (file->handle != GRT_OS_NO_FILE) grt_os_forget(file->handle, offset, n);
    return GRT_OK;
}

void grt_file_expect(const grt_file *file, uint64_t offset, size_t n)
{
    if (file->handle != GRT_OS_NO_FILE) grt_os_expect(file->handle, offset, n);
}

/* The time of the last change tells also of new permissions and names; where the number
 * of names has changed it tells nothing more. */
static bool is_same(const grt_os_stat *a, const grt_os_stat *b)
{
    return a->size_bytes == b->size_bytes && a->written_ns == b->written_ns &&
           (a->changed_ns == b->changed_ns || a->n_names != b->n_names);
}

grt_status grt_file_check_unchanged(const grt_file *file, grt_error *err)
{
    grt_os_stat found;
    if (file->handle == GRT_OS_NO_FILE) return GRT_OK;
    int code = grt_os_file_stat(&found, file->handle);
    if (code != 0)
        GRT_FAIL(err, GRT_E_IO, "%s: %s", grt_path_tail(file->path), strerror(code));
    if (is_same(&found, &file->opened)) return GRT_OK;
    GRT_FAIL(err, GRT_E_IO,
             "%s: was changed while it was in use: what was computed with it may be "
             "wrong; open it again when it is complete",
             grt_path_tail(file->path));
}

void grt_file_close(grt_file *file)
{
    if (!file) return;
    grt_os_file direct = atomic_load(&file->direct);
    if (direct >= 0) grt_os_close(direct);
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
    grt_os_stat found;
    return grt_os_path_stat(&found, path) == 0 && found.kind == GRT_OS_DIRECTORY;
}

grt_status grt_path_find(bool *is_there, const char *path, grt_error *err)
{
    grt_os_stat found;
    int code = grt_os_path_stat(&found, path);
    *is_there = code == 0;
    if (code == ENOENT || code == ENOTDIR) return GRT_OK;
    if (code != 0)
        GRT_FAIL(err, GRT_E_IO, "%s: %s", grt_path_tail(path), strerror(code));
    if (found.kind == GRT_OS_BROKEN)
        GRT_FAIL(err, GRT_E_IO, "%s: is a link to a file that is gone",
                 grt_path_tail(path));
    return GRT_OK;
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

grt_status grt_path_find_in(bool *is_there, const char *directory, const char *name,
                            grt_error *err)
{
    char *path;
    GRT_TRY(grt_path_join(&path, directory, name, err));
    grt_status status = grt_path_find(is_there, path, err);
    grt_free(path);
    return status;
}

typedef struct name_search {
    const char *suffix;
    char *name;
    size_t name_bytes;
    bool is_found;
} name_search;

/* Keeps the first name in byte order; goes on to the end. */
static bool consider(const char *name, void *payload)
{
    name_search *search = payload;
    size_t n = strlen(name), n_suffix = strlen(search->suffix);
    if (n < n_suffix || n >= search->name_bytes || name[0] == '.') return true;
    if (memcmp(name + n - n_suffix, search->suffix, n_suffix) != 0) return true;
    if (search->is_found && strcmp(name, search->name) >= 0) return true;
    memcpy(search->name, name, n + 1);
    search->is_found = true;
    return true;
}

bool grt_directory_find(const char *directory, const char *suffix, char *name,
                        size_t name_bytes)
{
    name_search search = {suffix, name, name_bytes, false};
    return grt_os_list(directory, consider, &search) == 0 && search.is_found;
}
