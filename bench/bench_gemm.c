/* bench_gemm.c - y = x * W^T at the shapes of Qwen3 rerankers, in every arithmetic and
 * from every storage type; against the peak of the units that do it, and against oneDNN
 * and OpenBLAS, in the same run.
 *
 *   bench_gemm [--csv FILE] [--threads N] [--rows M[,M...]] [--shapes 0.6b|4b]
 *              [--arithmetic f32|bf16|int8] [--runs N]
 *
 * All take turns, and each figure is the median of its runs.  GRT_ISA caps our kernels,
 * OPENBLAS_CORETYPE (Haswell, SkylakeX) and ONEDNN_MAX_CPU_ISA (AVX2, ...) the peers.
 */
#include "base/clock.h"
#include "base/cpu.h"
#include "gemm_peers.h"
#include "compute/cpu/linear.h"
#include "peak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_RUNS = 101, MAX_ROWS = 8 };

typedef struct bench {
    const char *csv_path;
    size_t n_threads, n_runs;
    size_t rows[MAX_ROWS], n_rows;
    const char *shapes;
    grt_arithmetic only; /* AUTO: all */
    FILE *csv;
    grt_pool *pool;
    void *scratch;
} bench;

/* One arithmetic of ours. */
typedef struct subject {
    const bench *bench;
    grt_kernels kernels;
    grt_dtype plain; /* the storage type that costs least to unpack */
} subject;

static void *need(size_t n_bytes)
{
    void *block = aligned_alloc(64, (n_bytes + 63) / 64 * 64);
    if (!block) {
        fprintf(stderr, "no memory for %zu bytes\n", n_bytes);
        exit(1);
    }
    return block;
}

/* A peer's threads spin for some 30 ms after a call, on the cores that ours need. */
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

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof(double), compare);
    return values[n / 2];
}

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

static double work_of(const gemm_problem *p)
{
    return 2.0 * (double)p->m * (double)p->n * (double)p->k;
}

/* Small products are done several times in a row: a thread that has slept takes a
 * millisecond to come back. */
static size_t repeats_of(const gemm_problem *p)
{
    return 1 + (size_t)(1e10 / work_of(p));
}

/* Of one product, like all that follow. */
static double our_seconds(const subject *s, const grt_linear_args *args, size_t repeats)
{
    uint64_t start = grt_clock_ns();
    for (size_t i = 0; i < repeats; i++)
        grt_linear(&s->kernels, s->bench->pool, s->bench->scratch, args);
    return (double)(grt_clock_ns() - start) * 1e-9 / (double)repeats;
}

static double their_onednn_seconds(onednn_product *product, size_t repeats)
{
    double seconds = 0.0;
    for (size_t i = 0; i < repeats; i++)
        seconds += onednn_seconds(product);
    return seconds / (double)repeats;
}

static double their_openblas_seconds(const gemm_problem *problem, size_t repeats)
{
    double seconds = 0.0;
    for (size_t i = 0; i < repeats; i++)
        seconds += openblas_seconds(problem);
    return seconds / (double)repeats;
}

static double peak_seconds(const subject *s, const gemm_problem *p)
{
    double gflops = peak_gflops(s->kernels.isa, s->kernels.arithmetic, s->bench->pool);
    return gflops > 0.0 ? 1e-9 * work_of(p) / gflops : 0.0;
}

/* Seconds of each run; 0 where somebody has no such product.  peak: what the product
 * would take at the units' peak. */
typedef struct times {
    double ours[MAX_RUNS], plain[MAX_RUNS], peak[MAX_RUNS], onednn[MAX_RUNS],
        openblas[MAX_RUNS];
} times;

/* The median of theirs / ours, run by run; 0 without them. */
static double times_faster(const double *theirs, const double *ours, size_t n)
{
    double ratios[MAX_RUNS];
    if (theirs[0] <= 0.0) return 0.0;
    for (size_t i = 0; i < n; i++)
        ratios[i] = theirs[i] / ours[i];
    return median(ratios, n);
}

static void put_ratio(double ratio)
{
    if (ratio > 0.0)
        printf("  %6.2f", ratio);
    else
        printf("  %6s", "-");
}

static void report(const subject *s, grt_dtype dtype, const gemm_problem *p, times *t)
{
    const bench *b = s->bench;
    const char *arithmetic = grt_arithmetic_text(s->kernels.arithmetic);
    double onednn = times_faster(t->onednn, t->ours, b->n_runs);
    double openblas = times_faster(t->openblas, t->ours, b->n_runs);
    double plain = times_faster(t->plain, t->ours, b->n_runs);
    double share = times_faster(t->peak, t->ours, b->n_runs);
    double gflops = 1e-9 * work_of(p) / median(t->ours, b->n_runs);
    printf("%6zu %6zu %6zu  %-5s %-5s %9.1f", p->m, p->n, p->k, arithmetic,
           grt_dtype_name(dtype), gflops);
    put_ratio(share);
    put_ratio(plain);
    put_ratio(onednn);
    put_ratio(openblas);
    printf("\n");
    (void)fflush(stdout);
    if (b->csv)
        fprintf(b->csv, "%zu,%zu,%zu,%s,%s,%s,%.2f,%.3f,%.3f,%.3f,%.3f\n", p->m, p->n,
                p->k, arithmetic, s->kernels.isa, grt_dtype_name(dtype), gflops, share,
                plain, onednn, openblas);
}

