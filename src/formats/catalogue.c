/* catalogue.c - see catalogue.h. */
#include "formats/catalogue.h"

#include "base/checked.h"
#include "formats/grow.h"
#include "formats/names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

grt_status grt_catalogue_add_file(grt_catalogue *catalogue, grt_file *file,
                                  grt_error *err)
{
    grt_status status = GRT_OK;
    if (catalogue->n_files >= GRT_MAX_FILES)
        status = grt_error_set(err, GRT_E_TOO_LONG, -1,
                               "%s: a checkpoint may have at most %d files",
                               grt_path_tail(grt_file_path(file)), GRT_MAX_FILES);
    if (status == GRT_OK)
        status = grt_grow(&catalogue->files, catalogue->n_files,
                          sizeof(*catalogue->files), "the list of files", err);
    if (status != GRT_OK) {
        grt_file_close(file);
        return status;
    }
    catalogue->files[catalogue->n_files++] = file;
    return GRT_OK;
}

static const char *tensor_path(const grt_catalogue *catalogue, const grt_tensor *tensor)
{
    return grt_path_tail(grt_file_path(catalogue->files[tensor->file]));
}

grt_status grt_catalogue_add_tensor(grt_catalogue *catalogue, const grt_tensor *tensor,
                                    const char *name, size_t n_name, grt_error *err)
{
    const char *path = tensor_path(catalogue, tensor);
    const char *fault = grt_name_fault(name, n_name, GRT_MAX_TENSOR_NAME_BYTES);
    if (fault)
        GRT_FAIL_AT(err, GRT_E_FORMAT, tensor->offset,
                    "%s: the name of tensor %zu (%zu bytes) %s", path,
                    catalogue->n_tensors, n_name, fault);
    if (catalogue->n_tensors >= GRT_MAX_TENSORS)
        GRT_FAIL(err, GRT_E_TOO_LONG, "%s: more than %d tensors", path,
                 GRT_MAX_TENSORS);
    uint64_t size = grt_file_size(catalogue->files[tensor->file]);
    uint64_t end;
    if (!grt_add_u64(&end, tensor->offset, tensor->n_bytes) || end > size)
        GRT_FAIL_AT(err, GRT_E_FORMAT, tensor->offset,
                    "%s: truncated: tensor \"%.*s\" has %" PRIu64
                    " bytes from byte %" PRIu64 ", the file ends at byte %" PRIu64,
                    path, (int)(n_name < 80 ? n_name : 80), name, tensor->n_bytes,
                    tensor->offset, size);
    GRT_TRY(grt_grow(&catalogue->tensors, catalogue->n_tensors,
                     sizeof(*catalogue->tensors), "the list of tensors", err));
    grt_tensor *added = &catalogue->tensors[catalogue->n_tensors];
    *added = *tensor;
    GRT_TRY(grt_arena_copy_text(&catalogue->arena, &added->name, name, n_name, err));
    catalogue->n_tensors++;
    return GRT_OK;
}

/* Empty tensors come before the one that begins at the same byte. */
static int compare_places(const void *a, const void *b)
{
    const grt_tensor *x = a, *y = b;
    if (x->file != y->file) return x->file < y->file ? -1 : 1;
    if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
    if (x->n_bytes != y->n_bytes) return x->n_bytes < y->n_bytes ? -1 : 1;
    return strcmp(x->name, y->name);
}

static grt_status check_overlaps(const grt_catalogue *catalogue, grt_error *err)
{
    const grt_tensor *last = NULL; /* the one before, empty ones left out */
    for (size_t i = 0; i < catalogue->n_tensors; i++) {
        const grt_tensor *next = &catalogue->tensors[i];
        if (next->n_bytes == 0) continue;
        if (last && last->file == next->file &&
            next->offset < last->offset + last->n_bytes)
            GRT_FAIL_AT(err, GRT_E_FORMAT, next->offset,
                        "%s: tensors \"%.50s\" and \"%.50s\" overlap at byte %" PRIu64,
                        tensor_path(catalogue, next), last->name, next->name,
                        next->offset);
        last = next;
    }
    return GRT_OK;
}

static int compare_names(const void *a, const void *b)
{
    const grt_tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* Sorts pointers, as qsort hands no context to its comparison, and keeps their indices.
 */
static grt_status sort_names(grt_catalogue *catalogue, grt_error *err)
{
    const grt_tensor **sorted;
    size_t n = catalogue->n_tensors;
    GRT_TRY(grt_alloc_array(&sorted, n, sizeof(*sorted), "tensor names", err));
    for (size_t i = 0; i < n; i++)
        sorted[i] = &catalogue->tensors[i];
    qsort(sorted, n, sizeof(*sorted), compare_names);
    for (size_t i = 0; i < n; i++)
        catalogue->by_name[i] = (uint32_t)(sorted[i] - catalogue->tensors);
    grt_free(sorted);
    return GRT_OK;
}

static grt_status check_duplicates(const grt_catalogue *catalogue, grt_error *err)
{
    for (size_t i = 1; i < catalogue->n_tensors; i++) {
        const grt_tensor *a = &catalogue->tensors[catalogue->by_name[i - 1]];
        const grt_tensor *b = &catalogue->tensors[catalogue->by_name[i]];
        if (strcmp(a->name, b->name) != 0) continue;
        if (compare_places(a, b) > 0) {
            const grt_tensor *swap = a;
            a = b;
            b = swap;
        }
        GRT_FAIL_AT(err, GRT_E_FORMAT, b->offset,
                    "%s: tensor \"%.80s\" appears twice, at bytes %" PRIu64
                    "%s and %" PRIu64,
                    tensor_path(catalogue, b), b->name, a->offset,
                    a->file == b->file ? "" : " of another file", b->offset);
    }
    return GRT_OK;
}

grt_status grt_catalogue_finish(grt_catalogue *catalogue, grt_error *err)
{
    size_t n = catalogue->n_tensors;
    if (n == 0) return GRT_OK;
    qsort(catalogue->tensors, n, sizeof(*catalogue->tensors), compare_places);
    grt_free(catalogue->by_name);
    catalogue->by_name = NULL;
    GRT_TRY(grt_alloc_array(&catalogue->by_name, n, sizeof(*catalogue->by_name),
                            "tensor names", err));
    GRT_TRY(sort_names(catalogue, err));
    GRT_TRY(check_duplicates(catalogue, err));
    return check_overlaps(catalogue, err);
}

const grt_tensor *grt_catalogue_get(const grt_catalogue *catalogue, const char *name)
{
    size_t low = 0, high = catalogue->by_name ? catalogue->n_tensors : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const grt_tensor *tensor = &catalogue->tensors[catalogue->by_name[middle]];
        int order = strcmp(tensor->name, name);
        if (order == 0) return tensor;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

grt_status grt_catalogue_check_unchanged(const grt_catalogue *catalogue, grt_error *err)
{
    for (size_t i = 0; i < catalogue->n_files; i++)
        GRT_TRY(grt_file_check_unchanged(catalogue->files[i], err));
    return GRT_OK;
}

void grt_catalogue_release(grt_catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->n_files; i++)
        grt_file_close(catalogue->files[i]);
    grt_free(catalogue->files);
    grt_free(catalogue->tensors);
    grt_free(catalogue->by_name);
    grt_arena_release(&catalogue->arena);
    memset(catalogue, 0, sizeof(*catalogue));
}
