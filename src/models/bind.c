/* bind.c - see bind.h. */
#include "models/bind.h"

#include "base/checked.h"
#include "base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

uint64_t grt_extent_size(const grt_network *network, grt_extent extent)
{
    switch (extent) {
    case GRT_EXTENT_NONE: return 0;
    case GRT_EXTENT_ONE: return 1;
    case GRT_EXTENT_HIDDEN: return network->hidden_size;
    case GRT_EXTENT_QUERIES: return network->n_heads * network->head_size;
    case GRT_EXTENT_KEYS: return network->n_kv_heads * network->head_size;
    case GRT_EXTENT_HEAD: return network->head_size;
    case GRT_EXTENT_FFN: return network->ffn_size;
    case GRT_EXTENT_EMBEDDING: return grt_embedding_size(network);
    case GRT_EXTENT_POSITIONS: return network->n_positions;
    case GRT_EXTENT_TYPES: return network->n_types;
    case GRT_EXTENT_VOCABULARY: return network->vocab_size;
    }
    return 0;
}

static void shape_text(char *out, size_t n_out, const grt_tensor *tensor)
{
    size_t at = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < tensor->n_dims && at < n_out; i++) {
        int n = snprintf(out + at, n_out - at, "[%llu]",
                         (unsigned long long)tensor->shape[i]);
        at += n > 0 ? (size_t)n : 0;
    }
}

static grt_status check_shape(const grt_checkpoint *checkpoint,
                              const grt_tensor *tensor, uint64_t n_out, uint64_t n_in,
                              grt_error *err)
{
    const char *path = grt_file_path(checkpoint->catalogue.files[tensor->file]);
    bool fits = n_in == 0 ? tensor->n_dims == 1 && tensor->shape[0] == n_out
                          : tensor->n_dims == 2 && tensor->shape[0] == n_out &&
                                tensor->shape[1] == n_in;
    /* a matrix of one row may be stored as a vector */
    if (n_out == 1 && tensor->n_dims == 1 && tensor->shape[0] == n_in) fits = true;
    if (!fits) {
        char found[96];
        shape_text(found, sizeof(found), tensor);
        if (n_in == 0)
            GRT_FAIL_AT(err, GRT_E_FORMAT, tensor->offset,
                        "%s: tensor %s has shape %s, expected [%llu]", path,
                        tensor->name, found, (unsigned long long)n_out);
        GRT_FAIL_AT(err, GRT_E_FORMAT, tensor->offset,
                    "%s: tensor %s has shape %s, expected [%llu][%llu]", path,
                    tensor->name, found, (unsigned long long)n_out,
                    (unsigned long long)n_in);
    }
    uint64_t row_bytes;
    if (tensor->dtype == GRT_DTYPE_OTHER)
        GRT_FAIL_AT(err, GRT_E_UNSUPPORTED, tensor->offset,
                    "%s: tensor %s has storage type %s; known are %s", path,
                    tensor->name, tensor->dtype_name, grt_dtype_names());
    if (!grt_dtype_bytes(&row_bytes, tensor->dtype, n_in ? n_in : n_out))
        GRT_FAIL_AT(err, GRT_E_FORMAT, tensor->offset,
                    "%s: rows of tensor %s do not fill whole %s blocks", path,
                    tensor->name, grt_dtype_name(tensor->dtype));
    return GRT_OK;
}

grt_status grt_bind_tensor(const grt_tensor **out, grt_network *network,
                           const grt_checkpoint *checkpoint, const char *name,
                           uint64_t n_out, uint64_t n_in, int32_t part, grt_error *err)
{
    const grt_tensor *tensor = grt_catalogue_get(&checkpoint->catalogue, name);
    if (!tensor)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: tensor %s is missing", checkpoint->path, name);
    GRT_TRY(check_shape(checkpoint, tensor, n_out, n_in, err));
    network->part_of[tensor - checkpoint->catalogue.tensors] = part;
    *out = tensor;
    return GRT_OK;
}

static grt_status load_tensor(void **out, const grt_checkpoint *checkpoint,
                              const grt_tensor *tensor, grt_arena *arena,
                              grt_error *err)
{
    GRT_TRY(grt_arena_alloc(arena, out, tensor->n_bytes, 1, err));
    return grt_file_read_at(checkpoint->catalogue.files[tensor->file], tensor->offset,
                            *out, tensor->n_bytes, err);
}

