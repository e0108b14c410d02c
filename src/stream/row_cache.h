/* row_cache.h - rows of a table in a file, the last used ones kept in memory.
 *
 * A token embedding has a hundred thousand rows and more, of which a request needs one
 * or two thousand: they are read when they occur and kept, least recently used out
 * first. */
#ifndef GRT_STREAM_ROW_CACHE_H
#define GRT_STREAM_ROW_CACHE_H

#include "io/file.h"

typedef struct grt_row_table {
    const grt_file *file; /* kept */
    uint64_t offset;      /* of row 0 */
    size_t n_rows;
    size_t row_bytes;
} grt_row_table;

/* One thread at a time. */
typedef struct grt_row_cache grt_row_cache;

/* Keeps up to n_cached rows, at least 1 and at most all. */
GRT_NODISCARD grt_status grt_row_cache_create(grt_row_cache **out,
                                              const grt_row_table *table,
                                              size_t n_cached, grt_error *err);

/* Memory of such a cache; SIZE_MAX when it cannot be counted. */
size_t grt_row_cache_bytes(size_t n_rows, size_t row_bytes, size_t n_cached);

/* Tells the system which rows are about to be asked for, so that it reads those that
 * are missing side by side. */
void grt_row_cache_expect(const grt_row_cache *cache, const int32_t *rows, size_t n);

/* *out points at row `row` < n_rows, in storage type, until the next call.  GRT_E_IO,
 * GRT_E_FORMAT (the file is truncated): the cache stays usable. */
GRT_NODISCARD grt_status grt_row_cache_get(grt_row_cache *cache, size_t row,
                                           const void **out, grt_error *err);

/* Bytes read from the file since create. */
uint64_t grt_row_cache_bytes_read(const grt_row_cache *cache);

/* Accepts NULL. */
void grt_row_cache_free(grt_row_cache *cache);

#endif /* GRT_STREAM_ROW_CACHE_H */
