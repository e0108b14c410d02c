/* sentence.c - SentencePiece around its two algorithms: normalising, places to cut,
 * unknown characters.
 *
 * Kudo and Richardson 2018 (arXiv 1808.06226).  The text is rewritten by the character
 * map, its spaces are thinned out and become marks (U+2581), and a mark goes before it;
 * then it is one text for the algorithm, but for two cuts that change no result or are
 * asked for: around a user-defined piece, and before a mark. */
#include "tokenizer/sentence.h"
#include "tokenizer/utf8.h"
#include "tokenizer/white_space.h"

#include "base/memory.h"

#include <float.h>

/* ---- Creation ---- */

static bool is_ordinary(const grt_piece *piece)
{
    return !piece->is_special && !piece->is_verbatim;
}

static bool is_mark(const char *text, size_t n)
{
    return n >= GRT_SPACE_MARK_BYTES &&
           memcmp(text, GRT_SPACE_MARK, GRT_SPACE_MARK_BYTES) == 0;
}

/* No piece has a mark behind another character. */
static bool are_words_apart(const grt_vocabulary *v)
{
    for (size_t id = 0; id < v->n_pieces; id++) {
        const grt_piece *piece = &v->pieces[id];
        if (!piece->text || !is_ordinary(piece)) continue;
        size_t at = 0;
        while (is_mark(piece->text + at, piece->size - at))
            at += GRT_SPACE_MARK_BYTES;
        for (; at < piece->size; at++)
            if (is_mark(piece->text + at, piece->size - at)) return false;
    }
    return true;
}

/* Ten below the worst piece, as SentencePiece has it. */
static double unknown_score(const grt_vocabulary *v)
{
    float worst = FLT_MAX;
    for (size_t id = 0; id < v->n_pieces; id++)
        if (v->pieces[id].text && is_ordinary(&v->pieces[id]) && v->scores[id] < worst)
            worst = v->scores[id];
    return (worst == FLT_MAX ? 0.0 : (double)worst) - 10.0;
}

static grt_status find_bytes(grt_sentence *s, const grt_tokenizer *tokenizer,
                             grt_error *err)
{
    static const char digits[] = "0123456789ABCDEF";
    for (unsigned byte = 0; byte < 256; byte++) {
        char name[] = "<0x00>";
        name[3] = digits[byte >> 4];
        name[4] = digits[byte & 15];
        s->byte_ids[byte] = grt_tokenizer_id(tokenizer, name, 6);
        if (s->byte_ids[byte] == GRT_NO_TOKEN)
            GRT_FAIL(err, GRT_E_FORMAT,
                     "unknown characters should become bytes, but the vocabulary has "
                     "no piece %s",
                     name);
    }
    return GRT_OK;
}

static grt_status init(grt_sentence *s, const grt_tokenizer *tokenizer, grt_error *err)
{
    const grt_vocabulary *v = tokenizer->vocabulary;
    s->are_words_apart = are_words_apart(v);
    GRT_TRY(grt_trie_init(&s->verbatim, v, grt_piece_is_verbatim, err));
    if (v->byte_fallback)
        GRT_TRY(find_bytes(s, tokenizer, err));
    else if (v->unk < 0 || (size_t)v->unk >= v->n_pieces || !v->pieces[v->unk].text)
        GRT_FAIL(err, GRT_E_FORMAT,
                 "the vocabulary has no piece for unknown characters");
    if (v->kind == GRT_TOKENIZER_UNIGRAM) {
        if (!v->scores) GRT_FAIL(err, GRT_E_FORMAT, "the vocabulary has no scores");
        s->unknown_score = unknown_score(v);
        return grt_trie_init(&s->pieces, v, is_ordinary, err);
    }
    return v->scores ? GRT_OK : grt_merge_table_init(&s->merges, v, err);
}

grt_status grt_sentence_create(grt_sentence **out, const grt_tokenizer *tokenizer,
                               grt_error *err)
{
    grt_sentence *sentence;
    GRT_TRY(grt_alloc_array(&sentence, 1, sizeof(*sentence), "the tokenizer", err));
    grt_status status = init(sentence, tokenizer, err);
    if (status != GRT_OK) {
        grt_sentence_free(sentence);
        return status;
    }
    *out = sentence;
    return GRT_OK;
}

