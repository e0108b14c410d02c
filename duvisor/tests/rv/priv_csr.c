/* priv_csr.c - what each CSR of the list keeps of all ones and of zeros, and who may
 * access it: from M, HS, U, VS and VU, read and written. */
#include "rv/vectors.h"

typedef struct csr {
    const char *name;
    unsigned number;
    uint64_t mask; /* the bits that can be written */
} csr;

static const csr all[] = {
#define RV_CSR(NAME, name, number, kind, mask, reset) {#name, number, mask},
#define RV_CSR_RANGE(NAME, first, count)              {#NAME " and on", first, 0},
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

/* Of every register that keeps bits: which of those that the list says can be written,
 * and which stay when zeros are.  (QEMU keeps more bits of some, such as the vector
 * state.) */
static void probe(void)
{
    for (unsigned i = 0; i < N_CSRS; i++) {
        uint64_t mask = all[i].mask;
        bool is_own = all[i].number == RV_CSR_HTINST || all[i].number == RV_CSR_HGATP ||
                      all[i].number == RV_CSR_VSATP;
        if (!mask || is_own) continue; /* see own_csr.c */
        rv_print(all[i].name);
        rv_put(' ');
        rv_print_hex(kept(all[i].number, mask) & mask);
        rv_put(' ');
        rv_print_hex(kept(all[i].number, 0) & mask);
        rv_put('\n');
    }
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

static void access_matrix(void)
{
    static const rv_mode modes[] = {RV_M, RV_S, RV_U, RV_VS, RV_VU};
    rv_csr_write(RV_CSR_MCOUNTEREN, 0);
    for (unsigned i = 0; i < N_CSRS; i++) {
        unsigned number = all[i].number;
        bool is_left_out = number == RV_CSR_MHPMEVENT3 ||
                           number == RV_CSR_MHPMCOUNTER3 ||
                           number == RV_CSR_HPMCOUNTER3;
        if (is_left_out) continue;
        for (unsigned m = 0; m < 5; m++) {
            if (modes[m] == RV_VU && (number >> 8 & 3) == 1) continue; /* own_csr.c */
            rv_put(outcome(modes[m], number, false));
            bool would_change_m =
                modes[m] == RV_M || number == RV_CSR_STVEC || number == RV_CSR_VSTVEC;
            rv_put(would_change_m ? ' ' : outcome(modes[m], number, true));
            rv_put(' ');
        }
        rv_print(all[i].name);
        rv_put('\n');
    }
}

static void counters(void)
{
    rv_test("counters are opened by mcounteren, hcounteren and scounteren in turn");
    rv_csr_write(RV_CSR_MCOUNTEREN, 7);
    rv_csr_write(RV_CSR_HCOUNTEREN, 0);
    rv_csr_write(RV_CSR_SCOUNTEREN, 0);
    CHECK_EQ(outcome(RV_S, RV_CSR_INSTRET, false), '.');
    CHECK_EQ(outcome(RV_U, RV_CSR_INSTRET, false), 'i');
    CHECK_EQ(outcome(RV_VS, RV_CSR_INSTRET, false), 'v');
    CHECK_EQ(outcome(RV_VU, RV_CSR_INSTRET, false), 'v');
    rv_csr_write(RV_CSR_HCOUNTEREN, 7);
    CHECK_EQ(outcome(RV_VS, RV_CSR_INSTRET, false), '.');
    CHECK_EQ(outcome(RV_VU, RV_CSR_INSTRET, false), 'v');
    rv_csr_write(RV_CSR_SCOUNTEREN, 7);
    CHECK_EQ(outcome(RV_U, RV_CSR_CYCLE, false), '.');
    CHECK_EQ(outcome(RV_VU, RV_CSR_TIME, false), '.');
    CHECK_EQ(outcome(RV_M, RV_CSR_CYCLE, true), 'i');
    rv_csr_write(RV_CSR_MCOUNTEREN, 0);
    CHECK_EQ(outcome(RV_S, RV_CSR_TIME, false), 'i');
    CHECK_EQ(outcome(RV_VS, RV_CSR_TIME, false), 'i');
}

static void roots(void)
{
    rv_test("TVM stops HS at satp");
    rv_csr_set(RV_CSR_MSTATUS, RV_STATUS_TVM);
    CHECK_EQ(outcome(RV_S, RV_CSR_SATP, false), 'i');
    CHECK_EQ(outcome(RV_S, RV_CSR_VSATP, false), '.');
    rv_csr_clear(RV_CSR_MSTATUS, RV_STATUS_TVM);
    rv_test("an unknown mode leaves satp as it was");
    CHECK_EQ(kept(RV_CSR_SATP, 11ull << 60 | 0x1234), 0);
    CHECK_EQ(kept(RV_CSR_SATP, 8ull << 60 | 0x1234), 8ull << 60 | 0x1234);
    CHECK_EQ(kept(RV_CSR_SATP, 9ull << 60 | 0x1234), 9ull << 60 | 0x1234);
    CHECK_EQ(kept(RV_CSR_SATP, 10ull << 60 | 0x1234), 10ull << 60 | 0x1234);
    CHECK_EQ(kept(RV_CSR_HGATP, 8ull << 60 | 3ull << 44 | 0x1234),
             8ull << 60 | 3ull << 44 | 0x1234);
}

static void set_and_clear(void)
{
    rv_test("csrrs and csrrc with x0 write nothing, csrrw with rd x0 reads nothing");
    const uint32_t set_cycle = rv_csr_word(2, 10, RV_CSR_MHARTID, 0);
    const uint32_t write_cycle = rv_csr_word(2, 10, RV_CSR_MHARTID, 11);
    CHECK_EQ(rv_run(RV_M, rv_code(&set_cycle, 1), 9, 9).a0, 0);
    CHECK_EQ(rv_run(RV_M, rv_code(&write_cycle, 1), 9, 9).cause, RV_CAUSE_ILLEGAL);
    rv_test("all six forms");
    uint64_t old;
    rv_csr_write(RV_CSR_MSCRATCH, 0xf0);
    __asm__ volatile("csrrs %0, mscratch, %1" : "=r"(old) : "r"(0xfull));
    CHECK_EQ(old, 0xf0);
    __asm__ volatile("csrrc %0, mscratch, %1" : "=r"(old) : "r"(0x30ull));
    CHECK_EQ(old, 0xff);
    __asm__ volatile("csrrwi %0, mscratch, 21" : "=r"(old));
    CHECK_EQ(old, 0xcf);
    __asm__ volatile("csrrsi %0, mscratch, 10" : "=r"(old));
    CHECK_EQ(old, 21);
    __asm__ volatile("csrrci %0, mscratch, 1" : "=r"(old));
    CHECK_EQ(old, 31);
    __asm__ volatile("csrrw %0, mscratch, zero" : "=r"(old));
    CHECK_EQ(old, 30);
}

static void counting(void)
{
    uint64_t a, b, c;
    rv_test("minstret counts each instruction once, and mcycle with it");
    __asm__ volatile("csrr %0, minstret\n\tnop\n\tnop\n\tcsrr %1, minstret"
                     : "=&r"(a), "=&r"(b));
    CHECK_EQ(b - a, 3);
    __asm__ volatile("csrr %0, mcycle\n\tnop\n\tcsrr %1, mcycle" : "=&r"(a), "=&r"(b));
    CHECK_EQ(b - a, 2);
    rv_test("counters can be written, and go on from there");
    __asm__ volatile("csrw minstret, %2\n\tcsrr %0, minstret\n\tcsrr %1, minstret"
                     : "=&r"(a), "=&r"(b)
                     : "r"(1000ull));
    CHECK_EQ(a, 1001);
    CHECK_EQ(b - a, 1);
    rv_test("an ecall that traps counts, a load that traps does not");
    static const uint32_t load[] = {0x00053503}; /* ld a0, 0(a0) */
    uint64_t entry = rv_code(load, 1);
    a = rv_csr_read(RV_CSR_MINSTRET);
    (void)rv_run(RV_S, entry + 4, 0, 0);
    b = rv_csr_read(RV_CSR_MINSTRET);
    (void)rv_run(RV_S, entry, 0, 0);
    c = rv_csr_read(RV_CSR_MINSTRET);
    rv_print_number(b - a);
    rv_put(' ');
    rv_print_number(c - b);
    rv_put('\n');
}

int main(void)
{
    probe();
    access_matrix();
    counters();
    roots();
    set_and_clear();
    counting();
    return rv_tests_end();
}
