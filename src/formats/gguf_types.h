/* gguf_types.h - the storage types of ggml, by number. */
#ifndef GRT_FORMATS_GGUF_TYPES_H
#define GRT_FORMATS_GGUF_TYPES_H

#include "base/dtype.h"

typedef struct grt_gguf_type {
    const char *name;
    grt_dtype dtype; /* GRT_DTYPE_OTHER: only its size is known to us */
    uint32_t block_values;
    uint32_t block_bytes;
} grt_gguf_type;

/* NULL for a number that is not (or no longer) in use. */
const grt_gguf_type *grt_gguf_type_get(uint32_t number);

#endif /* GRT_FORMATS_GGUF_TYPES_H */
