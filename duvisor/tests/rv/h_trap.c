/* h_trap.c - the hypervisor extension without its tables: delegation to HS and VS, what
 * a trap writes, returns into the guest, virtual instructions, the guest's interrupts.
 */
#include "rv/test.h"

static const uint32_t nothing[] = {0x00000013};
static const uint32_t ebreak[] = {0x00100073};
static const uint32_t unknown[] = {0xffffffff};
static const uint32_t sret[] = {0x10200073};
static const uint32_t wfi[] = {0x10500073};
static const uint32_t sfence[] = {0x12000073};
static const uint32_t hfence_vvma[] = {0x22000073};
static const uint32_t hfence_gvma[] = {0x62000073};
static const uint32_t hlv_d[] = {0x6c0545f3}; /* hlv.d a1, (a0) */
static const uint32_t hsv_d[] = {0x6eb54073}; /* hsv.d a1, (a0) */

static rv_seen run(rv_mode mode, const uint32_t *words)
{
    return rv_run(mode, rv_code(words, 1), 0, 0);
}

static void ecalls(void)
{
    rv_test("ecalls of the guest have causes of their own");
    CHECK_EQ(run(RV_VS, nothing).cause, RV_CAUSE_ECALL_VS);
    CHECK_EQ(run(RV_VU, nothing).cause, RV_CAUSE_ECALL_U);
    rv_test("a trap from V=1 to M notes V in MPV");
    rv_seen seen = run(RV_VS, nothing);
    CHECK_EQ(seen.status & RV_STATUS_MPV, RV_STATUS_MPV);
    CHECK_EQ(seen.status & RV_STATUS_MPP, 1 << 11);
    seen = run(RV_VU, nothing);
    CHECK_EQ(seen.status & RV_STATUS_MPV, RV_STATUS_MPV);
    CHECK_EQ(seen.status & RV_STATUS_MPP, 0);
    CHECK_EQ(run(RV_S, nothing).status & RV_STATUS_MPV, 0);
}

static void to_hs(void)
{
    rv_test("a trap from V=1 to HS notes V and the guest's mode in hstatus");
    rv_csr_write(RV_CSR_MEDELEG, 1 << RV_CAUSE_ILLEGAL | 1 << RV_CAUSE_ECALL_U);
    rv_seen seen = run(RV_VS, unknown);
    CHECK_EQ(seen.by, 'H');
    CHECK_EQ(seen.cause, RV_CAUSE_ILLEGAL);
    CHECK_EQ(seen.tval, 0xffffffff);
    CHECK_EQ(seen.hstatus & (RV_HSTATUS_SPV | RV_HSTATUS_SPVP),
             RV_HSTATUS_SPV | RV_HSTATUS_SPVP);
    CHECK_EQ(seen.hstatus & RV_HSTATUS_GVA, 0);
    CHECK_EQ(seen.status & RV_STATUS_SPP, RV_STATUS_SPP);
    seen = run(RV_VU, unknown);
    CHECK_EQ(seen.by, 'H');
    CHECK_EQ(seen.hstatus & (RV_HSTATUS_SPV | RV_HSTATUS_SPVP), RV_HSTATUS_SPV);
    CHECK_EQ(seen.status & RV_STATUS_SPP, 0);
    rv_test("a trap from V=0 clears SPV and leaves SPVP");
    rv_csr_set(RV_CSR_HSTATUS, RV_HSTATUS_SPVP);
    seen = run(RV_U, unknown);
    CHECK_EQ(seen.by, 'H');
    CHECK_EQ(seen.hstatus & (RV_HSTATUS_SPV | RV_HSTATUS_SPVP), RV_HSTATUS_SPVP);
}

