/* test_config_spelling.c - a config.json of transformers 5 says what that of 4 said. */
#include "test.h"

#include "base/memory.h"
#include "formats/checkpoint.h"
#include "formats/config_spelling.h"

static grt_metadata m;
static grt_error err;

static grt_status read_text(const char *json)
{
    memset(&m, 0, sizeof(m));
    return grt_config_read(&m, json, strlen(json), "dir/config.json", &err);
}

static void check_number(const char *json, const char *key, double wanted,
                         size_t n_notes)
{
    double found = -1;
    assert_ok(read_text(json), &err);
    if (!grt_metadata_get_f64(&m, key, &found) || found < wanted || found > wanted)
        fail_msg("%s: %s is %g, not %g", json, key, found, wanted);
    assert_int_equal(m.notes.n, n_notes);
    grt_metadata_release(&m);
    assert_int_equal(grt_memory_now(), 0);
}

static void test_rotary_bases(void **state)
{
    (void)state;
    check_number(
        "{\"model_type\":\"qwen3\",\"rope_parameters\":{\"rope_theta\":1000000.0,"
        "\"rope_type\":\"default\"}}",
        "rope_theta", 1e6, 0);
    check_number("{\"rope_theta\":10000,\"rope_parameters\":{\"rope_theta\":5e5}}",
                 "rope_theta", 5e5, 1);
    static const char modern[] =
        "{\"model_type\":\"modernbert\",\"rope_parameters\":{\"full_attention\":"
        "{\"rope_theta\":80000,\"rope_type\":\"default\"},\"sliding_attention\":"
        "{\"rope_theta\":20000.0}}}";
    check_number(modern, "global_rope_theta", 80000, 0);
    check_number(modern, "local_rope_theta", 20000, 0);
    static const char gemma[] =
        "{\"model_type\":\"gemma3_text\",\"rope_parameters\":{\"full_attention\":"
        "{\"rope_theta\":1000000,\"rope_type\":\"linear\",\"factor\":8.0},"
        "\"sliding_attention\":{\"rope_theta\":10000}}}";
    check_number(gemma, "rope_theta", 1e6, 0);
    check_number(gemma, "rope_local_base_freq", 1e4, 0);
    check_number(gemma, "rope_scaling.factor", 8, 0);
    check_number(
        "{\"model_type\":\"llama\",\"rope_parameters\":{\"rope_theta\":500000.0,"
        "\"rope_type\":\"llama3\",\"low_freq_factor\":1.0,"
        "\"partial_rotary_factor\":0.5}}",
        "rope_scaling.low_freq_factor", 1, 0);
    check_number("{\"rope_parameters\":{\"partial_rotary_factor\":0.5}}",
                 "partial_rotary_factor", 0.5, 0);
}

static void test_null(void **state)
{
    (void)state;
    check_number("{\"model_type\":\"modernbert\",\"global_rope_theta\":70000.0,"
                 "\"local_rope_theta\":null}",
                 "local_rope_theta", 70000, 0);
    check_number("{\"model_type\":\"modernbert\",\"local_rope_theta\":null}",
                 "local_rope_theta", 160000, 0);
    assert_ok(read_text("{\"model_type\":\"modernbert\",\"a\":{\"b\":null}}"), &err);
    assert_null(grt_metadata_get(&m, "local_rope_theta"));
    assert_true(grt_metadata_is_null(&m, "a.b"));
    assert_false(grt_metadata_is_null(&m, "local_rope_theta"));
    grt_metadata_release(&m);
}

static void test_kinds_of_layers(void **state)
{
    (void)state;
    check_number("{\"model_type\":\"modernbert\",\"layer_types\":[\"full_attention\","
                 "\"sliding_attention\",\"full_attention\",\"sliding_attention\"]}",
                 "global_attn_every_n_layers", 2, 0);
    check_number("{\"model_type\":\"modernbert\",\"global_attn_every_n_layers\":3,"
                 "\"layer_types\":[\"full_attention\",\"sliding_attention\"]}",
                 "global_attn_every_n_layers", 2, 1);
    check_number("{\"model_type\":\"modernbert\",\"layer_types\":[\"full_attention\","
                 "\"full_attention\"]}",
                 "global_attn_every_n_layers", 1, 0);
    check_number(
        "{\"model_type\":\"gemma3_text\",\"layer_types\":[\"sliding_attention\","
        "\"sliding_attention\",\"full_attention\",\"sliding_attention\"]}",
        "sliding_window_pattern", 3, 0);
    static const char *const refused[] = {
        "{\"model_type\":\"modernbert\",\"layer_types\":[\"sliding_attention\","
        "\"full_attention\"]}",
        "{\"model_type\":\"modernbert\",\"layer_types\":[\"full_attention\","
        "\"linear_attention\"]}",
        "{\"model_type\":\"qwen2\",\"layer_types\":[\"full_attention\","
        "\"sliding_attention\"]}",
        "{\"model_type\":\"gemma3_text\",\"rope_parameters\":{\"sliding_attention\":"
        "{\"rope_type\":\"yarn\"}}}",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_refused(read_text(refused[i]), GRT_E_UNSUPPORTED, &err,
                       i < 3 ? "layer_types" : "rope_type is \"yarn\"");
        grt_metadata_release(&m);
    }
    assert_ok(
        read_text("{\"model_type\":\"qwen2\",\"layer_types\":[\"full_attention\"]}"),
        &err);
    grt_metadata_release(&m);
}

static void check_class(const char *json, const char *wanted)
{
    grt_catalogue empty = {0};
    assert_ok(read_text(json), &err);
    assert_ok(grt_config_name_class(&m, &empty, &err), &err);
    const grt_meta_value *found = grt_metadata_get(&m, "architectures");
    if (wanted) {
        assert_non_null(found);
        assert_string_equal(found->texts[0].data, wanted);
        assert_int_equal(m.notes.n, 1);
    } else
        assert_true(!found || m.notes.n == 0);
    grt_metadata_release(&m);
}

static void test_a_class_by_its_type(void **state)
{
    (void)state;
    check_class("{\"model_type\":\"qwen3\"}", "Qwen3ForCausalLM");
    check_class("{\"model_type\":\"gemma\",\"architectures\":[]}", "GemmaForCausalLM");
    check_class("{\"model_type\":\"llama\",\"architectures\":null}",
                "LlamaForCausalLM");
    check_class("{\"model_type\":\"bert\"}", NULL); /* no classifier, no causal form */
    check_class("{\"model_type\":\"no-such\"}", NULL);
    check_class("{\"model_type\":\"qwen3\",\"architectures\":[\"X\"]}", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rotary_bases),
        cmocka_unit_test(test_null),
        cmocka_unit_test(test_kinds_of_layers),
        cmocka_unit_test(test_a_class_by_its_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
