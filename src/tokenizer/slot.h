/* slot.h - one text of a pair as ids, with what the template puts around it. */
#ifndef GRT_TOKENIZER_SLOT_H
#define GRT_TOKENIZER_SLOT_H

#include "tokenizer/pair.h"

/* [n_before user's ids n_after]; all zero is empty. */
typedef struct grt_slot_ids {
    grt_ids ids;
    size_t n_before;
    size_t n_after;
} grt_slot_ids;

/* What a template puts around a text, tokenised on its own. */
typedef struct grt_surround {
    grt_ids before;
    grt_ids after;
} grt_surround;

GRT_NODISCARD grt_status grt_surround_encode(grt_surround *out,
                                             const grt_tokenizer *tokenizer,
                                             const grt_segment *segment,
                                             grt_error *err);

/* Tokenises what is before the text, the text, and what is after it together.  n_before
 * ends where the text has changed an id: the space at the end of a prompt becomes the
 * start of the text's first word.  n_after is that of the segment alone, and never more
 * than there are.
 *
 * limit: with more ids than that before the end of the text the first `limit` and those
 * of `after` are enough, and a long text is not read to its end; 0: all. */
GRT_NODISCARD grt_status grt_slot_encode(grt_slot_ids *out,
                                         const grt_tokenizer *tokenizer,
                                         const grt_segment *segment,
                                         const grt_surround *around, grt_text_view text,
                                         size_t limit, grt_error *err);

/* The most that tokenising a text of so many bytes takes for a moment, beside its ids.
 */
uint64_t grt_slot_scratch_bytes(const grt_vocabulary *vocabulary, uint64_t n_bytes,
                                size_t limit);

/* How many ids `a` and `b` have in common at their start, at most `limit`. */
size_t grt_common_start(const int32_t *a, const int32_t *b, size_t limit);

#endif /* GRT_TOKENIZER_SLOT_H */
