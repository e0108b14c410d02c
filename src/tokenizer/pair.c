/* pair.c - see pair.h. */
#include "tokenizer/pair.h"

#include "tokenizer/slot.h"

#include "base/checked.h"
#include "base/memory.h"

#include <assert.h>
#include <string.h>

static size_t user_count(const grt_slot_ids *slot)
{
    return slot->ids.n - slot->n_before - slot->n_after;
}

static const grt_segment *find_slot(const grt_pair_template *template, grt_slot slot)
{
    for (size_t i = 0; i < template->n_segments; i++)
        if (template->segments[i].slot == slot) return &template->segments[i];
    return NULL;
}

/* How many ids each text loses so that `excess` are gone. */
static void share_cut(size_t excess, size_t n_query, size_t n_document,
                      size_t *cut_query, size_t *cut_document)
{
    size_t longer = n_query > n_document ? n_query : n_document;
    size_t difference = longer - (n_query < n_document ? n_query : n_document);
    size_t first = excess < difference ? excess : difference;
    size_t rest = excess - first;
    *cut_query = rest / 2 + (n_query > n_document ? first : 0);
    *cut_document = rest - rest / 2 + (n_query > n_document ? 0 : first);
}

/* A document on its way, tokenised by some thread. */
typedef struct encoded {
    grt_slot_ids slot;
    grt_status status;
    grt_error err;
} encoded;

enum { DOCUMENTS_AT_ONCE = 64 }; /* tokenised side by side, then put in their places */

typedef struct builder {
    grt_pairs *pairs;
    const grt_pairs_input *input;
    grt_surround around; /* of the text that is being tokenised */
    const grt_segment *document_segment;
    size_t query_limit, document_limit; /* ids that are looked for; 0: all */
    grt_slot_ids query;
    encoded *encoded; /* [n_encoded] */
    size_t n_encoded;
    size_t n_fixed; /* ids of a pair that are not the user's */
    size_t n_rows_before_document;
    grt_pairs_counts *counts; /* pairs are counted and, but for the first, not kept */
    unsigned char *seen;      /* bits by id, of what was counted */
    grt_error *err;
} builder;

static grt_status append_ids(builder *b, const int32_t *ids, size_t n, uint8_t type)
{
    grt_pairs *pairs = b->pairs;
    size_t first = pairs->ids.n;
    GRT_TRY(grt_ids_append(&pairs->ids, ids, n, b->err));
    if (pairs->ids.n > pairs->types_capacity) {
        size_t capacity = pairs->ids.capacity;
        GRT_TRY(grt_realloc_array(&pairs->token_types, capacity, sizeof(uint8_t),
                                  "token types", b->err));
        pairs->types_capacity = capacity;
    }
    if (grt_tokenizer_vocabulary(b->input->tokenizer)->has_one_type) type = 0;
    if (n) memset(pairs->token_types + first, type, n);
    return GRT_OK;
}

/* A stretch of a text's own ids. */
typedef struct stretch {
    size_t first, n;
} stretch;

static grt_status append_slot(builder *b, const grt_slot_ids *slot, stretch kept,
                              uint8_t type)
{
    const int32_t *ids = slot->ids.ids;
    GRT_TRY(append_ids(b, ids, slot->n_before, type));
    if (kept.n) GRT_TRY(append_ids(b, ids + slot->n_before + kept.first, kept.n, type));
    if (slot->n_after == 0) return GRT_OK; /* an empty text has no ids at all */
    return append_ids(b, ids + slot->ids.n - slot->n_after, slot->n_after, type);
}

/* Room for one pair more in the arrays of pairs. */
static grt_status make_room(builder *b)
{
    grt_pairs *pairs = b->pairs;
    if (pairs->n_pairs < pairs->capacity) return GRT_OK;
    size_t capacity = pairs->capacity ? 2 * pairs->capacity : b->input->n_documents;
    if (b->counts) capacity = 2; /* the first and the current one */
    if (b->input->counts) capacity = b->input->counts->n_pairs;
    GRT_TRY(grt_realloc_array(&pairs->offsets, capacity + 1, sizeof(size_t),
                              "pair offsets", b->err));
    GRT_TRY(grt_realloc_array(&pairs->cuts, capacity, 1, "truncation marks", b->err));
    GRT_TRY(grt_realloc_array(&pairs->spans, capacity, sizeof(grt_pair_spans),
                              "places of the texts", b->err));
    pairs->offsets[0] = 0;
    pairs->capacity = capacity;
    return GRT_OK;
}

