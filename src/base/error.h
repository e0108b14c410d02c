/* error.h - filling a grt_error and returning early.
 *
 * A function that can fail returns grt_status and takes `grt_error *err` (may be NULL)
 * last. The innermost function writes the text; callers pass it on, and may put context
 * before it once with grt_error_prepend. */
#ifndef GRT_BASE_ERROR_H
#define GRT_BASE_ERROR_H

#include "grating.h"

#include <stdarg.h>

/* C's own formats; on Windows the plain name means those of its C library. */
#if defined(__MINGW32__) && !defined(__clang__)
#define GRT_PRINTF gnu_printf
#else
#define GRT_PRINTF printf
#endif

/* Writes status, offset (-1: none) and text; returns `status`.  err may be NULL. */
__attribute__((format(GRT_PRINTF, 4, 5))) grt_status grt_error_set(
    grt_error *err, grt_status status, int64_t offset, const char *format, ...);

/* Puts "<text>: " before the text that stands in err.  err may be NULL. */
__attribute__((format(GRT_PRINTF, 2, 3))) void grt_error_prepend(grt_error *err,
                                                                 const char *format,
                                                                 ...);

/* Sets err and returns its status from the calling function. */
#define GRT_FAIL(err, status, ...) \
    return grt_error_set((err), (status), -1, __VA_ARGS__)

/* The same with the byte offset in the file at fault. */
#define GRT_FAIL_AT(err, status, offset, ...) \
    return grt_error_set((err), (status), (int64_t)(offset), __VA_ARGS__)

/* Returns what `expr` gives unless it is GRT_OK. */
#define GRT_TRY(expr)                                        \
    do {                                                     \
        grt_status grt_try_status = (expr);                  \
        if (grt_try_status != GRT_OK) return grt_try_status; \
    } while (0)

#endif /* GRT_BASE_ERROR_H */
