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

/* 1: a sanitizer's own memory stands in the way of tests that count resident bytes. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GRT_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define GRT_TEST_SANITIZED 1
#endif
#endif
#ifndef GRT_TEST_SANITIZED
#define GRT_TEST_SANITIZED 0
#endif

/* GRT_TEST_LINUX, from CMake: src/os makes Linux's calls; 0: only those of all POSIX
 * systems, which tell less. */

/* Fails with the error's text when `expr` is not GRT_OK. */
#define assert_ok(expr, err)                                          \
    do {                                                              \
        if ((expr) != GRT_OK) fail_msg("%s: %s", #expr, (err)->text); \
    } while (0)

/* `expr` gives the status `wanted`, and a text of one line that contains `fragment`. */
#define assert_refused(expr, wanted, err, fragment) \
    assert_refused_at(expr, wanted, err, fragment, ANY_OFFSET)

/* The same, and the error stands at byte `at` (-1: at none). */
enum { ANY_OFFSET = -2 };
#define assert_refused_at(expr, wanted, err, fragment, at)                      \
    do {                                                                        \
        grt_status status_ = (expr);                                            \
        if (status_ != (wanted) || !strstr((err)->text, (fragment)))            \
            fail_msg("status %d, and \"%s\" does not say \"%s\"", (int)status_, \
                     (err)->text, (fragment));                                  \
        assert_int_equal((err)->status, (wanted));                              \
        assert_null(strchr((err)->text, '\n'));                                 \
        if ((int64_t)(at) != ANY_OFFSET)                                        \
            assert_int_equal((err)->offset, (int64_t)(at));                     \
    } while (0)

#endif /* GRT_TESTS_TEST_H */
