/* qwen3.c - Qwen3 rerankers: a causal decoder that answers "yes" or "no".
 *
 * Qwen3 technical report, arXiv 2505.09388, and the model card of Qwen3-Reranker.  Each
 * layer: RMS norm, grouped-query attention with a norm on every query and key head and
 * rotary positions, add, RMS norm, SwiGLU feed-forward, add.  The logit is the
 * difference of two rows of the output matrix at the last token, "yes" minus "no", so
 * only their difference vector is kept; sequence-classification variants bring that
 * vector as score.weight. */
#include "models/architectures.h"

#include "models/bind.h"
#include "models/blocks/blocks.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
enum { ATTENTION_NORM, QUERY, KEY, VALUE, OUTPUT, QUERY_NORM, KEY_NORM, FFN_NORM, GATE, UP,
       DOWN, N_LAYER_PARTS };

static const grt_part_spec layer_parts[N_LAYER_PARTS] = {
#define H GRT_EXTENT_HIDDEN
#define F GRT_EXTENT_FFN
#define Q GRT_EXTENT_QUERIES
#define K GRT_EXTENT_KEYS
#define V GRT_EXTENT_NONE
    [ATTENTION_NORM] = {"input_layernorm.weight", "attn_norm.weight", H, V},
    [QUERY] = {"self_attn.q_proj.weight", "attn_q.weight", Q, H},
    [KEY] = {"self_attn.k_proj.weight", "attn_k.weight", K, H},
    [VALUE] = {"self_attn.v_proj.weight", "attn_v.weight", K, H},
    [OUTPUT] = {"self_attn.o_proj.weight", "attn_output.weight", H, Q},
    [QUERY_NORM] = {"self_attn.q_norm.weight", "attn_q_norm.weight", GRT_EXTENT_HEAD, V},
    [KEY_NORM] = {"self_attn.k_norm.weight", "attn_k_norm.weight", GRT_EXTENT_HEAD, V},
    [FFN_NORM] = {"post_attention_layernorm.weight", "ffn_norm.weight", H, V},
    [GATE] = {"mlp.gate_proj.weight", "ffn_gate.weight", F, H},
    [UP] = {"mlp.up_proj.weight", "ffn_up.weight", F, H},
    [DOWN] = {"mlp.down_proj.weight", "ffn_down.weight", H, F},
#undef H
#undef F
#undef Q
#undef K
#undef V
};
/* clang-format on */

enum { FINAL_NORM, SCORE }; /* fixed parts; SCORE is [1][hidden] f32 */

/* The reference implementation reads at most this many tokens of a pair. */
enum { REFERENCE_MAX_TOKENS = 8192 };

typedef struct config_keys {
    const char *hidden, *layers, *heads, *kv_heads, *head_size, *ffn, *positions, *eps,
        *theta;
} config_keys;

static const config_keys hf_keys = {"hidden_size",
                                    "num_hidden_layers",
                                    "num_attention_heads",
                                    "num_key_value_heads",
                                    "head_dim",
                                    "intermediate_size",
                                    "max_position_embeddings",
                                    "rms_norm_eps",
                                    "rope_theta"};
static const config_keys gguf_keys = {
    "qwen3.embedding_length",     "qwen3.block_count",
    "qwen3.attention.head_count", "qwen3.attention.head_count_kv",
    "qwen3.attention.key_length", "qwen3.feed_forward_length",
    "qwen3.context_length",       "qwen3.attention.layer_norm_rms_epsilon",
    "qwen3.rope.freq_base"};

