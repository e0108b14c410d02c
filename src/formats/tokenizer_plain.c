/* tokenizer_plain.c - vocab.txt, vocab.json, merges.txt, added_tokens.json and
 * tokenizer_config.json to a vocabulary. */
#include "formats/tokenizer_build.h"

#include "formats/json.h"

#include <stdlib.h>
#include <string.h>

/* The next line of text[n] from *at, without its end ("\n" or "\r\n"); false at the
 * end. */
static bool next_line(const char *text, size_t n, size_t *at, const char **line,
                      size_t *n_line)
{
    if (*at >= n) return false;
    const char *end = memchr(text + *at, '\n', n - *at);
    *line = text + *at;
    *n_line = end ? (size_t)(end - *line) : n - *at;
    *at += *n_line + 1;
    if (*n_line && (*line)[*n_line - 1] == '\r') (*n_line)--;
    return true;
}

static size_t count_lines(const char *text, size_t n)
{
    size_t count = 0, at = 0, n_line;
    const char *line;
    while (next_line(text, n, &at, &line, &n_line))
        count++;
    return count;
}

grt_status grt_vocabulary_read_vocab_txt(grt_vocabulary *out, const char *text,
                                         size_t n, const char *path, grt_error *err)
{
    GRT_TRY(grt_vocabulary_reserve(out, count_lines(text, n), path, err));
    size_t at = 0, n_line;
    const char *line;
    for (uint64_t id = 0; next_line(text, n, &at, &line, &n_line); id++)
        GRT_TRY(grt_vocabulary_set(out, id, line, n_line, false, path, err));
    return grt_vocabulary_finish_wordpiece(out, true, path, err);
}

/* Pieces of {"text": id, ...}. */
static grt_status read_ids(grt_vocabulary *out, json_t *root, bool are_added,
                           const char *path, grt_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value)
    {
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            GRT_FAIL(err, GRT_E_FORMAT,
                     "%s: the id of piece \"%.40s\" is not a whole number", path, key);
        uint64_t id = (uint64_t)json_integer_value(value);
        GRT_TRY(
            are_added
                ? grt_vocabulary_add_token(out, id, key, strlen(key), false, path, err)
                : grt_vocabulary_set(out, id, key, strlen(key), false, path, err));
    }
    return GRT_OK;
}

grt_status grt_vocabulary_read_vocab_json(grt_vocabulary *out, const char *text,
                                          size_t n, const char *path, grt_error *err)
{
    json_t *root;
    GRT_TRY(grt_json_object(&root, text, n, path, 0, err));
    grt_vocabulary_begin(out, GRT_TOKENIZER_BPE);
    out->split_pattern = grt_pattern_gpt2;
    grt_status status = grt_vocabulary_reserve(out, json_object_size(root), path, err);
    if (status == GRT_OK) status = read_ids(out, root, false, path, err);
    json_decref(root);
    return status;
}

grt_status grt_vocabulary_read_merges(grt_vocabulary *out, const char *text, size_t n,
                                      const char *path, grt_error *err)
{
    GRT_TRY(grt_arena_alloc(&out->arena, &out->merges, count_lines(text, n),
                            sizeof(grt_merge), err));
    grt_piece_map map = {0};
    GRT_TRY(grt_piece_map_init(&map, out, false, err));
    grt_status status = GRT_OK;
    size_t at = 0, n_line;
    const char *line;
    bool is_first = true;
    while (status == GRT_OK && next_line(text, n, &at, &line, &n_line)) {
        bool is_comment = is_first && n_line >= 8 && memcmp(line, "#version", 8) == 0;
        is_first = false;
        if (is_comment || n_line == 0) continue;
        const char *space = memchr(line, ' ', n_line);
        size_t n_left = space ? (size_t)(space - line) : n_line;
        status =
            grt_vocabulary_add_merge(out, &map, line, n_left, space ? space + 1 : line,
                                     space ? n_line - n_left - 1 : 0, path, err);
    }
    grt_piece_map_release(&map);
    return status;
}