/* The ids that all pairs so far share at their start. */
static void note_prefix(builder *b)
{
    grt_pairs *pairs = b->pairs;
    size_t last = pairs->n_pairs - 1, shared = b->n_rows_before_document;
    if (last == 0 || shared < pairs->n_prefix) pairs->n_prefix = shared;
    const int32_t *ids = pairs->ids.ids;
    pairs->n_prefix =
        grt_common_start(ids, ids + pairs->offsets[last], pairs->n_prefix);
}

/* The first pair stays, for the others to be held against. */
static void count_pair(builder *b)
{
    grt_pairs *pairs = b->pairs;
    grt_pairs_counts *counts = b->counts;
    size_t last = pairs->n_pairs - 1;
    size_t n = pairs->offsets[last + 1] - pairs->offsets[last];
    counts->n_pairs++;
    counts->n_ids += n;
    if (n > counts->n_longest) counts->n_longest = n;
    for (size_t i = pairs->offsets[last]; i < pairs->ids.n; i++) {
        size_t id = pairs->ids.ids[i] > 0 ? (size_t)pairs->ids.ids[i] : 0;
        unsigned char bit = (unsigned char)(1u << (id % 8));
        counts->n_distinct += !(b->seen[id / 8] & bit);
        b->seen[id / 8] |= bit;
    }
    counts->n_prefix = pairs->n_prefix;
    if (last == 0) return;
    pairs->n_pairs = last;
    pairs->ids.n = pairs->offsets[last];
}

static grt_status append_pair(builder *b, const grt_slot_ids *document,
                              stretch of_query, stretch of_document)
{
    const grt_pair_template *template = b->input->template;
    grt_pairs *pairs = b->pairs;
    GRT_TRY(make_room(b));
    size_t index = pairs->n_pairs, first = pairs->ids.n;
    grt_pair_spans *spans = &pairs->spans[index];
    for (size_t i = 0; i < template->n_segments; i++) {
        const grt_segment *s = &template->segments[i];
        if (s->slot == GRT_SLOT_FIXED)
            GRT_TRY(append_ids(b, s->ids, s->n_ids, s->token_type));
        size_t row = pairs->ids.n - first;
        if (s->slot == GRT_SLOT_QUERY) {
            spans->first_query = row + b->query.n_before;
            spans->n_query = of_query.n;
            GRT_TRY(append_slot(b, &b->query, of_query, s->token_type));
        }
        if (s->slot == GRT_SLOT_DOCUMENT) {
            b->n_rows_before_document = row;
            spans->first_document = row + document->n_before;
            spans->n_document = of_document.n;
            GRT_TRY(append_slot(b, document, of_document, s->token_type));
        }
    }
    pairs->cuts[index] =
        (uint8_t)((of_query.n < user_count(&b->query) ? GRT_CUT_QUERY : 0) |
                  (of_document.n < user_count(document) ? GRT_CUT_DOCUMENT : 0));
    pairs->offsets[index + 1] = pairs->ids.n;
    pairs->n_pairs++;
    note_prefix(b);
    if (b->counts) count_pair(b);
    return GRT_OK;
}

/* Ids of a pair that are left for the user's two texts. */
static grt_status room_of(const builder *b, const grt_slot_ids *document, size_t *room)
{
    size_t most = b->input->template->max_tokens;
    size_t limit = grt_tokenizer_vocabulary(b->input->tokenizer)->max_tokens;
    if (limit && limit < most) most = limit;
    size_t around = b->n_fixed + b->query.n_before + b->query.n_after +
                    document->n_before + document->n_after;
    if (around > most)
        GRT_FAIL(
            b->err, GRT_E_TOO_LONG,
            "the prompt alone fills the model's %zu tokens; shorten the instruction",
            most);
    *room = most - around;
    return GRT_OK;
}

