/* gemma3.c - rerankers on Gemma 3: gemma.c's decoder with norms of heads and of what
 * branches add, and layers of which most see a window only (arXiv 2503.19786). */
#include "models/architectures.h"

#include "models/blocks/decoder.h"
#include "models/blocks/prompt.h"

#include <math.h>

/* A GGUF has no key for the scale of scores, which is another one in the 27B model. */
static grt_status adjust(grt_binder *binder, grt_decoder_numbers *numbers,
                         grt_layer_kind *kinds, grt_error *err)
{
    const grt_network *network = binder->network;
    (void)numbers, (void)err;
    float scale = 1.0f / sqrtf((float)(network->hidden_size / network->n_heads));
    for (size_t i = 0; i < network->n_layers; i++)
        if (binder->is_gguf && network->n_layers == 62) kinds[i].scale = scale;
    return GRT_OK;
}

static const grt_decoder decoder = {.gate = GRT_ACTIVATION_GELU_TANH,
                                    .activations = "gelu_pytorch_tanh",
                                    .norms_less_one = true,
                                    .may_scale_rope = true,
                                    .scales_embedding = true,
                                    .norm_eps = 1e-6,
                                    .rope_theta = 1e6,
                                    .sizes = {8, 4, 256, 131072},
                                    .local_period = 6,
                                    .local_theta = 1e4,
                                    .query_scalar = 256,
                                    .is_tied = true,
                                    .yes = "Yes",
                                    .adjust = adjust};

static grt_status prompt(grt_prompt *out, const grt_network *network,
                         const grt_tokenizer *tokenizer, const char *instruction,
                         grt_error *err)
{
    return grt_prompt_bge(out, network, tokenizer, "<bos>", instruction, err);
}

const grt_architecture grt_architecture_gemma3 = {
    .name = "gemma3",
    .hf_classes = "Gemma3ForCausalLM Gemma3ForConditionalGeneration "
                  "Gemma3ForSequenceClassification Gemma3TextForSequenceClassification",
    .gguf_name = "gemma3",
    .needed_parts = GRT_DECODER_NEEDS(QUERY_NORM) | GRT_DECODER_NEEDS(KEY_NORM) |
                    GRT_DECODER_NEEDS(ATTENTION_POST_NORM) |
                    GRT_DECODER_NEEDS(FFN_POST_NORM),
    .must_say_rank = true,
    .prompt = prompt,
    GRT_DECODER_ARCHITECTURE(decoder),
};
