/* file.h - the only code that opens and reads files.
 *
 * A grt_file is read-only and immutable after open: any number of threads may read from
 * it. Tests put a faulty source in its place with grt_file_from_source. */
#ifndef GRT_IO_FILE_H
#define GRT_IO_FILE_H

#include "base/error.h"

#include <stdbool.h>

typedef struct grt_file grt_file;

/* Where bytes come from: reads up to n bytes at offset into dst, returns how many (0:
 * end), or -errno. */
typedef struct grt_file_source {
    int64_t (*read_at)(void *payload, uint64_t offset, void *dst, size_t n);
    void (*close)(void *payload); /* may be NULL */
    void *payload;
} grt_file_source;

/* Opens a regular file.  GRT_E_NOT_FOUND, GRT_E_IO (a directory, no permission). */
GRT_NODISCARD grt_status grt_file_open(grt_file **out, const char *path,
                                       grt_error *err);

/* A file that reads from `source`; `path` is only its name in messages.  The source's
 * close is called by grt_file_close, not when this call fails. */
GRT_NODISCARD grt_status grt_file_from_source(grt_file **out, const char *path,
                                              const grt_file_source *source,
                                              uint64_t size_bytes, grt_error *err);

const char *grt_file_path(const grt_file *file);
uint64_t grt_file_size(const grt_file *file);

/* Exactly n bytes at offset.  A short read is GRT_E_FORMAT ("truncated"), a failing one
 * GRT_E_IO; both name the path and the offset. */
GRT_NODISCARD grt_status grt_file_read_at(const grt_file *file, uint64_t offset,
                                          void *dst, size_t n, grt_error *err);

/* Direct reads (past the page cache) start at multiples of this, in file and memory. */
enum { GRT_DIRECT_ALIGNMENT = 4096 };

/* The bytes from offset to offset + n or to the file's end as it was at open, whichever
 * comes first; offset, dst and n are multiples of GRT_DIRECT_ALIGNMENT, and all n bytes
 * at dst may be written.  Leaves nothing in the page cache: a file system that refuses
 * direct reads is read the usual way and told to drop the pages.  Errors as above. */
GRT_NODISCARD grt_status grt_file_read_direct(const grt_file *file, uint64_t offset,
                                              void *dst, size_t n, grt_error *err);

/* Tells the system that these bytes will be read soon.  Only a hint. */
void grt_file_expect(const grt_file *file, uint64_t offset, size_t n);

/* GRT_E_IO when the file is no longer what it was when it was opened, by its size and
 * times: what has been read of it may be of two kinds.  A file that was deleted or
 * replaced by another of its name is still the one that was opened. */
GRT_NODISCARD grt_status grt_file_check_unchanged(const grt_file *file, grt_error *err);

/* Accepts NULL. */
void grt_file_close(grt_file *file);

/* The whole file, with a NUL byte after it, in a grt_alloc block that the caller frees.
 * GRT_E_TOO_LONG when it is larger than limit_bytes. */
GRT_NODISCARD grt_status grt_file_load(char **out, size_t *out_bytes, const char *path,
                                       size_t limit_bytes, grt_error *err);

bool grt_path_is_directory(const char *path);
/* Whether there is something of that name, also where it cannot be opened.  GRT_E_IO:
 * that could not be found out, or it is a link to a file that is gone. */
GRT_NODISCARD grt_status grt_path_find(bool *is_there, const char *path,
                                       grt_error *err);

/* The same of "directory/name". */
GRT_NODISCARD grt_status grt_path_find_in(bool *is_there, const char *directory,
                                          const char *name, grt_error *err);

/* "directory/name" in a grt_alloc block that the caller frees. */
GRT_NODISCARD grt_status grt_path_join(char **out, const char *directory,
                                       const char *name, grt_error *err);

/* The path, or its last 100 bytes: what messages print, so that a long path does not
 * push the fault out of the text. */
const char *grt_path_tail(const char *path);

/* True when `directory` holds an entry whose name ends in `suffix`; its name (the first
 * in byte order, hidden ones left out) goes to name[name_bytes]. */
bool grt_directory_find(const char *directory, const char *suffix, char *name,
                        size_t name_bytes);

#endif /* GRT_IO_FILE_H */
