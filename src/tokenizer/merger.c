/* merger.c - see merger.h. */
#include "tokenizer/merger.h"

#include "base/memory.h"

#include <string.h>

/* ---- The table ---- */

static size_t hash_pair(uint32_t left, uint32_t right)
{
    uint64_t hash = ((uint64_t)left << 32 | right) * 0x9E3779B97F4A7C15u;
    return (size_t)(hash ^ hash >> 29);
}

/* The slot of a pair, or the empty one where it belongs. */
static grt_merge_slot *slot_of(const grt_merge_table *table, uint32_t left,
                               uint32_t right)
{
    for (size_t at = hash_pair(left, right) & table->mask;;
         at = (at + 1) & table->mask) {
        grt_merge_slot *slot = &table->slots[at];
        if (slot->left == GRT_NOWHERE) return slot;
        if (slot->left == left && slot->right == right) return slot;
    }
}

grt_status grt_merge_table_init(grt_merge_table *table, const grt_vocabulary *v,
                                grt_error *err)
{
    size_t n_slots = 16;
    while (n_slots < 2 * v->n_merges)
        n_slots *= 2;
    GRT_TRY(
        grt_alloc_array(&table->slots, n_slots, sizeof(*table->slots), "merges", err));
    table->mask = n_slots - 1;
    for (size_t i = 0; i < n_slots; i++)
        table->slots[i].left = GRT_NOWHERE;
    for (size_t rank = 0; rank < v->n_merges; rank++) {
        const grt_merge *merge = &v->merges[rank];
        if (merge->left >= v->n_pieces || merge->right >= v->n_pieces ||
            merge->result >= v->n_pieces)
            GRT_FAIL(err, GRT_E_FORMAT, "merge %zu names an id beyond the vocabulary",
                     rank);
        if (v->pieces[merge->result].is_special) continue;
        grt_merge_slot *slot = slot_of(table, merge->left, merge->right);
        if (slot->left != GRT_NOWHERE) continue; /* the first counts */
        *slot =
            (grt_merge_slot){merge->left, merge->right, (uint32_t)rank, merge->result};
    }
    return GRT_OK;
}

void grt_merge_table_release(grt_merge_table *table)
{
    grt_free(table->slots);
    memset(table, 0, sizeof(*table));
}

bool grt_merge_by_table(const grt_merger *merger, uint32_t left, uint32_t right,
                        grt_merge_candidate *out)
{
    uint32_t left_id = merger->symbols[left].id, right_id = merger->symbols[right].id;
    if (left_id == GRT_NOWHERE || right_id == GRT_NOWHERE) return false;
    const grt_merge_slot *slot = slot_of(merger->payload, left_id, right_id);
    if (slot->left == GRT_NOWHERE) return false;
    out->rank = slot->rank;
    out->result = slot->result;
    return true;
}

/* ---- The heap ---- */

static bool comes_first(const grt_merge_candidate *a, const grt_merge_candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void heap_push(grt_merger *m, grt_merge_candidate c)
{
    size_t at = m->n_heap++;
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!comes_first(&c, &m->heap[parent])) break;
        m->heap[at] = m->heap[parent];
        at = parent;
    }
    m->heap[at] = c;
}

static grt_merge_candidate heap_pop(grt_merger *m)
{
    grt_merge_candidate top = m->heap[0], last = m->heap[--m->n_heap];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= m->n_heap) break;
        if (child + 1 < m->n_heap && comes_first(&m->heap[child + 1], &m->heap[child]))
            child++;
        if (!comes_first(&m->heap[child], &last)) break;
        m->heap[at] = m->heap[child];
        at = child;
    }
    m->heap[at] = last;
    return top;
}

/* ---- The text ---- */

grt_status grt_merger_begin(grt_merger *m, const char *text, size_t n, grt_error *err)
{
    m->text = text;
    m->n_heap = 0;
    if (n > m->symbols_capacity) {
        size_t capacity = n < 64 ? 64 : n;
        GRT_TRY(grt_realloc_array(&m->symbols, capacity, sizeof(*m->symbols), "a word",
                                  err));
        m->symbols_capacity = capacity;
    }
    if (2 * n > m->heap_capacity) {
        size_t capacity = 2 * n < 128 ? 128 : 2 * n;
        GRT_TRY(grt_realloc_array(&m->heap, capacity, sizeof(*m->heap), "a word", err));
        m->heap_capacity = capacity;
    }
    return GRT_OK;
}

/* Puts the pair of symbol `left` and its right neighbour on the heap if they join. */
static void consider(grt_merger *m, uint32_t left)
{
    uint32_t right = m->symbols[left].next;
    if (right == GRT_NOWHERE) return;
    grt_merge_candidate c = {.at = left,
                             .size = m->symbols[left].size + m->symbols[right].size};
    if (m->find(m, left, right, &c)) heap_push(m, c);
}

/* A pair that was seen and whose two sizes still add up is still that pair: symbols
 * only grow. */
static bool is_stale(const grt_merger *m, const grt_merge_candidate *c)
{
    const grt_symbol *left = &m->symbols[c->at];
    return left->size == 0 || left->next == GRT_NOWHERE ||
           left->size + m->symbols[left->next].size != c->size;
}

void grt_merger_run(grt_merger *m)
{
    for (uint32_t at = 0; at != GRT_NOWHERE; at = m->symbols[at].next)
        consider(m, at);
    while (m->n_heap > 0) {
        grt_merge_candidate c = heap_pop(m);
        if (is_stale(m, &c)) continue;
        grt_symbol *left = &m->symbols[c.at], *right = &m->symbols[left->next];
        left->id = c.result;
        left->size = c.size;
        left->next = right->next;
        right->size = 0;
        if (left->next != GRT_NOWHERE) m->symbols[left->next].previous = c.at;
        consider(m, c.at);
        if (left->previous != GRT_NOWHERE) consider(m, left->previous);
    }
}

void grt_merger_release(grt_merger *m)
{
    grt_free(m->symbols);
    grt_free(m->heap);
    m->symbols = NULL;
    m->heap = NULL;
    m->symbols_capacity = m->heap_capacity = 0;
}
