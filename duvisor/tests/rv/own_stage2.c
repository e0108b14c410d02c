/* own_stage2.c - two-stage translation where QEMU 7.2 departs from the specification:
 * what a fault on a guest table is reported as, HLVX, the host's MXR, wide guest
 * addresses, AMOs, and PMP in the guest. */
#include "stage2.h"

static void tables(void)
{
    rv_test("a fault on a guest table is one of the access itself");
    make(3, 3, ALL, ALL_G);
    first_root[VA >> 30 & 511] = 0x30000000ull >> 12 << 10 | RV_PTE_V;
    rv_fence_all();
    CHECK_EQ(try(RV_VS, load, VA + 8).cause, RV_CAUSE_LOAD_GUEST_PAGE);
    CHECK_EQ(try(RV_VS, store, VA + 8).cause, RV_CAUSE_STORE_GUEST_PAGE);
    CHECK_EQ(try(RV_VS, jump, VA + 8).cause, RV_CAUSE_FETCH_GUEST_PAGE);
    rv_test("a guest table that may not be written is a fault of 0x3020 when A is set");
    make(3, 3, RV_PTE_V | RWX, ALL_G);
    rv_map(second_root, 3, 0x40000000, 0, (uint64_t)(uintptr_t)first_entry & ~4095ull,
           RV_PTE_V | RV_PTE_R | RV_PTE_U | AD);
    uint64_t *middle = (uint64_t *)(uintptr_t)(first_root[VA >> 30 & 511] >> 10 << 12);
    middle[VA >> 21 & 511] = 0x40000000ull >> 12 << 10 | RV_PTE_V;
    rv_fence_all();
    rv_seen seen = try(RV_VS, load, VA + 8);
    CHECK_EQ(seen.cause, RV_CAUSE_LOAD_GUEST_PAGE);
    CHECK_EQ(seen.tval, VA + 8);
    CHECK_EQ(seen.tval2, (0x40000000 + (VA >> 12 & 511) * 8) >> 2);
    CHECK_EQ(seen.tinst, 0x3020);
    CHECK_EQ(*first_entry & AD, 0);
    rv_test("a second stage outside memory is an access fault");
    make(3, 3, ALL, ALL_G);
    second_root[0] = 0x18000000ull >> 12 << 10 | RV_PTE_V;
    rv_fence_all();
    CHECK_EQ(try(RV_VS, load, VA).cause, RV_CAUSE_LOAD_ACCESS);
    CHECK_EQ(try(RV_VS, store, VA).cause, RV_CAUSE_STORE_ACCESS);
    CHECK_EQ(try(RV_VS, store, VA).tval2, 0);
}

static void wide(void)
{
    rv_test("guest physical addresses are not sign-extended");
    make(3, 3, ALL, ALL_G);
    rv_csr_write(RV_CSR_VSATP, 0);
    rv_map(second_root, 3, 0x1ffull << 32, 2, RV_RAM_BASE, ALL_G);
    rv_fence_all();
    cell[6] = 0x66;
    uint64_t offset = pa_of(cell + 6) - RV_RAM_BASE;
    CHECK_EQ(try(RV_VS, load, (0x1ffull << 32) + offset).a1, 0x66);
}

static void amo(void)
{
    static const uint32_t amoadd[] = {0x00b535af}; /* amoadd.d a1, a1, (a0) */
    rv_test("an AMO faults as a store");
    make(3, 3, ALL, 0);
    CHECK_EQ(try(RV_VS, amoadd, VA + 8).cause, RV_CAUSE_STORE_GUEST_PAGE);
    make(3, 3, 0, ALL_G);
    CHECK_EQ(try(RV_VS, amoadd, VA + 8).cause, RV_CAUSE_STORE_PAGE);
}

static void guest_pmp(void)
{
    rv_test("what PMP denies the guest is an access fault, with the guest's address");
    make(3, 3, ALL, ALL_G);
    rv_csr_write(RV_CSR_PMPADDR0, pa_of(cell) >> 2 | 511);
    rv_csr_write(RV_CSR_PMPCFG0, RV_PMP_NAPOT);
    rv_fence_all();
    rv_seen seen = try(RV_VS, load, VA + 8);
    CHECK_EQ(seen.cause, RV_CAUSE_LOAD_ACCESS);
    CHECK_EQ(seen.tval, VA + 8);
    CHECK_EQ(seen.tval2, 0);
    CHECK_EQ(try(RV_VS, store, VA + 8).cause, RV_CAUSE_STORE_ACCESS);
    rv_csr_set(RV_CSR_HSTATUS, RV_HSTATUS_SPVP);
    CHECK_EQ(try(RV_S, hlv_d, VA + 8).cause, RV_CAUSE_LOAD_ACCESS);
    rv_test("so is a second-stage table that it denies");
    rv_csr_write(RV_CSR_PMPADDR0, pa_of(second_root) >> 2 | 511);
    rv_fence_all();
    CHECK_EQ(try(RV_VS, load, VA + 8).cause, RV_CAUSE_FETCH_ACCESS);
    rv_csr_write(RV_CSR_PMPCFG0, 0);
    rv_fence_all();
}

static void mxr_and_hlvx(void)
{
    rv_test("HLV as VS does not reach the guest's user pages without the guest's SUM");
    make(3, 3, ALL | RV_PTE_U, ALL_G);
    rv_csr_set(RV_CSR_HSTATUS, RV_HSTATUS_SPVP);
    CHECK_EQ(try(RV_S, hlv_d, VA).cause, RV_CAUSE_LOAD_PAGE);
    rv_test("HLVX wants the right to execute in both stages, and not to read");
    make(3, 3, RV_PTE_V | RV_PTE_X | AD, RV_PTE_V | RV_PTE_X | RV_PTE_U | AD);
    rv_csr_set(RV_CSR_HSTATUS, RV_HSTATUS_SPVP);
    CHECK_EQ(try(RV_S, hlvx_wu, VA).cause, RV_CAUSE_ECALL_HS);
    CHECK_EQ(try(RV_S, hlv_w, VA).cause, RV_CAUSE_LOAD_PAGE);
    make(3, 3, RV_PTE_V | RV_PTE_R | AD, ALL_G);
    CHECK_EQ(try(RV_S, hlvx_wu, VA).cause, RV_CAUSE_LOAD_PAGE);
    make(3, 3, ALL, RV_PTE_V | RV_PTE_R | RV_PTE_U | AD);
    CHECK_EQ(try(RV_S, hlvx_wu, VA).cause, RV_CAUSE_LOAD_GUEST_PAGE);
    rv_test("the host's opens the second");
    make(3, 3, ALL, RV_PTE_V | RV_PTE_X | RV_PTE_U | AD);
    CHECK_EQ(try(RV_VS, load, VA).cause, RV_CAUSE_LOAD_GUEST_PAGE);
    rv_csr_set(RV_CSR_MSTATUS, RV_STATUS_MXR);
    CHECK_EQ(try(RV_VS, load, VA).cause, RV_CAUSE_ECALL_VS);
    rv_csr_clear(RV_CSR_MSTATUS, RV_STATUS_MXR);
}

int main(void)
{
    tables();
    wide();
    amo();
    guest_pmp();
    mxr_and_hlvx();
    return rv_tests_end();
}
