/* turns.h - who may use what only one can use at a time, and who comes next.
 *
 * Everybody has a turn (grt_turn) of its own that counts the time for which it held the
 * common thing; of those that wait, the one that has had the least goes next, so that a
 * newcomer with little to do does not wait for one with much.  A holder that has more
 * to do asks grt_turns_is_due now and then and gives way when it says so.
 *
 * A newcomer does not begin at 0 but a head start before the time that everybody would
 * have had if all had been served alike: an endless row of newcomers does not keep an
 * old one waiting for ever (the virtual clock of fair queueing, Demers, Keshav &
 * Shenker 1989).
 *
 * All functions are thread safe; a grt_turn has one user at a time. */
#ifndef GRT_BASE_TURNS_H
#define GRT_BASE_TURNS_H

#include "base/stop.h"
#include "os/os.h"

/* All zero: a newcomer. */
typedef struct grt_turn {
    uint64_t used_ns; /* for which it held, in all, and what it began with */
    bool has_begun;
    bool has_held;
    uint64_t since_ns; /* it holds */
    uint64_t waited_ns;
    /* while it waits */
    struct grt_turn *next;
    grt_os_condition given;
    bool is_given;
} grt_turn;

typedef struct grt_turns {
    grt_os_mutex lock;
    /* guarded by lock */
    grt_turn *waiting; /* in the order in which they came */
    size_t n_waiting;
    bool is_held;
    uint64_t clock_ns; /* what everybody would have had */
    /* The least used_ns of those that wait; UINT64_MAX: nobody does.  Written under the
     * lock, read without. */
    atomic_uint_fast64_t least_ns;
    atomic_bool is_newcomer; /* the one that has it: it never held */
} grt_turns;

#define GRT_TURN_HEAD_START_NS UINT64_C(10000000000)

/* How long a wait takes to see that it shall stop. */
enum { GRT_TURN_POLL_NS = 10000000 };

void grt_turns_init(grt_turns *turns);
void grt_turns_release(grt_turns *turns);

/* Waits until it is this one's turn, or until the stop (may be NULL) is asked for; what
 * is returned then is not GRT_STOP_NONE, and nothing is held. */
grt_stop_reason grt_turns_take(grt_turns *turns, grt_turn *turn, const grt_stop *stop);

/* Gives the turn to the next. */
void grt_turns_give(grt_turns *turns, grt_turn *turn);

/* How long one may hold while a newcomer waits, whatever a change of turns costs. */
#define GRT_TURN_NEWCOMER_NS UINT64_C(10000000)

/* Whether the holder shall give way: one waits that has had less by more than slice_ns,
 * the longer the more a change of turns costs; or that has had nothing yet, by more
 * than GRT_TURN_NEWCOMER_NS. */
bool grt_turns_is_due(const grt_turns *turns, const grt_turn *turn, uint64_t slice_ns);

#endif /* GRT_BASE_TURNS_H */
