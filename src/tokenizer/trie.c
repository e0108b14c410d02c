/* trie.c - see trie.h. */
#include "tokenizer/trie.h"

#include "base/memory.h"

#include <stdlib.h>

typedef struct entry {
    const char *text;
    uint32_t size;
    int32_t id;
} entry;

/* The sorted entries below a node. */
typedef struct range {
    uint32_t begin, end;
} range;

static int compare(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    int order = memcmp(x->text, y->text, x->size < y->size ? x->size : y->size);
    if (order) return order;
    if (x->size != y->size) return x->size < y->size ? -1 : 1;
    return x->id < y->id ? -1 : 1;
}

static grt_status sort_entries(entry **out, size_t *n_out, const grt_vocabulary *v,
                               grt_piece_filter *wants, grt_error *err)
{
    size_t n = 0;
    for (size_t id = 0; id < v->n_pieces; id++)
        n += v->pieces[id].text && wants(&v->pieces[id]);
    GRT_TRY(grt_alloc_array(out, n, sizeof(**out), "the trie of pieces", err));
    *n_out = 0;
    for (size_t id = 0; id < v->n_pieces; id++) {
        const grt_piece *piece = &v->pieces[id];
        if (piece->text && wants(piece))
            (*out)[(*n_out)++] = (entry){piece->text, piece->size, (int32_t)id};
    }
    if (n) qsort(*out, n, sizeof(**out), compare);
    return GRT_OK;
}

/* The root and one node for each first bytes that an entry does not share with the
 * entry before it. */
static uint64_t count_nodes(const entry *entries, size_t n)
{
    uint64_t count = 1;
    for (size_t i = 0; i < n; i++) {
        uint32_t shared = 0;
        while (i && shared < entries[i].size && shared < entries[i - 1].size &&
               entries[i].text[shared] == entries[i - 1].text[shared])
            shared++;
        count += entries[i].size - shared;
    }
    return count;
}

/* Appends a node for each next byte of the entries below `node`. */
static void add_children(grt_trie *trie, range *ranges, const entry *entries,
                         size_t node, uint32_t depth)
{
    uint32_t at = ranges[node].begin, end = ranges[node].end;
    trie->ids[node] = GRT_NO_TOKEN;
    for (; at < end && entries[at].size == depth; at++)
        trie->ids[node] = entries[at].id;
    trie->first_child[node] = (uint32_t)trie->n_nodes;
    while (at < end) {
        char label = entries[at].text[depth];
        uint32_t begin = at;
        while (at < end && entries[at].text[depth] == label)
            at++;
        trie->labels[trie->n_nodes] = (uint8_t)label;
        ranges[trie->n_nodes++] = (range){begin, at};
    }
}

static void build(grt_trie *trie, range *ranges, const entry *entries, size_t n)
{
    ranges[0] = (range){0, (uint32_t)n};
    trie->n_nodes = 1;
    size_t node = 0;
    for (uint32_t depth = 0; node < trie->n_nodes; depth++)
        for (size_t end = trie->n_nodes; node < end; node++)
            add_children(trie, ranges, entries, node, depth);
    trie->first_child[trie->n_nodes] = (uint32_t)trie->n_nodes;
    for (uint32_t child = trie->first_child[0]; child < trie->first_child[1]; child++)
        trie->roots[trie->labels[child]] = child;
}

static grt_status build_from(grt_trie *trie, const entry *entries, size_t n,
                             grt_error *err)
{
    uint64_t count = count_nodes(entries, n);
    if (count >= UINT32_MAX)
        GRT_FAIL(err, GRT_E_TOO_LONG, "the vocabulary's pieces are too long together");
    const char *what = "the trie of pieces";
    GRT_TRY(grt_alloc_array(&trie->first_child, (size_t)count + 1, sizeof(uint32_t),
                            what, err));
    GRT_TRY(grt_alloc_array(&trie->ids, (size_t)count, sizeof(int32_t), what, err));
    GRT_TRY(grt_alloc_array(&trie->labels, (size_t)count, 1, what, err));
    range *ranges;
    GRT_TRY(grt_alloc_array(&ranges, (size_t)count, sizeof(*ranges), what, err));
    build(trie, ranges, entries, n);
    grt_free(ranges);
    return GRT_OK;
}

grt_status grt_trie_init(grt_trie *trie, const grt_vocabulary *vocabulary,
                         grt_piece_filter *wants, grt_error *err)
{
    entry *entries;
    size_t n;
    GRT_TRY(sort_entries(&entries, &n, vocabulary, wants, err));
    grt_status status = n ? build_from(trie, entries, n, err) : GRT_OK;
    grt_free(entries);
    if (status != GRT_OK) grt_trie_release(trie);
    return status;
}

void grt_trie_release(grt_trie *trie)
{
    grt_free(trie->first_child);
    grt_free(trie->ids);
    grt_free(trie->labels);
    memset(trie, 0, sizeof(*trie));
}

bool grt_piece_is_verbatim(const grt_piece *piece)
{
    return piece->is_verbatim && !piece->is_special;
}

size_t grt_trie_longest(const grt_trie *trie, const char *text, size_t n, int32_t *id)
{
    size_t longest = 0;
    uint32_t node = 0;
    for (size_t i = 0; i < n; i++) {
        node = grt_trie_step(trie, node, (uint8_t)text[i]);
        if (node == 0) break;
        if (trie->ids[node] == GRT_NO_TOKEN) continue;
        longest = i + 1;
        *id = trie->ids[node];
    }
    return longest;
}