/* The n ids of a text that stay when it is cut. */
static stretch kept_of(const builder *b, const grt_slot_ids *text, size_t n)
{
    bool is_left = grt_tokenizer_vocabulary(b->input->tokenizer)->cuts_left;
    return (stretch){is_left ? user_count(text) - n : 0, n};
}

/* One pair, cut where it is too long. */
static grt_status append_cut(builder *b, const grt_slot_ids *document, size_t room,
                             size_t n_document)
{
    size_t n_query = user_count(&b->query), cut_query = 0, cut_document = 0;
    if (n_query + n_document > room)
        share_cut(n_query + n_document - room, n_query, n_document, &cut_query,
                  &cut_document);
    return append_pair(b, document, kept_of(b, &b->query, n_query - cut_query),
                       kept_of(b, document, n_document - cut_document));
}

/* Chunks of equal size but for the last, each beginning an eighth before the end of the
 * one before, so that no sentence stands in halves only. */
static grt_status append_chunks(builder *b, const grt_slot_ids *document, size_t room,
                                size_t most)
{
    size_t n_query = user_count(&b->query), n = user_count(document);
    if (n_query > room / 2) n_query = room / 2;
    if (most > room - n_query) most = room - n_query;
    if (most == 0) return append_cut(b, document, room, 0);
    size_t stride = most - most / 8, first_pair = b->pairs->n_pairs;
    for (size_t first = 0;; first += stride) {
        size_t left = n - first;
        stretch of_document = {first, left < most ? left : most};
        GRT_TRY(append_pair(b, document, (stretch){0, n_query}, of_document));
        if (left <= most) break;
    }
    for (size_t i = first_pair; i < b->pairs->n_pairs; i++)
        b->pairs->cuts[i] &= GRT_CUT_QUERY; /* the document is in the other chunks */
    return GRT_OK;
}

static grt_status append_document(builder *b, const grt_slot_ids *document,
                                  size_t index)
{
    const grt_pairs_input *input = b->input;
    size_t room = 0, n = user_count(document), most = input->max_document_tokens;
    GRT_TRY(room_of(b, document, &room));
    if (most == 0) most = SIZE_MAX;
    if (b->pairs->first_pair) b->pairs->first_pair[index] = b->pairs->n_pairs;
    size_t n_query = user_count(&b->query);
    bool is_long = n > most || n + n_query > room;
    if (is_long && input->long_documents == GRT_LONG_REFUSE)
        GRT_FAIL(b->err, GRT_E_TOO_LONG,
                 "document %zu has %zu tokens, with the query %zu; %zu and %zu are the "
                 "most",
                 index, n, n + n_query, most < room ? most : room, room);
    if (is_long && input->long_documents == GRT_LONG_BEST)
        return append_chunks(b, document, room, most);
    return append_cut(b, document, room, n < most ? n : most);
}

/* ---- Many documents ---- */

typedef struct encode_job {
    builder *b;
    size_t first; /* document */
} encode_job;

static void encode_task(size_t task, size_t worker, void *payload)
{
    (void)worker;
    const encode_job *job = payload;
    const grt_pairs_input *input = job->b->input;
    encoded *out = &job->b->encoded[task];
    if (grt_stop_asked(input->stop) != GRT_STOP_NONE) {
        out->status = grt_error_set(&out->err, GRT_E_CANCELLED, -1,
                                    "stopped while texts were read");
        return;
    }
    out->status = grt_slot_encode(
        &out->slot, input->tokenizer, job->b->document_segment, &job->b->around,
        input->documents[job->first + task], job->b->document_limit, &out->err);
}

static void encode_some(builder *b, size_t first, size_t n)
{
    encode_job job = {b, first};
    if (b->input->pool) {
        grt_pool_run(b->input->pool, n, encode_task, &job);
        return;
    }
    for (size_t task = 0; task < n; task++)
        encode_task(task, 0, &job);
}

