/* wire/: what it writes parses, and nothing dangerous comes out. */
#include "wire/results.h"
#include "golden/noted.h"

#include <jansson.h>
#include <math.h>
#include <utf8proc.h>

/* ---- An oracle of its own: Unicode's categories ---- */

/* Format characters that are seen: signs that go before or around others. */
static int is_seen(uint32_t point)
{
    return (point >= 0x600 && point <= 0x605) || point == 0x6DD || point == 0x70F ||
           point == 0x890 || point == 0x891 || point == 0x8E2 || point == 0x110BD ||
           point == 0x110CD || (point >= 0x13430 && point <= 0x1345F);
}

static int is_dangerous(uint32_t point)
{
    switch ((int)utf8proc_category((utf8proc_int32_t)point)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return 1;
    case UTF8PROC_CATEGORY_CF: return !is_seen(point);
    default: return 0;
    }
}

static int is_white(uint32_t point)
{
    return utf8proc_category((utf8proc_int32_t)point) == UTF8PROC_CATEGORY_ZS;
}

static const wire_format formats[] = {WIRE_TERMINAL, WIRE_SVG, WIRE_JSON, WIRE_TSV,
                                      WIRE_TREC};
enum { N_FORMATS = sizeof formats / sizeof formats[0] };

/* Valid UTF-8 without anything that acts. */
static void check_harmless(const wire_buffer *out, wire_format format)
{
    assert_false(out->has_failed);
    assert_true(wire_is_utf8(out->data, out->bytes));
    for (size_t i = 0; i < out->bytes;) {
        utf8proc_int32_t point;
        i += (size_t)utf8proc_iterate((const utf8proc_uint8_t *)out->data + i,
                                      (utf8proc_ssize_t)(out->bytes - i), &point);
        if (is_dangerous((uint32_t)point))
            fail_msg("U+%04X comes out of format %d", (unsigned)point, (int)format);
        if (format == WIRE_TREC && is_white((uint32_t)point))
            fail_msg("U+%04X, white space, stands in a TREC field", (unsigned)point);
    }
    if (format == WIRE_TSV && out->bytes)
        assert_null(strchr("=+@", out->data[0] ? out->data[0] : 'x'));
}

static void test_all_characters(void **state)
{
    (void)state;
    wire_buffer out = {0};
    for (size_t f = 0; f < N_FORMATS; f++) {
        for (uint32_t point = 0; point <= 0x10FFFF; point++) {
            char text[8];
            if (point >= 0xD800 && point < 0xE000) continue;
            size_t bytes = wire_encode(text, point);
            wire_clear(&out);
            wire_put_text(&out, formats[f], text, bytes);
            check_harmless(&out, formats[f]);
        }
    }
    wire_release(&out);
}

/* The generator of Numerical Recipes. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void test_random_bytes(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "\x1b[2J", "\xC2\x9B", "\xE2\x80\xAE", "=cmd|' /C calc'!A0", "</text><script>",
        "\"},{",   "\\u0000",  "\xEF\xBB\xBF", "\xED\xA0\x80",       "\xF0\x9F\x98"};
    wire_buffer out = {0};
    uint32_t seed = 7;
    for (size_t trial = 0; trial < 20000; trial++) {
        char text[64];
        size_t n = next_random(&seed) % 24;
        for (size_t i = 0; i < n; i++)
            text[i] = (char)next_random(&seed);
        const char *piece = pieces[next_random(&seed) % 10];
        memcpy(text + n, piece, strlen(piece));
        n += strlen(piece);
        for (size_t f = 0; f < N_FORMATS; f++) {
            wire_clear(&out);
            wire_put_text(&out, formats[f], text, n);
            check_harmless(&out, formats[f]);
            if (formats[f] == WIRE_SVG) assert_null(memchr(out.data, '<', out.bytes));
        }
    }
    wire_release(&out);
}

/* ---- JSON ---- */

static json_t *parse(const wire_buffer *out)
{
    json_error_t error;
    assert_false(out->has_failed);
    json_t *value =
        json_loadb(out->data, out->bytes,
                   JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!value) fail_msg("%s in %.*s", error.text, (int)out->bytes, out->data);
    return value;
}

static void test_texts_come_back(void **state)
{
    (void)state;
    static const char text[] = "a\0b\x1b\n\t\"\\\xC2\x9B\xE2\x80\xAE\xF3\xA0\x81\x81"
                               "\xE2\x80\x8D\xF0\x9F\x98\x80";
    wire_buffer out = {0};
    wire_json json = {.out = &out};
    wire_text(&json, NULL, text, sizeof text - 1);
    check_harmless(&out, WIRE_JSON);
    json_t *value = parse(&out);
    assert_int_equal(json_string_length(value), sizeof text - 1);
    assert_memory_equal(json_string_value(value), text, sizeof text - 1);
    json_decref(value);
    wire_release(&out);
}

