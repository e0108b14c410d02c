/* modernbert.c - ModernBERT sequence classification with one label
 * (gte-reranker-modernbert).
 *
 * Warner et al. 2024, arXiv 2412.13663.  Pre-norm encoder without biases: token
 * embeddings and a layer norm; each layer norms (the first one does not), attends in
 * both directions with rotary positions, adds, norms, runs a GeGLU feed-forward, adds.
 * One layer in three sees the whole text, the others a window around each token, with
 * another rotary base.  The head reads the first row or the mean of all rows after a
 * final norm: dense layer, GELU, norm, classifier. */
#include "models/architectures.h"

#include "models/bind.h"
#include "models/blocks/blocks.h"
#include "models/encoder.h"

#include <string.h>

/* clang-format off */
enum { QUERY, KEY, VALUE, OUTPUT, ATTENTION_NORM, FFN_NORM, GATE, UP, DOWN, N_LAYER_PARTS };

static const grt_part_spec layer_parts[N_LAYER_PARTS] = {
    [QUERY] = GRT_SLICE("attn.Wqkv.weight", "attn_qkv.weight", HIDDEN, HIDDEN, 0, 3),
    [KEY] = GRT_SLICE("attn.Wqkv.weight", "attn_qkv.weight", HIDDEN, HIDDEN, 1, 3),
    [VALUE] = GRT_SLICE("attn.Wqkv.weight", "attn_qkv.weight", HIDDEN, HIDDEN, 2, 3),
    [OUTPUT] = GRT_PART("attn.Wo.weight", "attn_output.weight", HIDDEN, HIDDEN),
    [ATTENTION_NORM] = GRT_OPTIONAL_PART("attn_norm.weight", "attn_norm.weight", HIDDEN, NONE),
    [FFN_NORM] = GRT_PART("mlp_norm.weight", "ffn_norm.weight", HIDDEN, NONE),
    [GATE] = GRT_SLICE("mlp.Wi.weight", "ffn_up.weight", FFN, HIDDEN, 0, 2), /* the half under GELU */
    [UP] = GRT_SLICE("mlp.Wi.weight", "ffn_up.weight", FFN, HIDDEN, 1, 2),
    [DOWN] = GRT_PART("mlp.Wo.weight", "ffn_down.weight", HIDDEN, FFN),
};
GRT_LAYER_PARTS_FIT(layer_parts);

/* NO_BIAS: zeros, for norms. */
enum { FINAL_NORM, DENSE, HEAD_NORM, CLASSIFIER, N_HEAD_PARTS,
       CLASSIFIER_BIAS = N_HEAD_PARTS, EMBEDDING_NORM, NO_BIAS, N_FIXED_PARTS };
_Static_assert((int)N_FIXED_PARTS <= (int)GRT_MAX_FIXED_PARTS, "more parts than a network has");

static const grt_part_spec head_parts[N_HEAD_PARTS] = {
    [FINAL_NORM] = GRT_PART("model.final_norm.weight", "output_norm.weight", HIDDEN, NONE),
    [DENSE] = GRT_PART("head.dense.weight", "cls.weight", HIDDEN, HIDDEN),
    [HEAD_NORM] = GRT_PART("head.norm.weight", "cls.norm.weight", HIDDEN, NONE),
    [CLASSIFIER] = GRT_PART("classifier.weight", "cls.output.weight", ONE, HIDDEN),
};
/* clang-format on */

typedef struct config_keys {
    const char *hidden, *layers, *heads, *ffn, *positions, *eps, *theta, *local_theta,
        *window, *period;
} config_keys;

static const config_keys hf_keys = {"hidden_size",
                                    "num_hidden_layers",
                                    "num_attention_heads",
                                    "intermediate_size",
                                    "max_position_embeddings",
                                    "norm_eps",
                                    "global_rope_theta",
                                    "local_rope_theta",
                                    "local_attention",
                                    "global_attn_every_n_layers"};
static const config_keys gguf_keys = {"modern-bert.embedding_length",
                                      "modern-bert.block_count",
                                      "modern-bert.attention.head_count",
                                      "modern-bert.feed_forward_length",
                                      "modern-bert.context_length",
                                      "modern-bert.attention.layer_norm_epsilon",
                                      "modern-bert.rope.freq_base",
                                      "modern-bert.rope.freq_base_swa",
                                      "modern-bert.attention.sliding_window",
                                      "modern-bert.attention.sliding_window_pattern"};