static grt_status append_some(builder *b, size_t first, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        encoded *e = &b->encoded[i];
        if (e->status != GRT_OK) {
            if (b->err) *b->err = e->err;
            return e->status;
        }
        GRT_TRY(append_document(b, &e->slot, first + i));
    }
    return GRT_OK;
}

/* With as many ids of its own as a pair may have a text is cut as if it had more: the
 * rest need not be known.  Texts that lose their beginning are needed whole, and so are
 * documents that are split, or refused with their number of tokens. */
static void set_limits(builder *b)
{
    const grt_pairs_input *input = b->input;
    const grt_vocabulary *v = grt_tokenizer_vocabulary(input->tokenizer);
    size_t most = input->template->max_tokens;
    bool is_cut = !v->cuts_left && input->long_documents != GRT_LONG_REFUSE;
    if (v->max_tokens && v->max_tokens < most) most = v->max_tokens;
    size_t limit = most + b->around.before.n + 1;
    b->query_limit = is_cut ? limit : 0;
    b->document_limit = is_cut && input->long_documents == GRT_LONG_CUT ? limit : 0;
}

/* Just the room that all pairs take. */
static grt_status reserve_counted(builder *b)
{
    grt_pairs *pairs = b->pairs;
    size_t n = b->input->counts->n_ids;
    GRT_TRY(grt_realloc_array(&pairs->ids.ids, n, sizeof(int32_t), "ids", b->err));
    pairs->ids.capacity = n;
    GRT_TRY(grt_realloc_array(&pairs->token_types, n, 1, "token types", b->err));
    pairs->types_capacity = n;
    return GRT_OK;
}

static grt_status build(builder *b)
{
    const grt_pairs_input *input = b->input;
    const grt_pair_template *template = input->template;
    const grt_segment *query_segment = find_slot(template, GRT_SLOT_QUERY);
    size_t n = input->n_documents;
    b->document_segment = find_slot(template, GRT_SLOT_DOCUMENT);
    assert(query_segment && b->document_segment);
    GRT_TRY(grt_surround_encode(&b->around, input->tokenizer, query_segment, b->err));
    set_limits(b);
    GRT_TRY(grt_slot_encode(&b->query, input->tokenizer, query_segment, &b->around,
                            input->query, b->query_limit, b->err));
    GRT_TRY(
        grt_surround_encode(&b->around, input->tokenizer, b->document_segment, b->err));
    set_limits(b);
    for (size_t i = 0; i < template->n_segments; i++)
        if (template->segments[i].slot == GRT_SLOT_FIXED)
            b->n_fixed += template->segments[i].n_ids;
    if (!b->counts)
        GRT_TRY(grt_alloc_array(&b->pairs->first_pair, n + 1, sizeof(size_t),
                                "pairs of documents", b->err));
    if (input->counts) GRT_TRY(reserve_counted(b));
    size_t at_once = n < DOCUMENTS_AT_ONCE ? n : DOCUMENTS_AT_ONCE;
    if (!input->pool) at_once = 1;
    GRT_TRY(grt_alloc_array(&b->encoded, at_once, sizeof(*b->encoded), "the documents",
                            b->err));
    b->n_encoded = at_once;
    for (size_t first = 0; first < n; first += at_once) {
        size_t some = n - first < at_once ? n - first : at_once;
        encode_some(b, first, some);
        GRT_TRY(append_some(b, first, some));
    }
    b->pairs->n_documents = n;
    if (b->pairs->first_pair) b->pairs->first_pair[n] = b->pairs->n_pairs;
    return GRT_OK;
}

static grt_status run(builder *b)
{
    grt_status status = build(b);
    for (size_t i = 0; i < b->n_encoded; i++)
        grt_ids_release(&b->encoded[i].slot.ids);
    grt_free(b->encoded);
    grt_ids_release(&b->query.ids);
    grt_ids_release(&b->around.before);
    grt_ids_release(&b->around.after);
    return status;
}

