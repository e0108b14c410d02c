/* tokenizer_gguf.c - GGUF's tokenizer keys to a vocabulary. */
#include "formats/tokenizer_build.h"

#include <string.h>

/* GGUF: tokenizer.ggml.token_type; everything but a normal piece is kept from users. */
enum { TYPE_NORMAL = 1 };

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

static grt_status read_pieces(grt_vocabulary *v, const grt_metadata *m, bool is_bert,
                              grt_error *err)
{
    const grt_meta_value *tokens = need_texts(m, "tokenizer.ggml.tokens", err);
    if (!tokens) return GRT_E_FORMAT;
    const grt_meta_value *types = grt_metadata_get(m, "tokenizer.ggml.token_type");
    if (types && (types->type != GRT_META_INT || types->n != tokens->n))
        GRT_FAIL(
            err, GRT_E_FORMAT,
            "%s: tokenizer.ggml.token_type does not have one number for each of %zu "
            "tokens",
            m->source, tokens->n);
    GRT_TRY(grt_vocabulary_reserve(v, tokens->n, m->source, err));
    for (size_t id = 0; id < tokens->n; id++) {
        grt_text text = tokens->texts[id];
        bool is_special = types && types->ints[id] != TYPE_NORMAL;
        if (is_bert)
            GRT_TRY(set_bert_piece(v, id, text, is_special, m->source, err));
        else
            GRT_TRY(grt_vocabulary_set(v, id, text.data, text.size, is_special,
                                       m->source, err));
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

static grt_status choose_pattern(grt_vocabulary *v, const grt_metadata *m,
                                 grt_error *err)
{
    grt_text pre = {"default", 7};
    (void)grt_metadata_get_text(m, "tokenizer.ggml.pre", &pre);
    if (text_is(pre, "modern-bert")) { /* its file does not say NFC */
        v->split_pattern = grt_pattern_gpt2;
        v->use_nfc = true;
        return GRT_OK;
    }
    if (text_is(pre, "qwen2")) {
        v->split_pattern = grt_pattern_qwen2;
        v->use_nfc = true;
        return GRT_OK;
    }
    if (text_is(pre, "gpt-2") || text_is(pre, "roberta-bpe") ||
        text_is(pre, "default")) {
        v->split_pattern = grt_pattern_gpt2;
        return GRT_OK;
    }
    GRT_FAIL(
        err, GRT_E_UNSUPPORTED,
        "%s: pre-tokeniser \"%.*s\" is not known; known: qwen2, gpt-2, roberta-bpe, "
        "modern-bert",
        m->source, (int)(pre.size < 60 ? pre.size : 60), pre.data);
}

grt_status grt_vocabulary_read_gguf(grt_vocabulary *out, const grt_metadata *metadata,
                                    grt_error *err)
{
    grt_text model = {"", 0};
    (void)grt_metadata_get_text(metadata, "tokenizer.ggml.model", &model);
    if (text_is(model, "bert")) {
        GRT_TRY(read_pieces(out, metadata, true, err));
        return grt_vocabulary_finish_wordpiece(out, true, metadata->source, err);
    }
    if (!text_is(model, "gpt2"))
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "%s: tokenizer \"%.*s\" is not known; known: bert (WordPiece), gpt2 "
                 "(byte-level BPE)",
                 metadata->source, (int)(model.size < 60 ? model.size : 60),
                 model.data);
    out->kind = GRT_TOKENIZER_BPE;
    out->unk = out->cls = out->sep = out->pad = out->bos = out->eos = GRT_NO_TOKEN;
    GRT_TRY(read_pieces(out, metadata, false, err));
    GRT_TRY(read_merges(out, metadata, err));
    return choose_pattern(out, metadata, err);
}