static grt_status read_sizes(grt_network *network, const grt_metadata *metadata,
                             const config_keys *keys, grt_error *err)
{
    uint64_t hidden, layers, heads, ffn, positions;
    GRT_TRY(grt_metadata_need_u64(metadata, keys->hidden, 1, 65536, &hidden, err));
    GRT_TRY(
        grt_metadata_need_u64(metadata, keys->layers, 1, GRT_MAX_LAYERS, &layers, err));
    GRT_TRY(grt_metadata_need_u64(metadata, keys->heads, 1, hidden, &heads, err));
    GRT_TRY(grt_metadata_need_u64(metadata, keys->ffn, 1, 1u << 20, &ffn, err));
    GRT_TRY(
        grt_metadata_need_u64(metadata, keys->positions, 4, 1u << 20, &positions, err));
    double eps = 1e-5, theta = 160000.0, local_theta = 10000.0;
    (void)grt_metadata_get_f64(metadata, keys->eps, &eps);
    (void)grt_metadata_get_f64(metadata, keys->theta, &theta);
    (void)grt_metadata_get_f64(metadata, keys->local_theta, &local_theta);
    if (!(theta > 1.0) || !(local_theta > 1.0))
        GRT_FAIL(err, GRT_E_FORMAT, "%s: %s is %g and %s %g, expected more than 1",
                 metadata->source, keys->theta, theta, keys->local_theta, local_theta);
    network->hidden_size = hidden;
    network->n_layers = layers;
    network->n_heads = heads;
    network->ffn_size = ffn;
    network->max_tokens = positions;
    network->norm_eps = (float)eps;
    network->rope_theta = theta;
    network->local_rope_theta = local_theta;
    return GRT_OK;
}

/* Which layers are local: all but each period-th, from layer 0 on, or as a list of
 * flags says. */
static grt_status read_windows(grt_network *network, const grt_metadata *metadata,
                               const config_keys *keys, grt_error *err)
{
    uint64_t window = 128, period = 3;
    if (grt_metadata_get(metadata, keys->window))
        GRT_TRY(
            grt_metadata_need_u64(metadata, keys->window, 2, 1u << 24, &window, err));
    const grt_meta_value *pattern = grt_metadata_get(metadata, keys->period);
    bool is_list = pattern && pattern->is_array;
    if (is_list && (pattern->n != network->n_layers ||
                    (pattern->type != GRT_META_BOOL && pattern->type != GRT_META_INT)))
        GRT_FAIL(err, GRT_E_FORMAT, "%s: %s is not one flag for each of %zu layers",
                 metadata->source, keys->period, network->n_layers);
    if (pattern && !is_list)
        GRT_TRY(grt_metadata_need_u64(metadata, keys->period, 1, GRT_MAX_LAYERS,
                                      &period, err));
    bool *are_local;
    GRT_TRY(grt_arena_alloc(&network->arena, &are_local, network->n_layers,
                            sizeof(*are_local), err));
    for (size_t i = 0; i < network->n_layers; i++)
        are_local[i] = is_list ? pattern->ints[i] != 0 : i % period != 0;
    network->are_local = are_local;
    network->window = (size_t)window / 2; /* the config counts both sides */
    return GRT_OK;
}

/* What a config may ask for that this graph does not compute. */
static grt_status refuse_variants(const grt_metadata *config, grt_error *err)
{
    GRT_TRY(grt_need_text(config, "hidden_activation", "gelu", err));
    GRT_TRY(grt_need_text(config, "classifier_activation", "gelu", err));
    static const char *const flags[] = {"norm_bias", "attention_bias", "mlp_bias",
                                        "classifier_bias"};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        bool is_set = false;
        if (grt_metadata_get_bool(config, flags[i], &is_set) && is_set)
            GRT_FAIL(err, GRT_E_UNSUPPORTED, "%s: %s is not supported for ModernBERT",
                     config->source, flags[i]);
    }
    return GRT_OK;
}

static grt_status read_pooling(grt_network *network, const grt_checkpoint *checkpoint,
                               grt_error *err)
{
    const grt_metadata *metadata = &checkpoint->metadata;
    if (checkpoint->format == GRT_FORMAT_GGUF) {
        /* 2: the first token; 1 and 4 ("rank"): the mean, as llama.cpp has it */
        uint64_t pooling = 4;
        (void)grt_metadata_get_u64(metadata, "modern-bert.pooling_type", &pooling);
        network->reads_mean = pooling != 2;
    } else {
        grt_text pooling = {"cls", 3};
        (void)grt_metadata_get_text(metadata, "classifier_pooling", &pooling);
        network->reads_mean = pooling.size == 4 && memcmp(pooling.data, "mean", 4) == 0;
        if (!network->reads_mean)
            GRT_TRY(grt_need_text(metadata, "classifier_pooling", "cls", err));
    }
    network->head_text = network->reads_mean
                             ? "mean of all tokens, dense layer, GELU and norm, "
                               "one-label classifier"
                             : "first token, dense layer, GELU and norm, one-label "
                               "classifier";
    return GRT_OK;
}

