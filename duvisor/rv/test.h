/* test.h - checks in a program that runs alone on the machine.
 *
 * Each test prints "ok TITLE", or lines that say what differed and "FAIL TITLE"; the
 * end prints the totals. */
#ifndef DV_RV_TEST_H
#define DV_RV_TEST_H

#include "rv/program.h"

/* Begins a test, and ends the one before. */
void rv_test(const char *title);

void rv_check_eq(const char *what, int line, uint64_t got, uint64_t wanted);

#define CHECK_EQ(got, wanted) \
    rv_check_eq(#got, __LINE__, (uint64_t)(got), (uint64_t)(wanted))
#define CHECK(condition) rv_check_eq(#condition, __LINE__, (condition) != 0, 1)

/* Ends the last test; the program's result. */
int rv_tests_end(void);

#endif /* DV_RV_TEST_H */
