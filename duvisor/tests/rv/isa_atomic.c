/* isa_atomic.c - the A extension on one hart. */
#include "rv/vectors.h"

static uint64_t cell[2] __attribute__((aligned(16)));

#define AMO(insn)                                                       \
    {                                                                   \
        uint64_t digest = 0;                                            \
        for (unsigned i = 0; i < RV_N_CORNERS; i++)                     \
            for (unsigned j = 0; j < RV_N_CORNERS; j++) {               \
                uint64_t before;                                        \
                cell[0] = rv_corners[i];                                \
                __asm__ volatile(#insn " %0, %1, (%2)"                  \
                                 : "=r"(before)                         \
                                 : "r"(rv_corners[j]), "r"(cell)        \
                                 : "memory");                           \
                digest = rv_digest(rv_digest(digest, before), cell[0]); \
            }                                                           \
        rv_print_digest(#insn, digest);                                 \
    }

static uint64_t lr_sc(uint64_t value, bool is_disturbed)
{
    uint64_t failed, seen;
    if (is_disturbed)
        __asm__ volatile("lr.d %1, (%2)\n\tsd zero, 0(%2)\n\tsc.d %0, %3, (%2)"
                         : "=&r"(failed), "=&r"(seen)
                         : "r"(cell), "r"(value)
                         : "memory");
    else
        __asm__ volatile("lr.d %1, (%2)\n\tsc.d %0, %3, (%2)"
                         : "=&r"(failed), "=&r"(seen)
                         : "r"(cell), "r"(value)
                         : "memory");
    return failed;
}

static void reservations(void)
{
    uint64_t failed, again, seen;
    rv_test("SC stores after LR, and tells so by zero");
    cell[0] = 5;
    CHECK_EQ(lr_sc(6, false), 0);
    CHECK_EQ(cell[0], 6);
    rv_test("SC fails when the cell has changed");
    CHECK_EQ(lr_sc(7, true), 1);
    CHECK_EQ(cell[0], 0);
    rv_test("SC fails without LR, to another address, and a second time");
    __asm__ volatile("lr.w %2, (%3)\n\tsc.w %0, %4, (%3)\n\tsc.w %1, %4, (%3)"
                     : "=&r"(failed), "=&r"(again), "=&r"(seen)
                     : "r"(cell), "r"(9ull)
                     : "memory");
    CHECK_EQ(failed, 0);
    CHECK_EQ(again, 1);
    __asm__ volatile("lr.w %1, (%2)\n\tsc.w %0, %3, (%4)"
                     : "=&r"(failed), "=&r"(seen)
                     : "r"(cell), "r"(9ull), "r"(cell + 1)
                     : "memory");
    CHECK_EQ(failed, 1);
    rv_test("LR.W sign-extends");
    cell[0] = 0x1ffffffff;
    __asm__ volatile("lr.w %0, (%1)" : "=r"(seen) : "r"(cell) : "memory");
    CHECK_EQ(seen, ~0ull);
}

static void misaligned(void)
{
    static const uint32_t lr[] = {0x100525af}; /* lr.w a1, (a0) */
    uint64_t at = (uint64_t)(uintptr_t)cell + 2;
    rv_test("a misaligned LR traps, with the address");
    rv_seen seen = rv_run(RV_M, rv_code(lr, 1), at, 0);
    CHECK_EQ(seen.cause, RV_CAUSE_LOAD_MISALIGNED);
    CHECK_EQ(seen.tval, at);
}

int main(void)
{
    AMO(amoswap.w);
    AMO(amoadd.w);
    AMO(amoxor.w);
    AMO(amoand.w);
    AMO(amoor.w);
    AMO(amomin.w);
    AMO(amomax.w);
    AMO(amominu.w);
    AMO(amomaxu.w);
    AMO(amoswap.d);
    AMO(amoadd.d);
    AMO(amoxor.d);
    AMO(amoand.d);
    AMO(amoor.d);
    AMO(amomin.d);
    AMO(amomax.d);
    AMO(amominu.d);
    AMO(amomaxu.d);
    reservations();
    misaligned();
    return rv_tests_end();
}
