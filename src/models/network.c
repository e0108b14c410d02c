/* network.c - layer views, embedding rows, and release; see network.h. */
#include "models/network.h"

#include <math.h>
#include <string.h>

void grt_network_release(grt_network *network)
{
    grt_arena_release(&network->arena);
    memset(network, 0, sizeof(*network));
}

static const grt_layer_part *parts_of(const grt_network *network, size_t layer)
{
    return network->layer_parts + layer * network->architecture->n_layer_parts;
}

size_t grt_layer_vector_floats(const grt_network *network)
{
    size_t most = 0;
    for (size_t layer = 0; layer < network->n_layers; layer++) {
        size_t total = 0;
        const grt_layer_part *parts = parts_of(network, layer);
        for (size_t i = 0; i < network->architecture->n_layer_parts; i++)
            if (parts[i].n_in == 0) total += parts[i].n_out;
        if (total > most) most = total;
    }
    return most;
}

size_t grt_layer_most_inputs(const grt_network *network)
{
    size_t most = 0;
    const grt_layer_part *parts = parts_of(network, 0);
    for (size_t i = 0; i < network->architecture->n_layer_parts; i++)
        if (parts[i].n_in > most) most = parts[i].n_in;
    return most;
}

void grt_layer_view_init(grt_layer_view *view, const grt_network *network,
                         const grt_kernels *kernels, size_t layer,
                         const void *const *parts, float *vectors)
{
    const grt_layer_part *shapes = parts_of(network, layer);
    view->index = layer;
    view->kind = &network->kinds[layer];
    for (size_t i = 0; i < network->architecture->n_layer_parts; i++) {
        const grt_layer_part *shape = &shapes[i];
        if (shape->n_in != 0) {
            view->matrices[i] =
                (grt_weight){parts[i], shape->dtype, shape->n_out, shape->n_in};
            continue;
        }
        view->vectors[i] = shape->n_out ? vectors : NULL;
        if (shape->n_out == 0) continue;
        kernels->unpack_row[shape->dtype](vectors, parts[i], shape->n_out);
        for (size_t j = 0; shape->offset != 0.0f && j < shape->n_out; j++)
            vectors[j] += shape->offset;
        vectors += shape->n_out;
    }
}

grt_span grt_scored_rows(const grt_network *network, size_t n_rows)
{
    if (network->reads_mean) return (grt_span){0, n_rows};
    return (grt_span){network->architecture->reads_last_row ? n_rows - 1 : 0, 1};
}

size_t grt_rope_floats(const grt_network *network, size_t n_positions)
{
    return network->n_ropes * n_positions * (network->head_size / 2) * 2;
}

void grt_rope_fill(const grt_network *network, size_t n_positions, float *out)
{
    size_t half = network->head_size / 2, n = n_positions * half;
    for (size_t rope = 0; rope < network->n_ropes; rope++) {
        float *cosines = out + 2 * rope * n, *sines = cosines + n;
        for (size_t i = 0; i < half; i++)
            for (size_t position = 0; position < n_positions; position++) {
                double angle = (double)position * network->ropes[rope][i];
                cosines[position * half + i] = (float)cos(angle);
                sines[position * half + i] = (float)sin(angle);
            }
    }
}

bool grt_pools_query(const grt_network *network)
{
    return !network->architecture->is_causal;
}

size_t grt_pooled_size(const grt_network *network)
{
    return (grt_pools_query(network) ? 3 : 2) * network->hidden_size;
}

size_t grt_features_size(const grt_network *network)
{
    return (grt_pools_query(network) ? 4 : 2) * network->hidden_size;
}

static size_t embedding_row_bytes(const grt_network *network)
{
    uint64_t n = 0;
    (void)grt_dtype_bytes(&n, network->token_embedding->dtype, network->embedding_size);
    return (size_t)n;
}

size_t grt_embed_cache_bytes(const grt_network *network, size_t n_cached)
{
    return grt_row_cache_bytes(network->vocab_size, embedding_row_bytes(network),
                               n_cached);
}

grt_status grt_embed_cache_create(grt_row_cache **out, const grt_network *network,
                                  size_t n_cached, grt_error *err)
{
    grt_row_table table = {network->token_embedding_file,
                           network->token_embedding->offset, network->vocab_size,
                           embedding_row_bytes(network)};
    return grt_row_cache_create(out, &table, n_cached, err);
}

grt_status grt_embed(const grt_network *network, const grt_kernels *kernels,
                     grt_row_cache *cache, const grt_token_rows *rows, float *hidden,
                     float *scratch, grt_error *err)
{
    const grt_tensor *table = network->token_embedding;
    for (size_t i = 0; i < rows->n_rows; i++)
        if (rows->ids[i] < 0 || (size_t)rows->ids[i] >= network->vocab_size)
            GRT_FAIL(err, GRT_E_FORMAT,
                     "the tokenizer gave id %d, the embedding has %zu rows",
                     (int)rows->ids[i], network->vocab_size);
    grt_row_cache_expect(cache, rows->ids, rows->n_rows);
    for (size_t i = 0; i < rows->n_rows; i++) {
        const void *row;
        GRT_TRY(grt_row_cache_get(cache, (size_t)rows->ids[i], &row, err));
        kernels->unpack_row[table->dtype](hidden + i * network->hidden_size, row,
                                          network->embedding_size);
    }
    if (network->architecture->embed)
        network->architecture->embed(network, kernels, rows, hidden, scratch);
    return GRT_OK;
}
