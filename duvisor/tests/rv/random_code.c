/*
 * random_code.c - generated programs: for each seed a block of random instructions, run
 * in a random mode, and a digest of the registers and memory it leaves.
 *
 * The generator runs on the machine under test, so one start of a machine does all
 * seeds; equal digests mean equal generated code and equal results.  Blocks hold
 * integer instructions, compressed ones, loads, stores, atomics, branches and jumps
 * forward, CSRs that every mode may use, and faults: a block ends at its first trap.
 */
#include "rv/vectors.h"

enum { N_SEEDS = 200, BLOCK_WORDS = 60, N_BLOCKS = 4 };

static uint64_t state;
static rv_mode mode; /* of the block that is made */

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static unsigned below(unsigned n)
{
    return (unsigned)(next() >> 33) % n;
}

/* x8 points at data and stays; x5-x7 and x10-x15 are free. */
enum { BASE = 8 };

static unsigned reg(void)
{
    static const uint8_t registers[] = {5, 6, 7, 10, 11, 12, 13, 14, 15};
    return registers[below(sizeof(registers))];
}

static unsigned source(void)
{
    return below(12) == 0 ? 0 : reg();
}

static uint32_t r_type(unsigned funct7, unsigned funct3, unsigned opcode)
{
    return funct7 << 25 | source() << 20 | source() << 15 | funct3 << 12 | reg() << 7 |
           opcode;
}

static uint32_t i_type(unsigned imm, unsigned rs1, unsigned funct3, unsigned rd,
                       unsigned opcode)
{
    return imm << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
}

static uint32_t arithmetic(void)
{
    switch (below(6)) {
    case 0: return r_type(0, below(8), 0x33);
    case 1: return r_type(0x20, below(2) ? 0 : 5, 0x33);
    case 2: return r_type(1, below(8), 0x33);
    case 3: {
        static const uint8_t funct3[] = {0, 4, 5, 6, 7};
        return r_type(1, funct3[below(5)], 0x3b);
    }
    case 4: {
        static const uint8_t funct3[] = {0, 1, 5};
        return r_type(0, funct3[below(3)], 0x3b);
    }
    default: return r_type(0x20, below(2) ? 0 : 5, 0x3b);
    }
}

static uint32_t immediate(void)
{
    static const uint8_t funct3[] = {0, 2, 3, 4, 6, 7};
    switch (below(5)) {
    case 0: return i_type(below(64), source(), 1, reg(), 0x13);
    case 1: return i_type(below(64) | below(2) << 10, source(), 5, reg(), 0x13);
    case 2: return i_type(below(4096), source(), 0, reg(), 0x1b);
    case 3: return below(1 << 20) << 12 | reg() << 7 | 0x37; /* lui */
    default: return i_type(below(4096), source(), funct3[below(6)], reg(), 0x13);
    }
}

/* Offsets from BASE, which points at the middle of data; misaligned ones too. */
static uint32_t memory(void)
{
    unsigned offset = below(512), size = below(4);
    if (below(2)) offset &= ~7u;
    if (below(2)) return i_type(offset, BASE, below(7), reg(), 0x03);
    return (offset >> 5) << 25 | reg() << 20 | BASE << 15 | size << 12 |
           (offset & 31) << 7 | 0x23;
}

static uint32_t atomic(void)
{
    static const uint8_t funct5[] = {1, 0, 4, 12, 8, 16, 20, 24, 28, 2, 3};
    unsigned op = funct5[below(11)], rs2 = op == 2 ? 0 : source();
    /* An SC of another width than its LR: QEMU 7.2 stores, and says that it failed. */
    unsigned width = op == 2 || op == 3 ? 3 : 2 + below(2);
    return op << 27 | below(4) << 25 | rs2 << 20 | BASE << 15 | width << 12 |
           reg() << 7 | 0x2f;
}

/* Over the next word, or over two. */
static uint32_t forward(void)
{
    static const uint8_t funct3[] = {0, 1, 4, 5, 6, 7};
    unsigned over = below(2) ? 8 : 12;
    if (below(4) == 0) return over << 20 | reg() << 7 | 0x6f; /* jal */
    return source() << 20 | source() << 15 | funct3[below(6)] << 12 | over << 7 | 0x63;
}

