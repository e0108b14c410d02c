/* bert.c - BERT-like sequence classification with one label: BERT (ms-marco
 * cross-encoders), RoBERTa and XLM-RoBERTa (bge-reranker, jina-reranker-v2), ELECTRA.
 *
 * Devlin et al. 2018, arXiv 1810.04805; Conneau et al. 2019, arXiv 1911.02116; Clark et
 * al. 2020, arXiv 2003.10555.  Post-norm encoder: token + position + type embeddings
 * and a layer norm; each layer attends in both directions, adds, norms, runs a GELU
 * feed-forward, adds, norms.  The head takes the first row through a dense layer and
 * tanh (ELECTRA: GELU), and classifies it.
 *
 * RoBERTa counts positions from pad_token_id + 1, has one token type, and puts two
 * separators between the texts.  ELECTRA's embeddings may be narrower than its hidden
 * states; a dense layer widens them. */
#include "models/architectures.h"

#include "models/bind.h"
#include "models/blocks/blocks.h"
#include "models/encoder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
enum { QUERY, QUERY_BIAS, KEY, KEY_BIAS, VALUE, VALUE_BIAS, OUTPUT, OUTPUT_BIAS,
       ATTENTION_NORM, ATTENTION_NORM_BIAS, UP, UP_BIAS, DOWN, DOWN_BIAS,
       FFN_NORM, FFN_NORM_BIAS, N_LAYER_PARTS };

static const grt_part_spec layer_parts[N_LAYER_PARTS] = {
    [QUERY] = GRT_PART("attention.self.query.weight", "attn_q.weight", HIDDEN, HIDDEN),
    [QUERY_BIAS] = GRT_PART("attention.self.query.bias", "attn_q.bias", HIDDEN, NONE),
    [KEY] = GRT_PART("attention.self.key.weight", "attn_k.weight", HIDDEN, HIDDEN),
    [KEY_BIAS] = GRT_PART("attention.self.key.bias", "attn_k.bias", HIDDEN, NONE),
    [VALUE] = GRT_PART("attention.self.value.weight", "attn_v.weight", HIDDEN, HIDDEN),
    [VALUE_BIAS] = GRT_PART("attention.self.value.bias", "attn_v.bias", HIDDEN, NONE),
    [OUTPUT] = GRT_PART("attention.output.dense.weight", "attn_output.weight", HIDDEN, HIDDEN),
    [OUTPUT_BIAS] = GRT_PART("attention.output.dense.bias", "attn_output.bias", HIDDEN, NONE),
    [ATTENTION_NORM] = GRT_PART("attention.output.LayerNorm.weight", "attn_output_norm.weight", HIDDEN, NONE),
    [ATTENTION_NORM_BIAS] = GRT_PART("attention.output.LayerNorm.bias", "attn_output_norm.bias", HIDDEN, NONE),
    [UP] = GRT_PART("intermediate.dense.weight", "ffn_up.weight", FFN, HIDDEN),
    [UP_BIAS] = GRT_PART("intermediate.dense.bias", "ffn_up.bias", FFN, NONE),
    [DOWN] = GRT_PART("output.dense.weight", "ffn_down.weight", HIDDEN, FFN),
    [DOWN_BIAS] = GRT_PART("output.dense.bias", "ffn_down.bias", HIDDEN, NONE),
    [FFN_NORM] = GRT_PART("output.LayerNorm.weight", "layer_output_norm.weight", HIDDEN, NONE),
    [FFN_NORM_BIAS] = GRT_PART("output.LayerNorm.bias", "layer_output_norm.bias", HIDDEN, NONE),
};
GRT_LAYER_PARTS_FIT(layer_parts);

