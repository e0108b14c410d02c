/* bert.c - BERT sequence classification with one label (ms-marco cross-encoders).
 *
 * Devlin et al. 2018, arXiv 1810.04805.  Post-norm encoder: token + position + type
 * embeddings and a layer norm; each layer attends in both directions, adds, norms, runs
 * a GELU feed-forward, adds, norms.  The head pools the first row (dense + tanh) and
 * classifies it. */
#include "models/architectures.h"

#include "models/bind.h"
#include "models/blocks/blocks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
enum { QUERY, QUERY_BIAS, KEY, KEY_BIAS, VALUE, VALUE_BIAS, OUTPUT, OUTPUT_BIAS,
       ATTENTION_NORM, ATTENTION_NORM_BIAS, UP, UP_BIAS, DOWN, DOWN_BIAS,
       FFN_NORM, FFN_NORM_BIAS, N_LAYER_PARTS };

static const grt_part_spec layer_parts[N_LAYER_PARTS] = {
#define H GRT_EXTENT_HIDDEN
#define F GRT_EXTENT_FFN
#define V GRT_EXTENT_NONE
    [QUERY] = {"attention.self.query.weight", "attn_q.weight", H, H},
    [QUERY_BIAS] = {"attention.self.query.bias", "attn_q.bias", H, V},
    [KEY] = {"attention.self.key.weight", "attn_k.weight", H, H},
    [KEY_BIAS] = {"attention.self.key.bias", "attn_k.bias", H, V},
    [VALUE] = {"attention.self.value.weight", "attn_v.weight", H, H},
    [VALUE_BIAS] = {"attention.self.value.bias", "attn_v.bias", H, V},
    [OUTPUT] = {"attention.output.dense.weight", "attn_output.weight", H, H},
    [OUTPUT_BIAS] = {"attention.output.dense.bias", "attn_output.bias", H, V},
    [ATTENTION_NORM] = {"attention.output.LayerNorm.weight", "attn_output_norm.weight", H, V},
    [ATTENTION_NORM_BIAS] = {"attention.output.LayerNorm.bias", "attn_output_norm.bias", H, V},
    [UP] = {"intermediate.dense.weight", "ffn_up.weight", F, H},
    [UP_BIAS] = {"intermediate.dense.bias", "ffn_up.bias", F, V},
    [DOWN] = {"output.dense.weight", "ffn_down.weight", H, F},
    [DOWN_BIAS] = {"output.dense.bias", "ffn_down.bias", H, V},
    [FFN_NORM] = {"output.LayerNorm.weight", "layer_output_norm.weight", H, V},
    [FFN_NORM_BIAS] = {"output.LayerNorm.bias", "layer_output_norm.bias", H, V},
};

enum { POSITIONS, TYPES, EMBEDDING_NORM, EMBEDDING_NORM_BIAS, N_EMBEDDING_PARTS,
       POOLER = N_EMBEDDING_PARTS, POOLER_BIAS, CLASSIFIER, CLASSIFIER_BIAS };

static const grt_part_spec embedding_parts[N_EMBEDDING_PARTS] = {
    [POSITIONS] = {"embeddings.position_embeddings.weight", "position_embd.weight", GRT_EXTENT_POSITIONS, H},
    [TYPES] = {"embeddings.token_type_embeddings.weight", "token_types.weight", GRT_EXTENT_TYPES, H},
    [EMBEDDING_NORM] = {"embeddings.LayerNorm.weight", "token_embd_norm.weight", H, V},
    [EMBEDDING_NORM_BIAS] = {"embeddings.LayerNorm.bias", "token_embd_norm.bias", H, V},
#undef H
#undef F
#undef V
};
/* clang-format on */

