/* tokenizer_gguf.c - GGUF's tokenizer keys to a vocabulary. */
#include "formats/tokenizer_build.h"

#include "base/memory.h"

#include <string.h>

/* BERT pieces in GGUF: a word's first piece begins with U+2581, a continuation has no
 * mark, and bracketed names stand as they are.  Ours: "word", "##ing", "[CLS]". */
static grt_status set_bert_piece(grt_vocabulary *v, uint64_t id, grt_text text,
                                 bool is_special, const char *path, grt_error *err)
{
    static const char mark[] = "\xe2\x96\x81";
    bool is_bracketed =
        text.size > 1 && text.data[0] == '[' && text.data[text.size - 1] == ']';
    if (is_bracketed || is_special)
        return grt_vocabulary_set(v, id, text.data, text.size, is_special, path, err);
    if (text.size > 3 && memcmp(text.data, mark, 3) == 0)
        return grt_vocabulary_set(v, id, text.data + 3, text.size - 3, false, path,
                                  err);
    char piece[GRT_MAX_PIECE_BYTES + 2] = "##";
    if (text.size > GRT_MAX_PIECE_BYTES)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: the piece of id %llu has %zu bytes", path,
                 (unsigned long long)id, text.size);
    memcpy(piece + 2, text.data, text.size);
    return grt_vocabulary_set(v, id, piece, text.size + 2, false, path, err);
}

static const grt_meta_value *need_texts(const grt_metadata *m, const char *key,
                                        grt_error *err)
{
    const grt_meta_value *value = grt_metadata_get(m, key);
    if (value && value->type == GRT_META_TEXT && value->is_array) return value;
    (void)grt_error_set(err, GRT_E_FORMAT, -1,
                        "%s: %s is missing or not a list of texts", m->source, key);
    return NULL;
}

/* The types of n tokens; NULL when the file has none. */
static grt_status find_types(const int64_t **out, const grt_metadata *m, size_t n,
                             grt_error *err)
{
    const grt_meta_value *types = grt_metadata_get(m, "tokenizer.ggml.token_type");
    if (types && (types->type != GRT_META_INT || types->n != n))
        GRT_FAIL(
            err, GRT_E_FORMAT,
            "%s: tokenizer.ggml.token_type does not have one number for each of %zu "
            "tokens",
            m->source, n);
    *out = types ? types->ints : NULL;
    return GRT_OK;
}

/* Of WordPiece and byte-level BPE, whose kind is set. */
static grt_status read_pieces(grt_vocabulary *v, const grt_metadata *m, bool is_bert,
                              grt_error *err)
{
    const grt_meta_value *tokens = need_texts(m, "tokenizer.ggml.tokens", err);
    if (!tokens) return GRT_E_FORMAT;
    const int64_t *types;
    GRT_TRY(find_types(&types, m, tokens->n, err));
    GRT_TRY(grt_vocabulary_reserve(v, tokens->n, m->source, err));
    for (size_t id = 0; id < tokens->n; id++) {
        grt_text text = tokens->texts[id];
        bool is_special = types && types[id] != GRT_PIECE_NORMAL;
        if (is_bert)
            GRT_TRY(set_bert_piece(v, id, text, is_special, m->source, err));
        else if (is_special)
            GRT_TRY(grt_vocabulary_add_token(
                v, id, text.data, text.size,
                (grt_token_flags){.is_special = types[id] != GRT_PIECE_USER_DEFINED},
                m->source, err));
        else
            GRT_TRY(
                grt_vocabulary_set(v, id, text.data, text.size, false, m->source, err));
    }
    return GRT_OK;
}