/* Opening is not a hot path: the scalar variants serve. */
static void unpack(float *dst, const void *src, grt_dtype dtype, size_t n)
{
    grt_kernels kernels;
    grt_kernels_choose(&kernels, 0, GRT_ARITHMETIC_F32);
    kernels.unpack_row[dtype](dst, src, n);
}

grt_status grt_bind_fixed(grt_network *network, const grt_checkpoint *checkpoint,
                          size_t index, const char *name, uint64_t n_out, uint64_t n_in,
                          int32_t part, grt_error *err)
{
    const grt_tensor *tensor;
    GRT_TRY(
        grt_bind_tensor(&tensor, network, checkpoint, name, n_out, n_in, part, err));
    assert(index < GRT_MAX_FIXED_PARTS);
    grt_fixed *fixed = &network->fixed[index];
    void *data;
    GRT_TRY(load_tensor(&data, checkpoint, tensor, &network->arena, err));
    fixed->weight = (grt_weight){data, tensor->dtype, (size_t)n_out, (size_t)n_in};
    if (n_in != 0) return GRT_OK;
    float *values;
    GRT_TRY(
        grt_arena_alloc(&network->arena, &values, (size_t)n_out, sizeof(*values), err));
    unpack(values, data, tensor->dtype, (size_t)n_out);
    for (size_t i = 0; i < n_out; i++)
        values[i] += network->vector_offset;
    fixed->values = values;
    return GRT_OK;
}

static grt_status name_join(char *out, size_t n_out, const char *prefix,
                            const char *name, grt_error *err)
{
    int n = snprintf(out, n_out, "%s%s", prefix, name);
    if (n < 0 || (size_t)n >= n_out)
        GRT_FAIL(err, GRT_E_FORMAT, "tensor name %s%s is too long", prefix, name);
    return GRT_OK;
}

grt_status grt_bind_fixed_table(grt_network *network, const grt_checkpoint *checkpoint,
                                const grt_part_spec *specs, size_t n,
                                const char *prefix, int32_t part, grt_error *err)
{
    bool is_gguf = checkpoint->format == GRT_FORMAT_GGUF;
    for (size_t i = 0; i < n; i++) {
        char name[GRT_MAX_TENSOR_NAME_BYTES];
        GRT_TRY(name_join(name, sizeof(name), is_gguf ? "" : prefix,
                          is_gguf ? specs[i].gguf_name : specs[i].hf_name, err));
        GRT_TRY(grt_bind_fixed(network, checkpoint, i, name,
                               grt_extent_size(network, specs[i].n_out),
                               grt_extent_size(network, specs[i].n_in), part, err));
    }
    return GRT_OK;
}

grt_status grt_bind_embedding(grt_network *network, const grt_checkpoint *checkpoint,
                              const char *name, grt_error *err)
{
    GRT_TRY(grt_bind_tensor(&network->token_embedding, network, checkpoint, name,
                            network->vocab_size, grt_embedding_size(network),
                            GRT_PART_EMBEDDING, err));
    network->token_embedding_file =
        checkpoint->catalogue.files[network->token_embedding->file];
    return GRT_OK;
}

/* The part that `spec` tells of a layer's tensor; the whole tensor where it is not
 * fused. A vector may not be cut within a block. */
static grt_status bind_part(grt_part *part, grt_layer_part *shape, grt_network *network,
                            const grt_checkpoint *checkpoint, const grt_part_spec *spec,
                            const char *name, size_t layer, grt_error *err)
{
    uint64_t n_out = grt_extent_size(network, spec->n_out);
    uint64_t n_in = grt_extent_size(network, spec->n_in), n_bytes;
    uint64_t n_slices = spec->n_slices ? spec->n_slices : 1;
    const grt_tensor *tensor;
    GRT_TRY(grt_bind_tensor(&tensor, network, checkpoint, name, n_out * n_slices, n_in,
                            (int32_t)layer, err));
    if (!grt_dtype_bytes(&n_bytes, tensor->dtype, n_in ? n_in : n_out))
        GRT_FAIL_AT(err, GRT_E_FORMAT, tensor->offset,
                    "%s: the parts of tensor %s do not fill whole %s blocks",
                    checkpoint->path, name, grt_dtype_name(tensor->dtype));
    if (n_in) n_bytes *= n_out; /* no more than the tensor's */
    *part = (grt_part){checkpoint->catalogue.files[tensor->file],
                       tensor->offset + spec->slice * n_bytes, (size_t)n_bytes};
    *shape = (grt_layer_part){tensor->dtype, (size_t)n_out, (size_t)n_in};
    return GRT_OK;
}

