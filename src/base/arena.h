/* arena.h - many small objects that are freed together.  One thread at a time. */
#ifndef GRT_BASE_ARENA_H
#define GRT_BASE_ARENA_H

#include "base/error.h"

typedef struct grt_arena {
    struct grt_arena_block *newest;
    size_t used_bytes; /* in the newest block */
} grt_arena;

/* An all-zero grt_arena is empty and ready. */

/* count * size bytes of zeros, aligned to 16; `out` is a pointer to a pointer. */
GRT_NODISCARD grt_status grt_arena_alloc(grt_arena *arena, void *out, size_t count,
                                         size_t size, grt_error *err);

/* A NUL-terminated copy of n bytes. */
GRT_NODISCARD grt_status grt_arena_copy_text(grt_arena *arena, const char **out,
                                             const char *text, size_t n,
                                             grt_error *err);

/* Frees all objects; the arena is empty and ready again. */
void grt_arena_release(grt_arena *arena);

#endif /* GRT_BASE_ARENA_H */
