/* decoder.c - config and layer of causal decoders; see decoder.h. */
#include "models/blocks/decoder.h"

#include "models/bind.h"
#include "models/blocks/blocks.h"

#include <stdio.h>
#include <string.h>

/* The reference implementations read at most this many tokens of a pair. */
enum { REFERENCE_MAX_TOKENS = 8192 };

/* ---- Config ---- */

enum { HIDDEN, LAYERS, HEADS, KV_HEADS, HEAD_SIZE, FFN, POSITIONS, EPS, THETA, N_KEYS };

static const struct {
    const char *hf;
    const char *gguf; /* below "<architecture>." */
} key_names[N_KEYS] = {
    [HIDDEN] = {"hidden_size", "embedding_length"},
    [LAYERS] = {"num_hidden_layers", "block_count"},
    [HEADS] = {"num_attention_heads", "attention.head_count"},
    [KV_HEADS] = {"num_key_value_heads", "attention.head_count_kv"},
    [HEAD_SIZE] = {"head_dim", "attention.key_length"},
    [FFN] = {"intermediate_size", "feed_forward_length"},
    [POSITIONS] = {"max_position_embeddings", "context_length"},
    [EPS] = {"rms_norm_eps", "attention.layer_norm_rms_epsilon"},
    [THETA] = {"rope_theta", "rope.freq_base"},
};

enum { KEY_BYTES = 96 };

typedef struct config_reader {
    const grt_metadata *metadata;
    const char *architecture; /* of a GGUF; NULL: config.json */
    char key[KEY_BYTES];
} config_reader;

/* `name` below the architecture of a GGUF. */
static const char *gguf_key(config_reader *r, const char *name)
{
    (void)snprintf(r->key, sizeof(r->key), "%s.%s", r->architecture, name);
    return r->key;
}

static const char *key_of(config_reader *r, int key)
{
    return r->architecture ? gguf_key(r, key_names[key].gguf) : key_names[key].hf;
}

static grt_status need(config_reader *r, int key, uint64_t min, uint64_t max,
                       uint64_t *out, grt_error *err)
{
    return grt_metadata_need_u64(r->metadata, key_of(r, key), min, max, out, err);
}

/* The same where the file may be silent and *out holds what it means then. */
static grt_status want(config_reader *r, int key, uint64_t min, uint64_t max,
                       uint64_t *out, grt_error *err)
{
    if (!grt_metadata_get(r->metadata, key_of(r, key))) return GRT_OK;
    return need(r, key, min, max, out, err);
}

static grt_status read_sizes(grt_network *network, config_reader *r, grt_error *err)
{
    uint64_t hidden, layers, heads, ffn, positions;
    GRT_TRY(need(r, HIDDEN, 1, 65536, &hidden, err));
    GRT_TRY(need(r, LAYERS, 1, GRT_MAX_LAYERS, &layers, err));
    GRT_TRY(need(r, HEADS, 1, 65536, &heads, err));
    uint64_t kv_heads = heads, head_size = hidden / heads;
    GRT_TRY(want(r, KV_HEADS, 1, heads, &kv_heads, err));
    GRT_TRY(want(r, HEAD_SIZE, 2, GRT_MAX_HEAD_SIZE, &head_size, err));
    GRT_TRY(need(r, FFN, 1, 1u << 20, &ffn, err));
    GRT_TRY(need(r, POSITIONS, 64, 1u << 24, &positions, err));
    if (heads % kv_heads != 0 || head_size == 0 || head_size % 2 != 0 ||
        head_size > GRT_MAX_HEAD_SIZE)
        GRT_FAIL(
            err, GRT_E_FORMAT,
            "%s: %llu query heads, %llu key heads of %llu values do not fit together",
            r->metadata->source, (unsigned long long)heads,
            (unsigned long long)kv_heads, (unsigned long long)head_size);
    network->hidden_size = hidden;
    network->n_layers = layers;
    network->n_heads = heads;
    network->n_kv_heads = kv_heads;
    network->head_size = head_size;
    network->ffn_size = ffn;
    network->max_tokens =
        positions < REFERENCE_MAX_TOKENS ? positions : REFERENCE_MAX_TOKENS;
    return GRT_OK;
}