static grt_status read_config(grt_network *network, const grt_metadata *metadata,
                              const config_keys *keys, grt_error *err)
{
    uint64_t hidden, layers, heads, kv_heads, head_size, ffn, positions;
    GRT_TRY(grt_metadata_need_u64(metadata, keys->hidden, 1, 65536, &hidden, err));
    GRT_TRY(
        grt_metadata_need_u64(metadata, keys->layers, 1, GRT_MAX_LAYERS, &layers, err));
    GRT_TRY(grt_metadata_need_u64(metadata, keys->heads, 1, 65536, &heads, err));
    kv_heads = heads;
    if (grt_metadata_get(metadata, keys->kv_heads))
        GRT_TRY(
            grt_metadata_need_u64(metadata, keys->kv_heads, 1, heads, &kv_heads, err));
    head_size = hidden / heads;
    if (grt_metadata_get(metadata, keys->head_size))
        GRT_TRY(grt_metadata_need_u64(metadata, keys->head_size, 2, GRT_MAX_HEAD_SIZE,
                                      &head_size, err));
    GRT_TRY(grt_metadata_need_u64(metadata, keys->ffn, 1, 1u << 20, &ffn, err));
    GRT_TRY(grt_metadata_need_u64(metadata, keys->positions, 64, 1u << 24, &positions,
                                  err));
    if (heads % kv_heads != 0 || head_size == 0 || head_size % 2 != 0 ||
        head_size > GRT_MAX_HEAD_SIZE)
        GRT_FAIL(
            err, GRT_E_FORMAT,
            "%s: %llu query heads, %llu key heads of %llu values do not fit together",
            metadata->source, (unsigned long long)heads, (unsigned long long)kv_heads,
            (unsigned long long)head_size);
    double eps = 1e-6, theta = 1e6;
    (void)grt_metadata_get_f64(metadata, keys->eps, &eps);
    (void)grt_metadata_get_f64(metadata, keys->theta, &theta);
    network->hidden_size = hidden;
    network->n_layers = layers;
    network->n_heads = heads;
    network->n_kv_heads = kv_heads;
    network->head_size = head_size;
    network->ffn_size = ffn;
    network->norm_eps = (float)eps;
    network->rope_theta = theta;
    network->max_tokens =
        positions < REFERENCE_MAX_TOKENS ? positions : REFERENCE_MAX_TOKENS;
    return GRT_OK;
}

/* What a config may ask for that this graph does not compute. */
static grt_status refuse_variants(const grt_checkpoint *checkpoint, grt_error *err)
{
    const grt_metadata *config = &checkpoint->metadata;
    if (checkpoint->format == GRT_FORMAT_GGUF)
        return grt_need_text(config, "qwen3.rope.scaling.type", "none", err);
    GRT_TRY(grt_need_text(config, "hidden_act", "silu", err));
    GRT_TRY(grt_need_text(config, "rope_scaling.rope_type", "default", err));
    GRT_TRY(grt_need_text(config, "rope_scaling.type", "default", err));
    static const char *const flags[] = {"attention_bias", "use_sliding_window"};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        bool is_set = false;
        if (grt_metadata_get_bool(config, flags[i], &is_set) && is_set)
            GRT_FAIL(err, GRT_E_UNSUPPORTED, "%s: %s is not supported for Qwen3",
                     config->source, flags[i]);
    }
    return GRT_OK;
}

/* The vector whose product with the normed last row is the logit. */
typedef struct score_source {
    const grt_tensor *tensor;
    uint64_t yes_row;
    uint64_t no_row;
    bool is_difference; /* yes_row alone is the difference */
} score_source;

static grt_status token_rows(score_source *source, const grt_tokenizer *tokenizer,
                             grt_error *err)
{
    int32_t yes = grt_tokenizer_id(tokenizer, "yes", 3);
    int32_t no = grt_tokenizer_id(tokenizer, "no", 2);
    if (yes == GRT_NO_TOKEN || no == GRT_NO_TOKEN)
        GRT_FAIL(err, GRT_E_FORMAT,
                 "the vocabulary has no single token \"yes\" or \"no\", which a Qwen3 "
                 "reranker answers with");
    source->yes_row = (uint64_t)yes;
    source->no_row = (uint64_t)no;
    source->is_difference = false;
    return GRT_OK;
}

/* Order of the two labels of a GGUF head: "yes" first unless the file says otherwise.
 */
static void label_rows(score_source *source, const grt_metadata *metadata)
{
    const grt_meta_value *labels =
        grt_metadata_get(metadata, "qwen3.classifier.output_labels");
    bool is_no_first = labels && labels->type == GRT_META_TEXT && labels->n == 2 &&
                       labels->texts[0].size == 2 &&
                       memcmp(labels->texts[0].data, "no", 2) == 0;
    source->yes_row = is_no_first;
    source->no_row = !is_no_first;
}

