/* priv_paging.c - Sv39, Sv48, Sv57 and PMP: rights, A and D, superpages, what is
 * malformed. */
#include "rv/test.h"

/* Everything of the program lies in the first gigabyte of RAM, mapped onto itself. */
#define VA(n_levels) ((n_levels) == 3 ? 0x3f00000000ull : 0x123f00000000ull)
enum {
    RWX = RV_PTE_R | RV_PTE_W | RV_PTE_X,
    AD = RV_PTE_A | RV_PTE_D,
    OWN = RV_PTE_V | RWX | AD, /* of the supervisor */
};

static uint64_t cell[512] __attribute__((aligned(4096)));

static const uint32_t load[] = {0x00053583};  /* ld a1, 0(a0) */
static const uint32_t store[] = {0x00b53023}; /* sd a1, 0(a0) */
static const uint32_t jump[] = {0x00050067};  /* jr a0 */

static uint64_t pa_of(const void *at)
{
    return (uint64_t)(uintptr_t)at;
}

/* A root that maps RAM onto itself for S, and `flags` for cell at VA + offset. */
static uint64_t *make(unsigned n_levels, uint64_t flags)
{
    rv_pages_reset();
    uint64_t *root = rv_page();
    rv_map(root, n_levels, RV_RAM_BASE, 2, RV_RAM_BASE, OWN);
    uint64_t *entry = rv_map(root, n_levels, VA(n_levels), 0, pa_of(cell), flags);
    rv_csr_write(RV_CSR_SATP, rv_atp(n_levels, root));
    rv_fence_all();
    return entry;
}

static rv_seen try(rv_mode mode, const uint32_t *word, uint64_t va)
{
    return rv_run(mode, rv_code(word, 1), va, 0xabcd);
}

static void levels(void)
{
    for (unsigned n = 3; n <= 5; n++) {
        rv_test(n == 3   ? "Sv39 translates"
                : n == 4 ? "Sv48 translates"
                         : "Sv57 translates");
        uint64_t *entry = make(n, RV_PTE_V | RV_PTE_R | RV_PTE_W);
        cell[1] = 0x77;
        CHECK_EQ(try(RV_S, load, VA(n) + 8).a1, 0x77);
        CHECK_EQ(*entry & AD, RV_PTE_A);
        CHECK_EQ(try(RV_S, store, VA(n) + 16).cause, RV_CAUSE_ECALL_HS);
        CHECK_EQ(cell[2], 0xabcd);
        CHECK_EQ(*entry & AD, AD);
        rv_seen seen = try(RV_S, jump, VA(n) + 4);
        CHECK_EQ(seen.cause, RV_CAUSE_FETCH_PAGE);
        CHECK_EQ(seen.tval, VA(n) + 4);
        seen = try(RV_S, load, VA(n) | 1ull << 62);
        CHECK_EQ(seen.cause, RV_CAUSE_LOAD_PAGE);
        CHECK_EQ(seen.tval, VA(n) | 1ull << 62);
        CHECK_EQ(try(RV_S, store, VA(n) + 4096).cause, RV_CAUSE_STORE_PAGE);
    }
}

static void rights(void)
{
    rv_test("U pages are U's, and S's by SUM but never to fetch");
    (void)make(3, RV_PTE_V | RWX | AD | RV_PTE_U);
    cell[0] = 0x00000073; /* ecall */
    CHECK_EQ(try(RV_S, load, VA(3)).cause, RV_CAUSE_LOAD_PAGE);
    CHECK_EQ(try(RV_S, store, VA(3) + 8).cause, RV_CAUSE_STORE_PAGE);
    rv_csr_set(RV_CSR_SSTATUS, RV_STATUS_SUM);
    CHECK_EQ(try(RV_S, load, VA(3)).cause, RV_CAUSE_ECALL_HS);
    CHECK_EQ(try(RV_S, store, VA(3) + 8).cause, RV_CAUSE_ECALL_HS);
    CHECK_EQ(try(RV_S, jump, VA(3)).cause, RV_CAUSE_FETCH_PAGE);
    rv_csr_clear(RV_CSR_SSTATUS, RV_STATUS_SUM);
    CHECK_EQ(rv_run(RV_U, VA(3), 0, 0).cause, RV_CAUSE_ECALL_U);
    CHECK_EQ(rv_run(RV_U, RV_RAM_BASE, 0, 0).cause, RV_CAUSE_FETCH_PAGE);
    rv_test("MXR reads what may be executed only");
    (void)make(3, RV_PTE_V | RV_PTE_X | AD);
    CHECK_EQ(try(RV_S, load, VA(3)).cause, RV_CAUSE_LOAD_PAGE);
    rv_csr_set(RV_CSR_SSTATUS, RV_STATUS_MXR);
    CHECK_EQ(try(RV_S, load, VA(3)).cause, RV_CAUSE_ECALL_HS);
    rv_csr_clear(RV_CSR_SSTATUS, RV_STATUS_MXR);
    CHECK_EQ(try(RV_S, load, VA(3)).cause, RV_CAUSE_LOAD_PAGE);
    rv_test("what may be read only is not written, and D stays clear");
    uint64_t *entry = make(3, RV_PTE_V | RV_PTE_R);
    CHECK_EQ(try(RV_S, store, VA(3)).cause, RV_CAUSE_STORE_PAGE);
    CHECK_EQ(*entry & AD, 0);
}