static void to_vs(void)
{
    rv_test("hedeleg hands the guest's traps on to VS, and leaves HS alone");
    rv_csr_write(RV_CSR_MEDELEG, 1 << RV_CAUSE_BREAKPOINT | 1 << RV_CAUSE_ECALL_U);
    rv_csr_write(RV_CSR_HEDELEG, 1 << RV_CAUSE_BREAKPOINT | 1 << RV_CAUSE_ECALL_U);
    rv_csr_write(RV_CSR_SCAUSE, 0x5a);
    rv_csr_write(RV_CSR_SEPC, 0x1234);
    rv_csr_write(RV_CSR_VSSTATUS, RV_STATUS_SIE);
    uint64_t hstatus = rv_csr_read(RV_CSR_HSTATUS);
    rv_seen seen = run(RV_VS, ebreak);
    CHECK_EQ(seen.by, 'V');
    CHECK_EQ(seen.cause, RV_CAUSE_BREAKPOINT);
    CHECK_EQ(seen.status & (RV_STATUS_SPP | RV_STATUS_SPIE | RV_STATUS_SIE),
             RV_STATUS_SPP | RV_STATUS_SPIE);
    CHECK_EQ(rv_csr_read(RV_CSR_SCAUSE), 0x5a);
    CHECK_EQ(rv_csr_read(RV_CSR_SEPC), 0x1234);
    CHECK_EQ(rv_csr_read(RV_CSR_HSTATUS), hstatus);
    seen = run(RV_VU, nothing);
    CHECK_EQ(seen.by, 'V');
    CHECK_EQ(seen.cause, RV_CAUSE_ECALL_U);
    CHECK_EQ(seen.status & RV_STATUS_SPP, 0);
    rv_test("and not those of HS and U");
    CHECK_EQ(run(RV_S, ebreak).by, 'H');
    CHECK_EQ(run(RV_U, ebreak).by, 'H');
    rv_test("hedeleg alone does nothing");
    rv_csr_write(RV_CSR_MEDELEG, 0);
    CHECK_EQ(run(RV_VS, ebreak).by, 'M');
    rv_csr_write(RV_CSR_HEDELEG, 0);
}

static void virtual_instructions(void)
{
    static const uint32_t *const words[] = {hfence_vvma, hfence_gvma, hlv_d, hsv_d};
    rv_test("instructions of HS are virtual in VS, illegal in U"); /* VU: own_h.c */
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(run(RV_VS, words[i]).cause, RV_CAUSE_VIRTUAL_INSTRUCTION);
        CHECK_EQ(run(RV_U, words[i]).cause, RV_CAUSE_ILLEGAL);
    }
    rv_test("VU meets a virtual instruction at WFI");
    CHECK_EQ(run(RV_VU, wfi).cause, RV_CAUSE_VIRTUAL_INSTRUCTION);
    rv_test("VTSR, VTW and VTVM stop VS, not HS");
    CHECK_EQ(run(RV_VS, sfence).cause, RV_CAUSE_ECALL_VS);
    rv_csr_set(RV_CSR_HSTATUS, RV_HSTATUS_VTSR | RV_HSTATUS_VTW | RV_HSTATUS_VTVM);
    CHECK_EQ(run(RV_VS, sret).cause, RV_CAUSE_VIRTUAL_INSTRUCTION);
    CHECK_EQ(run(RV_VS, wfi).cause, RV_CAUSE_VIRTUAL_INSTRUCTION);
    CHECK_EQ(run(RV_VS, sfence).cause, RV_CAUSE_VIRTUAL_INSTRUCTION);
    CHECK_EQ(run(RV_S, sfence).cause, RV_CAUSE_ECALL_HS);
    rv_csr_clear(RV_CSR_HSTATUS, RV_HSTATUS_VTSR | RV_HSTATUS_VTW | RV_HSTATUS_VTVM);
    rv_test("TW comes before VTW");
    rv_csr_set(RV_CSR_MSTATUS, RV_STATUS_TW);
    CHECK_EQ(run(RV_VS, wfi).cause, RV_CAUSE_ILLEGAL);
    rv_csr_clear(RV_CSR_MSTATUS, RV_STATUS_TW);
    rv_test("virtual instructions may be delegated to HS");
    rv_csr_write(RV_CSR_MEDELEG, 1 << RV_CAUSE_VIRTUAL_INSTRUCTION);
    rv_seen seen = run(RV_VS, hfence_gvma);
    CHECK_EQ(seen.by, 'H');
    CHECK_EQ(seen.tval, hfence_gvma[0]);
    CHECK_EQ(seen.hstatus & RV_HSTATUS_GVA, 0);
    rv_csr_write(RV_CSR_MEDELEG, 0);
}

