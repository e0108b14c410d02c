/* network.c - layer views, embedding rows, and release; see network.h. */
#include "models/network.h"

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
    size_t total = 0;
    const grt_layer_part *parts = parts_of(network, 0);
    for (size_t i = 0; i < network->architecture->n_layer_parts; i++)
        if (parts[i].n_in == 0) total += parts[i].n_out;
    return total;
}

void grt_layer_view_init(grt_layer_view *view, const grt_network *network,
                         const grt_kernels *kernels, size_t layer,
                         const void *const *parts, float *vectors)
{
    const grt_layer_part *shapes = parts_of(network, layer);
    for (size_t i = 0; i < network->architecture->n_layer_parts; i++) {
        const grt_layer_part *shape = &shapes[i];
        if (shape->n_in != 0) {
            view->matrices[i] =
                (grt_weight){parts[i], shape->dtype, shape->n_out, shape->n_in};
            continue;
        }
        kernels->unpack_row[shape->dtype](vectors, parts[i], shape->n_out);
        view->vectors[i] = vectors;
        vectors += shape->n_out;
    }
}

static size_t embedding_row_bytes(const grt_network *network)
{
    uint64_t n = 0;
    (void)grt_dtype_bytes(&n, network->token_embedding->dtype, network->hidden_size);
    return (size_t)n;
}

size_t grt_embed_scratch_bytes(const grt_network *network)
{
    return network->hidden_size * sizeof(float) + embedding_row_bytes(network);
}

grt_status grt_embed(const grt_network *network, const grt_kernels *kernels,
                     const grt_token_rows *rows, float *hidden, void *scratch,
                     grt_error *err)
{
    const grt_tensor *table = network->token_embedding;
    size_t row_bytes = embedding_row_bytes(network);
    float *one_row = scratch;
    void *row = one_row + network->hidden_size;
    for (size_t i = 0; i < rows->n_rows; i++) {
        int32_t id = rows->ids[i];
        if (id < 0 || (size_t)id >= network->vocab_size)
            GRT_FAIL(err, GRT_E_FORMAT,
                     "the tokenizer gave id %d, the embedding has %zu rows", (int)id,
                     network->vocab_size);
        GRT_TRY(grt_file_read_at(network->token_embedding_file,
                                 table->offset + (uint64_t)id * row_bytes, row,
                                 row_bytes, err));
        kernels->unpack_row[table->dtype](hidden + i * network->hidden_size, row,
                                          network->hidden_size);
    }
    if (network->architecture->embed)
        network->architecture->embed(network, kernels, rows, hidden, one_row);
    return GRT_OK;
}
