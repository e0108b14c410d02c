/* minicpm.c - bge-reranker-v2-minicpm-layerwise: a causal decoder with a head for the
 * output of every layer from the start layer on.
 *
 * MiniCPM, arXiv 2404.06395, and the model card.  As other decoders, but embedding rows
 * are multiplied by scale_emb and what a block adds by scale_depth / sqrt(layers). Each
 * head is one row, read after the final norm from the last token; a model may be opened
 * to stop at any of them.  No GGUF carries these heads, so there are safetensors only.
 */
#include "models/architectures.h"

#include "models/blocks/decoder.h"
#include "models/blocks/prompt.h"

#include <math.h>
#include <stdio.h>

/* Of embeddings and of what blocks add, and the heads that such a config may ask for.
 */
static grt_status adjust(grt_binder *binder, grt_decoder_numbers *numbers,
                         grt_layer_kind *kinds, grt_error *err)
{
    static const grt_name embedding_name = {"scale_emb", NULL};
    static const grt_name depth_name = {"scale_depth", NULL};
    static const grt_name head_type = {"head_type", NULL},
                          head_multi = {"head_multi", NULL};
    (void)kinds;
    const char *source = binder->checkpoint->metadata.source;
    double embedding = 1.0, depth = 1.0;
    bool has_heads = true;
    (void)grt_key_number(binder, embedding_name, &embedding);
    (void)grt_key_number(binder, depth_name, &depth);
    if (!(embedding > 0.0 && embedding < 1e6) || !(depth > 0.0 && depth < 1e6))
        GRT_FAIL(err, GRT_E_FORMAT, "%s: scale_emb %g and scale_depth %g make no sense",
                 source, embedding, depth);
    numbers->embedding_scale = (float)embedding;
    numbers->residual_scale = (float)(depth / sqrt((double)binder->network->n_layers));
    GRT_TRY(grt_key_allow(binder, head_type, "simple", err));
    if (grt_key_flag(binder, head_multi, &has_heads) && !has_heads)
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "%s: head_multi is false; a head for each layer is needed", source);
    return GRT_OK;
}

static grt_status bind_heads(grt_binder *binder, grt_error *err)
{
    static const grt_name start = {"start_layer", NULL};
    grt_network *network = binder->network;
    uint64_t first;
    GRT_TRY(grt_key_need(binder, start, 1, network->n_layers, &first, err));
    size_t d = network->hidden_size, n_heads = network->n_layers - (size_t)first + 1;
    float *heads;
    GRT_TRY(grt_arena_alloc(&network->arena, &heads, n_heads * d, sizeof(*heads), err));
    for (size_t i = 0; i < n_heads; i++) {
        char name[64];
        const grt_tensor *head;
        (void)snprintf(name, sizeof(name), "lm_head.%zu.linear_head.weight", i);
        GRT_TRY(grt_bind_tensor(&head, binder, (grt_name){name, NULL}, 1, d,
                                GRT_PART_HEAD, err));
        GRT_TRY(grt_read_row(binder->checkpoint, head, 0, heads + i * d, err));
    }
    network->first_head = (size_t)first;
    grt_bind_values(network, GRT_DECODER_SCORE, heads, n_heads, d);
    char *text;
    enum { TEXT_BYTES = 80 };
    GRT_TRY(grt_arena_alloc(&network->arena, &text, TEXT_BYTES, 1, err));
    (void)snprintf(text, TEXT_BYTES, "one for each layer from %zu to %zu, last token",
                   network->first_head, network->n_layers);
    network->head_text = text;
    return GRT_OK;
}

static const grt_decoder decoder = {.gate = GRT_ACTIVATION_SILU,
                                    .activations = "silu",
                                    .norm_eps = 1e-6,
                                    .rope_theta = 1e4,
                                    .adjust = adjust,
                                    .bind_heads = bind_heads};

static grt_status prompt(grt_prompt *out, const grt_network *network,
                         const grt_tokenizer *tokenizer, const char *instruction,
                         grt_error *err)
{
    return grt_prompt_bge(out, network, tokenizer, "<s>", instruction, err);
}

const grt_architecture grt_architecture_minicpm = {
    .name = "minicpm",
    .hf_classes = "LayerWiseMiniCPMForCausalLM",
    .prompt = prompt,
    GRT_DECODER_ARCHITECTURE(decoder),
};
