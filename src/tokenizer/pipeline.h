/* pipeline.h - texts through steps and added words; for tokenizer/ only. */
#ifndef GRT_TOKENIZER_PIPELINE_H
#define GRT_TOKENIZER_PIPELINE_H

#define PCRE2_CODE_UNIT_WIDTH 8

#include "tokenizer/algorithms.h"
#include "tokenizer/sentence.h"
#include "tokenizer/trie.h"

#include <pcre2.h>

/* Of bpe.c: scratch for words, empty for other models, and the pieces of one word. */
grt_merger grt_bpe_merger(const grt_tokenizer *tokenizer);
GRT_NODISCARD grt_status grt_bpe_encode_word(const grt_tokenizer *tokenizer,
                                             grt_merger *merger, const char *text,
                                             size_t n, grt_ids *out, grt_error *err);

/* A step with its expression, NULL where it has none. */
typedef struct grt_compiled_step {
    grt_text_step step;
    pcre2_code *code;
} grt_compiled_step;

/* Added words by their text: ids of the trie are places in `words`. */
typedef struct grt_word_finder {
    grt_trie trie;
    grt_added_word *words; /* [n] */
    size_t n;
} grt_word_finder;

struct grt_pipeline {
    grt_compiled_step *steps; /* [n_normalisers + n_splitters] */
    size_t n_normalisers, n_splitters;
    grt_word_finder raw;    /* found in the text as it comes */
    grt_word_finder normal; /* found in the normalised text, by normalised words */
    pcre2_match_context *limits;
};

/* Runs one normaliser: `in` is valid UTF-8, *out is cleared first.  *is_shifted is set
 * when the text no longer begins with its first character. */
GRT_NODISCARD grt_status grt_step_normalise(const grt_pipeline *pipeline,
                                            const grt_compiled_step *step,
                                            const grt_charsmap *charsmap,
                                            const grt_text_buffer *in,
                                            grt_text_buffer *out, bool *is_shifted,
                                            grt_error *err);

/* Parts of a text, in order. */
typedef struct grt_part_range {
    size_t begin, end;
} grt_part_range;

typedef struct grt_parts {
    grt_text_buffer text;
    grt_part_range *list; /* [n] */
    size_t n, capacity;
} grt_parts;

GRT_NODISCARD grt_status grt_parts_add(grt_parts *parts, size_t begin, size_t end,
                                       grt_error *err);
void grt_parts_release(grt_parts *parts);

/* Runs one splitter over all parts of `in`; *out is cleared first.  is_first: the text
 * is the beginning of the user's. */
GRT_NODISCARD grt_status grt_step_split(const grt_pipeline *pipeline,
                                        const grt_compiled_step *step,
                                        const grt_parts *in, grt_parts *out,
                                        bool is_first, grt_error *err);

/* The next match in text[n] from `at` on, as begin and end; false: none. */
GRT_NODISCARD grt_status grt_step_match(const grt_pipeline *pipeline,
                                        const pcre2_code *code, const char *text,
                                        size_t n, size_t at, pcre2_match_data *data,
                                        bool *is_found, grt_error *err);

#endif /* GRT_TOKENIZER_PIPELINE_H */