static grt_status read_config(grt_network *network, config_reader *r,
                              const grt_decoder *decoder, grt_error *err)
{
    GRT_TRY(read_sizes(network, r, err));
    double eps = decoder->norm_eps, theta = decoder->rope_theta;
    (void)grt_metadata_get_f64(r->metadata, key_of(r, EPS), &eps);
    if (!grt_metadata_get_f64(r->metadata, key_of(r, THETA), &theta))
        (void)grt_metadata_get_f64(r->metadata, "rope_parameters.rope_theta", &theta);
    if (!(eps > 0.0 && eps < 1.0) || !(theta >= 1.0 && theta < 1e30))
        GRT_FAIL(err, GRT_E_FORMAT,
                 "%s: a norm's epsilon of %g and a rotary base of %g make no sense",
                 r->metadata->source, eps, theta);
    network->norm_eps = (float)eps;
    network->rope_theta = theta;
    network->embedding_scale = network->residual_scale = 1.0f;
    return GRT_OK;
}

/* What a config may ask for that the graph does not compute. */
static grt_status refuse_variants(const grt_network *network, config_reader *r,
                                  const grt_decoder *decoder, grt_error *err)
{
    const grt_metadata *config = r->metadata;
    if (r->architecture)
        return grt_need_text(config, gguf_key(r, "rope.scaling.type"), "none", err);
    GRT_TRY(grt_need_text(config, "hidden_act", decoder->activations, err));
    GRT_TRY(grt_need_text(config, "hidden_activation", decoder->activations, err));
    static const char *const rotary[] = {"rope_scaling.rope_type", "rope_scaling.type",
                                         "rope_parameters.rope_type"};
    for (size_t i = 0; i < sizeof(rotary) / sizeof(rotary[0]); i++)
        GRT_TRY(grt_need_text(config, rotary[i], "default", err));
    static const char *const flags[] = {"attention_bias", "use_sliding_window"};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        bool is_set = false;
        if (grt_metadata_get_bool(config, flags[i], &is_set) && is_set)
            GRT_FAIL(err, GRT_E_UNSUPPORTED, "%s: %s is not supported for %s",
                     config->source, flags[i], network->architecture->name);
    }
    return GRT_OK;
}

grt_status grt_decoder_bind(grt_network *network, const grt_checkpoint *checkpoint,
                            const grt_decoder *decoder, grt_error *err)
{
    bool is_gguf = checkpoint->format == GRT_FORMAT_GGUF;
    const char *embedding = is_gguf ? "token_embd.weight" : "model.embed_tokens.weight";
    config_reader r = {.metadata = &checkpoint->metadata,
                       .architecture =
                           is_gguf ? network->architecture->gguf_name : NULL};
    GRT_TRY(read_config(network, &r, decoder, err));
    GRT_TRY(refuse_variants(network, &r, decoder, err));
    const grt_tensor *words = grt_catalogue_get(&checkpoint->catalogue, embedding);
    if (!words || words->n_dims != 2 || words->shape[0] > GRT_MAX_VOCABULARY)
        GRT_FAIL(err, GRT_E_FORMAT,
                 "%s: tensor %s is missing or not a matrix of tokens", checkpoint->path,
                 embedding);
    network->vocab_size = words->shape[0];
    GRT_TRY(grt_bind_embedding(network, checkpoint, embedding, err));
    return grt_bind_fixed(network, checkpoint, GRT_DECODER_FINAL_NORM,
                          is_gguf ? "output_norm.weight" : "model.norm.weight",
                          network->hidden_size, 0, GRT_PART_HEAD, err);
}

/* ---- Arithmetic ---- */

size_t grt_decoder_floats_per_row(const grt_network *network)
{
    size_t queries = network->n_heads * network->head_size;
    size_t keys = network->n_kv_heads * network->head_size;
    size_t attention = 2 * queries + 2 * keys;
    size_t feed_forward = 2 * network->ffn_size;
    return network->hidden_size + (attention > feed_forward ? attention : feed_forward);
}

void grt_decoder_embed(const grt_network *network, const grt_kernels *kernels,
                       const grt_token_rows *rows, float *hidden, float *scratch)
{
    (void)kernels;
    (void)scratch;
    for (size_t i = 0; i < rows->n_rows * network->hidden_size; i++)
        hidden[i] *= network->embedding_scale;
}

/* Rotary positions of queries or keys, after the norm of each head where there is one.
 */
static void turn(const grt_network *network, const grt_workspace *workspace,
                 const grt_chunk *chunk, size_t n_rows, float *x, size_t n_heads,
                 const float *norm_weight)
{
    grt_block_norm_rope(network, workspace, chunk->positions, n_rows, x, n_heads,
                        norm_weight);
}

