/* qwen3.c - Qwen3 rerankers: a causal decoder that answers "yes" or "no".
 *
 * Qwen3 technical report, arXiv 2505.09388, and the model card of Qwen3-Reranker.  Each
 * layer: RMS norm, grouped-query attention with a norm on every query and key head and
 * rotary positions, add, RMS norm, SwiGLU feed-forward, add.  The logit is the
 * difference of two rows of the output matrix at the last token, "yes" minus "no", so
 * only their difference vector is kept; sequence-classification variants bring that
 * vector as score.weight. */
#include "models/architectures.h"

#include "models/blocks/decoder.h"
#include "models/blocks/prompt.h"

/* 0.6B and 4B share the output matrix with the embedding, 8B does not. */
static const grt_decoder decoder = {.gate = GRT_ACTIVATION_SILU,
                                    .activations = "silu",
                                    .norm_eps = 1e-6,
                                    .rope_theta = 1e6,
                                    .yes = "yes",
                                    .no = "no",
                                    .untied_width = 4096};

/* The prompt of the model card, word for word: a different one gives different scores.
 */
static const char system_text[] =
    "<|im_start|>system\nJudge whether the Document meets the requirements based on "
    "the Query and the Instruct provided. Note that the answer can only be \"yes\" or "
    "\"no\".<|im_end|>\n<|im_start|>user\n";
static const char end_text[] =
    "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n";
static const char default_instruction[] =
    "Given a web search query, retrieve relevant passages that answer the query";

static grt_status prompt(grt_prompt *out, const grt_network *network,
                         const grt_tokenizer *tokenizer, const char *instruction,
                         grt_error *err)
{
    const char *before;
    GRT_TRY(grt_prompt_join(
        &before, out, "<Instruct>: ", instruction ? instruction : default_instruction,
        "\n<Query>: ", err));
    out->pair.max_tokens = network->max_tokens;
    GRT_TRY(grt_prompt_words(out, tokenizer, system_text, err));
    /* The words around the texts are tokenised with them, as the reference does; the
     * document begins at its space, where the pre-tokeniser always splits. */
    grt_prompt_place(out, GRT_SLOT_QUERY, before, "\n<Document>:");
    grt_prompt_place(out, GRT_SLOT_DOCUMENT, " ", NULL);
    return grt_prompt_words(out, tokenizer, end_text, err);
}

const grt_architecture grt_architecture_qwen3 = {
    .name = "qwen3",
    .hf_classes = "Qwen3ForCausalLM Qwen3ForSequenceClassification",
    .gguf_name = "qwen3",
    .needed_parts = GRT_DECODER_NEEDS(QUERY_NORM) | GRT_DECODER_NEEDS(KEY_NORM),
    .takes_instruction = true,
    .prompt = prompt,
    GRT_DECODER_ARCHITECTURE(decoder),
};
