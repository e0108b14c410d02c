/* decoder.c - config, tensors and layer of causal decoders; see decoder.h. */
#include "models/blocks/decoder.h"

#include "models/blocks/blocks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The reference implementations read at most this many tokens of a pair. */
enum { REFERENCE_MAX_TOKENS = 8192 };

/* ---- Tensors ---- */

/* clang-format off */
#define Q(name) GRT_DECODER_##name
/* Models that norm what a branch adds call the norm before the feed-forward otherwise;
 * "post_attention_layernorm" is that norm in all others. */
const grt_part_spec grt_decoder_specs[GRT_DECODER_N_SPECS] = {
    GRT_NORM(Q(ATTENTION_NORM), "input_layernorm.weight", "attn_norm.weight", HIDDEN),
    GRT_PART(Q(QUERY), "self_attn.q_proj.weight", "attn_q.weight", QUERIES, HIDDEN),
    GRT_SLICE(Q(QUERY), "self_attn.qkv_proj.weight", "attn_qkv.weight", HIDDEN, 0, QUERIES, KEYS, KEYS),
    GRT_PART(Q(KEY), "self_attn.k_proj.weight", "attn_k.weight", KEYS, HIDDEN),
    GRT_SLICE(Q(KEY), "self_attn.qkv_proj.weight", "attn_qkv.weight", HIDDEN, 1, QUERIES, KEYS, KEYS),
    GRT_PART(Q(VALUE), "self_attn.v_proj.weight", "attn_v.weight", KEYS, HIDDEN),
    GRT_SLICE(Q(VALUE), "self_attn.qkv_proj.weight", "attn_qkv.weight", HIDDEN, 2, QUERIES, KEYS, KEYS),
    GRT_PART(Q(OUTPUT), "self_attn.o_proj.weight", "attn_output.weight", HIDDEN, QUERIES),
    GRT_NORM(Q(FFN_NORM), "pre_feedforward_layernorm.weight", "ffn_norm.weight", HIDDEN),
    GRT_NORM(Q(FFN_NORM), "post_attention_layernorm.weight", NULL, HIDDEN),
    GRT_PART(Q(GATE), "mlp.gate_proj.weight", "ffn_gate.weight", FFN, HIDDEN),
    GRT_SLICE(Q(GATE), "mlp.gate_up_proj.weight", "ffn_up.weight", HIDDEN, 0, FFN, FFN, NONE),
    {.part = Q(UP), .name = {"mlp.up_proj.weight", "ffn_up.weight"}, .n_out = GRT_EXTENT_FFN,
     .n_in = GRT_EXTENT_HIDDEN, .beside = {NULL, "ffn_gate.weight"}},
    GRT_SLICE(Q(UP), "mlp.gate_up_proj.weight", "ffn_up.weight", HIDDEN, 1, FFN, FFN, NONE),
    GRT_PART(Q(DOWN), "mlp.down_proj.weight", "ffn_down.weight", HIDDEN, FFN),
    GRT_OPTIONAL_NORM(Q(QUERY_NORM), "self_attn.q_norm.weight", "attn_q_norm.weight", HEAD),
    GRT_OPTIONAL_NORM(Q(KEY_NORM), "self_attn.k_norm.weight", "attn_k_norm.weight", HEAD),
    GRT_OPTIONAL(Q(QUERY_BIAS), "self_attn.q_proj.bias", "attn_q.bias", QUERIES),
    GRT_OPTIONAL(Q(KEY_BIAS), "self_attn.k_proj.bias", "attn_k.bias", KEYS),
    GRT_OPTIONAL(Q(VALUE_BIAS), "self_attn.v_proj.bias", "attn_v.bias", KEYS),
    GRT_OPTIONAL(Q(OUTPUT_BIAS), "self_attn.o_proj.bias", "attn_output.bias", HIDDEN),
    GRT_OPTIONAL(Q(GATE_BIAS), "mlp.gate_proj.bias", "ffn_gate.bias", FFN),
    GRT_OPTIONAL(Q(UP_BIAS), "mlp.up_proj.bias", "ffn_up.bias", FFN),
    GRT_OPTIONAL(Q(DOWN_BIAS), "mlp.down_proj.bias", "ffn_down.bias", HIDDEN),
    {.part = Q(ATTENTION_POST_NORM), .name = {"post_attention_layernorm.weight", "post_attention_norm.weight"},
     .n_out = GRT_EXTENT_HIDDEN, .need = GRT_NEED_NEVER, .is_norm = true,
     .beside = {"pre_feedforward_layernorm.weight", NULL}},
    GRT_OPTIONAL_NORM(Q(FFN_POST_NORM), "post_feedforward_layernorm.weight", "post_ffw_norm.weight", HIDDEN),
};
#undef Q
/* clang-format on */
GRT_LAYER_PARTS_FIT(GRT_DECODER_N_PARTS);

