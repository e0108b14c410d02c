/* tokenizer_build.c - see tokenizer_build.h. */
#include "formats/tokenizer_build.h"

#include "formats/grow.h"

#include <float.h>
#include <math.h>
#include <string.h>

grt_status grt_vocabulary_reserve(grt_vocabulary *v, size_t n, const char *path,
                                  grt_error *err)
{
    if (n > GRT_MAX_VOCABULARY)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: a vocabulary of %zu ids; at most %d are read",
                 path, n, (int)GRT_MAX_VOCABULARY);
    if (n <= v->n_pieces) return GRT_OK;
    /* Pieces lie in the arena; a vocabulary grows a few times at most. */
    size_t capacity = n < 2 * v->n_pieces ? 2 * v->n_pieces : n;
    if (v->n_pieces == 0 || n > v->pieces_capacity) {
        grt_piece *pieces;
        GRT_TRY(grt_arena_alloc(&v->arena, &pieces, capacity, sizeof(*pieces), err));
        if (v->n_pieces) memcpy(pieces, v->pieces, v->n_pieces * sizeof(*pieces));
        v->pieces = pieces;
        v->pieces_capacity = capacity;
    }
    v->n_pieces = n;
    return GRT_OK;
}

grt_status grt_vocabulary_set(grt_vocabulary *v, uint64_t id, const char *text,
                              size_t n, bool is_special, const char *path,
                              grt_error *err)
{
    if (id >= GRT_MAX_VOCABULARY)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: token id %llu is too large", path,
                 (unsigned long long)id);
    if (n == 0 || n > GRT_MAX_PIECE_BYTES)
        GRT_FAIL(err, GRT_E_FORMAT,
                 "%s: the piece of id %llu has %zu bytes, not 1 to %d", path,
                 (unsigned long long)id, n, (int)GRT_MAX_PIECE_BYTES);
    GRT_TRY(grt_vocabulary_reserve(v, (size_t)id + 1, path, err));
    grt_piece *piece = &v->pieces[id];
    if (piece->text && (piece->size != n || memcmp(piece->text, text, n) != 0))
        GRT_FAIL(err, GRT_E_FORMAT, "%s: id %llu is both \"%.*s\" and \"%.*s\"", path,
                 (unsigned long long)id, (int)(piece->size < 40 ? piece->size : 40),
                 piece->text, (int)(n < 40 ? n : 40), text);
    if (!piece->text) {
        GRT_TRY(grt_arena_copy_text(&v->arena, &piece->text, text, n, err));
        piece->size = (uint32_t)n;
    }
    piece->is_special |= is_special;
    return GRT_OK;
}

grt_status grt_vocabulary_add_merge(grt_vocabulary *v, const grt_piece_map *map,
                                    const char *left, size_t n_left, const char *right,
                                    size_t n_right, const char *path, grt_error *err)
{
    char joined[2 * GRT_MAX_PIECE_BYTES];
    if (n_left == 0 || n_right == 0 || n_left > GRT_MAX_PIECE_BYTES ||
        n_right > GRT_MAX_PIECE_BYTES)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: merge %zu is not two pieces", path,
                 v->n_merges);
    memcpy(joined, left, n_left);
    memcpy(joined + n_left, right, n_right);
    int32_t ids[3] = {grt_piece_map_get(map, left, n_left),
                      grt_piece_map_get(map, right, n_right),
                      grt_piece_map_get(map, joined, n_left + n_right)};
    if (ids[0] < 0 || ids[1] < 0 || ids[2] < 0)
        GRT_FAIL(err, GRT_E_FORMAT,
                 "%s: merge %zu (\"%.*s %.*s\") names a piece that is not in the "
                 "vocabulary",
                 path, v->n_merges, (int)(n_left < 40 ? n_left : 40), left,
                 (int)(n_right < 40 ? n_right : 40), right);
    v->merges[v->n_merges++] =
        (grt_merge){(uint32_t)ids[0], (uint32_t)ids[1], (uint32_t)ids[2]};
    return GRT_OK;
}

