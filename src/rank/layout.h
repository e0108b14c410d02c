/* layout.h - where the rows of a request lie: the shared prefix once, then each pair's
 * own rows, end to end. */
#ifndef GRT_RANK_LAYOUT_H
#define GRT_RANK_LAYOUT_H

#include "base/error.h"
#include "stream/row_store.h"
#include "tokenizer/pair.h"

typedef struct grt_layout {
    const grt_pairs *pairs;
    size_t n_prefix;    /* rows 0..n_prefix-1, of all pairs */
    size_t n_rows;      /* all */
    size_t n_sequence;  /* rows of the longest stored sequence */
    size_t n_longest;   /* rows of the longest pair */
    size_t n_distinct;  /* different tokens */
    grt_row_range *own; /* [n_pairs] each pair's own rows */
} grt_layout;

/* *layout is empty, all zero; `pairs` is kept.  shares_prefix: rows that all pairs
 * begin with are stored once. */
GRT_NODISCARD grt_status grt_layout_init(grt_layout *layout, const grt_pairs *pairs,
                                         bool shares_prefix, grt_error *err);

/* Own rows of pair i. */
grt_row_range grt_layout_own(const grt_layout *layout, size_t i);

/* Index in pairs->ids of pair i's first own row. */
size_t grt_layout_first_id(const grt_layout *layout, size_t i);

/* What the layout has allocated. */
uint64_t grt_layout_bytes(const grt_layout *layout);

void grt_layout_release(grt_layout *layout);

/* Fills chunk_ends with the ends of chunks of whole ranges, at least one each and as
 * many as stay within max_rows; returns the number of chunks. */
size_t grt_layout_chunks(const grt_row_range *ranges, size_t n, size_t max_rows,
                         size_t *chunk_ends);

#endif /* GRT_RANK_LAYOUT_H */
