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

#include "models/blocks/blocks.h"
#include "models/encoder.h"

#include <math.h>

/* clang-format off */
enum { QUERY, QUERY_BIAS, KEY, KEY_BIAS, VALUE, VALUE_BIAS, OUTPUT, OUTPUT_BIAS,
       ATTENTION_NORM, ATTENTION_NORM_BIAS, UP, UP_BIAS, DOWN, DOWN_BIAS,
       FFN_NORM, FFN_NORM_BIAS, N_LAYER_PARTS };

/* Query, key and value may be one tensor; jina-reranker-v2 has its own names. */
static const grt_part_spec layer_specs[] = {
    GRT_PART(QUERY, "attention.self.query.weight", "attn_q.weight", HIDDEN, HIDDEN),
    GRT_PART(QUERY_BIAS, "attention.self.query.bias", "attn_q.bias", HIDDEN, NONE),
    GRT_PART(KEY, "attention.self.key.weight", "attn_k.weight", HIDDEN, HIDDEN),
    GRT_PART(KEY_BIAS, "attention.self.key.bias", "attn_k.bias", HIDDEN, NONE),
    GRT_PART(VALUE, "attention.self.value.weight", "attn_v.weight", HIDDEN, HIDDEN),
    GRT_PART(VALUE_BIAS, "attention.self.value.bias", "attn_v.bias", HIDDEN, NONE),
    GRT_PART(OUTPUT, "attention.output.dense.weight", "attn_output.weight", HIDDEN, HIDDEN),
    GRT_PART(OUTPUT_BIAS, "attention.output.dense.bias", "attn_output.bias", HIDDEN, NONE),
    GRT_PART(ATTENTION_NORM, "attention.output.LayerNorm.weight", "attn_output_norm.weight", HIDDEN, NONE),
    GRT_PART(ATTENTION_NORM_BIAS, "attention.output.LayerNorm.bias", "attn_output_norm.bias", HIDDEN, NONE),
    GRT_PART(UP, "intermediate.dense.weight", "ffn_up.weight", FFN, HIDDEN),
    GRT_PART(UP_BIAS, "intermediate.dense.bias", "ffn_up.bias", FFN, NONE),
    GRT_PART(DOWN, "output.dense.weight", "ffn_down.weight", HIDDEN, FFN),
    GRT_PART(DOWN_BIAS, "output.dense.bias", "ffn_down.bias", HIDDEN, NONE),
    GRT_PART(FFN_NORM, "output.LayerNorm.weight", "layer_output_norm.weight", HIDDEN, NONE),
    GRT_PART(FFN_NORM_BIAS, "output.LayerNorm.bias", "layer_output_norm.bias", HIDDEN, NONE),
    GRT_SLICE(QUERY, "mixer.Wqkv.weight", "attn_qkv.weight", HIDDEN, 0, HIDDEN, HIDDEN, HIDDEN),
    GRT_SLICE(QUERY_BIAS, "mixer.Wqkv.bias", "attn_qkv.bias", NONE, 0, HIDDEN, HIDDEN, HIDDEN),
    GRT_SLICE(KEY, "mixer.Wqkv.weight", "attn_qkv.weight", HIDDEN, 1, HIDDEN, HIDDEN, HIDDEN),
    GRT_SLICE(KEY_BIAS, "mixer.Wqkv.bias", "attn_qkv.bias", NONE, 1, HIDDEN, HIDDEN, HIDDEN),
    GRT_SLICE(VALUE, "mixer.Wqkv.weight", "attn_qkv.weight", HIDDEN, 2, HIDDEN, HIDDEN, HIDDEN),
    GRT_SLICE(VALUE_BIAS, "mixer.Wqkv.bias", "attn_qkv.bias", NONE, 2, HIDDEN, HIDDEN, HIDDEN),
    GRT_PART(OUTPUT, "mixer.out_proj.weight", NULL, HIDDEN, HIDDEN),
    GRT_PART(OUTPUT_BIAS, "mixer.out_proj.bias", NULL, HIDDEN, NONE),
    GRT_PART(ATTENTION_NORM, "norm1.weight", NULL, HIDDEN, NONE),
    GRT_PART(ATTENTION_NORM_BIAS, "norm1.bias", NULL, HIDDEN, NONE),
    GRT_PART(UP, "mlp.fc1.weight", NULL, FFN, HIDDEN),
    GRT_PART(UP_BIAS, "mlp.fc1.bias", NULL, FFN, NONE),
    GRT_PART(DOWN, "mlp.fc2.weight", NULL, HIDDEN, FFN),
    GRT_PART(DOWN_BIAS, "mlp.fc2.bias", NULL, HIDDEN, NONE),
    GRT_PART(FFN_NORM, "norm2.weight", NULL, HIDDEN, NONE),
    GRT_PART(FFN_NORM_BIAS, "norm2.bias", NULL, HIDDEN, NONE),
};
enum { N_LAYER_SPECS = sizeof(layer_specs) / sizeof(layer_specs[0]) };
GRT_LAYER_PARTS_FIT(N_LAYER_PARTS);

