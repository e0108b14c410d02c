/* isa_integer.c - RV64I and M without memory: every instruction over all pairs of
 * corner values, and by hand what the specification says of the odd ones. */
#include "rv/vectors.h"

#define RR(insn)                                                            \
    {                                                                       \
        uint64_t digest = 0;                                                \
        for (unsigned i = 0; i < RV_N_CORNERS; i++)                         \
            for (unsigned j = 0; j < RV_N_CORNERS; j++) {                   \
                uint64_t result;                                            \
                __asm__ volatile(#insn " %0, %1, %2"                        \
                                 : "=r"(result)                             \
                                 : "r"(rv_corners[i]), "r"(rv_corners[j])); \
                digest = rv_digest(digest, result);                         \
            }                                                               \
        rv_print_digest(#insn, digest);                                     \
    }
#define RI_ONE(insn, imm)                                                             \
    for (unsigned i = 0; i < RV_N_CORNERS; i++) {                                     \
        uint64_t result;                                                              \
        __asm__ volatile(#insn " %0, %1, " #imm : "=r"(result) : "r"(rv_corners[i])); \
        digest = rv_digest(digest, result);                                           \
    }
#define RI(insn)                                                               \
    {                                                                          \
        uint64_t digest = 0;                                                   \
        RI_ONE(insn, 0)                                                        \
        RI_ONE(insn, 1)                                                        \
        RI_ONE(insn, -1)                                                       \
        RI_ONE(insn, 2047)                                                     \
        RI_ONE(insn, -2048) RI_ONE(insn, 0x55) rv_print_digest(#insn, digest); \
    }
#define SHIFT(insn, most)                                                  \
    {                                                                      \
        uint64_t digest = 0;                                               \
        RI_ONE(insn, 0)                                                    \
        RI_ONE(insn, 1)                                                    \
        RI_ONE(insn, 7) RI_ONE(insn, most) rv_print_digest(#insn, digest); \
    }
#define BRANCH(insn)                                                                \
    {                                                                               \
        uint64_t digest = 0;                                                        \
        for (unsigned i = 0; i < RV_N_CORNERS; i++)                                 \
            for (unsigned j = 0; j < RV_N_CORNERS; j++) {                           \
                uint64_t result;                                                    \
                __asm__ volatile("li %0, 1\n\t" #insn " %1, %2, 1f\n\tli %0, 0\n1:" \
                                 : "=&r"(result)                                    \
                                 : "r"(rv_corners[i]), "r"(rv_corners[j]));         \
                digest = rv_digest(digest, result);                                 \
            }                                                                       \
        rv_print_digest(#insn, digest);                                             \
    }

static uint64_t run2(const char *name, uint64_t a, uint64_t b)
{
    uint64_t result = 0;
    switch (name[0]) {
    case 'd': __asm__ volatile("div %0, %1, %2" : "=r"(result) : "r"(a), "r"(b)); break;
    case 'u':
        __asm__ volatile("divu %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
        break;
    case 'r': __asm__ volatile("rem %0, %1, %2" : "=r"(result) : "r"(a), "r"(b)); break;
    case 'R':
        __asm__ volatile("remu %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
        break;
    case 'w':
        __asm__ volatile("divw %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
        break;
    case 'm':
        __asm__ volatile("remw %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
        break;
    case 'h':
        __asm__ volatile("mulhsu %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
        break;
    default: break;
    }
    return result;
}

static void divisions(void)
{
    const uint64_t least = 0x8000000000000000, minus_1 = ~0ull;
    rv_test("division by zero gives all ones, its remainder the dividend");
    CHECK_EQ(run2("div", 5, 0), minus_1);
    CHECK_EQ(run2("udiv", 5, 0), minus_1);
    CHECK_EQ(run2("rem", minus_1, 0), minus_1);
    CHECK_EQ(run2("Rem", 5, 0), 5);
    CHECK_EQ(run2("wdiv", 0x80000005, 0), minus_1);
    CHECK_EQ(run2("mrem", 0x80000005, 0), 0xffffffff80000005);
    rv_test("the one overflow of division gives the dividend, and remainder 0");
    CHECK_EQ(run2("div", least, minus_1), least);
    CHECK_EQ(run2("rem", least, minus_1), 0);
    CHECK_EQ(run2("wdiv", 0x80000000, minus_1), 0xffffffff80000000);
    CHECK_EQ(run2("mrem", 0x80000000, minus_1), 0);
    rv_test("division rounds toward zero, and remainders have the dividend's sign");
    CHECK_EQ(run2("div", -7ull, 2), -3ull);
    CHECK_EQ(run2("rem", -7ull, 2), -1ull);
    CHECK_EQ(run2("rem", 7, -2ull), 1);
    rv_test("mulhsu takes the first operand as signed");
    CHECK_EQ(run2("hmul", minus_1, minus_1), minus_1);
    CHECK_EQ(run2("hmul", 1, minus_1), 0);
}

static void x0_and_upper(void)
{
    uint64_t result, pc;
    rv_test("x0 stays zero");
    __asm__ volatile("li t0, 5\n\tadd zero, t0, t0\n\taddi zero, t0, 1\n\tmv %0, zero"
                     : "=r"(result)::"t0");
    CHECK_EQ(result, 0);
    rv_test("lui and auipc sign-extend 32 bits");
    __asm__ volatile("lui %0, 0x80000" : "=r"(result));
    CHECK_EQ(result, 0xffffffff80000000);
    __asm__ volatile("auipc %0, 0xfffff\n\tauipc %1, 0" : "=&r"(result), "=r"(pc));
    CHECK_EQ(pc - result, 0x1004);
    rv_test("jalr drops bit 0 of its target, and links the address after it");
    __asm__ volatile("la t0, 1f\n\taddi t0, t0, 1\n\tjalr %0, 0(t0)\n\tli %0, 0\n"
                     "1:\tla t1, 1b\n\tsub %0, t1, %0"
                     : "=&r"(result)::"t0", "t1");
    CHECK(result == 2 || result == 4); /* li %0, 0 lies between */
}

static void integer(void)
{
    RR(add);
    RR(sub);
    RR(sll);
    RR(slt);
    RR(sltu);
    RR(xor);
    RR(srl);
    RR(sra);
    RR(or);
    RR(and);
    RR(addw);
    RR(subw);
    RR(sllw);
    RR(srlw);
    RR(sraw);
    RI(addi);
    RI(slti);
    RI(sltiu);
    RI(xori);
    RI(ori);
    RI(andi);
    RI(addiw);
    SHIFT(slli, 63);
    SHIFT(srli, 63);
    SHIFT(srai, 63);
    SHIFT(slliw, 31);
    SHIFT(srliw, 31);
    SHIFT(sraiw, 31);
    BRANCH(beq);
    BRANCH(bne);
    BRANCH(blt);
    BRANCH(bge);
    BRANCH(bltu);
    BRANCH(bgeu);
}

static void multiplication(void)
{
    RR(mul);
    RR(mulh);
    RR(mulhsu);
    RR(mulhu);
    RR(mulw);
    RR(div);
    RR(divu);
    RR(rem);
    RR(remu);
    RR(divw);
    RR(divuw);
    RR(remw);
    RR(remuw);
}

int main(void)
{
    integer();
    multiplication();
    divisions();
    x0_and_upper();
    return rv_tests_end();
}
