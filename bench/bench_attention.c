/* bench_attention.c - attention of one head by every matrix kernel that this CPU runs,
 * in turns, on one thread.
 *
 *   bench_attention [--csv FILE] [--heads N]
 *
 * --heads: query heads that share the keys and values (1).  GFLOP/s count the pairs of
 * query and key that see each other, two products each.  `of matrix` is the share of
 * what the same matrix kernel reaches on operands in the first-level cache, where the
 * softmax, packing and the masked half cost nothing.  Each figure is the median of
 * N_RUNS; a run repeats the call until it took some milliseconds. */
#include "base/clock.h"
#include "base/cpu.h"
#include "compute/cpu/attention.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_RUNS = 5, RUN_NS = 4 * 1000 * 1000, MOST_KEYS = 8192, MOST_VARIANTS = 4 };

typedef struct variant {
    grt_kernels kernels;
    double matrix_flops; /* a second */
    double flops[N_RUNS];
} variant;

typedef struct bench {
    variant variants[MOST_VARIANTS];
    size_t n_variants;
    size_t n_heads;
    FILE *csv;
} bench;

static void *need(size_t n_bytes)
{
    void *block = aligned_alloc(64, (n_bytes + 63) / 64 * 64);
    if (!block) {
        fprintf(stderr, "no memory for %zu bytes\n", n_bytes);
        exit(1);
    }
    return block;
}

static float *random_block(size_t n)
{
    static uint32_t seed = 1;
    float *x = need(n * sizeof(float));
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
    }
    return x;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, N_RUNS, sizeof(double), compare);
    return values[N_RUNS / 2];
}

/* Products and sums a second of the matrix kernel alone. */
static double matrix_flops(const grt_kernels *kernels)
{
    enum { WORDS = 128 };
    int is_bf16 = kernels->gemm_bf16 != NULL;
    grt_gemm_fn *gemm = is_bf16 ? kernels->gemm_bf16 : kernels->gemm_f32;
    grt_gemm_block block = is_bf16 ? kernels->block_bf16 : kernels->block_f32;
    void *a = random_block(GRT_GEMM_ROWS * GRT_GEMM_LD_A);
    void *panel = random_block(block.n_columns * WORDS);
    float *y = random_block(block.n_rows * block.n_columns);
    double n = 0.0, best = 0.0;
    for (int run = 0; run < N_RUNS; run++, n = 0.0) {
        uint64_t start = grt_clock_ns(), passed;
        do {
            for (int i = 0; i < 100; i++)
                gemm(y, block.n_columns, a, block.n_rows, panel, WORDS, block.n_columns,
                     WORDS, NULL, 0);
            n += 100.0;
            passed = grt_clock_ns() - start;
        } while (passed < RUN_NS);
        double work = (is_bf16 ? 4.0 : 2.0) * WORDS * (double)block.n_rows *
                      (double)block.n_columns * n;
        best = fmax(best, work / (double)passed * 1e9);
    }
    free(a);
    free(panel);
    free(y);
    return best;
}

/* Of each matrix kernel that runs here, best first. */
static void find_variants(bench *b)
{
    const uint32_t vectors[] = {GRT_CPU_AVX512_BF16 | GRT_CPU_AMX_BF16, /* f32 best */
                                GRT_CPU_AVX512_BF16 | GRT_CPU_AMX_BF16 |
                                    GRT_CPU_AVX512};
    const uint32_t all = grt_cpu_features();
    const struct {
        uint32_t without;
        grt_arithmetic arithmetic;
    } sets[] = {{0, GRT_ARITHMETIC_AUTO},
                {GRT_CPU_AMX_BF16, GRT_ARITHMETIC_AUTO},
                {vectors[0], GRT_ARITHMETIC_F32},
                {vectors[1], GRT_ARITHMETIC_F32}};
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        variant *v = &b->variants[b->n_variants];
        grt_kernels_choose(&v->kernels, all & ~sets[i].without, sets[i].arithmetic);
        if (b->n_variants && strcmp(v->kernels.isa, v[-1].kernels.isa) == 0) continue;
        v->matrix_flops = matrix_flops(&v->kernels);
        b->n_variants++;
    }
}

