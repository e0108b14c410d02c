/* test_amx.c - the AMX matrix kernel on CPUs without AMX: its source with tiles in
 * plain C; and its object, whose tile instructions raise SIGILL and are carried out by
 * the handler.  On a CPU with AMX test_variants.c runs it like all others. */
#include "test.h"

#include "attention_shapes.h"
#include "plain_tiles.h"

#if defined(__x86_64__) && defined(__linux__) && defined(GRT_HAVE_AMX_BF16)
#define HAS_OBJECT 1
#include <cpuid.h>
#include <signal.h>
#include <ucontext.h>
#else
#define HAS_OBJECT 0
#endif

static grt_gemm_fn plain_gemm_bf16;
#define GRT_VARIANT(operation) plain_##operation
#include "kernels/template/gemm_tiles.h"

/* Attention with this matrix kernel and, for the rest, scalar ones. */
static void check_tiled_attention(grt_gemm_fn *gemm, const char *isa, size_t most)
{
    grt_kernels kernels;
    grt_kernels_choose(&kernels, 0, GRT_ARITHMETIC_F32);
    kernels.gemm_bf16 = gemm;
    kernels.block_bf16 = (grt_gemm_block){GRT_GEMM_ROWS, 4 * GRT_STRIP};
    kernels.isa = isa;
    check_attention(&kernels, most);
}

static void test_the_source_with_plain_tiles(void **state)
{
    (void)state;
    const grt_kernel_entry entry = {"gemm_bf16", "amx_bf16 (source)", 0,
                                    (grt_any_fn *)plain_gemm_bf16};
    check_gemm(&entry);
    check_tiled_attention(plain_gemm_bf16, entry.isa, 300);
    assert_int_equal(plain_config.palette, 0); /* every call has released them */
}

#if HAS_OBJECT

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
        tile_multiply_add(in->reg, in->rm, in->third);
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

static void test_the_object_with_trapped_tiles(void **state)
{
    (void)state;
    if (cpu_has_tiles() || !(grt_cpu_features_found() & GRT_CPU_AVX512)) {
        printf("SKIP: only on a CPU with AVX-512 and without AMX\n");
        skip();
    }
    const grt_kernel_entry entry = {"gemm_bf16", "amx_bf16 (object)", 0,
                                    (grt_any_fn *)grt_gemm_bf16_amx_bf16};
    struct sigaction trap = {.sa_sigaction = on_illegal, .sa_flags = SA_SIGINFO}, old;
    assert_int_equal(sigaction(SIGILL, &trap, &old), 0);
    check_gemm(&entry);
    check_tiled_attention(grt_gemm_bf16_amx_bf16, entry.isa, 260);
    assert_int_equal(sigaction(SIGILL, &old, NULL), 0);
    assert_int_equal(plain_config.palette, 0);
    assert_true(n_trapped > 10000);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_source_with_plain_tiles),
#if HAS_OBJECT
        cmocka_unit_test(test_the_object_with_trapped_tiles),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
