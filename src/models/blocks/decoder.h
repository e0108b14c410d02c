/* decoder.h - what causal decoders have in common: the tensors of a layer, its
 * arithmetic, the keys of their configs, and heads that read rows of the vocabulary.
 *
 * An architecture describes itself by a grt_decoder; its file holds what is its own. */
#ifndef GRT_MODELS_BLOCKS_DECODER_H
#define GRT_MODELS_BLOCKS_DECODER_H

#include "models/network.h"

/* Tensors of a layer.  Every decoder has the first ones; norms of heads or biases
 * follow them. */
enum {
    GRT_DECODER_ATTENTION_NORM,
    GRT_DECODER_QUERY,
    GRT_DECODER_KEY,
    GRT_DECODER_VALUE,
    GRT_DECODER_OUTPUT,
    GRT_DECODER_FFN_NORM,
    GRT_DECODER_GATE,
    GRT_DECODER_UP,
    GRT_DECODER_DOWN,
    GRT_DECODER_N_PARTS,
    GRT_DECODER_QUERY_NORM = GRT_DECODER_N_PARTS,
    GRT_DECODER_KEY_NORM,
    GRT_DECODER_QUERY_BIAS = GRT_DECODER_N_PARTS,
    GRT_DECODER_KEY_BIAS,
    GRT_DECODER_VALUE_BIAS
};

/* clang-format off */
/* A line of a grt_part_spec table. */
#define GRT_DECODER_PART(hf, gguf, out, in) \
    {.hf_name = (hf), .gguf_name = (gguf), .n_out = GRT_EXTENT_##out, .n_in = GRT_EXTENT_##in}

/* The first ones; every family names them alike. */
#define GRT_DECODER_PARTS                                                                \
    GRT_DECODER_PART("input_layernorm.weight", "attn_norm.weight", HIDDEN, NONE),        \
    GRT_DECODER_PART("self_attn.q_proj.weight", "attn_q.weight", QUERIES, HIDDEN),       \
    GRT_DECODER_PART("self_attn.k_proj.weight", "attn_k.weight", KEYS, HIDDEN),          \
    GRT_DECODER_PART("self_attn.v_proj.weight", "attn_v.weight", KEYS, HIDDEN),          \
    GRT_DECODER_PART("self_attn.o_proj.weight", "attn_output.weight", HIDDEN, QUERIES),  \
    GRT_DECODER_PART("post_attention_layernorm.weight", "ffn_norm.weight", HIDDEN, NONE),\
    GRT_DECODER_PART("mlp.gate_proj.weight", "ffn_gate.weight", FFN, HIDDEN),            \
    GRT_DECODER_PART("mlp.up_proj.weight", "ffn_up.weight", FFN, HIDDEN),                \
    GRT_DECODER_PART("mlp.down_proj.weight", "ffn_down.weight", HIDDEN, FFN)
/* clang-format on */

/* Fixed parts. */
enum { GRT_DECODER_FINAL_NORM, GRT_DECODER_SCORE /* [1][hidden] f32 */ };

/* gate[n_rows][n] = activation(gate) * up. */
typedef void grt_gate_fn(const grt_workspace *workspace, float *gate, const float *up,
                         size_t n_rows, size_t n);

typedef struct grt_decoder {
    /* the layer */
    bool has_head_norms; /* RMS norms of every query and key head */
    bool has_biases;     /* of queries, keys and values */
    grt_gate_fn *gate;
    const char *activations; /* space-separated: what config.json may call `gate` */
    /* where the config is silent */
    double norm_eps, rope_theta;
    bool is_tied; /* the output matrix is the embedding's */
    /* the head: logit(yes) - logit(no) of the last token, or logit(yes) */
    const char *yes;
    const char *no;      /* NULL: the logit of `yes` alone */
    size_t untied_width; /* models from this hidden size on are known to have an output
                            matrix of their own, which a GGUF cannot say; 0: none */
} grt_decoder;

/* Hyperparameters, by the keys of config.json or of the architecture's GGUF, and
 * refusal of what the graph does not compute; then token embedding and final norm. */
GRT_NODISCARD grt_status grt_decoder_bind(grt_network *network,
                                          const grt_checkpoint *checkpoint,
                                          const grt_decoder *decoder, grt_error *err);

/* The score vector: a classifier's row or difference of rows where the checkpoint has
 * one, else rows of the output matrix, else of the embedding where the two are tied. */
GRT_NODISCARD grt_status grt_decoder_bind_score(grt_network *network,
                                                const grt_checkpoint *checkpoint,
                                                const grt_tokenizer *tokenizer,
                                                const grt_decoder *decoder,
                                                grt_error *err);

size_t grt_decoder_floats_per_row(const grt_network *network);

/* Multiplies embedding rows by network->embedding_scale. */
void grt_decoder_embed(const grt_network *network, const grt_kernels *kernels,
                       const grt_token_rows *rows, float *hidden, float *scratch);

/* x += scale * attention(norm(x)), x += scale * feed_forward(norm(x)), where scale is
 * network->residual_scale. */
void grt_decoder_layer(const grt_network *network, const grt_decoder *decoder,
                       const grt_layer_view *view, const grt_workspace *workspace,
                       const grt_chunk *chunk);

/* Final norm, then the score vector, or the head of `layer` where layers have heads. */
void grt_decoder_logits(const grt_network *network, const grt_workspace *workspace,
                        size_t layer, const float *rows, size_t n, float *out,
                        float *scratch);

#endif /* GRT_MODELS_BLOCKS_DECODER_H */
