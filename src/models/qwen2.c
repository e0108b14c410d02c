/* qwen2.c - rerankers on Qwen2.5 (mxbai-rerank v2): a causal decoder that answers "1"
 * or "0".
 *
 * Qwen2 technical report, arXiv 2407.10671, and the published code of mxbai-rerank v2.
 * As qwen3.c, but queries, keys and values have biases in the place of norms of heads.
 */
#include "models/architectures.h"

#include "models/blocks/decoder.h"
#include "models/blocks/prompt.h"

/* Models up to 3B share the output matrix with the embedding. */
static const grt_decoder decoder = {.gate = GRT_ACTIVATION_SILU,
                                    .activations = "silu",
                                    .norm_eps = 1e-6,
                                    .rope_theta = 1e6,
                                    .yes = "1",
                                    .no = "0",
                                    .untied_width = 3584};

/* The published prompt, whose pieces are tokenised one by one. */
static const char system_text[] =
    "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful "
    "assistant.<|im_end|>\n<|im_start|>user\n";
static const char task_text[] =
    "You are a search relevance expert who evaluates how well documents match search "
    "queries. For each query-document pair, carefully analyze the semantic "
    "relationship "
    "between them, then provide your binary relevance judgment (0 for not relevant, 1 "
    "for relevant).\nRelevance:";
static const char end_text[] = "<|im_end|>\n<|im_start|>assistant\n";

static grt_status prompt(grt_prompt *out, const grt_network *network,
                         const grt_tokenizer *tokenizer, const char *instruction,
                         grt_error *err)
{
    const char *before = "query: ";
    if (instruction)
        GRT_TRY(grt_prompt_join(&before, out, "instruction: ", instruction,
                                "\nquery: ", err));
    out->pair.max_tokens = network->max_tokens;
    GRT_TRY(grt_prompt_words(out, tokenizer, system_text, err));
    grt_prompt_place(out, GRT_SLOT_QUERY, before, NULL);
    GRT_TRY(grt_prompt_words(out, tokenizer, "\n", err));
    /* "document: " and the text are one piece, which the pre-tokeniser always splits
     * before the space. */
    GRT_TRY(grt_prompt_words(out, tokenizer, "document:", err));
    grt_prompt_place(out, GRT_SLOT_DOCUMENT, " ", NULL);
    GRT_TRY(grt_prompt_words(out, tokenizer, "\n", err));
    GRT_TRY(grt_prompt_words(out, tokenizer, task_text, err));
    return grt_prompt_words(out, tokenizer, end_text, err);
}

const grt_architecture grt_architecture_qwen2 = {
    .name = "qwen2",
    .hf_classes = "Qwen2ForCausalLM Qwen2ForSequenceClassification",
    .gguf_name = "qwen2",
    .needed_parts = GRT_DECODER_NEEDS(QUERY_BIAS) | GRT_DECODER_NEEDS(KEY_BIAS) |
                    GRT_DECODER_NEEDS(VALUE_BIAS),
    .takes_instruction = true,
    .prompt = prompt,
    GRT_DECODER_ARCHITECTURE(decoder),
};
