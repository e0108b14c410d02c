/* tokenizer_json.c - Hugging Face's tokenizer.json to a vocabulary.
 *
 * Read: the model (WordPiece or byte-level BPE here, SentencePiece's in
 * tokenizer_json_sentence.c), the normaliser, the pre-tokeniser, the added tokens, of
 * which those that look like control tokens are out of reach of texts, the template of
 * pairs (tokenizer_json_pair.c), and of truncation the side. */
#include "formats/tokenizer_json.h"

#include "formats/keys.h"
#include "io/file.h"

#include <string.h>

const char *grt_json_text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

grt_status grt_json_read_vocab(grt_json_reader *r, json_t *vocab)
{
    if (!json_is_object(vocab))
        GRT_FAIL(r->err, GRT_E_FORMAT, "%s: model.vocab is not an object of pieces",
                 r->path);
    GRT_TRY(grt_vocabulary_reserve(r->v, json_object_size(vocab), r->path, r->err));
    grt_status status = GRT_OK;
    const char *key;
    json_t *value;
    json_object_foreach(vocab, key, value)
    {
        json_int_t id = json_is_integer(value) ? json_integer_value(value) : -1;
        if (id < 0)
            status = grt_error_set(
                r->err, GRT_E_FORMAT, -1,
                "%s: the id of piece \"%.40s\" is not a whole number", r->path, key);
        else
            status = grt_vocabulary_set(r->v, (uint64_t)id, key, strlen(key), false,
                                        r->path, r->err);
        if (status != GRT_OK) break;
    }
    return status;
}

/* "left right" or ["left", "right"]. */
static grt_status read_merge(grt_json_reader *r, const grt_piece_map *map,
                             const json_t *merge)
{
    const char *left, *right;
    size_t n_left, n_right;
    if (json_is_string(merge)) {
        left = json_string_value(merge);
        size_t n = json_string_length(merge);
        const char *space = n > 1 ? memchr(left + 1, ' ', n - 1) : NULL;
        n_left = space ? (size_t)(space - left) : n;
        right = space ? space + 1 : left;
        n_right = space ? n - n_left - 1 : 0;
    } else {
        const json_t *first = json_array_get(merge, 0),
                     *second = json_array_get(merge, 1);
        left = json_string_value(first);
        right = json_string_value(second);
        n_left = json_string_length(first);
        n_right = json_string_length(second);
    }
    return grt_vocabulary_add_merge(r->v, map, left, n_left, right, n_right, r->path,
                                    r->err);
}

grt_status grt_json_read_merges(grt_json_reader *r, const json_t *merges)
{
    if (!json_is_array(merges))
        GRT_FAIL(r->err, GRT_E_FORMAT, "%s: model.merges is not a list", r->path);
    size_t n = json_array_size(merges);
    GRT_TRY(grt_arena_alloc(&r->v->arena, &r->v->merges, n, sizeof(grt_merge), r->err));
    grt_piece_map map = {0};
    GRT_TRY(grt_piece_map_init(&map, r->v, false, r->err));
    grt_status status = GRT_OK;
    for (size_t i = 0; i < n && status == GRT_OK; i++)
        status = read_merge(r, &map, json_array_get(merges, i));
    grt_piece_map_release(&map);
    return status;
}

grt_token_flags grt_json_token_flags(const json_t *token)
{
    bool is_special = json_is_true(json_object_get(token, "special"));
    const json_t *normalised = json_object_get(token, "normalized");
    return (grt_token_flags){
        .is_special = is_special,
        .is_normalised = normalised ? json_is_true(normalised) : !is_special,
        .is_single_word = json_is_true(json_object_get(token, "single_word")),
        .takes_left = json_is_true(json_object_get(token, "lstrip")),
        .takes_right = json_is_true(json_object_get(token, "rstrip"))};
}

/* The id of an added token.  A piece of the vocabulary keeps the id that it has there,
 * whatever the list says: so does Hugging Face's library. */