static const grt_decoder *decoder_of(const grt_network *network)
{
    return network->architecture->description;
}

static const grt_decoder_numbers *numbers_of(const grt_network *network)
{
    return network->own;
}

/* ---- Config ---- */

/* The first of some names that the file has. */
/* False, with *out untouched, where none of the names is there. */
static bool first_number(grt_binder *binder, const grt_name *names, size_t n,
                         double *out)
{
    for (size_t i = 0; i < n; i++)
        if (grt_key_number(binder, names[i], out)) return true;
    return false;
}

/* How the positions of a long text are pressed together. */
static const grt_name scaling_names[] = {
    {"rope_scaling.rope_type", "rope.scaling.type"},
    {"rope_scaling.type", NULL},
    {"rope_parameters.rope_type", NULL},
    {"rope_parameters.full_attention.rope_type", NULL}};
enum { N_SCALING_NAMES = sizeof(scaling_names) / sizeof(scaling_names[0]) };

/* A number of the scaling at hand, wherever the config keeps those. */
static double scaling_number(grt_binder *binder, const char *hf, const char *gguf)
{
    static const char *const places[] = {"rope_scaling.", "rope_parameters.",
                                         "rope_parameters.full_attention."};
    double value = 0.0;
    char name[80];
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof(name), "%s%s", places[i], hf);
        if (grt_key_number(binder, (grt_name){name, gguf}, &value)) return value;
    }
    return value;
}

/* "Llama 3.1" positions (arXiv 2407.21783 and the released code): slow turns, of more
 * tokens than the old models' longest text over low, are `factor` slower still, fast
 * ones stay, and those between are mixed. */
static void fill_llama3(grt_binder *binder, double theta, double factor,
                        float *divisors)
{
    double low = scaling_number(binder, "low_freq_factor", NULL);
    double high = scaling_number(binder, "high_freq_factor", NULL);
    double old = scaling_number(binder, "original_max_position_embeddings", NULL);
    size_t size = binder->network->head_size;
    for (size_t i = 0; i < size / 2; i++) {
        double turn = 2.0 * acos(-1.0) * pow(theta, 2.0 * (double)i / (double)size);
        double mixed = (old / turn - low) / (high - low);
        double kept = mixed < 0.0 ? 0.0 : mixed > 1.0 ? 1.0 : mixed;
        divisors[i] = (float)(1.0 / ((1.0 - kept) / factor + kept));
    }
}

/* Divisors of the positions' angles, [head_size / 2]; NULL where there are none. */
static grt_status read_scaling(grt_binder *binder, double theta, float **out,
                               grt_error *err)
{
    static const grt_name stored = {NULL, "rope_freqs.weight"};
    const grt_decoder *decoder = decoder_of(binder->network);
    size_t half = binder->network->head_size / 2;
    static const grt_name known = {"default linear llama3", "none linear"};
    const char *expected =
        decoder->may_scale_rope ? grt_spelled(binder, known) : "default none";
    grt_text kind = {"none", 4};
    bool is_said = false;
    for (size_t i = 0; i < N_SCALING_NAMES; i++) {
        GRT_TRY(grt_key_allow(binder, scaling_names[i], expected, err));
        is_said |= grt_key_text(binder, scaling_names[i], &kind);
    }
    const grt_tensor *table = grt_tensor_find(binder, stored);
    *out = NULL;
    if (!table && !is_said) return grt_key_plain_rope(binder, err);
    if (!table && grt_list_holds("none default", kind)) return GRT_OK;
    GRT_TRY(grt_arena_alloc(&binder->network->arena, out, half, sizeof(**out), err));
    if (table) {
        GRT_TRY(grt_bind_tensor(&table, binder, stored, half, 0, GRT_PART_HEAD, err));
        return grt_read_row(binder->checkpoint, table, 0, *out, err);
    }
    double factor = scaling_number(binder, "factor", "rope.scaling.factor");
    for (size_t i = 0; i < half; i++)
        (*out)[i] = (float)factor;
    if (grt_list_holds("llama3", kind)) fill_llama3(binder, theta, factor, *out);
    return GRT_OK; /* what makes no sense is found by grt_bind_rope */
}