static double flops_of(const grt_attention_args *args)
{
    double pairs = (double)args->n_queries * (double)args->n_keys;
    if (args->is_causal) pairs = (pairs + (double)args->n_queries) / 2.0;
    return 4.0 * pairs * (double)args->head_size * (double)args->n_heads;
}

static double run(const grt_kernels *kernels, const grt_attention_args *args,
                  void *scratch)
{
    uint64_t start = grt_clock_ns(), passed;
    double work = 0.0;
    do {
        grt_attention(kernels, args, scratch);
        work += flops_of(args);
        passed = grt_clock_ns() - start;
    } while (passed < RUN_NS);
    return work / (double)passed * 1e9;
}

static void run_shape(bench *b, const grt_attention_args *args, void *scratch)
{
    for (int i = -1; i < N_RUNS; i++) /* the first warms up */
        for (size_t v = 0; v < b->n_variants; v++)
            b->variants[v].flops[i < 0 ? 0 : i] =
                run(&b->variants[v].kernels, args, scratch);
    for (size_t v = 0; v < b->n_variants; v++) {
        variant *at = &b->variants[v];
        double flops = median(at->flops), share = flops / at->matrix_flops;
        printf("%6zu %8zu %6zu %7s  %-12s %8.1f  %8.2f\n", args->head_size,
               args->n_queries, args->n_keys, args->is_causal ? "yes" : "no",
               at->kernels.isa, flops * 1e-9, share);
        if (b->csv)
            fprintf(b->csv, "%zu,%zu,%zu,%zu,%d,%s,%.2f,%.3f\n", args->head_size,
                    args->n_heads, args->n_queries, args->n_keys, args->is_causal,
                    at->kernels.isa, flops * 1e-9, share);
    }
}

static void run_head(bench *b, size_t head_size)
{
    const size_t lengths[] = {128, 512, 2048, MOST_KEYS};
    size_t width = b->n_heads * head_size;
    float *q = random_block(MOST_KEYS * width), *out = need(MOST_KEYS * width * 4);
    float *k = random_block(MOST_KEYS * head_size),
          *v = random_block(MOST_KEYS * head_size);
    void *scratch = need(grt_attention_scratch_bytes(MOST_KEYS, b->n_heads, head_size));
    for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++)
        for (int is_causal = 0; is_causal < 2; is_causal++) {
            grt_attention_args args = {.q = q,
                                       .k = k,
                                       .v = v,
                                       .out = out,
                                       .ld_q = width,
                                       .ld_kv = head_size,
                                       .ld_out = width,
                                       .n_queries = lengths[l],
                                       .n_keys = lengths[l],
                                       .n_heads = b->n_heads,
                                       .head_size = head_size,
                                       .scale = 1.0f / sqrtf((float)head_size),
                                       .is_causal = is_causal};
            run_shape(b, &args, scratch);
        }
    free(q);
    free(out);
    free(k);
    free(v);
    free(scratch);
}

int main(int argc, char **argv)
{
    bench b = {.n_heads = 1};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--csv") == 0) b.csv = fopen(argv[i + 1], "w");
        if (strcmp(argv[i], "--heads") == 0)
            b.n_heads = (size_t)strtoul(argv[i + 1], NULL, 10);
    }
    if (b.n_heads == 0) {
        fprintf(stderr, "--heads: at least 1\n");
        return 2;
    }
    find_variants(&b);
    for (size_t v = 0; v < b.n_variants; v++)
        printf("%s: matrix kernel alone %.1f GFLOP/s\n", b.variants[v].kernels.isa,
               b.variants[v].matrix_flops * 1e-9);
    printf("%6s %8s %6s %7s  %-12s %8s  %8s\n", "head", "queries", "keys", "causal",
           "variant", "GFLOP/s", "of matrix");
    if (b.csv)
        fprintf(b.csv, "head_size,n_heads,n_queries,n_keys,is_causal,isa,gflops,"
                       "of_matrix\n");
    const size_t heads[] = {32, 64, 128};
    for (size_t h = 0; h < sizeof(heads) / sizeof(heads[0]); h++)
        run_head(&b, heads[h]);
    if (b.csv && fclose(b.csv) != 0) return 1;
    return 0;
}