static grt_status read_hf_config(grt_network *network, const grt_metadata *config,
                                 grt_error *err)
{
    uint64_t hidden, layers, heads, ffn, vocab, positions, types = 2;
    GRT_TRY(grt_metadata_need_u64(config, "hidden_size", 1, 65536, &hidden, err));
    GRT_TRY(grt_metadata_need_u64(config, "num_hidden_layers", 1, GRT_MAX_LAYERS,
                                  &layers, err));
    GRT_TRY(
        grt_metadata_need_u64(config, "num_attention_heads", 1, hidden, &heads, err));
    GRT_TRY(grt_metadata_need_u64(config, "intermediate_size", 1, 1u << 20, &ffn, err));
    GRT_TRY(grt_metadata_need_u64(config, "vocab_size", 1, GRT_MAX_VOCABULARY, &vocab,
                                  err));
    GRT_TRY(grt_metadata_need_u64(config, "max_position_embeddings", 4, 1u << 20,
                                  &positions, err));
    if (grt_metadata_get(config, "type_vocab_size"))
        GRT_TRY(grt_metadata_need_u64(config, "type_vocab_size", 1, 1024, &types, err));
    GRT_TRY(grt_need_text(config, "hidden_act", "gelu", err));
    GRT_TRY(grt_need_text(config, "position_embedding_type", "absolute", err));
    double eps = 1e-12;
    (void)grt_metadata_get_f64(config, "layer_norm_eps", &eps);
    network->hidden_size = hidden;
    network->n_layers = layers;
    network->n_heads = heads;
    network->ffn_size = ffn;
    network->vocab_size = vocab;
    network->n_positions = positions;
    network->n_types = types;
    network->norm_eps = (float)eps;
    return GRT_OK;
}

static grt_status read_gguf_keys(grt_network *network, const grt_checkpoint *checkpoint,
                                 grt_error *err)
{
    const grt_metadata *keys = &checkpoint->metadata;
    uint64_t hidden, layers, heads, ffn, positions;
    GRT_TRY(
        grt_metadata_need_u64(keys, "bert.embedding_length", 1, 65536, &hidden, err));
    GRT_TRY(grt_metadata_need_u64(keys, "bert.block_count", 1, GRT_MAX_LAYERS, &layers,
                                  err));
    GRT_TRY(grt_metadata_need_u64(keys, "bert.attention.head_count", 1, hidden, &heads,
                                  err));
    GRT_TRY(grt_metadata_need_u64(keys, "bert.feed_forward_length", 1, 1u << 20, &ffn,
                                  err));
    GRT_TRY(grt_metadata_need_u64(keys, "bert.context_length", 4, 1u << 20, &positions,
                                  err));
    double eps = 1e-12;
    (void)grt_metadata_get_f64(keys, "bert.attention.layer_norm_epsilon", &eps);
    const grt_tensor *words =
        grt_catalogue_get(&checkpoint->catalogue, "token_embd.weight");
    const grt_tensor *types =
        grt_catalogue_get(&checkpoint->catalogue, "token_types.weight");
    if (!words || words->n_dims != 2)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: tensor token_embd.weight is missing",
                 checkpoint->path);
    if (words->shape[0] > GRT_MAX_VOCABULARY)
        GRT_FAIL_AT(err, GRT_E_FORMAT, words->offset,
                    "%s: token_embd.weight has %llu rows, at most %d are read",
                    checkpoint->path, (unsigned long long)words->shape[0],
                    (int)GRT_MAX_VOCABULARY);
    network->hidden_size = hidden;
    network->n_layers = layers;
    network->n_heads = heads;
    network->ffn_size = ffn;
    network->n_positions = positions;
    network->norm_eps = (float)eps;
    network->vocab_size = words->shape[0];
    network->n_types = types && types->n_dims == 2 ? types->shape[0] : 1;
    return GRT_OK;
}

static grt_status check_shapes(const grt_network *network,
                               const grt_checkpoint *checkpoint, grt_error *err)
{
    if (network->hidden_size % network->n_heads != 0 ||
        network->head_size > GRT_MAX_HEAD_SIZE)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: hidden size %zu does not split into %zu heads",
                 checkpoint->metadata.source, network->hidden_size, network->n_heads);
    if (network->n_types < 2)
        GRT_FAIL(
            err, GRT_E_UNSUPPORTED,
            "%s: one token type only; BERT pairs need two (RoBERTa is not supported)",
            checkpoint->path);
    return GRT_OK;
}

