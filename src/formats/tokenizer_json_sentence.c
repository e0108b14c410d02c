/* tokenizer_json_sentence.c - tokenizer.json of SentencePiece models to a vocabulary:
 * XLM-RoBERTa's (Unigram), Llama's, Gemma's and MiniCPM's (BPE).
 *
 * Normalisers and pre-tokenisers are read for what they do to spaces; files with others
 * are read as steps. */
#include "formats/tokenizer_json.h"

#include "base/memory.h"
#include "formats/base64.h"

#include <math.h>
#include <string.h>

static const char mark[] = "\xe2\x96\x81"; /* U+2581 */

enum { MAX_PARTS = 8 }; /* of a Sequence */

static bool is_type(const json_t *part, const char *type)
{
    return strcmp(grt_json_text_of(part, "type"), type) == 0;
}

/* Whether `part`, or one in its list (a Sequence), is of a type. */
static bool has_type(const json_t *part, const char *list, const char *type)
{
    if (is_type(part, type)) return true;
    const json_t *parts = json_object_get(part, list);
    for (size_t i = 0; i < json_array_size(parts); i++)
        if (is_type(json_array_get(parts, i), type)) return true;
    return false;
}

/* ---- Normalisers ---- */

grt_status grt_json_read_charsmap(grt_json_reader *r, const json_t *text)
{
    size_t n = json_string_length(text), n_blob;
    unsigned char *blob;
    GRT_TRY(grt_alloc(&blob, GRT_BASE64_ROOM(n), "a character map", r->err));
    grt_status status;
    if (!json_is_string(text) ||
        !grt_base64_decode(blob, &n_blob, json_string_value(text), n))
        status = grt_error_set(r->err, GRT_E_FORMAT, -1,
                               "%s: precompiled_charsmap is not Base64", r->path);
    else
        status = grt_charsmap_read(&r->v->charsmap, &r->v->arena, blob, n_blob, r->path,
                                   r->err);
    grt_free(blob);
    return status;
}

static grt_status read_precompiled(grt_json_reader *r, const json_t *part)
{
    const json_t *text = json_object_get(part, "precompiled_charsmap");
    return !text || json_is_null(text) ? GRT_OK : grt_json_read_charsmap(r, text);
}

/* " " to a mark, or two spaces and more to one. */
static grt_status read_replace(grt_json_reader *r, const json_t *part, bool *has_marks)
{
    const json_t *pattern = json_object_get(part, "pattern");
    const char *content = grt_json_text_of(part, "content");
    bool is_mark = strcmp(content, mark) == 0;
    if (strcmp(grt_json_text_of(pattern, "String"), " ") == 0 && is_mark) {
        *has_marks = true;
        return GRT_OK;
    }
    if (strcmp(grt_json_text_of(pattern, "Regex"), " {2,}") == 0 &&
        (is_mark || strcmp(content, " ") == 0)) {
        r->v->collapse_spaces = true;
        return GRT_OK;
    }
    return grt_json_unsupported(r, "a normalizer with this pattern and content",
                                "Replace");
}

static grt_status read_normaliser(grt_json_reader *r, const json_t *part,
                                  bool *has_marks)
{
    if (is_type(part, "Precompiled")) return read_precompiled(r, part);
    if (is_type(part, "Replace")) return read_replace(r, part, has_marks);
    if (is_type(part, "Prepend") &&
        strcmp(grt_json_text_of(part, "prepend"), mark) == 0) {
        r->v->first_mark = GRT_FIRST_MARK_ALWAYS;
        return GRT_OK;
    }
    if (is_type(part, "Strip")) {
        r->v->strip_left |= json_is_true(json_object_get(part, "strip_left"));
        r->v->strip_right |= json_is_true(json_object_get(part, "strip_right"));
        return GRT_OK;
    }
    return grt_json_unsupported(r, "a normalizer", grt_json_text_of(part, "type"));
}

/* ---- Pre-tokenisers ---- */