static grt_status bind_layer(grt_network *network, const grt_checkpoint *checkpoint,
                             size_t layer, const grt_part_spec *specs,
                             const char *prefix, grt_error *err)
{
    size_t n_parts = network->architecture->n_layer_parts;
    grt_part *parts;
    GRT_TRY(grt_arena_alloc(&network->arena, &parts, n_parts, sizeof(*parts), err));
    for (size_t i = 0; i < n_parts; i++) {
        const grt_part_spec *spec = &specs[i];
        bool is_gguf = checkpoint->format == GRT_FORMAT_GGUF;
        char name[GRT_MAX_TENSOR_NAME_BYTES];
        GRT_TRY(name_join(name, sizeof(name), prefix,
                          is_gguf ? spec->gguf_name : spec->hf_name, err));
        if (spec->is_optional && !grt_catalogue_get(&checkpoint->catalogue, name)) {
            parts[i] = (grt_part){parts[0].file, parts[0].offset, 0};
            continue; /* its shape stays zero */
        }
        GRT_TRY(bind_part(&parts[i], &network->layer_parts[layer * n_parts + i],
                          network, checkpoint, spec, name, layer, err));
    }
    network->layers[layer] = (grt_layer_plan){parts, n_parts};
    return GRT_OK;
}

grt_status grt_bind_layers(grt_network *network, const grt_checkpoint *checkpoint,
                           const char *prefix, grt_error *err)
{
    const grt_architecture *architecture = network->architecture;
    char layers[64];
    (void)snprintf(layers, sizeof(layers), "%s%s.", prefix, architecture->hf_layer);
    return grt_bind_layers_as(network, checkpoint, architecture->layer_parts, layers,
                              err);
}

grt_status grt_bind_layers_as(grt_network *network, const grt_checkpoint *checkpoint,
                              const grt_part_spec *specs, const char *layers,
                              grt_error *err)
{
    const grt_architecture *architecture = network->architecture;
    GRT_TRY(grt_arena_alloc(&network->arena, &network->layers, network->n_layers,
                            sizeof(*network->layers), err));
    GRT_TRY(grt_arena_alloc(&network->arena, &network->layer_parts,
                            network->n_layers * architecture->n_layer_parts,
                            sizeof(*network->layer_parts), err));
    for (size_t layer = 0; layer < network->n_layers; layer++) {
        char name[GRT_MAX_TENSOR_NAME_BYTES];
        if (checkpoint->format == GRT_FORMAT_GGUF)
            (void)snprintf(name, sizeof(name), "blk.%zu.", layer);
        else
            (void)snprintf(name, sizeof(name), "%s%zu.", layers, layer);
        GRT_TRY(bind_layer(network, checkpoint, layer, specs, name, err));
    }
    return GRT_OK;
}

grt_status grt_read_row(const grt_checkpoint *checkpoint, const grt_tensor *tensor,
                        uint64_t row, float *dst, grt_error *err)
{
    size_t n = (size_t)tensor->shape[tensor->n_dims - 1];
    uint64_t row_bytes;
    if (!grt_dtype_bytes(&row_bytes, tensor->dtype, n))
        GRT_FAIL(err, GRT_E_FORMAT, "rows of tensor %s do not fill whole blocks",
                 tensor->name);
    void *data;
    GRT_TRY(grt_alloc(&data, (size_t)row_bytes, "a row", err));
    grt_status status = grt_file_read_at(checkpoint->catalogue.files[tensor->file],
                                         tensor->offset + row * row_bytes, data,
                                         (size_t)row_bytes, err);
    if (status == GRT_OK) unpack(dst, data, tensor->dtype, n);
    grt_free(data);
    return status;
}

bool grt_list_holds(const char *list, grt_text word)
{
    for (const char *at = list; *at;) {
        size_t n = strcspn(at, " ");
        if (n == word.size && memcmp(at, word.data, n) == 0) return true;
        at += n + (at[n] == ' ');
    }
    return false;
}

grt_status grt_need_text(const grt_metadata *metadata, const char *key,
                         const char *expected, grt_error *err)
{
    grt_text text;
    if (!grt_metadata_get_text(metadata, key, &text)) return GRT_OK;
    if (grt_list_holds(expected, text)) return GRT_OK;
    GRT_FAIL(err, GRT_E_UNSUPPORTED, "%s: %s is \"%.*s\"; only \"%s\" is supported",
             metadata->source, key, (int)(text.size < 60 ? text.size : 60), text.data,
             expected);
}