static void malformed(void)
{
    static const uint64_t bad[] = {
        0,                                   /* not valid */
        RV_PTE_V | RV_PTE_W | AD,            /* written and not read */
        RV_PTE_V | RV_PTE_W | RV_PTE_X | AD, /* reserved */
        RV_PTE_V | RWX | AD | 1ull << 54,    /* reserved bits */
        RV_PTE_V | RWX | AD | 1ull << 61,    /* no Svpbmt here */
        RV_PTE_V | RWX | AD | 1ull << 63,    /* no Svnapot here */
        RV_PTE_V,                            /* a table below the last level */
    };
    rv_test("malformed entries fault");
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)make(3, bad[i]);
        CHECK_EQ(try(RV_S, load, VA(3)).cause, RV_CAUSE_LOAD_PAGE);
    }
    rv_test("a superpage is aligned, and as large as its level");
    uint64_t *root;
    rv_pages_reset();
    root = rv_page();
    rv_map(root, 3, RV_RAM_BASE, 2, RV_RAM_BASE, OWN);
    rv_map(root, 3, 0x200000, 1, RV_RAM_BASE, OWN);
    uint64_t *entry = rv_map(root, 3, 0x400000, 1, RV_RAM_BASE + 4096, OWN);
    rv_csr_write(RV_CSR_SATP, rv_atp(3, root));
    rv_fence_all();
    uint64_t offset = pa_of(cell) - RV_RAM_BASE;
    cell[3] = 0x99;
    CHECK_EQ(try(RV_S, load, 0x200000 + offset + 24).a1,
             offset < 0x200000 ? 0x99 : 0xabcd);
    CHECK_EQ(try(RV_S, load, 0x400000).cause, RV_CAUSE_LOAD_PAGE);
    CHECK_EQ(*entry & RV_PTE_V, 1);
}

static void page_ends(void)
{
    rv_test("an access across a page end faults with the address of its second part");
    uint64_t *entry = make(3, OWN);
    rv_seen seen = try(RV_S, load, VA(3) + 4092);
    CHECK_EQ(seen.cause, RV_CAUSE_LOAD_PAGE);
    CHECK_EQ(seen.tval, VA(3) + 4096);
    cell[511] = 5;
    CHECK_EQ(try(RV_S, store, VA(3) + 4093).cause, RV_CAUSE_STORE_PAGE);
    CHECK_EQ(cell[511], 5);
    rv_test("so does an instruction");
    ((volatile uint16_t *)cell)[2047] = 0x0513; /* the first half of addi a0, x0, ... */
    __asm__ volatile("fence.i" ::: "memory");
    seen = rv_run(RV_S, VA(3) + 4094, 0, 0);
    CHECK_EQ(seen.cause, RV_CAUSE_FETCH_PAGE);
    CHECK_EQ(seen.epc, VA(3) + 4094);
    CHECK_EQ(seen.tval, VA(3) + 4096);
    rv_test("the address is that of the fence when an entry changes");
    *entry = 0;
    __asm__ volatile("sfence.vma %0, zero" ::"r"(VA(3)) : "memory");
    CHECK_EQ(try(RV_S, load, VA(3)).cause, RV_CAUSE_LOAD_PAGE);
}

