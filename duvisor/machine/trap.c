/* trap.c - taking traps and returning from them (privileged specification 1.12, 3.1.6,
 * 3.1.9, 8.6). */
#include "machine/hart.h"
#include "machine/machine_state.h"
#include "machine/mmu.h"
#include "machine/trace.h"

static dv_where where_of(unsigned mode, bool is_virtual)
{
    static const dv_where host[] = {DV_IN_U, DV_IN_HS, DV_IN_M, DV_IN_M};
    if (!is_virtual) return host[mode];
    return mode == DV_MODE_U ? DV_IN_VU : DV_IN_VS;
}

dv_where dv_hart_where(const dv_hart *h)
{
    return where_of(h->mode, h->is_virtual);
}

/* Everything that changes mode comes by here; instructions are counted for the old one.
 */
static void enter(dv_hart *h, unsigned mode, bool is_virtual)
{
    dv_hart_count(h);
    h->mode = mode;
    h->is_virtual = is_virtual;
    h->has_reservation = false;
    dv_hart_update(h);
}

void dv_hart_count(dv_hart *h)
{
    dv_hart_counters *c = &h->counters;
    c->instructions[dv_hart_where(h)] += h->n_counted - c->last_counted;
    c->last_counted = h->n_counted;
}

uint64_t dv_pending(const dv_hart *h)
{
    return h->csr.mip | h->lines | h->csr.hvip;
}

static uint64_t set(uint64_t status, uint64_t bit, bool value)
{
    return value ? status | bit : status & ~bit;
}

/* The stack of a supervisor's status: SPP, SPIE and SIE as a trap leaves them. */
static uint64_t push_s(uint64_t status, unsigned mode)
{
    status = set(status, RV_STATUS_SPP, mode == DV_MODE_S);
    status = set(status, RV_STATUS_SPIE, status & RV_STATUS_SIE);
    return set(status, RV_STATUS_SIE, false);
}

static uint64_t vector(uint64_t tvec, uint64_t cause)
{
    uint64_t base = tvec & ~UINT64_C(3);
    bool is_vectored = tvec & 1 && cause & RV_CAUSE_INTERRUPT;
    return is_vectored ? base + 4 * (cause & ~RV_CAUSE_INTERRUPT) : base;
}

static void enter_m(dv_hart *h, const dv_trap *t)
{
    uint64_t status = h->csr.mstatus;
    status = set(status, RV_STATUS_MPV, h->is_virtual);
    status = set(status, RV_STATUS_GVA, t->has_guest_address);
    status = (status & ~RV_STATUS_MPP) | (uint64_t)h->mode << 11;
    status = set(status, RV_STATUS_MPIE, status & RV_STATUS_MIE);
    h->csr.mstatus = set(status, RV_STATUS_MIE, false);
    h->csr.mepc = h->pc;
    h->csr.mcause = t->cause;
    h->csr.mtval = t->tval;
    h->csr.mtval2 = t->tval2;
    h->csr.mtinst = t->tinst;
    enter(h, DV_MODE_M, false);
    h->pc = vector(h->csr.mtvec, t->cause);
}

static void enter_hs(dv_hart *h, const dv_trap *t)
{
    uint64_t hstatus = set(h->csr.hstatus, RV_HSTATUS_SPV, h->is_virtual);
    if (h->is_virtual) hstatus = set(hstatus, RV_HSTATUS_SPVP, h->mode == DV_MODE_S);
    h->csr.hstatus = set(hstatus, RV_HSTATUS_GVA, t->has_guest_address);
    h->csr.mstatus = push_s(h->csr.mstatus, h->mode);
    h->csr.sepc = h->pc;
    h->csr.scause = t->cause;
    h->csr.stval = t->tval;
    h->csr.htval = t->tval2;
    h->csr.htinst = t->tinst;
    enter(h, DV_MODE_S, false);
    h->pc = vector(h->csr.stvec, t->cause);
}

static void enter_vs(dv_hart *h, const dv_trap *t)
{
    /* the guest sees its interrupts by the supervisor's numbers, one below */
    uint64_t cause = t->cause & RV_CAUSE_INTERRUPT ? t->cause - 1 : t->cause;
    h->csr.vsstatus = push_s(h->csr.vsstatus, h->mode);
    h->csr.vsepc = h->pc;
    h->csr.vscause = cause;
    h->csr.vstval = t->tval;
    enter(h, DV_MODE_S, true);
    h->pc = vector(h->csr.vstvec, cause);
}

