/* sentence.h - what the two algorithms of SentencePiece share; for sentence*.c and
 * unigram.c only. */
#ifndef GRT_TOKENIZER_SENTENCE_H
#define GRT_TOKENIZER_SENTENCE_H

#include "tokenizer/algorithms.h"
#include "tokenizer/merger.h"
#include "tokenizer/trie.h"

/* U+2581, which stands for a space. */
#define GRT_SPACE_MARK "\xe2\x96\x81"
enum { GRT_SPACE_MARK_BYTES = 3 };

struct grt_sentence {
    grt_trie pieces;        /* of Unigram */
    grt_merge_table merges; /* of BPE without scores */
    grt_trie verbatim;
    double unknown_score;
    bool are_words_apart;  /* no piece has a mark behind another character */
    int32_t byte_ids[256]; /* of byte fallback */
};

/* The best path to a place of the text; see unigram.c. */
typedef struct grt_path_node {
    double score;
    uint32_t other; /* where the last piece begins; then, on the path: its end */
    int32_t id;     /* GRT_NO_TOKEN: an unknown character */
} grt_path_node;

/* One call of encode. */
typedef struct grt_sentence_run {
    const grt_tokenizer *tokenizer;
    const grt_sentence *sentence;
    grt_ids *out;
    grt_error *err;
    bool is_after_unknown; /* the last id stands for unknown characters */
    grt_merger merger;     /* scratch of BPE */
    grt_path_node *nodes;  /* scratch of Unigram */
    size_t nodes_capacity;
} grt_sentence_run;

/* A run that appends to `out`; grt_sentence_run_end frees its scratch. */
grt_sentence_run grt_sentence_run_begin(const grt_tokenizer *tokenizer, grt_ids *out,
                                        grt_error *err);
void grt_sentence_run_end(grt_sentence_run *run);

/* Appends the ids of text[n], n >= 1, which is normalised. */
GRT_NODISCARD grt_status grt_unigram_encode(grt_sentence_run *run, const char *text,
                                            size_t n);
GRT_NODISCARD grt_status grt_sentence_bpe_encode(grt_sentence_run *run,
                                                 const char *text, size_t n);

/* Appends a piece; or, for GRT_NO_TOKEN, what stands for the unknown text[n]: its
 * bytes, or unk unless one is there already. */
GRT_NODISCARD grt_status grt_sentence_append(grt_sentence_run *run, int32_t id,
                                             const char *text, size_t n);

/* grt_merge_fn: two symbols join when their text is a piece, the best score first. */
bool grt_merge_by_score(const grt_merger *merger, uint32_t left, uint32_t right,
                        grt_merge_candidate *out);

#endif /* GRT_TOKENIZER_SENTENCE_H */
