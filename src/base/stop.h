/* stop.h - whether work shall end early: somebody cancelled it, or its time is over.
 *
 * A stop belongs to one piece of work.  Any thread, and a signal handler, may cancel
 * it; whoever does the work asks now and then. */
#ifndef GRT_BASE_STOP_H
#define GRT_BASE_STOP_H

#include "base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct grt_stop {
    atomic_bool is_cancelled;
    uint64_t deadline_ns; /* by grt_clock_ns, set before the work begins; 0: none */
    const struct grt_stop *whole; /* of what this work is a part of; NULL: nothing */
} grt_stop;

typedef enum grt_stop_reason {
    GRT_STOP_NONE, /* go on */
    GRT_STOP_CANCELLED,
    GRT_STOP_DEADLINE
} grt_stop_reason;

/* stop may be NULL: go on. */
static inline grt_stop_reason grt_stop_asked(const grt_stop *stop)
{
    if (!stop) return GRT_STOP_NONE;
    if (atomic_load_explicit(&stop->is_cancelled, memory_order_relaxed))
        return GRT_STOP_CANCELLED;
    if (stop->whole && atomic_load(&stop->whole->is_cancelled))
        return GRT_STOP_CANCELLED;
    if (stop->deadline_ns && grt_clock_ns() >= stop->deadline_ns)
        return GRT_STOP_DEADLINE;
    return GRT_STOP_NONE;
}

#endif /* GRT_BASE_STOP_H */
