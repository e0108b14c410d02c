/* gemma.c - rerankers on Gemma (bge-reranker-v2-gemma): a causal decoder whose score is
 * the logit of "Yes".
 *
 * Gemma, arXiv 2403.08295, and the model card.  As other decoders, but embedding rows
 * are multiplied by sqrt(hidden size), norms multiply by one plus their weight, the
 * feed-forward part is a GeGLU with the tanh form of GELU, and all query heads read one
 * key head.  A GGUF holds norms with the one added. */
#include "models/architectures.h"

#include "models/bind.h"
#include "models/blocks/blocks.h"
#include "models/blocks/decoder.h"
#include "models/blocks/prompt.h"

#include <math.h>

static const grt_part_spec layer_parts[] = {GRT_DECODER_PARTS};
GRT_LAYER_PARTS_FIT(layer_parts);

/* Configs from before the activation was named right say "gelu" and mean its tanh form;
 * the output matrix is always the embedding's, and configs leave that out. */
static const grt_decoder decoder = {.gate = grt_block_gelu_tanh_mul,
                                    .activations = "gelu_pytorch_tanh gelu",
                                    .norm_eps = 1e-6,
                                    .rope_theta = 1e4,
                                    .is_tied = true,
                                    .yes = "Yes"};

static grt_status bind(grt_network *network, grt_checkpoint *checkpoint,
                       const grt_tokenizer *tokenizer, grt_error *err)
{
    network->vector_offset = checkpoint->format == GRT_FORMAT_GGUF ? 0.0f : 1.0f;
    GRT_TRY(grt_decoder_bind(network, checkpoint, &decoder, err));
    network->embedding_scale = sqrtf((float)network->hidden_size);
    GRT_TRY(grt_decoder_bind_score(network, checkpoint, tokenizer, &decoder, err));
    return grt_bind_layers(network, checkpoint, "model.", err);
}

static grt_status prompt(grt_prompt *out, const grt_network *network,
                         const grt_tokenizer *tokenizer, const char *instruction,
                         grt_error *err)
{
    return grt_prompt_bge(out, network, tokenizer, "<bos>", instruction, err);
}

static void layer(const grt_network *network, const grt_layer_view *view,
                  const grt_workspace *workspace, const grt_chunk *chunk)
{
    grt_decoder_layer(network, &decoder, view, workspace, chunk);
}

const grt_architecture grt_architecture_gemma = {
    .name = "gemma",
    .hf_classes = "GemmaForCausalLM",
    .gguf_name = "gemma",
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
