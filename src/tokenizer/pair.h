/* pair.h - (query, document) to one sequence of ids, as a model family wants it.
 *
 * A template is a list of segments: fixed ids and places for texts.  Texts are
 * tokenised on their own, so that they never produce control tokens and the ids before
 * the document are the same for all documents of a request. */
#ifndef GRT_TOKENIZER_PAIR_H
#define GRT_TOKENIZER_PAIR_H

#include "base/pool.h"
#include "base/stop.h"
#include "tokenizer/tokenizer.h"

typedef enum grt_slot { GRT_SLOT_FIXED, GRT_SLOT_QUERY, GRT_SLOT_DOCUMENT } grt_slot;

typedef struct grt_segment {
    grt_slot slot;
    uint8_t token_type; /* 0 or 1, of all ids of the segment */
    const char *before; /* put before the text and tokenised with it; NULL: nothing */
    const char *after;  /* the same behind it */
    const int32_t *ids; /* [n_ids] of a fixed segment */
    size_t n_ids;
} grt_segment;

enum { GRT_MAX_SEGMENTS = 16 };

typedef struct grt_pair_template {
    grt_segment segments[GRT_MAX_SEGMENTS];
    size_t n_segments;
    size_t max_tokens; /* longest sequence; the tokenizer's own limit may be less */
} grt_pair_template;

/* Where the user's words lie in a pair, in rows from its first. */
typedef struct grt_pair_spans {
    size_t first_query, n_query;
    size_t first_document, n_document;
} grt_pair_spans;

/* Which texts of a pair were cut, as bits. */
typedef enum grt_pair_cut { GRT_CUT_DOCUMENT = 1, GRT_CUT_QUERY = 2 } grt_pair_cut;

/* All pairs of one request, packed end to end.  All zero is empty. */
typedef struct grt_pairs {
    grt_ids ids;          /* [n_rows] */
    uint8_t *token_types; /* [n_rows] */
    size_t types_capacity;
    size_t *offsets;       /* [n_pairs + 1] first row of each pair */
    uint8_t *cuts;         /* [n_pairs] of grt_pair_cut */
    grt_pair_spans *spans; /* [n_pairs] */
    size_t n_pairs;
    size_t capacity;    /* of the three arrays above, in pairs */
    size_t *first_pair; /* [n_documents + 1] of each document; one has several where it
                           was split */
    size_t n_documents;
    size_t n_prefix; /* ids that all pairs share at their start (before a document) */
} grt_pairs;

typedef struct grt_text_view {
    const char *data;
    size_t size;
} grt_text_view;

/* How large pairs are. */
typedef struct grt_pairs_counts {
    size_t n_pairs;
    size_t n_ids;      /* of all */
    size_t n_longest;  /* ids of the longest pair */
    size_t n_prefix;   /* that all share at their start */
    size_t n_distinct; /* different ids */
} grt_pairs_counts;

typedef struct grt_pairs_input {
    const grt_tokenizer *tokenizer;
    const grt_pair_template *template;
    grt_text_view query;
    const grt_text_view *documents; /* [n_documents] */
    size_t n_documents;
    size_t max_document_tokens; /* of a document's own; 0: what the template leaves */
    grt_long_documents long_documents;
    grt_pool *pool;       /* NULL: this thread alone tokenises, one text at a time */
    const grt_stop *stop; /* NULL: none */
    const grt_pairs_counts *counts; /* what grt_pairs_count found: just so much is
                                       allocated; NULL: lists grow */
} grt_pairs_input;

/* Builds the pairs of one query with n documents.  *out must be empty; on failure it is
 * left so.  A pair that is too long is treated as long_documents says:
 *   - cut: the document is cut to max_document_tokens; then ids are taken off the end
 * of the longer text (or its beginning, where the vocabulary says so), one at a time
 * (ties: the document), until the pair fits.
 *   - best: the document is split into chunks that overlap by an eighth; a query that
 * would fill more than half of the room is cut to that.
 *   - refuse: GRT_E_TOO_LONG names the document.
 * What the template puts around the texts stays whole: GRT_E_TOO_LONG when that alone
 * leaves no room.  GRT_E_CANCELLED, within one document, when the stop is asked for. */
GRT_NODISCARD grt_status grt_pairs_build(grt_pairs *out, const grt_pairs_input *input,
                                         grt_error *err);

/* Tokenises all documents as grt_pairs_build does, and keeps no more than one. */
GRT_NODISCARD grt_status grt_pairs_count(grt_pairs_counts *out,
                                         const grt_pairs_input *input, grt_error *err);

/* No less than grt_pairs_build takes at its peak, for texts whose ids are not known. */
uint64_t grt_pairs_peak_bytes(const grt_pairs_input *input, size_t n_threads);
/* No less than counting would find, without tokenising. */
void grt_pairs_bound(grt_pairs_counts *out, const grt_pairs_input *input);
/* The same where they were counted, and texts come one at a time. */
uint64_t grt_pairs_counted_bytes(const grt_pairs_input *input,
                                 const grt_pairs_counts *counts);

/* Gives back what lists have for growing. */
GRT_NODISCARD grt_status grt_pairs_shrink(grt_pairs *pairs, grt_error *err);
/* What so many pairs have allocated then. */
uint64_t grt_pairs_shrunk_bytes(const grt_pairs_counts *counts, size_t n_documents);

/* What the pairs have allocated. */
uint64_t grt_pairs_bytes(const grt_pairs *pairs);
/* No less than pairs of so many documents and rows will have; UINT64_MAX when it cannot
 * be counted. */
uint64_t grt_pairs_bytes_of(size_t n_documents, size_t n_rows);

void grt_pairs_release(grt_pairs *pairs);

#endif /* GRT_TOKENIZER_PAIR_H */
