/* smp.c - four harts: a counter by AMO, one under a lock of LR and SC, and software
 * interrupts from one to the next. */
#include "rv/test.h"

enum { N_HARTS = 4, N_ROUNDS = 500 };

static volatile uint64_t by_amo, under_lock, n_woken;
static volatile uint32_t lock, n_arrived;

static void take(void)
{
    uint32_t value;
    do
        __asm__ volatile("1: lr.w.aq %0, (%1)\n\tbnez %0, 1b\n\tsc.w %0, %2, (%1)"
                         : "=&r"(value)
                         : "r"(&lock), "r"(1)
                         : "memory");
    while (value);
}

static void give(void)
{
    __asm__ volatile("amoswap.w.rl zero, zero, (%0)" ::"r"(&lock) : "memory");
}

static void work(void)
{
    for (unsigned i = 0; i < N_ROUNDS; i++) {
        __atomic_fetch_add(&by_amo, i, __ATOMIC_RELAXED);
        take();
        under_lock = under_lock + 1;
        give();
    }
    __atomic_fetch_add(&n_arrived, 1, __ATOMIC_RELEASE);
}

/* Waits for the software interrupt, then wakes the next hart. */
static void pass_on(uint64_t hart)
{
    volatile uint32_t *msip = (volatile uint32_t *)(uintptr_t)RV_CLINT_BASE;
    rv_csr_write(RV_CSR_MIE, 8);
    while (!(rv_csr_read(RV_CSR_MIP) & 8))
        __asm__ volatile("wfi");
    msip[hart] = 0;
    __atomic_fetch_add(&n_woken, 1, __ATOMIC_RELEASE);
    if (hart + 1 < N_HARTS) msip[hart + 1] = 1;
}

void rv_other_hart(uint64_t hart)
{
    if (hart >= N_HARTS) return;
    work();
    pass_on(hart);
    rv_csr_write(RV_CSR_MIE, 0);
    for (;;)
        __asm__ volatile("wfi");
}

int main(void)
{
    rv_test("no count is lost by AMOs, nor under a lock");
    work();
    while (n_arrived < N_HARTS)
        ;
    CHECK_EQ(by_amo, (uint64_t)N_HARTS * N_ROUNDS * (N_ROUNDS - 1) / 2);
    CHECK_EQ(under_lock, (uint64_t)N_HARTS * N_ROUNDS);
    rv_test("software interrupts wake hart after hart");
    ((volatile uint32_t *)(uintptr_t)RV_CLINT_BASE)[1] = 1;
    while (n_woken < N_HARTS - 1)
        ;
    CHECK_EQ(n_woken, N_HARTS - 1);
    return rv_tests_end();
}
