/*
 * room.h - what --memory leaves for what the command itself reads and keeps.
 *
 * The library plans its own part (host.h).  Texts, ids, judgements and parsed JSON are
 * the command's: it asks here before it takes memory that grows with its input, and
 * what does not fit is refused before it is used.  The room is what the budget leaves
 * beside what the system says is resident; between two looks what was taken is counted.
 * One thread at a time: only the main thread reads.
 *
 * A refusal is to name a budget that works (tally.h), so an input that does not fit is
 * read on, and counted, but not kept.
 */
#ifndef CLI_ROOM_H
#define CLI_ROOM_H

#include <stddef.h>
#include <stdint.h>

/* Sets the budget; 0: none, and nothing below refuses. */
void cli_room_set(uint64_t budget_bytes);
uint64_t cli_room_budget(void);
/* Called before something is refused: gives back what is kept for later only.  NULL:
 * nothing is. */
void cli_room_yield_with(void (*yield)(void *payload), void *payload);
/* What was known of the room is old: the library has computed. */
void cli_room_look_again(void);
/* Whether so many bytes more fit; they count as taken then. */
int cli_room_take(uint64_t bytes);
/* Bytes that are resident, and those that nobody is to count on: 0 when unknown. */
uint64_t cli_room_taken(void);

/* The same for a block of parsed JSON, on any thread while there is no budget; whether
 * all of them fitted since the watch began on this thread. */
int cli_room_take_json(size_t bytes);
void cli_room_watch_json(void);
int cli_room_failed_json(void);

/* The next capacity of a block that grows from `bytes` on: under a budget large blocks
 * grow by little, since what is not written to yet does not show as resident. */
size_t cli_room_grown(size_t bytes);
/* realloc from `had` bytes to `bytes` of what fits; NULL otherwise, too. */
void *cli_room_resize(void *block, size_t had, size_t bytes);
/* malloc of what fits. */
void *cli_room_alloc(size_t bytes);
/* calloc of what fits. */
void *cli_room_zeros(size_t count, size_t size);

#endif
