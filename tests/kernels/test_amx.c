/* test_amx.c - the bf16 matrix kernel for AMX on CPUs without AMX: its source with
 * tiles in plain C; and its object, whose tile instructions raise SIGILL and are
 * carried out by the handler.  On a CPU with AMX test_variants.c runs it like all
 * others. */
#include "test.h"

#include "attention_shapes.h"
#include "plain_tiles.h"

#if defined(__x86_64__) && defined(__linux__) && defined(GRT_HAVE_AMX_BF16)
#define HAS_OBJECT 1
#include "trapped_tiles.h"
#else
#define HAS_OBJECT 0
#endif

static grt_gemm_fn plain_gemm_bf16;
#define GRT_VARIANT(operation) plain_##operation
#define tile_multiply_add      plain_multiply_bf16
#include "compute/cpu/kernels/template/gemm_tiles.h"

/* Attention with this matrix kernel and, for the rest, scalar ones. */
static void check_tiled_attention(grt_gemm_fn *gemm, size_t most)
{
    grt_kernels kernels;
    grt_kernels_choose(&kernels, 0, GRT_ARITHMETIC_F32);
    kernels.gemm_bf16 = gemm;
    kernels.block_bf16 = (grt_gemm_block){GRT_GEMM_ROWS, 4 * GRT_STRIP};
    kernels.isa = "amx_bf16";
    check_attention(&kernels, most);
}

static void test_the_source_with_plain_tiles(void **state)
{
    (void)state;
    const grt_kernel_entry entry = {"gemm_bf16", "amx_bf16 (source)", 0,
                                    (grt_any_fn *)plain_gemm_bf16};
    check_gemm(&entry);
    check_tiled_attention(plain_gemm_bf16, 300);
    assert_int_equal(plain_config.palette, 0); /* every call has released them */
}

#if HAS_OBJECT
static void check_object(void)
{
    const grt_kernel_entry entry = {"gemm_bf16", "amx_bf16 (object)", 0,
                                    (grt_any_fn *)grt_gemm_bf16_amx_bf16};
    check_gemm(&entry);
    check_tiled_attention(grt_gemm_bf16_amx_bf16, 260);
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
