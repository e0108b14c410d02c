/* split.c - the steps that cut a text; see pipeline.h.
 *
 * A splitter covers a part with stretches that match and stretches that do not, and its
 * behaviour says which of them are joined or left out. */
#include "tokenizer/pipeline.h"

#include "tokenizer/classes.h"
#include "tokenizer/white_space.h"

#include "base/memory.h"

grt_status grt_parts_add(grt_parts *parts, size_t begin, size_t end, grt_error *err)
{
    if (parts->n == parts->capacity) {
        size_t capacity = parts->n ? 2 * parts->n : 64;
        GRT_TRY(grt_realloc_array(&parts->list, capacity, sizeof(*parts->list),
                                  "parts of a text", err));
        parts->capacity = capacity;
    }
    parts->list[parts->n++] = (grt_part_range){begin, end};
    return GRT_OK;
}

void grt_parts_release(grt_parts *parts)
{
    grt_text_buffer_release(&parts->text);
    grt_free(parts->list);
    memset(parts, 0, sizeof(*parts));
}

/* JIT code has a small stack of its own; what overflows it is interpreted. */
grt_status grt_step_match(const grt_pipeline *pipeline, const pcre2_code *code,
                          const char *text, size_t n, size_t at, pcre2_match_data *data,
                          bool *is_found, grt_error *err)
{
    const PCRE2_SIZE *found = pcre2_get_ovector_pointer(data);
    for (;;) {
        int result = pcre2_match(code, (PCRE2_SPTR)text, n, at, PCRE2_NO_UTF_CHECK,
                                 data, pipeline->limits);
        if (result == PCRE2_ERROR_JIT_STACKLIMIT)
            result =
                pcre2_match(code, (PCRE2_SPTR)text, n, at,
                            PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data, pipeline->limits);
        *is_found = result >= 0;
        if (result == PCRE2_ERROR_NOMATCH) return GRT_OK;
        if (result < 0)
            GRT_FAIL(err, GRT_E_FORMAT,
                     "the tokenizer's expression fails on a text (PCRE2 error %d)",
                     result);
        if (found[1] > found[0]) return GRT_OK;
        if (found[1] >= n) { /* an empty match moves on */
            *is_found = false;
            return GRT_OK;
        }
        size_t length;
        (void)grt_utf8_decode(text + found[1], n - found[1], &length);
        at = found[1] + length;
    }
}

/* One part under way. */
typedef struct cutter {
    const grt_text_step *step;
    grt_parts *out;
    size_t n_before;   /* parts of earlier texts */
    size_t open_match; /* of WITH_NEXT: where waiting matches begin; SIZE_MAX: none */
    size_t open_end;
    bool was_match;
    grt_error *err;
} cutter;

static grt_part_range *last_part(cutter *c)
{
    return c->out->n > c->n_before ? &c->out->list[c->out->n - 1] : NULL;
}

/* Matches that wait for what follows: the last one joins it, those before stand
 * alone. */
static grt_status take_with_next(cutter *c, size_t begin, size_t end, bool is_match)
{
    if (is_match) {
        if (c->open_match != SIZE_MAX)
            GRT_TRY(grt_parts_add(c->out, c->open_match, c->open_end, c->err));
        c->open_match = begin;
        c->open_end = end;
        return GRT_OK;
    }
    size_t from = c->open_match != SIZE_MAX ? c->open_match : begin;
    c->open_match = SIZE_MAX;
    return grt_parts_add(c->out, from, end, c->err);
}

static grt_status take(cutter *c, size_t begin, size_t end, bool is_match)
{
    if (begin == end) return GRT_OK;
    is_match ^= c->step->is_inverted;
    grt_part_range *last = last_part(c);
    bool was_match = c->was_match, joins = false;
    c->was_match = is_match;
    switch (c->step->behavior) {
    case GRT_CUT_REMOVED:
        if (is_match) return GRT_OK;
        break;
    case GRT_CUT_ISOLATED: break;
    case GRT_CUT_WITH_PREVIOUS: joins = is_match && !was_match; break;
    case GRT_CUT_WITH_NEXT: return take_with_next(c, begin, end, is_match);
    case GRT_CUT_CONTIGUOUS: joins = is_match == was_match; break;
    }
    if (!joins || !last) return grt_parts_add(c->out, begin, end, c->err);
    last->end = end;
    return GRT_OK;
}

static grt_status finish(cutter *c)
{
    if (c->open_match == SIZE_MAX) return GRT_OK;
    return grt_parts_add(c->out, c->open_match, c->open_end, c->err);
}

static cutter begin(const grt_text_step *step, grt_parts *out, grt_error *err)
{
    return (cutter){.step = step,
                    .out = out,
                    .n_before = out->n,
                    .open_match = SIZE_MAX,
                    .err = err};
}

static bool is_in_class(grt_character_class class, uint32_t c)
{
    switch (class) {
    case GRT_CLASS_WHITE_SPACE: return grt_is_white_space(c);
    case GRT_CLASS_PUNCTUATION: return grt_is_punctuation(c);
    case GRT_CLASS_NUMBER: return grt_is_number(c);
    }
    return false;
}

