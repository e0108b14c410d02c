/* blocks.c - see blocks.h. */
#include "models/blocks/blocks.h"

#include <math.h>

enum { ROWS_PER_TASK = 32 };

void grt_block_linear(const grt_workspace *workspace, const grt_weight *weight,
                      const float *bias, const float *x, float *y, size_t n_rows,
                      int is_added)
{
    grt_linear_args args = {.x = x,
                            .ld_x = weight->n_in,
                            .n_rows = n_rows,
                            .weight = weight,
                            .bias = bias,
                            .y = y,
                            .ld_y = weight->n_out,
                            .is_added = is_added};
    grt_linear(workspace->kernels, workspace->pool, workspace->linear_scratch, &args);
}

typedef struct rows_job {
    grt_rows_fn *fn;
    void *payload;
    size_t n_rows;
} rows_job;

static void rows_task(size_t task, size_t worker, void *payload)
{
    (void)worker;
    const rows_job *job = payload;
    size_t first = task * ROWS_PER_TASK;
    size_t last = first + ROWS_PER_TASK;
    job->fn(first, last < job->n_rows ? last : job->n_rows, job->payload);
}

void grt_block_rows(const grt_workspace *workspace, size_t n_rows, grt_rows_fn *fn,
                    void *payload)
{
    rows_job job = {fn, payload, n_rows};
    grt_pool_run(workspace->pool, (n_rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK,
                 rows_task, &job);
}

typedef struct attention_job {
    const grt_workspace *workspace;
    const grt_network *network;
    const grt_chunk *chunk;
    const float *queries, *keys, *values;
    float *out;
    int is_causal;
} attention_job;

/* One task is one head of one sequence. */
static void attention_task(size_t task, size_t worker, void *payload)
{
    const attention_job *job = payload;
    const grt_network *network = job->network;
    const grt_workspace *workspace = job->workspace;
    size_t sequence = task / network->n_heads, head = task % network->n_heads;
    size_t kv_head = head / (network->n_heads / network->n_kv_heads);
    const size_t *offsets = job->chunk->offsets + sequence;
    size_t first = offsets[0] - job->chunk->offsets[0];
    size_t ld_q = network->n_heads * network->head_size;
    size_t ld_kv = network->n_kv_heads * network->head_size;
    size_t q_at = first * ld_q + head * network->head_size;
    size_t kv_at = first * ld_kv + kv_head * network->head_size;
    grt_attention_args args = {.q = job->queries + q_at,
                               .k = job->keys + kv_at,
                               .v = job->values + kv_at,
                               .out = job->out + q_at,
                               .ld_q = ld_q,
                               .ld_kv = ld_kv,
                               .ld_out = ld_q,
                               .n_rows = offsets[1] - offsets[0],
                               .first_row = 0,
                               .last_row = offsets[1] - offsets[0],
                               .head_size = network->head_size,
                               .scale = 1.0f / sqrtf((float)network->head_size),
                               .is_causal = job->is_causal};
    workspace->kernels->attention(&args,
                                  workspace->attention_scratch +
                                      worker * workspace->attention_scratch_bytes);
}

void grt_block_attention(const grt_network *network, const grt_workspace *workspace,
                         const grt_chunk *chunk, const float *queries,
                         const float *keys, const float *values, float *out,
                         int is_causal)
{
    attention_job job = {workspace, network, chunk, queries,
                         keys,      values,  out,   is_causal};
    grt_pool_run(workspace->pool, chunk->n_sequences * network->n_heads, attention_task,
                 &job);
}

typedef struct row_operation {
    const grt_kernels *kernels;
    float *dst;
    const float *x;
    const float *weight;
    const float *bias;
    float eps;
    size_t n;
} row_operation;

static void layer_norm_rows(size_t first, size_t last, void *payload)
{
    const row_operation *op = payload;
    op->kernels->layer_norm(op->dst + first * op->n, op->n, op->x + first * op->n,
                            op->n, op->weight, op->bias, op->eps, last - first, op->n);
}

static void rms_norm_rows(size_t first, size_t last, void *payload)
{
    const row_operation *op = payload;
    op->kernels->rms_norm(op->dst + first * op->n, op->n, op->x + first * op->n, op->n,
                          op->weight, op->eps, last - first, op->n);
}

static void gelu_rows(size_t first, size_t last, void *payload)
{
    const row_operation *op = payload;
    op->kernels->gelu(op->dst + first * op->n, (last - first) * op->n);
}

static void silu_mul_rows(size_t first, size_t last, void *payload)
{
    const row_operation *op = payload;
    op->kernels->silu_mul(op->dst + first * op->n, op->x + first * op->n,
                          (last - first) * op->n);
}

void grt_block_layer_norm(const grt_workspace *workspace, float *x, const float *weight,
                          const float *bias, float eps, size_t n_rows, size_t n)
{
    row_operation op = {workspace->kernels, x, x, weight, bias, eps, n};
    grt_block_rows(workspace, n_rows, layer_norm_rows, &op);
}

void grt_block_rms_norm(const grt_workspace *workspace, float *dst, const float *x,
                        const float *weight, float eps, size_t n_rows, size_t n)
{
    row_operation op = {workspace->kernels, dst, x, weight, NULL, eps, n};
    grt_block_rows(workspace, n_rows, rms_norm_rows, &op);
}

void grt_block_gelu(const grt_workspace *workspace, float *x, size_t n_rows, size_t n)
{
    row_operation op = {workspace->kernels, x, NULL, NULL, NULL, 0.0f, n};
    grt_block_rows(workspace, n_rows, gelu_rows, &op);
}

void grt_block_silu_mul(const grt_workspace *workspace, float *gate, const float *up,
                        size_t n_rows, size_t n)
{
    row_operation op = {workspace->kernels, gate, up, NULL, NULL, 0.0f, n};
    grt_block_rows(workspace, n_rows, silu_mul_rows, &op);
}

typedef struct rope_job {
    const grt_network *network;
    const grt_workspace *workspace;
    const grt_chunk *chunk;
    float *x;
    size_t n_heads;
    const float *norm_weight;
} rope_job;

/* The sequence that row `row` (counted from the chunk's first) belongs to. */
static size_t sequence_of(const grt_chunk *chunk, size_t row)
{
    size_t low = 0, high = chunk->n_sequences;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (chunk->offsets[middle] - chunk->offsets[0] <= row)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void norm_rope_rows(size_t first, size_t last, void *payload)
{
    const rope_job *job = payload;
    const grt_workspace *workspace = job->workspace;
    size_t head_size = job->network->head_size, half = head_size / 2;
    size_t width = job->n_heads * head_size;
    size_t sequence = sequence_of(job->chunk, first);
    const size_t *offsets = job->chunk->offsets;
    for (size_t row = first; row < last; row++) {
        while (offsets[sequence + 1] - offsets[0] <= row)
            sequence++;
        size_t position = row - (offsets[sequence] - offsets[0]);
        float *x = job->x + row * width;
        workspace->kernels->rms_norm(x, head_size, x, head_size, job->norm_weight,
                                     job->network->norm_eps, job->n_heads, head_size);
        for (size_t head = 0; head < job->n_heads; head++)
            workspace->kernels->rope(x + head * head_size,
                                     workspace->rope_cos + position * half,
                                     workspace->rope_sin + position * half, head_size);
    }
}

void grt_block_norm_rope(const grt_network *network, const grt_workspace *workspace,
                         const grt_chunk *chunk, float *x, size_t n_heads,
                         const float *norm_weight)
{
    rope_job job = {network, workspace, chunk, x, n_heads, norm_weight};
    grt_block_rows(workspace, chunk->n_rows, norm_rope_rows, &job);
}
