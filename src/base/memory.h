/* memory.h - every allocation of the library, accounted.
 *
 * Blocks are aligned to 64 bytes.  Sizes are counted in two process-wide numbers (now
 * and most so far).  All functions are thread safe.  Many small objects belong in an
 * arena (arena.h): a block costs 64 bytes more than asked. */
#ifndef GRT_BASE_MEMORY_H
#define GRT_BASE_MEMORY_H

#include "base/error.h"

enum { GRT_BLOCK_HEADER = 64 }; /* that a block takes beyond its size */

/* n_bytes, not initialised; n_bytes 0 gives a block that may be freed.  GRT_E_NO_MEMORY
 * names `what`. */
GRT_NODISCARD grt_status grt_alloc(void *out, size_t n_bytes, const char *what,
                                   grt_error *err);

/* count * size bytes of zeros; overflow is GRT_E_NO_MEMORY. */
GRT_NODISCARD grt_status grt_alloc_array(void *out, size_t count, size_t size,
                                         const char *what, grt_error *err);

/* Grows or shrinks *block (a pointer to the caller's pointer, which may be NULL) to
 * count * size bytes and keeps the contents; on failure *block stays as it was. */
GRT_NODISCARD grt_status grt_realloc_array(void *block, size_t count, size_t size,
                                           const char *what, grt_error *err);

/* Accepts NULL. */
void grt_free(void *block);

/* Bytes of the block that are resident: a large block may have pages that nothing was
 * written to.  Accepts NULL. */
uint64_t grt_memory_resident(const void *block);

uint64_t grt_memory_now(void);
uint64_t grt_memory_peak(void);

/* The part of all blocks that is resident (grt_memory_resident). */
uint64_t grt_memory_resident_now(void);

/* Bytes that the calling thread has allocated, less those that it has freed: a
 * difference of two calls is what the thread kept in between. */
int64_t grt_memory_of_thread(void);

/* Tests only: the n-th allocation from now on fails (0: none does), once. */
void grt_memory_fail_nth(uint64_t n);

#endif /* GRT_BASE_MEMORY_H */