static grt_status cut_at_class(const grt_text_step *step, const char *text,
                               grt_part_range part, grt_parts *out, grt_error *err)
{
    cutter c = begin(step, out, err);
    size_t done = part.begin;
    for (size_t at = part.begin, length; at < part.end; at += length) {
        uint32_t character = grt_utf8_decode(text + at, part.end - at, &length);
        if (!is_in_class(step->class, character)) continue;
        GRT_TRY(take(&c, done, at, false));
        GRT_TRY(take(&c, at, at + length, true));
        done = at + length;
    }
    GRT_TRY(take(&c, done, part.end, false));
    return finish(&c);
}

static grt_status cut_at_matches(const grt_pipeline *pipeline,
                                 const grt_compiled_step *step, const char *text,
                                 grt_part_range part, grt_parts *out,
                                 pcre2_match_data *data, grt_error *err)
{
    cutter c = begin(&step->step, out, err);
    const PCRE2_SIZE *found = pcre2_get_ovector_pointer(data);
    size_t done = 0, n = part.end - part.begin;
    while (done < n) {
        bool is_found;
        GRT_TRY(grt_step_match(pipeline, step->code, text + part.begin, n, done, data,
                               &is_found, err));
        if (!is_found) break;
        GRT_TRY(take(&c, part.begin + done, part.begin + found[0], false));
        GRT_TRY(take(&c, part.begin + found[0], part.begin + found[1], true));
        done = found[1];
    }
    GRT_TRY(take(&c, part.begin + done, part.end, false));
    return finish(&c);
}

static grt_status put(grt_text_buffer *out, const char *text, size_t n, grt_error *err)
{
    GRT_TRY(grt_text_buffer_room(out, n, err));
    if (n) memcpy(out->data + out->n, text, n);
    out->n += n;
    return GRT_OK;
}

static bool begins_with(const char *text, grt_part_range part, const char *start)
{
    size_t n = strlen(start);
    return part.end - part.begin >= n && memcmp(text + part.begin, start, n) == 0;
}

static grt_status add_prefix_space(const char *text, grt_part_range part,
                                   grt_parts *out, grt_error *err)
{
    size_t from = out->text.n;
    if (!begins_with(text, part, " ")) GRT_TRY(put(&out->text, " ", 1, err));
    GRT_TRY(put(&out->text, text + part.begin, part.end - part.begin, err));
    return grt_parts_add(out, from, out->text.n, err);
}

/* Spaces become marks, a mark goes first, and each mark begins a part if asked. */
static grt_status mark_spaces(const grt_text_step *step, const char *text,
                              grt_part_range part, grt_parts *out, bool is_first,
                              grt_error *err)
{
    bool is_always = strcmp(step->content, "always") == 0;
    bool is_wanted = is_always || (is_first && strcmp(step->content, "first") == 0);
    size_t from = out->text.n;
    if (is_wanted && !begins_with(text, part, " ") &&
        !begins_with(text, part, GRT_SPACE_MARK))
        GRT_TRY(put(&out->text, GRT_SPACE_MARK, GRT_SPACE_MARK_BYTES, err));
    for (size_t at = part.begin; at < part.end; at++)
        GRT_TRY(text[at] == ' '
                    ? put(&out->text, GRT_SPACE_MARK, GRT_SPACE_MARK_BYTES, err)
                    : put(&out->text, text + at, 1, err));
    if (!step->is_left) return grt_parts_add(out, from, out->text.n, err);
    size_t done = from;
    for (size_t at = from; at + GRT_SPACE_MARK_BYTES <= out->text.n; at++) {
        if (memcmp(out->text.data + at, GRT_SPACE_MARK, GRT_SPACE_MARK_BYTES) != 0)
            continue;
        if (at > done) GRT_TRY(grt_parts_add(out, done, at, err));
        done = at;
    }
    return done < out->text.n ? grt_parts_add(out, done, out->text.n, err) : GRT_OK;
}

static grt_status split_part(const grt_pipeline *pipeline,
                             const grt_compiled_step *step, const grt_parts *in,
                             size_t i, grt_parts *out, bool is_first,
                             pcre2_match_data *data, grt_error *err)
{
    const char *text = in->text.data;
    grt_part_range part = in->list[i];
    if (step->step.kind == GRT_STEP_PREFIX_SPACE)
        return add_prefix_space(text, part, out, err);
    if (step->step.kind == GRT_STEP_METASPACE)
        return mark_spaces(&step->step, text, part, out, is_first && part.begin == 0,
                           err);
    if (step->step.kind == GRT_STEP_CUT_CLASS)
        return cut_at_class(&step->step, text, part, out, err);
    return cut_at_matches(pipeline, step, text, part, out, data, err);
}

grt_status grt_step_split(const grt_pipeline *pipeline, const grt_compiled_step *step,
                          const grt_parts *in, grt_parts *out, bool is_first,
                          grt_error *err)
{
    bool rewrites = step->step.kind == GRT_STEP_PREFIX_SPACE ||
                    step->step.kind == GRT_STEP_METASPACE;
    out->n = out->text.n = 0;
    GRT_TRY(grt_text_buffer_room(&out->text, in->text.n + 16, err));
    if (!rewrites) GRT_TRY(put(&out->text, in->text.data, in->text.n, err));
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    if (!data) GRT_FAIL(err, GRT_E_NO_MEMORY, "no memory for the pre-tokeniser");
    grt_status status = GRT_OK;
    for (size_t i = 0; i < in->n && status == GRT_OK; i++)
        status = split_part(pipeline, step, in, i, out, is_first, data, err);
    pcre2_match_data_free(data);
    return status;
}
