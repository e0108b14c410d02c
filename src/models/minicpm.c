/* minicpm.c - bge-reranker-v2-minicpm-layerwise: a causal decoder with a head for the
 * output of every layer from the start layer on.
 *
 * MiniCPM, arXiv 2404.06395, and the model card.  As other decoders, but embedding rows
 * are multiplied by scale_emb and what a block adds by scale_depth / sqrt(layers). Each
 * head is one row, read after the final norm from the last token; a session may stop at
 * any of them.  No GGUF carries these heads, so there are safetensors only. */
#include "models/architectures.h"

#include "models/bind.h"
#include "models/blocks/blocks.h"
#include "models/blocks/decoder.h"
#include "models/blocks/prompt.h"

#include <math.h>
#include <stdio.h>

static const grt_part_spec layer_parts[] = {GRT_DECODER_PARTS};
GRT_LAYER_PARTS_FIT(layer_parts);

static const grt_decoder decoder = {.gate = grt_block_silu_mul,
                                    .activations = "silu",
                                    .norm_eps = 1e-6,
                                    .rope_theta = 1e4};

static grt_status read_scales(grt_network *network, const grt_metadata *config,
                              grt_error *err)
{
    double embedding = 1.0, depth = 1.0;
    (void)grt_metadata_get_f64(config, "scale_emb", &embedding);
    (void)grt_metadata_get_f64(config, "scale_depth", &depth);
    if (!(embedding > 0.0 && embedding < 1e6) || !(depth > 0.0 && depth < 1e6))
        GRT_FAIL(err, GRT_E_FORMAT, "%s: scale_emb %g and scale_depth %g make no sense",
                 config->source, embedding, depth);
    network->embedding_scale = (float)embedding;
    network->residual_scale = (float)(depth / sqrt((double)network->n_layers));
    return GRT_OK;
}

/* What else such a config may ask for. */
static grt_status refuse_other_heads(const grt_metadata *config, grt_error *err)
{
    GRT_TRY(grt_need_text(config, "head_type", "simple", err));
    bool has_heads = true;
    if (grt_metadata_get_bool(config, "head_multi", &has_heads) && !has_heads)
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "%s: head_multi is false; a head for each layer is needed",
                 config->source);
    return GRT_OK;
}

static grt_status bind_heads(grt_network *network, const grt_checkpoint *checkpoint,
                             grt_error *err)
{
    uint64_t first;
    GRT_TRY(grt_metadata_need_u64(&checkpoint->metadata, "start_layer", 1,
                                  network->n_layers, &first, err));
    size_t d = network->hidden_size, n_heads = network->n_layers - (size_t)first + 1;
    float *heads;
    GRT_TRY(grt_arena_alloc(&network->arena, &heads, n_heads * d, sizeof(*heads), err));
    for (size_t i = 0; i < n_heads; i++) {
        char name[64];
        const grt_tensor *head;
        (void)snprintf(name, sizeof(name), "lm_head.%zu.linear_head.weight", i);
        GRT_TRY(grt_bind_tensor(&head, network, checkpoint, name, 1, d, GRT_PART_HEAD,
                                err));
        GRT_TRY(grt_read_row(checkpoint, head, 0, heads + i * d, err));
    }
    network->layer_heads = heads;
    network->first_head = (size_t)first;
    network->fixed[GRT_DECODER_SCORE].weight = (grt_weight){heads, GRT_DTYPE_F32, 1, d};
    char *text;
    enum { TEXT_BYTES = 80 };
    GRT_TRY(grt_arena_alloc(&network->arena, &text, TEXT_BYTES, 1, err));
    (void)snprintf(text, TEXT_BYTES, "one for each layer from %zu to %zu, last token",
                   network->first_head, network->n_layers);
    network->head_text = text;
    return GRT_OK;
}

static grt_status bind(grt_network *network, grt_checkpoint *checkpoint,
                       const grt_tokenizer *tokenizer, grt_error *err)
{
    (void)tokenizer;
    GRT_TRY(refuse_other_heads(&checkpoint->metadata, err));
    GRT_TRY(grt_decoder_bind(network, checkpoint, &decoder, err));
    GRT_TRY(read_scales(network, &checkpoint->metadata, err));
    GRT_TRY(bind_heads(network, checkpoint, err));
    return grt_bind_layers(network, checkpoint, "model.", err);
}

static grt_status prompt(grt_prompt *out, const grt_network *network,
                         const grt_tokenizer *tokenizer, const char *instruction,
                         grt_error *err)
{
    return grt_prompt_bge(out, network, tokenizer, "<s>", instruction, err);
}

static void layer(const grt_network *network, const grt_layer_view *view,
                  const grt_workspace *workspace, const grt_chunk *chunk)
{
    grt_decoder_layer(network, &decoder, view, workspace, chunk);
}

const grt_architecture grt_architecture_minicpm = {
    .name = "minicpm",
    .hf_classes = "LayerWiseMiniCPMForCausalLM",
    .hf_layer = "layers",
    .layer_parts = layer_parts,
    .n_layer_parts = sizeof(layer_parts) / sizeof(layer_parts[0]),
    .takes_instruction = false,
    .reads_last_row = true,
    .is_causal = true,
    .bind = bind,
    .prompt = prompt,
    .floats_per_row = grt_decoder_floats_per_row,
    .embed = grt_decoder_embed,
    .layer = layer,
    .logits = grt_decoder_logits,
};