static grt_status read_metaspace(grt_json_reader *r, const json_t *part,
                                 bool *has_marks)
{
    const json_t *replacement = json_object_get(part, "replacement");
    if (replacement && (!json_is_string(replacement) ||
                        strcmp(json_string_value(replacement), mark) != 0))
        return grt_json_unsupported(r, "a pre_tokenizer with another replacement",
                                    "Metaspace");
    const json_t *scheme = json_object_get(part, "prepend_scheme");
    bool is_prefixed = json_is_string(scheme)
                           ? strcmp(json_string_value(scheme), "never") != 0
                           : !json_is_false(json_object_get(part, "add_prefix_space"));
    if (is_prefixed) r->v->first_mark = GRT_FIRST_MARK_UNLESS_THERE;
    r->v->split_words |= !json_is_false(json_object_get(part, "split"));
    *has_marks = true;
    return GRT_OK;
}

static grt_status read_splitter(grt_json_reader *r, const json_t *part, bool *has_marks)
{
    if (is_type(part, "Metaspace")) return read_metaspace(r, part, has_marks);
    if (is_type(part, "WhitespaceSplit")) {
        r->v->strip_left = r->v->strip_right = r->v->collapse_spaces = true;
        r->v->all_white_space = true;
        return GRT_OK;
    }
    /* Gemma's, which finds no space left to split at */
    const json_t *pattern = json_object_get(part, "pattern");
    if (is_type(part, "Split") && *has_marks &&
        strcmp(grt_json_text_of(pattern, "String"), " ") == 0)
        return GRT_OK;
    return grt_json_unsupported(r, "a pre_tokenizer", grt_json_text_of(part, "type"));
}

/* ---- Both ---- */

typedef grt_status read_part_fn(grt_json_reader *r, const json_t *part,
                                bool *has_marks);

/* One part, or those of a Sequence, in their order. */
static grt_status read_parts(grt_json_reader *r, const json_t *part, const char *list,
                             read_part_fn *read, bool *has_marks)
{
    if (!part || json_is_null(part)) return GRT_OK;
    if (!is_type(part, "Sequence")) return read(r, part, has_marks);
    const json_t *parts = json_object_get(part, list);
    if (json_array_size(parts) > MAX_PARTS)
        GRT_FAIL(r->err, GRT_E_UNSUPPORTED, "%s: %zu %s in a Sequence; at most %d",
                 r->path, json_array_size(parts), list, (int)MAX_PARTS);
    for (size_t i = 0; i < json_array_size(parts); i++)
        GRT_TRY(read(r, json_array_get(parts, i), has_marks));
    return GRT_OK;
}

static grt_status read_spaces(grt_json_reader *r, const json_t *root)
{
    bool has_marks = false;
    GRT_TRY(read_parts(r, json_object_get(root, "normalizer"), "normalizers",
                       read_normaliser, &has_marks));
    GRT_TRY(read_parts(r, json_object_get(root, "pre_tokenizer"), "pretokenizers",
                       read_splitter, &has_marks));
    if (!has_marks)
        GRT_FAIL(
            r->err, GRT_E_UNSUPPORTED,
            "%s: neither a normalizer nor a pre_tokenizer turns spaces into U+2581",
            r->path);
    return GRT_OK;
}

/* Pieces of single bytes, which text can't spell. */
static void hide_bytes(grt_vocabulary *v)
{
    for (size_t id = 0; id < v->n_pieces; id++) {
        grt_piece *piece = &v->pieces[id];
        if (piece->size == 6 && memcmp(piece->text, "<0x", 3) == 0 &&
            piece->text[5] == '>')
            piece->is_special = true;
    }
}

/* SentencePiece finds added words within one text, Hugging Face's library between two:
 * the same where nothing is put before texts or taken off their ends. */
static bool fits_words(const grt_vocabulary *v)
{
    return v->n_words == 0 ||
           (grt_vocabulary_has_plain_words(v, true) &&
            v->first_mark == GRT_FIRST_MARK_NONE && !v->strip_left && !v->strip_right &&
            !v->collapse_spaces && v->charsmap.n_units == 0);
}

/* As switches where they do, else as steps. */
static grt_status read_parts_of_text(grt_json_reader *r, const json_t *root)
{
    grt_error ignored;
    grt_json_reader fast = {r->v, r->path, &ignored};
    grt_status status = read_spaces(&fast, root);
    if (status == GRT_OK && fits_words(r->v)) return GRT_OK;
    if (status != GRT_OK && status != GRT_E_UNSUPPORTED) {
        if (r->err) *r->err = ignored;
        return status;
    }
    GRT_TRY(grt_json_read_steps(r, root));
    grt_vocabulary_hide_words(r->v);
    return GRT_OK;
}

