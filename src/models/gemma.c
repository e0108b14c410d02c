/* gemma.c - bge-reranker-v2-gemma: a causal decoder that answers "Yes".
 *
 * Gemma report, arXiv 2403.08295, and the model card.  As other decoders, but embedding
 * rows are multiplied by sqrt(hidden size), norms multiply by one plus their weight (a
 * GGUF has the one added already), and the gate is GELU's tanh form.  All query heads
 * may share one key head. */
#include "models/architectures.h"

#include "models/blocks/decoder.h"
#include "models/blocks/prompt.h"

/* Configs from before the activation was named right say "gelu" and mean its tanh form;
 * the output matrix is always the embedding's, and configs leave that out. */
static const grt_decoder decoder = {.gate = GRT_ACTIVATION_GELU_TANH,
                                    .activations = "gelu_pytorch_tanh gelu",
                                    .norms_less_one = true,
                                    .scales_embedding = true,
                                    .norm_eps = 1e-6,
                                    .rope_theta = 1e4,
                                    .is_tied = true,
                                    .yes = "Yes"};

static grt_status prompt(grt_prompt *out, const grt_network *network,
                         const grt_tokenizer *tokenizer, const char *instruction,
                         grt_error *err)
{
    return grt_prompt_bge(out, network, tokenizer, "<bos>", instruction, err);
}

const grt_architecture grt_architecture_gemma = {
    .name = "gemma",
    .hf_classes = "GemmaForCausalLM",
    .gguf_name = "gemma",
    .prompt = prompt,
    GRT_DECODER_ARCHITECTURE(decoder),
};
