/* network.c - layer views, embedding rows, and release; see network.h. */
#include "models/network.h"

#include <math.h>
#include <string.h>

void grt_network_release(grt_network *network)
{
    if (network->device) grt_device_release(network->device, network->fixed_memory);
    grt_arena_release(&network->arena);
    memset(network, 0, sizeof(*network));
}

grt_status grt_network_place(grt_network *network, grt_device *device, grt_error *err)
{
    size_t n_bytes =
        grt_device_place_bytes(device, network->fixed_shapes, GRT_MAX_FIXED_PARTS);
    GRT_TRY(grt_device_alloc(device, &network->fixed_memory, n_bytes,
                             "parts of the head and the embedding", err));
    network->device = device;
    grt_op_place(device, network->fixed_memory, network->fixed_shapes,
                 network->fixed_data, GRT_MAX_FIXED_PARTS, network->fixed);
    return GRT_OK;
}

static const grt_weight_shape *parts_of(const grt_network *network, size_t layer)
{
    return network->layer_parts + layer * network->architecture->n_layer_parts;
}

size_t grt_layer_place_bytes(const grt_network *network, const grt_device *device)
{
    size_t most = 0;
    for (size_t layer = 0; layer < network->n_layers; layer++) {
        size_t n = grt_device_place_bytes(device, parts_of(network, layer),
                                          network->architecture->n_layer_parts);
        if (n > most) most = n;
    }
    return most;
}

size_t grt_layer_most_inputs(const grt_network *network)
{
    size_t most = 0;
    const grt_weight_shape *parts = parts_of(network, 0);
    for (size_t i = 0; i < network->architecture->n_layer_parts; i++)
        if (parts[i].n_in > most) most = parts[i].n_in;
    return most;
}

void grt_layer_view_init(grt_layer_view *view, const grt_network *network,
                         grt_device *device, size_t layer, const void *const *parts,
                         grt_memory *memory)
{
    view->index = layer;
    view->kind = &network->kinds[layer];
    grt_op_place(device, memory, parts_of(network, layer), parts,
                 network->architecture->n_layer_parts, view->parts);
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

grt_rows grt_rope_fill(const grt_network *network, grt_device *device,
                       size_t n_positions, grt_memory *memory)
{
    float cosines[GRT_MAX_HEAD_SIZE / 2], sines[GRT_MAX_HEAD_SIZE / 2];
    size_t half = network->head_size / 2;
    grt_space space = grt_space_of(memory);
    grt_rows all = grt_space_take(&space, 2 * network->n_ropes * n_positions, half);
    for (size_t rope = 0; rope < network->n_ropes; rope++)
        for (size_t position = 0; position < n_positions; position++) {
            size_t row = 2 * rope * n_positions + position;
            for (size_t i = 0; i < half; i++) {
                double angle = (double)position * network->ropes[rope][i];
                cosines[i] = (float)cos(angle);
                sines[i] = (float)sin(angle);
            }
            grt_op_upload(device, grt_rows_from(all, row), cosines, GRT_DTYPE_F32, 1);
            grt_op_upload(device, grt_rows_from(all, row + n_positions), sines,
                          GRT_DTYPE_F32, 1);
        }
    return all;
}

size_t grt_logits_floats(const grt_network *network, size_t n)
{
    return n * (network->hidden_size + 1);
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

grt_status grt_embed(const grt_network *network, grt_device *device,
                     grt_row_cache *cache, const grt_token_rows *rows, grt_rows hidden,
                     grt_error *err)
{
    const grt_tensor *table = network->token_embedding;
    grt_rows narrow = grt_rows_columns(hidden, 0, network->embedding_size);
    for (size_t i = 0; i < rows->n_rows; i++)
        if (rows->ids[i] < 0 || (size_t)rows->ids[i] >= network->vocab_size)
            GRT_FAIL(err, GRT_E_FORMAT,
                     "the tokenizer gave id %d, the embedding has %zu rows",
                     (int)rows->ids[i], network->vocab_size);
    grt_row_cache_expect(cache, rows->ids, rows->n_rows);
    for (size_t i = 0; i < rows->n_rows; i++) {
        const void *row;
        GRT_TRY(grt_row_cache_get(cache, (size_t)rows->ids[i], &row, err));
        grt_op_upload(device, grt_rows_from(narrow, i), row, table->dtype, 1);
    }
    if (network->architecture->embed)
        network->architecture->embed(network, device, rows, hidden);
    return GRT_OK;
}