int32_t grt_vocabulary_find(const grt_vocabulary *v, const char *text, size_t n)
{
    for (size_t id = v->n_pieces; id-- > 0;)
        if (v->pieces[id].text && v->pieces[id].size == n &&
            memcmp(v->pieces[id].text, text, n) == 0)
            return (int32_t)id;
    return GRT_NO_TOKEN;
}

void grt_vocabulary_begin(grt_vocabulary *v, grt_tokenizer_kind kind)
{
    v->kind = kind;
    v->unk = v->cls = v->sep = v->pad = v->bos = v->eos = GRT_NO_TOKEN;
}

/* "<name>" or "[name]". */
static bool is_in_brackets(const char *text, size_t n)
{
    return n > 2 && ((text[0] == '<' && text[n - 1] == '>') ||
                     (text[0] == '[' && text[n - 1] == ']'));
}

/* The entry of a word, a new one unless it is there. */
static grt_status word_of(grt_vocabulary *v, int32_t id, grt_added_word **out,
                          grt_error *err)
{
    for (size_t i = 0; i < v->n_words; i++)
        if (v->words[i].id == id) {
            *out = &v->words[i];
            return GRT_OK;
        }
    GRT_TRY(grt_grow(&v->words, v->n_words, sizeof(*v->words), "added words", err));
    *out = &v->words[v->n_words++];
    **out = (grt_added_word){.id = id};
    return GRT_OK;
}

grt_status grt_vocabulary_add_token(grt_vocabulary *v, uint64_t id, const char *text,
                                    size_t n, grt_token_flags flags, const char *path,
                                    grt_error *err)
{
    bool is_text = !flags.is_special && !is_in_brackets(text, n);
    bool is_in_model = id < v->n_pieces && v->pieces[id].text;
    GRT_TRY(grt_vocabulary_set(v, id, text, n, !is_text, path, err));
    v->pieces[id].is_verbatim = !v->pieces[id].is_special;
    if (!v->pieces[id].is_verbatim) return GRT_OK;
    if (v->n_words >= GRT_MAX_WORDS)
        GRT_FAIL(err, GRT_E_TOO_LONG, "%s: more than %d added words", path,
                 (int)GRT_MAX_WORDS);
    grt_added_word *word;
    size_t n_before = v->n_words;
    GRT_TRY(word_of(v, (int32_t)id, &word, err));
    if (v->n_words > n_before) word->is_in_model = is_in_model;
    word->is_normalised = flags.is_normalised;
    word->is_single_word = flags.is_single_word;
    word->takes_left = flags.takes_left;
    word->takes_right = flags.takes_right;
    return GRT_OK;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether NFC, and lowering letters, leave a word alone whatever stands around it:
 * ASCII whose last character joins no mark. */
static bool is_stable(const grt_piece *piece, bool lowers)
{
    for (size_t i = 0; i < piece->size; i++)
        if ((unsigned char)piece->text[i] >= 128 ||
            (lowers && is_letter(piece->text[i])))
            return false;
    char last = piece->text[piece->size - 1];
    return !is_letter(last) && last != '<' && last != '=' && last != '>';
}

bool grt_vocabulary_has_plain_words(const grt_vocabulary *v, bool has_normaliser)
{
    for (size_t i = 0; i < v->n_words; i++) {
        const grt_added_word *word = &v->words[i];
        bool is_moved = word->is_normalised && has_normaliser &&
                        !(v->kind == GRT_TOKENIZER_BPE &&
                          is_stable(&v->pieces[word->id], v->lower_case));
        if (word->is_single_word || word->takes_left || word->takes_right || is_moved)
            return false;
    }
    return true;
}

void grt_vocabulary_hide_words(grt_vocabulary *v)
{
    for (size_t i = 0; i < v->n_words; i++)
        if (!v->words[i].is_in_model) v->pieces[v->words[i].id].is_special = true;
}

grt_status grt_vocabulary_set_scored(grt_vocabulary *v, uint64_t id, grt_text text,
                                     uint64_t type, double score, const char *path,
                                     grt_error *err)
{
    if (!isfinite(score) || fabs(score) > (double)FLT_MAX)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: the score of id %llu is not a finite number",
                 path, (unsigned long long)id);
    if (text.size == 0) return grt_vocabulary_reserve(v, (size_t)id + 1, path, err);
    bool is_named = is_in_brackets(text.data, text.size);
    bool is_special =
        type != GRT_PIECE_NORMAL && (type != GRT_PIECE_USER_DEFINED || is_named);
    GRT_TRY(grt_vocabulary_set(v, id, text.data, text.size, is_special, path, err));
    v->pieces[id].is_verbatim = type == GRT_PIECE_USER_DEFINED && !is_named;
    v->scores[id] = (float)score;
    return GRT_OK;
}