static grt_status finish(grt_json_reader *r, const json_t *root, const json_t *model)
{
    r->v->byte_fallback = json_is_true(json_object_get(model, "byte_fallback"));
    if (r->v->byte_fallback) hide_bytes(r->v);
    GRT_TRY(grt_json_read_added_tokens(r, json_object_get(root, "added_tokens")));
    GRT_TRY(read_parts_of_text(r, root));
    grt_vocabulary_finish_sentence(r->v);
    return GRT_OK;
}

/* ---- Models ---- */

/* [["piece", score], ...], by id. */
static grt_status read_scored_vocab(grt_json_reader *r, const json_t *vocab)
{
    size_t n = json_array_size(vocab);
    if (n == 0)
        GRT_FAIL(r->err, GRT_E_FORMAT, "%s: model.vocab is not a list of pieces",
                 r->path);
    GRT_TRY(grt_vocabulary_reserve(r->v, n, r->path, r->err));
    GRT_TRY(grt_arena_alloc(&r->v->arena, &r->v->scores, n, sizeof(float), r->err));
    for (size_t id = 0; id < n; id++) {
        const json_t *text = json_array_get(json_array_get(vocab, id), 0);
        const json_t *score = json_array_get(json_array_get(vocab, id), 1);
        if (!json_is_string(text) || !json_is_number(score))
            GRT_FAIL(r->err, GRT_E_FORMAT,
                     "%s: entry %zu of model.vocab is not a piece and its score",
                     r->path, id);
        grt_text piece = {json_string_value(text), json_string_length(text)};
        GRT_TRY(grt_vocabulary_set_scored(r->v, id, piece, GRT_PIECE_NORMAL,
                                          json_number_value(score), r->path, r->err));
    }
    return GRT_OK;
}

grt_status grt_json_read_unigram(grt_json_reader *r, const json_t *root,
                                 const json_t *model)
{
    grt_vocabulary_begin(r->v, GRT_TOKENIZER_UNIGRAM);
    GRT_TRY(read_scored_vocab(r, json_object_get(model, "vocab")));
    const json_t *unk = json_object_get(model, "unk_id");
    size_t n_scored = r->v->n_pieces;
    if (json_is_integer(unk)) {
        json_int_t id = json_integer_value(unk);
        if (id < 0 || (uint64_t)id >= n_scored)
            GRT_FAIL(r->err, GRT_E_FORMAT,
                     "%s: model.unk_id is %lld, which no piece has", r->path,
                     (long long)id);
        r->v->unk = (int32_t)id;
    }
    r->v->fuse_unknown = true;
    return finish(r, root, model);
}

bool grt_json_is_sentence_bpe(const json_t *root, const json_t *model)
{
    const json_t *normaliser = json_object_get(root, "normalizer");
    const json_t *splitter = json_object_get(root, "pre_tokenizer");
    if (has_type(splitter, "pretokenizers", "ByteLevel")) return false;
    return json_is_true(json_object_get(model, "byte_fallback")) ||
           has_type(splitter, "pretokenizers", "Metaspace") ||
           has_type(normaliser, "normalizers", "Replace") ||
           has_type(normaliser, "normalizers", "Prepend");
}

grt_status grt_json_read_sentence_bpe(grt_json_reader *r, const json_t *root,
                                      const json_t *model)
{
    grt_vocabulary_begin(r->v, GRT_TOKENIZER_SENTENCE_BPE);
    if (json_is_true(json_object_get(model, "ignore_merges")))
        return grt_json_unsupported(r, "a BPE model", "ignore_merges");
    static const char *const affixes[] = {"continuing_subword_prefix",
                                          "end_of_word_suffix"};
    for (size_t i = 0; i < 2; i++)
        if (*grt_json_text_of(model, affixes[i]))
            return grt_json_unsupported(r, "a BPE model", affixes[i]);
    GRT_TRY(grt_json_read_vocab(r, json_object_get(model, "vocab")));
    GRT_TRY(grt_json_read_merges(r, json_object_get(model, "merges")));
    const char *unk = grt_json_text_of(model, "unk_token");
    r->v->unk = grt_vocabulary_find(r->v, unk, strlen(unk));
    r->v->fuse_unknown = json_is_true(json_object_get(model, "fuse_unk"));
    return finish(r, root, model);
}
