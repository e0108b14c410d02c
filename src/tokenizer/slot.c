/* slot.c - see slot.h.
 *
 * A long text of which only the first ids count is tokenised from its start, up to a
 * space, and further when that was not enough.  Words and their ids depend on what
 * stands before them and, but for the last ones, on nothing behind them; so the last
 * ones are not used. */
#include "tokenizer/slot.h"

#include "base/checked.h"
#include "base/memory.h"

#include <string.h>

enum {
    BYTES_OF_ID = 12,   /* of the first look at a long text; most have fewer */
    LOOK_AROUND = 1024, /* bytes */
    UNUSED_IDS = 64,    /* at the end of a part of a text */
    GROWTH = 4,
    /* Copies of a text while it is normalised, and its code points. */
    COPIES = 12,
    PLAIN_COPIES = 3 /* of WordPiece, which goes through it character by character */
};

size_t grt_common_start(const int32_t *a, const int32_t *b, size_t limit)
{
    size_t n = 0;
    while (n < limit && a[n] == b[n])
        n++;
    return n;
}

static grt_status encode_alone(grt_ids *out, const grt_tokenizer *tokenizer,
                               const char *text, grt_error *err)
{
    out->n = 0;
    return text ? grt_tokenizer_encode(tokenizer, text, strlen(text), out, err)
                : GRT_OK;
}

grt_status grt_surround_encode(grt_surround *out, const grt_tokenizer *tokenizer,
                               const grt_segment *segment, grt_error *err)
{
    GRT_TRY(encode_alone(&out->before, tokenizer, segment->before, err));
    return encode_alone(&out->after, tokenizer, segment->after, err);
}

/* before + text + after in one block, tokenised together; both may be NULL. */
static grt_status encode_joined(grt_slot_ids *out, const grt_tokenizer *tokenizer,
                                const char *before, grt_text_view text,
                                const char *after, grt_error *err)
{
    size_t n_before = before ? strlen(before) : 0, n_after = after ? strlen(after) : 0;
    out->ids.n = 0;
    if (n_before + n_after == 0)
        return grt_tokenizer_encode(tokenizer, text.data, text.size, &out->ids, err);
    size_t total;
    if (!grt_add_size(&total, text.size, n_before + n_after))
        GRT_FAIL(err, GRT_E_TOO_LONG, "a text of %zu bytes is too long", text.size);
    char *joined;
    GRT_TRY(grt_alloc(&joined, total, "a text with its prompt", err));
    if (n_before) memcpy(joined, before, n_before);
    if (text.size) memcpy(joined + n_before, text.data, text.size);
    if (n_after) memcpy(joined + n_before + text.size, after, n_after);
    grt_status status = grt_tokenizer_encode(tokenizer, joined, total, &out->ids, err);
    grt_free(joined);
    return status;
}

static void find_before(grt_slot_ids *out, const grt_surround *around)
{
    const grt_ids *ids = &out->ids, *before = &around->before;
    out->n_before = grt_common_start(ids->ids, before->ids,
                                     before->n < ids->n ? before->n : ids->n);
}

/* At most n bytes of the text, up to a space behind a word if there is one in the last
 * half, else up to a whole character. */
static size_t cut_at_space(grt_text_view text, size_t n)
{
    for (size_t at = n; at > n / 2; at--)
        if (text.data[at] == ' ' && text.data[at - 1] != ' ') return at;
    while (n > 0 && ((unsigned char)text.data[n] & 0xC0) == 0x80)
        n--;
    return n;
}

/* *is_enough: the start of the text had the ids that are looked for. */
static grt_status encode_start(grt_slot_ids *out, const grt_tokenizer *tokenizer,
                               const grt_segment *segment, const grt_surround *around,
                               grt_text_view text, size_t limit, bool *is_enough,
                               grt_error *err)
{
    *is_enough = false;
    size_t n = limit < SIZE_MAX / 64 ? limit * BYTES_OF_ID + LOOK_AROUND : SIZE_MAX;
    for (; n < text.size; n = n < SIZE_MAX / GROWTH ? n * GROWTH : SIZE_MAX) {
        grt_text_view start = {text.data, cut_at_space(text, n)};
        GRT_TRY(encode_joined(out, tokenizer, segment->before, start, NULL, err));
        if (out->ids.n < limit + UNUSED_IDS) continue;
        out->ids.n = limit;
        find_before(out, around);
        out->n_after = around->after.n;
        *is_enough = true;
        return grt_ids_append(&out->ids, around->after.ids, around->after.n, err);
    }
    return GRT_OK;
}

grt_status grt_slot_encode(grt_slot_ids *out, const grt_tokenizer *tokenizer,
                           const grt_segment *segment, const grt_surround *around,
                           grt_text_view text, size_t limit, grt_error *err)
{
    bool is_enough = false;
    if (limit)
        GRT_TRY(encode_start(out, tokenizer, segment, around, text, limit, &is_enough,
                             err));
    if (is_enough) return GRT_OK;
    GRT_TRY(encode_joined(out, tokenizer, segment->before, text, segment->after, err));
    find_before(out, around);
    size_t left = out->ids.n - out->n_before;
    out->n_after = around->after.n < left ? around->after.n : left;
    return GRT_OK;
}

uint64_t grt_slot_scratch_bytes(const grt_vocabulary *vocabulary, uint64_t n_bytes,
                                size_t limit)
{
    bool is_plain =
        vocabulary->kind == GRT_TOKENIZER_WORDPIECE && !vocabulary->has_steps;
    uint64_t looked_at = ((uint64_t)limit * BYTES_OF_ID + LOOK_AROUND) * GROWTH;
    if (limit && n_bytes > looked_at) n_bytes = looked_at;
    uint64_t bytes, word = n_bytes < GRT_WORD_BYTES ? n_bytes : GRT_WORD_BYTES;
    if (!grt_mul_u64(&bytes, n_bytes, is_plain ? PLAIN_COPIES : COPIES) ||
        !grt_add_u64(&bytes, bytes, is_plain ? 0 : word * GRT_WORD_SCRATCH))
        return UINT64_MAX;
    return bytes;
}
