/* memory_file.h - what the checkpoint fuzz targets share: input as a file, and what
 * must hold of any outcome. */
#ifndef GRT_FUZZ_MEMORY_FILE_H
#define GRT_FUZZ_MEMORY_FILE_H

#include "formats/checkpoint.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

typedef struct memory_file {
    const uint8_t *data;
    size_t size;
} memory_file;

static inline int64_t memory_read_at(void *payload, uint64_t offset, void *dst,
                                     size_t n)
{
    const memory_file *memory = payload;
    if (offset >= memory->size) return 0;
    if (n > memory->size - offset) n = memory->size - (size_t)offset;
    memcpy(dst, memory->data + offset, n);
    return (int64_t)n;
}

/* `memory` must outlive the file. */
static inline grt_file *memory_open(memory_file *memory)
{
    grt_file_source source = {memory_read_at, NULL, memory};
    grt_file *file;
    if (grt_file_from_source(&file, "fuzz", &source, memory->size, NULL) != GRT_OK)
        abort();
    return file;
}

/* An error has a text of one line that begins with the file's name, and a sane offset.
 */
static inline void check_error(grt_status status, const grt_error *err)
{
    if (status >= 0 || err->status != status || err->offset < -1) abort();
    if (!memchr(err->text, '\0', sizeof(err->text)) || strchr(err->text, '\n')) abort();
    if (strncmp(err->text, "fuzz: ", 6) != 0) abort();
}

/* The bytes of a tensor that has any and that we can read are those of its rows in its
 * storage type. */
static inline void check_rows(const grt_tensor *tensor)
{
    uint64_t row = tensor->n_dims ? tensor->shape[tensor->n_dims - 1] : 1, n_bytes;
    if (tensor->dtype == GRT_DTYPE_OTHER) return;
    if (!grt_dtype_bytes(&n_bytes, tensor->dtype, row)) abort();
    for (uint32_t i = 0; i + 1 < tensor->n_dims; i++)
        n_bytes *= tensor->shape[i];
    if (n_bytes != tensor->n_bytes) abort();
}

/* Every payload lies in the file, none overlaps the one before, every name is found. */
static inline void check_catalogue(const grt_catalogue *catalogue)
{
    uint64_t end = 0;
    for (size_t i = 0; i < catalogue->n_tensors; i++) {
        const grt_tensor *tensor = &catalogue->tensors[i];
        if (i && tensor->file != tensor[-1].file) end = 0;
        if (grt_catalogue_get(catalogue, tensor->name) != tensor) abort();
        if (tensor->n_dims > GRT_MAX_DIMS || !tensor->dtype_name) abort();
        if (tensor->n_bytes == 0) continue;
        check_rows(tensor);
        if (tensor->offset < end) abort();
        end = tensor->offset + tensor->n_bytes;
        if (end > grt_file_size(catalogue->files[tensor->file])) abort();
    }
}

/* Reads every value, so that sanitizers see each byte. */
static inline uint64_t check_metadata(const grt_metadata *metadata)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < metadata->n_values; i++) {
        const grt_meta_value *value = &metadata->values[i];
        if (grt_metadata_get(metadata, value->key) != value) abort();
        if (!value->is_array && value->n != 1) abort();
        for (size_t k = 0; k < value->n; k++)
            switch (value->type) {
            case GRT_META_BOOL:
                if (value->ints[k] != 0 && value->ints[k] != 1) abort();
                break;
            case GRT_META_INT: sum += (uint64_t)value->ints[k]; break;
            case GRT_META_FLOAT: sum += value->floats[k] > 0; break;
            case GRT_META_TEXT:
                for (size_t c = 0; c < value->texts[k].size; c++)
                    sum += (unsigned char)value->texts[k].data[c];
                break;
            }
    }
    return sum;
}

#endif /* GRT_FUZZ_MEMORY_FILE_H */