/* The same with query, key and value in one tensor, as jina-reranker-v2 has it. */
static const grt_part_spec fused_layer_parts[N_LAYER_PARTS] = {
    [QUERY] = GRT_SLICE("mixer.Wqkv.weight", "attn_qkv.weight", HIDDEN, HIDDEN, 0, 3),
    [QUERY_BIAS] = GRT_SLICE("mixer.Wqkv.bias", "attn_qkv.bias", HIDDEN, NONE, 0, 3),
    [KEY] = GRT_SLICE("mixer.Wqkv.weight", "attn_qkv.weight", HIDDEN, HIDDEN, 1, 3),
    [KEY_BIAS] = GRT_SLICE("mixer.Wqkv.bias", "attn_qkv.bias", HIDDEN, NONE, 1, 3),
    [VALUE] = GRT_SLICE("mixer.Wqkv.weight", "attn_qkv.weight", HIDDEN, HIDDEN, 2, 3),
    [VALUE_BIAS] = GRT_SLICE("mixer.Wqkv.bias", "attn_qkv.bias", HIDDEN, NONE, 2, 3),
    [OUTPUT] = GRT_PART("mixer.out_proj.weight", "attn_output.weight", HIDDEN, HIDDEN),
    [OUTPUT_BIAS] = GRT_PART("mixer.out_proj.bias", "attn_output.bias", HIDDEN, NONE),
    [ATTENTION_NORM] = GRT_PART("norm1.weight", "attn_output_norm.weight", HIDDEN, NONE),
    [ATTENTION_NORM_BIAS] = GRT_PART("norm1.bias", "attn_output_norm.bias", HIDDEN, NONE),
    [UP] = GRT_PART("mlp.fc1.weight", "ffn_up.weight", FFN, HIDDEN),
    [UP_BIAS] = GRT_PART("mlp.fc1.bias", "ffn_up.bias", FFN, NONE),
    [DOWN] = GRT_PART("mlp.fc2.weight", "ffn_down.weight", HIDDEN, FFN),
    [DOWN_BIAS] = GRT_PART("mlp.fc2.bias", "ffn_down.bias", HIDDEN, NONE),
    [FFN_NORM] = GRT_PART("norm2.weight", "layer_output_norm.weight", HIDDEN, NONE),
    [FFN_NORM_BIAS] = GRT_PART("norm2.bias", "layer_output_norm.bias", HIDDEN, NONE),
};

enum { POSITIONS, TYPES, EMBEDDING_NORM, EMBEDDING_NORM_BIAS, N_EMBEDDING_PARTS,
       DENSE = N_EMBEDDING_PARTS, DENSE_BIAS, CLASSIFIER, CLASSIFIER_BIAS, WIDEN, WIDEN_BIAS, N_FIXED_PARTS };
_Static_assert((int)N_FIXED_PARTS <= (int)GRT_MAX_FIXED_PARTS, "more parts than a network has");

static const grt_part_spec embedding_parts[N_EMBEDDING_PARTS] = {
    [POSITIONS] = GRT_PART("embeddings.position_embeddings.weight", "position_embd.weight", POSITIONS, EMBEDDING),
    [TYPES] = GRT_PART("embeddings.token_type_embeddings.weight", "token_types.weight", TYPES, EMBEDDING),
    [EMBEDDING_NORM] = GRT_PART("embeddings.LayerNorm.weight", "token_embd_norm.weight", EMBEDDING, NONE),
    [EMBEDDING_NORM_BIAS] = GRT_PART("embeddings.LayerNorm.bias", "token_embd_norm.bias", EMBEDDING, NONE),
};
static const grt_part_spec fused_embedding_parts[N_EMBEDDING_PARTS] = {
    [POSITIONS] = GRT_PART("embeddings.position_embeddings.weight", "position_embd.weight", POSITIONS, EMBEDDING),
    [TYPES] = GRT_PART("embeddings.token_type_embeddings.weight", "token_types.weight", TYPES, EMBEDDING),
    [EMBEDDING_NORM] = GRT_PART("emb_ln.weight", "token_embd_norm.weight", EMBEDDING, NONE),
    [EMBEDDING_NORM_BIAS] = GRT_PART("emb_ln.bias", "token_embd_norm.bias", EMBEDDING, NONE),
};
/* clang-format on */

/* How a checkpoint names its tensors. */
typedef struct naming {
    const char *prefix; /* of embeddings */
    const char *layers; /* before "0." */
    const grt_part_spec *embeddings;
    const grt_part_spec *parts;
    const char *dense, *classifier; /* of the head */
} naming;

static const naming bert_naming = {"bert.",     "bert.encoder.layer.", embedding_parts,
                                   layer_parts, "bert.pooler.dense",   "classifier"};
static const naming roberta_naming = {"roberta.",         "roberta.encoder.layer.",
                                      embedding_parts,    layer_parts,
                                      "classifier.dense", "classifier.out_proj"};
static const naming jina_naming = {
    "roberta.",        "roberta.encoder.layers.", fused_embedding_parts,
    fused_layer_parts, "classifier.dense",        "classifier.out_proj"};
