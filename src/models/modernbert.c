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

#include "models/blocks/blocks.h"
#include "models/encoder.h"

#include <math.h>
#include <string.h>

/* clang-format off */
enum { QUERY, KEY, VALUE, OUTPUT, ATTENTION_NORM, FFN_NORM, GATE, UP, DOWN, N_LAYER_PARTS };

static const grt_part_spec layer_specs[] = {
    GRT_SLICE(QUERY, "attn.Wqkv.weight", "attn_qkv.weight", HIDDEN, 0, HIDDEN, HIDDEN, HIDDEN),
    GRT_SLICE(KEY, "attn.Wqkv.weight", "attn_qkv.weight", HIDDEN, 1, HIDDEN, HIDDEN, HIDDEN),
    GRT_SLICE(VALUE, "attn.Wqkv.weight", "attn_qkv.weight", HIDDEN, 2, HIDDEN, HIDDEN, HIDDEN),
    GRT_PART(OUTPUT, "attn.Wo.weight", "attn_output.weight", HIDDEN, HIDDEN),
    {.part = ATTENTION_NORM, .name = {"attn_norm.weight", "attn_norm.weight"},
     .n_out = GRT_EXTENT_HIDDEN, .need = GRT_NEED_NOT_FIRST},
    GRT_PART(FFN_NORM, "mlp_norm.weight", "ffn_norm.weight", HIDDEN, NONE),
    GRT_SLICE(GATE, "mlp.Wi.weight", "ffn_up.weight", HIDDEN, 0, FFN, FFN, NONE), /* the half under GELU */
    GRT_SLICE(UP, "mlp.Wi.weight", "ffn_up.weight", HIDDEN, 1, FFN, FFN, NONE),
    GRT_PART(DOWN, "mlp.Wo.weight", "ffn_down.weight", HIDDEN, FFN),
};
GRT_LAYER_PARTS_FIT(N_LAYER_PARTS);

/* NO_BIAS: zeros, for norms. */
enum { FINAL_NORM, DENSE, HEAD_NORM, EMBEDDING_NORM, CLASSIFIER, CLASSIFIER_BIAS, NO_BIAS,
       N_FIXED_PARTS };
_Static_assert((int)N_FIXED_PARTS <= (int)GRT_MAX_FIXED_PARTS, "more parts than a network has");

static const grt_part_spec head_specs[] = {
    GRT_PART(FINAL_NORM, "final_norm.weight", "output_norm.weight", HIDDEN, NONE),
    GRT_PART(DENSE, "head.dense.weight", "cls.weight", HIDDEN, HIDDEN),
    GRT_PART(HEAD_NORM, "head.norm.weight", "cls.norm.weight", HIDDEN, NONE),
};
static const grt_part_spec embedding_specs[] = {
    GRT_PART(EMBEDDING_NORM, "embeddings.norm.weight", "token_embd_norm.weight", HIDDEN, NONE),
};
/* clang-format on */

/* Rotary positions of layers that see all, and of local ones. */
enum { GLOBAL_ROPE, LOCAL_ROPE, MAX_POSITIONS = 1 << 20 };

static grt_status read_numbers(grt_binder *binder, grt_error *err)
{
    static const grt_name eps_name = {"norm_eps", "attention.layer_norm_epsilon"};
    static const grt_name theta_name = {"global_rope_theta", "rope.freq_base"};
    static const grt_name local_name = {"local_rope_theta", "rope.freq_base_swa"};
    double eps = 1e-5, theta = 160000.0, local_theta = 10000.0;
    GRT_TRY(grt_bind_sizes(binder, MAX_POSITIONS, NULL, err));
    (void)grt_key_number(binder, eps_name, &eps);
    (void)grt_key_number(binder, theta_name, &theta);
    (void)grt_key_number(binder, local_name, &local_theta);
    binder->network->norm_eps = (float)eps;
    GRT_TRY(grt_bind_rope(binder, theta, NULL, err));
    return grt_bind_rope(binder, local_theta, NULL, err);
}

/* Which layers are local: all but each period-th, from layer 0 on, or as a list of
 * flags says. */
static grt_status read_windows(grt_binder *binder, grt_error *err)
{
    static const grt_name window_name = {"local_attention", "attention.sliding_window"};
    static const grt_name period_name = {"global_attn_every_n_layers",
                                         "attention.sliding_window_pattern"};
    const grt_network *network = binder->network;
    uint64_t window = 128, period = 3;
    GRT_TRY(grt_key_want(binder, window_name, 2, 1u << 24, &window, err));
    const grt_meta_value *pattern = grt_key_get(binder, period_name);
    bool is_list = pattern && pattern->is_array;
    if (is_list && (pattern->n != network->n_layers ||
                    (pattern->type != GRT_META_BOOL && pattern->type != GRT_META_INT)))
        GRT_FAIL(err, GRT_E_FORMAT, "%s: %s is not one flag for each of %zu layers",
                 binder->checkpoint->metadata.source, binder->key, network->n_layers);
    if (!is_list)
        GRT_TRY(grt_key_want(binder, period_name, 1, GRT_MAX_LAYERS, &period, err));
    grt_layer_kind *kinds, kind = {.scale = 1.0f / sqrtf((float)network->head_size)};
    GRT_TRY(grt_bind_kinds(binder, kind, &kinds, err));
    for (size_t i = 0; i < network->n_layers; i++) {
        bool is_local = is_list ? pattern->ints[i] != 0 : i % period != 0;
        if (!is_local) continue;
        kinds[i].window = (size_t)window / 2; /* the config counts both sides */
        kinds[i].rope = LOCAL_ROPE;
    }
    return GRT_OK;
}