static grt_status read_numbers(grt_binder *binder, double *theta, grt_error *err)
{
    static const grt_name eps_name = {"rms_norm_eps",
                                      "attention.layer_norm_rms_epsilon"};
    static const grt_name theta_names[] = {
        {"rope_theta", "rope.freq_base"},
        {"rope_parameters.rope_theta", NULL},
        {"rope_parameters.full_attention.rope_theta", NULL}};
    grt_network *network = binder->network;
    const grt_decoder *decoder = decoder_of(network);
    double eps = decoder->norm_eps;
    *theta = decoder->rope_theta;
    GRT_TRY(grt_key_epsilon(binder, eps_name, &eps, err));
    if (!first_number(binder, theta_names, sizeof(theta_names) / sizeof(theta_names[0]),
                      theta))
        GRT_TRY(grt_key_note_default(binder, theta_names[0], *theta, err));
    network->norm_eps = (float)eps;
    network->norm_offset = decoder->norms_less_one && !binder->is_gguf ? 1.0f : 0.0f;
    return GRT_OK;
}

/* What a config may ask for that the graph does not compute. */
static grt_status refuse_variants(grt_binder *binder, grt_error *err)
{
    static const grt_name activation_names[] = {{"hidden_act", NULL},
                                                {"hidden_activation", NULL}};
    static const grt_name flags[] = {{"use_sliding_window", NULL},
                                     {"use_bidirectional_attention", NULL}};
    static const grt_name cap = {"attn_logit_softcapping", "attn_logit_softcapping"};
    const char *source = binder->checkpoint->metadata.source;
    double value = 0.0;
    for (size_t i = 0; i < 2; i++) {
        GRT_TRY(grt_key_allow(binder, activation_names[i],
                              decoder_of(binder->network)->activations, err));
        GRT_TRY(grt_key_refuse_flag(binder, flags[i], err));
    }
    if (grt_key_number(binder, cap, &value) && value != 0.0)
        GRT_FAIL(err, GRT_E_UNSUPPORTED, "%s: %s is %g; only models without are read",
                 source, binder->key, value);
    return grt_key_whole_rope(binder, err);
}

/* logit caps, which an answer of two tokens would need one by one. */
static grt_status read_logit_cap(grt_binder *binder, grt_decoder_numbers *numbers,
                                 grt_error *err)
{
    static const grt_name name = {"final_logit_softcapping", "final_logit_softcapping"};
    double cap = 0.0;
    (void)grt_key_number(binder, name, &cap);
    if (cap != 0.0 && (!(cap > 0.0 && cap < 1e6) || decoder_of(binder->network)->no))
        GRT_FAIL(err, GRT_E_UNSUPPORTED, "%s: %s is %g, which is not supported for %s",
                 binder->checkpoint->metadata.source, binder->key, cap,
                 binder->network->architecture->name);
    numbers->logit_cap = (float)cap;
    return GRT_OK;
}

static const grt_name types_name = {"layer_types", NULL};

/* Is layer i called local?  false where the file does not name kinds of layers. */
static bool is_called_local(const grt_meta_value *types, size_t i)
{
    static const char local[] = "sliding_attention";
    return types && types->type == GRT_META_TEXT && i < types->n &&
           types->texts[i].size == sizeof(local) - 1 &&
           memcmp(types->texts[i].data, local, sizeof(local) - 1) == 0;
}