enum { POSITIONS, TYPES, EMBEDDING_NORM, EMBEDDING_NORM_BIAS, DENSE, DENSE_BIAS, CLASSIFIER,
       CLASSIFIER_BIAS, WIDEN, WIDEN_BIAS, N_FIXED_PARTS };
_Static_assert((int)N_FIXED_PARTS <= (int)GRT_MAX_FIXED_PARTS, "more parts than a network has");

static const grt_name positions_name = {"embeddings.position_embeddings.weight", "position_embd.weight"};
static const grt_name types_name = {"embeddings.token_type_embeddings.weight", "token_types.weight"};
static const grt_part_spec embedding_specs[] = {
    GRT_PART(POSITIONS, "embeddings.position_embeddings.weight", "position_embd.weight", POSITIONS, EMBEDDING),
    GRT_PART(TYPES, "embeddings.token_type_embeddings.weight", "token_types.weight", TYPES, EMBEDDING),
    GRT_PART(EMBEDDING_NORM, "embeddings.LayerNorm.weight", "token_embd_norm.weight", EMBEDDING, NONE),
    GRT_PART(EMBEDDING_NORM_BIAS, "embeddings.LayerNorm.bias", "token_embd_norm.bias", EMBEDDING, NONE),
    GRT_PART(EMBEDDING_NORM, "emb_ln.weight", NULL, EMBEDDING, NONE),
    GRT_PART(EMBEDDING_NORM_BIAS, "emb_ln.bias", NULL, EMBEDDING, NONE),
};
/* Where embeddings are narrower. */
static const grt_part_spec widen_specs[] = {
    GRT_PART(WIDEN, "embeddings_project.weight", NULL, HIDDEN, EMBEDDING),
    GRT_PART(WIDEN_BIAS, "embeddings_project.bias", NULL, HIDDEN, NONE),
};
/* clang-format on */

/* What is said of a head of the family. */
typedef struct bert_head {
    grt_name dense, dense_bias, classifier, classifier_bias;
    const char *text;
} bert_head;
static const bert_head head_of_bert = {{"pooler.dense.weight", "cls.weight"},
                                       {"pooler.dense.bias", "cls.bias"},
                                       {"classifier.weight", "cls.output.weight"},
                                       {"classifier.bias", "cls.output.bias"},
                                       "pooler (dense, tanh) of the first token"};
static const bert_head head_of_roberta = {
    {"classifier.dense.weight", "cls.weight"},
    {"classifier.dense.bias", "cls.bias"},
    {"classifier.out_proj.weight", "cls.output.weight"},
    {"classifier.out_proj.bias", "cls.output.bias"},
    "dense layer and tanh on the first token"};
static const bert_head head_of_electra = {{"classifier.dense.weight", NULL},
                                          {"classifier.dense.bias", NULL},
                                          {"classifier.out_proj.weight", NULL},
                                          {"classifier.out_proj.bias", NULL},
                                          "dense layer and GELU on the first token"};

/* Numbers of one model: network->own. */
typedef struct bert_numbers {
    size_t first_position; /* row of the position table of a sequence's first token */
} bert_numbers;

enum { MAX_POSITIONS = 1 << 20, MAX_TYPES = 1024 };

