/* isa_compressed.c - a third of all 49,152 compressed encodings: those that can be run
 * between known registers are, of the others it is seen whether they are instructions
 * at all; jumps are tried by hand. */
#include "rv/vectors.h"

/* Runs the 16 bits in machine mode with every register holding a known value, and
 * digests the registers after it.  In start order: x1 = code (so that c.jr comes back),
 * others by number. */
uint64_t run_half(uint64_t base, uint64_t scratch, uint64_t *registers);
__asm__(".text\n.globl run_half\nrun_half:\n"
        "  addi sp, sp, -128\n  sd ra, 0(sp)\n  sd s0, 8(sp)\n  sd s1, 16(sp)\n"
        "  sd a2, 24(sp)\n  mv s0, a0\n  mv s1, a1\n"
        "  la t0, rv_half_return\n  mv ra, t0\n"
        "  mv a0, s1\n  mv a1, s1\n  mv a2, s1\n  mv a3, s1\n  mv a4, s1\n  mv a5, s1\n"
        "  mv t0, s0\n  mv s0, s1\n  jr t0\n"
        ".balign 4\n.globl rv_half_return\nrv_half_return:\n"
        "  ld t0, 24(sp)\n  sd a0, 0(t0)\n  sd a1, 8(t0)\n  sd a2, 16(t0)\n"
        "  sd a3, 24(t0)\n  sd a4, 32(t0)\n  sd a5, 40(t0)\n  sd s0, 48(t0)\n"
        "  sd s1, 56(t0)\n"
        "  ld ra, 0(sp)\n  ld s0, 8(sp)\n  ld s1, 16(sp)\n  addi sp, sp, 128\n  ret\n");

static volatile uint16_t code[8] __attribute__((aligned(64)));
enum { N_WORDS = 40 }; /* what offsets of compressed accesses reach, and more */
static uint64_t memory[N_WORDS] __attribute__((aligned(512)));

/* May it be run between known registers: arithmetic on x8-x15, loads and stores
 * relative to x8-x15, which all point at `memory`. */
static bool is_plain(unsigned half)
{
    unsigned quadrant = half & 3, funct3 = half >> 13, rd = half >> 7 & 31;
    if (quadrant == 0) return funct3 == 2 || funct3 == 3 || funct3 == 6 || funct3 == 7;
    if (quadrant == 1) {
        if (funct3 == 4) return true;
        return funct3 <= 3 && rd >= 8 && rd <= 15;
    }
    unsigned rs2 = half >> 2 & 31;
    if (rd < 8 || rd > 15) return false;
    if (funct3 == 0) return true;
    return funct3 == 4 && rs2 >= 8 && rs2 <= 15;
}

/* Jumps and branches, which may go anywhere. */
static bool is_jump(unsigned half)
{
    unsigned quadrant = half & 3, funct3 = half >> 13;
    if (quadrant == 1) return funct3 >= 5;
    return quadrant == 2 && funct3 == 4 && !(half >> 2 & 31);
}

static bool is_access(unsigned half)
{
    unsigned funct3 = half >> 13;
    return (half & 3) == 0 ? funct3 >= 2 && funct3 != 4 && funct3 != 5
                           : (half & 3) == 2 && funct3 >= 6;
}

static uint64_t run_plain(unsigned half, uint64_t digest)
{
    uint64_t registers[8];
    bool is_checked = is_access(half);
    for (unsigned i = 0; is_checked && i < N_WORDS; i++)
        memory[i] = 0x8182838485868788 + i * 0x0101010101010101;
    code[0] = (uint16_t)half;
    code[1] = 0x8082; /* ret */
    __asm__ volatile("fence.i" ::: "memory");
    (void)run_half((uint64_t)(uintptr_t)code, (uint64_t)(uintptr_t)memory, registers);
    for (unsigned i = 0; i < 8; i++)
        digest = rv_digest(digest, registers[i] - (uint64_t)(uintptr_t)memory);
    for (unsigned i = 0; is_checked && i < N_WORDS; i++)
        if (memory[i] != 0x8182838485868788 + i * 0x0101010101010101)
            digest = rv_digest(rv_digest(digest, i),
                               memory[i] - (uint64_t)(uintptr_t)memory);
    return digest;
}

/* 1 when the half traps as illegal in U-mode at its own address. */
static uint64_t is_illegal(unsigned half)
{
    code[0] = (uint16_t)half;
    code[1] = code[2] = 0x9002; /* c.ebreak */
    __asm__ volatile("fence.i" ::: "memory");
    rv_seen seen = rv_run(RV_U, (uint64_t)(uintptr_t)code, 0, 0);
    return seen.cause == RV_CAUSE_ILLEGAL && seen.epc == (uint64_t)(uintptr_t)code;
}

#define GOES(insn, register, value)                                                    \
    ({                                                                                 \
        uint64_t goes_;                                                                \
        __asm__ volatile("mv " register ", %1\n\tli %0, 1\n\t" insn "\n\tli %0, 0\n1:" \
                         : "=&r"(goes_)                                                \
                         : "r"((uint64_t)(value))                                      \
                         : register);                                                  \
        goes_;                                                                         \
    })

static int jumps(void)
{
    uint64_t link, goes;
    rv_test("c.beqz, c.bnez and c.j");
    CHECK_EQ(GOES("c.beqz a3, 1f", "a3", 0), 1);
    CHECK_EQ(GOES("c.beqz a3, 1f", "a3", 1), 0);
    CHECK_EQ(GOES("c.bnez a3, 1f", "a3", 0), 0);
    CHECK_EQ(GOES("c.bnez a3, 1f", "a3", 1ull << 63), 1);
    CHECK_EQ(GOES("c.j 1f", "a3", 0), 1);
    rv_test("c.jr and c.jalr, which links the address 2 after it");
    __asm__ volatile("la t1, 1f\n\tli %0, 1\n\tc.jr t1\n\tli %0, 0\n1:"
                     : "=&r"(goes)::"t1");
    CHECK_EQ(goes, 1);
    __asm__ volatile("la t1, 2f\n\tmv t2, ra\n\tla %0, 1f\n\tc.jalr t1\n1:\n2:\n\t"
                     "sub %0, ra, %0\n\tmv ra, t2"
                     : "=&r"(link)::"t1", "t2");
    CHECK_EQ(link, 0);
    return rv_tests_end();
}

int main(void)
{
    /* reserved encodings of arithmetic trap in machine mode too, so they are left out
     */
    for (unsigned block = 0; block < 64; block++) {
        uint64_t run = 0, illegal = 0;
        unsigned n_run = 0, n_illegal = 0;
        for (unsigned half = block << 10; half < (block + 1) << 10; half += 3) {
            if ((half & 3) == 3 || is_jump(half)) continue;
            if (!is_access(half) && is_illegal(half)) {
                n_illegal++;
                illegal = rv_digest(illegal, half);
            } else if (is_plain(half)) {
                n_run++;
                run = run_plain(half, run);
            }
        }
        rv_print_number(n_illegal);
        rv_put(' ');
        rv_print_hex(illegal);
        rv_put(' ');
        rv_print_number(n_run);
        rv_put(' ');
        rv_print_hex(run);
        rv_put('\n');
    }
    return jumps();
}
