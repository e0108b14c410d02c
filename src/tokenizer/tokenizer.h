/* tokenizer.h - text to token ids. */
#ifndef GRT_TOKENIZER_TOKENIZER_H
#define GRT_TOKENIZER_TOKENIZER_H

#include "tokenizer/vocabulary.h"

/* Growable list of ids; all zero is empty.  Freed with grt_ids_release. */
typedef struct grt_ids {
    int32_t *ids; /* [n] */
    size_t n;
    size_t capacity;
} grt_ids;

GRT_NODISCARD grt_status grt_ids_append(grt_ids *list, const int32_t *ids, size_t n,
                                        grt_error *err);
void grt_ids_release(grt_ids *list);

/* Immutable after create; thread safe (each call brings its own scratch). */
typedef struct grt_tokenizer grt_tokenizer;

/* `vocabulary` is kept and must outlive the tokenizer.  GRT_E_FORMAT when it cannot
 * work (no unk piece where one is needed, a byte without a piece where bytes have
 * pieces, a bad expression). */
GRT_NODISCARD grt_status grt_tokenizer_create(grt_tokenizer **out,
                                              const grt_vocabulary *vocabulary,
                                              grt_error *err);
void grt_tokenizer_free(grt_tokenizer *tokenizer);

/* The vocabulary it was created with: the ids of its control tokens by their role. */
const grt_vocabulary *grt_tokenizer_vocabulary(const grt_tokenizer *tokenizer);

/* Pieces of the vocabulary whose text a later one has. */
size_t grt_tokenizer_n_repeated(const grt_tokenizer *tokenizer);

/* Appends the ids of n bytes of text.  Never produces a special id other than unk and
 * the pieces of single bytes, whatever the text says; adds no control tokens.  Invalid
 * UTF-8 is read as U+FFFD, one for each maximal invalid part (Unicode 15, section 3.9,
 * "maximal subpart"). n = 0 appends nothing.  GRT_E_NO_MEMORY, GRT_E_TOO_LONG (over 1
 * GiB). */
GRT_NODISCARD grt_status grt_tokenizer_encode(const grt_tokenizer *tokenizer,
                                              const char *text, size_t n, grt_ids *out,
                                              grt_error *err);

/* A single word of more bytes is cut into parts of so many, each of which becomes ids
 * on its own, so that no text takes scratch of a multiple of its size: joining
 * neighbours (byte-pair encoding) takes 48 bytes for each byte of a word, searching the
 * best pieces (Unigram) 16.  Ordinary words are shorter by far. */
enum { GRT_WORD_BYTES = 65536, GRT_WORD_SCRATCH = 64 /* for each byte */ };

/* The id of a piece, special ones included, as the file spells it; GRT_NO_TOKEN if
 * none. */
int32_t grt_tokenizer_id(const grt_tokenizer *tokenizer, const char *piece, size_t n);

#endif /* GRT_TOKENIZER_TOKENIZER_H */
