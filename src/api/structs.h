/* structs.h - structs that cross the border of the library and may be older or newer
 * than it: docs/ABI.md.
 *
 * Every public struct begins with its size, set by the caller. */
#ifndef GRT_API_STRUCTS_H
#define GRT_API_STRUCTS_H

#include "base/error.h"

/* The size of a struct whose last field was `last` in the first release. */
#define GRT_FIRST_SIZE(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))

/* Copies the caller's struct `given` into `taken` (of `size` bytes), which holds the
 * defaults; NULL: those stay.  `what` is for errors: "grt_rank: request".
 * GRT_E_INVALID_ARG when it is smaller than `first_size`, GRT_E_UNSUPPORTED when it is
 * longer than `size` and says something there. */
GRT_NODISCARD grt_status grt_take_struct(void *taken, size_t size, size_t first_size,
                                         const void *given, const char *what,
                                         grt_error *err);

/* Copies `filled` (of `size` bytes) into the caller's struct, as far as the size goes
 * that it has set; what it has beyond becomes 0. */
void grt_give_struct(void *given, const void *filled, size_t size);

#endif /* GRT_API_STRUCTS_H */
