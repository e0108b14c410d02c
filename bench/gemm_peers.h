/* gemm_peers.h - the same product by other libraries, at their best: weights laid out
 * as each likes before the clock starts, operands in its own type already. */
#ifndef GRT_BENCH_GEMM_PEERS_H
#define GRT_BENCH_GEMM_PEERS_H

#include "grating.h"

#include <stddef.h>

/* y[m][n] = x[m][k] * w[n][k]^T. */
typedef struct gemm_problem {
    const float *x, *w;
    float *y;
    size_t m, n, k;
} gemm_problem;

/* Once, before the first product. */
void peers_begin(size_t n_threads);

/* Seconds of sgemm; 0 without the library. */
double openblas_seconds(const gemm_problem *problem);
const char *openblas_text(void);

/* Of one problem in one arithmetic: made, run many times, freed.  NULL without the
 * library, or where it has no such product. */
typedef struct onednn_product onednn_product;
onednn_product *onednn_create(const gemm_problem *problem, grt_arithmetic arithmetic);
double onednn_seconds(onednn_product *product);
void onednn_free(onednn_product *product);
const char *onednn_text(void);

#endif /* GRT_BENCH_GEMM_PEERS_H */
