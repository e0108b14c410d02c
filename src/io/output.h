/* output.h - files that are written and kept. */
#ifndef GRT_IO_OUTPUT_H
#define GRT_IO_OUTPUT_H

#include "base/error.h"

/* One thread at a time. */
typedef struct grt_output grt_output;

/* A new file that takes the place of what stands at `path` when it is committed, whole
 * or not at all.  GRT_E_IO (no such directory, a directory, no permission, a full
 * disk). */
GRT_NODISCARD grt_status grt_output_create(grt_output **out, const char *path,
                                           grt_error *err);

/* The file at `path` itself, made when it is missing, contents kept; locked against
 * other processes that open it so (GRT_E_IO: in use). */
GRT_NODISCARD grt_status grt_output_open(grt_output **out, const char *path,
                                         grt_error *err);

/* Exactly n bytes at offset; GRT_E_IO names the path. */
GRT_NODISCARD grt_status grt_output_write(grt_output *output, uint64_t offset,
                                          const void *src, size_t n, grt_error *err);

/* Cuts the file to n_bytes. */
GRT_NODISCARD grt_status grt_output_cut(grt_output *output, uint64_t n_bytes,
                                        grt_error *err);

/* What was written is on the disk when it returns. */
GRT_NODISCARD grt_status grt_output_sync(grt_output *output, grt_error *err);

/* Of a created file: syncs it and gives it its name. */
GRT_NODISCARD grt_status grt_output_commit(grt_output *output, grt_error *err);

/* A created file that was not committed leaves nothing.  Accepts NULL. */
void grt_output_close(grt_output *output);

#endif /* GRT_IO_OUTPUT_H */
