/* hart.h - one hardware thread: its registers, and what is derived from them.
 *
 * Files of the machine see it whole; others use machine.h. */
#ifndef DV_MACHINE_HART_H
#define DV_MACHINE_HART_H

#include "machine/counters.h"
#include "machine/decode.h"
#include "machine/tlb.h"
#include "rv/csr.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct dv_machine dv_machine;

/* Privilege, with the numbers of mstatus.MPP. */
enum { DV_MODE_U = 0, DV_MODE_S = 1, DV_MODE_M = 3 };

enum { DV_N_PMP = 16 };

/* The registers of csr.inc that have a field of their own. */
typedef struct dv_csrs {
#define DV_FIELD_CONST(name)
#define DV_FIELD_VIEW(name)
#define DV_FIELD_PLAIN(name)                          uint64_t name;
#define DV_FIELD_OWN(name)                            uint64_t name;
#define RV_CSR(NAME, name, number, kind, mask, reset) DV_FIELD_##kind(name)
#define RV_CSR_RANGE(NAME, first, count)
#include "rv/csr.inc"
    uint64_t pmpaddr[DV_N_PMP];
    uint64_t pmpcfg[2]; /* eight entries each */
} dv_csrs;

/* A trap to take: what the trap registers will hold. */
typedef struct dv_trap {
    uint64_t cause;
    uint64_t tval;
    uint64_t tval2; /* guest physical address >> 2, or 0 */
    uint64_t tinst;
    bool has_guest_address; /* tval is a guest virtual address */
    bool is_counted;        /* the instruction counts as one that retired */
} dv_trap;

typedef struct dv_hart {
    /* architectural state */
    uint64_t x[DV_N_REGISTERS];
    uint64_t pc;
    unsigned mode;
    bool is_virtual; /* V=1 */
    bool is_waiting; /* in WFI */
    dv_csrs csr;
    bool has_reservation;
    uint64_t reserved_address; /* virtual */
    uint64_t reserved_value;

    /* clocks: n_counted instructions, and nanoseconds = n_counted + idle_ns */
    uint64_t n_counted;
    uint64_t idle_ns;
    uint64_t n_uncounted;    /* attempts that trapped and did not count */
    uint64_t cycle_offset;   /* mcycle = n_counted + this; mod 2^64 */
    uint64_t instret_offset; /* minstret likewise */

    /* derived: dv_hart_update() */
    dv_regime fetch_regime;
    dv_regime data_regime;
    uint64_t lines; /* interrupts raised by devices, as bits of mip */

    bool is_attended; /* something outside happened: leave the loop */
    dv_trap trap;     /* filled by whoever reports one */
    dv_machine *machine;
    unsigned id;

    dv_tlb tlb[DV_N_REGIMES];
    dv_insn elsewhere[3]; /* an instruction that no page holds, and the end */
    dv_hart_counters counters;
} dv_hart;

/* Both fill h->trap and return false.  What is no instruction counts as one, as the
 * reference counts it; one that failed in what it did does not. */
static inline bool dv_raise_illegal(dv_hart *h, uint32_t word)
{
    h->trap = (dv_trap){.cause = RV_CAUSE_ILLEGAL, .tval = word, .is_counted = true};
    return false;
}

static inline bool dv_raise_address(dv_hart *h, uint64_t cause, uint64_t va)
{
    h->trap = (dv_trap){.cause = cause,
                        .tval = va,
                        .has_guest_address = h->data_regime >= DV_REGIME_VS};
    return false;
}

static inline uint64_t dv_hart_now_ns(const dv_hart *h)
{
    return h->n_counted + h->idle_ns;
}

static inline uint64_t dv_hart_time(const dv_hart *h)
{
    return dv_hart_now_ns(h) / 100; /* 10 MHz */
}

/* State after reset; the hart's own number and machine stay. */
void dv_hart_reset(dv_hart *h);

/* Derives the regimes anew: after any change of mode, V, mstatus or vsstatus. */
void dv_hart_update(dv_hart *h);

/* Runs about n_attempts instructions through decoded pages, fewer when something
 * outside wants attention or the hart waits.  step_plain.c has the twin: it decodes and
 * runs each instruction anew. */
void dv_execute(dv_hart *h, uint64_t n_attempts);
void dv_execute_plain(dv_hart *h, uint64_t n_attempts);

/* exec_atomic.c: LR, SC and AMOs.  False: h->trap is to be taken. */
bool dv_exec_atomic(dv_hart *h, const dv_insn *in);

/* exec_system.c: all from CSRRW on.  Expects h->pc at the instruction, and sets it to
 * the next one to run.  False: h->trap is to be taken. */
bool dv_exec_system(dv_hart *h, const dv_insn *in);

/* csr.c.  `check` returns 0, or the exception an access raises. */
unsigned dv_csr_check(const dv_hart *h, unsigned number, bool is_write);
uint64_t dv_csr_read(dv_hart *h, unsigned number);
/* What set and clear start from: without bits that devices drive. */
uint64_t dv_csr_read_to_modify(dv_hart *h, unsigned number);
void dv_csr_write(dv_hart *h, unsigned number, uint64_t value);
const char *dv_csr_name(unsigned number); /* NULL: no such register */

/* trap.c */
dv_where dv_hart_where(const dv_hart *h);
void dv_hart_count(dv_hart *h);        /* brings h->counters.instructions up to date */
uint64_t dv_pending(const dv_hart *h); /* mip as it reads */
void dv_take_trap(dv_hart *h);         /* h->trap, at h->pc */
bool dv_take_interrupt(dv_hart *h);    /* true: one was taken */
void dv_return_from_m(dv_hart *h);
void dv_return_from_s(dv_hart *h); /* HS or VS */

#endif /* DV_MACHINE_HART_H */