static grt_status read_numbers(grt_binder *binder, grt_error *err)
{
    static const grt_name types_key = {"type_vocab_size", NULL};
    static const grt_name eps_name = {"layer_norm_eps", "attention.layer_norm_epsilon"};
    static const grt_name activation = {"hidden_act", NULL};
    static const grt_name kind_of_positions = {"position_embedding_type", NULL};
    grt_network *network = binder->network;
    uint64_t *sizes = binder->sizes, types = 2;
    GRT_TRY(grt_bind_sizes(binder, MAX_POSITIONS, NULL, err));
    GRT_TRY(grt_key_allow(binder, activation, "gelu", err));
    GRT_TRY(grt_key_allow(binder, kind_of_positions, "absolute", err));
    GRT_TRY(grt_key_want(binder, types_key, 1, MAX_TYPES, &types, err));
    sizes[GRT_EXTENT_TYPES] = types;
    if (binder->is_gguf) {
        /* of RoBERTa converters leave the rows before the first position away, and not
         * all of them lower the context length by as much */
        GRT_TRY(grt_bind_rows(binder, GRT_EXTENT_TYPES, types_name, MAX_TYPES, err));
        GRT_TRY(grt_bind_rows(binder, GRT_EXTENT_POSITIONS, positions_name,
                              MAX_POSITIONS, err));
        if (network->max_tokens > sizes[GRT_EXTENT_POSITIONS])
            network->max_tokens = (size_t)sizes[GRT_EXTENT_POSITIONS];
    }
    double eps = 1e-12;
    GRT_TRY(grt_key_epsilon(binder, eps_name, &eps, err));
    network->norm_eps = (float)eps;
    grt_layer_kind kind = {.scale = 1.0f / sqrtf((float)network->head_size)};
    return grt_bind_kinds(binder, kind, NULL, err);
}

static grt_status bind_head(grt_binder *binder, const bert_head *head, grt_error *err)
{
    uint64_t d = binder->network->hidden_size;
    GRT_TRY(grt_encoder_bind_classifier(binder, CLASSIFIER, head->classifier,
                                        head->classifier_bias, head->text, err));
    if (binder->network->fixed_shapes[CLASSIFIER_BIAS].n_out == 0)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: tensor %s is missing",
                 binder->checkpoint->path,
                 grt_tensor_name(binder, head->classifier_bias));
    if (binder->is_gguf && !grt_tensor_find(binder, head->dense))
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "%s: the pooler (cls.weight) was lost when this GGUF was made, so its "
                 "scores would be wrong; use the safetensors files",
                 binder->checkpoint->path);
    GRT_TRY(grt_bind_fixed(binder, DENSE, head->dense, d, d, GRT_PART_HEAD, err));
    return grt_bind_fixed(binder, DENSE_BIAS, head->dense_bias, d, 0, GRT_PART_HEAD,
                          err);
}

/* What follows the numbers. */
static grt_status bind_tensors(grt_binder *binder, const bert_head *head,
                               size_t first_position, grt_error *err)
{
    grt_network *network = binder->network;
    bert_numbers *numbers;
    GRT_TRY(grt_arena_alloc(&network->arena, &numbers, 1, sizeof(*numbers), err));
    numbers->first_position = first_position;
    network->own = numbers;
    size_t n = sizeof(embedding_specs) / sizeof(embedding_specs[0]);
    GRT_TRY(grt_bind_embedding(binder, err));
    GRT_TRY(grt_bind_fixed_table(binder, embedding_specs, n, GRT_PART_EMBEDDING, err));
    GRT_TRY(bind_head(binder, head, err));
    return grt_bind_layers(binder, err);
}

static grt_status bind_bert(grt_binder *binder, grt_error *err)
{
    GRT_TRY(read_numbers(binder, err));
    if (binder->sizes[GRT_EXTENT_TYPES] < 2)
        GRT_FAIL(err, GRT_E_UNSUPPORTED, "%s: one token type only; BERT pairs need two",
                 binder->checkpoint->path);
    return bind_tensors(binder, &head_of_bert, 0, err);
}

static grt_status bind_roberta(grt_binder *binder, grt_error *err)
{
    static const grt_name pad_name = {"pad_token_id", NULL};
    uint64_t pad = 1;
    GRT_TRY(read_numbers(binder, err));
    if (binder->is_gguf) return bind_tensors(binder, &head_of_roberta, 0, err);
    GRT_TRY(grt_key_want(binder, pad_name, 0, GRT_MAX_VOCABULARY, &pad, err));
    size_t first = (size_t)pad + 1, n = (size_t)binder->sizes[GRT_EXTENT_POSITIONS];
    if (n < first + 4)
        GRT_FAIL(err, GRT_E_FORMAT,
                 "%s: %zu positions, of which the first %zu are not used",
                 binder->checkpoint->metadata.source, n, first);
    binder->network->max_tokens = n - first;
    return bind_tensors(binder, &head_of_roberta, first, err);
}