grt_status grt_vocabulary_read_added(grt_vocabulary *out, const char *text, size_t n,
                                     const char *path, grt_error *err)
{
    json_t *root;
    GRT_TRY(grt_json_object(&root, text, n, path, 0, err));
    grt_status status = read_ids(out, root, true, path, err);
    json_decref(root);
    return status;
}

/* {"151643": {"content": "<|endoftext|>", ...}, ...} */
static grt_status read_decoder(grt_vocabulary *out, json_t *decoder, const char *path,
                               grt_error *err)
{
    const char *key;
    json_t *token;
    json_object_foreach(decoder, key, token)
    {
        char *end;
        unsigned long long id = strtoull(key, &end, 10);
        const json_t *content = json_object_get(token, "content");
        if (*end || end == key || !json_is_string(content))
            GRT_FAIL(err, GRT_E_FORMAT,
                     "%s: added_tokens_decoder has an entry \"%.40s\" without id and "
                     "content",
                     path, key);
        GRT_TRY(grt_vocabulary_add_token(
            out, id, json_string_value(content), json_string_length(content),
            json_is_true(json_object_get(token, "special")), path, err));
    }
    return GRT_OK;
}

static void apply_config(grt_vocabulary *out, const json_t *root)
{
    const json_t *lower = json_object_get(root, "do_lower_case");
    const json_t *strip = json_object_get(root, "strip_accents");
    const json_t *cjk = json_object_get(root, "tokenize_chinese_chars");
    const char *class = json_string_value(json_object_get(root, "tokenizer_class"));
    if (out->kind == GRT_TOKENIZER_BPE) {
        if (class && strncmp(class, "Qwen2Tokenizer", 14) == 0) {
            out->split_pattern = grt_pattern_qwen2;
            out->use_nfc = true;
        }
        out->add_prefix_space = json_is_true(json_object_get(root, "add_prefix_space"));
        return;
    }
    if (out->kind != GRT_TOKENIZER_WORDPIECE) return;
    if (json_is_boolean(lower)) {
        out->lower_case = json_is_true(lower);
        out->strip_accents = out->lower_case;
    }
    if (json_is_boolean(strip)) out->strip_accents = json_is_true(strip);
    if (json_is_boolean(cjk)) out->split_cjk = json_is_true(cjk);
}

/* "bos_token": "<s>", or {"content": "<s>", ...}; what the vocabulary lacks is no role.
 */
static void apply_roles(grt_vocabulary *out, const json_t *root)
{
    const struct {
        const char *key;
        int32_t *id;
    } roles[] = {{"unk_token", &out->unk}, {"bos_token", &out->bos},
                 {"eos_token", &out->eos}, {"cls_token", &out->cls},
                 {"sep_token", &out->sep}, {"pad_token", &out->pad}};
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        const json_t *token = json_object_get(root, roles[i].key);
        if (json_is_object(token)) token = json_object_get(token, "content");
        if (!json_is_string(token)) continue;
        int32_t id = grt_vocabulary_find(out, json_string_value(token),
                                         json_string_length(token));
        if (id != GRT_NO_TOKEN) *roles[i].id = id;
    }
}

grt_status grt_vocabulary_read_roles(grt_vocabulary *out, const char *text, size_t n,
                                     const char *path, grt_error *err)
{
    json_t *root;
    GRT_TRY(grt_json_object_of_reals(&root, text, n, path, err));
    apply_roles(out, root);
    json_decref(root);
    return GRT_OK;
}

grt_status grt_vocabulary_read_config(grt_vocabulary *out, const char *text, size_t n,
                                      const char *path, grt_error *err)
{
    json_t *root;
    GRT_TRY(grt_json_object_of_reals(&root, text, n, path, err));
    apply_config(out, root);
    grt_status status =
        read_decoder(out, json_object_get(root, "added_tokens_decoder"), path, err);
    apply_roles(out, root);
    json_decref(root);
    return status;
}
