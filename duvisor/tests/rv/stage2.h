/* stage2.h - a guest with both stages of translation, for the tests of it. */
#ifndef DV_TESTS_STAGE2_H
#define DV_TESTS_STAGE2_H

#include "rv/test.h"

/* Guest physical addresses equal physical ones, but for GPA, which is `cell`; guest
 * virtual ones equal guest physical ones, but for VA, which is GPA. */
enum { GPA = 0x10000000, VA_OFFSET = 0x18 };
#define VA 0x2040000000ull

enum {
    RWX = RV_PTE_R | RV_PTE_W | RV_PTE_X,
    AD = RV_PTE_A | RV_PTE_D,
    ALL = RV_PTE_V | RWX | AD,
    ALL_G = ALL | RV_PTE_U, /* every second-stage leaf is the user's */
};

static uint64_t cell[512] __attribute__((aligned(4096)));
static uint64_t *first_root, *second_root;
static uint64_t *first_entry __attribute__((unused));
static uint64_t *second_entry __attribute__((unused)); /* of VA and of GPA */

static const uint32_t load[] __attribute__((unused)) = {0x00053583};  /* ld a1, 0(a0) */
static const uint32_t store[] __attribute__((unused)) = {0x00b53023}; /* sd a1, 0(a0) */
static const uint32_t jump[] __attribute__((unused)) = {0x00050067};  /* jr a0 */
static const uint32_t hlv_d[]
    __attribute__((unused)) = {0x6c0545f3}; /* hlv.d a1, (a0) */
static const uint32_t hlv_bu[]
    __attribute__((unused)) = {0x601545f3}; /* hlv.bu a1, (a0) */
static const uint32_t hlv_b[]
    __attribute__((unused)) = {0x600545f3}; /* hlv.b a1, (a0) */
static const uint32_t hlv_h[]
    __attribute__((unused)) = {0x640545f3}; /* hlv.h a1, (a0) */
static const uint32_t hlv_hu[]
    __attribute__((unused)) = {0x641545f3}; /* hlv.hu a1, (a0) */
static const uint32_t hlv_w[]
    __attribute__((unused)) = {0x680545f3}; /* hlv.w a1, (a0) */
static const uint32_t hlv_wu[]
    __attribute__((unused)) = {0x681545f3}; /* hlv.wu a1, (a0) */
static const uint32_t hlvx_hu[]
    __attribute__((unused)) = {0x643545f3}; /* hlvx.hu a1, (a0) */
static const uint32_t hlvx_wu[]
    __attribute__((unused)) = {0x683545f3}; /* hlvx.wu a1, (a0) */
static const uint32_t hsv_b[]
    __attribute__((unused)) = {0x62b54073}; /* hsv.b a1, (a0) */
static const uint32_t hsv_h[]
    __attribute__((unused)) = {0x66b54073}; /* hsv.h a1, (a0) */
static const uint32_t hsv_w[]
    __attribute__((unused)) = {0x6ab54073}; /* hsv.w a1, (a0) */
static const uint32_t hsv_d[]
    __attribute__((unused)) = {0x6eb54073}; /* hsv.d a1, (a0) */

static uint64_t pa_of(const void *at)
{
    return (uint64_t)(uintptr_t)at;
}

static void make(unsigned n_first, unsigned n_second, uint64_t first, uint64_t second)
{
    rv_pages_reset();
    second_root = rv_pages_4();
    first_root = rv_page();
    rv_map(first_root, n_first, RV_RAM_BASE, 2, RV_RAM_BASE, ALL);
    first_entry = rv_map(first_root, n_first, VA, 0, GPA, first);
    rv_map(second_root, n_second, RV_RAM_BASE, 2, RV_RAM_BASE, ALL_G);
    second_entry = rv_map(second_root, n_second, GPA, 0, pa_of(cell), second);
    /* the host pages too: QEMU 7.2 tells page faults of HLV by satp */
    uint64_t *host_root = rv_page();
    rv_map(host_root, 3, RV_RAM_BASE, 2, RV_RAM_BASE, ALL);
    rv_csr_write(RV_CSR_SATP, rv_atp(3, host_root));
    rv_csr_write(RV_CSR_VSATP, rv_atp(n_first, first_root));
    rv_csr_write(RV_CSR_HGATP, rv_atp(n_second, second_root));
    rv_fence_all();
}

static rv_seen try(rv_mode mode, const uint32_t *word, uint64_t va)
{
    return rv_run(mode, rv_code(word, 1), va, 0xabcd);
}

__attribute__((unused)) static void check_guest_fault(rv_seen seen, uint64_t cause,
                                                      uint64_t va, uint64_t gpa)
{
    CHECK_EQ(seen.cause, cause);
    CHECK_EQ(seen.tval, va);
    CHECK_EQ(seen.tval2, gpa >> 2);
    CHECK_EQ(seen.tinst, 0);
}

#endif /* DV_TESTS_STAGE2_H */