/* The classifier's bias may be missing. */
static grt_status bind_head(grt_network *network, const grt_checkpoint *checkpoint,
                            grt_error *err)
{
    bool is_gguf = checkpoint->format == GRT_FORMAT_GGUF;
    GRT_TRY(grt_bind_fixed_table(network, checkpoint, head_parts, N_HEAD_PARTS, "",
                                 GRT_PART_HEAD, err));
    const char *bias = is_gguf ? "cls.output.bias" : "classifier.bias";
    if (!grt_catalogue_get(&checkpoint->catalogue, bias)) return GRT_OK;
    return grt_bind_fixed(network, checkpoint, CLASSIFIER_BIAS, bias, 1, 0,
                          GRT_PART_HEAD, err);
}

static grt_status bind(grt_network *network, grt_checkpoint *checkpoint,
                       const grt_tokenizer *tokenizer, grt_error *err)
{
    (void)tokenizer;
    bool is_gguf = checkpoint->format == GRT_FORMAT_GGUF;
    const grt_metadata *metadata = &checkpoint->metadata;
    const config_keys *keys = is_gguf ? &gguf_keys : &hf_keys;
    const char *words =
        is_gguf ? "token_embd.weight" : "model.embeddings.tok_embeddings.weight";
    GRT_TRY(read_sizes(network, metadata, keys, err));
    GRT_TRY(read_windows(network, metadata, keys, err));
    if (!is_gguf) GRT_TRY(refuse_variants(metadata, err));
    GRT_TRY(read_pooling(network, checkpoint, err));
    GRT_TRY(grt_encoder_split_heads(network, checkpoint, err));
    if (network->head_size % 2 != 0)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: heads of %zu values cannot be rotated",
                 metadata->source, network->head_size);
    GRT_TRY(grt_encoder_need_one_label(
        checkpoint, is_gguf ? "cls.output.weight" : "classifier.weight", err));
    GRT_TRY(grt_encoder_count_rows(&network->vocab_size, checkpoint, words,
                                   GRT_MAX_VOCABULARY, err));
    GRT_TRY(grt_bind_embedding(network, checkpoint, words, err));
    GRT_TRY(grt_bind_fixed(network, checkpoint, EMBEDDING_NORM,
                           is_gguf ? "token_embd_norm.weight"
                                   : "model.embeddings.norm.weight",
                           network->hidden_size, 0, GRT_PART_EMBEDDING, err));
    float *zeros;
    GRT_TRY(grt_arena_alloc(&network->arena, &zeros, network->hidden_size,
                            sizeof(*zeros), err));
    network->fixed[NO_BIAS].values = zeros;
    GRT_TRY(bind_head(network, checkpoint, err));
    GRT_TRY(grt_bind_layers(network, checkpoint, "model.", err));
    for (size_t i = 1; i < network->n_layers; i++)
        if (network->layer_parts[i * N_LAYER_PARTS + ATTENTION_NORM].n_out == 0)
            GRT_FAIL(err, GRT_E_FORMAT, "%s: layer %zu has no attn_norm.weight",
                     checkpoint->path, i);
    return GRT_OK;
}

/* [CLS] query [SEP] document [SEP], no token types. */
static grt_status prompt(grt_prompt *out, const grt_network *network,
                         const grt_tokenizer *tokenizer, const char *instruction,
                         grt_error *err)
{
    static const grt_encoder_pair pair = {"[CLS]", "[SEP]", 1, 0};
    return grt_encoder_prompt(out, network, tokenizer, instruction, &pair, err);
}

static size_t floats_per_row(const grt_network *network)
{
    size_t attention = 4 * network->hidden_size, feed_forward = 2 * network->ffn_size;
    return network->hidden_size + (attention > feed_forward ? attention : feed_forward);
}

static void embed(const grt_network *network, const grt_kernels *kernels,
                  const grt_token_rows *rows, float *hidden, float *scratch)
{
    (void)scratch;
    size_t d = network->hidden_size;
    kernels->layer_norm(hidden, d, hidden, d, network->fixed[EMBEDDING_NORM].values,
                        network->fixed[NO_BIAS].values, network->norm_eps, rows->n_rows,
                        d);
}

