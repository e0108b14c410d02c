/* isa_memory.c - loads and stores: widths, signs, misaligned addresses, page ends, and
 * code that is written while it runs. */
#include "rv/vectors.h"

static uint8_t area[3 * 4096] __attribute__((aligned(4096)));

#define LOAD(insn, at)                                                            \
    ({                                                                            \
        uint64_t value_;                                                          \
        __asm__ volatile(#insn " %0, 0(%1)" : "=r"(value_) : "r"(at) : "memory"); \
        value_;                                                                   \
    })
#define STORE(insn, at, value)                         \
    __asm__ volatile(#insn " %0, 0(%1)"                \
                     :                                 \
                     : "r"((uint64_t)(value)), "r"(at) \
                     : "memor"                         \
                       "y")

static void fill(void)
{
    for (unsigned i = 0; i < sizeof(area); i++)
        area[i] = (uint8_t)(i * 37 + (i >> 8) * 11 + 0x81);
}

#define LOAD_ALL(insn)                                               \
    {                                                                \
        uint64_t digest = 0;                                         \
        for (unsigned i = 0; i < 24; i++)                            \
            digest = rv_digest(digest, LOAD(insn, area + 100 + i));  \
        for (unsigned i = 0; i < 16; i++)                            \
            digest = rv_digest(digest, LOAD(insn, area + 4088 + i)); \
        rv_print_digest(#insn, digest);                              \
    }
#define STORE_ALL(insn)                                  \
    {                                                    \
        uint64_t digest = 0;                             \
        fill();                                          \
        for (unsigned i = 0; i < RV_N_CORNERS; i++)      \
            STORE(insn, area + 4080 + i, rv_corners[i]); \
        for (unsigned i = 0; i < 64; i++)                \
            digest = rv_digest(digest, area[4064 + i]);  \
        rv_print_digest(#insn, digest);                  \
    }

static void signs(void)
{
    rv_test("loads extend by their sign, or by zeros");
    STORE(sd, area, 0x8182838485868788);
    CHECK_EQ(LOAD(lb, area), 0xffffffffffffff88);
    CHECK_EQ(LOAD(lbu, area), 0x88);
    CHECK_EQ(LOAD(lh, area), 0xffffffffffff8788);
    CHECK_EQ(LOAD(lhu, area), 0x8788);
    CHECK_EQ(LOAD(lw, area), 0xffffffff85868788);
    CHECK_EQ(LOAD(lwu, area), 0x85868788);
    CHECK_EQ(LOAD(ld, area), 0x8182838485868788);
    rv_test("stores write their own bytes only");
    STORE(sd, area, 0);
    STORE(sb, area + 3, 0x1ff);
    CHECK_EQ(LOAD(ld, area), 0xff000000);
    STORE(sh, area + 6, 0x1abcd);
    CHECK_EQ(LOAD(ld, area), 0xabcd0000ff000000);
    STORE(sw, area + 1, 0x111223344);
    CHECK_EQ(LOAD(ld, area), 0xabcd001122334400);
    rv_test("a misaligned access may cross the end of a page");
    STORE(sd, area + 4093, 0x0123456789abcdef);
    CHECK_EQ(LOAD(ld, area + 4093), 0x0123456789abcdef);
    CHECK_EQ(area[4095], 0xab);
    CHECK_EQ(area[4096], 0x89);
}

static void written_code(void)
{
    static const uint32_t return_1[] = {0x00100513}; /* li a0, 1 */
    rv_test("code that was written is run after fence.i");
    uint64_t entry = rv_code(return_1, 1);
    CHECK_EQ(rv_run(RV_M, entry, 0, 0).a0, 1);
    *(volatile uint32_t *)(uintptr_t)entry = 0x00200513; /* li a0, 2 */
    __asm__ volatile("fence.i" ::: "memory");
    CHECK_EQ(rv_run(RV_M, entry, 0, 0).a0, 2);
    rv_test("half an instruction may be rewritten, and one may cross a page");
    volatile uint16_t *half = (volatile uint16_t *)(area + 4094);
    half[0] = 0x0513; /* addi a0, zero, ... */
    half[1] = 0x0030; /* ... 3 */
    half[2] = 0x0073; /* ecall */
    half[3] = 0x0000;
    __asm__ volatile("fence.i" ::: "memory");
    CHECK_EQ(rv_run(RV_M, (uint64_t)(uintptr_t)half, 0, 0).a0, 3);
    half[1] = 0x0040;
    __asm__ volatile("fence.i" ::: "memory");
    CHECK_EQ(rv_run(RV_M, (uint64_t)(uintptr_t)half, 0, 0).a0, 4);
    rv_test("code may change the instruction right after its fence.i");
    static const uint32_t change[] = {
        0x00b52423, /* sw a1, 8(a0): the addi below */
        0x0000100f, /* fence.i */
        0x00500513, /* addi a0, zero, 5 */
    };
    entry = rv_code(change, 3);
    CHECK_EQ(rv_run(RV_M, entry, entry, 0x00700513).a0, 7);
}

int main(void)
{
    fill();
    LOAD_ALL(lb);
    LOAD_ALL(lbu);
    LOAD_ALL(lh);
    LOAD_ALL(lhu);
    LOAD_ALL(lw);
    LOAD_ALL(lwu);
    LOAD_ALL(ld);
    STORE_ALL(sb);
    STORE_ALL(sh);
    STORE_ALL(sw);
    STORE_ALL(sd);
    signs();
    written_code();
    __asm__ volatile("fence\n\tfence rw, w");
    return rv_tests_end();
}