static void run_shape(const subject *s, grt_dtype dtype, size_t m, size_t n, size_t k)
{
    float *x = need(m * k * sizeof(float)), *w = need(n * k * sizeof(float));
    float *y = need(m * n * sizeof(float));
    fill(x, m * k);
    fill(w, n * k);
    void *stored = weights_of(dtype, n * k, w), *plain = weights_of(s->plain, n * k, w);
    grt_matrix weight = {stored, dtype, n, k}, plain_weight = {plain, s->plain, n, k};
    grt_linear_args args = {x, k, m, &weight, NULL, y, n, 0, 0}, from_plain = args;
    from_plain.weight = &plain_weight;
    gemm_problem problem = {x, w, y, m, n, k};
    onednn_product *product = onednn_create(&problem, s->kernels.arithmetic);
    bool is_f32 = s->kernels.arithmetic == GRT_ARITHMETIC_F32;
    times t = {0};
    size_t repeats = repeats_of(&problem);
    for (size_t run = 0; run <= s->bench->n_runs; run++) { /* the first warms up */
        size_t i = run ? run - 1 : 0;
        rest();
        t.peak[i] = peak_seconds(s, &problem);
        t.ours[i] = our_seconds(s, &args, repeats);
        t.plain[i] = t.ours[i];
        if (dtype != s->plain) t.plain[i] = our_seconds(s, &from_plain, repeats);
        t.onednn[i] = their_onednn_seconds(product, repeats);
        if (!is_f32) continue;
        rest();
        t.openblas[i] = their_openblas_seconds(&problem, repeats);
    }
    report(s, dtype, &problem, &t);
    onednn_free(product);
    free(x);
    free(w);
    free(y);
    free(stored);
    free(plain);
}

/* Two seconds of work, until the scheduler has given each thread a core of its own. */
static void warm_up(const subject *s)
{
    enum { M = 512, N = 1024, K = 1024 };
    float *x = need(M * K * sizeof(float)), *w = need(N * K * sizeof(float));
    float *y = need(M * N * sizeof(float));
    fill(x, M * K);
    fill(w, N * K);
    grt_matrix weight = {w, GRT_DTYPE_F32, N, K};
    grt_linear_args args = {x, K, M, &weight, NULL, y, N, 0, 0};
    gemm_problem problem = {x, w, y, M, N, K};
    for (uint64_t start = grt_clock_ns(); grt_clock_ns() - start < 2000000000u;) {
        (void)our_seconds(s, &args, 1);
        (void)openblas_seconds(&problem);
    }
    free(x);
    free(w);
    free(y);
}

typedef struct matrix_shape {
    size_t n, k;
} matrix_shape;
enum { N_SHAPES = 5, MOST_INPUTS = 9728 };
static const matrix_shape shapes_06b[N_SHAPES] = {{2048, 1024},
                                                  {1024, 1024},
                                                  {1024, 2048},
                                                  {3072, 1024},
                                                  {1024, 3072}};
static const matrix_shape shapes_4b[N_SHAPES] = {{4096, 2560},
                                                 {1024, 2560},
                                                 {2560, 4096},
                                                 {9728, 2560},
                                                 {2560, MOST_INPUTS}};

/* Every shape from the plain type, then one shape from every type. */
static void run_arithmetic(const bench *b, grt_arithmetic arithmetic)
{
    subject s = {.bench = b, .plain = GRT_DTYPE_BF16};
    grt_kernels_choose(&s.kernels, grt_cpu_features(), arithmetic);
    if (s.kernels.arithmetic != arithmetic) {
        printf("SKIP %s: this CPU has no units for it, or GRT_ISA caps them\n",
               grt_arithmetic_text(arithmetic));
        return;
    }
    if (arithmetic == GRT_ARITHMETIC_F32) s.plain = GRT_DTYPE_F32;
    const matrix_shape *shapes = strcmp(b->shapes, "4b") == 0 ? shapes_4b : shapes_06b;
    printf("\n%s: %s, measured peak %.1f GFLOP/s\n", grt_arithmetic_text(arithmetic),
           s.kernels.isa, peak_gflops(s.kernels.isa, arithmetic, b->pool));
    printf("%6s %6s %6s  %-5s %-5s %9s  %6s  %6s  %6s  %6s\n", "M", "N", "K", "in",
           "from", "GFLOP/s", "peak", grt_dtype_name(s.plain), "oneDNN", "OpenBL");
    warm_up(&s);
    for (size_t r = 0; r < b->n_rows; r++)
        for (size_t i = 0; i < N_SHAPES; i++)
            run_shape(&s, s.plain, b->rows[r], shapes[i].n, shapes[i].k);
    for (int dtype = 0; dtype < GRT_DTYPE_COUNT; dtype++)
        if ((grt_dtype)dtype != s.plain)
            run_shape(&s, (grt_dtype)dtype, b->rows[0], shapes[3].n, shapes[3].k);
}

