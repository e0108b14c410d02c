/* own_paging.c - QEMU 7.2 makes a page fault of a page table where no memory is. */
#include "rv/test.h"

int main(void)
{
    static const uint32_t load[] = {0x00053583};  /* ld a1, 0(a0) */
    static const uint32_t store[] = {0x00b53023}; /* sd a1, 0(a0) */
    static const uint32_t jump[] = {0x00050067};  /* jr a0 */
    uint64_t *root = rv_page();
    rv_map(root, 3, RV_RAM_BASE, 2, RV_RAM_BASE, 0xcf);
    rv_map(root, 3, 0x40000000, 2, 0x18000000, RV_PTE_V); /* a table where nothing is */
    rv_csr_write(RV_CSR_SATP, rv_atp(3, root));
    rv_fence_all();
    rv_test("a table outside memory is an access fault of the access itself");
    CHECK_EQ(rv_run(RV_S, rv_code(load, 1), 0x40000000, 0).cause, RV_CAUSE_LOAD_ACCESS);
    CHECK_EQ(rv_run(RV_S, rv_code(store, 1), 0x40000000, 0).cause,
             RV_CAUSE_STORE_ACCESS);
    CHECK_EQ(rv_run(RV_S, rv_code(jump, 1), 0x40000000, 0).cause,
             RV_CAUSE_FETCH_ACCESS);
    CHECK_EQ(rv_run(RV_S, rv_code(jump, 1), 0x40000000, 0).tval, 0x40000000);
    return rv_tests_end();
}
