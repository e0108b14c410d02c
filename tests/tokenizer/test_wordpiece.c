/* test_wordpiece.c - BERT's tokenizer on its real vocabulary. */
#include "test.h"

#include "base/memory.h"
#include "formats/tokenizer_files.h"
#include "tokenizer/tokenizer.h"

static grt_vocabulary vocabulary;
static grt_tokenizer *tokenizer;

static int open_tokenizer(void **state)
{
    (void)state;
    return grt_vocabulary_open_directory(
               &vocabulary, GRT_SOURCE_DIR "/models/grating-mini", NULL) != GRT_OK ||
           grt_tokenizer_create(&tokenizer, &vocabulary, NULL) != GRT_OK;
}

static int close_tokenizer(void **state)
{
    (void)state;
    grt_tokenizer_free(tokenizer);
    grt_vocabulary_release(&vocabulary);
    return grt_memory_now() != 0;
}

/* The pieces of text[n], separated by spaces. */
static const char *pieces_of(const char *text, size_t n)
{
    static char joined[4096];
    grt_error err;
    grt_ids ids = {0};
    joined[0] = '\0';
    assert_ok(grt_tokenizer_encode(tokenizer, text, n, &ids, &err), &err);
    for (size_t i = 0; i < ids.n; i++) {
        const grt_piece *piece = &vocabulary.pieces[ids.ids[i]];
        size_t at = strlen(joined);
        (void)snprintf(joined + at, sizeof(joined) - at, "%s%.*s", at ? " " : "",
                       (int)piece->size, piece->text);
    }
    grt_ids_release(&ids);
    return joined;
}

static void test_words_punctuation_accents(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"hello world", "hello world"},
        {"  Hello,\tWORLD!\r\n", "hello , world !"},
        {"unaffable", "una ##ffa ##ble"},
        {"don't", "don ' t"},
        {"Caf\xc3\xa9 na\xc3\xafve", "cafe naive"},
        {"e\xcc\x81t\xc3\xa9", "et ##e"},
        {"\xe4\xb8\xad\xe6\x96\x87", "\xe4\xb8\xad \xe6\x96\x87"},
        {"a\xe2\x80\x94"
         "b",
         "a \xe2\x80\x94 b"}, /* em dash */
        {"a\xc2\xa0"
         "b",
         "a b"}, /* no-break space */
        {"[CLS] and [SEP]", "[ cl ##s ] and [ sep ]"},
        {"\x01\x02\x7f", ""},
        {"ab\xef\xbf\xbd"
         "cd",
         "abc ##d"}, /* U+FFFD is dropped */
        {"", ""},
        {"   ", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(pieces_of(cases[i].text, strlen(cases[i].text)),
                            cases[i].wanted);
    grt_ids ids = {0};
    assert_int_equal(grt_tokenizer_encode(tokenizer, "hello world", 11, &ids, NULL),
                     GRT_OK);
    assert_int_equal(ids.n, 2);
    assert_int_equal(ids.ids[0], 7592);
    assert_int_equal(ids.ids[1], 2088);
    grt_ids_release(&ids);
}

static void test_long_words_are_unknown(void **state)
{
    (void)state;
    char word[102];
    memset(word, 'a', sizeof(word));
    assert_string_not_equal(pieces_of(word, 100), "[UNK]");
    assert_string_equal(pieces_of(word, 101), "[UNK]");
    assert_string_equal(pieces_of("\xf0\x9f\xa6\x89", 4), "[UNK]"); /* an owl */
}

static void test_control_tokens_are_found_by_name_only(void **state)
{
    (void)state;
    assert_int_equal(grt_tokenizer_id(tokenizer, "[CLS]", 5), 101);
    assert_int_equal(grt_tokenizer_id(tokenizer, "hello", 5), 7592);
    assert_int_equal(grt_tokenizer_id(tokenizer, "no such piece", 13), GRT_NO_TOKEN);
}

/* Random bytes: ids that users may produce, never a crash; a NUL is like any control.
 */
static void test_invalid_utf8_and_random_bytes(void **state)
{
    (void)state;
    assert_string_equal(pieces_of("owl\xff\xfe hunts\xe2\x82", 12), "owl hunts");
    assert_string_equal(pieces_of("ow\0l", 4), "owl");
    uint32_t seed = 3;
    for (int round = 0; round < 2000; round++) {
        char text[64];
        for (size_t i = 0; i < sizeof(text); i++) {
            seed = seed * 1664525u + 1013904223u;
            text[i] = (char)(seed >> 24);
        }
        grt_ids ids = {0};
        assert_int_equal(
            grt_tokenizer_encode(tokenizer, text, sizeof(text), &ids, NULL), GRT_OK);
        for (size_t i = 0; i < ids.n; i++) {
            assert_in_range(ids.ids[i], 0, vocabulary.n_pieces - 1);
            assert_true(ids.ids[i] == vocabulary.unk ||
                        !vocabulary.pieces[ids.ids[i]].is_special);
        }
        grt_ids_release(&ids);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_punctuation_accents),
        cmocka_unit_test(test_long_words_are_unknown),
        cmocka_unit_test(test_control_tokens_are_found_by_name_only),
        cmocka_unit_test(test_invalid_utf8_and_random_bytes),
    };
    return cmocka_run_group_tests(tests, open_tokenizer, close_tokenizer);
}
