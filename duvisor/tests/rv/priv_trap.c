/* priv_trap.c - traps and returns in M, S and U: delegation, what is written where, the
 * status stack, interrupts, WFI, MPRV. */
#include "rv/test.h"

static const uint32_t ecall_only[] = {0x00000073};
static const uint32_t ebreak_only[] = {0x00100073};
static const uint32_t sret_only[] = {0x10200073};
static const uint32_t mret_only[] = {0x30200073};
static const uint32_t wfi_only[] = {0x10500073};
static const uint32_t sfence_only[] = {0x12000073};
static const uint32_t unknown[] = {0xffffffff};
static const uint32_t unknown_half[] = {0x00000000};

static rv_seen run(rv_mode mode, const uint32_t *words)
{
    return rv_run(mode, rv_code(words, 1), 0, 0);
}

static void causes(void)
{
    rv_test("ecall and ebreak tell where they come from");
    CHECK_EQ(run(RV_M, ecall_only).cause, RV_CAUSE_ECALL_M);
    CHECK_EQ(run(RV_S, ecall_only).cause, RV_CAUSE_ECALL_HS);
    CHECK_EQ(run(RV_U, ecall_only).cause, RV_CAUSE_ECALL_U);
    CHECK_EQ(run(RV_S, ecall_only).tval, 0);
    rv_seen seen = run(RV_U, ebreak_only);
    CHECK_EQ(seen.cause, RV_CAUSE_BREAKPOINT);
    CHECK_EQ(seen.tval, 0);
    rv_test("an illegal instruction shows its bits");
    seen = run(RV_U, unknown);
    CHECK_EQ(seen.cause, RV_CAUSE_ILLEGAL);
    CHECK_EQ(seen.tval, 0xffffffff);
    seen = run(RV_M, unknown_half);
    CHECK_EQ(seen.cause, RV_CAUSE_ILLEGAL);
    CHECK_EQ(seen.tval, 0);
    rv_test("instructions above the mode are illegal");
    CHECK_EQ(run(RV_U, sret_only).cause, RV_CAUSE_ILLEGAL);
    CHECK_EQ(run(RV_U, sret_only).tval, sret_only[0]);
    CHECK_EQ(run(RV_U, mret_only).cause, RV_CAUSE_ILLEGAL);
    CHECK_EQ(run(RV_S, mret_only).cause, RV_CAUSE_ILLEGAL);
    CHECK_EQ(run(RV_U, wfi_only).cause, RV_CAUSE_ILLEGAL);
    CHECK_EQ(run(RV_U, sfence_only).cause, RV_CAUSE_ILLEGAL);
    CHECK_EQ(run(RV_S, sfence_only).cause, RV_CAUSE_ECALL_HS);
    rv_test("addresses without memory give access faults");
    static const uint32_t load[] = {0x00053583};  /* ld a1, 0(a0) */
    static const uint32_t store[] = {0x00b53023}; /* sd a1, 0(a0) */
    static const uint32_t jump[] = {0x00050067};  /* jr a0 */
    seen = rv_run(RV_M, rv_code(load, 1), 0x18000000, 0);
    CHECK_EQ(seen.cause, RV_CAUSE_LOAD_ACCESS);
    CHECK_EQ(seen.tval, 0x18000000);
    seen = rv_run(RV_S, rv_code(store, 1), 0x18000008, 0);
    CHECK_EQ(seen.cause, RV_CAUSE_STORE_ACCESS);
    CHECK_EQ(seen.tval, 0x18000008);
    seen = rv_run(RV_S, rv_code(jump, 1), 0x18000010, 0);
    CHECK_EQ(seen.cause, RV_CAUSE_FETCH_ACCESS);
    CHECK_EQ(seen.tval, 0x18000010);
    CHECK_EQ(seen.epc, 0x18000010);
}

