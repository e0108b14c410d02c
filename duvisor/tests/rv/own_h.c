/* own_h.c - where QEMU 7.2 departs from the hypervisor extension: what VU may not do,
 * the instruction's bits, GVA, exceptions whose number is also an interrupt's, and the
 * order of interrupts. */
#include "rv/test.h"

static const uint32_t unknown[] = {0xffffffff};
static const uint32_t sret[] = {0x10200073};
static const uint32_t sfence[] = {0x12000073};
static const uint32_t wfi[] = {0x10500073};
static const uint32_t hfence_vvma[] = {0x22000073};
static const uint32_t hfence_gvma[] = {0x62000073};
static const uint32_t hlv_d[] = {0x6c0545f3}; /* hlv.d a1, (a0) */
static const uint32_t hsv_d[] = {0x6eb54073}; /* hsv.d a1, (a0) */

static rv_seen run(rv_mode mode, const uint32_t *words)
{
    return rv_run(mode, rv_code(words, 1), 0, 0);
}

static void virtual_instructions(void)
{
    static const uint32_t *const words[] = {hfence_vvma, hfence_gvma, hlv_d,
                                            hsv_d,       sret,        sfence};
    rv_test("VU meets virtual instructions, with their bits");
    for (unsigned i = 0; i < 6; i++) {
        CHECK_EQ(run(RV_VU, words[i]).cause, RV_CAUSE_VIRTUAL_INSTRUCTION);
        CHECK_EQ(run(RV_VU, words[i]).tval, words[i][0]);
    }
    rv_test("so does VS at HLV and HSV");
    CHECK_EQ(run(RV_VS, hlv_d).tval, hlv_d[0]);
    CHECK_EQ(run(RV_VS, hsv_d).tval, hsv_d[0]);
    rv_test("an illegal HLV in U shows its bits");
    CHECK_EQ(run(RV_U, hlv_d).cause, RV_CAUSE_ILLEGAL);
    CHECK_EQ(run(RV_U, hlv_d).tval, hlv_d[0]);
    rv_test("TW makes WFI illegal in VU too");
    rv_csr_set(RV_CSR_MSTATUS, RV_STATUS_TW);
    CHECK_EQ(run(RV_VU, wfi).cause, RV_CAUSE_ILLEGAL);
    rv_csr_clear(RV_CSR_MSTATUS, RV_STATUS_TW);
}

static void causes(void)
{
    rv_test("an illegal instruction of the guest is cause 2 in VS too");
    rv_csr_write(RV_CSR_MEDELEG, 1 << RV_CAUSE_ILLEGAL);
    rv_csr_write(RV_CSR_HEDELEG, 1 << RV_CAUSE_ILLEGAL);
    rv_seen seen = run(RV_VS, unknown);
    CHECK_EQ(seen.by, 'V');
    CHECK_EQ(seen.cause, RV_CAUSE_ILLEGAL);
    rv_csr_write(RV_CSR_MEDELEG, 0);
    rv_csr_write(RV_CSR_HEDELEG, 0);
    rv_test("GVA tells that mtval is a guest's address, and only that");
    static const uint32_t load[] = {0x00053583}; /* ld a1, 0(a0) */
    CHECK_EQ(run(RV_VS, unknown).status & RV_STATUS_GVA, 0);
    seen = rv_run(RV_VS, rv_code(load, 1), 0x18000000, 0);
    CHECK_EQ(seen.cause, RV_CAUSE_LOAD_ACCESS);
    CHECK_EQ(seen.status & RV_STATUS_GVA, RV_STATUS_GVA);
    CHECK_EQ(rv_run(RV_S, rv_code(load, 1), 0x18000000, 0).status & RV_STATUS_GVA, 0);
    rv_test("and an HLV of HS that fails at the guest's address sets it");
    rv_csr_set(RV_CSR_HSTATUS, RV_HSTATUS_SPVP);
    seen = rv_run(RV_S, rv_code(hlv_d, 1), 0x18000000, 0);
    CHECK_EQ(seen.cause, RV_CAUSE_LOAD_ACCESS);
    CHECK_EQ(seen.status & RV_STATUS_GVA, RV_STATUS_GVA);
    CHECK_EQ(seen.status & RV_STATUS_MPV, 0);
}

static void order(void)
{
    static const uint32_t nothing[] = {0x00000013};
    static const struct {
        uint64_t pending, taken;
    } cases[] = {{0x222, RV_IRQ_SEI}, {0x22, RV_IRQ_SSI}, {0x20, RV_IRQ_STI}};
    rv_test("external comes before software, software before timer, S before VS");
    rv_csr_write(RV_CSR_MIDELEG, 0x222);
    rv_csr_write(RV_CSR_MIE, 0x666);
    for (unsigned i = 0; i < 3; i++) {
        rv_csr_write(RV_CSR_MIP, cases[i].pending);
        rv_csr_write(RV_CSR_HVIP, 0x444);
        CHECK_EQ(run(RV_VU, nothing).cause, RV_CAUSE_INTERRUPT | cases[i].taken);
    }
    rv_csr_write(RV_CSR_MIP, 0);
    rv_csr_write(RV_CSR_HVIP, 0x444);
    CHECK_EQ(run(RV_VU, nothing).cause, RV_CAUSE_INTERRUPT | RV_IRQ_VSEI);
    rv_csr_write(RV_CSR_HVIP, 0x44);
    CHECK_EQ(run(RV_VU, nothing).cause, RV_CAUSE_INTERRUPT | RV_IRQ_VSSI);
    rv_csr_write(RV_CSR_HVIP, 0);
    rv_csr_write(RV_CSR_MIE, 0);
}

static void shown(void)
{
    rv_test("vsip shows what hideleg hands on");
    rv_csr_write(RV_CSR_HVIP, 0x444);
    rv_csr_write(RV_CSR_HIDELEG, 0x404);
    CHECK_EQ(rv_csr_read(RV_CSR_VSIP), 0x202);
    rv_csr_write(RV_CSR_HVIP, 0);
    rv_csr_write(RV_CSR_HIDELEG, 0);
}

int main(void)
{
    shown();
    virtual_instructions();
    causes();
    order();
    return rv_tests_end();
}
