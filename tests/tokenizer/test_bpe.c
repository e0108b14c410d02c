/* test_bpe.c - merges in order of rank, long words in reasonable time, bytes that come
 * back.
 */
#include "test.h"

#include "base/memory.h"
#include "formats/tokenizer_files.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/utf8.h"

#include <jansson.h>

static grt_vocabulary vocabulary;
static grt_tokenizer *tokenizer;

static int open_tokenizer(void **state)
{
    (void)state;
    return grt_vocabulary_open_directory(
               &vocabulary, GRT_TEST_DATA "/golden/qwen3-f32-tied", NULL) != GRT_OK ||
           grt_tokenizer_create(&tokenizer, &vocabulary, NULL) != GRT_OK;
}

static int close_tokenizer(void **state)
{
    (void)state;
    grt_tokenizer_free(tokenizer);
    grt_vocabulary_release(&vocabulary);
    return grt_memory_now() != 0;
}

/* The byte that a character of GPT-2's alphabet stands for. */
static unsigned char byte_of(uint32_t c)
{
    uint32_t next = 256;
    for (uint32_t byte = 0; byte < 256; byte++) {
        int is_printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
        if ((is_printable ? byte : next++) == c) return (unsigned char)byte;
    }
    fail_msg("U+%04X is not in the alphabet", (unsigned)c);
    return 0;
}

static void test_pieces_give_back_the_bytes(void **state)
{
    (void)state;
    static const char *const texts[] = {"yes",
                                        "no, not yes",
                                        "The owl's nest\r\n\r\n  2023 \t!?...",
                                        "caf\xc3\xa9",
                                        "\xe4\xb8\xad\xe6\x96\x87 \xf0\x9f\xa6\x89",
                                        "<|im_end|><think>",
                                        "trailing   "};
    for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
        grt_ids ids = {0};
        char back[256];
        size_t n = 0;
        assert_int_equal(
            grt_tokenizer_encode(tokenizer, texts[t], strlen(texts[t]), &ids, NULL),
            GRT_OK);
        for (size_t i = 0; i < ids.n; i++) {
            const grt_piece *piece = &vocabulary.pieces[ids.ids[i]];
            assert_false(piece->is_special);
            for (size_t at = 0, length; at < piece->size; at += length)
                back[n++] = (char)byte_of(
                    grt_utf8_decode(piece->text + at, piece->size - at, &length));
        }
        assert_int_equal(n, strlen(texts[t]));
        assert_memory_equal(back, texts[t], n);
        grt_ids_release(&ids);
    }
}

static void test_invalid_bytes_are_one_replacement_each(void **state)
{
    (void)state;
    static const struct {
        const char *invalid, *same_as;
    } cases[] = {
        {"a\xff"
         "b",
         "a\xef\xbf\xbd"
         "b"},
        {"\xe2\x82", "\xef\xbf\xbd"},
        {"\xe2\x82\xe2\x82\xac", "\xef\xbf\xbd\xe2\x82\xac"},
        {"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf5\x80", "\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        grt_ids a = {0}, b = {0};
        const char *x = cases[i].invalid, *y = cases[i].same_as;
        assert_int_equal(grt_tokenizer_encode(tokenizer, x, strlen(x), &a, NULL),
                         GRT_OK);
        assert_int_equal(grt_tokenizer_encode(tokenizer, y, strlen(y), &b, NULL),
                         GRT_OK);
        assert_int_equal(a.n, b.n);
        assert_memory_equal(a.ids, b.ids, a.n * sizeof(int32_t));
        grt_ids_release(&a);
        grt_ids_release(&b);
    }
}

static void test_composed_and_decomposed_text_are_equal(void **state)
{
    (void)state;
    grt_ids a = {0}, b = {0};
    assert_int_equal(grt_tokenizer_encode(tokenizer, "caf\xc3\xa9", 5, &a, NULL),
                     GRT_OK);
    assert_int_equal(grt_tokenizer_encode(tokenizer, "cafe\xcc\x81", 6, &b, NULL),
                     GRT_OK);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.ids, b.ids, a.n * sizeof(int32_t));
    grt_ids_release(&a);
    grt_ids_release(&b);
}

/* ModernBERT has runs of spaces as added tokens; they are taken before any merge, the
 * longest first.  What is called special, or is a name, is out of reach. */
