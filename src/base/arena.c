/* arena.c - see arena.h. */
#include "base/arena.h"

#include "base/checked.h"
#include "base/memory.h"

#include <string.h>

enum { BLOCK_BYTES = 64 * 1024, ALIGNMENT = 16 };

typedef struct grt_arena_block {
    struct grt_arena_block *older;
    size_t capacity;
    _Alignas(ALIGNMENT) unsigned char data[];
} grt_arena_block;

static grt_status block_add(grt_arena *arena, size_t n_bytes, grt_error *err)
{
    size_t capacity = n_bytes > BLOCK_BYTES ? n_bytes : BLOCK_BYTES;
    size_t total;
    if (!grt_add_size(&total, capacity, sizeof(grt_arena_block)))
        GRT_FAIL(err, GRT_E_NO_MEMORY, "no memory for an object of %zu bytes", n_bytes);
    grt_arena_block *block;
    GRT_TRY(grt_alloc(&block, total, "an arena block", err));
    block->older = arena->newest;
    block->capacity = capacity;
    arena->newest = block;
    arena->used_bytes = 0;
    return GRT_OK;
}

grt_status grt_arena_alloc(grt_arena *arena, void *out, size_t count, size_t size,
                           grt_error *err)
{
    size_t n_bytes;
    if (!grt_mul_size(&n_bytes, count, size) ||
        !grt_add_size(&n_bytes, n_bytes, ALIGNMENT - 1))
        GRT_FAIL(err, GRT_E_NO_MEMORY, "no memory for %zu x %zu bytes", count, size);
    n_bytes -= n_bytes % ALIGNMENT;
    if (!arena->newest || n_bytes > arena->newest->capacity - arena->used_bytes)
        GRT_TRY(block_add(arena, n_bytes, err));
    void *object = arena->newest->data + arena->used_bytes;
    arena->used_bytes += n_bytes;
    memset(object, 0, n_bytes);
    memcpy(out, &object, sizeof(object));
    return GRT_OK;
}

grt_status grt_arena_copy_text(grt_arena *arena, const char **out, const char *text,
                               size_t n, grt_error *err)
{
    size_t with_nul;
    if (!grt_add_size(&with_nul, n, 1))
        GRT_FAIL(err, GRT_E_NO_MEMORY, "no memory for a text of %zu bytes", n);
    char *copy;
    GRT_TRY(grt_arena_alloc(arena, &copy, with_nul, 1, err));
    if (n) memcpy(copy, text, n);
    *out = copy;
    return GRT_OK;
}

void grt_arena_release(grt_arena *arena)
{
    for (grt_arena_block *block = arena->newest; block;) {
        grt_arena_block *older = block->older;
        grt_free(block);
        block = older;
    }
    memset(arena, 0, sizeof(*arena));
}