grt_status grt_pairs_build(grt_pairs *out, const grt_pairs_input *input, grt_error *err)
{
    builder b = {.pairs = out, .input = input, .err = err};
    grt_status status = run(&b);
    if (status != GRT_OK) grt_pairs_release(out);
    return status;
}

/* Bits for all ids of the vocabulary, and of templates. */
static size_t seen_bytes(const grt_pairs_input *input)
{
    size_t n = grt_tokenizer_vocabulary(input->tokenizer)->n_pieces;
    for (size_t i = 0; i < input->template->n_segments; i++) {
        const grt_segment *s = &input->template->segments[i];
        for (size_t at = 0; at < s->n_ids; at++)
            if (s->ids[at] > 0 && (size_t)s->ids[at] >= n) n = (size_t)s->ids[at] + 1;
    }
    return n / 8 + 1;
}

grt_status grt_pairs_count(grt_pairs_counts *out, const grt_pairs_input *input,
                           grt_error *err)
{
    grt_pairs pairs = {0};
    grt_pairs_counts counts = {0};
    grt_pairs_input alone = *input;
    alone.pool = NULL;
    alone.counts = NULL;
    builder b = {.pairs = &pairs, .input = &alone, .counts = &counts, .err = err};
    GRT_TRY(grt_alloc_array(&b.seen, seen_bytes(input), 1, "tokens seen", err));
    grt_status status = run(&b);
    grt_pairs_release(&pairs);
    grt_free(b.seen);
    if (status == GRT_OK) *out = counts;
    return status;
}

/* ---- Bytes ---- */

enum {
    BYTES_OF_ID = sizeof(int32_t) + 1, /* with its type */
    BYTES_OF_PAIR = sizeof(size_t) + 1 + sizeof(grt_pair_spans),
    BYTES_OF_DOCUMENT = sizeof(size_t) + sizeof(grt_text_view),
    AROUND_TEXT = 256, /* ids of a pair that are not the user's, mostly */
    FIXED_BYTES = 65536
};

static uint64_t plus(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return grt_add_u64(&sum, a, b) ? sum : UINT64_MAX;
}

static uint64_t times(uint64_t a, uint64_t b)
{
    uint64_t product;
    return grt_mul_u64(&product, a, b) ? product : UINT64_MAX;
}

static size_t limit_of(const grt_pairs_input *input)
{
    return input->long_documents == GRT_LONG_CUT &&
                   !grt_tokenizer_vocabulary(input->tokenizer)->cuts_left
               ? input->template->max_tokens
               : 0;
}

static uint64_t longest_text(const grt_pairs_input *input)
{
    uint64_t longest = input->query.size;
    for (size_t i = 0; i < input->n_documents; i++)
        if (input->documents[i].size > longest) longest = input->documents[i].size;
    return longest;
}

static uint64_t scratch_of(const grt_pairs_input *input)
{
    return grt_slot_scratch_bytes(grt_tokenizer_vocabulary(input->tokenizer),
                                  longest_text(input), limit_of(input));
}

void grt_pairs_bound(grt_pairs_counts *out, const grt_pairs_input *input)
{
    size_t most = input->template->max_tokens;
    *out = (grt_pairs_counts){.n_longest = 0};
    for (size_t i = 0; i < input->n_documents; i++) {
        /* Of documents that are split an eighth and the query come twice. */
        uint64_t n = input->documents[i].size, pairs = 1;
        if (n > most && input->long_documents == GRT_LONG_BEST)
            pairs = n / (most / 3 + 1) + 1;
        n = plus(n + n / 7, times(pairs, plus(input->query.size, AROUND_TEXT)));
        if (n > times(pairs, most)) n = times(pairs, most);
        out->n_ids = (size_t)plus(out->n_ids, n);
        out->n_pairs += (size_t)pairs;
        if (n > most) n = most;
        if (n > out->n_longest) out->n_longest = (size_t)n;
    }
    out->n_distinct = out->n_ids;
}

