/* rows.c - operations on rows, some rows to a task; see device.h. */
#include "compute/cpu/cpu.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { ROWS_PER_TASK = 32 };

/* Rows first..last-1 of an operation. */
typedef struct row_job row_job;
typedef void rows_fn(const row_job *job, size_t first, size_t last);
struct row_job {
    rows_fn *fn;
    const grt_kernels *kernels;
    size_t n_rows;
    grt_rows dst, x;
    const float *weight, *bias; /* [width] */
    float eps, factor;
    grt_activation activation;
    const grt_rope_op *rope;
};

static void rows_task(size_t task, size_t worker, void *payload)
{
    (void)worker;
    const row_job *job = payload;
    size_t first = task * ROWS_PER_TASK;
    size_t last = first + ROWS_PER_TASK;
    job->fn(job, first, last < job->n_rows ? last : job->n_rows);
}

static void run(grt_device *device, row_job *job, rows_fn *fn, size_t n_rows)
{
    const grt_cpu *cpu = grt_cpu_of(device);
    job->fn = fn;
    job->kernels = &cpu->kernels;
    job->n_rows = n_rows;
    grt_pool_run(cpu->pool, (n_rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK, rows_task,
                 job);
}

/* ---- Norms ---- */

static void layer_norm_rows(const row_job *job, size_t first, size_t last)
{
    job->kernels->layer_norm(grt_cpu_row(job->dst, first), job->dst.inside.stride,
                             grt_cpu_row(job->x, first), job->x.inside.stride,
                             job->weight, job->bias, job->eps, last - first,
                             job->x.inside.width);
}

void grt_cpu_layer_norm(grt_device *device, grt_rows dst, grt_rows x, size_t n_rows,
                        const grt_weight *weight, const grt_weight *bias, float eps)
{
    row_job job = {.dst = dst,
                   .x = x,
                   .weight = grt_cpu_vector(weight),
                   .bias = grt_cpu_vector(bias),
                   .eps = eps};
    run(device, &job, layer_norm_rows, n_rows);
}

static void rms_norm_rows(const row_job *job, size_t first, size_t last)
{
    job->kernels->rms_norm(grt_cpu_row(job->dst, first), job->dst.inside.stride,
                           grt_cpu_row(job->x, first), job->x.inside.stride,
                           job->weight, job->eps, last - first, job->x.inside.width);
}

void grt_cpu_rms_norm(grt_device *device, grt_rows dst, grt_rows x, size_t n_rows,
                      const grt_weight *weight, float eps)
{
    row_job job = {.dst = dst, .x = x, .weight = grt_cpu_vector(weight), .eps = eps};
    run(device, &job, rms_norm_rows, n_rows);
}

/* ---- Value by value ---- */

/* Rows of an operation on single values, taken as one run where they lie side by side:
 * `n` values each of *n_runs runs. */
static size_t runs_of(const row_job *job, size_t first, size_t last, size_t *n)
{
    size_t width = job->dst.inside.width;
    bool is_dense = job->dst.inside.stride == width &&
                    (!job->x.inside.memory || job->x.inside.stride == width);
    *n = is_dense ? (last - first) * width : width;
    return is_dense ? 1 : last - first;
}

static void activate_rows(const row_job *job, size_t first, size_t last)
{
    size_t n, n_runs = runs_of(job, first, last, &n);
    for (size_t run = 0; run < n_runs; run++) {
        float *x = grt_cpu_row(job->dst, first + run);
        if (job->activation == GRT_ACTIVATION_GELU) {
            job->kernels->gelu(x, n);
            continue;
        }
        for (size_t i = 0; i < n; i++)
            x[i] = tanhf(x[i]);
    }
}

void grt_cpu_activate(grt_device *device, grt_activation activation, grt_rows x,
                      size_t n_rows)
{
    assert(activation == GRT_ACTIVATION_GELU || activation == GRT_ACTIVATION_TANH);
    row_job job = {.dst = x, .activation = activation};
    run(device, &job, activate_rows, n_rows);
}

static void multiply(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] *= x[i];
}

static void gate_rows(const row_job *job, size_t first, size_t last)
{
    size_t n, n_runs = runs_of(job, first, last, &n);
    for (size_t run = 0; run < n_runs; run++) {
        float *gate = grt_cpu_row(job->dst, first + run);
        const float *up = grt_cpu_row(job->x, first + run);
        switch (job->activation) {
        case GRT_ACTIVATION_SILU: job->kernels->silu_mul(gate, up, n); break;
        case GRT_ACTIVATION_GELU_TANH: job->kernels->gelu_tanh_mul(gate, up, n); break;
        case GRT_ACTIVATION_GELU:
            job->kernels->gelu(gate, n);
            multiply(gate, up, n);
            break;
        case GRT_ACTIVATION_TANH: break; /* no gate */
        }
    }
}

