/* normalise.c - the steps that rewrite a text; see pipeline.h. */
#include "tokenizer/pipeline.h"

#include "tokenizer/classes.h"
#include "tokenizer/lower.h"
#include "tokenizer/white_space.h"

#include <stdlib.h>

static grt_status put(grt_text_buffer *out, const char *text, size_t n, grt_error *err)
{
    GRT_TRY(grt_text_buffer_room(out, n, err));
    if (n) memcpy(out->data + out->n, text, n);
    out->n += n;
    return GRT_OK;
}

static grt_status put_character(grt_text_buffer *out, uint32_t c, grt_error *err)
{
    GRT_TRY(grt_text_buffer_room(out, 4, err));
    out->n += grt_utf8_encode(out->data + out->n, c);
    return GRT_OK;
}

static grt_status compose(const grt_text_buffer *in, grt_text_buffer *out, int options,
                          grt_error *err)
{
    utf8proc_uint8_t *text = NULL;
    utf8proc_ssize_t n =
        utf8proc_map((const utf8proc_uint8_t *)in->data, (utf8proc_ssize_t)in->n, &text,
                     (utf8proc_option_t)(UTF8PROC_STABLE | options));
    if (n < 0)
        GRT_FAIL(err, n == UTF8PROC_ERROR_NOMEM ? GRT_E_NO_MEMORY : GRT_E_FORMAT,
                 "normalising a text: %s", utf8proc_errmsg(n));
    grt_status status = put(out, (const char *)text, (size_t)n, err);
    free(text);
    return status;
}