static void test_added_runs_of_spaces_are_text(void **state)
{
    (void)state;
    grt_error err;
    json_t *root =
        json_load_file(GRT_TEST_DATA "/golden/qwen3-f32-tied/tokenizer.json", 0, NULL);
    assert_non_null(root);
    json_t *added = json_object_get(root, "added_tokens");
    static const struct {
        int id;
        const char *text;
        int is_special;
    } tokens[] = {{5000, "  ", 0}, {5001, "   ", 0}, {5002, "\n", 1}, {5003, "<~>", 0}};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(
            json_array_append_new(added, json_pack("{s:i,s:s,s:b}", "id", tokens[i].id,
                                                   "content", tokens[i].text, "special",
                                                   tokens[i].is_special)),
            0);
    char *json = json_dumps(root, 0);
    grt_vocabulary v = {0};
    grt_tokenizer *t = NULL;
    assert_ok(grt_vocabulary_read_tokenizer_json(&v, json, strlen(json), "json", &err),
              &err);
    assert_ok(grt_tokenizer_create(&t, &v, &err), &err);
    grt_ids ids = {0};
    assert_ok(grt_tokenizer_encode(t, "a     b\n<~> c", 13, &ids, &err), &err);
    int n_two = 0, n_three = 0;
    for (size_t i = 0; i < ids.n; i++) {
        n_three += ids.ids[i] == 5001;
        n_two += ids.ids[i] == 5000;
        assert_true(ids.ids[i] < 5002);
    }
    assert_int_equal(ids.ids[1], 5001);
    assert_int_equal(ids.ids[2], 5000);
    assert_true(n_two == 1 && n_three == 1);
    grt_ids_release(&ids);
    grt_tokenizer_free(t);
    grt_vocabulary_release(&v);
    free(json);
    json_decref(root);
}

/* The tokenizer of the golden case with another normaliser. */
static grt_status read_with_normaliser(grt_vocabulary *v, const char *normaliser,
                                       grt_error *err)
{
    json_t *root =
        json_load_file(GRT_TEST_DATA "/golden/qwen3-f32-tied/tokenizer.json", 0, NULL);
    assert_non_null(root);
    assert_int_equal(
        json_object_set_new(root, "normalizer", json_loads(normaliser, 0, NULL)), 0);
    assert_int_equal(json_array_append_new(json_object_get(root, "added_tokens"),
                                           json_pack("{s:i,s:s,s:b}", "id", 5000,
                                                     "content", "   ", "special", 0)),
                     0);
    char *json = json_dumps(root, 0);
    grt_status status =
        grt_vocabulary_read_tokenizer_json(v, json, strlen(json), "json", err);
    free(json);
    json_decref(root);
    return status;
}

static void test_a_normaliser_that_lowers(void **state)
{
    (void)state;
    static const char *const normalisers[] = {
        "{\"type\": \"Lowercase\"}",
        "{\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFC\"},"
        "{\"type\": \"Lowercase\"}]}"};
    static const struct {
        const char *text, *lower;
    } cases[] = {
        {"The OWL's Nest Z[@`{", "the owl's nest z[@`{"},
        {"\xc3\x89T\xc3\x89 \xd0\x96", "\xc3\xa9t\xc3\xa9 \xd0\xb6"}, /* ETE, Zhe */
        {"\xce\xa3\xce\xa3", "\xcf\x83\xcf\x83"}, /* a final sigma like others */
        {"\xc4\xb0x", "i\xcc\x87x"},              /* I with dot, two characters */
        {"A\xff Z", "a\xef\xbf\xbd z"},
        {"<|IM_END|>", "<|im_end|>"}, /* stays text */
    };
    for (size_t n = 0; n < 2; n++) {
        grt_error err;
        grt_vocabulary v = {0};
        grt_tokenizer *t = NULL;
        assert_ok(read_with_normaliser(&v, normalisers[n], &err), &err);
        assert_ok(grt_tokenizer_create(&t, &v, &err), &err);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            grt_ids found = {0}, wanted = {0};
            const char *text = cases[i].text, *lower = cases[i].lower;
            assert_ok(grt_tokenizer_encode(t, text, strlen(text), &found, &err), &err);
            assert_ok(
                grt_tokenizer_encode(tokenizer, lower, strlen(lower), &wanted, &err),
                &err);
            assert_int_equal(found.n, wanted.n);
            assert_memory_equal(found.ids, wanted.ids, found.n * sizeof(int32_t));
            grt_ids_release(&found);
            grt_ids_release(&wanted);
        }
        grt_ids alone = {0}; /* nothing is left to lower around the added piece */
        assert_ok(grt_tokenizer_encode(t, "   ", 3, &alone, &err), &err);
        assert_true(alone.n == 1 && alone.ids[0] == 5000);
        grt_ids_release(&alone);
        grt_tokenizer_free(t);
        grt_vocabulary_release(&v);
    }
}

