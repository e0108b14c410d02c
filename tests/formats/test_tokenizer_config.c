/* test_tokenizer_config.c - what the class that tokenizer_config.json names does to the
 * files beside it, and classes that read them in a way of their own. */
#include "temp_dir.h"
#include "test.h"

#include "base/memory.h"
#include "formats/checkpoint.h"
#include "formats/tokenizer_files.h"
#include "tokenizer/tokenizer.h"

static temp_dir dir;
static grt_vocabulary v;
static grt_error err;

static int make_dir(void **state)
{
    (void)state;
    temp_make(&dir);
    return 0;
}

static int drop_dir(void **state)
{
    (void)state;
    temp_remove(&dir);
    return grt_memory_now() != 0;
}

static void put_file(const char *name, const char *text)
{
    char path[512];
    FILE *file = fopen(temp_path(&dir, name, path), "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void drop_file(const char *name)
{
    char path[512];
    (void)remove(temp_path(&dir, name, path));
}

static const char words[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nowl\n<s>\nowl\n\n";
static const char word_json[] =
    "{\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,"
    "\"handle_chinese_chars\":true,\"strip_accents\":null,\"lowercase\":%s},"
    "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"truncation\":%s,"
    "\"post_processor\":%s,\"added_tokens\":[],\"model\":{%s\"unk_token\":\"[UNK]\","
    "\"continuing_subword_prefix\":\"##\",\"vocab\":{\"[PAD]\":0,\"[UNK]\":1,"
    "\"[CLS]\":2,\"[SEP]\":3,\"owl\":4,\"<s>\":5}}}";

static void put_json(const char *lowercase, const char *truncation, const char *post)
{
    char text[1024];
    (void)snprintf(text, sizeof(text), word_json, lowercase, truncation, post, "");
    put_file("tokenizer.json", text);
}

static grt_status open_with(const char *config)
{
    if (config) put_file("tokenizer_config.json", config);
    memset(&v, 0, sizeof(v));
    grt_status status = grt_vocabulary_open_directory(&v, dir.path, &err);
    drop_file("tokenizer_config.json");
    return status;
}

static const char post_of_bert[] =
    "{\"type\":\"BertProcessing\",\"cls\":[\"[CLS]\",2],\"sep\":[\"[SEP]\",3]}";

static void test_options_of_bert(void **state)
{
    (void)state;
    static const struct {
        const char *config, *lowercase;
        int lower, strip, cjk;
        size_t n_notes;
    } cases[] = {
        {"{\"tokenizer_class\":\"BertTokenizer\",\"do_lower_case\":false}", "true", 0,
         0, 1, 2},
        {"{\"tokenizer_class\":\"BertTokenizerFast\",\"do_lower_case\":true}", "false",
         1, 1, 1, 2},
        {"{\"tokenizer_class\":\"ElectraTokenizer\"}", "false", 1, 1, 1, 2},
        {"{\"tokenizer_class\":\"BertTokenizer\",\"strip_accents\":false}", "true", 1,
         0, 1, 1},
        {"{\"tokenizer_class\":\"BertTokenizer\",\"tokenize_chinese_chars\":false}",
         "true", 1, 1, 0, 1},
        {"{\"tokenizer_class\":\"PreTrainedTokenizerFast\",\"do_lower_case\":true}",
         "false", 0, 0, 1, 0},
        {NULL, "false", 0, 0, 1, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put_json(cases[i].lowercase, "null", post_of_bert);
        assert_ok(open_with(cases[i].config), &err);
        assert_int_equal(v.lower_case, cases[i].lower);
        assert_int_equal(v.strip_accents, cases[i].strip);
        assert_int_equal(v.split_cjk, cases[i].cjk);
        assert_int_equal(v.notes.n, cases[i].n_notes);
        grt_vocabulary_release(&v);
    }
    drop_file("tokenizer.json");
}

static void test_classes_that_are_not_known(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        int is_refused_with_json;
        const char *fragment;
    } cases[] = {
        {"{\"tokenizer_class\":\"BertSudachipyTokenizer\"}", 1,
         "BertSudachipyTokenizer"},
        {"{\"tokenizer_class\":\"PhobertTokenizer\"}", 1, "PhobertTokenizer"},
        {"{\"tokenizer_class\":\"BertTokenizer\",\"word_tokenizer_type\":\"sudachi\"}",
         1, "sudachi"},
        {"{\"auto_map\":{\"AutoTokenizer\":[\"tokenization_x.XTokenizer\",null]}}", 1,
         "XTokenizer"},
        {"{\"tokenizer_class\":\"XLMRobertaTokenizer\"}", 0, "XLMRobertaTokenizer"},
        {"{\"tokenizer_class\":\"SomethingNewTokenizer\"}", 0, "SomethingNewTokenizer"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put_file("vocab.txt", words);
        assert_refused(open_with(cases[i].config), GRT_E_UNSUPPORTED, &err,
                       cases[i].fragment);
        drop_file("vocab.txt");
        put_json("true", "null", "null");
        grt_status status = open_with(cases[i].config);
        assert_int_equal(status,
                         cases[i].is_refused_with_json ? GRT_E_UNSUPPORTED : GRT_OK);
        if (status == GRT_OK) grt_vocabulary_release(&v);
        drop_file("tokenizer.json");
    }
}

static void test_code_of_a_known_name(void **state)
{
    (void)state;
    put_file("vocab.txt", words);
    assert_ok(
        open_with("{\"auto_map\":{\"AutoTokenizer\":\"a/b--x.BertTokenizerFast\"}}"),
        &err);
    grt_vocabulary_release(&v);
    drop_file("vocab.txt");
}

static void test_limits_sides_and_types(void **state)
{
    (void)state;
    static const struct {
        const char *config, *truncation, *post;
        size_t max_tokens;
        int cuts_left, has_one_type;
    } cases[] = {
        {"{\"model_max_length\":512}", "null", "null", 512, 0, 0},
        {"{\"max_len\":128,\"truncation_side\":\"left\"}", "null", "null", 128, 1, 0},
        {"{\"model_max_length\":1000000000000000019884624838656}", "null", "null", 0, 0,
         0},
        {"{\"model_max_length\":null}", "{\"direction\":\"Left\",\"max_length\":9}",
         "null", 0, 1, 0},
        {"{\"truncation_side\":\"right\"}", "{\"direction\":\"Left\"}", "null", 0, 0,
         0},
        {"{\"model_input_names\":[\"input_ids\"]}", "null", "null", 0, 0, 1},
        {"{\"model_input_names\":[\"input_ids\",\"token_type_ids\"]}", "null", "null",
         0, 0, 0},
        {"{\"tokenizer_class\":\"DistilBertTokenizer\"}", "null", "null", 0, 0, 1},
        {"{}", "null", post_of_bert, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put_json("true", cases[i].truncation, cases[i].post);
        assert_ok(open_with(cases[i].config), &err);
        assert_int_equal(v.max_tokens, cases[i].max_tokens);
        assert_int_equal(v.cuts_left, cases[i].cuts_left);
        assert_int_equal(v.has_one_type, cases[i].has_one_type);
        grt_vocabulary_release(&v);
    }
    assert_refused(open_with("{\"truncation_side\":\"middle\"}"), GRT_E_FORMAT, &err,
                   "middle");
    drop_file("tokenizer.json");
}

/* Ids of a pair, of the first text -1 and of the second -2, with their types. */
static void test_pairs_as_the_post_processor_builds_them(void **state)
{
    (void)state;
    static const char template[] =
        "{\"type\":\"TemplateProcessing\",\"special_tokens\":{\"x\":{\"ids\":[3,2]}},"
        "\"pair\":[{\"Sequence\":{\"id\":\"A\",\"type_id\":1}},"
        "{\"SpecialToken\":{\"id\":\"x\",\"type_id\":0}},"
        "{\"Sequence\":{\"id\":\"B\",\"type_id\":0}}]}";
    static const char second_first[] = "{\"type\":\"TemplateProcessing\",\"pair\":["
                                       "{\"Sequence\":{\"id\":\"B\",\"type_id\":0}},"
                                       "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}]}";
    static const struct {
        const char *post;
        size_t n;
        int ids[6], types[6];
    } cases[] = {
        {"null", 0, {0}, {0}},
        {"{\"type\":\"ByteLevel\"}", 0, {0}, {0}},
        {post_of_bert, 5, {2, -1, 3, -2, 3}, {0, 0, 0, 1, 1}},
        {"{\"type\":\"RobertaProcessing\",\"cls\":[\"\",2],\"sep\":[\"\",3]}",
         6,
         {2, -1, 3, 3, -2, 3},
         {0}},
        {template, 4, {-1, 3, 2, -2}, {1, 0, 0, 0}},
        {"{\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\"},"
         "{\"type\":\"BertProcessing\",\"cls\":[\"\",2],\"sep\":[\"\",3]}]}",
         5,
         {2, -1, 3, -2, 3},
         {0, 0, 0, 1, 1}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put_json("true", "null", cases[i].post);
        assert_ok(open_with("{}"), &err);
        assert_int_equal(v.n_pair, cases[i].n);
        for (size_t j = 0; j < v.n_pair; j++) {
            assert_int_equal(v.pair[j].id, cases[i].ids[j]);
            assert_int_equal(v.pair[j].type, cases[i].types[j]);
        }
        grt_vocabulary_release(&v);
    }
    static const struct {
        const char *post;
        grt_status status;
        const char *fragment;
    } bad[] = {
        {"{\"type\":\"Magic\"}", GRT_E_UNSUPPORTED, "Magic"},
        {"{\"type\":\"TemplateProcessing\",\"single\":[]}", GRT_E_FORMAT,
         "no template for pairs"},
        {second_first, GRT_E_UNSUPPORTED, "before the second"},
        {"{\"type\":\"BertProcessing\",\"cls\":[\"\",2],\"sep\":[\"\",99]}",
         GRT_E_FORMAT, "not in the vocabulary"},
        {"{\"type\":\"TemplateProcessing\",\"pair\":[{\"SpecialToken\":"
         "{\"id\":\"y\",\"type_id\":0}}]}",
         GRT_E_FORMAT, "not its id"},
        {"5", GRT_E_FORMAT, "post_processor"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        put_json("true", "null", bad[i].post);
        assert_refused(open_with("{}"), bad[i].status, &err, bad[i].fragment);
    }
    drop_file("tokenizer.json");
}

static void test_roles(void **state)
{
    (void)state;
    put_file("vocab.txt", words);
    assert_ok(open_with("{\"cls_token\":\"<s>\"}"), &err);
    assert_int_equal(v.cls, 5);
    grt_vocabulary_release(&v);
    put_file("special_tokens_map.json", "{\"cls_token\":{\"content\":\"<s>\"}}");
    assert_ok(open_with("{\"cls_token\":\"[CLS]\"}"), &err);
    assert_int_equal(v.cls, 5);
    grt_vocabulary_release(&v);
    assert_ok(open_with("{\"cls_token\":\"[CLS]\",\"added_tokens_decoder\":{}}"), &err);
    assert_int_equal(v.cls, 2);
    grt_vocabulary_release(&v);
    drop_file("special_tokens_map.json");
    drop_file("vocab.txt");
}

/* The later of two equal lines, ids without a piece, and what is said of them. */
static void test_lines_of_vocab_txt(void **state)
{
    (void)state;
    put_file("vocab.txt", words);
    assert_ok(open_with(NULL), &err);
    assert_int_equal(v.n_pieces, 8);
    grt_tokenizer *tokenizer;
    grt_ids ids = {0};
    assert_ok(grt_tokenizer_create(&tokenizer, &v, &err), &err);
    assert_int_equal(grt_tokenizer_n_repeated(tokenizer), 1);
    assert_ok(grt_tokenizer_encode(tokenizer, "owl", 3, &ids, &err), &err);
    assert_int_equal(ids.n, 1);
    assert_int_equal(ids.ids[0], 6);
    grt_ids_release(&ids);
    grt_tokenizer_free(tokenizer);
    grt_vocabulary_release(&v);
    put_file("vocab.txt", "[UNK]\n\nowl\n");
    assert_ok(open_with(NULL), &err);
    assert_null(v.pieces[1].text);
    assert_int_equal(v.pieces[2].size, 3);
    grt_vocabulary_release(&v);
    drop_file("vocab.txt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_of_bert),
        cmocka_unit_test(test_classes_that_are_not_known),
        cmocka_unit_test(test_code_of_a_known_name),
        cmocka_unit_test(test_limits_sides_and_types),
        cmocka_unit_test(test_pairs_as_the_post_processor_builds_them),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_lines_of_vocab_txt),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