/* What "nmt" drops, and what it makes a space. */
static bool nmt_drops(uint32_t c)
{
    return (c >= 1 && c <= 8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F ||
           c == 0x8F || c == 0x9F;
}

static bool nmt_is_space(uint32_t c)
{
    return c == 0x9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 ||
           (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
           c == 0xFEFF || c == 0xFFFD;
}

static grt_status put_lower(grt_text_buffer *out, uint32_t c, grt_error *err)
{
    GRT_TRY(grt_text_buffer_room(out, GRT_LOWER_BYTES, err));
    out->n += grt_lower_encode(out->data + out->n, c);
    return GRT_OK;
}

static grt_status put_apart(grt_text_buffer *out, uint32_t c, grt_error *err)
{
    if (!grt_is_ideograph(c)) return put_character(out, c, err);
    GRT_TRY(put(out, " ", 1, err));
    GRT_TRY(put_character(out, c, err));
    return put(out, " ", 1, err);
}

/* One character of the steps that look at no other; the rest of kinds come elsewhere.
 */
static grt_status put_mapped(grt_step_kind kind, grt_text_buffer *out, uint32_t c,
                             grt_error *err)
{
    bool is_dropped = (kind == GRT_STEP_DROP_MN && grt_is_nonspacing(c)) ||
                      (kind == GRT_STEP_DROP_MARKS && grt_is_mark(c)) ||
                      (kind == GRT_STEP_CLEAN && (c == 0 || grt_is_unclean(c))) ||
                      (kind == GRT_STEP_NMT && nmt_drops(c));
    if (is_dropped) return GRT_OK;
    if (kind == GRT_STEP_LOWERCASE) return put_lower(out, c, err);
    if (kind == GRT_STEP_APART) return put_apart(out, c, err);
    bool is_space = (kind == GRT_STEP_CLEAN && grt_is_white_space(c)) ||
                    (kind == GRT_STEP_NMT && nmt_is_space(c));
    return put_character(out, is_space ? ' ' : c, err);
}

static grt_status map_characters(grt_step_kind kind, const grt_text_buffer *in,
                                 grt_text_buffer *out, bool *is_shifted, grt_error *err)
{
    for (size_t at = 0, length; at < in->n; at += length) {
        uint32_t c = grt_utf8_decode(in->data + at, in->n - at, &length);
        GRT_TRY(put_mapped(kind, out, c, err));
        if (at == 0 && out->n == 0) *is_shifted = true;
    }
    return GRT_OK;
}

static grt_status strip(const grt_text_step *step, const grt_text_buffer *in,
                        grt_text_buffer *out, bool *is_shifted, grt_error *err)
{
    size_t begin = 0, end = 0, length;
    for (size_t at = 0; at < in->n; at += length) {
        uint32_t c = grt_utf8_decode(in->data + at, in->n - at, &length);
        if (!grt_is_white_space(c))
            end = at + length;
        else if (end == 0)
            begin = at + length; /* nothing but white space so far */
    }
    if (!step->is_left) begin = 0;
    if (!step->is_right) end = in->n;
    if (begin > 0) *is_shifted = true;
    return begin < end ? put(out, in->data + begin, end - begin, err) : GRT_OK;
}

static grt_status replace(const grt_pipeline *pipeline, const grt_compiled_step *step,
                          const grt_text_buffer *in, grt_text_buffer *out,
                          grt_error *err)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    if (!data) GRT_FAIL(err, GRT_E_NO_MEMORY, "no memory for a normaliser");
    const PCRE2_SIZE *found = pcre2_get_ovector_pointer(data);
    size_t done = 0;
    bool is_found = true;
    grt_status status = GRT_OK;
    while (status == GRT_OK && done < in->n) {
        status = grt_step_match(pipeline, step->code, in->data, in->n, done, data,
                                &is_found, err);
        if (status != GRT_OK || !is_found) break;
        status = put(out, in->data + done, found[0] - done, err);
        if (status == GRT_OK)
            status = put(out, step->step.content, step->step.n_content, err);
        done = found[1];
    }
    pcre2_match_data_free(data);
    return status == GRT_OK ? put(out, in->data + done, in->n - done, err) : status;
}

/* Bytes of the grapheme cluster (UAX 29) that text[n] begins with. */
static size_t grapheme_bytes(const char *text, size_t n)
{
    size_t at, length;
    utf8proc_int32_t state = 0;
    uint32_t before = grt_utf8_decode(text, n, &at);
    for (; at < n; at += length) {
        uint32_t c = grt_utf8_decode(text + at, n - at, &length);
        if (utf8proc_grapheme_break_stateful((utf8proc_int32_t)before,
                                             (utf8proc_int32_t)c, &state))
            break;
        before = c;
    }
    return at;
}

/* As Hugging Face's library has it: a short cluster that begins with an entry becomes
 * that entry's text as a whole; of others each character does.  (SentencePiece itself
 * takes the longest entry at each place.) */
static grt_status map_by_table(const grt_charsmap *charsmap, const grt_text_buffer *in,
                               grt_text_buffer *out, grt_error *err)
{
    enum { LONG = 6 };
    for (size_t at = 0, n; at < in->n; at += n) {
        const char *text = in->data + at, *becomes;
        n = grapheme_bytes(text, in->n - at);
        if (n < LONG && grt_charsmap_match_shortest(charsmap, text, n, &becomes)) {
            GRT_TRY(put(out, becomes, strlen(becomes), err));
            continue;
        }
        for (size_t i = 0, length; i < n; i += length) {
            (void)grt_utf8_decode(text + i, n - i, &length);
            if (grt_charsmap_match_shortest(charsmap, text + i, length, &becomes))
                GRT_TRY(put(out, becomes, strlen(becomes), err));
            else
                GRT_TRY(put(out, text + i, length, err));
        }
    }
    return GRT_OK;
}

grt_status grt_step_normalise(const grt_pipeline *pipeline,
                              const grt_compiled_step *step,
                              const grt_charsmap *charsmap, const grt_text_buffer *in,
                              grt_text_buffer *out, bool *is_shifted, grt_error *err)
{
    out->n = 0;
    GRT_TRY(grt_text_buffer_room(out, in->n + 16, err));
    switch (step->step.kind) {
    case GRT_STEP_NFC: return compose(in, out, UTF8PROC_COMPOSE, err);
    case GRT_STEP_NFD: return compose(in, out, UTF8PROC_DECOMPOSE, err);
    case GRT_STEP_NFKC:
        return compose(in, out, UTF8PROC_COMPOSE | UTF8PROC_COMPAT, err);
    case GRT_STEP_NFKD:
        return compose(in, out, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, err);
    case GRT_STEP_STRIP: return strip(&step->step, in, out, is_shifted, err);
    case GRT_STEP_REPLACE: return replace(pipeline, step, in, out, err);
    case GRT_STEP_CHARSMAP: return map_by_table(charsmap, in, out, err);
    case GRT_STEP_PREPEND:
        if (in->n) GRT_TRY(put(out, step->step.content, step->step.n_content, err));
        return put(out, in->data, in->n, err);
    case GRT_STEP_LOWERCASE:
    case GRT_STEP_DROP_MN:
    case GRT_STEP_DROP_MARKS:
    case GRT_STEP_CLEAN:
    case GRT_STEP_APART:
    case GRT_STEP_NMT:
    case GRT_STEP_CUT:
    case GRT_STEP_CUT_CLASS:
    case GRT_STEP_PREFIX_SPACE:
    case GRT_STEP_METASPACE: break;
    }
    return map_characters(step->step.kind, in, out, is_shifted, err);
}
