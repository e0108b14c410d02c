/* scratch.h - a temporary file without a name: it is gone when the process ends. */
#ifndef GRT_IO_SCRATCH_H
#define GRT_IO_SCRATCH_H

#include "base/error.h"

/* Any number of threads may read and write different places. */
typedef struct grt_scratch grt_scratch;

/* Creates the file in `directory` (NULL: /var/tmp, or what the system has instead) and
 * reserves n_bytes of disk, so that a full disk shows here and not later.  GRT_E_IO
 * names the directory. */
GRT_NODISCARD grt_status grt_scratch_create(grt_scratch **out, const char *directory,
                                            uint64_t n_bytes, grt_error *err);

/* Exactly n bytes at offset; GRT_E_IO. */
GRT_NODISCARD grt_status grt_scratch_write(grt_scratch *scratch, uint64_t offset,
                                           const void *src, size_t n, grt_error *err);
GRT_NODISCARD grt_status grt_scratch_read(grt_scratch *scratch, uint64_t offset,
                                          void *dst, size_t n, grt_error *err);

/* Accepts NULL. */
void grt_scratch_free(grt_scratch *scratch);

#endif /* GRT_IO_SCRATCH_H */
