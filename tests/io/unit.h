/* unit.h - cmocka with its prerequisites, and checks that the tests share. */
#ifndef GRT_TESTS_UNIT_H
#define GRT_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "grating.h"

#include <stdio.h>
#include <string.h>

/* Status, a fragment of the text, one line, and the offset (UNIT_ANY_OFFSET: not
 * checked). */
enum { UNIT_ANY_OFFSET = -2 };
#define assert_fault(got, err, wanted, fragment, at)                           \
    do {                                                                       \
        grt_status unit_got = (got);                                           \
        if (unit_got != (wanted) || !strstr((err).text, (fragment)))           \
            print_message("status %d, text: %s\n", (int)unit_got, (err).text); \
        assert_int_equal(unit_got, (wanted));                                  \
        assert_int_equal((err).status, (wanted));                              \
        assert_non_null(strstr((err).text, (fragment)));                       \
        assert_null(strchr((err).text, '\n'));                                 \
        if ((int64_t)(at) != UNIT_ANY_OFFSET)                                  \
            assert_int_equal((err).offset, (int64_t)(at));                     \
    } while (0)

#define assert_ok(call, err)                                              \
    do {                                                                  \
        grt_status unit_got = (call);                                     \
        if (unit_got != GRT_OK) print_message("error: %s\n", (err).text); \
        assert_int_equal(unit_got, GRT_OK);                               \
    } while (0)

#endif /* GRT_TESTS_UNIT_H */
