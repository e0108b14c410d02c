/* charsmap.h - SentencePiece's precompiled character map ("nmt_nfkc" and its kin).
 *
 * A file holds it as one blob: the length of a double-array trie in bytes, the trie
 * (units of 32 bits, as darts-clone lays them out), and the replacement texts, each
 * ended by a NUL.  A trie's value is the place of its replacement.  The blob comes from
 * anywhere: each step is held against the sizes. */
#ifndef GRT_TOKENIZER_CHARSMAP_H
#define GRT_TOKENIZER_CHARSMAP_H

#include "base/arena.h"

#include <stdbool.h>

/* All zero: no map, nothing matches.  Immutable once read; thread safe. */
typedef struct grt_charsmap {
    const uint32_t *units; /* [n_units] */
    size_t n_units;
    const char *texts; /* [n_texts] bytes, the last one NUL */
    size_t n_texts;
} grt_charsmap;

/* Copies blob[n] into the arena; n = 0 gives no map.  GRT_E_FORMAT when its lengths are
 * wrong; `path` names the file. */
GRT_NODISCARD grt_status grt_charsmap_read(grt_charsmap *out, grt_arena *arena,
                                           const void *blob, size_t n, const char *path,
                                           grt_error *err);

/* The longest entry that text[n] begins with: its length in bytes and, NUL-terminated,
 * what it becomes.  0 when there is none. */
size_t grt_charsmap_match(const grt_charsmap *map, const char *text, size_t n,
                          const char **replacement);

/* Whether text[n] begins with an entry; what the shortest becomes goes to *replacement.
 */
bool grt_charsmap_match_shortest(const grt_charsmap *map, const char *text, size_t n,
                                 const char **replacement);

#endif /* GRT_TOKENIZER_CHARSMAP_H */
