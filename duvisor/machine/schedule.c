/*
 * schedule.c - who runs: the hart with the smallest clock, until it is a quantum ahead
 * of the next one, or its timer rings; of equal clocks the lowest number.
 *
 * A hart in WFI has its clock moved to the moment that wakes it.  Nothing here knows
 * the host's time.
 */
#include "machine/machine_state.h"

void dv_hart_update_lines(dv_machine *m, unsigned hart)
{
    dv_hart *h = &m->harts[hart];
    h->lines &= ~(RV_BIT(RV_IRQ_MSI) | RV_BIT(RV_IRQ_MTI));
    if (m->clint.msip[hart]) h->lines |= RV_BIT(RV_IRQ_MSI);
    if (dv_hart_now_ns(h) >= dv_clint_deadline(m, hart)) h->lines |= RV_BIT(RV_IRQ_MTI);
}

static bool can_wake(const dv_hart *h)
{
    return dv_pending(h) & h->csr.mie;
}

/* When the hart goes on: now, or when its timer rings; UINT64_MAX: not by itself. */
static uint64_t ready_ns(const dv_machine *m, const dv_hart *h)
{
    if (!h->is_waiting || can_wake(h)) return dv_hart_now_ns(h);
    if (!(h->csr.mie & RV_BIT(RV_IRQ_MTI))) return UINT64_MAX;
    return dv_clint_deadline(m, h->id);
}

/* The hart that runs next, or NULL; *limit_ns gets when the next one may want to. */
static dv_hart *choose(dv_machine *m, uint64_t *limit_ns)
{
    dv_hart *best = NULL;
    uint64_t best_ns = UINT64_MAX, second_ns = UINT64_MAX;
    for (unsigned i = 0; i < m->options.n_harts; i++) {
        uint64_t ns = ready_ns(m, &m->harts[i]);
        if (ns < best_ns) {
            second_ns = best_ns;
            best_ns = ns;
            best = &m->harts[i];
        } else if (ns < second_ns) {
            second_ns = ns;
        }
    }
    bool is_alone = second_ns > UINT64_MAX - m->options.quantum;
    *limit_ns = is_alone ? UINT64_MAX : second_ns + m->options.quantum;
    return best;
}

/* A hart that another one woke cannot have been awake before that. */
static void wake(dv_machine *m, dv_hart *h)
{
    uint64_t now = dv_hart_now_ns(h), at = ready_ns(m, h);
    if (can_wake(h) && m->last_ns > at) at = m->last_ns;
    if (at > now) h->idle_ns += at - now;
    h->is_waiting = false;
}

static uint64_t attempts_of(const dv_hart *h)
{
    return h->n_counted + h->n_uncounted;
}

/* How many instructions may be attempted before something else is due. */
static uint64_t slice(const dv_machine *m, const dv_hart *h, uint64_t limit_ns,
                      uint64_t left)
{
    uint64_t now = dv_hart_now_ns(h), deadline = dv_clint_deadline(m, h->id);
    if (deadline > now && deadline < limit_ns) limit_ns = deadline;
    uint64_t ns = limit_ns > now ? limit_ns - now : 1;
    return ns < left ? ns : left;
}

dv_stop dv_machine_run(dv_machine *m, uint64_t n_attempts)
{
    uint64_t left = n_attempts;
    while (left && !m->is_stopped) {
        uint64_t limit_ns;
        dv_hart *h = choose(m, &limit_ns);
        if (!h) return (dv_stop){DV_STOP_IDLE, 0};
        if (h->is_waiting) wake(m, h);
        dv_hart_update_lines(m, h->id);
        h->is_attended = false;
        uint64_t before = attempts_of(h), n = slice(m, h, limit_ns, left);
        if (m->options.is_plain)
            dv_execute_plain(h, n);
        else
            dv_execute(h, n);
        m->last_ns = dv_hart_now_ns(h);
        uint64_t done = attempts_of(h) - before;
        left = done < left ? left - done : 0;
    }
    if (m->is_stopped) return m->stop;
    return (dv_stop){DV_STOP_LIMIT, 0};
}
