/* cpu.c - CPU detection, done once.  The only file that asks the CPU or reads GRT_ISA.
 */
#include "base/cpu.h"

#include "grating.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint32_t found;
static uint32_t capped;
static char found_text[64] = "";

static uint32_t cap_from_env(const char *name)
{
    if (!name) return UINT32_MAX;
    if (strcmp(name, "scalar") == 0) return 0;
    if (strcmp(name, "avx2") == 0) return GRT_CPU_AVX2;
    if (strcmp(name, "avx512") == 0) return GRT_CPU_AVX2 | GRT_CPU_AVX512;
    return UINT32_MAX;
}

static void detect(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("f16c"))
        found |= GRT_CPU_AVX2;
    if ((found & GRT_CPU_AVX2) && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        found |= GRT_CPU_AVX512;
#endif
    if (found & GRT_CPU_AVX2) strcat(found_text, "avx2");
    if (found & GRT_CPU_AVX512) strcat(found_text, " avx512");
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
    return found_text[0] ? found_text : "none beyond the baseline";
}
