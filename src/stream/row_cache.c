/* row_cache.c - see row_cache.h.
 *
 * Entries form a ring in order of use: the one after the head was used last, the one
 * before it longest ago.  entry_of finds the entry of a row. */
#include "stream/row_cache.h"

#include "base/checked.h"
#include "base/memory.h"

#define NO_ENTRY UINT32_MAX
#define NO_ROW   SIZE_MAX

typedef struct entry {
    size_t row; /* NO_ROW: empty */
    uint32_t newer, older;
} entry;

struct grt_row_cache {
    grt_row_table table;
    uint32_t *entry_of; /* [n_rows] NO_ENTRY: not cached */
    entry *entries;     /* [n_cached + 1]; the last one is the head of the ring */
    uint32_t head;
    unsigned char *rows; /* [n_cached][row_bytes] */
    uint64_t bytes_read;
};

static size_t clamp_cached(size_t n_rows, size_t n_cached)
{
    if (n_cached > n_rows) n_cached = n_rows;
    return n_cached > 0 ? n_cached : 1;
}

size_t grt_row_cache_bytes(size_t n_rows, size_t row_bytes, size_t n_cached)
{
    size_t index, data, list, total;
    n_cached = clamp_cached(n_rows, n_cached);
    if (!grt_mul_size(&index, n_rows, sizeof(uint32_t)) ||
        !grt_mul_size(&data, n_cached, row_bytes) ||
        !grt_mul_size(&list, n_cached + 1, sizeof(entry)) ||
        !grt_add_size(&total, index, data) || !grt_add_size(&total, total, list) ||
        !grt_add_size(&total, total, sizeof(grt_row_cache)))
        return SIZE_MAX;
    return total;
}

static void ring_remove(grt_row_cache *cache, uint32_t i)
{
    entry *e = &cache->entries[i];
    cache->entries[e->newer].older = e->older;
    cache->entries[e->older].newer = e->newer;
}

static void ring_add_newest(grt_row_cache *cache, uint32_t i)
{
    entry *head = &cache->entries[cache->head], *e = &cache->entries[i];
    e->newer = cache->head;
    e->older = head->older;
    cache->entries[head->older].newer = i;
    head->older = i;
}

grt_status grt_row_cache_create(grt_row_cache **out, const grt_row_table *table,
                                size_t n_cached, grt_error *err)
{
    grt_row_cache *cache;
    n_cached = clamp_cached(table->n_rows, n_cached);
    GRT_TRY(grt_alloc_array(&cache, 1, sizeof(*cache), "the row cache", err));
    cache->table = *table;
    cache->head = (uint32_t)n_cached;
    grt_status status = grt_alloc_array(&cache->entry_of, table->n_rows,
                                        sizeof(uint32_t), "the row cache's index", err);
    if (status == GRT_OK)
        status = grt_alloc_array(&cache->entries, n_cached + 1, sizeof(entry),
                                 "the row cache's list", err);
    if (status == GRT_OK)
        status = grt_alloc_array(&cache->rows, n_cached, table->row_bytes,
                                 "cached rows", err);
    if (status != GRT_OK) {
        grt_row_cache_free(cache);
        return status;
    }
    for (size_t row = 0; row < table->n_rows; row++)
        cache->entry_of[row] = NO_ENTRY;
    cache->entries[cache->head] = (entry){NO_ROW, cache->head, cache->head};
    for (uint32_t i = 0; i < cache->head; i++) {
        cache->entries[i].row = NO_ROW;
        ring_add_newest(cache, i);
    }
    *out = cache;
    return GRT_OK;
}

static uint64_t offset_of(const grt_row_cache *cache, size_t row)
{
    return cache->table.offset + (uint64_t)row * cache->table.row_bytes;
}

void grt_row_cache_expect(const grt_row_cache *cache, const int32_t *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (cache->entry_of[rows[i]] == NO_ENTRY)
            grt_file_expect(cache->table.file, offset_of(cache, (size_t)rows[i]),
                            cache->table.row_bytes);
}

/* Reads the row into the entry that was used longest ago. */
static grt_status read_row(grt_row_cache *cache, size_t row, grt_error *err)
{
    uint32_t oldest = cache->entries[cache->head].newer;
    entry *e = &cache->entries[oldest];
    if (e->row != NO_ROW) cache->entry_of[e->row] = NO_ENTRY;
    e->row = NO_ROW;
    size_t n = cache->table.row_bytes;
    GRT_TRY(grt_file_read_at(cache->table.file, offset_of(cache, row),
                             cache->rows + oldest * n, n, err));
    cache->bytes_read += n;
    e->row = row;
    cache->entry_of[row] = oldest;
    return GRT_OK;
}

grt_status grt_row_cache_get(grt_row_cache *cache, size_t row, const void **out,
                             grt_error *err)
{
    if (cache->entry_of[row] == NO_ENTRY) GRT_TRY(read_row(cache, row, err));
    uint32_t i = cache->entry_of[row];
    ring_remove(cache, i);
    ring_add_newest(cache, i);
    *out = cache->rows + i * cache->table.row_bytes;
    return GRT_OK;
}

uint64_t grt_row_cache_bytes_read(const grt_row_cache *cache)
{
    return cache->bytes_read;
}

void grt_row_cache_free(grt_row_cache *cache)
{
    if (!cache) return;
    grt_free(cache->entry_of);
    grt_free(cache->entries);
    grt_free(cache->rows);
    grt_free(cache);
}
