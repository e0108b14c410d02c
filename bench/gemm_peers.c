/* gemm_peers.c - see gemm_peers.h. */
#include "gemm_peers.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(GRT_WITH_OPENBLAS)
#include <cblas.h>

double openblas_seconds(const gemm_problem *p)
{
    uint64_t start = grt_clock_ns();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)p->m, (int)p->n,
                (int)p->k, 1.0f, p->x, (int)p->k, p->w, (int)p->k, 0.0f, p->y,
                (int)p->n);
    return (double)(grt_clock_ns() - start) * 1e-9;
}

const char *openblas_text(void)
{
    return openblas_get_corename();
}
#else
double openblas_seconds(const gemm_problem *p)
{
    (void)p;
    return 0.0;
}

const char *openblas_text(void)
{
    return "not built in";
}
#endif

#if defined(GRT_WITH_ONEDNN)
#include <oneapi/dnnl/dnnl.h>

struct onednn_product {
    dnnl_primitive_t matmul;
    dnnl_memory_t x, w, y;
};

static dnnl_engine_t engine;
static dnnl_stream_t stream;
static char text[40];

static void need(dnnl_status_t status, const char *what)
{
    if (status == dnnl_success) return;
    fprintf(stderr, "oneDNN: %s failed with status %d\n", what, (int)status);
    exit(1);
}

void peers_begin(size_t n_threads)
{
    char number[24];
    (void)snprintf(number, sizeof(number), "%zu", n_threads);
    (void)setenv("OMP_NUM_THREADS", number, 1);
#if defined(GRT_WITH_OPENBLAS)
    openblas_set_num_threads((int)n_threads);
#endif
    need(dnnl_engine_create(&engine, dnnl_cpu, 0), "an engine");
    need(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), "a stream");
    const dnnl_version_t *version = dnnl_version();
    (void)snprintf(text, sizeof(text), "%d.%d.%d", version->major, version->minor,
                   version->patch);
}

const char *onednn_text(void)
{
    return text;
}

/* A memory with this layout, filled from plain f32 values. */
static dnnl_memory_t filled(const dnnl_memory_desc_t *layout, const float *values,
                            const dnnl_dims_t dims, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t plain;
    dnnl_memory_t from, to;
    dnnl_primitive_desc_t reorder_desc;
    dnnl_primitive_t reorder;
    need(dnnl_memory_desc_init_by_tag(&plain, 2, dims, dnnl_f32, tag), "a layout");
    need(dnnl_memory_create(&from, &plain, engine, (void *)(uintptr_t)values),
         "a memory");
    need(dnnl_memory_create(&to, layout, engine, DNNL_MEMORY_ALLOCATE), "a memory");
    need(dnnl_reorder_primitive_desc_create(&reorder_desc, &plain, engine, layout,
                                            engine, NULL),
         "a reorder");
    need(dnnl_primitive_create(&reorder, reorder_desc), "a reorder");
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    need(dnnl_primitive_execute(reorder, stream, 2, args), "a reorder");
    need(dnnl_stream_wait(stream), "a reorder");
    (void)dnnl_primitive_destroy(reorder);
    (void)dnnl_primitive_desc_destroy(reorder_desc);
    (void)dnnl_memory_destroy(from);
    return to;
}

onednn_product *onednn_create(const gemm_problem *p, grt_arithmetic arithmetic)
{
    dnnl_data_type_t x_type = dnnl_f32, w_type = dnnl_f32;
    if (arithmetic == GRT_ARITHMETIC_BF16) x_type = w_type = dnnl_bf16;
    if (arithmetic == GRT_ARITHMETIC_INT8) {
        x_type = dnnl_u8;
        w_type = dnnl_s8;
    }
    const dnnl_dims_t x_dims = {(dnnl_dim_t)p->m, (dnnl_dim_t)p->k};
    const dnnl_dims_t w_dims = {(dnnl_dim_t)p->k, (dnnl_dim_t)p->n};
    const dnnl_dims_t y_dims = {(dnnl_dim_t)p->m, (dnnl_dim_t)p->n};
    dnnl_memory_desc_t x, w, y;
    need(dnnl_memory_desc_init_by_tag(&x, 2, x_dims, x_type, dnnl_ab), "x");
    need(dnnl_memory_desc_init_by_tag(&w, 2, w_dims, w_type, dnnl_format_tag_any), "w");
    need(dnnl_memory_desc_init_by_tag(&y, 2, y_dims, dnnl_f32, dnnl_ab), "y");
    dnnl_matmul_desc_t desc;
    dnnl_primitive_desc_t matmul_desc;
    need(dnnl_matmul_desc_init(&desc, &x, &w, NULL, &y), "a product");
    if (dnnl_primitive_desc_create(&matmul_desc, &desc, NULL, engine, NULL) !=
        dnnl_success)
        return NULL;
    onednn_product *product = malloc(sizeof(*product));
    if (!product) exit(1);
    need(dnnl_primitive_create(&product->matmul, matmul_desc), "a product");
    const dnnl_memory_desc_t *chosen =
        dnnl_primitive_desc_query_md(matmul_desc, dnnl_query_weights_md, 0);
    product->x = filled(&x, p->x, x_dims, dnnl_ab);
    product->w = filled(chosen, p->w, w_dims, dnnl_ba);
    need(dnnl_memory_create(&product->y, &y, engine, p->y), "a memory");
    (void)dnnl_primitive_desc_destroy(matmul_desc);
    return product;
}

double onednn_seconds(onednn_product *product)
{
    if (!product) return 0.0;
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, product->x},
                                    {DNNL_ARG_WEIGHTS, product->w},
                                    {DNNL_ARG_DST, product->y}};
    uint64_t start = grt_clock_ns();
    need(dnnl_primitive_execute(product->matmul, stream, 3, args), "a product");
    need(dnnl_stream_wait(stream), "a product");
    return (double)(grt_clock_ns() - start) * 1e-9;
}

void onednn_free(onednn_product *product)
{
    if (!product) return;
    (void)dnnl_primitive_destroy(product->matmul);
    (void)dnnl_memory_destroy(product->x);
    (void)dnnl_memory_destroy(product->w);
    (void)dnnl_memory_destroy(product->y);
    free(product);
}
#else
void peers_begin(size_t n_threads)
{
    (void)n_threads;
#if defined(GRT_WITH_OPENBLAS)
    openblas_set_num_threads((int)n_threads);
#endif
}

onednn_product *onednn_create(const gemm_problem *p, grt_arithmetic arithmetic)
{
    (void)p;
    (void)arithmetic;
    return NULL;
}

double onednn_seconds(onednn_product *product)
{
    (void)product;
    return 0.0;
}

void onednn_free(onednn_product *product)
{
    (void)product;
}

const char *onednn_text(void)
{
    return "not built in";
}
#endif
