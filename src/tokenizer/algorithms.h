/* algorithms.h - the tokenizer object and the algorithms behind it. */
#ifndef GRT_TOKENIZER_ALGORITHMS_H
#define GRT_TOKENIZER_ALGORITHMS_H

#include "tokenizer/piece_map.h"
#include "tokenizer/tokenizer.h"

typedef struct grt_bpe grt_bpe;           /* bpe.c */
typedef struct grt_sentence grt_sentence; /* sentence.c */
typedef struct grt_pipeline grt_pipeline; /* pipeline.c */

struct grt_tokenizer {
    const grt_vocabulary *vocabulary;
    grt_piece_map pieces;   /* what user text may produce */
    grt_piece_map specials; /* found by name only */
    size_t longest_piece;   /* bytes */
    grt_bpe *bpe;           /* of byte-level BPE */
    grt_sentence *sentence; /* of SentencePiece */
    grt_pipeline *pipeline; /* of steps and added words; NULL: none */
};

GRT_NODISCARD grt_status grt_wordpiece_encode(const grt_tokenizer *tokenizer,
                                              const char *text, size_t n, grt_ids *out,
                                              grt_error *err);

/* The pieces of one word, text[n]. */
GRT_NODISCARD grt_status grt_wordpiece_encode_word(const grt_tokenizer *tokenizer,
                                                   const char *text, size_t n,
                                                   grt_ids *out, grt_error *err);

GRT_NODISCARD grt_status grt_bpe_create(grt_bpe **out, const grt_tokenizer *tokenizer,
                                        grt_error *err);
void grt_bpe_free(grt_bpe *bpe);
GRT_NODISCARD grt_status grt_bpe_encode(const grt_tokenizer *tokenizer,
                                        const char *text, size_t n, grt_ids *out,
                                        grt_error *err);

GRT_NODISCARD grt_status grt_sentence_create(grt_sentence **out,
                                             const grt_tokenizer *tokenizer,
                                             grt_error *err);
void grt_sentence_free(grt_sentence *sentence);
GRT_NODISCARD grt_status grt_sentence_encode(const grt_tokenizer *tokenizer,
                                             const char *text, size_t n, grt_ids *out,
                                             grt_error *err);

/* A text through steps and added words, whatever the model. */
GRT_NODISCARD grt_status grt_pipeline_create(grt_pipeline **out,
                                             const grt_tokenizer *tokenizer,
                                             grt_error *err);
void grt_pipeline_free(grt_pipeline *pipeline);
GRT_NODISCARD grt_status grt_pipeline_encode(const grt_tokenizer *tokenizer,
                                             const char *text, size_t n, grt_ids *out,
                                             grt_error *err);

/* Bytes of the first part of a word that is longer than GRT_WORD_BYTES: whole
 * characters, and where words are marked (SentencePiece) up to a mark near its end. */
size_t grt_word_part(const char *text, size_t n);

/* A growing text; all zero is empty. */
typedef struct grt_text_buffer {
    char *data;
    size_t n;
    size_t capacity;
} grt_text_buffer;

/* Makes room for n more bytes. */
GRT_NODISCARD grt_status grt_text_buffer_room(grt_text_buffer *buffer, size_t n,
                                              grt_error *err);
void grt_text_buffer_release(grt_text_buffer *buffer);

#endif /* GRT_TOKENIZER_ALGORITHMS_H */
