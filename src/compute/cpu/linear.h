/* linear.h - y = x * W^T (+ bias), threaded, weights unpacked just in time. */
#ifndef GRT_COMPUTE_CPU_LINEAR_H
#define GRT_COMPUTE_CPU_LINEAR_H

#include "base/pool.h"
#include "compute/cpu/kernels/kernels.h"

/* A weight matrix in storage type: y = x * W^T + bias. */
typedef struct grt_matrix {
    const void *data; /* [n_out][n_in], any alignment; n_in fills whole blocks */
    grt_dtype dtype;
    size_t n_out;
    size_t n_in;
} grt_matrix;

typedef struct grt_linear_args {
    const float *x; /* [n_rows][ld_x] */
    size_t ld_x;
    size_t n_rows;
    const grt_matrix *weight;
    const float *bias; /* [n_out] or NULL */
    float *y;          /* [n_rows][ld_y]; must not overlap x */
    size_t ld_y;
    int is_added;   /* y += ... instead of y = ... */
    int is_precise; /* in f32 whatever the kernels choose */
} grt_linear_args;

/* Each task unpacks one panel and multiplies it with all rows.  scratch:
 * grt_linear_scratch_bytes(kernels, n_threads of pool, n_rows, n_in), or more, 64-byte
 * aligned. */
void grt_linear(const grt_kernels *kernels, grt_pool *pool, void *scratch,
                const grt_linear_args *args);
size_t grt_linear_scratch_bytes(const grt_kernels *kernels, size_t n_threads,
                                size_t n_rows, size_t n_in);

#endif /* GRT_COMPUTE_CPU_LINEAR_H */
