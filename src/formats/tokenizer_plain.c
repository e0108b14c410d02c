/* tokenizer_plain.c - vocab.txt, vocab.json, merges.txt and added_tokens.json to a
 * vocabulary. */
#include "formats/tokenizer_build.h"

#include "formats/json.h"

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
    grt_vocabulary_begin(out, GRT_TOKENIZER_WORDPIECE);
    GRT_TRY(grt_vocabulary_reserve(out, count_lines(text, n), path, err));
    size_t at = 0, n_line;
    const char *line;
    for (uint64_t id = 0; next_line(text, n, &at, &line, &n_line); id++)
        if (n_line > 0) /* an empty line is an id without a piece */
            GRT_TRY(grt_vocabulary_set(out, id, line, n_line, false, path, err));
    return grt_vocabulary_finish_wordpiece(out, true, path, err);
}

/* Pieces of {"text": id, ...}. */
static grt_status read_ids(grt_vocabulary *out, json_t *root, bool are_added,
                           const char *path, grt_error *err)
{
    const grt_token_flags flags = {.is_normalised = true};
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
                ? grt_vocabulary_add_token(out, id, key, strlen(key), flags, path, err)
                : grt_vocabulary_set(out, id, key, strlen(key), false, path, err));
    }
    return GRT_OK;
}

grt_status grt_vocabulary_read_vocab_json(grt_vocabulary *out, const char *text,
                                          size_t n, const char *path, grt_error *err)
{
    json_t *root;
    GRT_TRY(grt_json_lenient(&root, text, n, path, &out->notes, err));
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
    GRT_TRY(grt_json_lenient(&root, text, n, path, &out->notes, err));
    grt_status status = read_ids(out, root, true, path, err);
    json_decref(root);
    return status;
}
