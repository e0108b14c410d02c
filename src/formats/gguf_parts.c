/* gguf_parts.c - a GGUF that was split into several files.
 *
 *     NAME-00001-of-0000N.gguf ... NAME-0000N-of-0000N.gguf
 *
 * The first has all metadata and may hold tensors; each says which part of how many it
 * is (split.no from 0, split.count) and how many tensors all hold together. */
#include "formats/checkpoint.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* "-00001-of-00003.gguf" */
enum { SUFFIX_BYTES = 20 };

static grt_status check_number(const grt_metadata *metadata, uint64_t no,
                               uint64_t count, grt_error *err)
{
    uint64_t found_no = 0, found_count = 0;
    (void)grt_metadata_get_u64(metadata, "split.no", &found_no);
    (void)grt_metadata_get_u64(metadata, "split.count", &found_count);
    if (found_no == no && found_count == count) return GRT_OK;
    GRT_FAIL(err, GRT_E_FORMAT,
             "%s: says that it is part %" PRIu64 " of %" PRIu64
             ", its name that it is part %" PRIu64 " of %" PRIu64,
             grt_path_tail(metadata->source), found_no + 1, found_count, no + 1, count);
}

static grt_status add_part(grt_catalogue *catalogue, const char *path, uint64_t no,
                           uint64_t count, grt_error *err)
{
    grt_file *file;
    grt_status status = grt_file_open(&file, path, err);
    if (status == GRT_E_NOT_FOUND)
        return grt_error_set(err, status, -1,
                             "%s: part %" PRIu64 " of %" PRIu64 " is not there",
                             grt_path_tail(path), no + 1, count);
    if (status != GRT_OK) return status;
    grt_metadata metadata = {0};
    status = grt_gguf_read(catalogue, &metadata, file, err);
    if (status == GRT_OK) status = check_number(&metadata, no, count, err);
    grt_metadata_release(&metadata);
    return status;
}

/* The suffix of part `no` of `count`, which is at most GRT_MAX_FILES. */
static void write_suffix(char suffix[SUFFIX_BYTES + 1], uint64_t no, uint64_t count)
{
    (void)snprintf(suffix, SUFFIX_BYTES + 1, "-%05u-of-%05u.gguf", (unsigned)(no + 1),
                   (unsigned)count);
}

/* Is `path` named as the first of so many? */
static grt_status check_first(const grt_metadata *metadata, const char *path,
                              uint64_t count, grt_error *err)
{
    uint64_t no = 0;
    (void)grt_metadata_get_u64(metadata, "split.no", &no);
    if (count > GRT_MAX_FILES)
        GRT_FAIL(err, GRT_E_TOO_LONG,
                 "%s: is one of %" PRIu64 " parts; a checkpoint may have at most %d",
                 grt_path_tail(path), count, (int)GRT_MAX_FILES);
    char suffix[SUFFIX_BYTES + 1];
    write_suffix(suffix, 0, count);
    if (no != 0)
        GRT_FAIL(err, GRT_E_FORMAT,
                 "%s: is part %" PRIu64 " of %" PRIu64
                 "; give the first, whose name ends in %s",
                 grt_path_tail(path), no + 1, count, suffix);
    size_t n = strlen(path);
    if (n < SUFFIX_BYTES || strcmp(path + n - SUFFIX_BYTES, suffix) != 0)
        GRT_FAIL(err, GRT_E_FORMAT,
                 "%s: is the first of %" PRIu64
                 " parts, but its name does not end in %s, so the others cannot be "
                 "found",
                 grt_path_tail(path), count, suffix);
    return GRT_OK;
}

static grt_status add_parts(grt_catalogue *catalogue, const char *first, uint64_t count,
                            grt_error *err)
{
    char *path;
    size_t n = strlen(first);
    GRT_TRY(grt_alloc(&path, n + 1, "a path", err));
    memcpy(path, first, n + 1);
    grt_status status = GRT_OK;
    for (uint64_t no = 1; no < count && status == GRT_OK; no++) {
        write_suffix(path + n - SUFFIX_BYTES, no, count);
        status = add_part(catalogue, path, no, count, err);
    }
    grt_free(path);
    return status;
}

grt_status grt_gguf_read_parts(grt_catalogue *catalogue, const grt_metadata *metadata,
                               const char *path, grt_error *err)
{
    uint64_t count = 1, n_tensors;
    (void)grt_metadata_get_u64(metadata, "split.count", &count);
    if (count <= 1) return GRT_OK;
    GRT_TRY(check_first(metadata, path, count, err));
    GRT_TRY(add_parts(catalogue, path, count, err));
    if (grt_metadata_get_u64(metadata, "split.tensors.count", &n_tensors) &&
        n_tensors != catalogue->n_tensors)
        GRT_FAIL(err, GRT_E_FORMAT,
                 "%s: its %" PRIu64 " parts hold %zu tensors, not the %" PRIu64
                 " that it says",
                 grt_path_tail(path), count, catalogue->n_tensors, n_tensors);
    return GRT_OK;
}
