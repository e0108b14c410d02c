/* test.c - see test.h. */
#include "rv/test.h"

static const char *title;
static uint64_t n_tests, n_failed_tests, n_checks, n_failed_here;

static void end_test(void)
{
    if (!title) return;
    rv_print(n_failed_here ? "FAIL " : "ok ");
    rv_print(title);
    rv_put('\n');
    n_tests++;
    n_failed_tests += n_failed_here != 0;
}

void rv_test(const char *new_title)
{
    end_test();
    title = new_title;
    n_failed_here = 0;
}

void rv_check_eq(const char *what, int line, uint64_t got, uint64_t wanted)
{
    n_checks++;
    if (got == wanted) return;
    n_failed_here++;
    rv_print("line ");
    rv_print_number((uint64_t)line);
    rv_print(": ");
    rv_print(what);
    rv_print(" is ");
    rv_print_hex(got);
    rv_print(", not ");
    rv_print_hex(wanted);
    rv_put('\n');
}

int rv_tests_end(void)
{
    end_test();
    title = NULL;
    rv_print_number(n_tests);
    rv_print(" tests, ");
    rv_print_number(n_checks);
    rv_print(" checks, ");
    rv_print_number(n_failed_tests);
    rv_print(" failed\n");
    return n_failed_tests != 0;
}