static void delegation(void)
{
    rv_test("medeleg hands exceptions of S and U to S, never those of M");
    rv_csr_write(RV_CSR_MEDELEG, 1 << RV_CAUSE_ILLEGAL | 1 << RV_CAUSE_ECALL_U);
    rv_csr_write(RV_CSR_STVAL, 0x55);
    rv_csr_write(RV_CSR_HTVAL, 0x55);
    rv_seen seen = run(RV_U, unknown);
    CHECK_EQ(seen.by, 'H');
    CHECK_EQ(seen.cause, RV_CAUSE_ILLEGAL);
    CHECK_EQ(seen.tval, 0xffffffff);
    CHECK_EQ(seen.tval2, 0);
    CHECK_EQ(seen.status & RV_STATUS_SPP, 0);
    CHECK_EQ(seen.hstatus & RV_HSTATUS_SPV, 0);
    seen = run(RV_S, unknown);
    CHECK_EQ(seen.by, 'H');
    CHECK_EQ(seen.status & RV_STATUS_SPP, RV_STATUS_SPP);
    CHECK_EQ(run(RV_U, ecall_only).by, 'H');
    CHECK_EQ(run(RV_U, ecall_only).cause, RV_CAUSE_ECALL_U);
    CHECK_EQ(run(RV_U, ebreak_only).by, 'M');
    CHECK_EQ(run(RV_M, unknown).by, 'M');
    rv_csr_write(RV_CSR_MEDELEG, 0);
    rv_test("a trap stacks the interrupt enable and the mode");
    rv_csr_set(RV_CSR_MSTATUS, RV_STATUS_MPIE);
    seen = run(RV_S, ecall_only);
    CHECK_EQ(seen.status & RV_STATUS_MPP, 1 << 11);
    CHECK_EQ(seen.status & RV_STATUS_MPIE, RV_STATUS_MPIE);
    CHECK_EQ(seen.status & RV_STATUS_MIE, 0);
    rv_csr_clear(RV_CSR_MSTATUS, RV_STATUS_MPIE);
    seen = run(RV_U, ecall_only);
    CHECK_EQ(seen.status & RV_STATUS_MPP, 0);
    CHECK_EQ(seen.status & RV_STATUS_MPIE, 0);
}

/* In S: sepc and sstatus from a0 and a1, then sret. */
static const uint32_t sret_to[] = {
    0x14151073, /* csrw sepc, a0 */
    0x10059073, /* csrw sstatus, a1 */
    0x10200073, /* sret */
};

static void returns(void)
{
    static uint32_t target[2] __attribute__((aligned(8)));
    target[0] = 0x00000073;
    uint64_t at = (uint64_t)(uintptr_t)target;
    __asm__ volatile("fence.i" ::: "memory");
    rv_test("sret goes where sepc, SPP and SPIE say");
    rv_csr_clear(RV_CSR_HSTATUS, RV_HSTATUS_SPV);
    rv_seen seen = rv_run(RV_S, rv_code(sret_to, 3), at, 0);
    CHECK_EQ(seen.cause, RV_CAUSE_ECALL_U);
    CHECK_EQ(seen.epc, at);
    seen = rv_run(RV_S, rv_code(sret_to, 3), at, RV_STATUS_SPP | RV_STATUS_SPIE);
    CHECK_EQ(seen.cause, RV_CAUSE_ECALL_HS);
    CHECK_EQ(rv_csr_read(RV_CSR_SSTATUS) & RV_STATUS_SIE, RV_STATUS_SIE);
    CHECK_EQ(rv_csr_read(RV_CSR_SSTATUS) & RV_STATUS_SPIE, RV_STATUS_SPIE);
    CHECK_EQ(rv_csr_read(RV_CSR_SSTATUS) & RV_STATUS_SPP, 0);
    rv_csr_clear(RV_CSR_SSTATUS, RV_STATUS_SIE);
    rv_test("TSR, TW and TVM stop S");
    rv_csr_set(RV_CSR_MSTATUS, RV_STATUS_TSR | RV_STATUS_TW | RV_STATUS_TVM);
    CHECK_EQ(run(RV_S, sret_only).cause, RV_CAUSE_ILLEGAL);
    CHECK_EQ(run(RV_S, wfi_only).cause, RV_CAUSE_ILLEGAL);
    CHECK_EQ(run(RV_S, sfence_only).cause, RV_CAUSE_ILLEGAL);
    CHECK_EQ(run(RV_M, sfence_only).cause, RV_CAUSE_ECALL_M);
    rv_csr_clear(RV_CSR_MSTATUS, RV_STATUS_TSR | RV_STATUS_TW | RV_STATUS_TVM);
    rv_test("a trap takes a reservation away");
    static uint64_t cell;
    static const uint32_t lr_only[] = {0x100535af}; /* lr.d a1, (a0) */
    static const uint32_t sc_only[] = {0x18b535af}; /* sc.d a1, a1, (a0) */
    uint64_t where = (uint64_t)(uintptr_t)&cell;
    (void)rv_run(RV_S, rv_code(lr_only, 1), where, 0);
    CHECK_EQ(rv_run(RV_S, rv_code(sc_only, 1), where, 7).a1, 1);
    CHECK_EQ(cell, 0);
}

