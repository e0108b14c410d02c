/* own_csr.c - where QEMU 7.2 departs from the specification: bits that are reserved or
 * of extensions that are not there, TVM and VTVM, and the supervisor's registers in VU.
 */
#include "rv/vectors.h"

typedef struct csr {
    const char *name;
    unsigned number;
    uint64_t mask, reset;
    bool is_const;
} csr;

enum { IS_CONST = 1, IS_PLAIN = 0, IS_OWN = 0, IS_VIEW = 0 };

static const csr all[] = {
#define RV_CSR(NAME, name, number, kind, mask, reset) \
    {#name, number, mask, reset, IS_##kind},
#define RV_CSR_RANGE(NAME, first, count)
#include "rv/csr.inc"
};
enum { N_CSRS = sizeof(all) / sizeof(all[0]) };

/* What the register holds after `value` was written to it; it gets its old value back.
 */
static uint64_t kept(unsigned number, uint64_t value)
{
    const uint32_t words[] = {
        rv_csr_word(1, 5, number, 10), /* csrrw t0, csr, a0 */
        rv_csr_word(2, 11, number, 0), /* csrrs a1, csr, x0 */
        rv_csr_word(1, 0, number, 5),  /* csrrw x0, csr, t0 */
    };
    return rv_run(RV_M, rv_code(words, 3), value, 0).a1;
}

/* The cause that reading or writing raises in a mode; '.' for none. */
static char outcome(rv_mode mode, unsigned number, bool is_write)
{
    const uint32_t word = is_write
                              ? rv_csr_word(1, 11, number, 10) /* csrrw a1, csr, a0 */
                              : rv_csr_word(2, 10, number, 0); /* csrrs a0, csr, x0 */
    uint64_t entry = rv_code(&word, 1);
    rv_seen seen = rv_run(mode, entry, 0, 0);
    if (seen.cause == RV_CAUSE_ILLEGAL) return 'i';
    if (seen.cause == RV_CAUSE_VIRTUAL_INSTRUCTION) return 'v';
    return seen.epc == entry + 4 ? '.' : '?';
}

static void reserved_bits(void)
{
    rv_test("no register keeps a bit that it does not have");
    for (unsigned i = 0; i < N_CSRS; i++) {
        const csr *c = &all[i];
        bool is_root = c->number == RV_CSR_SATP || c->number == RV_CSR_VSATP ||
                       c->number == RV_CSR_HGATP;
        bool is_vector = c->number == RV_CSR_MTVEC || c->number == RV_CSR_STVEC ||
                         c->number == RV_CSR_VSTVEC;
        bool is_read_only = c->number >> 10 == 3;
        if (is_root || is_vector || is_read_only || !(c->mask || c->is_const)) continue;
        uint64_t got = kept(c->number, ~0ull), wanted = c->mask | c->reset;
        if (c->number == RV_CSR_MIP) got &= ~RV_INTERRUPTS_H; /* hvip shows there */
        if (got != wanted) {
            rv_print(c->name);
            rv_put('\n');
        }
        CHECK_EQ(got, wanted);
    }
    rv_test(
        "hgatp and vsatp keep their value when a mode is written that is not there");
    CHECK_EQ(kept(RV_CSR_HGATP, ~0ull), 0);
    CHECK_EQ(kept(RV_CSR_VSATP, ~0ull), 0);
    rv_test("pmpcfg bits 5 and 6 read 0");
    CHECK_EQ(kept(RV_CSR_PMPCFG0, 0x6060), 0);
}

static void traps_of_roots(void)
{
    rv_test("TVM stops HS at hgatp and not the guest at satp; VTVM stops the guest");
    rv_csr_set(RV_CSR_MSTATUS, RV_STATUS_TVM);
    CHECK_EQ(outcome(RV_S, RV_CSR_HGATP, false), 'i');
    CHECK_EQ(outcome(RV_VS, RV_CSR_SATP, false), '.');
    rv_csr_clear(RV_CSR_MSTATUS, RV_STATUS_TVM);
    rv_csr_set(RV_CSR_HSTATUS, RV_HSTATUS_VTVM);
    CHECK_EQ(outcome(RV_VS, RV_CSR_SATP, false), 'v');
    CHECK_EQ(outcome(RV_VS, RV_CSR_SATP, true), 'v');
    CHECK_EQ(outcome(RV_VS, RV_CSR_SSCRATCH, true), '.');
    rv_csr_clear(RV_CSR_HSTATUS, RV_HSTATUS_VTVM);
}

static void supervisor_in_vu(void)
{
    rv_test("VU meets virtual-instruction at the supervisor's registers");
    for (unsigned i = 0; i < N_CSRS; i++) {
        if ((all[i].number >> 8 & 3) != 1) continue;
        CHECK_EQ(outcome(RV_VU, all[i].number, false), 'v');
        CHECK_EQ(outcome(RV_VU, all[i].number, true), 'v');
    }
}

static void mprv(void)
{
    static const uint32_t nop[] = {0x00000013};
    rv_test("mret to a lesser mode takes MPRV away");
    rv_csr_set(RV_CSR_MSTATUS, RV_STATUS_MPRV | RV_STATUS_MPP);
    (void)rv_run(RV_S, rv_code(nop, 1), 0, 0);
    CHECK_EQ(rv_csr_read(RV_CSR_MSTATUS) & RV_STATUS_MPRV, 0);
}

int main(void)
{
    mprv();
    reserved_bits();
    traps_of_roots();
    supervisor_in_vu();
    return rv_tests_end();
}
