/* test_config.c - config.json as metadata. */
#include "test.h"

#include "base/memory.h"
#include "formats/checkpoint.h"

static grt_metadata m;
static grt_error err;

static grt_status read_text(const char *json)
{
    memset(&m, 0, sizeof(m));
    return grt_config_read(&m, json, strlen(json), "dir/config.json", &err);
}

static const char sample[] =
    "{\"model_type\":\"qwen3\",\"architectures\":[\"A\",\"Bc\"],\"hidden_size\":1024,"
    "\"eps\":1e-06,\"big\":9007199254740993,\"neg\":-3,\"use_cache\":true,\"none\":"
    "null,"
    "\"rope_scaling\":{\"rope_type\":\"yarn\",\"deep\":{\"factor\":4.0}},"
    "\"ints\":[1,2],\"mixed\":[1,2.5],\"odd\":[1,\"a\"],\"objects\":[{\"a\":1}],"
    "\"empty\":[],\"flags\":[true,false],\"nulls\":[null],\"id2label\":{\"0\":\"no\"}}";

static void reads_scalars(void **state)
{
    (void)state;
    assert_ok(read_text(sample), &err);
    grt_text text;
    uint64_t u64 = 0;
    double f64 = 0;
    bool flag = false;
    assert_string_equal(m.source, "dir/config.json");
    assert_true(grt_metadata_get_text(&m, "model_type", &text));
    assert_int_equal(text.size, 5);
    assert_memory_equal(text.data, "qwen3", 5);
    assert_true(grt_metadata_get_u64(&m, "hidden_size", &u64));
    assert_int_equal(u64, 1024);
    assert_true(grt_metadata_get_f64(&m, "hidden_size", &f64) && f64 == 1024.0);
    assert_true(grt_metadata_get_f64(&m, "eps", &f64) && f64 == 1e-6);
    assert_false(grt_metadata_get_u64(&m, "eps", &u64));
    assert_false(grt_metadata_get_u64(&m, "neg", &u64));
    assert_true(grt_metadata_get_f64(&m, "neg", &f64) && f64 == -3.0);
    assert_false(grt_metadata_get_f64(&m, "big", &f64)); /* would be rounded */
    assert_true(grt_metadata_get_bool(&m, "use_cache", &flag) && flag);
    assert_false(grt_metadata_get_bool(&m, "hidden_size", &flag));
    assert_false(grt_metadata_get_u64(&m, "use_cache", &u64));
    assert_false(grt_metadata_get_text(&m, "architectures", &text));
    assert_null(grt_metadata_get(&m, "none"));
    assert_true(grt_metadata_get_text(&m, "rope_scaling.rope_type", &text));
    assert_true(grt_metadata_get_f64(&m, "rope_scaling.deep.factor", &f64) &&
                f64 == 4.0);
    assert_true(grt_metadata_get_text(&m, "id2label.0", &text));
    assert_null(grt_metadata_get(&m, "rope_scaling"));
    grt_metadata_release(&m);
    assert_null(grt_metadata_get(&m, "eps"));
}

static void reads_arrays_of_one_type(void **state)
{
    (void)state;
    assert_ok(read_text(sample), &err);
    const grt_meta_value *texts = grt_metadata_get(&m, "architectures");
    assert_true(texts->is_array && texts->type == GRT_META_TEXT && texts->n == 2);
    assert_memory_equal(texts->texts[1].data, "Bc", 2);
    const grt_meta_value *ints = grt_metadata_get(&m, "ints");
    assert_true(ints->type == GRT_META_INT && ints->n == 2 && ints->ints[1] == 2);
    const grt_meta_value *mixed = grt_metadata_get(&m, "mixed");
    assert_true(mixed->type == GRT_META_FLOAT && mixed->floats[0] == 1.0);
    assert_true(mixed->floats[1] == 2.5);
    const grt_meta_value *flags = grt_metadata_get(&m, "flags");
    assert_true(flags->type == GRT_META_BOOL && flags->ints[0] == 1 && !flags->ints[1]);
    const grt_meta_value *empty = grt_metadata_get(&m, "empty");
    assert_true(empty->is_array && empty->n == 0);
    assert_null(grt_metadata_get(&m, "odd"));
    assert_null(grt_metadata_get(&m, "objects"));
    assert_null(grt_metadata_get(&m, "nulls"));
    grt_metadata_release(&m);
}

static void refuses_bad_text(void **state)
{
    (void)state;
    static const struct {
        const char *json, *fragment;
        int64_t offset;
    } cases[] = {
        {"", "malformed JSON", 0},
        {"[]", "not a JSON object", 0},
        {"{\"a\":1", "malformed JSON in line 1, column 6", 6},
        {"{\"a\":1}x", "end of file expected", 8},
        {"{\n\"a\":x}", "malformed JSON in line 2", 7},
        {"{\"a\":\"\xFF\"}", "malformed JSON", ANY_OFFSET},
        {"{\"a.b\":1,\"a\":{\"b\":2}}", "key \"a.b\" appears twice", -1},
        {"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":"
         "{"
         "\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}}}}}}}}}",
         "nested deeper than 16 levels", -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_refused_at(read_text(cases[i].json), GRT_E_FORMAT, &err,
                          cases[i].fragment, cases[i].offset);
        assert_ptr_equal(strstr(err.text, "dir/config.json: "), err.text);
        grt_metadata_release(&m);
    }
}

static void refuses_every_truncation(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof(sample) - 1; n++) {
        memset(&m, 0, sizeof(m));
        assert_refused(grt_config_read(&m, sample, n, "c", &err), GRT_E_FORMAT, &err,
                       "c: malformed JSON");
        assert_in_range(err.offset, 0, n);
        grt_metadata_release(&m);
    }
}

static void refuses_long_keys(void **state)
{
    (void)state;
    char json[700];
    memset(json, 'k', sizeof(json));
    memcpy(json, "{\"", 2);
    memcpy(json + 600, "\":1}", 5);
    assert_refused_at(read_text(json), GRT_E_FORMAT, &err, "has more than 512 bytes",
                      -1);
    grt_metadata_release(&m);
}

static void frees_all_when_allocation_fails(void **state)
{
    (void)state;
    uint64_t before = grt_memory_now();
    grt_status status = GRT_E_NO_MEMORY;
    uint64_t nth = 0;
    while (status == GRT_E_NO_MEMORY && nth < 100) {
        grt_memory_fail_nth(++nth);
        status = read_text(sample);
        grt_memory_fail_nth(0);
        grt_metadata_release(&m);
        assert_int_equal(grt_memory_now(), before);
    }
    assert_int_equal(status, GRT_OK);
    assert_true(nth >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_scalars),
        cmocka_unit_test(reads_arrays_of_one_type),
        cmocka_unit_test(refuses_bad_text),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(refuses_long_keys),
        cmocka_unit_test(frees_all_when_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
