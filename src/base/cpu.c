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
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint32_t found;
static uint32_t capped;
static const char *found_text;

static uint32_t cap_from_env(const char *name)
{
    if (!name) return UINT32_MAX;
    if (strcmp(name, "scalar") == 0) return 0;
    if (strcmp(name, "avx2") == 0) return GRT_CPU_AVX2;
    if (strcmp(name, "avx512") == 0) return GRT_CPU_AVX2 | GRT_CPU_AVX512;
    if (strcmp(name, "avx512_bf16") == 0)
        return GRT_CPU_AVX2 | GRT_CPU_AVX512 | GRT_CPU_AVX512_BF16;
    if (strcmp(name, "neon") == 0) return GRT_CPU_NEON;
    if (strcmp(name, "neon_bf16") == 0) return GRT_CPU_NEON | GRT_CPU_NEON_BF16;
    return UINT32_MAX;
}

#if defined(__x86_64__)
/* Leaf 1, ecx bit 29; not every compiler's __builtin_cpu_supports knows this name. */
static int has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 29)) != 0;
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
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c())
        found |= GRT_CPU_AVX2;
    if ((found & GRT_CPU_AVX2) && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        found |= GRT_CPU_AVX512;
    if ((found & GRT_CPU_AVX512) && __builtin_cpu_supports("avx512bf16"))
        found |= GRT_CPU_AVX512_BF16;
#endif
#if defined(__aarch64__)
    found |= GRT_CPU_NEON | (has_arm_bf16() ? GRT_CPU_NEON_BF16 : 0u);
#endif
    found_text = (found & GRT_CPU_AVX512_BF16) ? "avx2 avx512 avx512_bf16"
                 : (found & GRT_CPU_AVX512)    ? "avx2 avx512"
                 : (found & GRT_CPU_AVX2)      ? "avx2"
                 : (found & GRT_CPU_NEON_BF16) ? "neon neon_bf16"
                 : (found & GRT_CPU_NEON)      ? "neon"
                                               : "none beyond the baseline";
    capped = found & cap_from_env(getenv("GRT_ISA"));
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
