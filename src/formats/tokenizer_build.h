/* tokenizer_build.h - filling a grt_vocabulary; for the tokenizer readers only. */
#ifndef GRT_FORMATS_TOKENIZER_BUILD_H
#define GRT_FORMATS_TOKENIZER_BUILD_H

#include "formats/pre_tokenizers.h"
#include "formats/tokenizer_files.h"
#include "tokenizer/piece_map.h"

/* Makes room for ids below n (n <= GRT_MAX_VOCABULARY); new ids have no piece. */
GRT_NODISCARD grt_status grt_vocabulary_reserve(grt_vocabulary *v, size_t n,
                                                const char *path, grt_error *err);

/* Sets the piece of `id`, a copy of text[n].  Another text on the same id is
 * GRT_E_FORMAT; the same text again may only add is_special. */
GRT_NODISCARD grt_status grt_vocabulary_set(grt_vocabulary *v, uint64_t id,
                                            const char *text, size_t n, bool is_special,
                                            const char *path, grt_error *err);

enum { GRT_MAX_WORDS = 20000 };

/* What a list of added tokens says of one. */
typedef struct grt_token_flags {
    bool is_special, is_normalised, is_single_word, takes_left, takes_right;
} grt_token_flags;

/* Sets a piece that the tokenizer's extra files or its list of added tokens name.  One
 * that is called special, or is written as control tokens are (a name in brackets,
 * "<think>"), becomes a control token, others words that texts are cut at. */
GRT_NODISCARD grt_status grt_vocabulary_add_token(grt_vocabulary *v, uint64_t id,
                                                  const char *text, size_t n,
                                                  grt_token_flags flags,
                                                  const char *path, grt_error *err);

/* Whether texts can be cut at all added words as they stand, before anything else.  Of
 * byte-level BPE the normalisers are NFC and, where lower_case is set, lower case. */
bool grt_vocabulary_has_plain_words(const grt_vocabulary *v, bool has_normaliser);

/* Added words that are no pieces of the model are hidden from it: steps find them. */
void grt_vocabulary_hide_words(grt_vocabulary *v);

/* Begins a vocabulary: its kind, and no control tokens yet. */
void grt_vocabulary_begin(grt_vocabulary *v, grt_tokenizer_kind kind);

/* The types of pieces in SentencePiece models, and in GGUF. */
enum {
    GRT_PIECE_NORMAL = 1,
    GRT_PIECE_UNKNOWN,
    GRT_PIECE_CONTROL,
    GRT_PIECE_USER_DEFINED,
    GRT_PIECE_UNUSED,
    GRT_PIECE_BYTE
};

/* Sets a piece of SentencePiece with its type and score; an empty text leaves the id
 * without a piece.  v->scores must have room for it. */
GRT_NODISCARD grt_status grt_vocabulary_set_scored(grt_vocabulary *v, uint64_t id,
                                                   grt_text text, uint64_t type,
                                                   double score, const char *path,
                                                   grt_error *err);

/* SentencePiece's normaliser as its models describe it: a mark first; spaces thinned
 * out (remove_extra_whitespaces). */
void grt_vocabulary_set_spaces(grt_vocabulary *v, bool has_first_mark,
                               bool are_thinned);

/* After the last piece of SentencePiece: control tokens that are still unknown, by
 * their usual names; all of them become special. */
void grt_vocabulary_finish_sentence(grt_vocabulary *v);

/* The id of a piece, special or not, GRT_NO_TOKEN if none: a scan.  Of
 * two equal ones the higher. */
int32_t grt_vocabulary_find(const grt_vocabulary *v, const char *text, size_t n);

/* Appends the merge of two pieces, looked up in a map of the pieces that are not
 * special. GRT_E_FORMAT when one of them, or both joined, is not there. */
GRT_NODISCARD grt_status grt_vocabulary_add_merge(grt_vocabulary *v,
                                                  const grt_piece_map *map,
                                                  const char *left, size_t n_left,
                                                  const char *right, size_t n_right,
                                                  const char *path, grt_error *err);

/* Of a vocabulary that was begun as WordPiece: BERT's normaliser, and control tokens
 * that are still unknown by their usual names. */
GRT_NODISCARD grt_status grt_vocabulary_finish_wordpiece(grt_vocabulary *v,
                                                         bool is_lower_case,
                                                         const char *path,
                                                         grt_error *err);

grt_status grt_vocabulary_read_vocab_json(grt_vocabulary *out, const char *text,
                                          size_t n, const char *path, grt_error *err);
grt_status grt_vocabulary_read_merges(grt_vocabulary *out, const char *text, size_t n,
                                      const char *path, grt_error *err);
/* added_tokens.json, on top of a vocabulary. */
grt_status grt_vocabulary_read_added(grt_vocabulary *out, const char *text, size_t n,
                                     const char *path, grt_error *err);
/* SentencePiece with the ids of XLM-RoBERTa: <s> <pad> </s> <unk>, each other piece one
 * higher than in the file, <mask> last. */
grt_status grt_vocabulary_read_model_xlmr(grt_vocabulary *out, const char *text,
                                          size_t n, const char *path, grt_error *err);

#endif /* GRT_FORMATS_TOKENIZER_BUILD_H */
