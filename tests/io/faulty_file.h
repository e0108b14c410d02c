/* faulty_file.h - files in memory whose reads go wrong on demand. */
#ifndef GRT_TESTS_IO_FAULTY_FILE_H
#define GRT_TESTS_IO_FAULTY_FILE_H

#include "io/file.h"

#include <string.h>

typedef struct faulty_file {
    const unsigned char *data; /* [size] */
    size_t size;
    size_t piece;      /* most bytes given by one read; 0: no limit */
    size_t shrinks_at; /* reads at or past this byte give nothing; 0: never */
    int fail_read;     /* the read (1, 2, ...) that fails with fail_code; 0: none */
    int fail_code;     /* an errno value */
    int n_reads;
    int n_closed;
} faulty_file;

static inline int64_t faulty_read_at(void *payload, uint64_t offset, void *dst,
                                     size_t n)
{
    faulty_file *f = payload;
    f->n_reads++;
    if (f->n_reads == f->fail_read) return -f->fail_code;
    size_t end = f->shrinks_at && f->shrinks_at < f->size ? f->shrinks_at : f->size;
    if (offset >= end) return 0;
    if (n > end - offset) n = end - (size_t)offset;
    if (f->piece && n > f->piece) n = f->piece;
    memcpy(dst, f->data + offset, n);
    return (int64_t)n;
}

static inline void faulty_close(void *payload)
{
    faulty_file *f = payload;
    f->n_closed++;
}

/* Opens `f`, which must outlive the file, under the name `path`. */
static inline grt_status faulty_open(grt_file **out, faulty_file *f, const char *path,
                                     grt_error *err)
{
    grt_file_source source = {faulty_read_at, faulty_close, f};
    return grt_file_from_source(out, path, &source, f->size, err);
}

#endif /* GRT_TESTS_IO_FAULTY_FILE_H */
