/* h_stage2.c - two-stage translation: who faults, with which addresses; HLV, HSV and
 * HLVX; guest page tables that are themselves translated. */
#include "stage2.h"

static void levels(void)
{
    for (unsigned first = 3; first <= 5; first++)
        for (unsigned second = 3; second <= 5; second++) {
            rv_test("both stages translate, and set A and D as they go");
            make(first, second, RV_PTE_V | RWX, RV_PTE_V | RWX | RV_PTE_U);
            cell[3] = 0x77;
            CHECK_EQ(try(RV_VS, load, VA + 24).a1, 0x77);
            CHECK_EQ(*first_entry & AD, RV_PTE_A);
            CHECK_EQ(*second_entry & AD, RV_PTE_A);
            CHECK_EQ(try(RV_VS, store, VA + 32).cause, RV_CAUSE_ECALL_VS);
            CHECK_EQ(cell[4], 0xabcd);
            CHECK_EQ(*first_entry & AD, AD);
            CHECK_EQ(*second_entry & AD, AD);
        }
}

static void second_stage_faults(void)
{
    rv_test("a second-stage fault shows both addresses");
    make(3, 3, ALL, 0);
    check_guest_fault(try(RV_VS, load, VA + 8), RV_CAUSE_LOAD_GUEST_PAGE, VA + 8,
                      GPA + 8);
    check_guest_fault(try(RV_VS, store, VA + 8), RV_CAUSE_STORE_GUEST_PAGE, VA + 8,
                      GPA + 8);
    check_guest_fault(try(RV_VS, jump, VA + 8), RV_CAUSE_FETCH_GUEST_PAGE, VA + 8,
                      GPA + 8);
    rv_test("it goes to HS when delegated, with GVA, and never to VS");
    rv_csr_write(RV_CSR_MEDELEG, 0xf00000);
    rv_csr_write(RV_CSR_HEDELEG, ~0ull);
    rv_seen seen = try(RV_VS, store, VA + 8);
    CHECK_EQ(seen.by, 'H');
    check_guest_fault(seen, RV_CAUSE_STORE_GUEST_PAGE, VA + 8, GPA + 8);
    CHECK_EQ(seen.hstatus & (RV_HSTATUS_GVA | RV_HSTATUS_SPV),
             RV_HSTATUS_GVA | RV_HSTATUS_SPV);
    rv_csr_write(RV_CSR_MEDELEG, 0);
    rv_csr_write(RV_CSR_HEDELEG, 0);
    rv_test("rights of the second stage are its own, and its leaves the user's");
    make(3, 3, ALL, RV_PTE_V | RV_PTE_R | RV_PTE_U | AD);
    CHECK_EQ(try(RV_VS, load, VA).cause, RV_CAUSE_ECALL_VS);
    CHECK_EQ(try(RV_VS, store, VA).cause, RV_CAUSE_STORE_GUEST_PAGE);
    CHECK_EQ(try(RV_VS, jump, VA).cause, RV_CAUSE_FETCH_GUEST_PAGE);
    make(3, 3, ALL, ALL);
    CHECK_EQ(try(RV_VS, load, VA).cause, RV_CAUSE_LOAD_GUEST_PAGE);
    rv_test("a first-stage fault comes first, and is the guest's own");
    make(3, 3, 0, 0);
    seen = try(RV_VS, load, VA + 8);
    CHECK_EQ(seen.cause, RV_CAUSE_LOAD_PAGE);
    CHECK_EQ(seen.tval, VA + 8);
    CHECK_EQ(seen.tval2, 0);
    rv_csr_write(RV_CSR_MEDELEG, 1 << RV_CAUSE_LOAD_PAGE);
    rv_csr_write(RV_CSR_HEDELEG, 1 << RV_CAUSE_LOAD_PAGE);
    seen = try(RV_VS, load, VA + 8);
    CHECK_EQ(seen.by, 'V');
    CHECK_EQ(seen.tval, VA + 8);
    rv_csr_write(RV_CSR_MEDELEG, 0);
    rv_csr_write(RV_CSR_HEDELEG, 0);
    rv_test("without a first stage guest addresses are physical ones of the guest");
    make(3, 3, ALL, ALL_G);
    rv_csr_write(RV_CSR_VSATP, 0);
    rv_fence_all();
    cell[5] = 0x55;
    CHECK_EQ(try(RV_VS, load, GPA + 40).a1, 0x55);
    check_guest_fault(try(RV_VS, load, 0x20000008), RV_CAUSE_LOAD_GUEST_PAGE,
                      0x20000008, 0x20000008);
    rv_test("an address beyond what the second stage translates faults");
    check_guest_fault(try(RV_VS, load, 1ull << 41), RV_CAUSE_LOAD_GUEST_PAGE,
                      1ull << 41, 1ull << 41);
    rv_test("the root of the second stage is wider than a page");
    rv_map(second_root, 3, 0xffull << 32, 2, RV_RAM_BASE, ALL_G);
    rv_fence_all();
    cell[6] = 0x66;
    CHECK_EQ(try(RV_VS, load, (0xffull << 32) + (pa_of(cell + 6) - RV_RAM_BASE)).a1,
             0x66);
}

