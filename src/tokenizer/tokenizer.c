/* tokenizer.c - the tokenizer object, lists of ids, growing texts. */
#include "tokenizer/algorithms.h"
#include "tokenizer/sentence.h"

#include "base/checked.h"
#include "base/memory.h"

#include <string.h>

enum { MAX_TEXT_BYTES = 1 << 30 };

grt_status grt_ids_append(grt_ids *list, const int32_t *ids, size_t n, grt_error *err)
{
    size_t total;
    if (!grt_add_size(&total, list->n, n))
        GRT_FAIL(err, GRT_E_NO_MEMORY, "no memory for %zu more ids", n);
    if (total > list->capacity) {
        size_t capacity = total < 64 ? 64 : total + total / 2;
        GRT_TRY(
            grt_realloc_array(&list->ids, capacity, sizeof(*list->ids), "ids", err));
        list->capacity = capacity;
    }
    if (n) memcpy(list->ids + list->n, ids, n * sizeof(*ids));
    list->n = total;
    return GRT_OK;
}

void grt_ids_release(grt_ids *list)
{
    grt_free(list->ids);
    memset(list, 0, sizeof(*list));
}

grt_status grt_text_buffer_room(grt_text_buffer *buffer, size_t n, grt_error *err)
{
    size_t total;
    if (!grt_add_size(&total, buffer->n, n))
        GRT_FAIL(err, GRT_E_NO_MEMORY, "no memory for %zu more bytes of text", n);
    if (total <= buffer->capacity) return GRT_OK;
    size_t capacity = total < 256 ? 256 : total + total / 2;
    GRT_TRY(grt_realloc_array(&buffer->data, capacity, 1, "a text", err));
    buffer->capacity = capacity;
    return GRT_OK;
}

size_t grt_word_part(const char *text, size_t n)
{
    size_t part = n < GRT_WORD_BYTES ? n : GRT_WORD_BYTES;
    for (size_t at = part; at > part - part / 8; at--)
        if (at + GRT_SPACE_MARK_BYTES <= n && at < n &&
            memcmp(text + at, GRT_SPACE_MARK, GRT_SPACE_MARK_BYTES) == 0)
            return at;
    while (part < n && part > 1 && ((unsigned char)text[part] & 0xC0) == 0x80)
        part--;
    return part;
}

void grt_text_buffer_release(grt_text_buffer *buffer)
{
    grt_free(buffer->data);
    memset(buffer, 0, sizeof(*buffer));
}

static grt_status init(grt_tokenizer *tokenizer, const grt_vocabulary *vocabulary,
                       grt_error *err)
{
    tokenizer->vocabulary = vocabulary;
    GRT_TRY(grt_piece_map_init(&tokenizer->pieces, vocabulary, false, err));
    GRT_TRY(grt_piece_map_init(&tokenizer->specials, vocabulary, true, err));
    for (size_t i = 0; i < vocabulary->n_pieces; i++)
        if (vocabulary->pieces[i].size > tokenizer->longest_piece)
            tokenizer->longest_piece = vocabulary->pieces[i].size;
    bool has_words = vocabulary->kind == GRT_TOKENIZER_WORDPIECE && vocabulary->n_words;
    if (vocabulary->has_steps || has_words)
        GRT_TRY(grt_pipeline_create(&tokenizer->pipeline, tokenizer, err));
    if (vocabulary->kind == GRT_TOKENIZER_BPE)
        return grt_bpe_create(&tokenizer->bpe, tokenizer, err);
    if (vocabulary->kind != GRT_TOKENIZER_WORDPIECE)
        return grt_sentence_create(&tokenizer->sentence, tokenizer, err);
    if (vocabulary->unk < 0 || (size_t)vocabulary->unk >= vocabulary->n_pieces)
        GRT_FAIL(err, GRT_E_FORMAT, "the vocabulary has no piece for unknown words");
    return GRT_OK;
}

grt_status grt_tokenizer_create(grt_tokenizer **out, const grt_vocabulary *vocabulary,
                                grt_error *err)
{
    grt_tokenizer *tokenizer;
    GRT_TRY(grt_alloc_array(&tokenizer, 1, sizeof(*tokenizer), "the tokenizer", err));
    grt_status status = init(tokenizer, vocabulary, err);
    if (status != GRT_OK) {
        grt_tokenizer_free(tokenizer);
        return status;
    }
    *out = tokenizer;
    return GRT_OK;
}

void grt_tokenizer_free(grt_tokenizer *tokenizer)
{
    if (!tokenizer) return;
    grt_bpe_free(tokenizer->bpe);
    grt_sentence_free(tokenizer->sentence);
    grt_pipeline_free(tokenizer->pipeline);
    grt_piece_map_release(&tokenizer->pieces);
    grt_piece_map_release(&tokenizer->specials);
    grt_free(tokenizer);
}

size_t grt_tokenizer_n_repeated(const grt_tokenizer *tokenizer)
{
    return tokenizer->pieces.n_repeated + tokenizer->specials.n_repeated;
}

grt_status grt_tokenizer_encode(const grt_tokenizer *tokenizer, const char *text,
                                size_t n, grt_ids *out, grt_error *err)
{
    if (n > MAX_TEXT_BYTES)
        GRT_FAIL(err, GRT_E_TOO_LONG, "a text of %zu bytes; at most %d are read", n,
                 (int)MAX_TEXT_BYTES);
    if (n == 0) return GRT_OK;
    if (tokenizer->pipeline) return grt_pipeline_encode(tokenizer, text, n, out, err);
    switch (tokenizer->vocabulary->kind) {
    case GRT_TOKENIZER_WORDPIECE:
        return grt_wordpiece_encode(tokenizer, text, n, out, err);
    case GRT_TOKENIZER_BPE: return grt_bpe_encode(tokenizer, text, n, out, err);
    case GRT_TOKENIZER_UNIGRAM:
    case GRT_TOKENIZER_SENTENCE_BPE: break;
    }
    return grt_sentence_encode(tokenizer, text, n, out, err);
}

const grt_vocabulary *grt_tokenizer_vocabulary(const grt_tokenizer *tokenizer)
{
    return tokenizer->vocabulary;
}

int32_t grt_tokenizer_id(const grt_tokenizer *tokenizer, const char *piece, size_t n)
{
    int32_t id = grt_piece_map_get(&tokenizer->specials, piece, n);
    return id != GRT_NO_TOKEN ? id : grt_piece_map_get(&tokenizer->pieces, piece, n);
}
