/* test_avx_vnni.c - the int8 matrix kernel for AVX-VNNI on CPUs that have AVX-512 VNNI
 * and not AVX-VNNI (AMD Zen 4, Intel Ice Lake); see avx_vnni_by_avx512.c.  Where
 * AVX-VNNI is there, test_variants.c runs it like all others. */
#include "test.h"

#include "gemm_shapes.h"

#if defined(GRT_HAVE_AVX512_VNNI) && defined(GRT_HAVE_AVX_VNNI)
grt_gemm_fn grt_test_gemm_int8_avx_vnni;
static grt_gemm_fn *const stand_in = grt_test_gemm_int8_avx_vnni;
#else
static grt_gemm_fn *const stand_in = NULL;
#endif

static void test_with_the_instruction_of_avx512(void **state)
{
    (void)state;
    if (!stand_in || !(grt_cpu_features_found() & GRT_CPU_AVX512_VNNI)) {
        printf("SKIP: no AVX-512 VNNI to stand in for AVX-VNNI\n");
        skip();
    }
    const grt_kernel_entry entry = {"gemm_int8", "avx_vnni (AVX-512's encoding)",
                                    GRT_CPU_AVX_VNNI, (grt_any_fn *)stand_in};
    check_gemm(&entry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_with_the_instruction_of_avx512),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