void grt_sentence_free(grt_sentence *sentence)
{
    if (!sentence) return;
    grt_trie_release(&sentence->pieces);
    grt_trie_release(&sentence->verbatim);
    grt_merge_table_release(&sentence->merges);
    grt_free(sentence);
}

/* ---- Normalising ---- */

typedef struct normaliser {
    const grt_tokenizer *tokenizer;
    const grt_vocabulary *v;
    grt_text_buffer out; /* a mark, which may come to be used, then the text */
    bool drops_spaces;   /* those that come next */
    grt_error *err;
} normaliser;

/* Appends one rewritten part, its spaces thinned out and marked. */
static grt_status put(normaliser *z, const char *part, size_t n)
{
    while (z->drops_spaces && n > 0 && *part == ' ') {
        part++;
        n--;
    }
    if (n == 0) return GRT_OK;
    GRT_TRY(grt_text_buffer_room(&z->out, n * GRT_SPACE_MARK_BYTES, z->err));
    for (size_t i = 0; i < n; i++) {
        if (part[i] != ' ') {
            z->out.data[z->out.n++] = part[i];
            continue;
        }
        memcpy(z->out.data + z->out.n, GRT_SPACE_MARK, GRT_SPACE_MARK_BYTES);
        z->out.n += GRT_SPACE_MARK_BYTES;
    }
    z->drops_spaces = z->v->collapse_spaces && part[n - 1] == ' ';
    return GRT_OK;
}

/* Rewrites the first character of text[n], or as many as an entry of the map or a
 * user-defined piece takes; says how many bytes that were. */
static grt_status take(normaliser *z, const char *text, size_t n, size_t *taken)
{
    int32_t id;
    *taken = grt_trie_longest(&z->tokenizer->sentence->verbatim, text, n, &id);
    if (*taken) return put(z, text, *taken);
    const char *becomes;
    *taken = grt_charsmap_match(&z->v->charsmap, text, n, &becomes);
    if (*taken) return put(z, becomes, strlen(becomes));
    uint32_t c = grt_utf8_decode(text, n, taken);
    if (z->v->all_white_space && grt_is_white_space(c)) return put(z, " ", 1);
    if (c != GRT_REPLACEMENT) return put(z, text, *taken);
    static const char replacement[] = "\xef\xbf\xbd";
    size_t n_matched = grt_charsmap_match(&z->v->charsmap, replacement, 3, &becomes);
    return n_matched == 3 ? put(z, becomes, strlen(becomes)) : put(z, replacement, 3);
}

/* The finished text, without or with the mark before it; "" is nothing at all. */
static const char *finish(normaliser *z, size_t *n)
{
    const char *body = z->out.data + GRT_SPACE_MARK_BYTES;
    *n = z->out.n - GRT_SPACE_MARK_BYTES;
    while (z->v->strip_right && *n >= GRT_SPACE_MARK_BYTES &&
           is_mark(body + *n - GRT_SPACE_MARK_BYTES, GRT_SPACE_MARK_BYTES))
        *n -= GRT_SPACE_MARK_BYTES;
    bool is_there = is_mark(body, *n);
    if (*n == 0 || z->v->first_mark == GRT_FIRST_MARK_NONE ||
        (z->v->first_mark == GRT_FIRST_MARK_UNLESS_THERE && is_there))
        return body;
    *n += GRT_SPACE_MARK_BYTES;
    return z->out.data;
}

static grt_status normalise(normaliser *z, const char *text, size_t n)
{
    GRT_TRY(grt_text_buffer_room(&z->out, n + n / 2 + 64, z->err));
    memcpy(z->out.data, GRT_SPACE_MARK, GRT_SPACE_MARK_BYTES);
    z->out.n = GRT_SPACE_MARK_BYTES;
    z->drops_spaces = z->v->strip_left;
    for (size_t at = 0, taken; at < n; at += taken)
        GRT_TRY(take(z, text + at, n - at, &taken));
    if (z->out.n > UINT32_MAX / 2)
        GRT_FAIL(z->err, GRT_E_TOO_LONG, "a text has %zu bytes when normalised",
                 z->out.n);
    return GRT_OK;
}

