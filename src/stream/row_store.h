/* row_store.h - hidden states between layers: rows that go through a pass per layer.
 *
 * A pass visits ranges of rows in chunks of whole ranges.  Each chunk's rows are
 * brought together as f32 in one place, worked on there, and put back:
 *
 *     grt_row_store_begin(store, &pass);
 *     for each chunk: grt_row_store_open(store, &rows), work, grt_row_store_close
 *     grt_row_store_end(store)
 *
 * Rows keep their places in the store, whoever leaves.  In a file at most three chunks
 * are in memory: the one before is written and the next one read while this one is
 * worked on. */
#ifndef GRT_STREAM_ROW_STORE_H
#define GRT_STREAM_ROW_STORE_H

#include "base/error.h"

#include <stdbool.h>

typedef enum grt_row_storage {
    GRT_ROWS_F32,
    GRT_ROWS_BF16, /* rounded to nearest, ties to even, between passes */
    GRT_ROWS_FILE  /* f32 in a temporary file without a name */
} grt_row_storage;

typedef struct grt_row_store_options {
    grt_row_storage storage;
    size_t n_rows;
    size_t width;          /* of a row, in values */
    size_t chunk_rows;     /* of the largest chunk */
    const char *directory; /* for the file; NULL: /var/tmp */
} grt_row_store_options;

typedef struct grt_row_range {
    size_t first;
    size_t n;
} grt_row_range;

typedef struct grt_row_pass {
    const grt_row_range *ranges; /* in rising order, kept until the end of the pass */
    const size_t *chunk_ends;    /* [n_chunks] range after each chunk's last; kept */
    size_t n_chunks;
    bool is_first; /* nothing has been stored: open gives rows to be filled */
    bool is_last;  /* nothing is stored any more */
} grt_row_pass;

/* One thread at a time (a thread of its own reads and writes the file). */
typedef struct grt_row_store grt_row_store;

GRT_NODISCARD grt_status grt_row_store_create(grt_row_store **out,
                                              const grt_row_store_options *options,
                                              grt_error *err);
/* Memory of such a store; SIZE_MAX when it cannot be counted. */
size_t grt_row_store_bytes(const grt_row_store_options *options);

void grt_row_store_begin(grt_row_store *store, const grt_row_pass *pass);

/* The rows of the pass's next chunk, end to end, [rows][width]; valid until close. */
GRT_NODISCARD grt_status grt_row_store_open(grt_row_store *store, float **rows,
                                            grt_error *err);
void grt_row_store_close(grt_row_store *store);

/* Also after a failure: waits for what is under way.  GRT_E_IO when rows could not be
 * written; the store may begin a first pass again. */
GRT_NODISCARD grt_status grt_row_store_end(grt_row_store *store, grt_error *err);

/* Accepts NULL. */
void grt_row_store_free(grt_row_store *store);

#endif /* GRT_STREAM_ROW_STORE_H */
