/* test_names.c - a set of names. */
#include "eval/names.h"
#include "test.h"

static void test_many(void **state)
{
    (void)state;
    enum { N = 20000 };
    cli_names names = {0};
    char name[32];
    size_t number = 0;
    assert_true(cli_names_find(&names, "0") == CLI_NAMES_NONE);
    for (size_t i = 0; i < N; i++) {
        snprintf(name, sizeof name, "doc%zu", i * 7919);
        assert_int_equal(cli_names_add(&names, name, &number), 1);
        assert_int_equal(number, i);
    }
    for (size_t i = 0; i < N; i++) {
        snprintf(name, sizeof name, "doc%zu", i * 7919);
        assert_int_equal(cli_names_add(&names, name, &number), 0);
        assert_int_equal(number, i);
        assert_int_equal(cli_names_find(&names, name), i);
        assert_string_equal(cli_names_text(&names, i), name);
    }
    assert_int_equal(names.n, N);
    assert_true(cli_names_find(&names, "doc1") == CLI_NAMES_NONE);
    assert_int_equal(cli_names_add(&names, "", &number), 1);
    assert_int_equal(cli_names_find(&names, ""), N);
    cli_names_release(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