static const naming electra_naming = {"electra.",         "electra.encoder.layer.",
                                      embedding_parts,    layer_parts,
                                      "classifier.dense", "classifier.out_proj"};
static const naming gguf_naming = {"",          "",    embedding_parts,
                                   layer_parts, "cls", "cls.output"};
static const naming fused_gguf_naming = {
    "", "", embedding_parts, fused_layer_parts, "cls", "cls.output"};

static const char roberta_head_text[] =
    "dense layer and tanh on the first token, one-label classifier";

static bool is_gguf(const grt_checkpoint *checkpoint)
{
    return checkpoint->format == GRT_FORMAT_GGUF;
}

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
    network->max_tokens = positions;
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
    GRT_TRY(grt_encoder_count_rows(&network->vocab_size, checkpoint,
                                   "token_embd.weight", GRT_MAX_VOCABULARY, err));
    GRT_TRY(grt_encoder_count_rows(&network->n_types, checkpoint, "token_types.weight",
                                   1024, err));
    /* of RoBERTa converters leave the rows before the first position away, and not all
     * of them lower the context length by as much */
    GRT_TRY(grt_encoder_count_rows(&network->n_positions, checkpoint,
                                   "position_embd.weight", 1u << 20, err));
    network->max_tokens =
        positions < network->n_positions ? positions : network->n_positions;
    network->hidden_size = hidden;
    network->n_layers = layers;
    network->n_heads = heads;
    network->ffn_size = ffn;
    network->norm_eps = (float)eps;
    return GRT_OK;
}

static grt_status bind_named(grt_network *network, const grt_checkpoint *checkpoint,
                             size_t index, const char *stem, const char *kind,
                             uint64_t n_out, uint64_t n_in, int32_t part,
                             grt_error *err)
{
    char name[GRT_MAX_TENSOR_NAME_BYTES];
    (void)snprintf(name, sizeof(name), "%s.%s", stem, kind);
    return grt_bind_fixed(network, checkpoint, index, name, n_out, n_in, part, err);
}

/* Matrix [n_out][n_in] and bias of a dense layer, as fixed parts index and index + 1.
 */
static grt_status bind_dense(grt_network *network, const grt_checkpoint *checkpoint,
                             size_t index, const char *stem, uint64_t n_out,
                             uint64_t n_in, int32_t part, grt_error *err)
{
    GRT_TRY(
        bind_named(network, checkpoint, index, stem, "weight", n_out, n_in, part, err));
    return bind_named(network, checkpoint, index + 1, stem, "bias", n_out, 0, part,
                      err);
}

static grt_status bind_head(grt_network *network, const grt_checkpoint *checkpoint,
                            const naming *names, grt_error *err)
{
    char classifier[64];
    (void)snprintf(classifier, sizeof(classifier), "%s.weight", names->classifier);
    GRT_TRY(grt_encoder_need_one_label(checkpoint, classifier, err));
    if (is_gguf(checkpoint) && !grt_catalogue_get(&checkpoint->catalogue, "cls.weight"))
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "%s: the pooler (cls.weight) was lost when this GGUF was made, so its "
                 "scores would be wrong; use the safetensors files",
                 checkpoint->path);
    uint64_t d = network->hidden_size;
    GRT_TRY(
        bind_dense(network, checkpoint, DENSE, names->dense, d, d, GRT_PART_HEAD, err));
    return bind_dense(network, checkpoint, CLASSIFIER, names->classifier, 1, d,
                      GRT_PART_HEAD, err);
}

static grt_status bind_tensors(grt_network *network, const grt_checkpoint *checkpoint,
                               const naming *names, grt_error *err)
{
    GRT_TRY(grt_encoder_split_heads(network, checkpoint, err));
    char words[64];
    (void)snprintf(words, sizeof(words), "%sembeddings.word_embeddings.weight",
                   names->prefix);
    GRT_TRY(grt_bind_embedding(network, checkpoint,
                               is_gguf(checkpoint) ? "token_embd.weight" : words, err));
    GRT_TRY(grt_bind_fixed_table(network, checkpoint, names->embeddings,
                                 N_EMBEDDING_PARTS, names->prefix, GRT_PART_EMBEDDING,
                                 err));
    GRT_TRY(bind_head(network, checkpoint, names, err));
    return grt_bind_layers_as(network, checkpoint, names->parts, names->layers, err);
}

