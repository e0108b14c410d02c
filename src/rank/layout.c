/* layout.c - see layout.h. */
#include "rank/layout.h"

#include "base/memory.h"

#include <string.h>

static grt_status count_distinct(grt_layout *layout, grt_error *err)
{
    const grt_ids *ids = &layout->pairs->ids;
    size_t largest = 0;
    for (size_t i = 0; i < ids->n; i++)
        if (ids->ids[i] > 0 && (size_t)ids->ids[i] > largest)
            largest = (size_t)ids->ids[i];
    size_t n_bytes = largest / 8 + 1;
    unsigned char *seen; /* bits by id */
    GRT_TRY(grt_alloc_array(&seen, n_bytes, 1, "tokens seen", err));
    layout->n_distinct = 0;
    for (size_t i = 0; i < ids->n; i++) {
        size_t id = ids->ids[i] > 0 ? (size_t)ids->ids[i] : 0;
        unsigned char bit = (unsigned char)(1u << (id % 8));
        layout->n_distinct += !(seen[id / 8] & bit);
        seen[id / 8] |= bit;
    }
    grt_free(seen);
    return GRT_OK;
}

grt_status grt_layout_init(grt_layout *layout, const grt_pairs *pairs,
                           bool shares_prefix, grt_error *err)
{
    layout->pairs = pairs;
    layout->n_prefix = shares_prefix ? pairs->n_prefix : 0;
    layout->n_sequence = layout->n_prefix;
    layout->n_longest = 0;
    GRT_TRY(grt_alloc_array(&layout->own, pairs->n_pairs, sizeof(grt_row_range),
                            "places of rows", err));
    grt_row_range *own = layout->own;
    size_t row = layout->n_prefix;
    for (size_t i = 0; i < pairs->n_pairs; i++) {
        size_t n = pairs->offsets[i + 1] - pairs->offsets[i];
        own[i] = (grt_row_range){row, n - layout->n_prefix};
        row += own[i].n;
        if (n > layout->n_longest) layout->n_longest = n;
        if (own[i].n > layout->n_sequence) layout->n_sequence = own[i].n;
    }
    layout->n_rows = row;
    return count_distinct(layout, err);
}

grt_row_range grt_layout_own(const grt_layout *layout, size_t i)
{
    return layout->own[i];
}

size_t grt_layout_first_id(const grt_layout *layout, size_t i)
{
    return layout->pairs->offsets[i] + layout->n_prefix;
}

uint64_t grt_layout_bytes(const grt_layout *layout)
{
    return layout->pairs->n_pairs * sizeof(grt_row_range);
}

void grt_layout_release(grt_layout *layout)
{
    grt_free(layout->own);
    memset(layout, 0, sizeof(*layout));
}

size_t grt_layout_chunks(const grt_row_range *ranges, size_t n, size_t max_rows,
                         size_t *chunk_ends)
{
    size_t n_chunks = 0;
    for (size_t first = 0; first < n;) {
        size_t end = first + 1, rows = ranges[first].n;
        while (end < n && rows + ranges[end].n <= max_rows)
            rows += ranges[end++].n;
        chunk_ends[n_chunks++] = end;
        first = end;
    }
    return n_chunks;
}