static void table_faults(void)
{
    rv_test("a guest table that is not mapped shows 0x3000 and its own address");
    make(3, 3, ALL, ALL_G);
    rv_csr_write(RV_CSR_VSATP, rv_atp(3, (uint64_t *)(uintptr_t)0x30000000));
    rv_fence_all();
    rv_seen seen = try(RV_VS, load, VA);
    CHECK_EQ(seen.tval, seen.epc);
    CHECK_EQ(seen.tval2, (0x30000000 + (RV_RAM_BASE >> 30) * 8) >> 2);
    CHECK_EQ(seen.tinst, 0x3000);
    rv_test("so does one of a deeper level");
    make(3, 3, ALL, ALL_G);
    first_root[VA >> 30 & 511] = 0x30000000ull >> 12 << 10 | RV_PTE_V;
    rv_fence_all();
    seen = try(RV_VS, load, VA + 8);
    CHECK_EQ(seen.cause, RV_CAUSE_LOAD_GUEST_PAGE);
    CHECK_EQ(seen.tval, VA + 8);
    CHECK_EQ(seen.tval2, (0x30000000 + (VA >> 21 & 511) * 8) >> 2);
    CHECK_EQ(seen.tinst, 0x3000);
}

static void guest_access(void)
{
    const uint64_t value = 0x81828384858687f8;
    rv_test("HLV and HSV reach the guest's memory from HS, in every size");
    make(3, 3, ALL, ALL_G);
    rv_csr_set(RV_CSR_HSTATUS, RV_HSTATUS_SPVP);
    cell[0] = value;
    CHECK_EQ(try(RV_S, hlv_b, VA).a1, 0xfffffffffffffff8);
    CHECK_EQ(try(RV_S, hlv_bu, VA).a1, 0xf8);
    CHECK_EQ(try(RV_S, hlv_h, VA).a1, 0xffffffffffff87f8);
    CHECK_EQ(try(RV_S, hlv_hu, VA).a1, 0x87f8);
    CHECK_EQ(try(RV_S, hlv_w, VA).a1, 0xffffffff858687f8);
    CHECK_EQ(try(RV_S, hlv_wu, VA).a1, 0x858687f8);
    CHECK_EQ(try(RV_S, hlv_d, VA).a1, value);
    CHECK_EQ(try(RV_S, hlvx_hu, VA).a1, 0x87f8);
    CHECK_EQ(try(RV_S, hlvx_wu, VA).a1, 0x858687f8);
    cell[1] = cell[2] = cell[3] = cell[4] = 0;
    (void)try(RV_S, hsv_b, VA + 8);
    (void)try(RV_S, hsv_h, VA + 16);
    (void)try(RV_S, hsv_w, VA + 24);
    (void)try(RV_M, hsv_d, VA + 32);
    CHECK_EQ(cell[1], 0xcd);
    CHECK_EQ(cell[2], 0xabcd);
    CHECK_EQ(cell[3], 0xabcd);
    CHECK_EQ(cell[4], 0xabcd);
    rv_test("as VS or VU, by SPVP");
    make(3, 3, ALL | RV_PTE_U, ALL_G);
    rv_csr_set(RV_CSR_VSSTATUS, RV_STATUS_SUM);
    CHECK_EQ(try(RV_S, hlv_d, VA).cause, RV_CAUSE_ECALL_HS);
    rv_csr_clear(RV_CSR_VSSTATUS, RV_STATUS_SUM);
    rv_csr_clear(RV_CSR_HSTATUS, RV_HSTATUS_SPVP);
    CHECK_EQ(try(RV_S, hlv_d, VA).cause, RV_CAUSE_ECALL_HS);
    make(3, 3, ALL, ALL_G);
    CHECK_EQ(try(RV_S, hlv_d, VA).cause, RV_CAUSE_LOAD_PAGE);
    rv_csr_set(RV_CSR_HSTATUS, RV_HSTATUS_SPVP);
    rv_test("in U by HU");
    rv_csr_write(RV_CSR_SATP, 0);
    rv_fence_all();
    CHECK_EQ(try(RV_U, hlv_d, VA).cause, RV_CAUSE_ILLEGAL);
    rv_csr_set(RV_CSR_HSTATUS, RV_HSTATUS_HU);
    cell[0] = 0x42;
    CHECK_EQ(try(RV_U, hlv_d, VA).a1, 0x42);
    rv_csr_clear(RV_CSR_HSTATUS, RV_HSTATUS_HU);
    rv_test("their faults are those of the guest, taken where they are");
    make(3, 3, ALL, 0);
    rv_csr_write(RV_CSR_MEDELEG, 0xf00000);
    rv_seen seen = try(RV_S, hlv_d, VA + 8);
    CHECK_EQ(seen.by, 'H');
    check_guest_fault(seen, RV_CAUSE_LOAD_GUEST_PAGE, VA + 8, GPA + 8);
    CHECK_EQ(seen.hstatus & (RV_HSTATUS_GVA | RV_HSTATUS_SPV), RV_HSTATUS_GVA);
    check_guest_fault(try(RV_S, hsv_d, VA + 8), RV_CAUSE_STORE_GUEST_PAGE, VA + 8,
                      GPA + 8);
    rv_csr_write(RV_CSR_MEDELEG, 0);
}

