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
    GRT_TRY(grt_key_epsilon(binder, eps_name, &eps, err));
    GRT_TRY(grt_key_plain_rope(binder, err));
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
    grt_bind_values(network, NO_BIAS, zeros, network->hidden_size, 0);
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

/* A layer norm without a bias. */
static void norm_rows(const grt_network *network, grt_device *device, grt_rows dst,
                      grt_rows x, size_t n_rows, const grt_weight *weight)
{
    grt_op_layer_norm(device, dst, x, n_rows, weight, &network->fixed[NO_BIAS],
                      network->norm_eps);
}

static void embed(const grt_network *network, grt_device *device,
                  const grt_token_rows *rows, grt_rows hidden)
{
    norm_rows(network, device, hidden, hidden, rows->n_rows,
              &network->fixed[EMBEDDING_NORM]);
}

/* Adds attention to x; returns the rows that are left. */
static size_t attend(const grt_network *network, const grt_layer_view *view,
                     const grt_workspace *workspace, const grt_chunk *chunk)
{
    size_t n = chunk->n_rows;
    grt_device *device = workspace->device;
    const grt_weight *parts = view->parts;
    grt_rows x = chunk->hidden;
    grt_space space = grt_space_of(workspace->memory);
    grt_rows normed = grt_space_take(&space, n, network->hidden_size);
    grt_attended rows = grt_attended_take(&space, network, n);
    grt_turn turn = {
        .kind = view->kind, .positions = chunk->positions, .n_heads = network->n_heads};

    if (grt_weight_is_there(&parts[ATTENTION_NORM]))
        norm_rows(network, device, normed, x, n, &parts[ATTENTION_NORM]);
    else
        grt_op_copy(device, normed, x, n);
    grt_op_linear(device, GRT_LINEAR_SET, rows.keys, normed, n, &parts[KEY], NULL);
    grt_op_linear(device, GRT_LINEAR_SET, rows.values, normed, n, &parts[VALUE], NULL);
    grt_block_turn(network, workspace, &turn, rows.keys, n);
    size_t m = grt_block_keep_scored(device, chunk, x);
    (void)grt_block_keep_scored(device, chunk, normed);
    grt_block_keep_positions(chunk);
    grt_op_linear(device, GRT_LINEAR_SET, rows.queries, normed, m, &parts[QUERY], NULL);
    grt_block_turn(network, workspace, &turn, rows.queries, m);
    grt_block_attention(network, workspace, view->kind, chunk, &rows);
    grt_op_linear(device, GRT_LINEAR_ADD, x, rows.out, m, &parts[OUTPUT], NULL);
    return m;
}

static void layer(const grt_network *network, const grt_layer_view *view,
                  const grt_workspace *workspace, const grt_chunk *chunk)
{
    size_t m = attend(network, view, workspace, chunk);
    grt_device *device = workspace->device;
    const grt_weight *parts = view->parts;
    grt_rows x = chunk->hidden;
    grt_space space = grt_space_of(workspace->memory);
    grt_rows normed = grt_space_take(&space, m, network->hidden_size);
    grt_rows gate = grt_space_take(&space, m, network->ffn_size);
    grt_rows up = grt_space_take(&space, m, network->ffn_size);

    norm_rows(network, device, normed, x, m, &parts[FFN_NORM]);
    grt_op_linear(device, GRT_LINEAR_SET, gate, normed, m, &parts[GATE], NULL);
    grt_op_linear(device, GRT_LINEAR_SET, up, normed, m, &parts[UP], NULL);
    grt_op_gate(device, GRT_ACTIVATION_GELU, gate, up, m);
    grt_op_linear(device, GRT_LINEAR_ADD, x, gate, m, &parts[DOWN], NULL);
}

static void head_rows(const grt_network *network, grt_device *device, grt_rows dst,
                      grt_rows rows, size_t n_rows)
{
    norm_rows(network, device, dst, rows, n_rows, &network->fixed[FINAL_NORM]);
}

static grt_status logits(const grt_network *network, grt_device *device, size_t layer,
                         grt_rows rows, size_t n, float *out, grt_space scratch,
                         grt_error *err)
{
    (void)layer; /* one head for all */
    const grt_weight *fixed = network->fixed;
    grt_rows inner = grt_space_take(&scratch, n, network->hidden_size);
    grt_rows found = grt_space_take(&scratch, n, 1);
    grt_op_linear(device, GRT_LINEAR_PRECISE, inner, rows, n, &fixed[DENSE], NULL);
    grt_op_activate(device, GRT_ACTIVATION_GELU, inner, n);
    norm_rows(network, device, inner, inner, n, &fixed[HEAD_NORM]);
    grt_op_linear(device, GRT_LINEAR_PRECISE, found, inner, n, &fixed[CLASSIFIER],
                  &fixed[CLASSIFIER_BIAS]);
    return grt_op_download(device, found, n, out, err);
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
    .head_rows = head_rows,
    .logits = logits,
};
