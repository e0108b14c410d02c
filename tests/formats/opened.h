/* opened.h - bytes in memory through a reader, for the tests of the formats. */
#ifndef GRT_TESTS_FORMATS_OPENED_H
#define GRT_TESTS_FORMATS_OPENED_H

#include "base/memory.h"
#include "formats/checkpoint.h"
#include "io/faulty_file.h"

typedef struct opened {
    faulty_file source;
    grt_catalogue catalogue;
    grt_metadata metadata;
    grt_error err;
} opened;

/* Reads data[n], named "memory", as GGUF or safetensors; opened_release in any case. */
static inline grt_status opened_read(opened *o, grt_format format, const void *data,
                                     size_t n)
{
    memset(o, 0, sizeof(*o));
    o->source = (faulty_file){.data = data, .size = n};
    grt_file *file;
    grt_status status = faulty_open(&file, &o->source, "memory", &o->err);
    if (status != GRT_OK) return status;
    status = format == GRT_FORMAT_GGUF
                 ? grt_gguf_read(&o->catalogue, &o->metadata, file, &o->err)
                 : grt_safetensors_read(&o->catalogue, file, &o->err);
    return status == GRT_OK ? grt_catalogue_finish(&o->catalogue, &o->err) : status;
}

static inline void opened_release(opened *o)
{
    grt_catalogue_release(&o->catalogue);
    grt_metadata_release(&o->metadata);
}

#endif /* GRT_TESTS_FORMATS_OPENED_H */