static grt_status read_locals(grt_binder *binder, grt_layer_kind *kinds, grt_error *err)
{
    static const grt_name window_name = {"sliding_window", "attention.sliding_window"};
    static const grt_name theta_names[] = {
        {"rope_local_base_freq", "rope.freq_base_swa"},
        {"rope_parameters.sliding_attention.rope_theta", NULL}};
    static const grt_name periods[] = {{"sliding_window_pattern", NULL},
                                       {"_sliding_window_pattern", NULL}};
    const grt_decoder *decoder = decoder_of(binder->network);
    size_t n = binder->network->n_layers;
    uint64_t window, period = decoder->local_period;
    double theta = decoder->local_theta;
    GRT_TRY(grt_key_need(binder, window_name, 2, 1u << 24, &window, err));
    for (size_t i = 0; i < 2; i++)
        GRT_TRY(grt_key_want(binder, periods[i], 1, GRT_MAX_LAYERS, &period, err));
    (void)first_number(binder, theta_names, 2, &theta);
    GRT_TRY(grt_bind_rope(binder, theta, NULL, err));
    const grt_meta_value *types = grt_key_get(binder, types_name);
    if (types && (types->type != GRT_META_TEXT || types->n != n))
        GRT_FAIL(err, GRT_E_FORMAT,
                 "%s: %s does not name the kind of each of %zu layers",
                 binder->checkpoint->metadata.source, binder->key, n);
    for (size_t i = 0; i < n; i++) {
        if (types ? !is_called_local(types, i) : (i + 1) % period == 0) continue;
        kinds[i].window = (size_t)window - 1; /* the config counts a row's own key */
        kinds[i].rope = binder->network->n_ropes - 1;
    }
    return GRT_OK;
}

static grt_status read_kinds(grt_binder *binder, grt_layer_kind **out, grt_error *err)
{
    static const grt_name scalar_name = {"query_pre_attn_scalar", NULL};
    const grt_network *network = binder->network;
    const grt_decoder *decoder = decoder_of(network);
    grt_layer_kind kind = {.scale = 1.0f / sqrtf((float)network->head_size)};
    double scalar = binder->is_gguf ? 0.0 : decoder->query_scalar;
    if (grt_key_number(binder, scalar_name, &scalar) && !(scalar > 0.0 && scalar < 1e6))
        GRT_FAIL(err, GRT_E_FORMAT, "%s: %s of %g makes no sense",
                 binder->checkpoint->metadata.source, binder->key, scalar);
    if (scalar > 0.0) kind.scale = (float)(1.0 / sqrt(scalar));
    GRT_TRY(grt_bind_kinds(binder, kind, out, err));
    return decoder->local_period ? read_locals(binder, *out, err) : GRT_OK;
}

/* A flag that promises biases which are not there, or denies those that are: Hugging
 * Face's code leaves them unread then, and other programs add them. */
static grt_status check_promises(grt_binder *binder, grt_error *err)
{
    static const struct {
        grt_name flag;
        int part, others[3]; /* parts; -1: none */
    } flags[] = {
        {{"attention_bias", NULL},
         GRT_DECODER_OUTPUT_BIAS,
         {GRT_DECODER_QUERY_BIAS, GRT_DECODER_KEY_BIAS, GRT_DECODER_VALUE_BIAS}},
        {{"mlp_bias", NULL},
         GRT_DECODER_DOWN_BIAS,
         {GRT_DECODER_UP_BIAS, GRT_DECODER_GATE_BIAS, -1}}};
    const grt_network *network = binder->network;
    const char *source = binder->checkpoint->metadata.source;
    for (size_t i = 0; i < 2; i++) {
        bool is_set = false;
        bool is_said = grt_key_flag(binder, flags[i].flag, &is_set);
        for (size_t j = 0; j < 3 && is_said && !is_set && flags[i].others[j] >= 0;
             j++) {
            int part = flags[i].others[j];
            if (network->layer_parts[part].n_out &&
                !(network->architecture->needed_parts >> part & 1))
                GRT_FAIL(err, GRT_E_UNSUPPORTED,
                         "%s: %s is false, but layer 0 has biases", source,
                         binder->key);
        }
        if (!is_set) continue;
        if (network->layer_parts[flags[i].part].n_out == 0)
            GRT_FAIL(err, GRT_E_FORMAT, "%s: %s is true, but layer 0 has no biases",
                     source, binder->key);
    }
    return GRT_OK;
}