/* A loop of many instructions, so that what interrupts has its time. */
static const uint32_t wait_loop[] = {
    0x00c00593, /* li a1, 12 */
    0xfff58593, /* addi a1, a1, -1 */
    0xfe059ee3, /* bnez a1, -4 */
};

static rv_seen interrupt(rv_mode mode)
{
    return rv_run(mode, rv_code(wait_loop, 3), 0, 0);
}

static void interrupts(void)
{
    const uint64_t interrupt_bit = RV_CAUSE_INTERRUPT;
    rv_test("an interrupt of S waits for mie, and below S for nothing else");
    rv_csr_write(RV_CSR_MIDELEG, 0x222);
    rv_csr_write(RV_CSR_MIE, 0);
    rv_csr_set(RV_CSR_MIP, 2);
    CHECK_EQ(interrupt(RV_U).cause, RV_CAUSE_ECALL_U);
    rv_csr_write(RV_CSR_MIE, 2);
    rv_seen seen = interrupt(RV_U);
    CHECK_EQ(seen.by, 'H');
    CHECK_EQ(seen.cause, interrupt_bit | RV_IRQ_SSI);
    CHECK_EQ(seen.tval, 0);
    CHECK_EQ(interrupt(RV_S).cause, RV_CAUSE_ECALL_HS);
    rv_csr_set(RV_CSR_SSTATUS, RV_STATUS_SIE);
    seen = interrupt(RV_S);
    CHECK_EQ(seen.cause, interrupt_bit | RV_IRQ_SSI);
    CHECK_EQ(seen.status & RV_STATUS_SPIE, RV_STATUS_SPIE);
    CHECK_EQ(seen.status & RV_STATUS_SIE, 0);
    rv_test("one that is not delegated goes to M, from S whatever MIE says");
    rv_csr_write(RV_CSR_MIDELEG, 0);
    seen = interrupt(RV_S);
    CHECK_EQ(seen.by, 'M');
    CHECK_EQ(seen.cause, interrupt_bit | RV_IRQ_SSI);
    rv_csr_clear(RV_CSR_MIP, 2);
    rv_test("a vectored table is entered by the cause, exceptions at its start");
    rv_csr_write(RV_CSR_MIDELEG, 0x222);
    rv_csr_set(RV_CSR_MIP, 0x20);
    rv_csr_write(RV_CSR_MIE, 0x20);
    CHECK_EQ(interrupt(RV_U).cause, interrupt_bit | RV_IRQ_STI);
    rv_csr_clear(RV_CSR_MIP, 0x20);
    rv_test("sip shows what is delegated, and lets SSIP be written");
    rv_csr_set(RV_CSR_MIP, 0x222);
    CHECK_EQ(rv_csr_read(RV_CSR_SIP), 0x222);
    rv_csr_write(RV_CSR_MIDELEG, 0x20);
    CHECK_EQ(rv_csr_read(RV_CSR_SIP), 0x20);
    rv_csr_write(RV_CSR_MIDELEG, 0x222);
    rv_csr_write(RV_CSR_SIP, 0);
    CHECK_EQ(rv_csr_read(RV_CSR_MIP) & 0x222, 0x220);
    rv_csr_clear(RV_CSR_MIP, 0x222);
    rv_csr_write(RV_CSR_MIE, 0);
}

