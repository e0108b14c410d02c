/* qwen3.c - Qwen3 rerankers: a causal decoder that answers "yes" or "no".
 *
 * Qwen3 technical report, arXiv 2505.09388, and the model card of Qwen3-Reranker.  Each
 * layer: RMS norm, grouped-query attention with a norm on every query and key head and
 * rotary positions, add, RMS norm, SwiGLU feed-forward, add.  The logit is the
 * difference of two rows of the output matrix at the last token, "yes" minus "no", so
 * only their difference vector is kept; sequence-classification variants bring that
 * vector as score.weight. */
#include "models/architectures.h"

#include "models/bind.h"
#include "models/blocks/blocks.h"
#include "models/blocks/decoder.h"
#include "models/blocks/prompt.h"

static const grt_part_spec layer_parts[] = {
    GRT_DECODER_PARTS,
    GRT_PART("self_attn.q_norm.weight", "attn_q_norm.weight", HEAD, NONE),
    GRT_PART("self_attn.k_norm.weight", "attn_k_norm.weight", HEAD, NONE),
};
GRT_LAYER_PARTS_FIT(layer_parts);

/* 0.6B and 4B share the output matrix with the embedding, 8B does not. */
static const grt_decoder decoder = {.has_head_norms = true,
                                    .gate = grt_block_silu_mul,
                                    .activations = "silu",
                                    .norm_eps = 1e-6,
                                    .rope_theta = 1e6,
                                    .yes = "yes",
                                    .no = "no",
                                    .untied_width = 4096};

static grt_status bind(grt_network *network, grt_checkpoint *checkpoint,
                       const grt_tokenizer *tokenizer, grt_error *err)
{
    GRT_TRY(grt_decoder_bind(network, checkpoint, &decoder, err));
    GRT_TRY(grt_decoder_bind_score(network, checkpoint, tokenizer, &decoder, err));
    return grt_bind_layers(network, checkpoint, "model.", err);
}

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

static void layer(const grt_network *network, const grt_layer_view *view,
                  const grt_workspace *workspace, const grt_chunk *chunk)
{
    grt_decoder_layer(network, &decoder, view, workspace, chunk);
}

const grt_architecture grt_architecture_qwen3 = {
    .name = "qwen3",
    .hf_classes = "Qwen3ForCausalLM Qwen3ForSequenceClassification",
    .gguf_name = "qwen3",
    .hf_layer = "layers",
    .layer_parts = layer_parts,
    .n_layer_parts = sizeof(layer_parts) / sizeof(layer_parts[0]),
    .takes_instruction = true,
    .reads_last_row = true,
    .is_causal = true,
    .bind = bind,
    .prompt = prompt,
    .floats_per_row = grt_decoder_floats_per_row,
    .layer = layer,
    .logits = grt_decoder_logits,
};