static void test_numbers_come_back(void **state)
{
    (void)state;
    wire_buffer out = {0};
    uint32_t seed = 1;
    for (size_t trial = 0; trial < 50000; trial++) {
        uint32_t bits = next_random(&seed) << 16 ^ next_random(&seed);
        float value;
        memcpy(&value, &bits, sizeof value);
        wire_json json = {.out = &out};
        wire_clear(&out);
        wire_float(&json, NULL, value);
        wire_put(&out, "", 1);
        if (!isfinite(value))
            assert_string_equal(out.data, "null");
        else
            assert_true(strtof(out.data, NULL) == value);
    }
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"},
                 {1e300, "1e+300"},
                 {-0.5, "-0.5"},
                 {HUGE_VAL, "null"},
                 {1.0 / 3, "0.3333333333333333"}};
    for (size_t i = 0; i < 5; i++) {
        wire_json json = {.out = &out};
        wire_clear(&out);
        wire_double(&json, NULL, cases[i].value);
        wire_put(&out, "", 1);
        assert_string_equal(out.data, cases[i].text);
    }
    wire_json json = {.out = &out};
    wire_clear(&out);
    wire_float(&json, NULL, 0.1F);
    wire_put(&out, "", 1);
    assert_string_equal(out.data, "0.1"); /* and not 0.100000001 */
    wire_release(&out);
}

static wire_id id_of(size_t index, void *payload)
{
    (void)payload;
    if (index == 0) return (wire_id){0};
    return index == 1 ? (wire_id){"12", 2, 1} : (wire_id){"a\"b", 3, 0};
}

static void test_objects_parse(void **state)
{
    (void)state;
    wire_buffer out = {0};
    wire_json json = {.out = &out};
    grt_stats stats = {.n_documents = 3, .n_layers = 4, .precision = 0.9F};
    grt_error error = {.status = GRT_E_IO, .offset = 7, .text = "x\ny"};
    grt_model_info info = {.architecture = "bert", .n_layers = 4};
    static const size_t indices[] = {2, 0};
    static const float scores[] = {0.5F, NAN};
    static const int32_t states[] = {GRT_STATE_ACTIVE, GRT_STATE_DROPPED};
    grt_step step = GRT_STEP_INIT;
    step.layer = 1;
    step.n_layers = 4;
    step.n = 2;
    step.indices = indices;
    step.scores = scores;
    step.states = states;
    step.expected_precision = 0.25f;
    grt_memory_plan plan = GRT_MEMORY_PLAN_INIT, unplanned = GRT_MEMORY_PLAN_INIT;
    plan.n_layers = 4;
    const uint64_t process_bytes = 5;
    wire_ranking ranking = {.model = "m\xFF",
                            .query = "q",
                            .query_bytes = 1,
                            .query_number = 2,
                            .query_id = id_of(1, NULL)};
    wire_begin(&json, NULL, '[');
    wire_put_ranking(&json, &ranking);
    wire_put_ranking_error(&json, &ranking, GRT_E_NO_MEMORY, "too large");
    wire_put_step(&json, NULL, &step);
    wire_put_stats(&json, NULL, &stats, &plan, &process_bytes);
    wire_put_stats(&json, NULL, &stats, &unplanned, &process_bytes);
    wire_put_error(&json, NULL, GRT_E_IO, &error);
    wire_begin(&json, NULL, '{');
    wire_put_model_members(&json, &info);
    wire_end(&json, '}');
    wire_begin(&json, NULL, '{');
    wire_put_id(&json, "none", id_of(0, NULL));
    wire_put_id(&json, "number", id_of(1, NULL));
    wire_put_id(&json, "text", id_of(2, NULL));
    wire_end(&json, '}');
    wire_end(&json, ']');
    json_t *all = parse(&out);
    assert_int_equal(json_array_size(all), 8);
    const json_t *first = json_array_get(all, 0);
    assert_string_equal(json_string_value(json_object_get(first, "format")),
                        WIRE_RANKING_FORMAT);
    assert_int_equal(json_integer_value(json_object_get(first, "query_id")), 12);
    assert_int_equal(json_array_size(json_object_get(first, "results")), 0);
    const json_t *failed = json_object_get(json_array_get(all, 1), "error");
    assert_string_equal(json_string_value(json_object_get(failed, "status")),
                        "no_memory");
    const json_t *second = json_object_get(json_array_get(all, 2), "scores");
    assert_true(json_is_null(json_array_get(second, 1)));
    const json_t *expected =
        json_object_get(json_array_get(all, 2), "expected_precision");
    assert_true(json_real_value(expected) == 0.25);
    const json_t *planned = json_object_get(json_array_get(all, 3), "plan");
    assert_int_equal(json_integer_value(json_object_get(planned, "process_bytes")), 5);
    assert_true(json_is_null(json_object_get(json_array_get(all, 4), "plan")));
    const json_t *ids = json_array_get(all, 7);
    assert_int_equal(json_object_size(ids), 2);
    assert_string_equal(json_string_value(json_object_get(ids, "text")), "a\"b");
    json_decref(all);
    wire_release(&out);
}

