/* pair.c - see pair.h. */
#include "tokenizer/pair.h"

#include "base/checked.h"
#include "base/memory.h"

#include <assert.h>
#include <string.h>

/* One text with what the template puts around it: [n_before user's ids n_after]. */
typedef struct slot_ids {
    grt_ids ids;
    size_t n_before;
    size_t n_after;
} slot_ids;

static size_t user_count(const slot_ids *slot)
{
    return slot->ids.n - slot->n_before - slot->n_after;
}

static const grt_segment *find_slot(const grt_pair_template *template, grt_slot slot)
{
    for (size_t i = 0; i < template->n_segments; i++)
        if (template->segments[i].slot == slot) return &template->segments[i];
    return NULL;
}

/* What a template puts around a text, tokenised on its own. */
typedef struct surround {
    grt_ids before;
    grt_ids after;
} surround;

static grt_status encode_alone(grt_ids *out, const grt_tokenizer *tokenizer,
                               const char *text, grt_error *err)
{
    out->n = 0;
    return text ? grt_tokenizer_encode(tokenizer, text, strlen(text), out, err)
                : GRT_OK;
}

static grt_status encode_surround(surround *out, const grt_tokenizer *tokenizer,
                                  const grt_segment *segment, grt_error *err)
{
    GRT_TRY(encode_alone(&out->before, tokenizer, segment->before, err));
    return encode_alone(&out->after, tokenizer, segment->after, err);
}

/* How many ids `a` and `b` have in common at their start, at most `limit`. */
static size_t common_start(const int32_t *a, const int32_t *b, size_t limit)
{
    size_t n = 0;
    while (n < limit && a[n] == b[n])
        n++;
    return n;
}

/* before + text + after in one block, tokenised together. */
static grt_status encode_joined(slot_ids *out, const grt_tokenizer *tokenizer,
                                const grt_segment *segment, grt_text_view text,
                                grt_error *err)
{
    size_t n_before = segment->before ? strlen(segment->before) : 0;
    size_t n_after = segment->after ? strlen(segment->after) : 0;
    if (n_before + n_after == 0)
        return grt_tokenizer_encode(tokenizer, text.data, text.size, &out->ids, err);
    size_t total;
    if (!grt_add_size(&total, text.size, n_before + n_after))
        GRT_FAIL(err, GRT_E_TOO_LONG, "a text of %zu bytes is too long", text.size);
    char *joined;
    GRT_TRY(grt_alloc(&joined, total, "a text with its prompt", err));
    if (n_before) memcpy(joined, segment->before, n_before);
    if (text.size) memcpy(joined + n_before, text.data, text.size);
    if (n_after) memcpy(joined + n_before + text.size, segment->after, n_after);
    grt_status status = grt_tokenizer_encode(tokenizer, joined, total, &out->ids, err);
    grt_free(joined);
    return status;
}

/* n_before ends where the text has changed an id: the space at the end of a prompt
 * becomes the start of the text's first word.  n_after is that of the segment alone,
 * and never more than there are. */
static grt_status encode_slot(slot_ids *out, const grt_tokenizer *tokenizer,
                              const grt_segment *segment, const surround *around,
                              grt_text_view text, grt_error *err)
{
    out->ids.n = 0;
    GRT_TRY(encode_joined(out, tokenizer, segment, text, err));
    const grt_ids *ids = &out->ids, *before = &around->before;
    out->n_before =
        common_start(ids->ids, before->ids, before->n < ids->n ? before->n : ids->n);
    size_t left = ids->n - out->n_before;
    out->n_after = around->after.n < left ? around->after.n : left;
    return GRT_OK;
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
    slot_ids slot;
    grt_status status;
    grt_error err;
} encoded;

enum { DOCUMENTS_AT_ONCE = 64 }; /* tokenised side by side, then put in their places */

