/* test_pre_tokenizers.c - which words byte-level BPE of a GGUF cuts, with the key that
 * says it, without it, and with a name that nobody knows. */
#include "test.h"

#include "base/memory.h"
#include "formats/checkpoint.h"
#include "formats/pre_tokenizers.h"
#include "formats/tokenizer_build.h"

typedef struct chosen {
    grt_vocabulary vocabulary;
    grt_metadata metadata;
    grt_error err;
} chosen;

/* Keys as JSON; a piece that the vocabulary has. */
static grt_status choose(chosen *c, const char *keys, const char *piece)
{
    memset(c, 0, sizeof(*c));
    assert_ok(grt_config_read(&c->metadata, keys, strlen(keys), "memory", &c->err),
              &c->err);
    grt_vocabulary_begin(&c->vocabulary, GRT_TOKENIZER_BPE);
    assert_ok(grt_vocabulary_set(&c->vocabulary, 0, piece, strlen(piece), true,
                                 "memory", &c->err),
              &c->err);
    return grt_pre_tokenizer_choose(&c->vocabulary, &c->metadata, &c->err);
}

static void release(chosen *c)
{
    grt_vocabulary_release(&c->vocabulary);
    grt_metadata_release(&c->metadata);
    assert_int_equal(grt_memory_now(), 0);
}

static void check(const char *keys, const char *piece, const char *pattern, int use_nfc,
                  int whole_words_first, size_t n_notes)
{
    chosen c;
    assert_ok(choose(&c, keys, piece), &c.err);
    assert_ptr_equal(c.vocabulary.split_pattern, pattern);
    assert_int_equal(c.vocabulary.use_nfc, use_nfc);
    assert_int_equal(c.vocabulary.whole_words_first, whole_words_first);
    assert_int_equal(c.vocabulary.notes.n, n_notes);
    release(&c);
}

static void test_names(void **state)
{
    (void)state;
    check("{\"tokenizer.ggml.pre\": \"qwen2\"}", "a", grt_pattern_qwen2, 1, 0, 0);
    check("{\"tokenizer.ggml.pre\": \"llama-bpe\"}", "a", grt_pattern_llama3, 0, 1, 0);
    check("{\"tokenizer.ggml.pre\": \"llama-v3\"}", "a", grt_pattern_llama3, 0, 1, 0);
    check("{\"tokenizer.ggml.pre\": \"modern-bert\"}", "a", grt_pattern_gpt2, 1, 0, 0);
}

static void test_architectures_that_leave_no_doubt(void **state)
{
    (void)state;
    check("{\"general.architecture\": \"qwen3\"}", "a", grt_pattern_qwen2, 1, 0, 0);
    check("{\"general.architecture\": \"qwen2\", \"tokenizer.ggml.pre\": \"default\"}",
          "a", grt_pattern_qwen2, 1, 0, 0);
    check("{\"general.architecture\": \"modern-bert\"}", "a", grt_pattern_gpt2, 1, 0,
          0);
    check("{\"general.architecture\": \"llama\"}", "<|begin_of_text|>",
          grt_pattern_llama3, 0, 1, 0);
}

static void test_doubt_is_noted(void **state)
{
    (void)state;
    check("{\"general.architecture\": \"llama\"}", "a", grt_pattern_gpt2, 0, 0, 1);
    check("{\"tokenizer.ggml.pre\": \"default\"}", "a", grt_pattern_gpt2, 0, 0, 1);
    check("{\"tokenizer.ggml.pre\": \"\"}", "a", grt_pattern_gpt2, 0, 0, 1);
    chosen c;
    assert_ok(choose(&c, "{}", "a"), &c.err);
    assert_non_null(strstr(c.vocabulary.notes.list[0].text, "tokenizer.ggml.pre"));
    assert_int_equal(c.vocabulary.notes.list[0].level, GRT_NOTE_RESULT);
    release(&c);
}

static void test_unknown_names_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"tekken", "qwen", "deepseek-r1-qwen"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char keys[128];
        chosen c;
        (void)snprintf(
            keys, sizeof(keys),
            "{\"general.architecture\": \"qwen2\", \"tokenizer.ggml.pre\": \"%s\"}",
            names[i]);
        assert_refused(choose(&c, keys, "a"), GRT_E_UNSUPPORTED, &c.err, names[i]);
        release(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_architectures_that_leave_no_doubt),
        cmocka_unit_test(test_doubt_is_noted),
        cmocka_unit_test(test_unknown_names_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