static grt_status bind_gguf(grt_network *network, const grt_checkpoint *checkpoint,
                            grt_error *err)
{
    bool is_fused = grt_catalogue_get(&checkpoint->catalogue, "blk.0.attn_qkv.weight");
    return bind_tensors(network, checkpoint,
                        is_fused ? &fused_gguf_naming : &gguf_naming, err);
}

/* GGUF calls all of them "bert"; RoBERTa's vocabularies begin texts with <s>. */
static bool is_roberta(const grt_tokenizer *tokenizer)
{
    return grt_tokenizer_id(tokenizer, "[CLS]", 5) == GRT_NO_TOKEN &&
           grt_tokenizer_id(tokenizer, "<s>", 3) != GRT_NO_TOKEN;
}

static grt_status bind_bert(grt_network *network, grt_checkpoint *checkpoint,
                            const grt_tokenizer *tokenizer, grt_error *err)
{
    network->head_text =
        "pooler (dense, tanh) of the first token, one-label classifier";
    if (is_gguf(checkpoint)) {
        GRT_TRY(read_gguf_keys(network, checkpoint, err));
        if (is_roberta(tokenizer)) {
            network->architecture = &grt_architecture_roberta;
            network->head_text = roberta_head_text;
            return bind_gguf(network, checkpoint, err);
        }
    } else
        GRT_TRY(read_hf_config(network, &checkpoint->metadata, err));
    if (network->n_types < 2)
        GRT_FAIL(err, GRT_E_UNSUPPORTED, "%s: one token type only; BERT pairs need two",
                 checkpoint->path);
    return is_gguf(checkpoint) ? bind_gguf(network, checkpoint, err)
                               : bind_tensors(network, checkpoint, &bert_naming, err);
}

static grt_status bind_roberta(grt_network *network, grt_checkpoint *checkpoint,
                               const grt_tokenizer *tokenizer, grt_error *err)
{
    (void)tokenizer;
    const grt_metadata *config = &checkpoint->metadata;
    uint64_t pad = 1;
    GRT_TRY(read_hf_config(network, config, err));
    if (grt_metadata_get(config, "pad_token_id"))
        GRT_TRY(grt_metadata_need_u64(config, "pad_token_id", 0, GRT_MAX_VOCABULARY,
                                      &pad, err));
    network->first_position = (size_t)pad + 1;
    if (network->n_positions < network->first_position + 4)
        GRT_FAIL(err, GRT_E_FORMAT,
                 "%s: %zu positions, of which the first %zu are not used",
                 config->source, network->n_positions, network->first_position);
    network->max_tokens = network->n_positions - network->first_position;
    network->head_text = roberta_head_text;
    bool is_jina = grt_catalogue_get(&checkpoint->catalogue,
                                     "roberta.encoder.layers.0.mixer.Wqkv.weight");
    return bind_tensors(network, checkpoint, is_jina ? &jina_naming : &roberta_naming,
                        err);
}

static grt_status bind_electra(grt_network *network, grt_checkpoint *checkpoint,
                               const grt_tokenizer *tokenizer, grt_error *err)
{
    (void)tokenizer;
    const grt_metadata *config = &checkpoint->metadata;
    GRT_TRY(read_hf_config(network, config, err));
    uint64_t d = network->hidden_size, width = d;
    if (grt_metadata_get(config, "embedding_size"))
        GRT_TRY(grt_metadata_need_u64(config, "embedding_size", 1, d, &width, err));
    network->head_text =
        "dense layer and GELU on the first token, one-label classifier";
    if (width < d) {
        network->embedding_size = (size_t)width;
        GRT_TRY(bind_dense(network, checkpoint, WIDEN, "electra.embeddings_project", d,
                           width, GRT_PART_EMBEDDING, err));
    }
    return bind_tensors(network, checkpoint, &electra_naming, err);
}

static const grt_encoder_pair bert_pair = {"[CLS]", "[SEP]", 1, 1};
static const grt_encoder_pair roberta_pair = {"<s>", "</s>", 2, 0};

/* [CLS] query [SEP] document [SEP], types 0 0 0 1 1. */
static grt_status bert_prompt(grt_prompt *out, const grt_network *network,
                              const grt_tokenizer *tokenizer, const char *instruction,
                              grt_error *err)
{
    return grt_encoder_prompt(out, network, tokenizer, instruction, &bert_pair, err);
}