/* y += residual_scale * W x; x [n_rows][n_in] is scaled in place. */
static void add_branch(const grt_network *network, const grt_workspace *workspace,
                       const grt_weight *weight, float *x, float *y, size_t n_rows)
{
    if (network->residual_scale != 1.0f)
        grt_block_scale(workspace, x, network->residual_scale, n_rows, weight->n_in);
    grt_block_linear(workspace, weight, NULL, x, y, n_rows, 1);
}

/* Returns the rows that go on: all, or in the last layer those that the head reads. */
static size_t attention_part(const grt_network *network, const grt_decoder *decoder,
                             const grt_layer_view *view, const grt_workspace *workspace,
                             const grt_chunk *chunk)
{
    size_t n = chunk->n_rows, d = network->hidden_size;
    size_t kv_size = network->n_kv_heads * network->head_size;
    size_t q_size = network->n_heads * network->head_size;
    float *x = chunk->hidden, *normed = workspace->buffer, *queries = normed + n * d;
    float *keys = queries + n * q_size, *values = keys + n * kv_size;
    float *attended = values + n * kv_size;
    const grt_weight *matrices = view->matrices;
    const float *const *vectors = view->vectors;
    const float *const *norms = decoder->has_head_norms ? vectors : NULL;
    const float *const *biases = decoder->has_biases ? vectors : NULL;

    grt_block_rms_norm(workspace, normed, x, vectors[GRT_DECODER_ATTENTION_NORM],
                       network->norm_eps, n, d);
    grt_block_linear(workspace, &matrices[GRT_DECODER_KEY],
                     biases ? biases[GRT_DECODER_KEY_BIAS] : NULL, normed, keys, n, 0);
    grt_block_linear(workspace, &matrices[GRT_DECODER_VALUE],
                     biases ? biases[GRT_DECODER_VALUE_BIAS] : NULL, normed, values, n,
                     0);
    turn(network, workspace, chunk, n, keys, network->n_kv_heads,
         norms ? norms[GRT_DECODER_KEY_NORM] : NULL);
    size_t m = grt_block_keep_scored(network, chunk, x, d);
    (void)grt_block_keep_scored(network, chunk, normed, d);
    grt_block_keep_positions(network, chunk);
    grt_block_linear(workspace, &matrices[GRT_DECODER_QUERY],
                     biases ? biases[GRT_DECODER_QUERY_BIAS] : NULL, normed, queries, m,
                     0);
    turn(network, workspace, chunk, m, queries, network->n_heads,
         norms ? norms[GRT_DECODER_QUERY_NORM] : NULL);
    grt_block_attention(network, workspace, chunk, queries, keys, values, attended, 1);
    add_branch(network, workspace, &matrices[GRT_DECODER_OUTPUT], attended, x, m);
    return m;
}

void grt_decoder_layer(const grt_network *network, const grt_decoder *decoder,
                       const grt_layer_view *view, const grt_workspace *workspace,
                       const grt_chunk *chunk)
{
    size_t m = attention_part(network, decoder, view, workspace, chunk);
    size_t d = network->hidden_size, ffn = network->ffn_size;
    float *x = chunk->hidden, *normed = workspace->buffer;
    float *gate = normed + chunk->n_rows * d, *up = gate + m * ffn;
    const grt_weight *matrices = view->matrices;
    grt_block_rms_norm(workspace, normed, x, view->vectors[GRT_DECODER_FFN_NORM],
                       network->norm_eps, m, d);
    grt_block_linear(workspace, &matrices[GRT_DECODER_GATE], NULL, normed, gate, m, 0);
    grt_block_linear(workspace, &matrices[GRT_DECODER_UP], NULL, normed, up, m, 0);
    decoder->gate(workspace, gate, up, m, ffn);
    add_branch(network, workspace, &matrices[GRT_DECODER_DOWN], gate, x, m);
}

void grt_decoder_logits(const grt_network *network, const grt_workspace *workspace,
                        size_t layer, const float *rows, size_t n, float *out,
                        float *scratch)
{
    size_t d = network->hidden_size;
    grt_weight score = network->fixed[GRT_DECODER_SCORE].weight;
    if (network->layer_heads && layer > network->first_head)
        score.data = network->layer_heads + (layer - network->first_head) * d;
    workspace->kernels->rms_norm(scratch, d, rows, d,
                                 network->fixed[GRT_DECODER_FINAL_NORM].values,
                                 network->norm_eps, n, d);
    grt_block_head(workspace, &score, NULL, scratch, out, n);
}