grt_status grt_decoder_bind(grt_binder *binder, grt_error *err)
{
    grt_network *network = binder->network;
    const grt_decoder *decoder = decoder_of(network);
    grt_decoder_numbers *numbers;
    grt_layer_kind *kinds;
    float *divisors;
    double theta;
    GRT_TRY(grt_bind_sizes(binder, REFERENCE_MAX_TOKENS, &decoder->sizes, err));
    GRT_TRY(read_numbers(binder, &theta, err));
    GRT_TRY(refuse_variants(binder, err));
    GRT_TRY(read_scaling(binder, theta, &divisors, err));
    GRT_TRY(grt_bind_rope(binder, theta, divisors, err));
    GRT_TRY(grt_arena_alloc(&network->arena, &numbers, 1, sizeof(*numbers), err));
    *numbers = (grt_decoder_numbers){.embedding_scale = 1.0f,
                                     .residual_scale = 1.0f,
                                     .logit_scale = 1.0f,
                                     .is_interleaved =
                                         binder->is_gguf && decoder->gguf_interleaves};
    network->own = numbers;
    if (decoder->scales_embedding)
        numbers->embedding_scale = sqrtf((float)network->hidden_size);
    GRT_TRY(read_kinds(binder, &kinds, err));
    GRT_TRY(read_logit_cap(binder, numbers, err));
    if (decoder->adjust) GRT_TRY(decoder->adjust(binder, numbers, kinds, err));
    static const grt_part_spec final_norm[] = {
        GRT_NORM(GRT_DECODER_FINAL_NORM, "norm.weight", "output_norm.weight", HIDDEN)};
    GRT_TRY(grt_bind_embedding(binder, err));
    GRT_TRY(grt_bind_fixed_table(binder, final_norm, 1, GRT_PART_HEAD, err));
    GRT_TRY(decoder->bind_heads ? decoder->bind_heads(binder, err)
                                : grt_decoder_bind_score(binder, err));
    GRT_TRY(grt_bind_layers(binder, err));
    return check_promises(binder, err);
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

void grt_decoder_embed(const grt_network *network, grt_device *device,
                       const grt_token_rows *rows, grt_rows hidden)
{
    float scale = numbers_of(network)->embedding_scale;
    if (scale != 1.0f) grt_op_scale(device, hidden, scale, rows->n_rows);
}

/* What a branch of a layer ends in. */
typedef struct branch_end {
    int weight, bias, post_norm; /* parts */
} branch_end;
static const branch_end attention_end = {GRT_DECODER_OUTPUT, GRT_DECODER_OUTPUT_BIAS,
                                         GRT_DECODER_ATTENTION_POST_NORM};
static const branch_end ffn_end = {GRT_DECODER_DOWN, GRT_DECODER_DOWN_BIAS,
                                   GRT_DECODER_FFN_POST_NORM};

/* y += residual_scale * norm(W x + bias); x [n_rows] may change; scratch
 * [n_rows][hidden_size]. */
static void add_branch(const grt_network *network, grt_device *device,
                       const grt_layer_view *view, const branch_end *end, grt_rows x,
                       grt_rows y, grt_rows scratch, size_t n_rows)
{
    const grt_weight *weight = &view->parts[end->weight];
    const grt_weight *bias = &view->parts[end->bias];
    const grt_weight *norm = &view->parts[end->post_norm];
    float scale = numbers_of(network)->residual_scale;
    bool has_norm = grt_weight_is_there(norm);
    if (!has_norm && (!grt_weight_is_there(bias) || scale == 1.0f)) {
        /* the sum of the product itself */
        if (scale != 1.0f) grt_op_scale(device, x, scale, n_rows);
        grt_op_linear(device, GRT_LINEAR_ADD, y, x, n_rows, weight, bias);
        return;
    }
    grt_op_linear(device, GRT_LINEAR_SET, scratch, x, n_rows, weight, bias);
    if (has_norm)
        grt_op_rms_norm(device, scratch, scratch, n_rows, norm, network->norm_eps);
    if (scale != 1.0f) grt_op_scale(device, scratch, scale, n_rows);
    grt_op_add(device, y, scratch, n_rows);
}

/* Returns the rows that go on: all, or in the last layer those that the head reads. */
static size_t attention_part(const grt_network *network, const grt_layer_view *view,
                             const grt_workspace *workspace, const grt_chunk *chunk)
{
    size_t n = chunk->n_rows;
    grt_device *device = workspace->device;
    const grt_weight *parts = view->parts;
    grt_rows x = chunk->hidden;
    grt_space space = grt_space_of(workspace->memory);
    grt_rows normed = grt_space_take(&space, n, network->hidden_size);
    grt_attended rows = grt_attended_take(&space, network, n);
    grt_turn turn = {.kind = view->kind,
                     .positions = chunk->positions,
                     .n_heads = network->n_kv_heads,
                     .norm = &parts[GRT_DECODER_KEY_NORM],
                     .is_interleaved = numbers_of(network)->is_interleaved};

    grt_op_rms_norm(device, normed, x, n, &parts[GRT_DECODER_ATTENTION_NORM],
                    network->norm_eps);
    grt_op_linear(device, GRT_LINEAR_SET, rows.keys, normed, n, &parts[GRT_DECODER_KEY],
                  &parts[GRT_DECODER_KEY_BIAS]);
    grt_op_linear(device, GRT_LINEAR_SET, rows.values, normed, n,
                  &parts[GRT_DECODER_VALUE], &parts[GRT_DECODER_VALUE_BIAS]);
    grt_block_turn(network, workspace, &turn, rows.keys, n);
    size_t m = grt_block_keep_scored(device, chunk, x);
    (void)grt_block_keep_scored(device, chunk, normed);
    grt_block_keep_positions(chunk);
    grt_op_linear(device, GRT_LINEAR_SET, rows.queries, normed, m,
                  &parts[GRT_DECODER_QUERY], &parts[GRT_DECODER_QUERY_BIAS]);
    turn.n_heads = network->n_heads;
    turn.norm = &parts[GRT_DECODER_QUERY_NORM];
    grt_block_turn(network, workspace, &turn, rows.queries, m);
    grt_block_attention(network, workspace, view->kind, chunk, &rows);
    add_branch(network, device, view, &attention_end, rows.out, x, normed, m);
    return m;
}

void grt_decoder_layer(const grt_network *network, const grt_layer_view *view,
                       const grt_workspace *workspace, const grt_chunk *chunk)
{
    size_t m = attention_part(network, view, workspace, chunk);
    size_t ffn = network->ffn_size;
    grt_device *device = workspace->device;
    const grt_weight *parts = view->parts;
    grt_rows x = chunk->hidden;
    grt_space space = grt_space_of(workspace->memory);
    grt_rows normed = grt_space_take(&space, m, network->hidden_size);
    grt_rows gate = grt_space_take(&space, m, ffn);
    grt_rows up = grt_space_take(&space, m, ffn);
    grt_op_rms_norm(device, normed, x, m, &parts[GRT_DECODER_FFN_NORM],
                    network->norm_eps);
    grt_op_linear(device, GRT_LINEAR_SET, gate, normed, m, &parts[GRT_DECODER_GATE],
                  &parts[GRT_DECODER_GATE_BIAS]);
    grt_op_linear(device, GRT_LINEAR_SET, up, normed, m, &parts[GRT_DECODER_UP],
                  &parts[GRT_DECODER_UP_BIAS]);
    grt_op_gate(device, decoder_of(network)->gate, gate, up, m);
    add_branch(network, device, view, &ffn_end, gate, x, normed, m);
}

grt_status grt_decoder_logits(const grt_network *network, grt_device *device,
                              size_t layer, grt_rows rows, size_t n, float *out,
                              grt_space scratch, grt_error *err)
{
    const grt_decoder_numbers *numbers = numbers_of(network);
    size_t first = network->first_head;
    size_t head = first && layer > first ? layer - first : 0;
    grt_weight score = grt_weight_rows(&network->fixed[GRT_DECODER_SCORE], head, 1);
    grt_rows normed = grt_space_take(&scratch, n, network->hidden_size);
    grt_rows logits = grt_space_take(&scratch, n, 1);
    grt_op_rms_norm(device, normed, rows, n, &network->fixed[GRT_DECODER_FINAL_NORM],
                    network->norm_eps);
    grt_op_linear(device, GRT_LINEAR_PRECISE, logits, normed, n, &score, NULL);
    GRT_TRY(grt_op_download(device, logits, n, out, err));
    for (size_t i = 0; numbers->logit_scale != 1.0f && i < n; i++)
        out[i] *= numbers->logit_scale;
    for (size_t i = 0; numbers->logit_cap > 0.0f && i < n; i++)
        out[i] = numbers->logit_cap * tanhf(out[i] / numbers->logit_cap);
    return GRT_OK;
}
