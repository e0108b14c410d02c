/* tokenizer_json.h - what the readers of tokenizer.json share; for them only. */
#ifndef GRT_FORMATS_TOKENIZER_JSON_H
#define GRT_FORMATS_TOKENIZER_JSON_H

#include "formats/json.h"
#include "formats/tokenizer_build.h"

typedef struct grt_json_reader {
    grt_vocabulary *v;
    const char *path;
    grt_error *err;
} grt_json_reader;

/* The text under a key, "" when there is none. */
const char *grt_json_text_of(const json_t *object, const char *key);

/* GRT_E_UNSUPPORTED: "<part> of type <type>". */
grt_status grt_json_unsupported(const grt_json_reader *r, const char *part,
                                const char *type);

/* model.vocab of WordPiece and BPE, {"text": id}. */
GRT_NODISCARD grt_status grt_json_read_vocab(grt_json_reader *r, json_t *vocab);
/* After the vocab, and before the added tokens. */
GRT_NODISCARD grt_status grt_json_read_merges(grt_json_reader *r, const json_t *merges);
GRT_NODISCARD grt_status grt_json_read_added_tokens(grt_json_reader *r,
                                                    const json_t *tokens);

/* A character map in Base64, into the vocabulary. */
GRT_NODISCARD grt_status grt_json_read_charsmap(grt_json_reader *r, const json_t *text);

/* Normalisers and pre-tokenisers as steps, for any model.  GRT_E_UNSUPPORTED. */
GRT_NODISCARD grt_status grt_json_read_steps(grt_json_reader *r, const json_t *root);

/* The post-processor's template of pairs, after all tokens; none where there is no
 * post-processor, or one that adds nothing.  GRT_E_UNSUPPORTED, GRT_E_FORMAT. */
GRT_NODISCARD grt_status grt_json_read_pair(grt_json_reader *r, const json_t *root);

/* Of an entry of added_tokens or added_tokens_decoder. */
grt_token_flags grt_json_token_flags(const json_t *token);

/* Whether a model of type BPE is SentencePiece's, not byte-level. */
bool grt_json_is_sentence_bpe(const json_t *root, const json_t *model);
GRT_NODISCARD grt_status grt_json_read_sentence_bpe(grt_json_reader *r,
                                                    const json_t *root,
                                                    const json_t *model);
GRT_NODISCARD grt_status grt_json_read_unigram(grt_json_reader *r, const json_t *root,
                                               const json_t *model);

#endif /* GRT_FORMATS_TOKENIZER_JSON_H */
