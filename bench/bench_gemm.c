/* bench_gemm.c - y = x * W^T at the shapes of Qwen3-0.6B, from every storage type,
 * against OpenBLAS sgemm on f32 values, and against our own speed from F32 storage, in
 * the same run.
 *
 *   bench_gemm [--csv FILE] [--threads N]
 *
 * Runs alternate; each figure is the median of five.  GRT_ISA caps our kernels,
 * OPENBLAS_CORETYPE (Haswell, SkylakeX) chooses OpenBLAS's. */
#include "base/clock.h"
#include "base/cpu.h"
#include "kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(GRT_WITH_OPENBLAS)
#include <cblas.h>
#endif

enum { N_RUNS = 5 };

static void *need(size_t n_bytes)
{
    void *block = aligned_alloc(64, (n_bytes + 63) / 64 * 64);
    if (!block) {
        fprintf(stderr, "no memory for %zu bytes\n", n_bytes);
        exit(1);
    }
    return block;
}

/* OpenBLAS's threads spin for some 30 ms after a call, on the cores that ours need. */
static void rest(void)
{
    struct timespec pause = {0, 80 * 1000 * 1000};
    (void)nanosleep(&pause, NULL);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct bench {
    grt_kernels kernels;
    grt_pool *pool;
    void *scratch;
    FILE *csv;
} bench;

static void fill(float *x, size_t n)
{
    uint32_t seed = 1;
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
    }
}

/* Any bits do for timing; halfs and scales are kept finite. */
static void *weights_of(grt_dtype dtype, size_t n_values, const float *values)
{
    uint64_t n_bytes = 0;
    (void)grt_dtype_bytes(&n_bytes, dtype, n_values);
    unsigned char *data = need(n_bytes);
    if (dtype == GRT_DTYPE_F32) memcpy(data, values, n_bytes);
    for (size_t i = 0; dtype != GRT_DTYPE_F32 && i < n_bytes; i++)
        data[i] = (unsigned char)(i * 37 % 120);
    return data;
}

static double sgemm_seconds(const float *x, const float *w, float *y, size_t m,
                            size_t n, size_t k)
{
#if defined(GRT_WITH_OPENBLAS)
    uint64_t start = grt_clock_ns();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)n, (int)k, 1.0f,
                x, (int)k, w, (int)k, 0.0f, y, (int)n);
    return (double)(grt_clock_ns() - start) * 1e-9;
#else
    (void)x;
    (void)w;
    (void)y;
    (void)m;
    (void)n;
    (void)k;
    return 0.0;
#endif
}

static double our_seconds(const bench *b, const grt_linear_args *args)
{
    uint64_t start = grt_clock_ns();
    grt_linear(&b->kernels, b->pool, b->scratch, args);
    return (double)(grt_clock_ns() - start) * 1e-9;
}

static double median(double *values)
{
    qsort(values, N_RUNS, sizeof(double), compare);
    return values[N_RUNS / 2];
}

/* `of_f32`: speed from this type as a share of that from F32, in turns. */
static void report(const bench *b, grt_dtype dtype, const size_t shape[3], double ours,
                   double theirs, double of_f32)
{
    double work = 2e-9 * (double)shape[0] * (double)shape[1] * (double)shape[2];
    double a = work / ours, p = theirs > 0 ? work / theirs : 0.0;
    printf("%6zu %6zu %6zu  %-5s %9.1f %9.1f  %5.2f  %6.2f\n", shape[0], shape[1],
           shape[2], grt_dtype_name(dtype), a, p, p > 0 ? a / p : 0.0, of_f32);
    if (b->csv)
        fprintf(b->csv, "%zu,%zu,%zu,%s,%s,%.2f,%.2f,%.3f\n", shape[0], shape[1],
                shape[2], grt_dtype_name(dtype), b->kernels.isa, a, p, of_f32);
}