static grt_status read_merges(grt_vocabulary *v, const grt_metadata *m, grt_error *err)
{
    const grt_meta_value *merges = need_texts(m, "tokenizer.ggml.merges", err);
    if (!merges) return GRT_E_FORMAT;
    GRT_TRY(grt_arena_alloc(&v->arena, &v->merges, merges->n, sizeof(grt_merge), err));
    grt_piece_map map = {0};
    GRT_TRY(grt_piece_map_init(&map, v, false, err));
    grt_status status = GRT_OK;
    for (size_t i = 0; i < merges->n && status == GRT_OK; i++) {
        grt_text text = merges->texts[i];
        const char *space =
            text.size > 1 ? memchr(text.data + 1, ' ', text.size - 1) : NULL;
        size_t n_left = space ? (size_t)(space - text.data) : text.size;
        status = grt_vocabulary_add_merge(
            v, &map, text.data, n_left, space ? space + 1 : text.data,
            space ? text.size - n_left - 1 : 0, m->source, err);
    }
    grt_piece_map_release(&map);
    return status;
}

static bool text_is(grt_text text, const char *wanted)
{
    return text.size == strlen(wanted) && memcmp(text.data, wanted, text.size) == 0;
}

/* ---- SentencePiece ---- */

/* What a piece is in a file without types. */
static int64_t guess_type(grt_text text)
{
    static const char *const controls[] = {"<s>", "</s>", "<pad>", "<bos>", "<eos>"};
    if (text_is(text, "<unk>")) return GRT_PIECE_UNKNOWN;
    for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
        if (text_is(text, controls[i])) return GRT_PIECE_CONTROL;
    bool is_byte = text.size == 6 && memcmp(text.data, "<0x", 3) == 0;
    return is_byte ? GRT_PIECE_BYTE : GRT_PIECE_NORMAL;
}

static grt_status read_scored_pieces(grt_vocabulary *v, const grt_metadata *m,
                                     grt_error *err)
{
    const grt_meta_value *tokens = need_texts(m, "tokenizer.ggml.tokens", err);
    if (!tokens) return GRT_E_FORMAT;
    const grt_meta_value *scores = grt_metadata_get(m, "tokenizer.ggml.scores");
    if (!scores || scores->type != GRT_META_FLOAT || scores->n != tokens->n)
        GRT_FAIL(err, GRT_E_FORMAT,
                 "%s: tokenizer.ggml.scores does not have one score for each of %zu "
                 "tokens",
                 m->source, tokens->n);
    const int64_t *types;
    GRT_TRY(find_types(&types, m, tokens->n, err));
    GRT_TRY(grt_vocabulary_reserve(v, tokens->n, m->source, err));
    GRT_TRY(grt_arena_alloc(&v->arena, &v->scores, tokens->n, sizeof(float), err));
    for (size_t id = 0; id < tokens->n; id++) {
        int64_t type = types ? types[id] : guess_type(tokens->texts[id]);
        GRT_TRY(grt_vocabulary_set_scored(v, id, tokens->texts[id], (uint64_t)type,
                                          scores->floats[id], m->source, err));
        if (type == GRT_PIECE_BYTE) v->byte_fallback = true;
        if (type == GRT_PIECE_UNKNOWN && v->unk == GRT_NO_TOKEN) v->unk = (int32_t)id;
    }
    return GRT_OK;
}

/* The map is a list of bytes, signed in some files. */
static grt_status read_charsmap(grt_vocabulary *v, const grt_metadata *m,
                                grt_error *err)
{
    const char *key = "tokenizer.ggml.precompiled_charsmap";
    const grt_meta_value *value = grt_metadata_get(m, key);
    if (!value) return GRT_OK;
    if (value->type != GRT_META_INT || !value->is_array)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: %s is not a list of bytes", m->source, key);
    unsigned char *blob;
    GRT_TRY(grt_alloc(&blob, value->n, "a character map", err));
    grt_status status = GRT_OK;
    for (size_t i = 0; i < value->n && status == GRT_OK; i++) {
        blob[i] = (unsigned char)value->ints[i];
        if (value->ints[i] < -128 || value->ints[i] > 255)
            status = grt_error_set(err, GRT_E_FORMAT, -1,
                                   "%s: %s is not a list of bytes", m->source, key);
    }
    if (status == GRT_OK)
        status =
            grt_charsmap_read(&v->charsmap, &v->arena, blob, value->n, m->source, err);
    grt_free(blob);
    return status;
}