/* Those of a level and above, each with its level; no member where there is none. */
static void test_notes_of_a_model(void **state)
{
    (void)state;
    static const size_t wanted[] = {
        [GRT_NOTE_DETAIL] = N_NOTED, [GRT_NOTE_RESULT] = N_NOTED_RESULTS};
    grt_error err;
    grt_model *noted = NULL, *plain = NULL;
    temp_dir dir;
    noted_make(&dir);
    assert_ok(grt_model_open(&noted, NULL, dir.path, NULL, &err), &err);
    assert_ok(
        grt_model_open(&plain, NULL, GRT_TEST_DATA "/golden/bert-f32", NULL, &err),
        &err);
    for (int level = GRT_NOTE_DETAIL; level <= GRT_NOTE_RESULT; level++) {
        wire_buffer out = {0};
        wire_json json = {.out = &out};
        wire_ranking ranking = {.model = "m", .noted = noted};
        wire_begin(&json, NULL, '{');
        wire_put_notes(&json, "notes", noted, (grt_note_level)level);
        wire_put_notes(&json, "none", plain, (grt_note_level)level);
        wire_begin(&json, "all", '[');
        wire_put_ranking(&json, &ranking);
        wire_end(&json, ']');
        wire_end(&json, '}');
        json_t *object = parse(&out);
        const json_t *notes = json_object_get(object, "notes");
        assert_int_equal(json_array_size(notes), wanted[level]);
        for (size_t i = 0; i < wanted[level]; i++) {
            const json_t *note = json_array_get(notes, i);
            grt_note_level said;
            const char *name = json_string_value(json_object_get(note, "level"));
            assert_int_equal(grt_note_level_from_text(&said, name), GRT_OK);
            assert_true((int)said >= level);
            assert_non_null(json_string_value(json_object_get(note, "text")));
        }
        assert_null(json_object_get(object, "none"));
        const json_t *ranked = json_array_get(json_object_get(object, "all"), 0);
        assert_int_equal(json_array_size(json_object_get(ranked, "notes")),
                         N_NOTED_RESULTS);
        json_decref(object);
        wire_release(&out);
    }
    grt_model_close(plain);
    grt_model_close(noted);
    temp_remove(&dir);
}

static void test_every_status_has_a_name(void **state)
{
    (void)state;
    const char *seen[16];
    size_t n = 0;
#define GRT_X(name, value, text) seen[n++] = wire_status_name(GRT_##name);
    GRT_STATUS_LIST(GRT_X)
#undef GRT_X
    for (size_t i = 0; i < n; i++) {
        assert_string_not_equal(seen[i], "unknown");
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(seen[i], seen[j]);
    }
}

static void test_failure_stays(void **state)
{
    (void)state;
    wire_buffer out = {.has_failed = 1};
    wire_put_string(&out, "a");
    wire_printf(&out, "%d", 1);
    assert_true(out.has_failed);
    assert_int_equal(out.bytes, 0);
    wire_clear(&out);
    wire_put(&out, "a", SIZE_MAX - 4); /* more than there is */
    assert_true(out.has_failed);
    wire_release(&out);
}

static void test_numbers_are_no_formulas(void **state)
{
    (void)state;
    static const struct {
        const char *text, *written;
    } cases[] = {{"-5", "-5"},      {"-1.5", "-1.5"}, {"-5+cmd", "\\x2d5+cmd"},
                 {"-", "\\x2d"},    {"+1", "\\x2b1"}, {"@SUM(1)", "\\x40SUM(1)"},
                 {"=1", "\\x3d1"},  {"a=1", "a=1"},   {"-.", "\\x2d."},
                 {"\t=1", "\\t=1"}, {"1-2", "1-2"},   {"", ""}};
    wire_buffer out = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wire_clear(&out);
        wire_put_text(&out, WIRE_TSV, cases[i].text, strlen(cases[i].text));
        wire_put(&out, "", 1);
        assert_string_equal(out.data, cases[i].written);
    }
    wire_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_characters),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_texts_come_back),
        cmocka_unit_test(test_numbers_come_back),
        cmocka_unit_test(test_objects_parse),
        cmocka_unit_test(test_notes_of_a_model),
        cmocka_unit_test(test_every_status_has_a_name),
        cmocka_unit_test(test_failure_stays),
        cmocka_unit_test(test_numbers_are_no_formulas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