static grt_status find_score(score_source *source, const grt_checkpoint *checkpoint,
                             const grt_tokenizer *tokenizer, grt_error *err)
{
    const grt_catalogue *catalogue = &checkpoint->catalogue;
    bool is_gguf = checkpoint->format == GRT_FORMAT_GGUF;
    const char *head = is_gguf ? "cls.output.weight" : "score.weight";
    memset(source, 0, sizeof(*source));
    source->tensor = grt_catalogue_get(catalogue, head);
    if (source->tensor) {
        uint64_t n = source->tensor->n_dims == 2 ? source->tensor->shape[0] : 1;
        source->is_difference = n == 1;
        if (n == 2 && is_gguf) {
            label_rows(source, &checkpoint->metadata);
            return GRT_OK;
        }
        if (n == 1) return GRT_OK;
        GRT_FAIL(err, GRT_E_UNSUPPORTED, "%s: %s has %llu labels; a reranker has one",
                 checkpoint->path, head, (unsigned long long)n);
    }
    const char *output = is_gguf ? "output.weight" : "lm_head.weight";
    const char *embedding = is_gguf ? "token_embd.weight" : "model.embed_tokens.weight";
    source->tensor = grt_catalogue_get(catalogue, output);
    bool is_tied = is_gguf; /* GGUF has no key for it: no output matrix means tied */
    (void)grt_metadata_get_bool(&checkpoint->metadata, "tie_word_embeddings", &is_tied);
    if (!source->tensor && is_tied)
        source->tensor = grt_catalogue_get(catalogue, embedding);
    if (!source->tensor)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: no ranking head: neither %s nor %s is there",
                 checkpoint->path, head, output);
    return token_rows(source, tokenizer, err);
}

static grt_status bind_score(grt_network *network, const grt_checkpoint *checkpoint,
                             const grt_tokenizer *tokenizer, grt_error *err)
{
    score_source source;
    GRT_TRY(find_score(&source, checkpoint, tokenizer, err));
    size_t d = network->hidden_size;
    uint64_t n_rows = source.tensor->n_dims == 2 ? source.tensor->shape[0] : 1;
    const grt_tensor *checked;
    bool is_embedding = source.tensor == network->token_embedding;
    GRT_TRY(grt_bind_tensor(&checked, network, checkpoint, source.tensor->name, n_rows,
                            d, is_embedding ? GRT_PART_EMBEDDING : GRT_PART_HEAD, err));
    if (!source.is_difference && (source.yes_row >= n_rows || source.no_row >= n_rows))
        GRT_FAIL_AT(err, GRT_E_FORMAT, checked->offset,
                    "%s: tensor %s has %llu rows; the token \"yes\" or \"no\" has none",
                    checkpoint->path, checked->name, (unsigned long long)n_rows);
    float *score, *no;
    GRT_TRY(grt_arena_alloc(&network->arena, &score, d, sizeof(*score), err));
    GRT_TRY(grt_arena_alloc(&network->arena, &no, d, sizeof(*no), err));
    GRT_TRY(grt_read_row(checkpoint, checked, source.yes_row, score, err));
    if (!source.is_difference)
        GRT_TRY(grt_read_row(checkpoint, checked, source.no_row, no, err));
    for (size_t i = 0; i < d; i++)
        score[i] -= no[i];
    network->fixed[SCORE].weight = (grt_weight){score, GRT_DTYPE_F32, 1, d};
    network->head_text = source.is_difference ? "score vector on the last token"
                         : is_embedding
                             ? "yes - no rows of the tied embedding, last token"
                             : "yes - no rows of the head, last token";
    return GRT_OK;
}

