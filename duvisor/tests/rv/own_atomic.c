/* own_atomic.c - QEMU 7.2 reports a misaligned AMO as a misaligned load. */
#include "rv/test.h"

static uint64_t cell[2] __attribute__((aligned(16)));

int main(void)
{
    static const uint32_t amo[] = {0x00b535af}; /* amoadd.d a1, a1, (a0) */
    uint64_t at = (uint64_t)(uintptr_t)cell + 4;
    rv_test("a misaligned AMO traps as a store, with the address");
    rv_seen seen = rv_run(RV_M, rv_code(amo, 1), at, 0);
    CHECK_EQ(seen.cause, RV_CAUSE_STORE_MISALIGNED);
    CHECK_EQ(seen.tval, at);
    return rv_tests_end();
}