static grt_status bind_electra(grt_binder *binder, grt_error *err)
{
    static const grt_name width_name = {"embedding_size", NULL};
    grt_network *network = binder->network;
    GRT_TRY(read_numbers(binder, err));
    uint64_t d = network->hidden_size, width = d;
    GRT_TRY(grt_key_want(binder, width_name, 1, d, &width, err));
    network->embedding_size = (size_t)width;
    binder->sizes[GRT_EXTENT_EMBEDDING] = width;
    if (width < d)
        GRT_TRY(grt_bind_fixed_table(binder, widen_specs, 2, GRT_PART_EMBEDDING, err));
    return bind_tensors(binder, &head_of_electra, 0, err);
}

/* GGUF calls all of them "bert"; RoBERTa's vocabularies begin texts with <s>. */
static bool is_roberta(const grt_tokenizer *tokenizer)
{
    return grt_tokenizer_id(tokenizer, "[CLS]", 5) == GRT_NO_TOKEN &&
           grt_tokenizer_id(tokenizer, "<s>", 3) != GRT_NO_TOKEN;
}

static bool is_bert(const grt_tokenizer *tokenizer)
{
    return !is_roberta(tokenizer);
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

/* ---- Arithmetic ---- */

static size_t floats_per_row(const grt_network *network)
{
    size_t attention = 4 * network->hidden_size;
    return attention > network->ffn_size ? attention : network->ffn_size;
}

static void add_types(const grt_network *network, grt_device *device,
                      const grt_token_rows *rows, grt_rows hidden)
{
    enum { AT_ONCE = 256 };
    uint32_t ids[AT_ONCE];
    for (size_t first = 0; first < rows->n_rows; first += AT_ONCE) {
        size_t n = rows->n_rows - first < AT_ONCE ? rows->n_rows - first : AT_ONCE;
        for (size_t i = 0; i < n; i++)
            ids[i] = rows->types[first + i];
        grt_op_embed(device, grt_rows_from(hidden, first), &network->fixed[TYPES], ids,
                     n);
    }
}

static void embed(const grt_network *network, grt_device *device,
                  const grt_token_rows *rows, grt_rows hidden)
{
    const bert_numbers *numbers = network->own;
    grt_weight positions = grt_weight_rows(
        &network->fixed[POSITIONS], numbers->first_position, network->max_tokens);
    grt_rows narrow = grt_rows_columns(hidden, 0, network->embedding_size);
    grt_op_embed(device, narrow, &positions, rows->positions, rows->n_rows);
    add_types(network, device, rows, narrow);
    grt_op_layer_norm(device, narrow, narrow, rows->n_rows,
                      &network->fixed[EMBEDDING_NORM],
                      &network->fixed[EMBEDDING_NORM_BIAS], network->norm_eps);
}

static void widen(const grt_network *network, const grt_workspace *workspace,
                  grt_rows hidden, size_t n_rows)
{
    size_t width = network->embedding_size;
    if (width == network->hidden_size) return;
    grt_space space = grt_space_of(workspace->memory);
    grt_rows narrow = grt_space_take(&space, n_rows, width);
    grt_op_copy(workspace->device, narrow, grt_rows_columns(hidden, 0, width), n_rows);
    grt_op_linear(workspace->device, GRT_LINEAR_SET, hidden, narrow, n_rows,
                  &network->fixed[WIDEN], &network->fixed[WIDEN_BIAS]);
}

static void layer(const grt_network *network, const grt_layer_view *view,
                  const grt_workspace *workspace, const grt_chunk *chunk)
{
    size_t n = chunk->n_rows;
    float eps = network->norm_eps;
    grt_device *device = workspace->device;
    const grt_weight *parts = view->parts;
    grt_rows x = chunk->hidden;
    grt_space space = grt_space_of(workspace->memory);
    grt_attended rows = grt_attended_take(&space, network, n);

    grt_op_linear(device, GRT_LINEAR_SET, rows.keys, x, n, &parts[KEY],
                  &parts[KEY_BIAS]);
    grt_op_linear(device, GRT_LINEAR_SET, rows.values, x, n, &parts[VALUE],
                  &parts[VALUE_BIAS]);
    size_t m = grt_block_keep_scored(device, chunk, x);
    grt_op_linear(device, GRT_LINEAR_SET, rows.queries, x, m, &parts[QUERY],
                  &parts[QUERY_BIAS]);
    grt_block_attention(network, workspace, view->kind, chunk, &rows);
    grt_op_linear(device, GRT_LINEAR_ADD, x, rows.out, m, &parts[OUTPUT],
                  &parts[OUTPUT_BIAS]);
    grt_op_layer_norm(device, x, x, m, &parts[ATTENTION_NORM],
                      &parts[ATTENTION_NORM_BIAS], eps);

    space = grt_space_of(workspace->memory);
    grt_rows inner = grt_space_take(&space, m, network->ffn_size);
    grt_op_linear(device, GRT_LINEAR_SET, inner, x, m, &parts[UP], &parts[UP_BIAS]);
    grt_op_activate(device, GRT_ACTIVATION_GELU, inner, m);
    grt_op_linear(device, GRT_LINEAR_ADD, x, inner, m, &parts[DOWN], &parts[DOWN_BIAS]);
    grt_op_layer_norm(device, x, x, m, &parts[FFN_NORM], &parts[FFN_NORM_BIAS], eps);
}

/* Dense layer, activation, classifier. */
static grt_status classify(const grt_network *network, grt_device *device,
                           grt_activation activation, grt_rows rows, size_t n,
                           float *out, grt_space scratch, grt_error *err)
{
    const grt_weight *fixed = network->fixed;
    grt_rows inner = grt_space_take(&scratch, n, network->hidden_size);
    grt_rows logits = grt_space_take(&scratch, n, 1);
    grt_op_linear(device, GRT_LINEAR_PRECISE, inner, rows, n, &fixed[DENSE],
                  &fixed[DENSE_BIAS]);
    grt_op_activate(device, activation, inner, n);
    grt_op_linear(device, GRT_LINEAR_PRECISE, logits, inner, n, &fixed[CLASSIFIER],
                  &fixed[CLASSIFIER_BIAS]);
    return grt_op_download(device, logits, n, out, err);
}

static grt_status tanh_logits(const grt_network *network, grt_device *device,
                              size_t layer, grt_rows rows, size_t n, float *out,
                              grt_space scratch, grt_error *err)
{
    (void)layer; /* one head for all */
    return classify(network, device, GRT_ACTIVATION_TANH, rows, n, out, scratch, err);
}

static grt_status gelu_logits(const grt_network *network, grt_device *device,
                              size_t layer, grt_rows rows, size_t n, float *out,
                              grt_space scratch, grt_error *err)
{
    (void)layer;
    return classify(network, device, GRT_ACTIVATION_GELU, rows, n, out, scratch, err);
}

/* clang-format off */
#define BERT_LAYERS                                                                     \
    .layers = {"encoder.layer encoder.layers", "blk"},                                  \
    .embedding = {"embeddings.word_embeddings.weight", "token_embd.weight"},            \
    .layer_specs = layer_specs, .n_layer_specs = N_LAYER_SPECS,                         \
    .n_layer_parts = N_LAYER_PARTS, .floats_per_row = floats_per_row, .embed = embed,   \
    .layer = layer
/* clang-format on */

const grt_architecture grt_architecture_bert = {
    .name = "bert",
    .hf_classes = "BertForSequenceClassification",
    .gguf_name = "bert",
    .fits_tokenizer = is_bert,
    BERT_LAYERS,
    .bind = bind_bert,
    .prompt = bert_prompt,
    .logits = tanh_logits,
};

const grt_architecture grt_architecture_roberta = {
    .name = "roberta",
    .hf_classes =
        "XLMRobertaForSequenceClassification RobertaForSequenceClassification "
        "CamembertForSequenceClassification",
    .gguf_name = "bert", /* told from BERT by its vocabulary */
    .fits_tokenizer = is_roberta,
    BERT_LAYERS,
    .bind = bind_roberta,
    .prompt = roberta_prompt,
    .logits = tanh_logits,
};

const grt_architecture grt_architecture_electra = {
    .name = "electra",
    .hf_classes = "ElectraForSequenceClassification",
    BERT_LAYERS,
    .bind = bind_electra,
    .prompt = bert_prompt,
    .widen = widen,
    .logits = gelu_logits,
};
