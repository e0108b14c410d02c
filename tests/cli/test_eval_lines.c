/* test_eval_lines.c - lines of qrels and runs, good and bad. */
#include "eval/eval.h"
#include "test.h"

#include <stdlib.h>

static const char *judge(const char *text, eval_judged_line *out)
{
    static char line[256];
    size_t bytes = strlen(text);
    memcpy(line, text, bytes + 1);
    return eval_parse_judgement(out, line, bytes);
}

static const char *parse(const char *text, eval_run_line *out)
{
    static char line[256];
    size_t bytes = strlen(text);
    memcpy(line, text, bytes + 1);
    return eval_parse_run(out, line, bytes);
}

static void expect(const char *text, const char *query, const char *document, int grade)
{
    eval_judged_line line;
    assert_null(judge(text, &line));
    assert_string_equal(line.query, query);
    assert_string_equal(line.document, document);
    assert_int_equal(line.grade, grade);
    assert_false(line.is_header);
}

static void test_judgements(void **state)
{
    (void)state;
    expect("q1\td1\t2", "q1", "d1", 2);
    expect("q 1\ta b\t0", "q 1", "a b", 0);
    expect("q1 0 d1 -1", "q1", "d1", -1);
    expect("  q1\t0 \td1\t 1000000 ", "q1", "d1", 1000000);
    expect("q1 d1 3", "q1", "d1", 3);
    eval_judged_line line;
    assert_null(judge("query-id\tcorpus-id\tscore", &line));
    assert_true(line.is_header);
    static const char fields[] =
        "a judgement has 3 fields (query, document, grade) or 4 (query, 0, document, "
        "grade)";
    assert_string_equal(judge("q1", &line), fields);
    assert_string_equal(judge("q1 d1", &line), fields);
    assert_string_equal(judge("1 2 3 4 5", &line), fields);
    assert_string_equal(judge("1 2 3 4 5 6 7 8 9 10", &line), fields);
    assert_string_equal(judge("\td1\t1", &line), "an id is empty");
    assert_string_equal(judge("q1\t\t1", &line), "an id is empty");
    assert_string_equal(judge("q1\td1\t", &line), "the grade is not a whole number");
    assert_string_equal(judge("q1\td1\t1.5", &line), "the grade is not a whole number");
    static const char range[] = "the grade is not from -1000000 to 1000000";
    assert_string_equal(judge("q1 d1 1000001", &line), range);
    assert_string_equal(judge("q1 d1 99999999999999999999", &line), range);
    assert_string_equal(judge("q1 d\xFF 1", &line), "not valid UTF-8");
    assert_null(judge("q1 d\xC3\xA9 1", &line));
    char nul[] = "q1 d\0 1";
    assert_string_equal(eval_parse_judgement(&line, nul, sizeof nul - 1), "a NUL byte");
}

static void test_runs(void **state)
{
    (void)state;
    eval_run_line line;
    assert_null(parse("q1 Q0 d1 1 -12.5e-1 name", &line));
    assert_string_equal(line.query, "q1");
    assert_string_equal(line.document, "d1");
    assert_true(line.score > -1.26 && line.score < -1.24);
    assert_null(parse("q1\tQ0\td1\t1\t3\tname", &line));
    static const char fields[] =
        "a line of a run has 6 fields: query, Q0, document, rank, score, name";
    assert_string_equal(parse("q1 Q0 d1 1 3", &line), fields);
    assert_string_equal(parse("q1 Q0 d1 1 3 a b", &line), fields);
    static const char *const scores[] = {"x", "1x", "nan", "inf", "1e999"};
    for (size_t i = 0; i < sizeof scores / sizeof scores[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "q1 Q0 d1 1 %s name", scores[i]);
        assert_string_equal(parse(text, &line), "the score is not a number");
    }
}

/* Every prefix and every changed byte of good lines is read or refused, within its
 * block: a sanitizer sees what goes beyond. */
static void test_damaged(void **state)
{
    (void)state;
    static const char *const lines[] = {"q1\td1\t2", "q1 0 d1 1",
                                        "q1 Q0 d1 1 3.25 name"};
    for (size_t i = 0; i < 3; i++) {
        size_t bytes = strlen(lines[i]);
        for (size_t at = 0; at < bytes; at++) {
            for (int value = 0; value < 256; value++) {
                char *copy = malloc(bytes + 1), *prefix = malloc(at + 1);
                eval_judged_line judged;
                eval_run_line ranked;
                assert_true(copy && prefix);
                memcpy(copy, lines[i], bytes + 1);
                memcpy(prefix, lines[i], at);
                prefix[at] = 0;
                copy[at] = (char)value;
                const char *problem = i < 2 ? eval_parse_judgement(&judged, copy, bytes)
                                            : eval_parse_run(&ranked, copy, bytes);
                if (value == 0) assert_string_equal(problem, "a NUL byte");
                if (i == 2 && at < bytes - strlen("ame"))
                    assert_non_null(eval_parse_run(&ranked, prefix, at));
                free(copy);
                free(prefix);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_judgements),
                                       cmocka_unit_test(test_runs),
                                       cmocka_unit_test(test_damaged)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
