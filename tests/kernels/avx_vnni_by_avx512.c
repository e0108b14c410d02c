/* avx_vnni_by_avx512.c - the variant for AVX-VNNI with AVX-512's encoding of its one
 * new instruction, which does the same to 256 bits; built with that set's flags. */
#include <immintrin.h>

#define _mm256_dpbusd_avx_epi32 _mm256_dpbusd_epi32
#define grt_gemm_int8_avx_vnni  grt_test_gemm_int8_avx_vnni

#include "../../src/compute/cpu/kernels/x86/gemm_int8_avx_vnni.c"
