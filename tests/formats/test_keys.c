/* test_keys.c - the table of keys: every key of the golden files is in it, and what it
 * calls refused, read or unknown is treated so. */
#include "test.h"

#include "base/memory.h"
#include "formats/checkpoint.h"
#include "formats/keys.h"

#include <dirent.h>
#include <unistd.h>

#define GOLDEN GRT_TEST_DATA "/golden"

static grt_error err;

static int count_unknown(const grt_metadata *m, grt_key_source source)
{
    int n = 0;
    char architecture[64] = "";
    grt_text text;
    if (grt_metadata_get_text(m, "general.architecture", &text))
        (void)snprintf(architecture, sizeof(architecture), "%.*s", (int)text.size,
                       text.data);
    for (size_t i = 0; i < m->n_values; i++)
        if (grt_key_use_of(source, m->values[i].key, architecture) == GRT_KEY_UNKNOWN) {
            printf("%s: the key \"%s\" is not in src/formats/keys.inc\n", m->source,
                   m->values[i].key);
            n++;
        }
    return n;
}

static int unknown_of_config(const char *path)
{
    grt_metadata m = {0};
    char *text;
    size_t n;
    if (access(path, F_OK) != 0) return 0;
    assert_ok(grt_file_load(&text, &n, path, 1 << 20, &err), &err);
    assert_ok(grt_config_read(&m, text, n, path, &err), &err);
    int n_unknown = count_unknown(&m, GRT_KEYS_CONFIG);
    grt_free(text);
    grt_metadata_release(&m);
    return n_unknown;
}

static int unknown_of_gguf(const char *path)
{
    grt_metadata m = {0};
    grt_catalogue catalogue = {0};
    grt_file *file;
    if (access(path, F_OK) != 0) return 0;
    assert_ok(grt_file_open(&file, path, &err), &err);
    assert_ok(grt_gguf_read(&catalogue, &m, file, &err), &err);
    int n_unknown = count_unknown(&m, GRT_KEYS_GGUF);
    grt_catalogue_release(&catalogue);
    grt_metadata_release(&m);
    return n_unknown;
}

static int unknown_of_tokenizer(const char *path)
{
    json_t *root;
    grt_notes notes = {0};
    if (access(path, F_OK) != 0) return 0;
    assert_ok(grt_json_load(&root, path, 1 << 24, &notes, &err), &err);
    int n_unknown = 0;
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value)
    {
        (void)value;
        if (grt_key_use_of(GRT_KEYS_TOKENIZER_CONFIG, key, NULL) != GRT_KEY_UNKNOWN)
            continue;
        printf("%s: the key \"%s\" is not in src/formats/keys.inc\n", path, key);
        n_unknown++;
    }
    json_decref(root);
    grt_notes_release(&notes);
    return n_unknown;
}

static void test_every_golden_key_is_known(void **state)
{
    (void)state;
    DIR *cases = opendir(GOLDEN);
    assert_non_null(cases);
    int n_cases = 0, n_unknown = 0;
    for (const struct dirent *entry; (entry = readdir(cases));) {
        char path[512];
        if (entry->d_name[0] == '.') continue;
        (void)snprintf(path, sizeof(path), GOLDEN "/%.100s/config.json", entry->d_name);
        n_unknown += unknown_of_config(path);
        (void)snprintf(path, sizeof(path), GOLDEN "/%.100s/model.gguf", entry->d_name);
        n_unknown += unknown_of_gguf(path);
        (void)snprintf(path, sizeof(path), GOLDEN "/%.100s/tokenizer_config.json",
                       entry->d_name);
        n_unknown += unknown_of_tokenizer(path);
        n_cases++;
    }
    (void)closedir(cases);
    assert_true(n_cases > 40);
    assert_int_equal(n_unknown, 0);
}