static grt_status bind(grt_network *network, grt_checkpoint *checkpoint,
                       const grt_tokenizer *tokenizer, grt_error *err)
{
    bool is_gguf = checkpoint->format == GRT_FORMAT_GGUF;
    const char *embedding = is_gguf ? "token_embd.weight" : "model.embed_tokens.weight";
    GRT_TRY(read_config(network, &checkpoint->metadata, is_gguf ? &gguf_keys : &hf_keys,
                        err));
    GRT_TRY(refuse_variants(checkpoint, err));
    const grt_tensor *words = grt_catalogue_get(&checkpoint->catalogue, embedding);
    if (!words || words->n_dims != 2 || words->shape[0] > GRT_MAX_VOCABULARY)
        GRT_FAIL(err, GRT_E_FORMAT,
                 "%s: tensor %s is missing or not a matrix of tokens", checkpoint->path,
                 embedding);
    network->vocab_size = words->shape[0];
    GRT_TRY(grt_bind_embedding(network, checkpoint, embedding, err));
    GRT_TRY(grt_bind_fixed(network, checkpoint, FINAL_NORM,
                           is_gguf ? "output_norm.weight" : "model.norm.weight",
                           network->hidden_size, 0, GRT_PART_HEAD, err));
    GRT_TRY(bind_score(network, checkpoint, tokenizer, err));
    return grt_bind_layers(network, checkpoint, "model.", err);
}

/* Appends the ids of template text, in which "<|...|>", "<think>" and "</think>" are
 * control tokens. */
static grt_status append_marked(grt_ids *ids, const grt_tokenizer *tokenizer,
                                const char *text, grt_error *err)
{
    static const char *const controls[] = {"<|im_start|>", "<|im_end|>", "<think>",
                                           "</think>"};
    enum { N_CONTROLS = sizeof(controls) / sizeof(controls[0]) };
    while (*text) {
        const char *next = NULL, *control = NULL;
        for (size_t i = 0; i < N_CONTROLS; i++) {
            const char *at = strstr(text, controls[i]);
            if (at && (!next || at < next)) {
                next = at;
                control = controls[i];
            }
        }
        size_t n_plain = next ? (size_t)(next - text) : strlen(text);
        GRT_TRY(grt_tokenizer_encode(tokenizer, text, n_plain, ids, err));
        if (!next) return GRT_OK;
        int32_t id = grt_tokenizer_id(tokenizer, control, strlen(control));
        if (id == GRT_NO_TOKEN)
            GRT_FAIL(err, GRT_E_FORMAT, "the vocabulary has no token \"%s\"", control);
        GRT_TRY(grt_ids_append(ids, &id, 1, err));
        text = next + strlen(control);
    }
    return GRT_OK;
}

static grt_status fixed_segment(grt_prompt *out, const grt_tokenizer *tokenizer,
                                const char *text, grt_error *err)
{
    grt_ids list = {0};
    int32_t *ids = NULL;
    grt_status status = append_marked(&list, tokenizer, text, err);
    if (status == GRT_OK)
        status = grt_arena_alloc(&out->arena, &ids, list.n, sizeof(*ids), err);
    if (status == GRT_OK) {
        if (list.n) memcpy(ids, list.ids, list.n * sizeof(*ids));
        out->pair.segments[out->pair.n_segments++] =
            (grt_segment){.slot = GRT_SLOT_FIXED, .ids = ids, .n_ids = list.n};
    }
    grt_ids_release(&list);
    return status;
}

/* The prompt of the model card, word for word: a different one gives different scores.
 */
static const char system_text[] =
    "<|im_start|>system\nJudge whether the Document meets the requirements based on "
    "the "
    "Query and the Instruct provided. Note that the answer can only be \"yes\" or "
    "\"no\".<|im_end|>\n<|im_start|>user\n";
static const char end_text[] =
    "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n";
static const char default_instruction[] =
    "Given a web search query, retrieve relevant passages that answer the query";

static grt_status prompt(grt_prompt *out, const grt_network *network,
                         const grt_tokenizer *tokenizer, const char *instruction,
                         grt_error *err)
{
    if (!instruction) instruction = default_instruction;
    size_t n_before = strlen(instruction) + 32;
    char *before;
    GRT_TRY(grt_arena_alloc(&out->arena, &before, n_before, 1, err));
    (void)snprintf(before, n_before, "<Instruct>: %s\n<Query>: ", instruction);
    out->pair.max_tokens = network->max_tokens;
    GRT_TRY(fixed_segment(out, tokenizer, system_text, err));
    /* The words around the texts are tokenised with them, as the reference does; the
     * document begins at its space, where the pre-tokeniser always splits. */
    out->pair.segments[out->pair.n_segments++] = (grt_segment){
        .slot = GRT_SLOT_QUERY, .before = before, .after = "\n<Document>:"};
    out->pair.segments[out->pair.n_segments++] =
        (grt_segment){.slot = GRT_SLOT_DOCUMENT, .before = " "};
    return fixed_segment(out, tokenizer, end_text, err);
}

