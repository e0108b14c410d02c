/* test_notes.c - notes stay one line, appear once, and end at a number. */
#include "test.h"

#include "base/memory.h"
#include "base/notes.h"

static void test_adding(void **state)
{
    (void)state;
    grt_notes a = {0}, b = {0};
    grt_error err;
    assert_ok(grt_notes_add(&a, GRT_NOTE_DETAIL, &err, "key %d\nof two", 1), &err);
    assert_ok(grt_notes_add(&a, GRT_NOTE_DETAIL, &err, "key %d\nof two", 1), &err);
    assert_int_equal(a.n, 1);
    assert_string_equal(a.list[0].text, "key 1?of two");
    assert_ok(grt_notes_add(&b, GRT_NOTE_RESULT, &err, "other"), &err);
    assert_ok(grt_notes_append(&b, &a, &err), &err);
    assert_ok(grt_notes_append(&b, &a, &err), &err);
    assert_int_equal(b.n, 2);
    assert_int_equal(b.list[0].level, GRT_NOTE_RESULT);
    assert_string_equal(b.list[1].text, "key 1?of two");
    grt_notes_release(&a);
    grt_notes_release(&b);
    assert_int_equal(grt_memory_now(), 0);
}

static void test_long_texts_end_at_a_character(void **state)
{
    (void)state;
    grt_notes notes = {0};
    char text[400];
    memset(text, 'x', sizeof(text));
    for (size_t i = 239; i + 2 < sizeof(text); i += 2)
        memcpy(text + i, "\xc3\xa9", 2); /* the limit lies inside a character */
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(grt_notes_add(&notes, GRT_NOTE_DETAIL, NULL, "%s", text), GRT_OK);
    assert_int_equal(strlen(notes.list[0].text), 239);
    grt_notes_release(&notes);
}

static void test_many(void **state)
{
    (void)state;
    grt_notes notes = {0};
    for (int i = 0; i < 3 * GRT_MAX_NOTES; i++)
        assert_int_equal(grt_notes_add(&notes, GRT_NOTE_DETAIL, NULL, "key %d", i),
                         GRT_OK);
    assert_int_equal(notes.n, GRT_MAX_NOTES + 1);
    assert_string_equal(notes.list[GRT_MAX_NOTES - 1].text, "key 99");
    assert_non_null(strstr(notes.list[GRT_MAX_NOTES].text, "more"));
    grt_notes_release(&notes);
    assert_int_equal(grt_memory_now(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adding),
        cmocka_unit_test(test_long_texts_end_at_a_character),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
