/* pair.h - (query, document) to one sequence of ids, as a model family wants it.
 *
 * A template is a list of segments: fixed ids and places for texts.  Texts are
 * tokenised on their own, so that they never produce control tokens and the ids before
 * the document are the same for all documents of a request. */
#ifndef GRT_TOKENIZER_PAIR_H
#define GRT_TOKENIZER_PAIR_H

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

/* All pairs of one request, packed end to end.  All zero is empty. */
typedef struct grt_pairs {
    grt_ids ids;          /* [n_rows] */
    uint8_t *token_types; /* [n_rows] */
    size_t types_capacity;
    size_t *offsets;       /* [n_pairs + 1] first row of each pair */
    uint8_t *truncated;    /* [n_pairs] 1: cut */
    grt_pair_spans *spans; /* [n_pairs] */
    size_t n_pairs;
    size_t n_prefix; /* ids that all pairs share at their start (before a document) */
} grt_pairs;

typedef struct grt_text_view {
    const char *data;
    size_t size;
} grt_text_view;

/* Builds the pairs of one query with n documents.  *out must be empty; on failure it is
 * left so.  Where a pair is too long, ids are taken off the end of the longer text (or
 * its beginning, where the vocabulary says so), one
 * at a time (ties: the document), until it fits; what the template puts around the
 * texts stays whole.  GRT_E_TOO_LONG when the template alone leaves no room. */
GRT_NODISCARD grt_status grt_pairs_build(grt_pairs *out, const grt_tokenizer *tokenizer,
                                         const grt_pair_template *template,
                                         grt_text_view query,
                                         const grt_text_view *documents, size_t n,
                                         grt_error *err);
void grt_pairs_release(grt_pairs *pairs);

#endif /* GRT_TOKENIZER_PAIR_H */
