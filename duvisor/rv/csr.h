/* csr.h - numbers and fields of the control and status registers (privileged
 * specification 1.12), for the machine and for the programs that run on it. */
#ifndef DV_RV_CSR_H
#define DV_RV_CSR_H

#include <stdint.h>

enum {
#define RV_CSR(NAME, name, number, kind, mask, reset) RV_CSR_##NAME = number,
#define RV_CSR_RANGE(NAME, first, count)              RV_CSR_##NAME = first,
#include "rv/csr.inc"
};

#define RV_BIT(n) (UINT64_C(1) << (n))

/* mstatus, sstatus, vsstatus */
#define RV_STATUS_SIE  RV_BIT(1)
#define RV_STATUS_MIE  RV_BIT(3)
#define RV_STATUS_SPIE RV_BIT(5)
#define RV_STATUS_MPIE RV_BIT(7)
#define RV_STATUS_SPP  RV_BIT(8)
#define RV_STATUS_MPP  (UINT64_C(3) << 11)
#define RV_STATUS_MPRV RV_BIT(17)
#define RV_STATUS_SUM  RV_BIT(18)
#define RV_STATUS_MXR  RV_BIT(19)
#define RV_STATUS_TVM  RV_BIT(20)
#define RV_STATUS_TW   RV_BIT(21)
#define RV_STATUS_TSR  RV_BIT(22)
#define RV_STATUS_GVA  RV_BIT(38)
#define RV_STATUS_MPV  RV_BIT(39)

#define RV_SSTATUS_UXL (UINT64_C(2) << 32)
#define RV_MSTATUS_XL  (RV_SSTATUS_UXL | (UINT64_C(2) << 34))
#define RV_SSTATUS_WRITABLE \
    (RV_STATUS_SIE | RV_STATUS_SPIE | RV_STATUS_SPP | RV_STATUS_SUM | RV_STATUS_MXR)
#define RV_MSTATUS_WRITABLE                                                          \
    (RV_SSTATUS_WRITABLE | RV_STATUS_MIE | RV_STATUS_MPIE | RV_STATUS_MPP |          \
     RV_STATUS_MPRV | RV_STATUS_TVM | RV_STATUS_TW | RV_STATUS_TSR | RV_STATUS_GVA | \
     RV_STATUS_MPV)

/* hstatus */
#define RV_HSTATUS_GVA  RV_BIT(6)
#define RV_HSTATUS_SPV  RV_BIT(7)
#define RV_HSTATUS_SPVP RV_BIT(8)
#define RV_HSTATUS_HU   RV_BIT(9)
#define RV_HSTATUS_VTVM RV_BIT(20)
#define RV_HSTATUS_VTW  RV_BIT(21)
#define RV_HSTATUS_VTSR RV_BIT(22)
#define RV_HSTATUS_VSXL (UINT64_C(2) << 32)
#define RV_HSTATUS_WRITABLE                                              \
    (RV_HSTATUS_GVA | RV_HSTATUS_SPV | RV_HSTATUS_SPVP | RV_HSTATUS_HU | \
     RV_HSTATUS_VTVM | RV_HSTATUS_VTW | RV_HSTATUS_VTSR)

/* RV64IMAC with S, U and H */
#define RV_MISA                                                                \
    ((UINT64_C(2) << 62) | RV_BIT('I' - 'A') | RV_BIT('M' - 'A') | RV_BIT(0) | \
     RV_BIT('C' - 'A') | RV_BIT('S' - 'A') | RV_BIT('U' - 'A') | RV_BIT('H' - 'A'))

/* interrupts: numbers, and sets by who takes them */
enum {
    RV_IRQ_SSI = 1,
    RV_IRQ_VSSI = 2,
    RV_IRQ_MSI = 3,
    RV_IRQ_STI = 5,
    RV_IRQ_VSTI = 6,
    RV_IRQ_MTI = 7,
    RV_IRQ_SEI = 9,
    RV_IRQ_VSEI = 10,
    RV_IRQ_MEI = 11,
    RV_IRQ_SGEI = 12,
};
#define RV_INTERRUPTS_M    UINT64_C(0x888)
#define RV_INTERRUPTS_S    UINT64_C(0x222)
#define RV_INTERRUPTS_VS   UINT64_C(0x444)
#define RV_INTERRUPTS_H    UINT64_C(0x1444) /* with SGEI */
#define RV_CAUSE_INTERRUPT RV_BIT(63)

/* exceptions */
enum {
    RV_CAUSE_FETCH_MISALIGNED = 0,
    RV_CAUSE_FETCH_ACCESS = 1,
    RV_CAUSE_ILLEGAL = 2,
    RV_CAUSE_BREAKPOINT = 3,
    RV_CAUSE_LOAD_MISALIGNED = 4,
    RV_CAUSE_LOAD_ACCESS = 5,
    RV_CAUSE_STORE_MISALIGNED = 6,
    RV_CAUSE_STORE_ACCESS = 7,
    RV_CAUSE_ECALL_U = 8,
    RV_CAUSE_ECALL_HS = 9,
    RV_CAUSE_ECALL_VS = 10,
    RV_CAUSE_ECALL_M = 11,
    RV_CAUSE_FETCH_PAGE = 12,
    RV_CAUSE_LOAD_PAGE = 13,
    RV_CAUSE_STORE_PAGE = 15,
    RV_CAUSE_FETCH_GUEST_PAGE = 20,
    RV_CAUSE_LOAD_GUEST_PAGE = 21,
    RV_CAUSE_VIRTUAL_INSTRUCTION = 22,
    RV_CAUSE_STORE_GUEST_PAGE = 23,
};

/* page table entries */
#define RV_PTE_V RV_BIT(0)
#define RV_PTE_R RV_BIT(1)
#define RV_PTE_W RV_BIT(2)
#define RV_PTE_X RV_BIT(3)
#define RV_PTE_U RV_BIT(4)
#define RV_PTE_G RV_BIT(5)
#define RV_PTE_A RV_BIT(6)
#define RV_PTE_D RV_BIT(7)

/* satp, vsatp, hgatp */
enum { RV_MODE_BARE = 0, RV_MODE_SV39 = 8, RV_MODE_SV48 = 9, RV_MODE_SV57 = 10 };
#define RV_SATP_MODE_SHIFT 60
#define RV_ATP_PPN         ((UINT64_C(1) << 44) - 1)

/* pmpcfg, one byte an entry */
enum {
    RV_PMP_R = 1,
    RV_PMP_W = 2,
    RV_PMP_X = 4,
    RV_PMP_A = 0x18,
    RV_PMP_TOR = 0x08,
    RV_PMP_NA4 = 0x10,
    RV_PMP_NAPOT = 0x18,
    RV_PMP_L = 0x80,
};

#endif /* DV_RV_CSR_H */
