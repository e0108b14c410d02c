/* decoder.h - what causal decoders have in common: the tensors of a layer, its
 * arithmetic, the keys of their configs, and heads that read rows of the vocabulary.
 *
 * One table lists every part that a decoder is known to have; a part that is there is
 * used.  A family describes the rest by a grt_decoder; its file holds that and its
 * prompt. */
#ifndef GRT_MODELS_BLOCKS_DECODER_H
#define GRT_MODELS_BLOCKS_DECODER_H

#include "models/bind.h"

/* Tensors of a layer. */
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
    /* parts that may be missing */
    GRT_DECODER_QUERY_NORM, /* of each head */
    GRT_DECODER_KEY_NORM,
    GRT_DECODER_QUERY_BIAS,
    GRT_DECODER_KEY_BIAS,
    GRT_DECODER_VALUE_BIAS,
    GRT_DECODER_OUTPUT_BIAS,
    GRT_DECODER_GATE_BIAS,
    GRT_DECODER_UP_BIAS,
    GRT_DECODER_DOWN_BIAS,
    GRT_DECODER_ATTENTION_POST_NORM, /* of what attention adds */
    GRT_DECODER_FFN_POST_NORM,
    GRT_DECODER_N_PARTS
};
#define GRT_DECODER_NEEDS(part) (UINT32_C(1) << GRT_DECODER_##part)

/* Fixed parts. */
enum {
    GRT_DECODER_FINAL_NORM,
    GRT_DECODER_SCORE /* [1][hidden] f32, or one row for each layer with a head */
};

/* Numbers of one model: network->own. */
typedef struct grt_decoder_numbers {
    float embedding_scale; /* embedding rows are multiplied by it */
    float residual_scale;  /* so is what a block adds to its input */
    float logit_scale;
    bool is_interleaved; /* heads of queries and keys: see grt_rope_op */
    float logit_cap;     /* cap * tanh(logit / cap); 0: none */
} grt_decoder_numbers;

typedef struct grt_decoder {
    grt_activation gate;     /* of the feed-forward: SILU or GELU_TANH */
    const char *activations; /* space-separated: what config.json may call `gate` */
    bool norms_less_one;     /* Hugging Face's files hold norms less one */
    bool gguf_interleaves;   /* a GGUF holds rows of queries and keys in another order:
                                of each head 0, half, 1, half + 1 and so on */
    bool may_scale_rope;     /* llama3's or linear scaling of positions */
    bool scales_embedding;   /* by sqrt(hidden size) */
    /* where the config is silent */
    double norm_eps, rope_theta;
    grt_size_defaults sizes;
    /* Layers that see a window only, with rotary positions of their own: those that
     * layer_types calls "sliding_attention", or all but each period-th; 0: none. */
    size_t local_period;
    double local_theta;
    double query_scalar; /* scores are divided by its root; 0: by the head size's */
    bool is_tied;        /* the output matrix is the embedding's */
    /* the head: logit(yes) - logit(no) of the last token, or logit(yes) */
    const char *yes;
    const char *no;      /* NULL: the logit of `yes` alone */
    bool encodes_answer; /* the token is what the tokenizer makes of the word, which may
                            spell it otherwise; else the token of that name */
    size_t untied_width; /* models from this hidden size on are known to have an output
                            matrix of their own, which a GGUF cannot say; 0: none */
    /* What is the family's own: numbers, kinds of layers (which are all alike before),
     * refusals; after sizes and keys were read.  NULL: nothing. */
    grt_status (*adjust)(grt_binder *binder, grt_decoder_numbers *numbers,
                         grt_layer_kind *kinds, grt_error *err);
    /* Heads of another kind; NULL: grt_decoder_bind_score. */
    grt_status (*bind_heads)(grt_binder *binder, grt_error *err);
} grt_decoder;

enum { GRT_DECODER_N_SPECS = 26 };
extern const grt_part_spec grt_decoder_specs[GRT_DECODER_N_SPECS];

/* What a grt_architecture of a decoder says beside its names. */
#define GRT_DECODER_ARCHITECTURE(decoder)                                     \
    .layers = {"layers", "blk"},                                              \
    .embedding = {"embed_tokens.weight", "token_embd.weight"},                \
    .layer_specs = grt_decoder_specs, .n_layer_specs = GRT_DECODER_N_SPECS,   \
    .n_layer_parts = GRT_DECODER_N_PARTS, .description = &(decoder),          \
    .reads_last_row = true, .is_causal = true, .bind = grt_decoder_bind,      \
    .floats_per_row = grt_decoder_floats_per_row, .embed = grt_decoder_embed, \
    .layer = grt_decoder_layer, .logits = grt_decoder_logits

GRT_NODISCARD grt_status grt_decoder_bind(grt_binder *binder, grt_error *err);

/* The score vector: a classifier's row or difference of rows where the checkpoint has
 * one, else rows of the output matrix, else of the embedding where the two are tied. */
GRT_NODISCARD grt_status grt_decoder_bind_score(grt_binder *binder, grt_error *err);

size_t grt_decoder_floats_per_row(const grt_network *network);

/* Multiplies embedding rows by the embedding scale. */
void grt_decoder_embed(const grt_network *network, grt_device *device,
                       const grt_token_rows *rows, grt_rows hidden);

/* x += scale * attention(norm(x)), x += scale * feed_forward(norm(x)), where scale is
 * the residual scale; each branch is normed once more where the layer has norms for it.
 */
void grt_decoder_layer(const grt_network *network, const grt_layer_view *view,
                       const grt_workspace *workspace, const grt_chunk *chunk);

/* Final norm, then the score vector, or the head of `layer` where layers have heads. */
GRT_NODISCARD grt_status grt_decoder_logits(const grt_network *network,
                                            grt_device *device, size_t layer,
                                            grt_rows rows, size_t n, float *out,
                                            grt_space scratch, grt_error *err);

#endif /* GRT_MODELS_BLOCKS_DECODER_H */