/* A head of one label: pooler [H][H] + bias, classifier [1][H] + bias. */
static grt_status bind_head(grt_network *network, const grt_checkpoint *checkpoint,
                            const char *prefix, grt_error *err)
{
    bool is_gguf = checkpoint->format == GRT_FORMAT_GGUF;
    const grt_catalogue *catalogue = &checkpoint->catalogue;
    const char *classifier = is_gguf ? "cls.output" : "classifier";
    char name[64];
    (void)snprintf(name, sizeof(name), "%s.weight", classifier);
    const grt_tensor *labels = grt_catalogue_get(catalogue, name);
    if (!labels)
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "%s: no ranking head (%s is missing): an embedding model?",
                 checkpoint->path, name);
    if (labels->n_dims == 2 && labels->shape[0] != 1)
        GRT_FAIL(
            err, GRT_E_UNSUPPORTED,
            "%s: %s has %llu labels; a reranker has one (a classifier of categories "
            "cannot rank)",
            checkpoint->path, name, (unsigned long long)labels->shape[0]);
    if (is_gguf && !grt_catalogue_get(catalogue, "cls.weight"))
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "%s: the pooler (cls.weight) was lost when this GGUF was made, so its "
                 "scores would be wrong; use the safetensors files",
                 checkpoint->path);
    uint64_t d = network->hidden_size;
    char pooler[64];
    (void)snprintf(pooler, sizeof(pooler), "%s%s", is_gguf ? "" : prefix,
                   is_gguf ? "cls.weight" : "pooler.dense.weight");
    GRT_TRY(
        grt_bind_fixed(network, checkpoint, POOLER, pooler, d, d, GRT_PART_HEAD, err));
    (void)snprintf(pooler, sizeof(pooler), "%s%s", is_gguf ? "" : prefix,
                   is_gguf ? "cls.bias" : "pooler.dense.bias");
    GRT_TRY(grt_bind_fixed(network, checkpoint, POOLER_BIAS, pooler, d, 0,
                           GRT_PART_HEAD, err));
    GRT_TRY(grt_bind_fixed(network, checkpoint, CLASSIFIER, name, 1, d, GRT_PART_HEAD,
                           err));
    (void)snprintf(name, sizeof(name), "%s.bias", classifier);
    GRT_TRY(grt_bind_fixed(network, checkpoint, CLASSIFIER_BIAS, name, 1, 0,
                           GRT_PART_HEAD, err));
    network->head_text =
        "pooler (dense, tanh) of the first token, one-label classifier";
    return GRT_OK;
}

static grt_status bind(grt_network *network, grt_checkpoint *checkpoint,
                       const grt_tokenizer *tokenizer, grt_error *err)
{
    (void)tokenizer;
    bool is_gguf = checkpoint->format == GRT_FORMAT_GGUF;
    if (is_gguf)
        GRT_TRY(read_gguf_keys(network, checkpoint, err));
    else
        GRT_TRY(read_hf_config(network, &checkpoint->metadata, err));
    network->n_kv_heads = network->n_heads;
    network->head_size = network->hidden_size / network->n_heads;
    network->max_tokens = network->n_positions;
    GRT_TRY(check_shapes(network, checkpoint, err));
    const char *prefix = "bert.";
    GRT_TRY(grt_bind_embedding(
        network, checkpoint,
        is_gguf ? "token_embd.weight" : "bert.embeddings.word_embeddings.weight", err));
    GRT_TRY(grt_bind_fixed_table(network, checkpoint, embedding_parts,
                                 N_EMBEDDING_PARTS, prefix, GRT_PART_EMBEDDING, err));
    GRT_TRY(bind_head(network, checkpoint, prefix, err));
    return grt_bind_layers(network, checkpoint, prefix, err);
}

/* [CLS] query [SEP] document [SEP], types 0 0 0 1 1. */
static grt_status prompt(grt_prompt *out, const grt_network *network,
                         const grt_tokenizer *tokenizer, const char *instruction,
                         grt_error *err)
{
    if (instruction)
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "this model takes no instruction (a BERT cross-encoder)");
    int32_t cls = grt_tokenizer_id(tokenizer, "[CLS]", 5);
    int32_t sep = grt_tokenizer_id(tokenizer, "[SEP]", 5);
    if (cls == GRT_NO_TOKEN || sep == GRT_NO_TOKEN)
        GRT_FAIL(err, GRT_E_FORMAT, "the vocabulary has no [CLS] or [SEP]");
    int32_t *ids;
    GRT_TRY(grt_arena_alloc(&out->arena, &ids, 2, sizeof(*ids), err));
    ids[0] = cls;
    ids[1] = sep;
    grt_segment segments[] = {
        {.slot = GRT_SLOT_FIXED, .ids = ids, .n_ids = 1},
        {.slot = GRT_SLOT_QUERY},
        {.slot = GRT_SLOT_FIXED, .ids = ids + 1, .n_ids = 1},
        {.slot = GRT_SLOT_DOCUMENT, .token_type = 1},
        {.slot = GRT_SLOT_FIXED, .token_type = 1, .ids = ids + 1, .n_ids = 1},
    };
    memcpy(out->pair.segments, segments, sizeof(segments));
    out->pair.n_segments = sizeof(segments) / sizeof(segments[0]);
    out->pair.max_tokens = network->max_tokens;
    return GRT_OK;
}

