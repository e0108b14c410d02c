/* room.c - what --memory leaves for what the command itself reads and keeps. */
#include "frame/room.h"

#include "frame/process.h"

#include <stdlib.h>

enum {
    STEP_BYTES = 256 << 10, /* by which large blocks grow under a budget */
    /* What a look does not see: the ends of a few blocks that were not written to, and
     * what the system counts late. */
    MARGIN_BYTES = 1792 << 10,
    HEADER_BYTES = 16, /* of the allocator */
    /* Small inputs are read in any case: the plan that refuses them knows exactly what
     * would do. */
    SMALL_BYTES = 256 << 10,
    LOOK_BYTES = 4 << 20 /* after so much at the latest comes the next look */
};

static struct {
    uint64_t budget; /* 0: none */
    uint64_t left;   /* since the last look */
    uint64_t small;  /* that is left of what needs no look */
    void (*yield)(void *payload);
    void *payload;
} room;
static _Thread_local int json_failed; /* the parser got no room */

int cli_room_take_json(size_t bytes)
{
    int fits = cli_room_take((uint64_t)bytes + HEADER_BYTES);
    if (!fits) json_failed = 1;
    return fits;
}

void cli_room_watch_json(void)
{
    json_failed = 0;
}

int cli_room_failed_json(void)
{
    return json_failed;
}

void cli_room_set(uint64_t budget_bytes)
{
    room.budget = budget_bytes;
    cli_room_look_again();
    if (budget_bytes) cli_process_map_large_blocks();
}

uint64_t cli_room_budget(void)
{
    return room.budget;
}

void cli_room_yield_with(void (*yield)(void *payload), void *payload)
{
    room.yield = yield;
    room.payload = payload;
}

void cli_room_look_again(void)
{
    room.left = 0;
    room.small = SMALL_BYTES;
}

uint64_t cli_room_taken(void)
{
    uint64_t resident = cli_process_resident();
    return resident ? resident + MARGIN_BYTES : 0;
}

static int looks_enough(uint64_t bytes)
{
    uint64_t taken = cli_room_taken();
    uint64_t fits = taken < room.budget ? room.budget - taken : 0;
    room.left = 0;
    if (bytes > fits) return 0;
    room.left = fits - bytes < LOOK_BYTES ? fits - bytes : LOOK_BYTES;
    return 1;
}

int cli_room_take(uint64_t bytes)
{
    if (!room.budget) return 1;
    if (bytes <= room.small) {
        room.small -= bytes;
        return 1;
    }
    if (bytes <= room.left) {
        room.left -= bytes;
        return 1;
    }
    if (looks_enough(bytes)) return 1;
    if (room.yield) room.yield(room.payload);
    cli_process_trim();
    return looks_enough(bytes);
}

size_t cli_room_grown(size_t bytes)
{
    size_t more = bytes;
    if (room.budget && more > STEP_BYTES) more = STEP_BYTES;
    return bytes <= SIZE_MAX - more ? bytes + more : SIZE_MAX;
}

void *cli_room_resize(void *block, size_t had, size_t bytes)
{
    /* Large blocks are moved page by page, small ones are there twice for a moment. */
    int is_moved = had >= CLI_MAPPED_BYTES;
    if (bytes > had && !cli_room_take((is_moved ? bytes - had : bytes) + HEADER_BYTES))
        return NULL;
    return realloc(block, bytes);
}

void *cli_room_alloc(size_t bytes)
{
    return cli_room_take((uint64_t)bytes + HEADER_BYTES) ? malloc(bytes) : NULL;
}

void *cli_room_zeros(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size) return NULL;
    return cli_room_take((uint64_t)count * size + HEADER_BYTES) ? calloc(count, size)
                                                                : NULL;
}