/* What a config may ask for that this graph does not compute. */
static grt_status refuse_variants(grt_binder *binder, grt_error *err)
{
    static const grt_name activations[] = {{"hidden_activation", NULL},
                                           {"classifier_activation", NULL}};
    static const grt_name flags[] = {{"norm_bias", NULL},
                                     {"attention_bias", NULL},
                                     {"mlp_bias", NULL},
                                     {"classifier_bias", NULL}};
    for (size_t i = 0; i < 2; i++)
        GRT_TRY(grt_key_allow(binder, activations[i], "gelu", err));
    for (size_t i = 0; i < 4; i++)
        GRT_TRY(grt_key_refuse_flag(binder, flags[i], err));
    return GRT_OK;
}

/* Of a GGUF 2: the first token; 1 and 4 ("rank"): the mean, as llama.cpp has it. */
static grt_status read_pooling(grt_binder *binder, grt_error *err)
{
    static const grt_name words = {"classifier_pooling", NULL};
    static const grt_name number = {NULL, "pooling_type"};
    grt_text pooling = {"cls", 3};
    uint64_t kind = 4;
    GRT_TRY(grt_key_allow(binder, words, "cls mean", err));
    (void)grt_key_text(binder, words, &pooling);
    GRT_TRY(grt_key_want(binder, number, 0, 100, &kind, err));
    binder->network->reads_mean = binder->is_gguf ? kind != 2 : pooling.data[0] == 'm';
    return GRT_OK;
}

static grt_status bind(grt_binder *binder, grt_error *err)
{
    static const grt_name classifier = {"classifier.weight", "cls.output.weight"};
    static const grt_name bias = {"classifier.bias", "cls.output.bias"};
    grt_network *network = binder->network;
    GRT_TRY(read_numbers(binder, err));
    GRT_TRY(read_windows(binder, err));
    GRT_TRY(refuse_variants(binder, err));
    GRT_TRY(read_pooling(binder, err));
    GRT_TRY(grt_encoder_bind_classifier(
        binder, CLASSIFIER, classifier, bias,
        network->reads_mean ? "mean of all tokens, dense layer, GELU and norm"
                            : "first token, dense layer, GELU and norm",
        err));
    GRT_TRY(grt_bind_embedding(binder, err));
    GRT_TRY(grt_bind_fixed_table(binder, embedding_specs, 1, GRT_PART_EMBEDDING, err));
    float *zeros;
    GRT_TRY(grt_arena_alloc(&network->arena, &zeros, network->hidden_size,
                            sizeof(*zeros), err));
    network->fixed[NO_BIAS].values = zeros;
    GRT_TRY(grt_bind_fixed_table(binder, head_specs, 3, GRT_PART_HEAD, err));
    return grt_bind_layers(binder, err);
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

/* Adds attention to x; returns the rows that are left. */
static size_t attend(const grt_network *network, const grt_layer_view *view,
                     const grt_workspace *workspace, const grt_chunk *chunk)
{
    size_t n = chunk->n_rows, d = network->hidden_size;
    float *x = chunk->hidden, *normed = workspace->buffer;
    float *queries = normed + n * d, *keys = queries + n * d, *values = keys + n * d;
    float *attended = values + n * d;
    const float *norm = view->vectors[ATTENTION_NORM];
    const grt_weight *matrices = view->matrices;
    grt_turn turn = {
        .kind = view->kind, .positions = chunk->positions, .n_heads = network->n_heads};

    if (norm)
        grt_block_layer_norm_to(workspace, normed, x, norm,
                                network->fixed[NO_BIAS].values, network->norm_eps, n,
                                d);
    else
        memcpy(normed, x, n * d * sizeof(float));
    grt_block_linear(workspace, &matrices[KEY], NULL, normed, keys, n, 0);
    grt_block_linear(workspace, &matrices[VALUE], NULL, normed, values, n, 0);
    grt_block_turn(network, workspace, &turn, keys, n);
    size_t m = grt_block_keep_scored(network, chunk, x, d);
    (void)grt_block_keep_scored(network, chunk, normed, d);
    grt_block_keep_positions(network, chunk);
    grt_block_linear(workspace, &matrices[QUERY], NULL, normed, queries, m, 0);
    grt_block_turn(network, workspace, &turn, queries, m);
    grt_block_attention(network, workspace, view->kind, chunk, queries, keys, values,
                        attended, 0);
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
    .layers = {"layers", "blk"},
    .embedding = {"embeddings.tok_embeddings.weight", "token_embd.weight"},
    .layer_specs = layer_specs,
    .n_layer_specs = sizeof(layer_specs) / sizeof(layer_specs[0]),
    .n_layer_parts = N_LAYER_PARTS,
    .bind = bind,
    .prompt = prompt,
    .floats_per_row = floats_per_row,
    .embed = embed,
    .layer = layer,
    .head_row = head_row,
    .logits = logits,
};
