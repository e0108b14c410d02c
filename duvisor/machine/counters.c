/* counters.c - names of what is counted. */
#include "machine/counters.h"

#include "rv/csr.h"

#include <stddef.h>

const char *dv_where_name(dv_where where)
{
    static const char *const names[DV_N_WHERE] = {"U", "HS", "M", "VU", "VS"};
    return names[where];
}

static const char *interrupt_name(uint64_t number)
{
    switch (number) {
    case RV_IRQ_SSI: return "software interrupt (S)";
    case RV_IRQ_VSSI: return "software interrupt (VS)";
    case RV_IRQ_MSI: return "software interrupt (M)";
    case RV_IRQ_STI: return "timer interrupt (S)";
    case RV_IRQ_VSTI: return "timer interrupt (VS)";
    case RV_IRQ_MTI: return "timer interrupt (M)";
    case RV_IRQ_SEI: return "external interrupt (S)";
    case RV_IRQ_VSEI: return "external interrupt (VS)";
    case RV_IRQ_MEI: return "external interrupt (M)";
    default: return "interrupt";
    }
}

const char *dv_cause_name(uint64_t cause)
{
    static const char *const names[] = {
        [RV_CAUSE_FETCH_MISALIGNED] = "misaligned fetch",
        [RV_CAUSE_FETCH_ACCESS] = "fetch access fault",
        [RV_CAUSE_ILLEGAL] = "illegal instruction",
        [RV_CAUSE_BREAKPOINT] = "breakpoint",
        [RV_CAUSE_LOAD_MISALIGNED] = "misaligned load",
        [RV_CAUSE_LOAD_ACCESS] = "load access fault",
        [RV_CAUSE_STORE_MISALIGNED] = "misaligned store",
        [RV_CAUSE_STORE_ACCESS] = "store access fault",
        [RV_CAUSE_ECALL_U] = "ecall from U",
        [RV_CAUSE_ECALL_HS] = "ecall from HS",
        [RV_CAUSE_ECALL_VS] = "ecall from VS",
        [RV_CAUSE_ECALL_M] = "ecall from M",
        [RV_CAUSE_FETCH_PAGE] = "fetch page fault",
        [RV_CAUSE_LOAD_PAGE] = "load page fault",
        [RV_CAUSE_STORE_PAGE] = "store page fault",
        [RV_CAUSE_FETCH_GUEST_PAGE] = "fetch guest page fault",
        [RV_CAUSE_LOAD_GUEST_PAGE] = "load guest page fault",
        [RV_CAUSE_VIRTUAL_INSTRUCTION] = "virtual instruction",
        [RV_CAUSE_STORE_GUEST_PAGE] = "store guest page fault",
    };
    if (cause & RV_CAUSE_INTERRUPT) return interrupt_name(cause & ~RV_CAUSE_INTERRUPT);
    if (cause < sizeof(names) / sizeof(names[0]) && names[cause]) return names[cause];
    return "reserved exception";
}
