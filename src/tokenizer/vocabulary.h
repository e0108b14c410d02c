/* vocabulary.h - what a tokenizer file says, in one form for all file formats.
 *
 * Filled by formats/ (tokenizer.json, vocab.txt, vocab.json + merges.txt, SentencePiece
 * models, GGUF), read by the tokenizers, which copy nothing: the vocabulary must
 * outlive its tokenizer. */
#ifndef GRT_TOKENIZER_VOCABULARY_H
#define GRT_TOKENIZER_VOCABULARY_H

#include "base/notes.h"
#include "tokenizer/charsmap.h"
#include "tokenizer/steps.h"

#include <stdbool.h>

typedef enum grt_tokenizer_kind {
    GRT_TOKENIZER_WORDPIECE,
    GRT_TOKENIZER_BPE,         /* byte-level */
    GRT_TOKENIZER_UNIGRAM,     /* SentencePiece: best path over scores */
    GRT_TOKENIZER_SENTENCE_BPE /* SentencePiece: merges of characters */
} grt_tokenizer_kind;

/* Where SentencePiece puts a mark (U+2581) before a text. */
typedef enum grt_first_mark {
    GRT_FIRST_MARK_NONE,
    GRT_FIRST_MARK_ALWAYS,
    GRT_FIRST_MARK_UNLESS_THERE /* not where the text begins with one */
} grt_first_mark;

/* One piece.  WordPiece: continuation pieces carry their "##".  BPE: the bytes in the
 * printable alphabet of GPT-2, as in the file.  SentencePiece: spaces are U+2581.
 * Special pieces: their plain text. */
typedef struct grt_piece {
    const char *text; /* not NUL-terminated */
    uint32_t size;
    bool is_special;  /* a control token, or a byte's: no text matches it */
    bool is_verbatim; /* user-defined text: taken whole where it stands; special too:
                         only as one of the added words */
} grt_piece;

typedef struct grt_merge {        /* of BPE, by rank */
    uint32_t left, right, result; /* ids */
} grt_merge;

/* A word that Hugging Face's library cuts out of texts before its model sees them. */
typedef struct grt_added_word {
    int32_t id;
    bool is_in_model;    /* a piece of the model as well */
    bool is_normalised;  /* found in the normalised text, else in the raw one */
    bool is_single_word; /* not inside of another word */
    bool takes_left, takes_right; /* the white space beside it */
} grt_added_word;

/* A token of a pair, or the place of one of its texts. */
typedef struct grt_pair_part {
    int32_t id;   /* or GRT_PAIR_QUERY, GRT_PAIR_DOCUMENT */
    uint8_t type; /* 0 or 1 */
} grt_pair_part;
enum { GRT_PAIR_QUERY = -1, GRT_PAIR_DOCUMENT = -2, GRT_MAX_PAIR_PARTS = 14 };

enum { GRT_MAX_VOCABULARY = 4000000, GRT_MAX_PIECE_BYTES = 4096, GRT_NO_TOKEN = -1 };

typedef struct grt_vocabulary {
    grt_arena arena;
    grt_notes notes; /* of readers */
    grt_tokenizer_kind kind;
    grt_piece *pieces; /* [n_pieces]; text NULL where an id has no piece */
    size_t n_pieces;
    size_t pieces_capacity; /* of readers */
    grt_merge *merges;      /* [n_merges] */
    size_t n_merges;
    /* normaliser */
    bool
        clean_text; /* BERT: drop control characters, all white space becomes a space */
    bool split_cjk; /* BERT: spaces around CJK ideographs */
    bool lower_case;
    bool strip_accents; /* NFD, then drop Mn */
    bool use_nfc;
    /* pre-tokeniser of BPE: a PCRE2 expression; NULL: none */
    const char *split_pattern;
    bool add_prefix_space;
    bool whole_words_first; /* BPE: a word that is a piece is not merged (Llama 3) */
    /* in the place of the switches above and of those for spaces below */
    bool has_steps;
    grt_text_step *normalisers; /* [n_normalisers] */
    size_t n_normalisers;
    grt_text_step *splitters; /* [n_splitters] */
    size_t n_splitters;
    grt_added_word *words; /* [n_words], of has_steps and of WordPiece */
    size_t n_words;
    /* SentencePiece */
    float *scores; /* [n_pieces]; NULL: merges decide */
    grt_charsmap charsmap;
    bool strip_left, strip_right; /* spaces at the ends */
    bool collapse_spaces;         /* runs of them to one */
    bool all_white_space;         /* any white space is a space */
    grt_first_mark first_mark;
    bool split_words;   /* each mark begins a text of its own */
    bool byte_fallback; /* unknown characters become the pieces <0x00> to <0xFF> */
    bool fuse_unknown;  /* neighbouring unknown characters become one unk */
    /* WordPiece */
    size_t max_word_chars; /* longer words become unk */
    /* ids of control tokens, GRT_NO_TOKEN when there is none */
    int32_t unk, cls, sep, pad, bos, eos;
    /* pairs of texts */
    size_t max_tokens; /* of a pair by the tokenizer's own limit; 0: none */
    bool cuts_left;    /* texts that are too long lose their beginning */
    bool has_one_type; /* all tokens are of type 0 */
    grt_pair_part
        pair[GRT_MAX_PAIR_PARTS]; /* [n_pair], the query before the document */
    size_t n_pair;                /* 0: the file does not say how pairs are built */
} grt_vocabulary;

void grt_vocabulary_release(grt_vocabulary *vocabulary);

#endif /* GRT_TOKENIZER_VOCABULARY_H */