/* <s> query </s></s> document </s>. */
static grt_status roberta_prompt(grt_prompt *out, const grt_network *network,
                                 const grt_tokenizer *tokenizer,
                                 const char *instruction, grt_error *err)
{
    return grt_encoder_prompt(out, network, tokenizer, instruction, &roberta_pair, err);
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
        add_row(kernels, &network->fixed[POSITIONS].weight,
                network->first_position + rows->positions[i], scratch, x);
        add_row(kernels, &network->fixed[TYPES].weight, rows->types[i], scratch, x);
    }
    kernels->layer_norm(hidden, d, hidden, d, network->fixed[EMBEDDING_NORM].values,
                        network->fixed[EMBEDDING_NORM_BIAS].values, network->norm_eps,
                        rows->n_rows, grt_embedding_size(network));
}

static void widen(const grt_network *network, const grt_workspace *workspace,
                  float *hidden, size_t n_rows)
{
    size_t d = network->hidden_size, width = grt_embedding_size(network);
    if (width == d) return;
    float *narrow = workspace->buffer;
    for (size_t i = 0; i < n_rows; i++)
        memcpy(narrow + i * width, hidden + i * d, width * sizeof(float));
    grt_block_linear(workspace, &network->fixed[WIDEN].weight,
                     network->fixed[WIDEN_BIAS].values, narrow, hidden, n_rows, 0);
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

static void dense_row(const grt_network *network, const grt_workspace *workspace,
                      const float *rows, size_t n, float *scratch)
{
    grt_block_head(workspace, &network->fixed[DENSE].weight,
                   network->fixed[DENSE_BIAS].values, rows, scratch, n);
}

static void classify(const grt_network *network, const grt_workspace *workspace,
                     const float *rows, size_t n, float *out)
{
    grt_block_head(workspace, &network->fixed[CLASSIFIER].weight,
                   network->fixed[CLASSIFIER_BIAS].values, rows, out, n);
}

static void tanh_logits(const grt_network *network, const grt_workspace *workspace,
                        size_t layer, const float *rows, size_t n, float *out,
                        float *scratch)
{
    (void)layer; /* one head for all */
    dense_row(network, workspace, rows, n, scratch);
    for (size_t i = 0; i < n * network->hidden_size; i++)
        scratch[i] = tanhf(scratch[i]);
    classify(network, workspace, scratch, n, out);
}

static void gelu_logits(const grt_network *network, const grt_workspace *workspace,
                        size_t layer, const float *rows, size_t n, float *out,
                        float *scratch)
{
    (void)layer;
    dense_row(network, workspace, rows, n, scratch);
    workspace->kernels->gelu(scratch, n * network->hidden_size);
    classify(network, workspace, scratch, n, out);
}

const grt_architecture grt_architecture_bert = {
    .name = "bert",
    .hf_classes = "BertForSequenceClassification",
    .gguf_name = "bert",
    .hf_layer = "encoder.layer",
    .layer_parts = layer_parts,
    .n_layer_parts = N_LAYER_PARTS,
    .bind = bind_bert,
    .prompt = bert_prompt,
    .floats_per_row = floats_per_row,
    .embed = embed,
    .layer = layer,
    .logits = tanh_logits,
};

const grt_architecture grt_architecture_roberta = {
    .name = "roberta",
    .hf_classes =
        "XLMRobertaForSequenceClassification RobertaForSequenceClassification "
        "CamembertForSequenceClassification",
    .gguf_name = "", /* told from "bert" by its vocabulary */
    .hf_layer = "encoder.layer",
    .layer_parts = layer_parts,
    .n_layer_parts = N_LAYER_PARTS,
    .bind = bind_roberta,
    .prompt = roberta_prompt,
    .floats_per_row = floats_per_row,
    .embed = embed,
    .layer = layer,
    .logits = tanh_logits,
};

const grt_architecture grt_architecture_electra = {
    .name = "electra",
    .hf_classes = "ElectraForSequenceClassification",
    .gguf_name = "", /* no converter writes it */
    .hf_layer = "encoder.layer",
    .layer_parts = layer_parts,
    .n_layer_parts = N_LAYER_PARTS,
    .bind = bind_electra,
    .prompt = bert_prompt,
    .floats_per_row = floats_per_row,
    .embed = embed,
    .widen = widen,
    .layer = layer,
    .logits = gelu_logits,
};
