/* trapped_tiles.h - runs the object of an AMX kernel on a CPU without AMX: its tile
 * instructions raise SIGILL, and the handler carries them out with plain_tiles.h. */
#ifndef GRT_TESTS_TRAPPED_TILES_H
#define GRT_TESTS_TRAPPED_TILES_H

#include "gemm_shapes.h"
#include "plain_tiles.h"

#include <cpuid.h>
#include <signal.h>
#include <ucontext.h>

static size_t n_trapped;

/* A tile instruction, taken apart. */
typedef struct tile_instruction {
    int prefix;  /* 0 none, 1 66, 2 F3, 3 F2 */
    int opcode;  /* in the map 0F38 */
    int reg, rm; /* of tiles */
    int third;   /* VEX.vvvv */
    int is_memory;
    unsigned char *address;
    size_t stride;
    size_t n_bytes;
} tile_instruction;

static uint64_t register_value(const ucontext_t *at, int number)
{
    static const int places[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                   REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                   REG_R12, REG_R13, REG_R14, REG_R15};
    return (uint64_t)at->uc_mcontext.gregs[places[number]];
}

/* Reads SIB and displacement after the ModRM byte code[4]. */
static void decode_address(tile_instruction *in, const unsigned char *code,
                           const ucontext_t *at)
{
    int mode = code[4] >> 6, base = code[4] & 7;
    uint64_t address = 0;
    size_t n = 5;
    if (base == 4) { /* a SIB byte */
        int index = (code[5] >> 3 & 7) | (code[1] & 0x40 ? 0 : 8);
        base = code[5] & 7;
        if (index != 4) in->stride = register_value(at, index) << (code[5] >> 6);
        n++;
    }
    plain_check(mode != 0 || base != 5, "an address form the test does not know");
    address = register_value(at, base | (code[1] & 0x20 ? 0 : 8));
    if (mode == 1) address += (uint64_t)(int64_t)(int8_t)code[n];
    if (mode == 2) {
        int32_t far;
        memcpy(&far, code + n, sizeof(far));
        address += (uint64_t)(int64_t)far;
    }
    in->n_bytes = n + (mode == 1 ? 1 : mode == 2 ? 4 : 0);
    in->address = (unsigned char *)(uintptr_t)address;
}

static tile_instruction decode(const unsigned char *code, const ucontext_t *at)
{
    tile_instruction in = {.n_bytes = 5};
    plain_check(code[0] == 0xC4 && (code[1] & 0x1F) == 2, "not a tile instruction");
    in.prefix = code[2] & 3;
    in.third = ~(code[2] >> 3) & 15;
    in.opcode = code[3];
    in.reg = code[4] >> 3 & 7;
    in.rm = code[4] & 7;
    in.is_memory = code[4] >> 6 != 3;
    if (in.is_memory) decode_address(&in, code, at);
    return in;
}

static void carry_out(const tile_instruction *in)
{
    if (in->opcode == 0x49 && in->prefix == 0 && in->is_memory) {
        tile_config config;
        memcpy(&config, in->address, sizeof(config));
        tile_configure(&config);
    } else if (in->opcode == 0x49 && in->prefix == 0)
        tile_release();
    else if (in->opcode == 0x49 && in->prefix == 3 && !in->is_memory)
        tile_zero(in->reg);
    else if (in->opcode == 0x4B && in->prefix == 3)
        tile_load(in->reg, in->address, in->stride);
    else if (in->opcode == 0x4B && in->prefix == 2)
        tile_store(in->reg, in->address, in->stride);
    else if (in->opcode == 0x5C && in->prefix == 2 && !in->is_memory)
        plain_multiply_bf16(in->reg, in->rm, in->third);
    else if (in->opcode == 0x5E && in->prefix == 1 && !in->is_memory)
        plain_multiply_int8(in->reg, in->rm, in->third);
    else
        plain_check(0, "an instruction the test does not know");
}

static void on_illegal(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    ucontext_t *at = context;
    tile_instruction in =
        decode((const unsigned char *)(uintptr_t)at->uc_mcontext.gregs[REG_RIP], at);
    carry_out(&in);
    at->uc_mcontext.gregs[REG_RIP] += (greg_t)in.n_bytes;
    n_trapped++;
}

static int cpu_has_tiles(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & 1u << 24) != 0;
}

/* Runs `check` with the handler in place; false where tiles need none, or AVX-512 is
 * missing. */
static bool with_trapped_tiles(void (*check)(void))
{
    if (cpu_has_tiles() || !(grt_cpu_features_found() & GRT_CPU_AVX512)) {
        printf("SKIP: only on a CPU with AVX-512 and without AMX\n");
        return false;
    }
    struct sigaction trap = {.sa_sigaction = on_illegal, .sa_flags = SA_SIGINFO}, old;
    assert_int_equal(sigaction(SIGILL, &trap, &old), 0);
    check();
    assert_int_equal(sigaction(SIGILL, &old, NULL), 0);
    assert_int_equal(plain_config.palette, 0);
    assert_true(n_trapped > 10000);
    return true;
}

#endif /* GRT_TESTS_TRAPPED_TILES_H */