static void run_shape(const bench *b, grt_dtype dtype, size_t m, size_t n, size_t k)
{
    float *x = need(m * k * sizeof(float)), *w = need(n * k * sizeof(float));
    float *y = need(m * n * sizeof(float));
    fill(x, m * k);
    fill(w, n * k);
    void *stored = weights_of(dtype, n * k, w);
    grt_weight weight = {stored, dtype, n, k}, plain = {w, GRT_DTYPE_F32, n, k};
    grt_linear_args args = {x, k, m, &weight, NULL, y, n, 0, 0}, from_f32 = args;
    from_f32.weight = &plain;
    double ours[N_RUNS], theirs[N_RUNS], shares[N_RUNS];
    for (int run = -1; run < N_RUNS; run++) { /* the first warms up */
        rest();
        double seconds = our_seconds(b, &args), share = 1.0;
        if (dtype != GRT_DTYPE_F32) share = our_seconds(b, &from_f32) / seconds;
        double peer = sgemm_seconds(x, w, y, m, n, k);
        if (run < 0) continue;
        ours[run] = seconds;
        theirs[run] = peer;
        shares[run] = share;
    }
    const size_t shape[] = {m, n, k};
    report(b, dtype, shape, median(ours), median(theirs), median(shares));
    free(x);
    free(w);
    free(y);
    free(stored);
}

/* Two seconds of work, until the scheduler has given each thread a core of its own. */
static void warm_up(const bench *b)
{
    enum { M = 512, N = 1024, K = 1024 };
    float *x = need(M * K * sizeof(float)), *w = need(N * K * sizeof(float));
    float *y = need(M * N * sizeof(float));
    fill(x, M * K);
    fill(w, N * K);
    grt_weight weight = {w, GRT_DTYPE_F32, N, K};
    grt_linear_args args = {x, K, M, &weight, NULL, y, N, 0, 0};
    for (uint64_t start = grt_clock_ns(); grt_clock_ns() - start < 2000000000u;) {
        grt_linear(&b->kernels, b->pool, b->scratch, &args);
        (void)sgemm_seconds(x, w, y, M, N, K);
    }
    free(x);
    free(w);
    free(y);
}

int main(int argc, char **argv)
{
    bench b = {.csv = NULL};
    size_t n_threads = 2;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--csv") == 0) b.csv = fopen(argv[i + 1], "w");
        if (strcmp(argv[i], "--threads") == 0)
            n_threads = (size_t)strtoul(argv[i + 1], NULL, 10);
    }
    grt_kernels_choose(&b.kernels, grt_cpu_features(), GRT_ARITHMETIC_F32);
    if (grt_pool_create(&b.pool, n_threads, NULL) != GRT_OK) return 1;
    b.scratch = need(grt_linear_scratch_bytes(&b.kernels, n_threads, 8000, 3072));
    printf("ours: %s, %zu threads", b.kernels.isa, n_threads);
#if defined(GRT_WITH_OPENBLAS)
    openblas_set_num_threads((int)n_threads);
    printf("; OpenBLAS: %s", openblas_get_corename());
#endif
    printf("\n%6s %6s %6s  %-5s %9s %9s  %5s  %6s\n", "M", "N", "K", "type", "GFLOP/s",
           "OpenBLAS", "ratio", "of F32");
    if (b.csv) fprintf(b.csv, "m,n,k,type,isa,gflops,openblas_gflops,of_f32\n");
    const size_t shapes[][2] = {
        {2048, 1024}, {1024, 1024}, {1024, 2048}, {3072, 1024}, {1024, 3072}};
    const size_t rows[] = {512, 2048, 8000};
    warm_up(&b);
    for (size_t r = 0; r < 3; r++)
        for (size_t s = 0; s < 5; s++)
            run_shape(&b, GRT_DTYPE_F32, rows[r], shapes[s][0], shapes[s][1]);
    for (size_t r = 0; r < 2; r++)
        for (int dtype = GRT_DTYPE_F16; dtype < GRT_DTYPE_COUNT; dtype++)
            run_shape(&b, (grt_dtype)dtype, rows[r], 3072, 1024);
    grt_pool_free(b.pool);
    free(b.scratch);
    if (b.csv && fclose(b.csv) != 0) return 1;
    return 0;
}
