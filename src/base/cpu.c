/* cpu.c - CPU detection, done once.  The only file that asks the CPU or reads GRT_ISA.
 */
#include "base/cpu.h"

#include "grating.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint32_t found;
static uint32_t capped;
static const char *found_text;

static uint32_t cap_from_env(const char *name)
{
    enum {
        AVX512 = GRT_CPU_AVX2 | GRT_CPU_AVX512,
        AVX512_BF16 = AVX512 | GRT_CPU_AVX512_BF16,
        AMX_BF16 = AVX512_BF16 | GRT_CPU_AMX_BF16,
        NEON_BF16 = GRT_CPU_NEON | GRT_CPU_NEON_BF16
    };
    static const struct {
        const char *name;
        uint32_t features;
    } caps[] = {{"avx2", GRT_CPU_AVX2},       {"avx512", AVX512},
                {"avx512_bf16", AVX512_BF16}, {"amx_bf16", AMX_BF16},
                {"neon", GRT_CPU_NEON},       {"neon_bf16", NEON_BF16}};
    if (!name) return UINT32_MAX;
    if (strcmp(name, "scalar") == 0) return 0;
    for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
        if (strcmp(name, caps[i].name) == 0) return caps[i].features;
    return UINT32_MAX;
}

#if defined(__x86_64__)
/* Leaf 1, ecx bit 29; not every compiler's __builtin_cpu_supports knows this name. */
static int has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 29)) != 0;
}

/* The state that the kernel saves for us, XCR0; 0 where we cannot ask. */
static uint32_t saved_state(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 27))) return 0; /* OSXSAVE */
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    (void)high;
    return low;
}

/* Leaf 7, edx bits 24 (TILE) and 22 (BF16); in XCR0 17 (TILECFG) and 18 (TILEDATA). */
static int has_amx_bf16(void)
{
    const uint32_t units = 1u << 24 | 1u << 22, state = 1u << 17 | 1u << 18;
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & units) == units &&
           (saved_state() & state) == state;
}

/* Linux saves the 8 KiB of the tiles only for a process that has asked; the others
 * would be killed at their first use.  It refuses before 5.16, where a seccomp filter
 * says so, and when a thread's signal stack is too small for the larger frame.  The
 * permission is for all threads, also later ones.  See the kernel's
 * Documentation/arch/x86/xstate.rst. */
static int may_use_tiles(void)
{
#if defined(__linux__) && defined(SYS_arch_prctl)
    enum { GET_PERMISSION = 0x1022, ASK_PERMISSION = 0x1023, TILE_DATA = 18 };
    uint64_t granted = 0;
    if (syscall(SYS_arch_prctl, ASK_PERMISSION, TILE_DATA) != 0) return 0;
    return syscall(SYS_arch_prctl, GET_PERMISSION, &granted) == 0 &&
           (granted & 1u << TILE_DATA) != 0;
#else
    return 0;
#endif
}

static uint32_t ask_cpu(void)
{
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
        !has_f16c())
        return 0;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
        return GRT_CPU_AVX2;
    if (!__builtin_cpu_supports("avx512bf16")) return GRT_CPU_AVX2 | GRT_CPU_AVX512;
    return GRT_CPU_AVX2 | GRT_CPU_AVX512 | GRT_CPU_AVX512_BF16 |
           (has_amx_bf16() ? GRT_CPU_AMX_BF16 : 0);
}
#endif

#if defined(__aarch64__)
static int has_arm_bf16(void)
{
#if defined(__linux__)
    const unsigned long bf16 = 1ul << 14; /* HWCAP2_BF16; older headers lack the name */
    return (getauxval(AT_HWCAP2) & bf16) != 0;
#else
    return 0;
#endif
}
#endif

static void detect(void)
{
    uint32_t cap = cap_from_env(getenv("GRT_ISA"));
#if defined(__x86_64__)
    found = ask_cpu();
    /* a permission widens all signal frames: not asked for when tiles are capped */
    if ((found & cap & GRT_CPU_AMX_BF16) && !may_use_tiles())
        found &= ~GRT_CPU_AMX_BF16;
#endif
#if defined(__aarch64__)
    found |= GRT_CPU_NEON | (has_arm_bf16() ? GRT_CPU_NEON_BF16 : 0u);
#endif
    found_text = (found & GRT_CPU_AMX_BF16)      ? "avx2 avx512 avx512_bf16 amx_bf16"
                 : (found & GRT_CPU_AVX512_BF16) ? "avx2 avx512 avx512_bf16"
                 : (found & GRT_CPU_AVX512)      ? "avx2 avx512"
                 : (found & GRT_CPU_AVX2)        ? "avx2"
                 : (found & GRT_CPU_NEON_BF16)   ? "neon neon_bf16"
                 : (found & GRT_CPU_NEON)        ? "neon"
                                                 : "none beyond the baseline";
    capped = found & cap;
}

uint32_t grt_cpu_features(void)
{
    (void)pthread_once(&once, detect);
    return capped;
}

uint32_t grt_cpu_features_found(void)
{
    (void)pthread_once(&once, detect);
    return found;
}

const char *grt_cpu_features_text(void)
{
    (void)pthread_once(&once, detect);
    return found_text;
}
