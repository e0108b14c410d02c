/* charsmap.c - see charsmap.h.
 *
 * A unit of the trie (Yata's darts-clone): bits 0-7 the label, bit 8 "a value hangs
 * below", bit 9 "the offset counts in 256", bits 10-30 the offset, bit 31 set in a
 * unit that holds a value.  The child for a byte stands at place ^ offset ^ byte. */
#include "tokenizer/charsmap.h"

#include "base/bytes.h"

static uint32_t unit_label(uint32_t unit)
{
    return unit & (1u << 31 | 0xFF);
}

static uint32_t unit_offset(uint32_t unit)
{
    return (unit >> 10) << ((unit & 1u << 9) >> 6);
}

static bool unit_has_value(uint32_t unit)
{
    return unit >> 8 & 1;
}

grt_status grt_charsmap_read(grt_charsmap *out, grt_arena *arena, const void *blob,
                             size_t n, const char *path, grt_error *err)
{
    if (n == 0) return GRT_OK;
    grt_bytes bytes = grt_bytes_over(blob, n);
    uint32_t n_trie = grt_bytes_u32(&bytes);
    size_t n_left = grt_bytes_left(&bytes);
    if (bytes.is_short || n_trie == 0 || n_trie % 4 != 0 || n_trie >= n_left)
        GRT_FAIL(err, GRT_E_FORMAT,
                 "%s: the character map has %zu bytes, but its trie should have %u",
                 path, n, (unsigned)n_trie);
    uint32_t *units;
    GRT_TRY(grt_arena_alloc(arena, &units, n_trie / 4, sizeof(*units), err));
    for (size_t i = 0; i < n_trie / 4; i++)
        units[i] = grt_bytes_u32(&bytes);
    size_t n_texts = n_left - n_trie;
    const char *texts = (const char *)grt_bytes_take(&bytes, n_texts);
    if (texts[n_texts - 1] != '\0')
        GRT_FAIL(err, GRT_E_FORMAT, "%s: the character map's last text is cut off",
                 path);
    GRT_TRY(grt_arena_copy_text(arena, &out->texts, texts, n_texts, err));
    out->n_texts = n_texts;
    out->units = units;
    out->n_units = n_trie / 4;
    return GRT_OK;
}

/* The longest entry, or the shortest, that text[n] begins with. */
static size_t match(const grt_charsmap *map, const char *text, size_t n,
                    bool is_shortest, const char **replacement)
{
    if (map->n_units == 0) return 0;
    size_t longest = 0;
    uint32_t place = unit_offset(map->units[0]);
    for (size_t i = 0; i < n && !(is_shortest && longest); i++) {
        uint32_t byte = (unsigned char)text[i];
        place ^= byte;
        if (place >= map->n_units) break;
        uint32_t unit = map->units[place];
        if (unit_label(unit) != byte) break;
        place ^= unit_offset(unit);
        if (!unit_has_value(unit)) continue;
        if (place >= map->n_units) break;
        uint32_t value = map->units[place] & ~(1u << 31);
        if (value >= map->n_texts) break;
        longest = i + 1;
        *replacement = map->texts + value;
    }
    return longest;
}

size_t grt_charsmap_match(const grt_charsmap *map, const char *text, size_t n,
                          const char **replacement)
{
    return match(map, text, n, false, replacement);
}

bool grt_charsmap_match_shortest(const grt_charsmap *map, const char *text, size_t n,
                                 const char **replacement)
{
    return match(map, text, n, true, replacement) > 0;
}
