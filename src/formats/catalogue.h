/* catalogue.h - the tensors of a checkpoint: where they lie, never what they hold. */
#ifndef GRT_FORMATS_CATALOGUE_H
#define GRT_FORMATS_CATALOGUE_H

#include "base/arena.h"
#include "base/dtype.h"
#include "io/file.h"

enum {
    GRT_MAX_DIMS = 4,
    GRT_MAX_TENSORS = 100000,
    GRT_MAX_FILES = 1000,
    GRT_MAX_TENSOR_NAME_BYTES = 512
};

typedef struct grt_tensor {
    const char *name;
    grt_dtype dtype;
    const char *dtype_name; /* as the file says it, also for types we never read */
    uint32_t n_dims;
    uint64_t shape[GRT_MAX_DIMS]; /* outermost first: a weight is [outputs][inputs] */
    uint32_t file;                /* index into grt_catalogue.files */
    uint64_t offset;              /* bytes from the start of the file */
    uint64_t n_bytes;
} grt_tensor;

/* Immutable once its reader returned it.  An all-zero catalogue is empty. */
typedef struct grt_catalogue {
    grt_arena arena; /* names */
    grt_file **files;
    size_t n_files;
    grt_tensor *tensors; /* [n_tensors], by file, then by offset */
    size_t n_tensors;
    uint32_t *by_name; /* [n_tensors] indices sorted by name */
} grt_catalogue;

/* Adds an opened file, which the catalogue then owns (also on failure). */
GRT_NODISCARD grt_status grt_catalogue_add_file(grt_catalogue *catalogue,
                                                grt_file *file, grt_error *err);

/* Adds a copy of *tensor under a copy of name[n_name] (tensor->name is not read); its
 * dtype_name is kept and must be static.  Checks the name (UTF-8, no control
 * characters) and that the payload lies in its file; the tensor's file must have been
 * added. */
GRT_NODISCARD grt_status grt_catalogue_add_tensor(grt_catalogue *catalogue,
                                                  const grt_tensor *tensor,
                                                  const char *name, size_t n_name,
                                                  grt_error *err);

/* Sorts, and refuses duplicate names and overlapping payloads (GRT_E_FORMAT naming
 * file, tensors and offset).  Call once after the last tensor. */
GRT_NODISCARD grt_status grt_catalogue_finish(grt_catalogue *catalogue, grt_error *err);

/* NULL when there is none of that name. */
const grt_tensor *grt_catalogue_get(const grt_catalogue *catalogue, const char *name);

/* Whether all files are still what they were when they were opened: GRT_E_IO names one
 * that is not. */
GRT_NODISCARD grt_status grt_catalogue_check_unchanged(const grt_catalogue *catalogue,
                                                       grt_error *err);

/* Closes the files and frees everything. */
void grt_catalogue_release(grt_catalogue *catalogue);

#endif /* GRT_FORMATS_CATALOGUE_H */