static grt_status check(const char *json, grt_key_source source, grt_notes *notes)
{
    grt_metadata m = {0};
    assert_ok(grt_config_read(&m, json, strlen(json), "dir/config.json", &err), &err);
    grt_status status = grt_keys_check(&m, source, notes, &err);
    grt_metadata_release(&m);
    return status;
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        grt_key_source source;
        const char *fragment;
    } cases[] = {
        {"{\"is_decoder\":true}", GRT_KEYS_CONFIG, "\"is_decoder\" (true)"},
        {"{\"text_config\":{\"clip_qkv\":8}}", GRT_KEYS_CONFIG, "clip_qkv\" (8)"},
        {"{\"quantization_config\":{\"bits\":4}}", GRT_KEYS_CONFIG,
         "quantization_config.bits"},
        {"{\"residual_multiplier\":0.22}", GRT_KEYS_CONFIG, "(0.22) is not supported"},
        {"{\"general.architecture\":\"qwen3\",\"general.type\":\"adapter\"}",
         GRT_KEYS_GGUF, "\"general.type\" (adapter)"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(check(cases[i].json, cases[i].source, NULL), GRT_E_UNSUPPORTED,
                       &err, cases[i].fragment);
    static const char *const neutral[] = {
        "{\"is_decoder\":false,\"residual_multiplier\":1.0,\"clip_qkv\":null}",
        "{\"embedding_multiplier\":1,\"num_experts\":0}"};
    for (size_t i = 0; i < sizeof(neutral) / sizeof(neutral[0]); i++)
        assert_ok(check(neutral[i], GRT_KEYS_CONFIG, NULL), &err);
}

static void test_other_types_of_what_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *json, *fragment;
    } cases[] = {
        {"{\"rope_scaling\":5}", "\"rope_scaling\" is 5"},
        {"{\"layer_norm_eps\":\"1e-5\"}", "\"layer_norm_eps\" is 1e-5 (a text)"},
        {"{\"rope_theta\":Infinity}", "\"rope_theta\" is Infinity"},
        {"{\"num_hidden_layers\":[2]}", "\"num_hidden_layers\" is a list"},
        {"{\"tie_word_embeddings\":1}", "\"tie_word_embeddings\" is 1"},
        {"{\"architectures\":\"X\"}", "\"architectures\" is X"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(check(cases[i].json, GRT_KEYS_CONFIG, NULL), GRT_E_FORMAT, &err,
                       cases[i].fragment);
}

static void test_unknown_keys(void **state)
{
    (void)state;
    static const char *const noted[] = {
        "{\"my_rope_factor\":2}", "{\"x\":{\"layer_scale\":0.1}}",
        "{\"attention_sinks\":4}", "{\"new_norm\":\"group\"}"};
    for (size_t i = 0; i < sizeof(noted) / sizeof(noted[0]); i++) {
        grt_notes notes = {0};
        assert_ok(check(noted[i], GRT_KEYS_CONFIG, &notes), &err);
        assert_int_equal(notes.n, 1);
        assert_int_equal(notes.list[0].level, GRT_NOTE_DETAIL);
        assert_non_null(strstr(notes.list[0].text, "is not known here"));
        grt_notes_release(&notes);
    }
    grt_notes notes = {0};
    assert_ok(check("{\"licence\":\"x\",\"hobby\":3,\"rope_theta\":1e4,\"y\":null}",
                    GRT_KEYS_CONFIG, &notes),
              &err);
    assert_int_equal(notes.n, 0);
    assert_ok(check("{\"general.architecture\":\"bert\",\"bert.block_count\":2,"
                    "\"qwen3.block_count\":2,\"bert.rope.new_scaling\":1}",
                    GRT_KEYS_GGUF, &notes),
              &err);
    assert_int_equal(notes.n, 1); /* "block" alone says nothing */
    grt_notes_release(&notes);
}

static void test_members_of_tokenizer_json(void **state)
{
    (void)state;
    static const char text[] =
        "{\"version\":\"1\",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":["
        "{\"type\":\"BertNormalizer\",\"lowercase\":true,\"lower_mode\":\"tr\"}]},"
        "\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"},"
        "\"behavior\":\"Removed\",\"invert\":false,\"split_max\":3},"
        "\"model\":{\"type\":\"BPE\",\"vocab\":{},\"merges\":[],\"byte_prefix\":1}}";
    grt_notes notes = {0};
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    assert_ok(grt_keys_check_tokenizer(root, "tokenizer.json", &notes, &err), &err);
    assert_int_equal(notes.n, 3);
    assert_non_null(strstr(notes.list[0].text, "BertNormalizer.lower_mode"));
    assert_non_null(strstr(notes.list[1].text, "Split.split_max"));
    assert_non_null(strstr(notes.list[2].text, "BPE.byte_prefix"));
    json_decref(root);
    grt_notes_release(&notes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_golden_key_is_known),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_other_types_of_what_is_read),
        cmocka_unit_test(test_unknown_keys),
        cmocka_unit_test(test_members_of_tokenizer_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
