/* budget.c - see budget.h. */
#include "base/budget.h"

#include <assert.h>

void grt_budget_init(grt_budget *budget, uint64_t limit)
{
    atomic_init(&budget->limit, limit);
    atomic_init(&budget->used, 0);
    atomic_init(&budget->peak, 0);
}

bool grt_budget_reserve(grt_budget *budget, uint64_t n_bytes)
{
    uint_fast64_t used = atomic_load(&budget->used);
    do {
        uint64_t limit = grt_budget_limit(budget);
        if (used > limit || n_bytes > limit - used) return false;
    } while (!atomic_compare_exchange_weak(&budget->used, &used, used + n_bytes));
    uint_fast64_t now = used + n_bytes, peak = atomic_load(&budget->peak);
    while (now > peak && !atomic_compare_exchange_weak(&budget->peak, &peak, now))
        ;
    return true;
}

void grt_budget_release(grt_budget *budget, uint64_t n_bytes)
{
    uint_fast64_t before = atomic_fetch_sub(&budget->used, n_bytes);
    assert(before >= n_bytes);
    (void)before;
}

void grt_budget_set_limit(grt_budget *budget, uint64_t limit)
{
    atomic_store(&budget->limit, limit);
}

uint64_t grt_budget_limit(const grt_budget *budget)
{
    return atomic_load(&budget->limit);
}

uint64_t grt_budget_used(const grt_budget *budget)
{
    return atomic_load(&budget->used);
}

uint64_t grt_budget_peak(const grt_budget *budget)
{
    return atomic_load(&budget->peak);
}
