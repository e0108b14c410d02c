/* test_lenient.c - JSON that Python writes and reads and a strict reader does not. */
#include "test.h"

#include "base/memory.h"
#include "formats/json.h"

static grt_notes notes;
static grt_error err;
static json_t *root;

static grt_status read_bytes(const char *text, size_t n)
{
    return grt_json_lenient(&root, text, n, "dir/a.json", &notes, &err);
}

static void check(const char *text, const char *strict, const char *note)
{
    assert_ok(read_bytes(text, strlen(text)), &err);
    json_t *wanted = json_loads(strict, 0, NULL);
    assert_non_null(wanted);
    if (!json_equal(root, wanted)) {
        char *found = json_dumps(root, 0);
        fail_msg("%s became %s", text, found);
    }
    assert_int_equal(notes.n, 1);
    assert_non_null(strstr(notes.list[0].text, note));
    assert_ptr_equal(strstr(notes.list[0].text, "dir/a.json: "), notes.list[0].text);
    json_decref(wanted);
    json_decref(root);
    grt_notes_release(&notes);
}

static void test_what_is_read(void **state)
{
    (void)state;
    check("\xef\xbb\xbf{\"a\":1}", "{\"a\":1}", "byte order mark");
    check("{\"a\":[NaN, -Infinity,Infinity]}",
          "{\"a\":[\"NaN\",\"-Infinity\",\"Infinity\"]}", "NaN");
    check("{\"a\":1e999,\"b\":-2.5}", "{\"a\":\"Infinity\",\"b\":-2.5}", "Infinity");
    check("{\"a\":18446744073709551615,\"b\":9223372036854775}",
          "{\"a\":1.8446744073709551615e19,\"b\":9223372036854775}", "64 bits");
    check("{\"a\":-1000000000000000019884624838656}", "{\"a\":-1e30}", "64 bits");
    check("{\"a\":\"x\\ud83dy\",\"b\":\"\\ud83d\\ude00 \\udc00\"}",
          "{\"a\":\"x\\ufffdy\",\"b\":\"\\ud83d\\ude00 \\ufffd\"}", "surrogate");
    check("{\"a\":1,\"b\":{\"c\":1,\"c\":2},\"d\":3}",
          "{\"a\":1,\"b\":{\"c\":2},\"d\":3}", "twice");
    check("{\"a\":1,\"a\":2}", "{\"a\":2}", "the last one counts");
}

/* Words and digits inside of texts stay, and nothing is said. */
static void test_what_stays(void **state)
{
    (void)state;
    static const char text[] =
        "{\"NaN\":\"Infinity \\\"-Infinity\\\" 18446744073709551615\",\"b\":1e30,"
        "\"c\":\"\\\\ud83d\",\"d\":-9223372036854775808}";
    assert_ok(read_bytes(text, strlen(text)), &err);
    assert_int_equal(notes.n, 0);
    assert_string_equal(json_string_value(json_object_get(root, "NaN")),
                        "Infinity \"-Infinity\" 18446744073709551615");
    assert_string_equal(json_string_value(json_object_get(root, "c")), "\\ud83d");
    json_decref(root);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        const char *fragment;
        int64_t offset;
    } cases[] = {
        {"{\"a\":nan}", 9, "malformed JSON", -2},
        {"{\"a\":Inf}", 9, "malformed JSON", -2},
        {"{\"a\":NaN,\n\"b\":x}", 16, "malformed JSON in line 2", -2},
        {"{\"a\":1", 6, "line 1, column 6", 6},
        {"[NaN]", 5, "not a JSON object", -2},
        {"{\"a\":\"\\ud83", 11, "malformed JSON", -2},
        {"{\"a\":-", 6, "malformed JSON", -2},
        {"\xff\xfe{\0}\0", 6, "is not JSON but a text in UTF-16", 0},
        {"\xfe\xff\0{\0}", 6, "UTF-16", 0},
        {"\x1f\x8b\x08\0\0", 5, "gzip", 0},
        {"version https://git-lfs.github.com", 34, "git lfs pull", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_refused(read_bytes(cases[i].text, cases[i].n), GRT_E_FORMAT, &err,
                       cases[i].fragment);
        if (cases[i].offset >= 0) assert_int_equal(err.offset, cases[i].offset);
    }
    assert_int_equal(notes.n, 0);
    assert_int_equal(grt_memory_now(), 0);
}

static void test_every_cut(void **state)
{
    (void)state;
    static const char text[] =
        "\xef\xbb\xbf{\"a\":[NaN,18446744073709551615,\"\\ud83d\"]}";
    for (size_t n = 0; n + 1 < sizeof(text) - 1; n++) {
        char *exact = malloc(n ? n : 1);
        assert_non_null(exact);
        memcpy(exact, text, n);
        assert_int_equal(read_bytes(exact, n), GRT_E_FORMAT);
        free(exact);
    }
    assert_int_equal(grt_memory_now(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_read),
        cmocka_unit_test(test_what_stays),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_every_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