/* ---- Encoding ---- */

grt_status grt_sentence_append(grt_sentence_run *run, int32_t id, const char *text,
                               size_t n)
{
    const grt_vocabulary *v = run->tokenizer->vocabulary;
    bool was_unknown = run->is_after_unknown;
    run->is_after_unknown = id == GRT_NO_TOKEN;
    if (id != GRT_NO_TOKEN) return grt_ids_append(run->out, &id, 1, run->err);
    if (!v->byte_fallback)
        return was_unknown && v->fuse_unknown
                   ? GRT_OK
                   : grt_ids_append(run->out, &v->unk, 1, run->err);
    for (size_t i = 0; i < n; i++)
        GRT_TRY(grt_ids_append(
            run->out, &run->sentence->byte_ids[(unsigned char)text[i]], 1, run->err));
    return GRT_OK;
}

static grt_status encode_part(grt_sentence_run *run, const char *text, size_t n)
{
    if (n == 0) return GRT_OK;
    return run->tokenizer->vocabulary->kind == GRT_TOKENIZER_UNIGRAM
               ? grt_unigram_encode(run, text, n)
               : grt_sentence_bpe_encode(run, text, n);
}

/* Whether a mark begins a part of its own: asked for, or harmless since
 * no piece goes over that place. */
static bool cuts_before_mark(const grt_sentence_run *run, bool is_after_mark)
{
    return run->tokenizer->vocabulary->split_words ||
           (run->sentence->are_words_apart && !is_after_mark);
}

static grt_status encode_normal(grt_sentence_run *run, const char *text, size_t n)
{
    size_t begin = 0;
    bool is_after_mark = false;
    for (size_t at = 0, length; at < n; at += length) {
        int32_t id;
        length = grt_trie_longest(&run->sentence->verbatim, text + at, n - at, &id);
        if (length) {
            GRT_TRY(encode_part(run, text + begin, at - begin));
            GRT_TRY(grt_sentence_append(run, id, NULL, 0));
            begin = at + length;
            is_after_mark = false;
            continue;
        }
        (void)grt_utf8_decode(text + at, n - at, &length);
        bool is_here = is_mark(text + at, n - at);
        if (is_here && cuts_before_mark(run, is_after_mark)) {
            GRT_TRY(encode_part(run, text + begin, at - begin));
            begin = at;
        }
        is_after_mark = is_here;
    }
    return encode_part(run, text + begin, n - begin);
}

grt_sentence_run grt_sentence_run_begin(const grt_tokenizer *tokenizer, grt_ids *out,
                                        grt_error *err)
{
    grt_sentence_run run = {.tokenizer = tokenizer,
                            .sentence = tokenizer->sentence,
                            .out = out,
                            .err = err};
    if (!tokenizer->sentence) return run;
    bool has_scores = tokenizer->vocabulary->scores != NULL;
    run.merger.find = has_scores ? grt_merge_by_score : grt_merge_by_table;
    run.merger.payload = has_scores ? (const void *)tokenizer
                                    : (const void *)&tokenizer->sentence->merges;
    return run;
}

void grt_sentence_run_end(grt_sentence_run *run)
{
    grt_merger_release(&run->merger);
    grt_free(run->nodes);
    run->nodes = NULL;
}

grt_status grt_sentence_encode(const grt_tokenizer *tokenizer, const char *text,
                               size_t n, grt_ids *out, grt_error *err)
{
    const grt_vocabulary *v = tokenizer->vocabulary;
    grt_sentence_run run = grt_sentence_run_begin(tokenizer, out, err);
    normaliser z = {.tokenizer = tokenizer, .v = v, .err = err};
    grt_status status = normalise(&z, text, n);
    if (status == GRT_OK) {
        size_t n_normal;
        const char *normal = finish(&z, &n_normal);
        status = encode_normal(&run, normal, n_normal);
    }
    grt_text_buffer_release(&z.out);
    grt_sentence_run_end(&run);
    return status;
}