typedef struct builder {
    grt_pairs *pairs;
    const grt_pairs_input *input;
    surround around; /* of the text that is being tokenised */
    const grt_segment *document_segment;
    slot_ids query;
    encoded *encoded; /* [DOCUMENTS_AT_ONCE] */
    size_t n_fixed;   /* ids of a pair that are not the user's */
    size_t n_rows_before_document;
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

static grt_status append_slot(builder *b, const slot_ids *slot, stretch kept,
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
    pairs->n_prefix = common_start(ids, ids + pairs->offsets[last], pairs->n_prefix);
}

static grt_status append_pair(builder *b, const slot_ids *document, stretch of_query,
                              stretch of_document)
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
    return GRT_OK;
}

/* Ids of a pair that are left for the user's two texts. */
static grt_status room_of(const builder *b, const slot_ids *document, size_t *room)
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
static stretch kept_of(const builder *b, const slot_ids *text, size_t n)
{
    bool is_left = grt_tokenizer_vocabulary(b->input->tokenizer)->cuts_left;
    return (stretch){is_left ? user_count(text) - n : 0, n};
}

/* One pair, cut where it is too long. */
static grt_status append_cut(builder *b, const slot_ids *document, size_t room,
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
static grt_status append_chunks(builder *b, const slot_ids *document, size_t room,
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

static grt_status append_document(builder *b, const slot_ids *document, size_t index)
{
    const grt_pairs_input *input = b->input;
    size_t room = 0, n = user_count(document), most = input->max_document_tokens;
    GRT_TRY(room_of(b, document, &room));
    if (most == 0) most = SIZE_MAX;
    b->pairs->first_pair[index] = b->pairs->n_pairs;
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
    out->status =
        encode_slot(&out->slot, input->tokenizer, job->b->document_segment,
                    &job->b->around, input->documents[job->first + task], &out->err);
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

static grt_status build(builder *b)
{
    const grt_pairs_input *input = b->input;
    const grt_pair_template *template = input->template;
    const grt_segment *query_segment = find_slot(template, GRT_SLOT_QUERY);
    size_t n = input->n_documents;
    b->document_segment = find_slot(template, GRT_SLOT_DOCUMENT);
    assert(query_segment && b->document_segment);
    GRT_TRY(encode_surround(&b->around, input->tokenizer, query_segment, b->err));
    GRT_TRY(encode_slot(&b->query, input->tokenizer, query_segment, &b->around,
                        input->query, b->err));
    GRT_TRY(encode_surround(&b->around, input->tokenizer, b->document_segment, b->err));
    for (size_t i = 0; i < template->n_segments; i++)
        if (template->segments[i].slot == GRT_SLOT_FIXED)
            b->n_fixed += template->segments[i].n_ids;
    GRT_TRY(grt_alloc_array(&b->pairs->first_pair, n + 1, sizeof(size_t),
                            "pairs of documents", b->err));
    size_t at_once = n < DOCUMENTS_AT_ONCE ? n : DOCUMENTS_AT_ONCE;
    GRT_TRY(grt_alloc_array(&b->encoded, at_once, sizeof(*b->encoded), "the documents",
                            b->err));
    for (size_t first = 0; first < n; first += at_once) {
        size_t some = n - first < at_once ? n - first : at_once;
        encode_some(b, first, some);
        GRT_TRY(append_some(b, first, some));
    }
    b->pairs->n_documents = n;
    b->pairs->first_pair[n] = b->pairs->n_pairs;
    return GRT_OK;
}

grt_status grt_pairs_build(grt_pairs *out, const grt_pairs_input *input, grt_error *err)
{
    builder b = {.pairs = out, .input = input, .err = err};
    grt_status status = build(&b);
    for (size_t i = 0; b.encoded && i < input->n_documents && i < DOCUMENTS_AT_ONCE;
         i++)
        grt_ids_release(&b.encoded[i].slot.ids);
    grt_free(b.encoded);
    grt_ids_release(&b.query.ids);
    grt_ids_release(&b.around.before);
    grt_ids_release(&b.around.after);
    if (status != GRT_OK) grt_pairs_release(out);
    return status;
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