/* For every arithmetic and shape. */
static size_t most_scratch_bytes(size_t n_threads, size_t n_rows)
{
    size_t most = 0;
    for (int i = GRT_ARITHMETIC_F32; i <= GRT_ARITHMETIC_INT8; i++) {
        grt_kernels kernels;
        grt_kernels_choose(&kernels, grt_cpu_features(), (grt_arithmetic)i);
        size_t n = grt_linear_scratch_bytes(&kernels, n_threads, n_rows, MOST_INPUTS);
        if (n > most) most = n;
    }
    return most;
}

static int usage(void)
{
    fprintf(stderr, "usage: bench_gemm [--csv FILE] [--threads N] [--rows M[,M...]]\n"
                    "                  [--shapes 0.6b|4b] [--arithmetic "
                    "f32|bf16|int8] [--runs N]\n");
    return 2;
}

static bool set_rows(bench *b, const char *text)
{
    for (b->n_rows = 0; b->n_rows < MAX_ROWS && *text; text += *text == ',') {
        char *end;
        b->rows[b->n_rows] = (size_t)strtoul(text, &end, 10);
        if (end == text || b->rows[b->n_rows] == 0 || b->rows[b->n_rows] > 100000)
            return false;
        b->n_rows++;
        text = end;
    }
    return b->n_rows > 0 && *text == '\0';
}

static bool set_option(bench *b, const char *name, const char *value)
{
    size_t number = (size_t)strtoul(value, NULL, 10);
    if (strcmp(name, "--csv") == 0) return (b->csv_path = value) != NULL;
    if (strcmp(name, "--rows") == 0) return set_rows(b, value);
    if (strcmp(name, "--shapes") == 0) {
        b->shapes = value;
        return strcmp(value, "0.6b") == 0 || strcmp(value, "4b") == 0;
    }
    if (strcmp(name, "--threads") == 0)
        return (b->n_threads = number) > 0 && number <= 1024;
    if (strcmp(name, "--runs") == 0)
        return (b->n_runs = number) > 0 && number <= MAX_RUNS;
    if (strcmp(name, "--arithmetic") != 0) return false;
    for (int i = GRT_ARITHMETIC_F32; i <= GRT_ARITHMETIC_INT8; i++)
        if (strcmp(value, grt_arithmetic_text((grt_arithmetic)i)) == 0)
            b->only = (grt_arithmetic)i;
    return b->only != GRT_ARITHMETIC_AUTO;
}

int main(int argc, char **argv)
{
    bench b = {.n_threads = 2,
               .n_runs = 5,
               .rows = {1024, 4096},
               .n_rows = 2,
               .shapes = "0.6b"};
    for (int i = 1; i < argc; i += 2)
        if (i + 1 == argc || !set_option(&b, argv[i], argv[i + 1])) return usage();
    size_t most_rows = 0;
    for (size_t i = 0; i < b.n_rows; i++)
        if (b.rows[i] > most_rows) most_rows = b.rows[i];
    if (b.csv_path && !(b.csv = fopen(b.csv_path, "w"))) {
        perror(b.csv_path);
        return 1;
    }
    if (grt_pool_create(&b.pool, b.n_threads, NULL) != GRT_OK) return 1;
    b.scratch = need(most_scratch_bytes(b.n_threads, most_rows));
    peers_begin(b.n_threads);
    printf("%zu threads; oneDNN %s; OpenBLAS %s\n", b.n_threads, onednn_text(),
           openblas_text());
    printf("peak: share of it; then how many times faster than ours from the plain "
           "type, oneDNN, OpenBLAS\n");
    if (b.csv)
        fprintf(b.csv, "m,n,k,arithmetic,isa,from,gflops,of_peak,of_plain,"
                       "times_onednn,times_openblas\n");
    for (int i = GRT_ARITHMETIC_F32; i <= GRT_ARITHMETIC_INT8; i++)
        if (b.only == GRT_ARITHMETIC_AUTO || b.only == (grt_arithmetic)i)
            run_arithmetic(&b, (grt_arithmetic)i);
    grt_pool_free(b.pool);
    free(b.scratch);
    if (b.csv && fclose(b.csv) != 0) {
        perror(b.csv_path);
        return 1;
    }
    return 0;
}
