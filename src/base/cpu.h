/* cpu.h - which instructions this process may use. */
#ifndef GRT_BASE_CPU_H
#define GRT_BASE_CPU_H

#include <stdint.h>

enum {
    GRT_CPU_AVX2 = 1u << 0,   /* AVX2 + FMA + F16C */
    GRT_CPU_AVX512 = 1u << 1, /* F, BW, DQ, VL */
    GRT_CPU_AVX512_BF16 = 1u << 2,
    GRT_CPU_AMX_BF16 = 1u << 3,  /* TILE and BF16, and the kernel lets us use them */
    GRT_CPU_AMX_INT8 = 1u << 10, /* likewise, INT8 */
    GRT_CPU_AVX_VNNI = 1u << 4,  /* VPDPBUSD on 256 bits, without AVX-512 */
    GRT_CPU_AVX512_VNNI = 1u << 5,
    GRT_CPU_NEON = 1u << 6, /* of every 64-bit Arm CPU */
    GRT_CPU_NEON_BF16 = 1u << 7,
    GRT_CPU_NEON_DOTPROD = 1u << 8,
    GRT_CPU_NEON_I8MM = 1u << 9
};

/* Features found at first call, capped by GRT_ISA: scalar; avx2, avx_vnni, avx512,
 * avx512_vnni, avx512_bf16, amx_bf16, amx_int8; neon, neon_dotprod, neon_bf16,
 * neon_i8mm.  Each comes with all those of its architecture before it; a name of the
 * other architecture leaves none.  Thread safe. */
uint32_t grt_cpu_features(void);

/* The same without the cap. */
uint32_t grt_cpu_features_found(void);

#endif /* GRT_BASE_CPU_H */
