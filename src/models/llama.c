/* llama.c - rerankers on Llama: a causal decoder that answers "Yes", or has a score of
 * its own.
 *
 * Llama, arXiv 2302.13971, and Llama 3, arXiv 2407.21783 (longer texts by slower
 * rotary turns).  A GGUF holds the rows of queries and keys in another order.  The
 * prompt is that of bge's decoders, whose training code fine-tunes Llamas; its answer
 * is the token that the tokenizer makes of "Yes". */
#include "models/architectures.h"

#include "models/blocks/decoder.h"
#include "models/blocks/prompt.h"

/* 1B and 3B of Llama 3.2 share the output matrix with the embedding. */
static const grt_decoder decoder = {.gate = GRT_ACTIVATION_SILU,
                                    .activations = "silu",
                                    .gguf_interleaves = true,
                                    .may_scale_rope = true,
                                    .norm_eps = 1e-6,
                                    .rope_theta = 1e4,
                                    .yes = "Yes",
                                    .encodes_answer = true,
                                    .untied_width = 4096};

static grt_status prompt(grt_prompt *out, const grt_network *network,
                         const grt_tokenizer *tokenizer, const char *instruction,
                         grt_error *err)
{
    return grt_prompt_bge(out, network, tokenizer, NULL, instruction, err);
}

const grt_architecture grt_architecture_llama = {
    .name = "llama",
    .hf_classes = "LlamaForCausalLM LlamaForSequenceClassification",
    .gguf_name = "llama",
    .must_say_rank = true,
    .prompt = prompt,
    GRT_DECODER_ARCHITECTURE(decoder),
};