/* Ids that the file gives for control tokens; the largest number says "none". */
static grt_status read_roles(grt_vocabulary *v, const grt_metadata *m, grt_error *err)
{
    const struct {
        const char *key;
        int32_t *id;
    } roles[] = {
        {"tokenizer.ggml.unknown_token_id", &v->unk},
        {"tokenizer.ggml.bos_token_id", &v->bos},
        {"tokenizer.ggml.eos_token_id", &v->eos},
        {"tokenizer.ggml.padding_token_id", &v->pad},
        {"tokenizer.ggml.cls_token_id", &v->cls},
        {"tokenizer.ggml.separator_token_id", &v->sep},
        {"tokenizer.ggml.seperator_token_id", &v->sep}, /* as most files spell it */
    };
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        uint64_t id;
        if (!grt_metadata_get_u64(m, roles[i].key, &id) || id == UINT32_MAX) continue;
        if (id >= v->n_pieces || !v->pieces[id].text)
            GRT_FAIL(err, GRT_E_FORMAT, "%s: %s is %llu, which no token has", m->source,
                     roles[i].key, (unsigned long long)id);
        *roles[i].id = (int32_t)id;
    }
    return GRT_OK;
}

/* A switch of the file; without it `otherwise`, and a note. */
static grt_status read_switch(grt_vocabulary *v, const grt_metadata *m, const char *key,
                              bool otherwise, bool *out, grt_error *err)
{
    *out = otherwise;
    if (grt_metadata_get_bool(m, key, out)) return GRT_OK;
    return grt_notes_add(&v->notes, GRT_NOTE_RESULT, err,
                         "the file does not say %s: %s is taken", key,
                         otherwise ? "true" : "false");
}

/* Whether Hugging Face's tokenizer of the family puts a space before texts. */
static bool has_usual_prefix(const grt_metadata *m)
{
    grt_text architecture = {"", 0};
    (void)grt_metadata_get_text(m, "general.architecture", &architecture);
    return architecture.size < 5 || memcmp(architecture.data, "gemma", 5) != 0;
}

/* Normalisers that a file asks for, and that its kind of tokenizer lacks. */
static grt_status refuse_normaliser(const grt_metadata *m, grt_error *err)
{
    static const char *const keys[] = {"tokenizer.ggml.normalizer.lowercase",
                                       "tokenizer.ggml.normalizer.strip_accents"};
    for (size_t i = 0; i < 2; i++) {
        bool is_set = false;
        (void)grt_metadata_get_bool(m, keys[i], &is_set);
        if (is_set)
            GRT_FAIL(err, GRT_E_UNSUPPORTED,
                     "%s: %s is not supported for this kind of tokenizer", m->source,
                     keys[i]);
    }
    return GRT_OK;
}

static grt_status note_lacks(grt_vocabulary *v, const grt_metadata *m,
                             grt_tokenizer_kind kind, grt_error *err)
{
    if (!grt_metadata_get(m, "tokenizer.ggml.token_type"))
        GRT_TRY(grt_notes_add(&v->notes, GRT_NOTE_RESULT, err,
                              "the file does not say which tokens are control tokens "
                              "(tokenizer.ggml.token_type): the usual names are"));
    if (kind == GRT_TOKENIZER_UNIGRAM &&
        !grt_metadata_get(m, "tokenizer.ggml.precompiled_charsmap"))
        GRT_TRY(grt_notes_add(&v->notes, GRT_NOTE_RESULT, err,
                              "the file has no tokenizer.ggml.precompiled_charsmap: "
                              "texts are not normalised"));
    return GRT_OK;
}