static void pmp(void)
{
    const uint64_t at = pa_of(cell);
    rv_csr_write(RV_CSR_SATP, 0);
    rv_test("the lowest entry that matches decides, M passes it, a locked one stops M");
    rv_csr_write(RV_CSR_PMPADDR0, at >> 2 | 511); /* NAPOT, 4 KiB */
    rv_csr_write(RV_CSR_PMPCFG0, RV_PMP_NAPOT | RV_PMP_R);
    CHECK_EQ(try(RV_S, load, at).cause, RV_CAUSE_ECALL_HS);
    CHECK_EQ(try(RV_S, store, at).cause, RV_CAUSE_STORE_ACCESS);
    CHECK_EQ(try(RV_U, store, at + 4088).tval, at + 4088);
    CHECK_EQ(try(RV_U, jump, at).cause, RV_CAUSE_FETCH_ACCESS);
    CHECK_EQ(try(RV_M, store, at).cause, RV_CAUSE_ECALL_M);
    CHECK_EQ(try(RV_S, store, at + 4096).cause, RV_CAUSE_ECALL_HS);
    rv_test("TOR ends where its address says, within a page too");
    rv_csr_write(RV_CSR_PMPCFG0, 0);
    rv_csr_write(RV_CSR_PMPADDR0, (at + 64) >> 2);
    rv_csr_write(RV_CSR_PMPADDR0 + 1, (at + 128) >> 2);
    rv_csr_write(RV_CSR_PMPCFG0, (RV_PMP_TOR | RV_PMP_R) << 8);
    CHECK_EQ(try(RV_S, store, at + 56).cause, RV_CAUSE_ECALL_HS);
    CHECK_EQ(try(RV_S, store, at + 64).cause, RV_CAUSE_STORE_ACCESS);
    CHECK_EQ(try(RV_S, load, at + 120).cause, RV_CAUSE_ECALL_HS);
    CHECK_EQ(try(RV_S, store, at + 120).cause, RV_CAUSE_STORE_ACCESS);
    CHECK_EQ(try(RV_S, store, at + 128).cause, RV_CAUSE_ECALL_HS);
    rv_test("an entry of which an access has a part only denies it");
    CHECK_EQ(try(RV_S, load, at + 124).cause, RV_CAUSE_LOAD_ACCESS);
    rv_test("NA4 is four bytes");
    rv_csr_write(RV_CSR_PMPADDR0, (at + 256) >> 2);
    rv_csr_write(RV_CSR_PMPCFG0, RV_PMP_NA4);
    static const uint32_t load_word[] = {0x00052583}; /* lw a1, 0(a0) */
    CHECK_EQ(try(RV_S, load_word, at + 252).cause, RV_CAUSE_ECALL_HS);
    CHECK_EQ(try(RV_S, load_word, at + 256).cause, RV_CAUSE_LOAD_ACCESS);
    CHECK_EQ(try(RV_S, load_word, at + 260).cause, RV_CAUSE_ECALL_HS);
    rv_test("page tables are read under PMP");
    rv_csr_write(RV_CSR_PMPCFG0, 0);
    (void)make(3, OWN);
    uint64_t *root =
        (uint64_t *)(uintptr_t)((rv_csr_read(RV_CSR_SATP) & RV_ATP_PPN) << 12);
    rv_csr_write(RV_CSR_PMPADDR0, pa_of(root) >> 2 | 511);
    rv_csr_write(RV_CSR_PMPCFG0, RV_PMP_NAPOT);
    rv_fence_all();
    rv_seen seen = try(RV_S, load, VA(3));
    CHECK_EQ(seen.cause, RV_CAUSE_FETCH_ACCESS); /* of its own code, already */
    rv_csr_write(RV_CSR_PMPCFG0, 0);
    rv_csr_write(RV_CSR_SATP, 0);
    rv_fence_all();
    rv_test("a locked entry stays, and holds for M");
    rv_csr_write(RV_CSR_PMPADDR0, at >> 2 | 511);
    rv_csr_write(RV_CSR_PMPCFG0, RV_PMP_NAPOT | RV_PMP_L | RV_PMP_R);
    CHECK_EQ(try(RV_M, load, at).cause, RV_CAUSE_ECALL_M);
    CHECK_EQ(try(RV_M, store, at).cause, RV_CAUSE_STORE_ACCESS);
    rv_csr_write(RV_CSR_PMPCFG0, 0);
    rv_csr_write(RV_CSR_PMPADDR0, 0);
    CHECK_EQ(rv_csr_read(RV_CSR_PMPCFG0) & 0xff, RV_PMP_NAPOT | RV_PMP_L | RV_PMP_R);
    CHECK_EQ(rv_csr_read(RV_CSR_PMPADDR0), at >> 2 | 511);
}

int main(void)
{
    levels();
    rights();
    malformed();
    page_ends();
    pmp();
    return rv_tests_end();
}
