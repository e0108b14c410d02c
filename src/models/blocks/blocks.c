/* blocks.c - see blocks.h. */
#include "models/blocks/blocks.h"

#include <string.h>

enum { ROWS_PER_TASK = 32 };

/* x [n_rows][n_in], y [n_rows][n_out]. */
static grt_linear_args linear_args(const grt_weight *weight, const float *bias,
                                   const float *x, float *y, size_t n_rows)
{
    return (grt_linear_args){.x = x,
                             .ld_x = weight->n_in,
                             .n_rows = n_rows,
                             .weight = weight,
                             .bias = bias,
                             .y = y,
                             .ld_y = weight->n_out};
}

void grt_block_linear(const grt_workspace *workspace, const grt_weight *weight,
                      const float *bias, const float *x, float *y, size_t n_rows,
                      int is_added)
{
    grt_linear_args args = linear_args(weight, bias, x, y, n_rows);
    args.is_added = is_added;
    grt_linear(workspace->kernels, workspace->pool, workspace->linear_scratch, &args);
}

void grt_block_head(const grt_workspace *workspace, const grt_weight *weight,
                    const float *bias, const float *x, float *y, size_t n_rows)
{
    grt_linear_args args = linear_args(weight, bias, x, y, n_rows);
    args.is_precise = 1;
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

/* The chunk's rows that the head reads of its i-th sequence after the prefix. */
static grt_span scored_rows_of(const grt_network *network, const grt_chunk *chunk,
                               size_t i)
{
    const size_t *offsets = chunk->offsets + i + chunk->begins_with_prefix;
    grt_span span = grt_scored_rows(network, offsets[1] - offsets[0]);
    return (grt_span){offsets[0] + span.first, span.n};
}

size_t grt_block_keep_scored(const grt_network *network, const grt_chunk *chunk,
                             float *x, size_t width)
{
    if (!chunk->keeps_scored_rows) return chunk->n_rows;
    size_t n = chunk->n_sequences - chunk->begins_with_prefix, kept = 0;
    for (size_t i = 0; i < n; i++) {
        grt_span span = scored_rows_of(network, chunk, i);
        memmove(x + kept * width, x + span.first * width,
                span.n * width * sizeof(float));
        kept += span.n;
    }
    return kept;
}

void grt_block_keep_positions(const grt_network *network, const grt_chunk *chunk)
{
    if (!chunk->keeps_scored_rows) return;
    size_t n = chunk->n_sequences - chunk->begins_with_prefix, kept = 0;
    for (size_t i = 0; i < n; i++) {
        grt_span span = scored_rows_of(network, chunk, i);
        memmove(chunk->positions + kept, chunk->positions + span.first,
                span.n * sizeof(*chunk->positions));
        kept += span.n;
    }
}

typedef struct attention_job {
    const grt_workspace *workspace;
    const grt_network *network;
    const grt_layer_kind *kind;
    const grt_chunk *chunk;
    const float *queries, *keys, *values;
    float *out;
    int is_causal;
    size_t n_heads; /* of a task; they share keys and values */
} attention_job;

/* The chunk's queries of a sequence, and the place of the first in it. */
static grt_span queries_of(const grt_network *network, const grt_chunk *chunk,
                           size_t sequence, size_t *first_query)
{
    const size_t *offsets = chunk->offsets + sequence;
    *first_query = 0;
    if (!chunk->keeps_scored_rows)
        return (grt_span){offsets[0], offsets[1] - offsets[0]};
    grt_span span = grt_scored_rows(network, offsets[1] - offsets[0]);
    *first_query = span.first;
    /* every sequence keeps as many */
    return (grt_span){(sequence - chunk->begins_with_prefix) * span.n, span.n};
}

/* One task is some heads of one sequence. */
static void attention_task(size_t task, size_t worker, void *payload)
{
    const attention_job *job = payload;
    const grt_network *network = job->network;
    const grt_workspace *workspace = job->workspace;
    const grt_chunk *chunk = job->chunk;
    size_t n_parts = network->n_heads / job->n_heads, sequence = task / n_parts;
    size_t head = task % n_parts * job->n_heads;
    bool is_prefix = chunk->begins_with_prefix && sequence == 0;
    if (is_prefix && chunk->keeps_scored_rows) return; /* nobody reads what it gives */
    const grt_prefix *prefix = is_prefix ? NULL : chunk->prefix;
    size_t kv_head = head / (network->n_heads / network->n_kv_heads), first_query;
    size_t first = chunk->offsets[sequence];
    grt_span queries = queries_of(network, chunk, sequence, &first_query);
    size_t ld_q = network->n_heads * network->head_size;
    size_t ld_kv = network->n_kv_heads * network->head_size;
    size_t q_at = queries.first * ld_q + head * network->head_size;
    size_t head_at = kv_head * network->head_size, kv_at = first * ld_kv + head_at;
    grt_attention_args args = {.q = job->queries + q_at,
                               .prefix_k = prefix ? prefix->keys + head_at : NULL,
                               .prefix_v = prefix ? prefix->values + head_at : NULL,
                               .k = job->keys + kv_at,
                               .v = job->values + kv_at,
                               .out = job->out + q_at,
                               .ld_q = ld_q,
                               .ld_kv = ld_kv,
                               .ld_out = ld_q,
                               .n_queries = queries.n,
                               .first_query = first_query,
                               .n_prefix = prefix ? prefix->n_rows : 0,
                               .n_keys = chunk->offsets[sequence + 1] - first,
                               .n_heads = job->n_heads,
                               .head_size = network->head_size,
                               .scale = job->kind->scale,
                               .is_causal = job->is_causal,
                               .window = job->kind->window};
    grt_attention(workspace->kernels, &args,
                  workspace->attention_scratch +
                      worker * workspace->attention_scratch_bytes);
}

void grt_block_attention(const grt_network *network, const grt_workspace *workspace,
                         const grt_layer_kind *kind, const grt_chunk *chunk,
                         const float *queries, const float *keys, const float *values,
                         float *out, int is_causal)
{
    if (chunk->begins_with_prefix) {
        size_t n_bytes = chunk->prefix->n_rows * network->n_kv_heads *
                         network->head_size * sizeof(float);
        memcpy(chunk->prefix->keys, keys, n_bytes);
        memcpy(chunk->prefix->values, values, n_bytes);
    }
    /* keys and values are packed once for all heads that share them, unless that
     * leaves too few tasks */
    size_t group = network->n_heads / network->n_kv_heads;
    size_t n_tasks = chunk->n_sequences * network->n_kv_heads;
    if (n_tasks < 2 * grt_pool_n_threads(workspace->pool)) group = 1;
    attention_job job = {workspace, network, kind, chunk,     queries,
                         keys,      values,  out,  is_causal, group};
    grt_pool_run(workspace->pool, chunk->n_sequences * (network->n_heads / group),
                 attention_task, &job);
}

typedef struct row_operation {
    const grt_kernels *kernels;
    float *dst;
    const float *x;
    const float *weight;
    const float *bias;
    float eps;
    size_t n;
    float factor;
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

static void gelu_mul_rows(size_t first, size_t last, void *payload)
{
    const row_operation *op = payload;
    float *gate = op->dst + first * op->n;
    const float *up = op->x + first * op->n;
    size_t n = (last - first) * op->n;
    op->kernels->gelu(gate, n);
    for (size_t i = 0; i < n; i++)
        gate[i] *= up[i];
}

static void silu_mul_rows(size_t first, size_t last, void *payload)
{
    const row_operation *op = payload;
    op->kernels->silu_mul(op->dst + first * op->n, op->x + first * op->n,
                          (last - first) * op->n);
}

static void gelu_tanh_mul_rows(size_t first, size_t last, void *payload)
{
    const row_operation *op = payload;
    op->kernels->gelu_tanh_mul(op->dst + first * op->n, op->x + first * op->n,
                               (last - first) * op->n);
}

static void scale_rows(size_t first, size_t last, void *payload)
{
    const row_operation *op = payload;
    for (size_t i = first * op->n; i < last * op->n; i++)
        op->dst[i] *= op->factor;
}

static void add_rows(size_t first, size_t last, void *payload)
{
    const row_operation *op = payload;
    op->kernels->add(op->dst + first * op->n, op->x + first * op->n,
                     (last - first) * op->n);
}

void grt_block_layer_norm(const grt_workspace *workspace, float *x, const float *weight,
                          const float *bias, float eps, size_t n_rows, size_t n)
{
    grt_block_layer_norm_to(workspace, x, x, weight, bias, eps, n_rows, n);
}

void grt_block_layer_norm_to(const grt_workspace *workspace, float *dst, const float *x,
                             const float *weight, const float *bias, float eps,
                             size_t n_rows, size_t n)
{
    row_operation op = {workspace->kernels, dst, x, weight, bias, eps, n, 0.0f};
    grt_block_rows(workspace, n_rows, layer_norm_rows, &op);
}

void grt_block_rms_norm(const grt_workspace *workspace, float *dst, const float *x,
                        const float *weight, float eps, size_t n_rows, size_t n)
{
    row_operation op = {workspace->kernels, dst, x, weight, NULL, eps, n, 0.0f};
    grt_block_rows(workspace, n_rows, rms_norm_rows, &op);
}

void grt_block_gelu(const grt_workspace *workspace, float *x, size_t n_rows, size_t n)
{
    row_operation op = {workspace->kernels, x, NULL, NULL, NULL, 0.0f, n, 0.0f};
    grt_block_rows(workspace, n_rows, gelu_rows, &op);
}

void grt_block_silu_mul(const grt_workspace *workspace, float *gate, const float *up,
                        size_t n_rows, size_t n)
{
    row_operation op = {workspace->kernels, gate, up, NULL, NULL, 0.0f, n, 0.0f};
    grt_block_rows(workspace, n_rows, silu_mul_rows, &op);
}

void grt_block_gelu_tanh_mul(const grt_workspace *workspace, float *gate,
                             const float *up, size_t n_rows, size_t n)
{
    row_operation op = {workspace->kernels, gate, up, NULL, NULL, 0.0f, n, 0.0f};
    grt_block_rows(workspace, n_rows, gelu_tanh_mul_rows, &op);
}

void grt_block_scale(const grt_workspace *workspace, float *x, float factor,
                     size_t n_rows, size_t n)
{
    row_operation op = {workspace->kernels, x, NULL, NULL, NULL, 0.0f, n, factor};
    grt_block_rows(workspace, n_rows, scale_rows, &op);
}

void grt_block_add(const grt_workspace *workspace, float *y, const float *x,
                   size_t n_rows, size_t n)
{
    row_operation op = {workspace->kernels, y, x, NULL, NULL, 0.0f, n, 0.0f};
    grt_block_rows(workspace, n_rows, add_rows, &op);
}

void grt_block_gelu_mul(const grt_workspace *workspace, float *gate, const float *up,
                        size_t n_rows, size_t n)
{
    row_operation op = {workspace->kernels, gate, up, NULL, NULL, 0.0f, n, 0.0f};
    grt_block_rows(workspace, n_rows, gelu_mul_rows, &op);
}

typedef struct turn_job {
    const grt_network *network;
    const grt_workspace *workspace;
    const grt_turn *turn;
    float *x;
} turn_job;

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

static void turn_rows(size_t first, size_t last, void *payload)
{
    const turn_job *job = payload;
    const grt_workspace *workspace = job->workspace;
    const grt_turn *turn = job->turn;
    size_t head_size = job->network->head_size, half = head_size / 2;
    size_t width = turn->n_heads * head_size, table = workspace->rope_rows * half;
    const float *rope = workspace->ropes + turn->kind->rope * 2 * table;
    for (size_t row = first; row < last; row++) {
        const float *cosines = rope + turn->positions[row] * half;
        const float *sines = cosines + table;
        float *x = job->x + row * width;
        if (turn->norm)
            workspace->kernels->rms_norm(x, head_size, x, head_size, turn->norm,
                                         job->network->norm_eps, turn->n_heads,
                                         head_size);
        for (size_t head = 0; head < turn->n_heads; head++) {
            if (turn->is_interleaved) put_in_order(x + head * head_size, head_size);
            workspace->kernels->rope(x + head * head_size, cosines, sines, head_size);
        }
    }
}

void grt_block_turn(const grt_network *network, const grt_workspace *workspace,
                    const grt_turn *turn, float *x, size_t n_rows)
{
    turn_job job = {network, workspace, turn, x};
    grt_block_rows(workspace, n_rows, turn_rows, &job);
}