void dv_take_trap(dv_hart *h)
{
    dv_trap t = h->trap;
    bool is_interrupt = t.cause & RV_CAUSE_INTERRUPT;
    uint64_t bit = RV_BIT(t.cause & 63);
    dv_where from = dv_hart_where(h);
    uint64_t to_hs = is_interrupt ? h->csr.mideleg : h->csr.medeleg;
    uint64_t to_vs = is_interrupt ? h->csr.hideleg : h->csr.hedeleg;
    uint64_t pc = h->pc;
    if (h->mode == DV_MODE_M || !(to_hs & bit))
        enter_m(h, &t);
    else if (h->is_virtual && to_vs & bit)
        enter_vs(h, &t);
    else
        enter_hs(h, &t);
    dv_where to = dv_hart_where(h);
    if (is_interrupt)
        h->counters.interrupts[from][to][t.cause & 63]++;
    else
        h->counters.exceptions[from][to][t.cause & 63]++;
    dv_trace_trap(h, &t, from, pc);
}

bool dv_take_interrupt(dv_hart *h)
{
    /* from the highest: external, software, timer of M, of S, then of VS */
    static const uint8_t order[] = {RV_IRQ_MEI,  RV_IRQ_MSI, RV_IRQ_MTI,  RV_IRQ_SEI,
                                    RV_IRQ_SSI,  RV_IRQ_STI, RV_IRQ_SGEI, RV_IRQ_VSEI,
                                    RV_IRQ_VSSI, RV_IRQ_VSTI};
    uint64_t ready = dv_pending(h) & h->csr.mie;
    if (!ready) return false;
    const dv_csrs *csr = &h->csr;
    bool m_takes = h->mode < DV_MODE_M || csr->mstatus & RV_STATUS_MIE;
    bool hs_takes = h->mode < DV_MODE_S || h->is_virtual ||
                    (h->mode == DV_MODE_S && csr->mstatus & RV_STATUS_SIE);
    bool vs_takes =
        h->is_virtual && (h->mode == DV_MODE_U || csr->vsstatus & RV_STATUS_SIE);
    uint64_t of_m = m_takes ? ready & ~csr->mideleg : 0;
    uint64_t of_hs = hs_takes ? ready & csr->mideleg & ~csr->hideleg : 0;
    uint64_t of_vs = vs_takes ? ready & csr->mideleg & csr->hideleg : 0;
    uint64_t taken = of_m ? of_m : of_hs ? of_hs : of_vs;
    for (size_t i = 0; i < sizeof(order); i++) {
        if (!(taken & RV_BIT(order[i]))) continue;
        h->trap = (dv_trap){.cause = RV_CAUSE_INTERRUPT | order[i]};
        dv_take_trap(h);
        return true;
    }
    return false;
}

static void count_return(dv_hart *h, dv_where from, uint64_t pc)
{
    h->counters.returns[from][dv_hart_where(h)]++;
    dv_trace_return(h, from, pc);
}

void dv_return_from_m(dv_hart *h)
{
    dv_where from = dv_hart_where(h);
    uint64_t status = h->csr.mstatus, pc = h->pc;
    unsigned mode = (unsigned)(status >> 11 & 3);
    bool is_virtual = mode != DV_MODE_M && status & RV_STATUS_MPV;
    status = set(status, RV_STATUS_MIE, status & RV_STATUS_MPIE);
    status = set(status, RV_STATUS_MPIE, true);
    status &= ~(RV_STATUS_MPP | RV_STATUS_MPV);
    if (mode != DV_MODE_M) status &= ~RV_STATUS_MPRV;
    h->csr.mstatus = status;
    h->pc = h->csr.mepc;
    enter(h, mode, is_virtual);
    count_return(h, from, pc);
}

static uint64_t pop_s(uint64_t status)
{
    status = set(status, RV_STATUS_SIE, status & RV_STATUS_SPIE);
    status = set(status, RV_STATUS_SPIE, true);
    return set(status, RV_STATUS_SPP, false);
}

void dv_return_from_s(dv_hart *h)
{
    dv_where from = dv_hart_where(h);
    uint64_t pc = h->pc;
    if (h->is_virtual) {
        unsigned mode = h->csr.vsstatus & RV_STATUS_SPP ? DV_MODE_S : DV_MODE_U;
        h->csr.vsstatus = pop_s(h->csr.vsstatus);
        h->pc = h->csr.vsepc;
        enter(h, mode, true);
    } else {
        unsigned mode = h->csr.mstatus & RV_STATUS_SPP ? DV_MODE_S : DV_MODE_U;
        bool is_virtual = h->csr.hstatus & RV_HSTATUS_SPV;
        h->csr.mstatus = pop_s(h->csr.mstatus) & ~RV_STATUS_MPRV;
        h->csr.hstatus &= ~RV_HSTATUS_SPV;
        h->pc = h->csr.sepc;
        enter(h, mode, is_virtual);
    }
    count_return(h, from, pc);
}