static size_t floats_per_row(const grt_network *network)
{
    size_t queries = network->n_heads * network->head_size;
    size_t keys = network->n_kv_heads * network->head_size;
    size_t attention = 2 * queries + 2 * keys;
    size_t feed_forward = 2 * network->ffn_size;
    return network->hidden_size + (attention > feed_forward ? attention : feed_forward);
}

static void layer(const grt_network *network, const grt_layer_view *view,
                  const grt_workspace *workspace, const grt_chunk *chunk)
{
    size_t n = chunk->n_rows, d = network->hidden_size, ffn = network->ffn_size;
    size_t q_size = network->n_heads * network->head_size;
    size_t kv_size = network->n_kv_heads * network->head_size;
    float *x = chunk->hidden;
    float *normed = workspace->buffer, *rest = normed + n * d;
    float *queries = rest, *keys = queries + n * q_size, *values = keys + n * kv_size;
    float *attended = values + n * kv_size;
    const grt_weight *matrices = view->matrices;
    const float *const *vectors = view->vectors;

    grt_block_rms_norm(workspace, normed, x, vectors[ATTENTION_NORM], network->norm_eps,
                       n, d);
    grt_block_linear(workspace, &matrices[KEY], NULL, normed, keys, n, 0);
    grt_block_linear(workspace, &matrices[VALUE], NULL, normed, values, n, 0);
    grt_block_norm_rope(network, workspace, chunk->positions, n, keys,
                        network->n_kv_heads, vectors[KEY_NORM]);
    size_t m = grt_block_keep_scored(network, chunk, x, d);
    (void)grt_block_keep_scored(network, chunk, normed, d);
    grt_block_keep_positions(network, chunk);
    grt_block_linear(workspace, &matrices[QUERY], NULL, normed, queries, m, 0);
    grt_block_norm_rope(network, workspace, chunk->positions, m, queries,
                        network->n_heads, vectors[QUERY_NORM]);
    grt_block_attention(network, workspace, chunk, queries, keys, values, attended, 1);
    grt_block_linear(workspace, &matrices[OUTPUT], NULL, attended, x, m, 1);

    float *gate = rest, *up = gate + m * ffn;
    grt_block_rms_norm(workspace, normed, x, vectors[FFN_NORM], network->norm_eps, m,
                       d);
    grt_block_linear(workspace, &matrices[GATE], NULL, normed, gate, m, 0);
    grt_block_linear(workspace, &matrices[UP], NULL, normed, up, m, 0);
    grt_block_silu_mul(workspace, gate, up, m, ffn);
    grt_block_linear(workspace, &matrices[DOWN], NULL, gate, x, m, 1);
}

static void logits(const grt_network *network, const grt_workspace *workspace,
                   const float *rows, size_t n, float *out, float *scratch)
{
    size_t d = network->hidden_size;
    workspace->kernels->rms_norm(scratch, d, rows, d, network->fixed[FINAL_NORM].values,
                                 network->norm_eps, n, d);
    grt_block_head(workspace, &network->fixed[SCORE].weight, NULL, scratch, out, n);
}

const grt_architecture grt_architecture_qwen3 = {
    .name = "qwen3",
    .hf_classes = "Qwen3ForCausalLM Qwen3ForSequenceClassification",
    .gguf_name = "qwen3",
    .hf_layer = "layers",
    .layer_parts = layer_parts,
    .n_layer_parts = N_LAYER_PARTS,
    .takes_instruction = true,
    .reads_last_row = true,
    .is_causal = true,
    .bind = bind,
    .prompt = prompt,
    .floats_per_row = floats_per_row,
    .embed = NULL,
    .layer = layer,
    .logits = logits,
};
