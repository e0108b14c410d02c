/* bench_schedule.c - recorded decisions, fitted to other depths, N and K. */
#include "bench/bench.h"

/* After layer 9, 2 are selected and 2 dropped; after layer 11 the 16 that are left fill
 * the 8 free places and no more.  The paper does not give the depth; we take the 28
 * layers of the model that it measures most, Qwen3 0.6B. */
const bench_schedule bench_published_schedule = {
    .n_layers = 28,
    .n_documents = 20,
    .k = 10,
    .n = 2,
    .entries = {{9, 2, 2}, {11, 8, 8}},
};

static int read_count(const char **at, char end, size_t *out)
{
    enum { MOST = 1000000 };
    const char *c = *at;
    size_t value = 0;
    while (*c >= '0' && *c <= '9' && value <= MOST)
        value = value * 10 + (size_t)(*c++ - '0');
    if (c == *at || value > MOST || *c != end) return 0;
    *out = value;
    *at = c + 1;
    return 1;
}

const char *bench_schedule_parse(bench_schedule *out, const char *text)
{
    out->n = 0;
    for (const char *at = text;;) {
        if (out->n == BENCH_SCHEDULE_MAX) return "it has more than 64 entries";
        grt_schedule_entry *entry = &out->entries[out->n++];
        if (!read_count(&at, ':', &entry->layer) ||
            !read_count(&at, ':', &entry->n_select))
            return "an entry is LAYER:SELECT:DROP";
        char end = 0;
        for (const char *c = at; *c && !end; c++)
            if (*c == ',') end = ',';
        if (!read_count(&at, end, &entry->n_drop))
            return "an entry is LAYER:SELECT:DROP";
        if (entry->layer == 0) return "layers count from 1";
        if (out->n > 1 && entry->layer <= entry[-1].layer)
            return "its layers do not ascend";
        if (!end) return NULL;
    }
}

/* whole * part / of, rounded; no more than whole. */
static size_t share(size_t whole, size_t part, size_t of)
{
    if (of == 0 || part >= of) return whole;
    return (size_t)((double)whole * (double)part / (double)of + 0.5);
}

/* Sums are scaled, not single counts: then roundings do not add up. */
void bench_schedule_scale(bench_schedule *to, const bench_schedule *from)
{
    size_t selected = 0, dropped = 0, from_selected = 0, from_dropped = 0;
    size_t n_out = to->n_documents > to->k ? to->n_documents - to->k : 0;
    to->n = 0;
    if (to->k == 0 || n_out == 0 || from->k >= from->n_documents) return;
    for (size_t i = 0; i < from->n; i++) {
        const grt_schedule_entry *entry = &from->entries[i];
        size_t layer = share(to->n_layers, entry->layer, from->n_layers);
        if (layer == 0) layer = 1;
        if (layer >= to->n_layers) return; /* all have run to the end then */
        from_selected += entry->n_select;
        from_dropped += entry->n_drop;
        size_t select = share(to->k, from_selected, from->k) - selected;
        size_t drop = share(n_out, from_dropped, from->n_documents - from->k) - dropped;
        selected += select;
        dropped += drop;
        if (to->n && to->entries[to->n - 1].layer == layer) {
            to->entries[to->n - 1].n_select += select;
            to->entries[to->n - 1].n_drop += drop;
        } else {
            to->entries[to->n++] = (grt_schedule_entry){layer, select, drop};
        }
    }
}