static size_t floats_per_row(const grt_network *network)
{
    size_t attention = 4 * network->hidden_size;
    return attention > network->ffn_size ? attention : network->ffn_size;
}

static void add_row(const grt_kernels *kernels, const grt_weight *table, size_t row,
                    float *scratch, float *hidden)
{
    uint64_t row_bytes = 0;
    (void)grt_dtype_bytes(&row_bytes, table->dtype, table->n_in);
    kernels->unpack_row[table->dtype](
        scratch, (const unsigned char *)table->data + row * row_bytes, table->n_in);
    kernels->add(hidden, scratch, table->n_in);
}

static void embed(const grt_network *network, const grt_kernels *kernels,
                  const grt_token_rows *rows, float *hidden, float *scratch)
{
    size_t d = network->hidden_size;
    for (size_t i = 0; i < rows->n_rows; i++) {
        float *x = hidden + i * d;
        add_row(kernels, &network->fixed[POSITIONS].weight, rows->positions[i], scratch,
                x);
        add_row(kernels, &network->fixed[TYPES].weight, rows->types[i], scratch, x);
    }
    kernels->layer_norm(hidden, d, hidden, d, network->fixed[EMBEDDING_NORM].values,
                        network->fixed[EMBEDDING_NORM_BIAS].values, network->norm_eps,
                        rows->n_rows, d);
}

static void layer(const grt_network *network, const grt_layer_view *view,
                  const grt_workspace *workspace, const grt_chunk *chunk)
{
    size_t n = chunk->n_rows, d = network->hidden_size;
    float *x = chunk->hidden;
    float *queries = workspace->buffer, *keys = queries + n * d, *values = keys + n * d;
    float *attended = values + n * d;
    const grt_weight *matrices = view->matrices;
    const float *const *vectors = view->vectors;

    grt_block_linear(workspace, &matrices[KEY], vectors[KEY_BIAS], x, keys, n, 0);
    grt_block_linear(workspace, &matrices[VALUE], vectors[VALUE_BIAS], x, values, n, 0);
    size_t m = grt_block_keep_scored(network, chunk, x, d);
    grt_block_linear(workspace, &matrices[QUERY], vectors[QUERY_BIAS], x, queries, m,
                     0);
    grt_block_attention(network, workspace, chunk, queries, keys, values, attended, 0);
    grt_block_linear(workspace, &matrices[OUTPUT], vectors[OUTPUT_BIAS], attended, x, m,
                     1);
    grt_block_layer_norm(workspace, x, vectors[ATTENTION_NORM],
                         vectors[ATTENTION_NORM_BIAS], network->norm_eps, m, d);

    float *inner = workspace->buffer;
    grt_block_linear(workspace, &matrices[UP], vectors[UP_BIAS], x, inner, m, 0);
    grt_block_gelu(workspace, inner, m, network->ffn_size);
    grt_block_linear(workspace, &matrices[DOWN], vectors[DOWN_BIAS], inner, x, m, 1);
    grt_block_layer_norm(workspace, x, vectors[FFN_NORM], vectors[FFN_NORM_BIAS],
                         network->norm_eps, m, d);
}

static void logits(const grt_network *network, const grt_workspace *workspace,
                   size_t layer, const float *rows, size_t n, float *out,
                   float *scratch)
{
    (void)layer; /* one head for all */
    grt_block_head(workspace, &network->fixed[POOLER].weight,
                   network->fixed[POOLER_BIAS].values, rows, scratch, n);
    for (size_t i = 0; i < n * network->hidden_size; i++)
        scratch[i] = tanhf(scratch[i]);
    grt_block_head(workspace, &network->fixed[CLASSIFIER].weight,
                   network->fixed[CLASSIFIER_BIAS].values, scratch, out, n);
}

const grt_architecture grt_architecture_bert = {
    .name = "bert",
    .hf_classes = "BertForSequenceClassification",
    .gguf_name = "bert",
    .hf_layer = "encoder.layer",
    .layer_parts = layer_parts,
    .n_layer_parts = N_LAYER_PARTS,
    .takes_instruction = false,
    .reads_last_row = false,
    .is_causal = false,
    .bind = bind,
    .prompt = prompt,
    .floats_per_row = floats_per_row,
    .embed = embed,
    .layer = layer,
    .logits = logits,
};
