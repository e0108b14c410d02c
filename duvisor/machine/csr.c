/*
 * csr.c - the control and status registers: who may access which, and what it does.
 *
 * The list is rv/csr.inc.  With V=1 the supervisor's numbers mean the vs registers:
 * `actual` is the only place that knows.
 */
#include "machine/bus.h"
#include "machine/hart.h"
#include "machine/mmu.h"
#include "machine/pmp.h"
#include "rv/map.h"

#include <stddef.h>

typedef enum csr_kind { KIND_CONST, KIND_PLAIN, KIND_OWN, KIND_VIEW } csr_kind;

typedef struct csr_row {
    const char *name;
    csr_kind kind;
    size_t field; /* offset in dv_csrs, of PLAIN and OWN */
    uint64_t mask, reset;
} csr_row;

#define FIELD_CONST(name) 0
#define FIELD_VIEW(name)  0
#define FIELD_PLAIN(name) offsetof(dv_csrs, name)
#define FIELD_OWN(name)   offsetof(dv_csrs, name)

static const csr_row csr_rows[] = {
#define RV_CSR(NAME, name, number, kind, mask, reset) \
    {#name, KIND_##kind, FIELD_##kind(name), mask, reset},
#define RV_CSR_RANGE(NAME, first, count)
#include "rv/csr.inc"
};

enum { /* indices of csr_rows */
#define RV_CSR(NAME, name, number, kind, mask, reset) ROW_##NAME,
#define RV_CSR_RANGE(NAME, first, count)
#include "rv/csr.inc"
};

static const csr_row *find(unsigned number)
{
    switch (number) {
#define RV_CSR(NAME, name, number, kind, mask, reset) \
    case number:                                      \
        return &csr_rows[ROW_##NAME];
#define RV_CSR_RANGE(NAME, first, count)
#include "rv/csr.inc"
    default: return NULL;
    }
}

static bool is_in_a_range(unsigned number)
{
#define RV_CSR(NAME, name, number, kind, mask, reset)
#define RV_CSR_RANGE(NAME, first, count) \
    if (number >= first && number < first + count) return true;
#include "rv/csr.inc"
    return false;
}

const char *dv_csr_name(unsigned number)
{
    const csr_row *row = find(number);
    if (row) return row->name;
    return is_in_a_range(number) ? "numbered" : NULL;
}

static uint64_t *field_of(dv_hart *h, const csr_row *row)
{
    return (uint64_t *)(void *)((char *)&h->csr + row->field);
}

void dv_hart_reset(dv_hart *h)
{
    dv_machine *machine = h->machine;
    unsigned id = h->id;
    memset(h, 0, sizeof(*h));
    h->machine = machine;
    h->id = id;
    for (size_t i = 0; i < sizeof(csr_rows) / sizeof(csr_rows[0]); i++)
        if (csr_rows[i].kind == KIND_PLAIN || csr_rows[i].kind == KIND_OWN)
            *field_of(h, &csr_rows[i]) = csr_rows[i].reset;
    h->pc = RV_ROM_BASE;
    h->mode = DV_MODE_M;
    for (unsigned i = 0; i < DV_N_REGIMES; i++)
        h->tlb[i].is_used = true;
    dv_mmu_flush(h);
    h->elsewhere[1].op = h->elsewhere[2].op = DV_OP_ELSEWHERE;
    dv_hart_update(h);
}

void dv_hart_update(dv_hart *h)
{
    h->fetch_regime = h->data_regime = dv_regime_of(h, h->mode, h->is_virtual);
    if (h->fetch_regime == DV_REGIME_S_SUM) h->fetch_regime = DV_REGIME_S;
    if (h->fetch_regime == DV_REGIME_VS_SUM) h->fetch_regime = DV_REGIME_VS;
    uint64_t status = h->csr.mstatus;
    if (h->mode == DV_MODE_M && status & RV_STATUS_MPRV) {
        unsigned mode = (unsigned)(status >> 11 & 3);
        h->data_regime =
            dv_regime_of(h, mode, mode != DV_MODE_M && status & RV_STATUS_MPV);
    }
}

/* The register that a number means: with V=1 the guest's for the supervisor's. */
static unsigned actual(const dv_hart *h, unsigned number)
{
    if (!h->is_virtual) return number;
    switch (number) {
    case RV_CSR_SSTATUS: return RV_CSR_VSSTATUS;
    case RV_CSR_SIE: return RV_CSR_VSIE;
    case RV_CSR_STVEC: return RV_CSR_VSTVEC;
    case RV_CSR_SSCRATCH: return RV_CSR_VSSCRATCH;
    case RV_CSR_SEPC: return RV_CSR_VSEPC;
    case RV_CSR_SCAUSE: return RV_CSR_VSCAUSE;
    case RV_CSR_STVAL: return RV_CSR_VSTVAL;
    case RV_CSR_SIP: return RV_CSR_VSIP;
    case RV_CSR_SATP: return RV_CSR_VSATP;
    default: return number;
    }
}

/* Of the counters 0xc00-0xc1f: mcounteren, hcounteren, scounteren in turn. */
static unsigned check_counter(const dv_hart *h, unsigned number)
{
    uint64_t bit = RV_BIT(number & 31);
    if (h->mode == DV_MODE_M) return 0;
    if (!(h->csr.mcounteren & bit)) return RV_CAUSE_ILLEGAL;
    if (h->is_virtual && !(h->csr.hcounteren & bit))
        return RV_CAUSE_VIRTUAL_INSTRUCTION;
    if (h->mode == DV_MODE_U && !(h->csr.scounteren & bit))
        return h->is_virtual ? RV_CAUSE_VIRTUAL_INSTRUCTION : RV_CAUSE_ILLEGAL;
    return 0;
}

unsigned dv_csr_check(const dv_hart *h, unsigned number, bool is_write)
{
    unsigned level = number >> 8 & 3; /* 2: HS, one below M */
    if (!dv_csr_name(number)) return RV_CAUSE_ILLEGAL;
    if (is_write && number >> 10 == 3) return RV_CAUSE_ILLEGAL;
    if (h->is_virtual) {
        if (level == 3) return RV_CAUSE_ILLEGAL;
        if (level == 2 || level > h->mode) return RV_CAUSE_VIRTUAL_INSTRUCTION;
        if (number == RV_CSR_SATP && h->csr.hstatus & RV_HSTATUS_VTVM)
            return RV_CAUSE_VIRTUAL_INSTRUCTION;
    } else {
        unsigned least = level == 2 ? DV_MODE_S : level;
        if (h->mode < least) return RV_CAUSE_ILLEGAL;
        bool is_root = number == RV_CSR_SATP || number == RV_CSR_HGATP;
        if (is_root && h->mode == DV_MODE_S && h->csr.mstatus & RV_STATUS_TVM)
            return RV_CAUSE_ILLEGAL;
    }
    return number >> 5 == 0xc00 >> 5 ? check_counter(h, number) : 0;
}

static uint64_t read_counter(const dv_hart *h, uint64_t offset, unsigned bit)
{
    /* an inhibited counter keeps its value in the offset; one that runs counts the
     * instruction that reads it too */
    if (h->csr.mcountinhibit & RV_BIT(bit)) return offset;
    return h->n_counted + 1 + offset;
}

static uint64_t read_time(const dv_hart *h)
{
    uint64_t time = (dv_hart_now_ns(h) + 1) / 100;
    return h->is_virtual ? time + h->csr.htimedelta : time;
}

static uint64_t read_range(const dv_hart *h, unsigned number)
{
    unsigned entry = number - RV_CSR_PMPADDR0;
    return entry < DV_N_PMP ? h->csr.pmpaddr[entry] : 0;
}

static uint64_t read_view(dv_hart *h, unsigned number)
{
    switch (number) {
    case RV_CSR_MHARTID: return h->id;
    case RV_CSR_PMPCFG0: return h->csr.pmpcfg[0];
    case RV_CSR_PMPCFG2: return h->csr.pmpcfg[1];
    case RV_CSR_CYCLE:
    case RV_CSR_MCYCLE: return read_counter(h, h->cycle_offset, 0);
    case RV_CSR_INSTRET:
    case RV_CSR_MINSTRET: return read_counter(h, h->instret_offset, 2);
    case RV_CSR_TIME: return read_time(h);
    case RV_CSR_SSTATUS:
        return h->csr.mstatus & (RV_SSTATUS_WRITABLE | (UINT64_C(3) << 32));
    case RV_CSR_SIE: return h->csr.mie & h->csr.mideleg & RV_INTERRUPTS_S;
    case RV_CSR_SIP: return dv_pending(h) & h->csr.mideleg & RV_INTERRUPTS_S;
    case RV_CSR_HIE: return h->csr.mie & RV_INTERRUPTS_H;
    case RV_CSR_HIP: return dv_pending(h) & RV_INTERRUPTS_H;
    case RV_CSR_VSIE: return (h->csr.mie & h->csr.hideleg & RV_INTERRUPTS_VS) >> 1;
    case RV_CSR_VSIP: return (dv_pending(h) & h->csr.hideleg & RV_INTERRUPTS_VS) >> 1;
    default: return 0;
    }
}

uint64_t dv_csr_read(dv_hart *h, unsigned number)
{
    number = actual(h, number);
    const csr_row *row = find(number);
    if (!row) return read_range(h, number);
    if (number == RV_CSR_MIP) return dv_pending(h);
    switch (row->kind) {
    case KIND_CONST: return row->reset;
    case KIND_VIEW: return read_view(h, number);
    case KIND_PLAIN:
    case KIND_OWN: break;
    }
    return *field_of(h, row);
}

uint64_t dv_csr_read_to_modify(dv_hart *h, unsigned number)
{
    uint64_t value = dv_csr_read(h, number);
    bool has_sei = number == RV_CSR_MIP || (number == RV_CSR_SIP && !h->is_virtual);
    if (has_sei && !(h->csr.mip & RV_BIT(RV_IRQ_SEI))) value &= ~RV_BIT(RV_IRQ_SEI);
    return value;
}

static void merge(uint64_t *field, uint64_t value, uint64_t mask)
{
    *field = (*field & ~mask) | (value & mask);
}

static void write_status(dv_hart *h, uint64_t *status, uint64_t value, uint64_t mask)
{
    uint64_t before = *status;
    merge(status, value, mask);
    if (status == &h->csr.mstatus && (*status & RV_STATUS_MPP) == UINT64_C(2) << 11)
        merge(status, before, RV_STATUS_MPP); /* 2 is no mode */
    if ((before ^ *status) & RV_STATUS_MXR) dv_mmu_flush(h);
    dv_hart_update(h);
}

/* satp, vsatp, hgatp: a mode that is not there leaves the register as it was. */
static void write_root(dv_hart *h, unsigned number, uint64_t *field, uint64_t value)
{
    unsigned mode = (unsigned)(value >> RV_SATP_MODE_SHIFT);
    bool is_known =
        mode == RV_MODE_BARE || (mode >= RV_MODE_SV39 && mode <= RV_MODE_SV57);
    if (!is_known) return;
    if (number == RV_CSR_HGATP)
        value &= ~(UINT64_C(3) << 58 | 3); /* VMIDs of 14 bits */
    if (value == *field) return;
    *field = value;
    if (number == RV_CSR_SATP)
        dv_mmu_flush_host(h);
    else
        dv_mmu_flush_guest(h);
}

/* A counter that is written, or that starts or stops, keeps its value. */
static void write_inhibit(dv_hart *h, uint64_t value)
{
    uint64_t cycle = read_counter(h, h->cycle_offset, 0);
    uint64_t instret = read_counter(h, h->instret_offset, 2);
    h->csr.mcountinhibit = value & 5;
    h->cycle_offset = cycle - (value & 1 ? 0 : h->n_counted + 1);
    h->instret_offset = instret - (value & 4 ? 0 : h->n_counted + 1);
}

static void write_counter(dv_hart *h, uint64_t *offset, unsigned bit, uint64_t value)
{
    bool is_still = h->csr.mcountinhibit & RV_BIT(bit);
    *offset = value - (is_still ? 0 : h->n_counted + 1);
}

static void write_view(dv_hart *h, unsigned number, uint64_t value)
{
    dv_csrs *csr = &h->csr;
    switch (number) {
    case RV_CSR_PMPCFG0:
    case RV_CSR_PMPCFG2:
        dv_pmp_write_config(h, number == RV_CSR_PMPCFG2, value);
        dv_mmu_flush(h);
        break;
    case RV_CSR_MCYCLE: write_counter(h, &h->cycle_offset, 0, value); break;
    case RV_CSR_MINSTRET: write_counter(h, &h->instret_offset, 2, value); break;
    case RV_CSR_SSTATUS:
        write_status(h, &csr->mstatus, value, RV_SSTATUS_WRITABLE);
        break;
    case RV_CSR_SIE: merge(&csr->mie, value, csr->mideleg & RV_INTERRUPTS_S); break;
    case RV_CSR_SIP: merge(&csr->mip, value, csr->mideleg & RV_BIT(RV_IRQ_SSI)); break;
    case RV_CSR_HIE: merge(&csr->mie, value, RV_INTERRUPTS_H); break;
    case RV_CSR_HIP: merge(&csr->hvip, value, RV_BIT(RV_IRQ_VSSI)); break;
    case RV_CSR_VSIE:
        merge(&csr->mie, value << 1, csr->hideleg & RV_INTERRUPTS_VS);
        break;
    case RV_CSR_VSIP:
        merge(&csr->hvip, value << 1, csr->hideleg & RV_BIT(RV_IRQ_VSSI));
        break;
    default: break;
    }
}

static void write_own(dv_hart *h, unsigned number, const csr_row *row, uint64_t value)
{
    uint64_t *field = field_of(h, row);
    switch (number) {
    case RV_CSR_MSTATUS:
    case RV_CSR_VSSTATUS: write_status(h, field, value, row->mask); break;
    case RV_CSR_MTVEC:
    case RV_CSR_STVEC:
    case RV_CSR_VSTVEC:
        if (!(value & 2)) *field = value; /* modes 2 and 3 are reserved */
        break;
    case RV_CSR_SATP:
    case RV_CSR_VSATP:
    case RV_CSR_HGATP: write_root(h, number, field, value); break;
    case RV_CSR_MCOUNTINHIBIT: write_inhibit(h, value); break;
    case RV_CSR_MIP:
        merge(&h->csr.mip, value, row->mask);
        merge(&h->csr.hvip, value, RV_BIT(RV_IRQ_VSSI));
        break;
    default: merge(field, value, row->mask); break;
    }
}

void dv_csr_write(dv_hart *h, unsigned number, uint64_t value)
{
    number = actual(h, number);
    const csr_row *row = find(number);
    if (!row) {
        unsigned entry = number - RV_CSR_PMPADDR0;
        if (entry >= DV_N_PMP) return; /* the event counters stay 0 */
        dv_pmp_write_address(h, entry, value);
        dv_mmu_flush(h);
        return;
    }
    switch (row->kind) {
    case KIND_CONST: break;
    case KIND_PLAIN: merge(field_of(h, row), value, row->mask); break;
    case KIND_OWN: write_own(h, number, row, value); break;
    case KIND_VIEW: write_view(h, number, value); break;
    }
}
