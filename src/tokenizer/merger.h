/* merger.h - joining neighbours of a text, the best pair first, in O(n log n).
 *
 * What both kinds of byte-pair encoding share.  A text begins as symbols (bytes, or
 * characters); candidates wait in a heap by (rank, position), symbols in a linked list
 * under the place of their first byte.  Which pairs join is the caller's matter. */
#ifndef GRT_TOKENIZER_MERGER_H
#define GRT_TOKENIZER_MERGER_H

#include "tokenizer/vocabulary.h"

#define GRT_NOWHERE UINT32_MAX

typedef struct grt_symbol {
    uint32_t id;   /* GRT_NOWHERE: no piece has this text */
    uint32_t size; /* bytes; 0: joined into its left neighbour */
    uint32_t previous, next;
} grt_symbol;

typedef struct grt_merge_candidate {
    uint32_t rank; /* the lowest first */
    uint32_t at;   /* the left symbol */
    uint32_t size; /* of both; they may have been joined elsewhere meanwhile */
    uint32_t result;
} grt_merge_candidate;

typedef struct grt_merger grt_merger;

/* Whether `left` and its right neighbour join, and then to what: sets rank and result.
 */
typedef bool grt_merge_fn(const grt_merger *merger, uint32_t left, uint32_t right,
                          grt_merge_candidate *out);

/* Scratch of one thread: all zero but for the first two is ready. */
struct grt_merger {
    grt_merge_fn *find;
    const void *payload;
    const char *text; /* [n] of the call */
    grt_symbol *symbols;
    size_t symbols_capacity;
    grt_merge_candidate *heap; /* one entry for each pair that ever was: 2 n */
    size_t n_heap;
    size_t heap_capacity;
};

/* Room for a text of n bytes; its symbols, from place 0 on, are then the caller's to
 * fill. */
GRT_NODISCARD grt_status grt_merger_begin(grt_merger *merger, const char *text,
                                          size_t n, grt_error *err);

/* Joins until no pair is left. */
void grt_merger_run(grt_merger *merger);
void grt_merger_release(grt_merger *merger);

/* Merges by the ids of both sides. */
typedef struct grt_merge_slot {
    uint32_t left, right; /* left GRT_NOWHERE: empty */
    uint32_t rank;
    uint32_t result;
} grt_merge_slot;

typedef struct grt_merge_table {
    grt_merge_slot *slots; /* open addressing */
    size_t mask;
} grt_merge_table;

/* Of the vocabulary's merges, less those that would make a special piece.
 * GRT_E_FORMAT when one names an id that is not there. */
GRT_NODISCARD grt_status grt_merge_table_init(grt_merge_table *table,
                                              const grt_vocabulary *vocabulary,
                                              grt_error *err);
void grt_merge_table_release(grt_merge_table *table);

/* grt_merge_fn with a grt_merge_table as payload. */
bool grt_merge_by_table(const grt_merger *merger, uint32_t left, uint32_t right,
                        grt_merge_candidate *out);

#endif /* GRT_TOKENIZER_MERGER_H */
