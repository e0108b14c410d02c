/* test_hf.c - ids that Hugging Face's own library gives, for tokenizer.json files with
 * the normalisers, pre-tokenisers and added words of rerankers
 * (tools/golden/make_hf_tokenizers.py). */
#include "test.h"

#include "base/memory.h"
#include "formats/checkpoint.h"
#include "formats/tokenizer_files.h"
#include "tokenizer/tokenizer.h"

#include <jansson.h>

#define DATA GRT_TEST_DATA "/tokenizers/hf/"

typedef struct opened {
    grt_vocabulary vocabulary;
    grt_tokenizer *tokenizer;
} opened;

static void open_json(opened *out, const char *path)
{
    grt_error err;
    char *text;
    size_t n;
    *out = (opened){0};
    assert_ok(grt_file_load(&text, &n, path, 1 << 26, &err), &err);
    assert_ok(grt_vocabulary_read_tokenizer_json(&out->vocabulary, text, n, path, &err),
              &err);
    grt_free(text);
    assert_ok(grt_tokenizer_create(&out->tokenizer, &out->vocabulary, &err), &err);
}

static void open_gguf(opened *out, const char *path)
{
    grt_error err;
    grt_catalogue catalogue = {0};
    grt_metadata metadata = {0};
    grt_file *file = NULL;
    *out = (opened){0};
    assert_ok(grt_file_open(&file, path, &err), &err);
    assert_ok(grt_gguf_read(&catalogue, &metadata, file, &err), &err);
    assert_ok(grt_vocabulary_read_gguf(&out->vocabulary, &metadata, &err), &err);
    grt_metadata_release(&metadata);
    grt_catalogue_release(&catalogue);
    assert_ok(grt_tokenizer_create(&out->tokenizer, &out->vocabulary, &err), &err);
}

static void close_file(opened *o)
{
    grt_tokenizer_free(o->tokenizer);
    grt_vocabulary_release(&o->vocabulary);
}

static int differs(const grt_ids *ids, const json_t *wanted)
{
    if (ids->n != json_array_size(wanted)) return 1;
    for (size_t i = 0; i < ids->n; i++)
        if (ids->ids[i] != json_integer_value(json_array_get(wanted, i))) return 1;
    return 0;
}

static void print_both(const char *name, const char *text, const grt_ids *ids,
                       const json_t *wanted)
{
    printf("%s: \"%s\"\n  gives ", name, text);
    for (size_t i = 0; i < ids->n; i++)
        printf(" %d", (int)ids->ids[i]);
    printf("\n  wanted");
    for (size_t i = 0; i < json_array_size(wanted); i++)
        printf(" %d", (int)json_integer_value(json_array_get(wanted, i)));
    printf("\n");
}

static int count_different(const opened *o, const char *name, const json_t *texts,
                           const json_t *ids_of_texts)
{
    int n_different = 0;
    grt_error err;
    assert_int_equal(json_array_size(texts), json_array_size(ids_of_texts));
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const json_t *text = json_array_get(texts, i);
        const json_t *wanted = json_array_get(ids_of_texts, i);
        grt_ids ids = {0};
        if (json_is_null(wanted)) continue;
        assert_ok(grt_tokenizer_encode(o->tokenizer, json_string_value(text),
                                       json_string_length(text), &ids, &err),
                  &err);
        if (differs(&ids, wanted)) {
            n_different++;
            print_both(name, json_string_value(text), &ids, wanted);
        }
        grt_ids_release(&ids);
    }
    return n_different;
}

static json_t *load_ids(void)
{
    json_t *root = json_load_file(DATA "ids.json", JSON_ALLOW_NUL, NULL);
    assert_non_null(root);
    assert_true(json_array_size(json_object_get(root, "texts")) > 50);
    return root;
}

static int count_of_file(const json_t *root, const char *name)
{
    char path[512];
    opened o;
    (void)snprintf(path, sizeof(path), DATA "%s.json", name);
    open_json(&o, path);
    int n = count_different(&o, name, json_object_get(root, "texts"),
                            json_object_get(json_object_get(root, "ids"), name));
    close_file(&o);
    return n;
}

static void test_every_file(void **state)
{
    (void)state;
    json_t *root = load_ids();
    const char *name;
    json_t *ids;
    int n_files = 0, n_different = 0;
    json_object_foreach(json_object_get(root, "ids"), name, ids)
    {
        n_different += count_of_file(root, name);
        n_files++;
    }
    json_decref(root);
    assert_true(n_files >= 18);
    assert_int_equal(n_different, 0);
}

static void test_llama3_as_gguf(void **state)
{
    (void)state;
    json_t *root = load_ids();
    opened o;
    open_gguf(&o, DATA "bpe-llama3.gguf");
    assert_int_equal(o.vocabulary.notes.n, 0);
    assert_int_equal(
        count_different(&o, "gguf", json_object_get(root, "texts"),
                        json_object_get(json_object_get(root, "ids"), "bpe-llama3")),
        0);
    close_file(&o);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_llama3_as_gguf),
        cmocka_unit_test(test_every_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
