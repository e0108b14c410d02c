/* layout.c - see layout.h. */
#include "rank/layout.h"

grt_status grt_layout_init(grt_layout *layout, const grt_pairs *pairs,
                           bool shares_prefix, grt_error *err)
{
    layout->pairs = pairs;
    layout->n_prefix = shares_prefix ? pairs->n_prefix : 0;
    layout->n_sequence = layout->n_prefix;
    layout->n_longest = 0;
    GRT_TRY(grt_buffer_need(&layout->own, pairs->n_pairs, sizeof(grt_row_range),
                            "places of rows", err));
    grt_row_range *own = layout->own.data;
    size_t row = layout->n_prefix;
    for (size_t i = 0; i < pairs->n_pairs; i++) {
        size_t n = pairs->offsets[i + 1] - pairs->offsets[i];
        own[i] = (grt_row_range){row, n - layout->n_prefix};
        row += own[i].n;
        if (n > layout->n_longest) layout->n_longest = n;
        if (own[i].n > layout->n_sequence) layout->n_sequence = own[i].n;
    }
    layout->n_rows = layout->n_distinct = row;
    return GRT_OK;
}

grt_row_range grt_layout_own(const grt_layout *layout, size_t i)
{
    return ((const grt_row_range *)layout->own.data)[i];
}

size_t grt_layout_first_id(const grt_layout *layout, size_t i)
{
    return layout->pairs->offsets[i] + layout->n_prefix;
}

void grt_layout_release(grt_layout *layout)
{
    grt_buffer_release(&layout->own);
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