static void test_normalisers_that_are_refused(void **state)
{
    (void)state;
    grt_error err;
    grt_vocabulary v = {0};
    assert_refused(read_with_normaliser(&v, "{\"type\": \"ByteLevel\"}", &err),
                   GRT_E_UNSUPPORTED, &err, "a normalizer of type \"ByteLevel\"");
    grt_vocabulary_release(&v);
    assert_refused(read_with_normaliser(&v,
                                        "{\"type\": \"Sequence\", \"normalizers\": ["
                                        "{\"type\": \"Lowercase\"},"
                                        "{\"type\": \"Replace\", \"pattern\":"
                                        "{\"String\": \"a\"}}]}",
                                        &err),
                   GRT_E_UNSUPPORTED, &err, "without its content");
    grt_vocabulary_release(&v);
    grt_tokenizer *t = NULL;
    assert_ok(read_with_normaliser(&v,
                                   "{\"type\": \"Replace\", \"pattern\":"
                                   "{\"Regex\": \"(\"}, \"content\": \"\"}",
                                   &err),
              &err);
    assert_refused(grt_tokenizer_create(&t, &v, &err), GRT_E_FORMAT, &err,
                   "expression \"(\" is wrong");
    grt_vocabulary_release(&v);
}

/* Quadratic work would take minutes here and run into CTest's limit. */
static void test_a_megabyte_of_one_letter(void **state)
{
    (void)state;
    enum { N = 1 << 20 };
    char *text = malloc(N);
    assert_non_null(text);
    const char letters[] = {'e', ' ', '!', '\n'};
    for (size_t i = 0; i < sizeof(letters); i++) {
        memset(text, letters[i], N);
        grt_ids ids = {0};
        assert_int_equal(grt_tokenizer_encode(tokenizer, text, N, &ids, NULL), GRT_OK);
        assert_in_range(ids.n, 1, N);
        grt_ids_release(&ids);
    }
    free(text);
}

/* Pieces for runs of spaces, which GPT-NeoX's descendants add: the longest first,
 * before words are cut.  Ids as tokenizers.js gives them for the same file (2, 3 and 4
 * spaces are 408, 407 and 406). */
static void test_runs_of_spaces(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t ids[12];
    } cases[] = {
        {"a  b", {64, 408, 65}},
        {"a   b", {64, 407, 65}},
        {"a      b", {64, 406, 408, 65}},
        {"     owl  hunts         at",
         {406, 296, 408, 71, 84, 327, 82, 406, 406, 265, 83}},
        {"  ", {408}},
        {" ", {220}},
        {"x\n\n  Two", {87, 198, 198, 408, 51, 86, 78}},
        {"owl \n  owl  ", {262, 75, 220, 198, 408, 262, 75, 408}},
        {"\t  \t owl", {197, 408, 197, 296}},
    };
    grt_vocabulary spaced = {0};
    grt_tokenizer *cutter = NULL;
    grt_error err;
    assert_ok(grt_vocabulary_open_directory(
                  &spaced, GRT_TEST_DATA "/golden/modernbert-f32", &err),
              &err);
    assert_ok(grt_tokenizer_create(&cutter, &spaced, &err), &err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        grt_ids ids = {0};
        size_t n = 0;
        while (n < 12 && cases[i].ids[n])
            n++;
        assert_ok(grt_tokenizer_encode(cutter, cases[i].text, strlen(cases[i].text),
                                       &ids, &err),
                  &err);
        assert_int_equal(ids.n, n);
        assert_memory_equal(ids.ids, cases[i].ids, n * sizeof(int32_t));
        grt_ids_release(&ids);
    }
    grt_tokenizer_free(cutter);
    grt_vocabulary_release(&spaced);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_give_back_the_bytes),
        cmocka_unit_test(test_invalid_bytes_are_one_replacement_each),
        cmocka_unit_test(test_composed_and_decomposed_text_are_equal),
        cmocka_unit_test(test_added_runs_of_spaces_are_text),
        cmocka_unit_test(test_a_normaliser_that_lowers),
        cmocka_unit_test(test_normalisers_that_are_refused),
        cmocka_unit_test(test_a_megabyte_of_one_letter),
        cmocka_unit_test(test_runs_of_spaces),
    };
    return cmocka_run_group_tests(tests, open_tokenizer, close_tokenizer);
}