uint64_t grt_pairs_peak_bytes(const grt_pairs_input *input, size_t n_threads)
{
    grt_pairs_counts counts;
    size_t limit = limit_of(input);
    uint64_t longest = longest_text(input), own = longest;
    if (limit && own > limit) own = limit;
    grt_pairs_bound(&counts, input);
    /* Lists grow by half. */
    uint64_t bytes = times(plus(counts.n_ids, counts.n_ids / 2), BYTES_OF_ID);
    bytes = plus(bytes, times(counts.n_pairs, 2 * BYTES_OF_PAIR));
    bytes = plus(bytes, times(input->n_documents, BYTES_OF_DOCUMENT));
    bytes = plus(bytes, times(n_threads, scratch_of(input)));
    size_t at_once =
        input->n_documents < DOCUMENTS_AT_ONCE ? input->n_documents : DOCUMENTS_AT_ONCE;
    bytes = plus(bytes, times(at_once + 1, times(own + AROUND_TEXT, 8)));
    return plus(bytes, FIXED_BYTES);
}

uint64_t grt_pairs_counted_bytes(const grt_pairs_input *input,
                                 const grt_pairs_counts *counts)
{
    uint64_t longest = longest_text(input), own = longest;
    size_t limit = limit_of(input);
    if (limit && own > limit) own = limit;
    uint64_t bytes = grt_pairs_shrunk_bytes(counts, input->n_documents);
    bytes = plus(bytes, times(input->n_documents, sizeof(grt_text_view)));
    bytes = plus(bytes, scratch_of(input));
    bytes = plus(bytes, times(2, times(own + AROUND_TEXT, 8)));
    return plus(bytes, FIXED_BYTES);
}

grt_status grt_pairs_shrink(grt_pairs *pairs, grt_error *err)
{
    size_t n = pairs->ids.n, n_pairs = pairs->n_pairs;
    if (pairs->ids.capacity > n)
        GRT_TRY(grt_realloc_array(&pairs->ids.ids, n, sizeof(int32_t), "ids", err));
    pairs->ids.capacity = n;
    if (pairs->types_capacity > n)
        GRT_TRY(grt_realloc_array(&pairs->token_types, n, 1, "token types", err));
    pairs->types_capacity = n;
    if (pairs->capacity == n_pairs) return GRT_OK;
    GRT_TRY(grt_realloc_array(&pairs->offsets, n_pairs + 1, sizeof(size_t),
                              "pair offsets", err));
    GRT_TRY(grt_realloc_array(&pairs->cuts, n_pairs, 1, "truncation marks", err));
    GRT_TRY(grt_realloc_array(&pairs->spans, n_pairs, sizeof(grt_pair_spans),
                              "places of the texts", err));
    pairs->capacity = n_pairs;
    return GRT_OK;
}

uint64_t grt_pairs_shrunk_bytes(const grt_pairs_counts *counts, size_t n_documents)
{
    return plus(
        plus(times(counts->n_ids, BYTES_OF_ID), times(counts->n_pairs, BYTES_OF_PAIR)),
        times(plus(n_documents, 2), sizeof(size_t)));
}

uint64_t grt_pairs_bytes(const grt_pairs *pairs)
{
    return pairs->ids.capacity * sizeof(int32_t) + pairs->types_capacity +
           pairs->capacity * (sizeof(size_t) + 1 + sizeof(grt_pair_spans)) +
           (pairs->n_documents + 2) * sizeof(size_t);
}

uint64_t grt_pairs_bytes_of(size_t n_documents, size_t n_rows)
{
    uint64_t rows, documents, each = 2 * sizeof(size_t) + 1 + sizeof(grt_pair_spans);
    if (!grt_mul_u64(&rows, n_rows, 2 * (sizeof(int32_t) + 1)) ||
        !grt_mul_u64(&documents, n_documents, each) ||
        !grt_add_u64(&rows, rows, documents))
        return UINT64_MAX;
    return rows;
}

void grt_pairs_release(grt_pairs *pairs)
{
    grt_ids_release(&pairs->ids);
    grt_free(pairs->token_types);
    grt_free(pairs->offsets);
    grt_free(pairs->cuts);
    grt_free(pairs->spans);
    grt_free(pairs->first_pair);
    memset(pairs, 0, sizeof(*pairs));
}