static grt_status read_sentence(grt_vocabulary *v, const grt_metadata *m,
                                grt_tokenizer_kind kind, grt_error *err)
{
    grt_vocabulary_begin(v, kind);
    GRT_TRY(read_scored_pieces(v, m, err));
    GRT_TRY(read_charsmap(v, m, err));
    GRT_TRY(read_roles(v, m, err));
    bool has_first_mark, are_thinned = kind == GRT_TOKENIZER_UNIGRAM;
    GRT_TRY(refuse_normaliser(m, err));
    GRT_TRY(note_lacks(v, m, kind, err));
    GRT_TRY(read_switch(v, m, "tokenizer.ggml.add_space_prefix", has_usual_prefix(m),
                        &has_first_mark, err));
    if (kind == GRT_TOKENIZER_UNIGRAM)
        GRT_TRY(read_switch(v, m, "tokenizer.ggml.remove_extra_whitespaces", true,
                            &are_thinned, err));
    else
        (void)grt_metadata_get_bool(m, "tokenizer.ggml.remove_extra_whitespaces",
                                    &are_thinned);
    grt_vocabulary_set_spaces(v, has_first_mark, are_thinned);
    v->fuse_unknown = true;
    grt_vocabulary_finish_sentence(v);
    return GRT_OK;
}

/* A piece of words with a capital letter, which a vocabulary of small letters lacks. */
static bool has_capitals(const grt_vocabulary *v)
{
    for (size_t id = 0; id < v->n_pieces; id++) {
        const grt_piece *piece = &v->pieces[id];
        if (!piece->text || piece->is_special || piece->text[0] == '[') continue;
        for (size_t i = 0; i < piece->size; i++)
            if (piece->text[i] >= 'A' && piece->text[i] <= 'Z') return true;
    }
    return false;
}

/* The format has no place for BERT's normaliser: its vocabulary tells whether letters
 * are lowered, unless the file has keys of its own for it. */
static grt_status finish_words(grt_vocabulary *v, const grt_metadata *m, grt_error *err)
{
    bool is_cased = has_capitals(v), lower = !is_cased;
    bool is_said =
        grt_metadata_get_bool(m, "tokenizer.ggml.normalizer.lowercase", &lower);
    GRT_TRY(grt_vocabulary_finish_wordpiece(v, lower, m->source, err));
    (void)grt_metadata_get_bool(m, "tokenizer.ggml.normalizer.strip_accents",
                                &v->strip_accents);
    if (!is_cased || is_said) return GRT_OK;
    return grt_notes_add(&v->notes, GRT_NOTE_RESULT, err,
                         "the vocabulary has capital letters: texts are not lowered, "
                         "and keep their accents");
}

grt_status grt_vocabulary_read_gguf(grt_vocabulary *out, const grt_metadata *metadata,
                                    grt_error *err)
{
    grt_text model = {"", 0};
    (void)grt_metadata_get_text(metadata, "tokenizer.ggml.model", &model);
    if (text_is(model, "bert")) {
        grt_vocabulary_begin(out, GRT_TOKENIZER_WORDPIECE);
        GRT_TRY(read_pieces(out, metadata, true, err));
        GRT_TRY(read_roles(out, metadata, err));
        return finish_words(out, metadata, err);
    }
    if (text_is(model, "t5"))
        return read_sentence(out, metadata, GRT_TOKENIZER_UNIGRAM, err);
    if (text_is(model, "llama"))
        return read_sentence(out, metadata, GRT_TOKENIZER_SENTENCE_BPE, err);
    if (!text_is(model, "gpt2"))
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "%s: tokenizer \"%.*s\" is not known; known: bert (WordPiece), gpt2 "
                 "(byte-level BPE), t5 (Unigram), llama (SentencePiece BPE)",
                 metadata->source, (int)(model.size < 60 ? model.size : 60),
                 model.data);
    grt_vocabulary_begin(out, GRT_TOKENIZER_BPE);
    GRT_TRY(read_pieces(out, metadata, false, err));
    GRT_TRY(read_merges(out, metadata, err));
    GRT_TRY(read_roles(out, metadata, err));
    GRT_TRY(refuse_normaliser(metadata, err));
    return grt_pre_tokenizer_choose(out, metadata, err);
}