static grt_status added_id(grt_json_reader *r, const json_t *token, uint64_t *out)
{
    const json_t *id = json_object_get(token, "id");
    const char *text = json_string_value(json_object_get(token, "content"));
    size_t n = json_string_length(json_object_get(token, "content"));
    *out = (uint64_t)json_integer_value(id);
    bool is_same = *out < r->v->n_pieces && r->v->pieces[*out].text &&
                   r->v->pieces[*out].size == n &&
                   memcmp(r->v->pieces[*out].text, text, n) == 0;
    bool is_free = *out >= r->v->n_pieces || !r->v->pieces[*out].text;
    if (is_same || is_free) return GRT_OK; /* a scan only where they disagree */
    int32_t known = grt_vocabulary_find(r->v, text, n);
    if (known == GRT_NO_TOKEN) return GRT_OK;
    uint64_t said = *out;
    *out = (uint64_t)known;
    return grt_notes_add(&r->v->notes, GRT_NOTE_RESULT, r->err,
                         "%s: the added token \"%.40s\" is said to have the id %llu, "
                         "but has %llu in the vocabulary, which counts",
                         grt_path_tail(r->path), text, (unsigned long long)said,
                         (unsigned long long)*out);
}

static bool are_flags(const json_t *token)
{
    static const char *const keys[] = {"special", "normalized", "single_word", "lstrip",
                                       "rstrip"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const json_t *value = json_object_get(token, keys[i]);
        if (value && !json_is_boolean(value)) return false;
    }
    return true;
}

grt_status grt_json_read_added_tokens(grt_json_reader *r, const json_t *tokens)
{
    for (size_t i = 0; i < json_array_size(tokens); i++) {
        const json_t *token = json_array_get(tokens, i);
        const json_t *id = json_object_get(token, "id");
        const json_t *content = json_object_get(token, "content");
        if (!json_is_integer(id) || json_integer_value(id) < 0 ||
            !json_is_string(content))
            GRT_FAIL(r->err, GRT_E_FORMAT, "%s: added token %zu has no id or content",
                     r->path, i);
        if (!are_flags(token))
            GRT_FAIL(r->err, GRT_E_FORMAT,
                     "%s: added token %zu has a flag that is neither true nor false",
                     r->path, i);
        uint64_t found;
        GRT_TRY(added_id(r, token, &found));
        GRT_TRY(grt_vocabulary_add_token(r->v, found, json_string_value(content),
                                         json_string_length(content),
                                         grt_json_token_flags(token), r->path, r->err));
    }
    return GRT_OK;
}

grt_status grt_json_unsupported(const grt_json_reader *r, const char *part,
                                const char *type)
{
    GRT_FAIL(r->err, GRT_E_UNSUPPORTED, "%s: %s of type \"%.60s\" is not supported",
             r->path, part, type);
}

/* NFC, Lowercase, or both in this order. */
static grt_status read_bpe_step(grt_json_reader *r, const json_t *step)
{
    const char *type = grt_json_text_of(step, "type");
    bool is_nfc = strcmp(type, "NFC") == 0;
    if (!is_nfc && strcmp(type, "Lowercase") != 0)
        return grt_json_unsupported(r, "a normalizer", type);
    if (is_nfc && r->v->lower_case)
        GRT_FAIL(r->err, GRT_E_UNSUPPORTED, "%s: NFC after Lowercase is not supported",
                 r->path);
    r->v->use_nfc |= is_nfc;
    r->v->lower_case |= !is_nfc;
    return GRT_OK;
}

static grt_status read_bpe_normaliser(grt_json_reader *r, const json_t *normaliser)
{
    if (!normaliser || json_is_null(normaliser)) return GRT_OK;
    if (strcmp(grt_json_text_of(normaliser, "type"), "Sequence") != 0)
        return read_bpe_step(r, normaliser);
    const json_t *list = json_object_get(normaliser, "normalizers");
    if (json_array_size(list) > 8)
        return grt_json_unsupported(r, "a normalizer", "Sequence");
    for (size_t i = 0; i < json_array_size(list); i++)
        GRT_TRY(read_bpe_step(r, json_array_get(list, i)));
    return GRT_OK;
}

