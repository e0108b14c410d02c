/* trie.h - pieces by their first bytes.  Immutable once built; thread safe.
 *
 * Nodes stand in order of depth, so that the children of a node are neighbours and end
 * where those of the next node begin: 9 bytes a node, and a step searches one run of
 * labels. */
#ifndef GRT_TOKENIZER_TRIE_H
#define GRT_TOKENIZER_TRIE_H

#include "tokenizer/vocabulary.h"

#include <string.h>

typedef struct grt_trie {
    uint32_t *first_child; /* [n_nodes + 1] */
    int32_t *ids;          /* [n_nodes] GRT_NO_TOKEN where no piece ends */
    uint8_t *labels;       /* [n_nodes] */
    size_t n_nodes;        /* 0: empty */
    uint32_t roots[256];   /* children of the root by byte; 0: none */
} grt_trie;

typedef bool grt_piece_filter(const grt_piece *piece);

/* Of all pieces that `wants` accepts; of two equal ones the higher id. */
GRT_NODISCARD grt_status grt_trie_init(grt_trie *trie, const grt_vocabulary *vocabulary,
                                       grt_piece_filter *wants, grt_error *err);
void grt_trie_release(grt_trie *trie);

/* grt_piece_filter: pieces that are taken whole where a text has them. */
bool grt_piece_is_verbatim(const grt_piece *piece);

/* The child of `node` (0: the root) for a byte, 0 when there is none. */
static inline uint32_t grt_trie_step(const grt_trie *trie, uint32_t node, uint8_t byte)
{
    if (node == 0) return trie->roots[byte];
    uint32_t first = trie->first_child[node], end = trie->first_child[node + 1];
    if (first == end) return 0;
    const uint8_t *found = memchr(trie->labels + first, byte, end - first);
    return found ? (uint32_t)(found - trie->labels) : 0;
}

/* The longest piece that text[n] begins with, 0 bytes when there is none. */
size_t grt_trie_longest(const grt_trie *trie, const char *text, size_t n, int32_t *id);

#endif /* GRT_TOKENIZER_TRIE_H */
