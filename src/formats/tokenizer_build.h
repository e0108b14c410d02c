/* tokenizer_build.h - filling a grt_vocabulary; for the tokenizer readers only. */
#ifndef GRT_FORMATS_TOKENIZER_BUILD_H
#define GRT_FORMATS_TOKENIZER_BUILD_H

#include "formats/tokenizer_files.h"
#include "tokenizer/piece_map.h"

/* The pre-tokeniser of GPT-2 and of Qwen2, as their tokenizer.json files give them. */
extern const char grt_pattern_gpt2[];
extern const char grt_pattern_qwen2[];

/* Makes room for ids below n (n <= GRT_MAX_VOCABULARY); new ids have no piece. */
GRT_NODISCARD grt_status grt_vocabulary_reserve(grt_vocabulary *v, size_t n,
                                                const char *path, grt_error *err);

/* Sets the piece of `id`, a copy of text[n].  Another text on the same id is
 * GRT_E_FORMAT; the same text again may only add is_special. */
GRT_NODISCARD grt_status grt_vocabulary_set(grt_vocabulary *v, uint64_t id,
                                            const char *text, size_t n, bool is_special,
                                            const char *path, grt_error *err);

/* Appends the merge of two pieces, looked up in a map of the pieces that are not
 * special. GRT_E_FORMAT when one of them, or both joined, is not there. */
GRT_NODISCARD grt_status grt_vocabulary_add_merge(grt_vocabulary *v,
                                                  const grt_piece_map *map,
                                                  const char *left, size_t n_left,
                                                  const char *right, size_t n_right,
                                                  const char *path, grt_error *err);

/* BERT's normaliser and its control tokens, by their usual names. */
GRT_NODISCARD grt_status grt_vocabulary_finish_wordpiece(grt_vocabulary *v,
                                                         bool is_lower_case,
                                                         const char *path,
                                                         grt_error *err);

grt_status grt_vocabulary_read_vocab_json(grt_vocabulary *out, const char *text,
                                          size_t n, const char *path, grt_error *err);
grt_status grt_vocabulary_read_merges(grt_vocabulary *out, const char *text, size_t n,
                                      const char *path, grt_error *err);
/* added_tokens.json and tokenizer_config.json, on top of a vocabulary. */
grt_status grt_vocabulary_read_added(grt_vocabulary *out, const char *text, size_t n,
                                     const char *path, grt_error *err);
grt_status grt_vocabulary_read_config(grt_vocabulary *out, const char *text, size_t n,
                                      const char *path, grt_error *err);

#endif /* GRT_FORMATS_TOKENIZER_BUILD_H */
