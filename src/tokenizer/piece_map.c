/* piece_map.c - see piece_map.h. */
#include "tokenizer/piece_map.h"

#include "base/memory.h"

#include <string.h>

/* Words of eight bytes, mixed by multiplication; pieces are short. */
static size_t hash_text(const char *text, size_t n)
{
    uint64_t hash = 0x9E3779B97F4A7C15u ^ n;
    while (n >= 8) {
        uint64_t word;
        memcpy(&word, text, 8);
        hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
        hash ^= hash >> 32;
        text += 8;
        n -= 8;
    }
    uint64_t rest = 0;
    for (size_t i = 0; i < n; i++)
        rest |= (uint64_t)(unsigned char)text[i] << (8 * i);
    hash = (hash ^ rest) * 0xD6E8FEB86659FD93u;
    return (size_t)(hash ^ hash >> 32);
}

static bool is_same(const grt_piece *a, const grt_piece *b)
{
    return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

grt_status grt_piece_map_init(grt_piece_map *map, const grt_vocabulary *vocabulary,
                              bool are_special, grt_error *err)
{
    size_t n_pieces = 0, n_slots = 16;
    for (size_t id = 0; id < vocabulary->n_pieces; id++)
        n_pieces += vocabulary->pieces[id].text &&
                    vocabulary->pieces[id].is_special == are_special;
    while (n_slots < 2 * n_pieces)
        n_slots *= 2;
    GRT_TRY(grt_alloc_array(&map->slots, n_slots, sizeof(*map->slots), "the piece map",
                            err));
    map->pieces = vocabulary->pieces;
    map->mask = n_slots - 1;
    for (size_t id = 0; id < vocabulary->n_pieces; id++) {
        const grt_piece *piece = &vocabulary->pieces[id];
        if (!piece->text || piece->is_special != are_special) continue;
        size_t at = hash_text(piece->text, piece->size) & map->mask;
        while (map->slots[at] && !is_same(&map->pieces[map->slots[at] - 1], piece))
            at = (at + 1) & map->mask;
        map->n_repeated += map->slots[at] != 0;
        map->slots[at] = (uint32_t)id + 1;
    }
    return GRT_OK;
}

int32_t grt_piece_map_get(const grt_piece_map *map, const char *text, size_t n)
{
    for (size_t at = hash_text(text, n) & map->mask; map->slots[at];
         at = (at + 1) & map->mask) {
        const grt_piece *piece = &map->pieces[map->slots[at] - 1];
        if (piece->size == n && memcmp(piece->text, text, n) == 0)
            return (int32_t)(map->slots[at] - 1);
    }
    return GRT_NO_TOKEN;
}

void grt_piece_map_release(grt_piece_map *map)
{
    grt_free(map->slots);
    memset(map, 0, sizeof(*map));
}
