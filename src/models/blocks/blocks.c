/* blocks.c - see blocks.h. */
#include "models/blocks/blocks.h"

/* Sequences of the chunk whose scored rows are kept: all but the prefix. */
static size_t n_scored(const grt_chunk *chunk)
{
    return chunk->n_sequences - chunk->begins_with_prefix;
}

size_t grt_block_keep_scored(grt_device *device, const grt_chunk *chunk, grt_rows x)
{
    if (!chunk->scored) return chunk->n_rows;
    grt_op_gather(device, x, x, chunk->scored, n_scored(chunk));
    return n_scored(chunk);
}

void grt_block_keep_positions(const grt_chunk *chunk)
{
    for (size_t i = 0; chunk->scored && i < n_scored(chunk); i++)
        chunk->positions[i] = chunk->positions[chunk->scored[i]];
}

grt_attended grt_attended_take(grt_space *space, const grt_network *network,
                               size_t n_rows)
{
    size_t q_size = network->n_heads * network->head_size;
    size_t kv_size = network->n_kv_heads * network->head_size;
    grt_attended rows;
    rows.queries = grt_space_take(space, n_rows, q_size);
    rows.keys = grt_space_take(space, n_rows, kv_size);
    rows.values = grt_space_take(space, n_rows, kv_size);
    rows.out = grt_space_take(space, n_rows, q_size);
    return rows;
}

void grt_block_attention(const grt_network *network, const grt_workspace *workspace,
                         const grt_layer_kind *kind, const grt_chunk *chunk,
                         const grt_attended *rows)
{
    const grt_prefix *prefix = chunk->prefix;
    grt_attention_op op = {.queries = rows->queries,
                           .out = rows->out,
                           .keys = rows->keys,
                           .values = rows->values,
                           .n_alone = chunk->begins_with_prefix,
                           .offsets = chunk->offsets,
                           .n_sequences = chunk->n_sequences,
                           .n_heads = network->n_heads,
                           .n_kv_heads = network->n_kv_heads,
                           .head_size = network->head_size,
                           .scale = kind->scale,
                           .is_causal = network->architecture->is_causal,
                           .window = kind->window};
    if (prefix) {
        op.prefix_keys = prefix->keys;
        op.prefix_values = prefix->values;
        op.n_prefix = prefix->n_rows;
    }
    if (chunk->begins_with_prefix) {
        grt_op_copy(workspace->device, prefix->keys, rows->keys, prefix->n_rows);
        grt_op_copy(workspace->device, prefix->values, rows->values, prefix->n_rows);
    }
    if (chunk->scored) { /* nobody reads what the prefix itself gives */
        op.places = chunk->scored;
        op.offsets += chunk->begins_with_prefix;
        op.n_sequences = n_scored(chunk);
        op.n_alone = 0;
    }
    grt_op_attention(workspace->device, &op);
}

void grt_block_turn(const grt_network *network, const grt_workspace *workspace,
                    const grt_turn *turn, grt_rows x, size_t n_rows)
{
    size_t cosines = 2 * turn->kind->rope * workspace->rope_rows;
    grt_rope_op op = {
        .positions = turn->positions,
        .cosines = grt_rows_from(workspace->ropes, cosines),
        .sines = grt_rows_from(workspace->ropes, cosines + workspace->rope_rows),
        .n_heads = turn->n_heads,
        .head_size = network->head_size,
        .norm = turn->norm,
        .eps = network->norm_eps,
        .is_interleaved = turn->is_interleaved};
    grt_op_rope(workspace->device, x, n_rows, &op);
}