/* csrw sepc, a0; csrw sstatus, a1; sret */
static const uint32_t sret_to[] = {0x14151073, 0x10059073, 0x10200073};

static void returns(void)
{
    static uint32_t target[2] __attribute__((aligned(8)));
    target[0] = 0x00000073;
    __asm__ volatile("fence.i" ::: "memory");
    uint64_t at = (uint64_t)(uintptr_t)target;
    rv_test("SRET in HS enters the guest when SPV says so, and clears it");
    rv_csr_set(RV_CSR_HSTATUS, RV_HSTATUS_SPV);
    CHECK_EQ(rv_run(RV_S, rv_code(sret_to, 3), at, RV_STATUS_SPP).cause,
             RV_CAUSE_ECALL_VS);
    CHECK_EQ(rv_csr_read(RV_CSR_HSTATUS) & RV_HSTATUS_SPV, 0);
    rv_csr_set(RV_CSR_HSTATUS, RV_HSTATUS_SPV);
    rv_seen seen = rv_run(RV_S, rv_code(sret_to, 3), at, 0);
    CHECK_EQ(seen.cause, RV_CAUSE_ECALL_U);
    CHECK_EQ(seen.status & RV_STATUS_MPV, RV_STATUS_MPV);
    rv_test("SRET in VS uses vsstatus and vsepc");
    rv_csr_write(RV_CSR_SEPC, 0x98);
    seen = rv_run(RV_VS, rv_code(sret_to, 3), at, RV_STATUS_SPP | RV_STATUS_SPIE);
    CHECK_EQ(seen.cause, RV_CAUSE_ECALL_VS);
    CHECK_EQ(rv_csr_read(RV_CSR_VSSTATUS) & (RV_STATUS_SIE | RV_STATUS_SPP),
             RV_STATUS_SIE);
    CHECK_EQ(rv_csr_read(RV_CSR_SEPC), 0x98);
    seen = rv_run(RV_VS, rv_code(sret_to, 3), at, 0);
    CHECK_EQ(seen.cause, RV_CAUSE_ECALL_U);
    CHECK_EQ(seen.status & RV_STATUS_MPV, RV_STATUS_MPV);
    rv_csr_write(RV_CSR_VSSTATUS, 0);
    rv_test("the supervisor's registers are the guest's own in VS");
    static const uint32_t swap[] = {0x14059573}; /* csrrw a0, sscratch, a1 */
    rv_csr_write(RV_CSR_SSCRATCH, 1);
    rv_csr_write(RV_CSR_VSSCRATCH, 2);
    CHECK_EQ(rv_run(RV_VS, rv_code(swap, 1), 0, 3).a0, 2);
    CHECK_EQ(rv_csr_read(RV_CSR_VSSCRATCH), 3);
    CHECK_EQ(rv_csr_read(RV_CSR_SSCRATCH), 1);
    static const uint32_t time[] = {0xc0102573, 0xc01025f3}; /* csrr a0, time; a1 */
    rv_test("htimedelta moves the guest's time");
    rv_csr_write(RV_CSR_MCOUNTEREN, 7);
    rv_csr_write(RV_CSR_HCOUNTEREN, 7);
    rv_csr_write(RV_CSR_HTIMEDELTA, 1ull << 40);
    CHECK_EQ(rv_run(RV_VS, rv_code(time, 1), 0, 0).a0 >> 40, 1);
    CHECK_EQ(rv_run(RV_S, rv_code(time, 1), 0, 0).a0 >> 40, 0);
    rv_csr_write(RV_CSR_HTIMEDELTA, 0);
}

