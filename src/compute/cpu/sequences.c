/* sequences.c - attention of sequences that lie end to end: a task is some heads of one
 * sequence. */
#include "compute/cpu/attention.h"
#include "compute/cpu/cpu.h"

typedef struct attention_job {
    const grt_cpu *cpu;
    const grt_attention_op *op;
    size_t n_heads; /* of a task; they share keys and values */
} attention_job;

static void attention_task(size_t task, size_t worker, void *payload)
{
    const attention_job *job = payload;
    const grt_attention_op *op = job->op;
    size_t n_parts = op->n_heads / job->n_heads, sequence = task / n_parts;
    size_t head = task % n_parts * job->n_heads;
    size_t head_at = head * op->head_size;
    size_t kv_at = head / (op->n_heads / op->n_kv_heads) * op->head_size;
    size_t first = op->offsets[sequence], n = op->offsets[sequence + 1] - first;
    size_t query = op->places ? sequence : first;
    bool sees_prefix = op->n_prefix > 0 && sequence >= op->n_alone;
    grt_attention_args args = {
        .q = grt_cpu_row(op->queries, query) + head_at,
        .prefix_k = sees_prefix ? grt_cpu_row(op->prefix_keys, 0) + kv_at : NULL,
        .prefix_v = sees_prefix ? grt_cpu_row(op->prefix_values, 0) + kv_at : NULL,
        .k = grt_cpu_row(op->keys, first) + kv_at,
        .v = grt_cpu_row(op->values, first) + kv_at,
        .out = grt_cpu_row(op->out, query) + head_at,
        .ld_q = op->queries.inside.stride,
        .ld_kv = op->keys.inside.stride,
        .ld_out = op->out.inside.stride,
        .n_queries = op->places ? 1 : n,
        .first_query = op->places ? op->places[sequence] - first : 0,
        .n_prefix = sees_prefix ? op->n_prefix : 0,
        .n_keys = n,
        .n_heads = job->n_heads,
        .head_size = op->head_size,
        .scale = op->scale,
        .is_causal = op->is_causal,
        .window = op->window};
    grt_attention(&job->cpu->kernels, &args,
                  job->cpu->attention_scratch + worker * job->cpu->attention_bytes);
}

void grt_cpu_attention(grt_device *device, const grt_attention_op *op)
{
    const grt_cpu *cpu = grt_cpu_of(device);
    /* keys and values are packed once for all heads that share them, unless that leaves
     * too few tasks */
    size_t group = op->n_heads / op->n_kv_heads;
    if (op->n_sequences * op->n_kv_heads < 2 * grt_pool_n_threads(cpu->pool)) group = 1;
    attention_job job = {cpu, op, group};
    grt_pool_run(cpu->pool, op->n_sequences * (op->n_heads / group), attention_task,
                 &job);
}