/* Split by an expression, or ByteLevel with GPT-2's own. */
static grt_status read_splitter(grt_json_reader *r, const json_t *splitter)
{
    const char *type = grt_json_text_of(splitter, "type");
    if (strcmp(type, "ByteLevel") == 0) {
        r->v->add_prefix_space |=
            json_is_true(json_object_get(splitter, "add_prefix_space"));
        const json_t *use_regex = json_object_get(splitter, "use_regex");
        if ((!use_regex || json_is_true(use_regex)) && !r->v->split_pattern)
            r->v->split_pattern = grt_pattern_gpt2;
        return GRT_OK;
    }
    const json_t *pattern =
        json_object_get(json_object_get(splitter, "pattern"), "Regex");
    const char *behavior = grt_json_text_of(splitter, "behavior");
    if (strcmp(type, "Split") != 0 || !json_is_string(pattern) || r->v->split_pattern ||
        strcmp(behavior, "Isolated") != 0 ||
        json_is_true(json_object_get(splitter, "invert")))
        return grt_json_unsupported(r, "a pre_tokenizer", type);
    return grt_arena_copy_text(&r->v->arena, &r->v->split_pattern,
                               json_string_value(pattern), json_string_length(pattern),
                               r->err);
}

static grt_status read_splitters(grt_json_reader *r, const json_t *splitter)
{
    if (strcmp(grt_json_text_of(splitter, "type"), "Sequence") != 0)
        return read_splitter(r, splitter);
    const json_t *list = json_object_get(splitter, "pretokenizers");
    for (size_t i = 0; i < json_array_size(list); i++)
        GRT_TRY(read_splitter(r, json_array_get(list, i)));
    return GRT_OK;
}

static bool has_normaliser(const json_t *root)
{
    const json_t *normaliser = json_object_get(root, "normalizer");
    const json_t *list = json_object_get(normaliser, "normalizers");
    return json_is_object(normaliser) && !(list && json_array_size(list) == 0);
}

/* As switches where they do, else as steps. */
static grt_status read_bpe_parts(grt_json_reader *r, const json_t *root)
{
    grt_error ignored;
    grt_json_reader fast = {r->v, r->path, &ignored};
    grt_status status = read_bpe_normaliser(&fast, json_object_get(root, "normalizer"));
    if (status == GRT_OK)
        status = read_splitters(&fast, json_object_get(root, "pre_tokenizer"));
    bool are_plain = grt_vocabulary_has_plain_words(r->v, has_normaliser(root));
    if (status == GRT_OK && are_plain) return GRT_OK;
    if (status != GRT_OK && status != GRT_E_UNSUPPORTED) {
        if (r->err) *r->err = ignored;
        return status;
    }
    r->v->use_nfc = r->v->lower_case = r->v->add_prefix_space = false;
    r->v->split_pattern = NULL;
    GRT_TRY(grt_json_read_steps(r, root));
    grt_vocabulary_hide_words(r->v);
    return GRT_OK;
}

/* What marks pieces inside and at the end of words, which no byte-level model has. */
static grt_status refuse_affixes(const grt_json_reader *r, const json_t *model)
{
    static const char *const affixes[] = {"continuing_subword_prefix",
                                          "end_of_word_suffix"};
    for (size_t i = 0; i < 2; i++)
        if (*grt_json_text_of(model, affixes[i]))
            return grt_json_unsupported(r, "a BPE model", affixes[i]);
    return GRT_OK;
}

static grt_status read_bpe(grt_json_reader *r, const json_t *root, const json_t *model)
{
    GRT_TRY(refuse_affixes(r, model));
    grt_vocabulary_begin(r->v, GRT_TOKENIZER_BPE);
    r->v->whole_words_first = json_is_true(json_object_get(model, "ignore_merges"));
    GRT_TRY(grt_json_read_vocab(r, json_object_get(model, "vocab")));
    GRT_TRY(grt_json_read_merges(r, json_object_get(model, "merges")));
    GRT_TRY(grt_json_read_added_tokens(r, json_object_get(root, "added_tokens")));
    return read_bpe_parts(r, root);
}

/* unk_token of the model, where it is a piece. */
static void find_unknown(grt_vocabulary *v, const json_t *model)
{
    const char *name = grt_json_text_of(model, "unk_token");
    if (*name) v->unk = grt_vocabulary_find(v, name, strlen(name));
}

static bool is_type(const json_t *part, const char *type)
{
    return strcmp(grt_json_text_of(part, "type"), type) == 0;
}