void grt_cpu_gate(grt_device *device, grt_activation activation, grt_rows gate,
                  grt_rows up, size_t n_rows)
{
    assert(activation != GRT_ACTIVATION_TANH);
    row_job job = {.dst = gate, .x = up, .activation = activation};
    run(device, &job, gate_rows, n_rows);
}

static void add_rows(const row_job *job, size_t first, size_t last)
{
    size_t n, n_runs = runs_of(job, first, last, &n);
    for (size_t run = 0; run < n_runs; run++)
        job->kernels->add(grt_cpu_row(job->dst, first + run),
                          grt_cpu_row(job->x, first + run), n);
}

void grt_cpu_add(grt_device *device, grt_rows y, grt_rows x, size_t n_rows)
{
    row_job job = {.dst = y, .x = x};
    run(device, &job, add_rows, n_rows);
}

static void scale_rows(const row_job *job, size_t first, size_t last)
{
    size_t n, n_runs = runs_of(job, first, last, &n);
    for (size_t run = 0; run < n_runs; run++) {
        float *x = grt_cpu_row(job->dst, first + run);
        for (size_t i = 0; i < n; i++)
            x[i] *= job->factor;
    }
}

void grt_cpu_scale(grt_device *device, grt_rows x, float factor, size_t n_rows)
{
    row_job job = {.dst = x, .factor = factor};
    run(device, &job, scale_rows, n_rows);
}

/* ---- Rows from one place to another ---- */

static void copy_row(grt_rows dst, size_t to, grt_rows src, size_t from)
{
    memmove(grt_cpu_row(dst, to), grt_cpu_row(src, from),
            dst.inside.width * sizeof(float));
}

void grt_cpu_copy(grt_device *device, grt_rows dst, grt_rows src, size_t n_rows)
{
    (void)device;
    for (size_t i = 0; i < n_rows; i++)
        copy_row(dst, i, src, i);
}

void grt_cpu_gather(grt_device *device, grt_rows dst, grt_rows src, const size_t *rows,
                    size_t n)
{
    (void)device;
    for (size_t i = 0; i < n; i++)
        copy_row(dst, i, src, rows[i]);
}

typedef struct mean_job {
    const grt_kernels *kernels;
    grt_rows dst, src;
    const grt_span *spans;
} mean_job;

static void mean_task(size_t task, size_t worker, void *payload)
{
    (void)worker;
    const mean_job *job = payload;
    grt_span span = job->spans[task];
    float *mean = grt_cpu_row(job->dst, task);
    size_t width = job->dst.inside.width;
    memset(mean, 0, width * sizeof(*mean));
    if (span.n == 0) return;
    for (size_t row = span.first; row < span.first + span.n; row++)
        job->kernels->add(mean, grt_cpu_row(job->src, row), width);
    float scale = 1.0f / (float)span.n;
    for (size_t i = 0; i < width; i++)
        mean[i] *= scale;
}

void grt_cpu_mean(grt_device *device, grt_rows dst, grt_rows src, const grt_span *spans,
                  size_t n)
{
    const grt_cpu *cpu = grt_cpu_of(device);
    mean_job job = {&cpu->kernels, dst, src, spans};
    grt_pool_run(cpu->pool, n, mean_task, &job);
}

/* ---- Rotary positions ---- */

/* Values 2i and 2i + 1 of a head to i and i + size / 2. */
static void put_in_order(float *head, size_t size)
{
    float odd[GRT_MAX_HEAD_SIZE / 2];
    for (size_t i = 0; i < size / 2; i++) {
        odd[i] = head[2 * i + 1];
        head[i] = head[2 * i];
    }
    memcpy(head + size / 2, odd, size / 2 * sizeof(*odd));
}

static void rope_rows(const row_job *job, size_t first, size_t last)
{
    const grt_rope_op *op = job->rope;
    size_t size = op->head_size;
    for (size_t row = first; row < last; row++) {
        const float *cosines = grt_cpu_row(op->cosines, op->positions[row]);
        const float *sines = grt_cpu_row(op->sines, op->positions[row]);
        float *x = grt_cpu_row(job->dst, row);
        if (job->weight)
            job->kernels->rms_norm(x, size, x, size, job->weight, op->eps, op->n_heads,
                                   size);
        for (size_t head = 0; head < op->n_heads; head++) {
            if (op->is_interleaved) put_in_order(x + head * size, size);
            job->kernels->rope(x + head * size, cosines, sines, size);
        }
    }
}

void grt_cpu_rope(grt_device *device, grt_rows x, size_t n_rows, const grt_rope_op *op)
{
    row_job job = {.dst = x, .weight = grt_cpu_vector(op->norm), .rope = op};
    run(device, &job, rope_rows, n_rows);
}