void grt_vocabulary_set_spaces(grt_vocabulary *v, bool has_first_mark, bool are_thinned)
{
    v->first_mark = has_first_mark ? GRT_FIRST_MARK_ALWAYS : GRT_FIRST_MARK_NONE;
    v->strip_left = v->strip_right = v->collapse_spaces = are_thinned;
}

void grt_vocabulary_finish_sentence(grt_vocabulary *v)
{
    const struct {
        int32_t *id;
        const char *names[2];
    } roles[] = {
        {&v->unk, {"<unk>", "[UNK]"}}, {&v->bos, {"<s>", "<bos>"}},
        {&v->eos, {"</s>", "<eos>"}},  {&v->pad, {"<pad>", "[PAD]"}},
        {&v->cls, {"<s>", "[CLS]"}},   {&v->sep, {"</s>", "[SEP]"}},
    };
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        for (size_t k = 0; k < 2 && *roles[i].id == GRT_NO_TOKEN; k++)
            *roles[i].id =
                grt_vocabulary_find(v, roles[i].names[k], strlen(roles[i].names[k]));
        if (*roles[i].id == GRT_NO_TOKEN) continue;
        v->pieces[*roles[i].id].is_special = true;
        v->pieces[*roles[i].id].is_verbatim = false;
    }
}

/* The last piece of each of n names that is in brackets, where ids[i] is not known. */
static void find_in_brackets(const grt_vocabulary *v, const char *const *names,
                             int32_t *const *ids, size_t n)
{
    for (size_t id = v->n_pieces; id-- > 0;) {
        const grt_piece *piece = &v->pieces[id];
        if (!piece->text || piece->size == 0 || piece->text[0] != '[') continue;
        for (size_t i = 0; i < n; i++)
            if (*ids[i] == GRT_NO_TOKEN && piece->size == strlen(names[i]) &&
                memcmp(piece->text, names[i], piece->size) == 0)
                *ids[i] = (int32_t)id;
    }
}

grt_status grt_vocabulary_finish_wordpiece(grt_vocabulary *v, bool is_lower_case,
                                           const char *path, grt_error *err)
{
    static const char *const names[] = {"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"};
    int32_t mask = GRT_NO_TOKEN;
    int32_t *const ids[] = {&v->unk, &v->cls, &v->sep, &v->pad, &mask};
    find_in_brackets(v, names, ids, 5);
    for (size_t i = 0; i < 5; i++)
        if (*ids[i] != GRT_NO_TOKEN) v->pieces[*ids[i]].is_special = true;
    if (v->unk == GRT_NO_TOKEN) GRT_FAIL(err, GRT_E_FORMAT, "%s: no piece [UNK]", path);
    v->clean_text = true;
    v->split_cjk = true;
    v->lower_case = is_lower_case;
    v->strip_accents = is_lower_case;
    v->max_word_chars = 100;
    return GRT_OK;
}