/* BERT's normaliser and words are switches, anything else is steps. */
static grt_status read_wordpiece_parts(grt_json_reader *r, const json_t *root)
{
    const json_t *normaliser = json_object_get(root, "normalizer");
    if (!is_type(normaliser, "BertNormalizer") ||
        !is_type(json_object_get(root, "pre_tokenizer"), "BertPreTokenizer"))
        return grt_json_read_steps(r, root);
    const json_t *strip = json_object_get(normaliser, "strip_accents");
    if (json_is_boolean(strip)) r->v->strip_accents = json_is_true(strip);
    r->v->clean_text = json_is_true(json_object_get(normaliser, "clean_text"));
    r->v->split_cjk = json_is_true(json_object_get(normaliser, "handle_chinese_chars"));
    return GRT_OK;
}

static grt_status read_wordpiece(grt_json_reader *r, const json_t *root,
                                 const json_t *model)
{
    const char *prefix = grt_json_text_of(model, "continuing_subword_prefix");
    if (strcmp(prefix, "##") != 0)
        return grt_json_unsupported(r, "a WordPiece model with the prefix", prefix);
    grt_vocabulary_begin(r->v, GRT_TOKENIZER_WORDPIECE);
    GRT_TRY(grt_json_read_vocab(r, json_object_get(model, "vocab")));
    find_unknown(r->v, model);
    GRT_TRY(grt_json_read_added_tokens(r, json_object_get(root, "added_tokens")));
    const json_t *normaliser = json_object_get(root, "normalizer");
    bool is_lower = json_is_true(json_object_get(normaliser, "lowercase"));
    GRT_TRY(grt_vocabulary_finish_wordpiece(r->v, is_lower, r->path, r->err));
    GRT_TRY(read_wordpiece_parts(r, root));
    grt_vocabulary_hide_words(r->v);
    const json_t *longest = json_object_get(model, "max_input_chars_per_word");
    if (json_is_integer(longest) && json_integer_value(longest) > 0)
        r->v->max_word_chars = (size_t)json_integer_value(longest);
    return GRT_OK;
}

/* What is said of pairs: the side that is cut, and the template. */
static grt_status read_pairs(grt_json_reader *r, const json_t *root)
{
    const json_t *cut = json_object_get(root, "truncation");
    r->v->cuts_left = strcmp(grt_json_text_of(cut, "direction"), "Left") == 0;
    GRT_TRY(grt_json_read_pair(r, root));
    bool is_encoder =
        r->v->kind == GRT_TOKENIZER_WORDPIECE || r->v->kind == GRT_TOKENIZER_UNIGRAM;
    if (r->v->n_pair || !is_encoder) return GRT_OK;
    return grt_notes_add(&r->v->notes, GRT_NOTE_RESULT, r->err,
                         "%s: has no post_processor that puts control tokens into "
                         "pairs; those of the model's family are put there",
                         grt_path_tail(r->path));
}

/* Files of tokenizers before 0.9 do not say it; their members tell. */
static const char *model_type(const json_t *model)
{
    const char *type = grt_json_text_of(model, "type");
    if (*type) return type;
    if (json_is_array(json_object_get(model, "merges"))) return "BPE";
    if (json_is_array(json_object_get(model, "vocab"))) return "Unigram";
    return json_object_get(model, "continuing_subword_prefix") ? "WordPiece" : type;
}

grt_status grt_vocabulary_read_tokenizer_json(grt_vocabulary *out, const char *json,
                                              size_t n, const char *path,
                                              grt_error *err)
{
    json_t *root;
    GRT_TRY(grt_json_lenient(&root, json, n, path, &out->notes, err));
    grt_json_reader r = {out, path, err};
    const json_t *model = json_object_get(root, "model");
    const char *type = model_type(model);
    grt_status status = grt_keys_check_tokenizer(root, path, &out->notes, err);
    if (status != GRT_OK)
        ; /* a key that would change results */
    else if (strcmp(type, "WordPiece") == 0)
        status = read_wordpiece(&r, root, model);
    else if (strcmp(type, "Unigram") == 0)
        status = grt_json_read_unigram(&r, root, model);
    else if (strcmp(type, "BPE") == 0 && grt_json_is_sentence_bpe(root, model))
        status = grt_json_read_sentence_bpe(&r, root, model);
    else if (strcmp(type, "BPE") == 0)
        status = read_bpe(&r, root, model);
    else
        status = grt_error_set(err, GRT_E_UNSUPPORTED, -1,
                               "%s: a tokenizer of type \"%.60s\" is not known; known: "
                               "WordPiece, BPE, Unigram",
                               path, type);
    if (status == GRT_OK) status = read_pairs(&r, root);
    json_decref(root);
    return status;
}