/* Two compressed instructions on x8-x15, of which x9 and x10-x15 are written. */
static uint32_t compressed(void)
{
    uint32_t word = 0;
    for (unsigned i = 0; i < 2; i++) {
        unsigned rd = 2 + below(6), rs2 = below(8), imm = below(64), half;
        unsigned low = (imm & 31) << 2 | (imm >> 5) << 12;
        switch (below(8)) {
        case 0: half = 0x0001 | (8 + rd) << 7 | low; break; /* c.addi */
        case 1: half = 0x2001 | (8 + rd) << 7 | low; break; /* c.addiw */
        case 2: half = 0x4001 | (8 + rd) << 7 | low; break; /* c.li */
        case 3: half = 0x8801 | rd << 7 | low; break;       /* c.andi */
        case 4: half = 0x8c01 | rd << 7 | below(4) << 5 | rs2 << 2; break;
        case 5: half = 0x9c01 | rd << 7 | below(2) << 5 | rs2 << 2; break;
        case 6: half = 0x8002 | (8 + rd) << 7 | (8 + rs2) << 2; break;  /* c.mv */
        default: half = 0x9002 | (8 + rd) << 7 | (8 + rs2) << 2; break; /* c.add */
        }
        word |= half << (16 * i);
    }
    return word;
}

/* Of the mode's own, or of one above it: then the block ends with a trap. */
static uint32_t csr(void)
{
    static const uint16_t numbers[] = {0x140, 0x142, 0x143, 0x340, 0x240};
    if (mode == RV_VU) return rv_csr_word(2, reg(), 0x340, 0); /* see own_csr.c */
    return rv_csr_word(1 + below(3), reg(), numbers[below(3) ? 0 : below(5)], source());
}

static uint32_t instruction(void)
{
    unsigned kind = below(100);
    if (kind < 35) return arithmetic();
    if (kind < 55) return immediate();
    if (kind < 70) return memory();
    if (kind < 76) return atomic();
    if (kind < 84) return forward();
    if (kind < 96) return compressed();
    if (kind < 99) return csr();
    return 0xffffffff; /* no instruction */
}

static uint64_t data[256] __attribute__((aligned(4096)));

/* Sets registers, runs the block, and stores them; ends with the block's ecall or trap.
 */
static uint64_t registers[16];

static size_t prologue(uint32_t *words)
{
    static const uint8_t loaded[] = {5, 6, 7, 9, 11, 12, 13, 14, 15, 10};
    size_t n = 0;
    words[n++] = 0x00050413; /* mv x8, a0 */
    for (unsigned i = 0; i < sizeof(loaded); i++)
        words[n++] = i_type(8 * i, 11, 3, loaded[i] == 11 ? 31 : loaded[i], 0x03);
    words[n++] = 0x000f8593; /* mv a1, x31 */
    return n;
}

static uint64_t run_block(uint64_t digest)
{
    static uint32_t words[BLOCK_WORDS + 16];
    size_t n = prologue(words);
    for (unsigned i = 0; i < 16; i++)
        registers[i] = below(3) ? next() : rv_corners[below(RV_N_CORNERS)];
    while (n < BLOCK_WORDS)
        words[n++] = instruction();
    uint64_t entry = rv_code(words, n);
    rv_seen seen = rv_run(mode, entry, (uint64_t)(uintptr_t)(data + 64),
                          (uint64_t)(uintptr_t)registers);
    digest = rv_digest(digest, seen.cause);
    digest = rv_digest(digest, seen.epc - entry);
    digest = rv_digest(digest, seen.tval);
    digest = rv_digest(digest, seen.a0);
    digest = rv_digest(digest, seen.a1);
    for (unsigned i = 0; i < 160; i++)
        digest = rv_digest(digest, data[i]);
    return digest;
}

static uint64_t run_seed(uint64_t seed)
{
    static const rv_mode modes[] = {RV_M, RV_S, RV_U, RV_VS, RV_VU};
    uint64_t digest = seed;
    state = seed * 0x9e3779b97f4a7c15 + 1;
    for (unsigned i = 0; i < 256; i++)
        data[i] = next();
    for (unsigned block = 0; block < N_BLOCKS; block++) {
        mode = modes[below(5)];
        digest = run_block(digest);
    }
    return digest;
}

int main(void)
{
    for (unsigned seed = 1; seed <= N_SEEDS; seed++) {
        rv_print_number(seed);
        rv_put(' ');
        rv_print_hex(run_seed(seed));
        rv_put('\n');
    }
    return 0;
}
