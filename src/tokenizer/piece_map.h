/* piece_map.h - text to id, by open addressing.  Immutable once built; thread safe. */
#ifndef GRT_TOKENIZER_PIECE_MAP_H
#define GRT_TOKENIZER_PIECE_MAP_H

#include "tokenizer/vocabulary.h"

typedef struct grt_piece_map {
    const grt_piece *pieces; /* borrowed from the vocabulary */
    uint32_t *slots;         /* id + 1; 0: empty */
    size_t mask;
    size_t n_repeated; /* pieces that have the text of a later one */
} grt_piece_map;

/* All pieces that are special (or that are not, as asked), of two equal ones the higher
 * id, as other readers have it.
 */
GRT_NODISCARD grt_status grt_piece_map_init(grt_piece_map *map,
                                            const grt_vocabulary *vocabulary,
                                            bool are_special, grt_error *err);

/* GRT_NO_TOKEN when there is none. */
int32_t grt_piece_map_get(const grt_piece_map *map, const char *text, size_t n);
void grt_piece_map_release(grt_piece_map *map);

#endif /* GRT_TOKENIZER_PIECE_MAP_H */
