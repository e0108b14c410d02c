/* grow.h - arrays that readers fill one element at a time.
 *
 * The capacity follows from the count (16, then the powers of two), so that it is
 * stored nowhere. */
#ifndef GRT_FORMATS_GROW_H
#define GRT_FORMATS_GROW_H

#include "base/memory.h"

/* Makes room for one more element after the n that *array (a pointer to the caller's
 * pointer, NULL at first) holds.  The caller frees the array with grt_free. */
static inline grt_status grt_grow(void *array, size_t n, size_t size, const char *what,
                                  grt_error *err)
{
    if (n == 0) return grt_realloc_array(array, 16, size, what, err);
    if (n < 16 || (n & (n - 1)) != 0) return GRT_OK;
    if (n > SIZE_MAX / 2) GRT_FAIL(err, GRT_E_NO_MEMORY, "no memory for %s", what);
    return grt_realloc_array(array, 2 * n, size, what, err);
}

#endif /* GRT_FORMATS_GROW_H */