static void mxr(void)
{
    rv_test("the guest's MXR opens the first stage");
    make(3, 3, RV_PTE_V | RV_PTE_X | AD, ALL_G);
    CHECK_EQ(try(RV_VS, load, VA).cause, RV_CAUSE_LOAD_PAGE);
    rv_csr_set(RV_CSR_VSSTATUS, RV_STATUS_MXR);
    CHECK_EQ(try(RV_VS, load, VA).cause, RV_CAUSE_ECALL_VS);
    rv_csr_clear(RV_CSR_VSSTATUS, RV_STATUS_MXR);
}

static void fences(void)
{
    rv_test("HFENCE.GVMA and HFENCE.VVMA let changed tables be seen");
    make(3, 3, ALL, ALL_G);
    cell[0] = 1;
    CHECK_EQ(try(RV_VS, load, VA).a1, 1);
    *second_entry = 0;
    __asm__ volatile(".insn r 0x73, 0, 0x31, x0, x0, x0" ::: "memory");
    CHECK_EQ(try(RV_VS, load, VA).cause, RV_CAUSE_LOAD_GUEST_PAGE);
    make(3, 3, ALL, ALL_G);
    CHECK_EQ(try(RV_VS, load, VA).a1, 1);
    *first_entry = 0;
    __asm__ volatile(".insn r 0x73, 0, 0x11, x0, x0, x0" ::: "memory");
    CHECK_EQ(try(RV_VS, load, VA).cause, RV_CAUSE_LOAD_PAGE);
}

int main(void)
{
    levels();
    second_stage_faults();
    table_faults();
    guest_access();
    mxr();
    fences();
    return rv_tests_end();
}
