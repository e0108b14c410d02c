/* cpu.c - CPU detection, done once.  The only file that asks the CPU or reads GRT_ISA.
 */
#include "base/cpu.h"

#include "grating.h"
#include "os/os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

static grt_os_once_flag once = GRT_OS_ONCE_INIT;
static uint32_t found;
static uint32_t capped;
static char found_text[160];

/* In the order in which they came, by architecture. */
static const struct {
    const char *name;
    uint32_t feature;
} features[] = {{"avx2", GRT_CPU_AVX2},
                {"avx_vnni", GRT_CPU_AVX_VNNI},
                {"avx512", GRT_CPU_AVX512},
                {"avx512_vnni", GRT_CPU_AVX512_VNNI},
                {"avx512_bf16", GRT_CPU_AVX512_BF16},
                {"amx_bf16", GRT_CPU_AMX_BF16},
                {"amx_int8", GRT_CPU_AMX_INT8},
                {"neon", GRT_CPU_NEON},
                {"neon_dotprod", GRT_CPU_NEON_DOTPROD},
                {"neon_bf16", GRT_CPU_NEON_BF16},
                {"neon_i8mm", GRT_CPU_NEON_I8MM}};
enum { N_FEATURES = sizeof(features) / sizeof(features[0]) };

/* The named feature and those before it; a name that is not known caps nothing. */
static uint32_t cap_from_env(const char *name)
{
    uint32_t cap = 0;
    if (!name) return UINT32_MAX;
    if (strcmp(name, "scalar") == 0) return 0;
    for (size_t i = 0; i < N_FEATURES; i++) {
        if (features[i].feature == GRT_CPU_NEON) cap = 0;
        cap |= features[i].feature;
        if (strcmp(name, features[i].name) == 0) return cap;
    }
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

/* Leaf 7, edx bits 24 (TILE), 22 (BF16) and 25 (INT8); in XCR0 17 (TILECFG) and 18
 * (TILEDATA). */
static uint32_t ask_amx(void)
{
    const uint32_t tile = 1u << 24, bf16 = 1u << 22, int8 = 1u << 25;
    const uint32_t state = 1u << 17 | 1u << 18;
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & tile) ||
        (saved_state() & state) != state)
        return 0;
    return (d & bf16 ? GRT_CPU_AMX_BF16 : 0u) | (d & int8 ? GRT_CPU_AMX_INT8 : 0u);
}

/* Leaf 7, subleaf 1, eax bit 4. */
static int has_avx_vnni(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & (1u << 4)) != 0;
}

static uint32_t ask_cpu(void)
{
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
        !has_f16c())
        return 0;
    uint32_t has = GRT_CPU_AVX2 | (has_avx_vnni() ? GRT_CPU_AVX_VNNI : 0);
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
        return has;
    has |= GRT_CPU_AVX512;
    if (__builtin_cpu_supports("avx512vnni")) has |= GRT_CPU_AVX512_VNNI;
    if (!__builtin_cpu_supports("avx512bf16")) return has;
    return has | GRT_CPU_AVX512_BF16 | ask_amx();
}
#endif

#if defined(__aarch64__)
/* By the bits of Linux's HWCAP; older headers lack the names. */
static uint32_t ask_cpu(void)
{
    uint32_t has = GRT_CPU_NEON;
    const uint64_t dotprod = 1u << 20, i8mm = 1u << 13, bf16 = 1u << 14;
    uint64_t hwcap, hwcap2;
    grt_os_cpu_bits(&hwcap, &hwcap2);
    if (hwcap & dotprod) has |= GRT_CPU_NEON_DOTPROD;
    if (hwcap2 & bf16) has |= GRT_CPU_NEON_BF16;
    if (hwcap2 & i8mm) has |= GRT_CPU_NEON_I8MM;
    return has;
}
#endif

static void write_found_text(void)
{
    size_t at = 0;
    for (size_t i = 0; i < N_FEATURES; i++)
        if (found & features[i].feature)
            at += (size_t)snprintf(found_text + at, sizeof(found_text) - at, "%s%s",
                                   at ? " " : "", features[i].name);
    if (at == 0)
        (void)snprintf(found_text, sizeof(found_text), "none beyond the baseline");
}

static void detect(void)
{
    uint32_t cap = cap_from_env(getenv("GRT_ISA"));
#if defined(__x86_64__) || defined(__aarch64__)
    found = ask_cpu();
#endif
#if defined(__x86_64__)
    /* a permission widens all signal frames: not asked for when tiles are capped */
    const uint32_t tiles = GRT_CPU_AMX_BF16 | GRT_CPU_AMX_INT8;
    if ((found & cap & tiles) && !grt_os_may_use_tiles()) found &= ~tiles;
#endif
    write_found_text();
    capped = found & cap;
}

uint32_t grt_cpu_features(void)
{
    grt_os_once(&once, detect);
    return capped;
}

uint32_t grt_cpu_features_found(void)
{
    grt_os_once(&once, detect);
    return found;
}

const char *grt_cpu_features_text(void)
{
    grt_os_once(&once, detect);
    return found_text;
}
