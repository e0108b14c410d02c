/* budget.h - bytes that several owners share.
 *
 * A budget counts promises, not blocks: who opens something reserves the bytes that it
 * will need at most, and releases them when it is gone.  All functions are thread safe
 * but grt_budget_init. */
#ifndef GRT_BASE_BUDGET_H
#define GRT_BASE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct grt_budget {
    atomic_uint_fast64_t limit; /* UINT64_MAX: none */
    atomic_uint_fast64_t used;
    atomic_uint_fast64_t peak;
} grt_budget;

void grt_budget_init(grt_budget *budget, uint64_t limit);

/* Takes all n_bytes, or none and gives false: at once when they are more than is left.
 * Whether that is for ever (n_bytes > limit) or for now, the caller tells. */
bool grt_budget_reserve(grt_budget *budget, uint64_t n_bytes);

/* Gives back n_bytes that were reserved, in the same or in other portions. */
void grt_budget_release(grt_budget *budget, uint64_t n_bytes);

/* For what is reserved from now on; what is reserved already stays, even above it. */
void grt_budget_set_limit(grt_budget *budget, uint64_t limit);
uint64_t grt_budget_limit(const grt_budget *budget);

/* Reserved now, and most at any time. */
uint64_t grt_budget_used(const grt_budget *budget);
uint64_t grt_budget_peak(const grt_budget *budget);

#endif /* GRT_BASE_BUDGET_H */