/* li a1, 12; addi a1, a1, -1; bnez a1, -4 */
static const uint32_t wait_loop[] = {0x00c00593, 0xfff58593, 0xfe059ee3};

static rv_seen interrupt(rv_mode mode)
{
    return rv_run(mode, rv_code(wait_loop, 3), 0, 0);
}

static void interrupts(void)
{
    static const struct {
        unsigned bit;
        uint64_t seen_by_hs, seen_by_vs;
    } kinds[] = {{2, 2, 1}, {6, 6, 5}, {10, 10, 9}};
    /* QEMU 7.2 sets the bits that are always delegated when it is first written */
    rv_csr_write(RV_CSR_MIDELEG, 0);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t bit = 1ull << kinds[i].bit;
        rv_test("an interrupt in hvip goes to HS, by its own number");
        rv_csr_write(RV_CSR_HIDELEG, 0);
        rv_csr_write(RV_CSR_HVIP, bit);
        rv_csr_write(RV_CSR_HIE, bit);
        CHECK_EQ(rv_csr_read(RV_CSR_HIP) & 0x444, bit);
        CHECK_EQ(rv_csr_read(RV_CSR_MIP) & 0x444, bit);
        rv_seen seen = interrupt(RV_VS);
        CHECK_EQ(seen.by, 'H');
        CHECK_EQ(seen.cause, RV_CAUSE_INTERRUPT | kinds[i].seen_by_hs);
        CHECK_EQ(seen.hstatus & RV_HSTATUS_SPV, RV_HSTATUS_SPV);
        rv_test("with hideleg to VS, by the supervisor's, when vsstatus lets it");
        rv_csr_write(RV_CSR_HIDELEG, 0x444);
        rv_csr_write(RV_CSR_VSSTATUS, 0);
        CHECK_EQ(interrupt(RV_VS).cause, RV_CAUSE_ECALL_VS);
        rv_csr_write(RV_CSR_VSSTATUS, RV_STATUS_SIE);
        seen = interrupt(RV_VS);
        CHECK_EQ(seen.by, 'V');
        CHECK_EQ(seen.cause, RV_CAUSE_INTERRUPT | kinds[i].seen_by_vs);
        rv_csr_write(RV_CSR_VSSTATUS, 0);
        CHECK_EQ(interrupt(RV_VU).by, 'V');
        rv_test("and waits while V=0");
        rv_csr_set(RV_CSR_SSTATUS, RV_STATUS_SIE);
        CHECK_EQ(interrupt(RV_S).cause, RV_CAUSE_ECALL_HS);
        CHECK_EQ(interrupt(RV_U).cause, RV_CAUSE_ECALL_U);
        rv_csr_clear(RV_CSR_SSTATUS, RV_STATUS_SIE);
    }
    rv_test("vsip and vsie show what hideleg hands on, one bit lower");
    rv_csr_write(RV_CSR_HVIP, 0x444);
    rv_csr_write(RV_CSR_HIDELEG, 0x404);
    CHECK_EQ(rv_csr_read(RV_CSR_VSIP) & 2, 2); /* QEMU shows no more: own_h.c */
    CHECK_EQ(rv_csr_read(RV_CSR_VSIE), 0x200);
    rv_csr_write(RV_CSR_VSIE, 0x222);
    CHECK_EQ(rv_csr_read(RV_CSR_HIE) & 0x444, 0x404);
    rv_csr_write(RV_CSR_VSIP, 0);
    CHECK_EQ(rv_csr_read(RV_CSR_HVIP), 0x440);
    rv_csr_write(RV_CSR_HVIP, 0);
    rv_csr_write(RV_CSR_HIE, 0);
    rv_csr_write(RV_CSR_HIDELEG, 0);
}

int main(void)
{
    ecalls();
    to_hs();
    to_vs();
    virtual_instructions();
    returns();
    interrupts();
    return rv_tests_end();
}
