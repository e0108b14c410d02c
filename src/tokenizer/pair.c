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

typedef struct builder {
    grt_pairs *pairs;
    const grt_tokenizer *tokenizer;
    const grt_pair_template *template;
    surround around; /* of the text that is being tokenised */
    slot_ids query;
    slot_ids document;
    size_t n_fixed; /* ids of a pair that are not the user's */
    size_t max_tokens;
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
    if (grt_tokenizer_vocabulary(b->tokenizer)->has_one_type) type = 0;
    if (n) memset(pairs->token_types + first, type, n);
    return GRT_OK;
}

static grt_status append_slot(builder *b, const slot_ids *slot, size_t cut,
                              uint8_t type)
{
    bool is_left = grt_tokenizer_vocabulary(b->tokenizer)->cuts_left;
    size_t n_kept = user_count(slot) - cut;
    const int32_t *user = slot->ids.ids + slot->n_before;
    GRT_TRY(append_ids(b, slot->ids.ids, slot->n_before, type));
    GRT_TRY(append_ids(b, is_left ? user + cut : user, n_kept, type));
    if (slot->n_after == 0) return GRT_OK; /* an empty text has no ids at all */
    return append_ids(b, slot->ids.ids + slot->ids.n - slot->n_after, slot->n_after,
                      type);
}

static grt_status append_pair(builder *b, size_t index)
{
    size_t n_query = user_count(&b->query), n_document = user_count(&b->document);
    size_t total = b->n_fixed + b->query.n_before + b->query.n_after +
                   b->document.n_before + b->document.n_after + n_query + n_document;
    size_t cut_query = 0, cut_document = 0;
    if (total > b->max_tokens)
        share_cut(total - b->max_tokens, n_query, n_document, &cut_query,
                  &cut_document);
    if (cut_query > n_query || cut_document > n_document)
        GRT_FAIL(
            b->err, GRT_E_TOO_LONG,
            "the prompt alone fills the model's %zu tokens; shorten the instruction",
            b->max_tokens);
    size_t first = b->pairs->ids.n;
    grt_pair_spans *spans = &b->pairs->spans[index];
    for (size_t i = 0; i < b->template->n_segments; i++) {
        const grt_segment *s = &b->template->segments[i];
        if (s->slot == GRT_SLOT_FIXED)
            GRT_TRY(append_ids(b, s->ids, s->n_ids, s->token_type));
        size_t row = b->pairs->ids.n - first;
        if (s->slot == GRT_SLOT_QUERY) {
            spans->first_query = row + b->query.n_before;
            spans->n_query = n_query - cut_query;
            GRT_TRY(append_slot(b, &b->query, cut_query, s->token_type));
        }
        if (s->slot == GRT_SLOT_DOCUMENT) {
            b->n_rows_before_document = row;
            spans->first_document = row + b->document.n_before;
            spans->n_document = n_document - cut_document;
            GRT_TRY(append_slot(b, &b->document, cut_document, s->token_type));
        }
    }
    b->pairs->truncated[index] = cut_query + cut_document > 0;
    b->pairs->offsets[index + 1] = b->pairs->ids.n;
    return GRT_OK;
}

static grt_status build(builder *b, grt_text_view query, const grt_text_view *documents,
                        size_t n)
{
    const grt_segment *query_segment = find_slot(b->template, GRT_SLOT_QUERY);
    const grt_segment *document_segment = find_slot(b->template, GRT_SLOT_DOCUMENT);
    assert(query_segment && document_segment);
    GRT_TRY(encode_surround(&b->around, b->tokenizer, query_segment, b->err));
    GRT_TRY(
        encode_slot(&b->query, b->tokenizer, query_segment, &b->around, query, b->err));
    GRT_TRY(encode_surround(&b->around, b->tokenizer, document_segment, b->err));
    for (size_t i = 0; i < b->template->n_segments; i++)
        if (b->template->segments[i].slot == GRT_SLOT_FIXED)
            b->n_fixed += b->template->segments[i].n_ids;
    GRT_TRY(grt_alloc_array(&b->pairs->offsets, n + 1, sizeof(size_t), "pair offsets",
                            b->err));
    GRT_TRY(grt_alloc_array(&b->pairs->truncated, n, 1, "truncation marks", b->err));
    GRT_TRY(grt_alloc_array(&b->pairs->spans, n, sizeof(grt_pair_spans),
                            "places of the texts", b->err));
    for (size_t i = 0; i < n; i++) {
        GRT_TRY(encode_slot(&b->document, b->tokenizer, document_segment, &b->around,
                            documents[i], b->err));
        GRT_TRY(append_pair(b, i));
        size_t shared = b->n_rows_before_document;
        if (i == 0 || shared < b->pairs->n_prefix) b->pairs->n_prefix = shared;
        const int32_t *ids = b->pairs->ids.ids;
        b->pairs->n_prefix =
            common_start(ids, ids + b->pairs->offsets[i], b->pairs->n_prefix);
    }
    b->pairs->n_pairs = n;
    return GRT_OK;
}

grt_status grt_pairs_build(grt_pairs *out, const grt_tokenizer *tokenizer,
                           const grt_pair_template *template, grt_text_view query,
                           const grt_text_view *documents, size_t n, grt_error *err)
{
    builder b = {
        .pairs = out, .tokenizer = tokenizer, .template = template, .err = err};
    size_t limit = grt_tokenizer_vocabulary(tokenizer)->max_tokens;
    b.max_tokens = limit && limit < template->max_tokens ? limit : template->max_tokens;
    grt_status status = build(&b, query, documents, n);
    grt_ids_release(&b.query.ids);
    grt_ids_release(&b.document.ids);
    grt_ids_release(&b.around.before);
    grt_ids_release(&b.around.after);
    if (status != GRT_OK) grt_pairs_release(out);
    return status;
}

void grt_pairs_release(grt_pairs *pairs)
{
    grt_ids_release(&pairs->ids);
    grt_free(pairs->token_types);
    grt_free(pairs->offsets);
    grt_free(pairs->truncated);
    grt_free(pairs->spans);
    memset(pairs, 0, sizeof(*pairs));
}
