/* test_amx_int8.c - the int8 matrix kernel for AMX on CPUs without AMX: its source with
 * tiles in plain C; and its object, whose tile instructions raise SIGILL and are
 * carried out by the handler.  On a CPU with AMX test_variants.c runs it like all
 * others. */
#include "test.h"

#include "gemm_shapes.h"
#include "plain_tiles.h"

#if defined(__x86_64__) && defined(__linux__) && defined(GRT_HAVE_AMX_INT8)
#define HAS_OBJECT 1
#include "trapped_tiles.h"
#else
#define HAS_OBJECT 0
#endif

static grt_gemm_fn plain_gemm_int8;
#define GRT_VARIANT(operation) plain_##operation
#define tile_multiply_add      plain_multiply_int8
#include "compute/cpu/kernels/template/gemm_int8_tiles.h"

static void test_the_source_with_plain_tiles(void **state)
{
    (void)state;
    const grt_kernel_entry entry = {"gemm_int8", "amx_int8 (source)", 0,
                                    (grt_any_fn *)plain_gemm_int8};
    check_gemm(&entry);
    assert_int_equal(plain_config.palette, 0); /* every call has released them */
}

#if HAS_OBJECT
static void check_object(void)
{
    const grt_kernel_entry entry = {"gemm_int8", "amx_int8 (object)", 0,
                                    (grt_any_fn *)grt_gemm_int8_amx_int8};
    check_gemm(&entry);
}

static void test_the_object_with_trapped_tiles(void **state)
{
    (void)state;
    if (!with_trapped_tiles(check_object)) skip();
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
