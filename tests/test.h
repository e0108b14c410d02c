/* test.h - cmocka with its prerequisites, and what all tests share. */
#ifndef GRT_TESTS_TEST_H
#define GRT_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "grating.h"

/* Fails with the error's text when `expr` is not GRT_OK. */
#define assert_ok(expr, err)                                          \
    do {                                                              \
        if ((expr) != GRT_OK) fail_msg("%s: %s", #expr, (err)->text); \
    } while (0)

/* `expr` gives `status` and a text that contains `fragment`. */
#define assert_refused(expr, wanted, err, fragment)                          \
    do {                                                                     \
        assert_int_equal((expr), (wanted));                                  \
        assert_int_equal((err)->status, (wanted));                           \
        if (!strstr((err)->text, (fragment)))                                \
            fail_msg("\"%s\" does not say \"%s\"", (err)->text, (fragment)); \
    } while (0)

#endif /* GRT_TESTS_TEST_H */
