/* peak.c - see peak.h.  Assembler, so that no compiler takes a loop away, and no flags
 * are needed: the caller names an instruction set that this CPU has. */
#include "peak.h"

#include "base/clock.h"

#include <stdint.h>
#include <string.h>

typedef void burst_fn(uint64_t n);

/* Sums are independent, and more than latency times the units of any CPU here. */
#define EACH_10(line) \
    line(0) line(1) line(2) line(3) line(4) line(5) line(6) line(7) line(8) line(9)

#if defined(__x86_64__)

#define LOOP(setup, body)                                                            \
    __asm__ volatile(setup "1:\n" body "dec %0\n jnz 1b\n" END                       \
                     : "+r"(n)                                                       \
                     :                                                               \
                     : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", \
                       "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13")
#define END         "vzeroupper\n"
#define ZERO(i)     "vpxor %%xmm" #i ", %%xmm" #i ", %%xmm" #i "\n"
#define ZERO_ALL    EACH_10(ZERO) ZERO(10) ZERO(11) ZERO(12) ZERO(13)

#define FMA_256(i)  "vfmadd231ps %%ymm10, %%ymm11, %%ymm" #i "\n"
#define FMA_512(i)  "vfmadd231ps %%zmm10, %%zmm11, %%zmm" #i "\n"
#define BF16_512(i) "vdpbf16ps %%zmm10, %%zmm11, %%zmm" #i "\n"
#define INT8_512(i) "vpdpbusd %%zmm10, %%zmm11, %%zmm" #i "\n"
#define INT8_256(i) "%{vex%} vpdpbusd %%ymm10, %%ymm11, %%ymm" #i "\n"
#define PAIRS_256(i)                         \
    "vpmaddubsw %%ymm10, %%ymm11, %%ymm12\n" \
    "vpmaddwd %%ymm12, %%ymm11, %%ymm13\n"   \
    "vpaddd %%ymm13, %%ymm" #i ", %%ymm" #i "\n"

#define BURST(name, line)              \
    static void name(uint64_t n)       \
    {                                  \
        LOOP(ZERO_ALL, EACH_10(line)); \
    }
BURST(fma_256, FMA_256)
BURST(fma_512, FMA_512)
BURST(bf16_512, BF16_512)
BURST(int8_512, INT8_512)
BURST(int8_256, INT8_256)
BURST(pairs_256, PAIRS_256)

/* 16 rows x 16 columns x 32 inputs, into four tiles in turn. */
static void bf16_tiles(uint64_t n)
{
    struct {
        uint8_t palette, start, rest[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } config = {.palette = 1};
    for (int i = 0; i < 6; i++) {
        config.bytes[i] = 64;
        config.rows[i] = 16;
    }
    __asm__ volatile("ldtilecfg %1\n"
                     "tilezero %%tmm0\n tilezero %%tmm1\n tilezero %%tmm2\n"
                     "tilezero %%tmm3\n tilezero %%tmm4\n tilezero %%tmm5\n"
                     "1:\n"
                     "tdpbf16ps %%tmm5, %%tmm4, %%tmm0\n"
                     "tdpbf16ps %%tmm5, %%tmm4, %%tmm1\n"
                     "tdpbf16ps %%tmm5, %%tmm4, %%tmm2\n"
                     "tdpbf16ps %%tmm5, %%tmm4, %%tmm3\n"
                     "dec %0\n jnz 1b\n"
                     "tilerelease\n"
                     : "+r"(n)
                     : "m"(config)
                     : "cc");
}

#elif defined(__aarch64__)

#define ZERO(i) "movi v" #i ".4s, #0\n"
#define LOOP(body)                                                                 \
    __asm__ volatile(EACH_10(ZERO) ZERO(10) ZERO(11) "1:\n" body                   \
                                                     "subs %0, %0, #1\n b.ne 1b\n" \
                     : "+r"(n)                                                     \
                     :                                                             \
                     : "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", \
                       "v9", "v10", "v11")
#define FMLA(i)  "fmla v" #i ".4s, v10.4s, v11.4s\n"
#define BFDOT(i) ".arch_extension bf16\n bfdot v" #i ".4s, v10.8h, v11.8h\n"
#define SDOT(i)  ".arch_extension dotprod\n sdot v" #i ".4s, v10.16b, v11.16b\n"
#define BURST(name, line)        \
    static void name(uint64_t n) \
    {                            \
        LOOP(EACH_10(line));     \
    }
BURST(fmla, FMLA)
BURST(bfdot, BFDOT)
BURST(sdot, SDOT)

#endif

/* Operations of one turn of a burst's loop. */
static const struct {
    const char *isa;
    grt_arithmetic arithmetic;
    burst_fn *burst;
    double n_operations;
} bursts[] = {
#if defined(__x86_64__)
    {"avx2", GRT_ARITHMETIC_F32, fma_256, 10 * 8 * 2},
    {"avx512", GRT_ARITHMETIC_F32, fma_512, 10 * 16 * 2},
    {"avx512_bf16", GRT_ARITHMETIC_BF16, bf16_512, 10 * 32 * 2},
    {"amx_bf16", GRT_ARITHMETIC_BF16, bf16_tiles, 4 * 16 * 16 * 32 * 2},
    {"avx2", GRT_ARITHMETIC_INT8, pairs_256, 10 * 32 * 2},
    {"avx_vnni", GRT_ARITHMETIC_INT8, int8_256, 10 * 32 * 2},
    {"avx512_vnni", GRT_ARITHMETIC_INT8, int8_512, 10 * 64 * 2},
#elif defined(__aarch64__)
    {"neon", GRT_ARITHMETIC_F32, fmla, 10 * 4 * 2},
    {"neon_bf16", GRT_ARITHMETIC_BF16, bfdot, 10 * 8 * 2},
    {"neon_dotprod", GRT_ARITHMETIC_INT8, sdot, 10 * 16 * 2},
    {"neon_i8mm", GRT_ARITHMETIC_INT8, sdot, 10 * 16 * 2},
#endif
    {NULL, GRT_ARITHMETIC_AUTO, NULL, 0.0}};

enum { TURNS = 4000000 };

static void burst_task(size_t task, size_t worker, void *payload)
{
    (void)task;
    (void)worker;
    (*(burst_fn **)payload)(TURNS);
}

double peak_gflops(const char *isa, grt_arithmetic arithmetic, grt_pool *pool)
{
    size_t b = 0, n_threads = grt_pool_n_threads(pool);
    while (bursts[b].isa &&
           (strcmp(bursts[b].isa, isa) != 0 || bursts[b].arithmetic != arithmetic))
        b++;
    if (!bursts[b].isa) return 0.0;
    burst_fn *burst = bursts[b].burst;
    uint64_t start = grt_clock_ns();
    grt_pool_run(pool, n_threads, burst_task, &burst);
    return bursts[b].n_operations * TURNS * (double)n_threads /
           (double)(grt_clock_ns() - start);
}
