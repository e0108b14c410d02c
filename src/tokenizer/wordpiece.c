/* wordpiece.c - BERT's tokenizer: normalise, split into words, match pieces greedily.
 *
 * Devlin et al. 2018 and Wu et al. 2016 (arXiv 1609.08144).  One pass over the text:
 * each character is normalised and either ends the word, stands alone, or joins the
 * word; a finished word is cut into the longest pieces from its left. */
#include "tokenizer/algorithms.h"
#include "tokenizer/classes.h"
#include "tokenizer/lower.h"
#include "tokenizer/utf8.h"
#include "tokenizer/white_space.h"

#include <string.h>
#include <utf8proc.h>

typedef struct scanner {
    const grt_tokenizer *tokenizer;
    const grt_vocabulary *v;
    grt_ids *out;
    grt_error *err;
    grt_text_buffer word; /* two bytes of room for "##", then the word */
    size_t n_chars;
} scanner;

enum { MARK = 2 }; /* bytes of "##" */

/* The longest piece that begins at `start` of the word; its end through *end. */
static int32_t longest_match(scanner *s, char *word, size_t n, size_t start,
                             size_t *end)
{
    char *from = word + start;
    char saved[MARK] = {from[-2], from[-1]};
    size_t mark = start ? MARK : 0;
    if (mark) memcpy(from - MARK, "##", MARK);
    size_t most = s->tokenizer->longest_piece;
    size_t stop = n - start + mark > most ? start + most - mark : n;
    int32_t id = GRT_NO_TOKEN;
    for (; stop > start; stop--) {
        if (stop < n && ((unsigned char)word[stop] & 0xC0) == 0x80) continue;
        id = grt_piece_map_get(&s->tokenizer->pieces, from - mark, stop - start + mark);
        if (id != GRT_NO_TOKEN) break;
    }
    memcpy(from - MARK, saved, MARK);
    *end = stop;
    return id;
}

/* Appends the pieces of the word, or one unk for all of it, and begins a new word. */
static grt_status flush_word(scanner *s)
{
    size_t n = s->word.n - MARK, n_chars = s->n_chars;
    s->word.n = MARK;
    s->n_chars = 0;
    if (n == 0) return GRT_OK;
    int32_t unk = s->v->unk;
    if (n_chars > s->v->max_word_chars) return grt_ids_append(s->out, &unk, 1, s->err);
    size_t n_before = s->out->n;
    for (size_t start = 0; start < n;) {
        size_t end;
        int32_t id = longest_match(s, s->word.data + MARK, n, start, &end);
        if (id == GRT_NO_TOKEN) {
            s->out->n = n_before;
            return grt_ids_append(s->out, &unk, 1, s->err);
        }
        GRT_TRY(grt_ids_append(s->out, &id, 1, s->err));
        start = end;
    }
    return GRT_OK;
}

static grt_status join_word(scanner *s, uint32_t c)
{
    GRT_TRY(grt_text_buffer_room(&s->word, 4, s->err));
    s->word.n += grt_utf8_encode(s->word.data + s->word.n, c);
    s->n_chars++;
    return GRT_OK;
}

/* A normalised character: ends the word, stands alone, or joins. */
static grt_status take_normal(scanner *s, uint32_t c)
{
    if (grt_is_white_space(c)) return flush_word(s);
    if (!grt_is_punctuation(c)) return join_word(s, c);
    GRT_TRY(flush_word(s));
    GRT_TRY(join_word(s, c));
    return flush_word(s);
}

static uint32_t lower(const scanner *s, uint32_t c)
{
    return s->v->lower_case ? grt_lower(c) : c;
}

/* Decomposes (NFD) and drops non-spacing marks, lower-cases what is left. */
static grt_status take_decomposed(scanner *s, uint32_t c)
{
    utf8proc_int32_t parts[32];
    int boundary = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)c, parts, 32,
                                                 UTF8PROC_DECOMPOSE, &boundary);
    if (n < 0 || n > 32) return take_normal(s, lower(s, c));
    for (utf8proc_ssize_t i = 0; i < n; i++)
        if (utf8proc_category(parts[i]) != UTF8PROC_CATEGORY_MN)
            GRT_TRY(take_normal(s, lower(s, (uint32_t)parts[i])));
    return GRT_OK;
}

static grt_status take(scanner *s, uint32_t c)
{
    if (s->v->clean_text && grt_is_unclean(c)) return GRT_OK;
    if (c < 128) return take_normal(s, lower(s, c));
    bool is_alone = s->v->split_cjk && grt_is_ideograph(c);
    if (is_alone) GRT_TRY(flush_word(s));
    if (s->v->strip_accents)
        GRT_TRY(take_decomposed(s, c));
    else
        GRT_TRY(take_normal(s, lower(s, c)));
    return is_alone ? flush_word(s) : GRT_OK;
}

static grt_status scan(scanner *s, const char *text, size_t n)
{
    GRT_TRY(grt_text_buffer_room(&s->word, 256, s->err));
    s->word.n = MARK;
    memcpy(s->word.data, "##", MARK);
    for (size_t i = 0; i < n;) {
        size_t length;
        GRT_TRY(take(s, grt_utf8_decode(text + i, n - i, &length)));
        i += length;
    }
    return flush_word(s);
}

grt_status grt_wordpiece_encode_word(const grt_tokenizer *tokenizer, const char *text,
                                     size_t n, grt_ids *out, grt_error *err)
{
    scanner s = {
        .tokenizer = tokenizer, .v = tokenizer->vocabulary, .out = out, .err = err};
    GRT_TRY(grt_text_buffer_room(&s.word, n + MARK, err));
    memcpy(s.word.data, "##", MARK);
    memcpy(s.word.data + MARK, text, n);
    s.word.n = n + MARK;
    for (size_t i = 0; i < n; i++)
        s.n_chars += ((unsigned char)text[i] & 0xC0) != 0x80;
    grt_status status = flush_word(&s);
    grt_text_buffer_release(&s.word);
    return status;
}

grt_status grt_wordpiece_encode(const grt_tokenizer *tokenizer, const char *text,
                                size_t n, grt_ids *out, grt_error *err)
{
    scanner s = {
        .tokenizer = tokenizer, .v = tokenizer->vocabulary, .out = out, .err = err};
    grt_status status = scan(&s, text, n);
    grt_text_buffer_release(&s.word);
    return status;
}
