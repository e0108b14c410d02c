/* turns.c - see turns.h. */
#include "base/turns.h"

void grt_turns_init(grt_turns *turns)
{
    grt_os_mutex_init(&turns->lock);
    turns->waiting = NULL;
    turns->n_waiting = 0;
    turns->is_held = false;
    turns->clock_ns = 0;
    atomic_init(&turns->least_ns, UINT64_MAX);
    atomic_init(&turns->is_newcomer, false);
}

void grt_turns_release(grt_turns *turns)
{
    grt_os_mutex_destroy(&turns->lock);
}

/* The one that waits and has had the least; equal ones in the order they came. */
static grt_turn *best_of(const grt_turns *turns)
{
    grt_turn *best = turns->waiting;
    for (grt_turn *t = best; t; t = t->next)
        if (t->used_ns < best->used_ns) best = t;
    return best;
}

static void note_least(grt_turns *turns)
{
    const grt_turn *best = best_of(turns);
    atomic_store(&turns->is_newcomer, best && !best->has_held);
    atomic_store(&turns->least_ns, best ? best->used_ns : UINT64_MAX);
}

static void add(grt_turns *turns, grt_turn *turn)
{
    grt_turn **at = &turns->waiting;
    while (*at)
        at = &(*at)->next;
    *at = turn;
    turn->next = NULL;
    turns->n_waiting++;
    note_least(turns);
}

static void take_out(grt_turns *turns, const grt_turn *turn)
{
    grt_turn **at = &turns->waiting;
    while (*at != turn)
        at = &(*at)->next;
    *at = turn->next;
    turns->n_waiting--;
    note_least(turns);
}

/* Under the lock. */
static grt_stop_reason wait_for(grt_turns *turns, grt_turn *turn, const grt_stop *stop)
{
    grt_os_condition_init(&turn->given);
    turn->is_given = false;
    add(turns, turn);
    grt_stop_reason reason = GRT_STOP_NONE;
    while (!turn->is_given && reason == GRT_STOP_NONE) {
        (void)grt_os_wait_for(&turn->given, &turns->lock, GRT_TURN_POLL_NS);
        reason = grt_stop_asked(stop);
    }
    if (turn->is_given)
        reason = GRT_STOP_NONE;
    else
        take_out(turns, turn);
    grt_os_condition_destroy(&turn->given);
    return reason;
}

grt_stop_reason grt_turns_take(grt_turns *turns, grt_turn *turn, const grt_stop *stop)
{
    uint64_t start = grt_clock_ns();
    grt_stop_reason reason = GRT_STOP_NONE;
    grt_os_lock(&turns->lock);
    if (!turn->has_begun && turns->clock_ns > GRT_TURN_HEAD_START_NS)
        turn->used_ns = turns->clock_ns - GRT_TURN_HEAD_START_NS;
    turn->has_begun = true;
    if (turns->is_held)
        reason = wait_for(turns, turn, stop);
    else
        turns->is_held = true;
    grt_os_unlock(&turns->lock);
    turn->since_ns = grt_clock_ns();
    turn->waited_ns += turn->since_ns - start;
    return reason;
}

void grt_turns_give(grt_turns *turns, grt_turn *turn)
{
    uint64_t held = grt_clock_ns() - turn->since_ns;
    turn->used_ns += held;
    turn->has_held = true;
    grt_os_lock(&turns->lock);
    turns->clock_ns += held / (1 + turns->n_waiting);
    grt_turn *next = best_of(turns);
    turns->is_held = next != NULL;
    if (next) {
        take_out(turns, next);
        next->is_given = true;
        grt_os_wake_one(&next->given);
    }
    grt_os_unlock(&turns->lock);
}

bool grt_turns_is_due(const grt_turns *turns, const grt_turn *turn, uint64_t slice_ns)
{
    uint64_t least = atomic_load(&turns->least_ns);
    if (slice_ns > GRT_TURN_NEWCOMER_NS && atomic_load(&turns->is_newcomer))
        slice_ns = GRT_TURN_NEWCOMER_NS;
    if (least >= UINT64_MAX - slice_ns) return false;
    return turn->used_ns + (grt_clock_ns() - turn->since_ns) > least + slice_ns;
}