/* The workspace with the rotary positions of the layer. */
static grt_workspace positioned(const grt_workspace *workspace, bool is_local)
{
    grt_workspace out = *workspace;
    if (is_local) {
        out.rope_cos = workspace->local_rope_cos;
        out.rope_sin = workspace->local_rope_sin;
    }
    return out;
}

/* Adds attention to x; returns the rows that are left. */
static size_t attend(const grt_network *network, const grt_layer_view *view,
                     const grt_workspace *workspace, const grt_chunk *chunk)
{
    size_t n = chunk->n_rows, d = network->hidden_size;
    bool is_local = network->are_local[view->index];
    float *x = chunk->hidden, *normed = workspace->buffer;
    float *queries = normed + n * d, *keys = queries + n * d, *values = keys + n * d;
    float *attended = values + n * d;
    const float *norm = view->vectors[ATTENTION_NORM];
    const grt_weight *matrices = view->matrices;
    grt_workspace local = positioned(workspace, is_local);

    if (norm)
        grt_block_layer_norm_to(workspace, normed, x, norm,
                                network->fixed[NO_BIAS].values, network->norm_eps, n,
                                d);
    else
        memcpy(normed, x, n * d * sizeof(float));
    grt_block_linear(workspace, &matrices[KEY], NULL, normed, keys, n, 0);
    grt_block_linear(workspace, &matrices[VALUE], NULL, normed, values, n, 0);
    grt_block_norm_rope(network, &local, chunk->positions, n, keys, network->n_heads,
                        NULL);
    size_t m = grt_block_keep_scored(network, chunk, x, d);
    (void)grt_block_keep_scored(network, chunk, normed, d);
    grt_block_keep_positions(network, chunk);
    grt_block_linear(workspace, &matrices[QUERY], NULL, normed, queries, m, 0);
    grt_block_norm_rope(network, &local, chunk->positions, m, queries, network->n_heads,
                        NULL);
    grt_block_local_attention(network, workspace, chunk, queries, keys, values,
                              attended, 0, is_local ? network->window : 0);
    grt_block_linear(workspace, &matrices[OUTPUT], NULL, attended, x, m, 1);
    return m;
}

static void layer(const grt_network *network, const grt_layer_view *view,
                  const grt_workspace *workspace, const grt_chunk *chunk)
{
    size_t d = network->hidden_size, ffn = network->ffn_size;
    size_t m = attend(network, view, workspace, chunk);
    float *x = chunk->hidden, *normed = workspace->buffer;
    float *gate = normed + m * d, *up = gate + m * ffn;
    const grt_weight *matrices = view->matrices;

    grt_block_layer_norm_to(workspace, normed, x, view->vectors[FFN_NORM],
                            network->fixed[NO_BIAS].values, network->norm_eps, m, d);
    grt_block_linear(workspace, &matrices[GATE], NULL, normed, gate, m, 0);
    grt_block_linear(workspace, &matrices[UP], NULL, normed, up, m, 0);
    grt_block_gelu_mul(workspace, gate, up, m, ffn);
    grt_block_linear(workspace, &matrices[DOWN], NULL, gate, x, m, 1);
}

static void head_row(const grt_network *network, const grt_kernels *kernels, float *dst,
                     const float *row)
{
    size_t d = network->hidden_size;
    kernels->layer_norm(dst, d, row, d, network->fixed[FINAL_NORM].values,
                        network->fixed[NO_BIAS].values, network->norm_eps, 1, d);
}

static void logits(const grt_network *network, const grt_workspace *workspace,
                   size_t layer, const float *rows, size_t n, float *out,
                   float *scratch)
{
    (void)layer; /* one head for all */
    size_t d = network->hidden_size;
    const grt_kernels *kernels = workspace->kernels;
    grt_block_head(workspace, &network->fixed[DENSE].weight, NULL, rows, scratch, n);
    kernels->gelu(scratch, n * d);
    kernels->layer_norm(scratch, d, scratch, d, network->fixed[HEAD_NORM].values,
                        network->fixed[NO_BIAS].values, network->norm_eps, n, d);
    grt_block_head(workspace, &network->fixed[CLASSIFIER].weight,
                   network->fixed[CLASSIFIER_BIAS].values, scratch, out, n);
}

const grt_architecture grt_architecture_modernbert = {
    .name = "modernbert",
    .hf_classes = "ModernBertForSequenceClassification",
    .gguf_name = "modern-bert",
    .hf_layer = "layers",
    .layer_parts = layer_parts,
    .n_layer_parts = N_LAYER_PARTS,
    .bind = bind,
    .prompt = prompt,
    .floats_per_row = floats_per_row,
    .embed = embed,
    .layer = layer,
    .head_row = head_row,
    .logits = logits,
};