static void timer_and_software(void)
{
    volatile uint64_t *mtimecmp =
        (volatile uint64_t *)(uintptr_t)(RV_CLINT_BASE + 0x4000);
    volatile uint64_t *mtime = (volatile uint64_t *)(uintptr_t)(RV_CLINT_BASE + 0xbff8);
    volatile uint32_t *msip = (volatile uint32_t *)(uintptr_t)RV_CLINT_BASE;
    rv_test("the timer rings when mtime reaches mtimecmp, and WFI waits for it");
    *mtimecmp = *mtime + 50;
    rv_csr_write(RV_CSR_MIE, 0x80);
    CHECK_EQ(rv_csr_read(RV_CSR_MIP) & 0x80, 0);
    __asm__ volatile("wfi");
    CHECK_EQ(rv_csr_read(RV_CSR_MIP) & 0x80, 0x80);
    CHECK(*mtime >= *mtimecmp);
    CHECK(*mtime - *mtimecmp < 1000);
    rv_seen seen = interrupt(RV_S);
    CHECK_EQ(seen.cause, RV_CAUSE_INTERRUPT | RV_IRQ_MTI);
    *mtimecmp = ~0ull;
    CHECK_EQ(rv_csr_read(RV_CSR_MIP) & 0x80, 0);
    rv_test("msip raises the software interrupt of M");
    *msip = 1;
    CHECK_EQ(rv_csr_read(RV_CSR_MIP) & 8, 8);
    rv_csr_write(RV_CSR_MIE, 8);
    CHECK_EQ(interrupt(RV_U).cause, RV_CAUSE_INTERRUPT | RV_IRQ_MSI);
    *msip = 0;
    CHECK_EQ(rv_csr_read(RV_CSR_MIP) & 8, 0);
    rv_csr_write(RV_CSR_MIE, 0);
    rv_test("time is mtime");
    uint64_t before = *mtime, time = rv_csr_read(RV_CSR_TIME), after = *mtime;
    CHECK(before <= time && time <= after);
}

static void console_interrupt(void)
{
    volatile uint8_t *uart = (volatile uint8_t *)(uintptr_t)RV_UART_BASE;
    volatile uint32_t *plic = (volatile uint32_t *)(uintptr_t)RV_PLIC_BASE;
    rv_test("the console's interrupt goes through the PLIC to S, until it is claimed");
    plic[RV_UART_IRQ] = 3;
    plic[0x2080 / 4] = 1 << RV_UART_IRQ;
    plic[0x201000 / 4] = 3; /* a threshold that holds it back */
    uart[1] = 2;            /* interrupt when the transmitter is empty */
    CHECK_EQ(rv_csr_read(RV_CSR_MIP) & 0x200, 0);
    plic[0x201000 / 4] = 2;
    CHECK_EQ(rv_csr_read(RV_CSR_MIP) & 0x200, 0x200);
    CHECK_EQ(plic[0x1000 / 4], 1 << RV_UART_IRQ);
    CHECK_EQ(plic[0x201004 / 4], RV_UART_IRQ);
    CHECK_EQ(rv_csr_read(RV_CSR_MIP) & 0x200, 0);
    CHECK_EQ(plic[0x201004 / 4], 0);
    CHECK_EQ(uart[2] & 15, 2); /* telling which clears it */
    CHECK_EQ(uart[2] & 15, 1);
    plic[0x201004 / 4] = RV_UART_IRQ;
    CHECK_EQ(plic[0x201004 / 4], 0);
    uart[1] = 0;
}

static void mprv(void)
{
    static uint64_t cell = 0x1122334455667788;
    uint64_t value;
    rv_test("MPRV makes M's loads those of MPP");
    rv_csr_write(RV_CSR_PMPADDR0, (uint64_t)(uintptr_t)&cell >> 2);
    rv_csr_write(RV_CSR_PMPADDR0 + 1, ((uint64_t)(uintptr_t)&cell >> 2) + 2);
    rv_csr_write(RV_CSR_PMPCFG0, RV_PMP_TOR << 8); /* no right for S and U */
    static const uint32_t load[] = {
        0x000202b7, /* lui t0, 0x20: MPRV */
        0x3002a073, /* csrs mstatus, t0 */
        0x00053503, /* ld a0, 0(a0) */
    };
    uint64_t entry = rv_code(load, 3);
    rv_csr_clear(RV_CSR_MSTATUS, RV_STATUS_MPRV);
    rv_seen seen = rv_run(RV_M, entry, (uint64_t)(uintptr_t)&cell, 0);
    value = rv_csr_read(RV_CSR_MSTATUS);
    rv_csr_clear(RV_CSR_MSTATUS, RV_STATUS_MPRV);
    CHECK_EQ(seen.cause, RV_CAUSE_LOAD_ACCESS); /* mret left MPP = U */
    CHECK_EQ(value & RV_STATUS_MPRV, RV_STATUS_MPRV);
    rv_csr_write(RV_CSR_PMPCFG0, 0);
}

int main(void)
{
    causes();
    delegation();
    returns();
    interrupts();
    timer_and_software();
    console_interrupt();
    mprv();
    return rv_tests_end();
}
