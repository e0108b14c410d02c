/* decoder_score.c - the vector whose product with the normed last row is the logit; see
 * decoder.h. */
#include "models/blocks/decoder.h"

#include <string.h>

typedef struct score_source {
    const grt_tensor *tensor;
    uint64_t yes_row;
    uint64_t no_row;
    bool has_no;      /* else yes_row alone is the vector */
    const char *text; /* for people */
} score_source;

static const grt_name score_name = {"score.weight", "cls.output.weight"};
static const grt_name output_name = {"lm_head.weight", "output.weight"};

static const grt_decoder *decoder_of(const grt_binder *binder)
{
    return binder->network->architecture->description;
}

/* Order of the two labels of a GGUF head: "yes" first unless the file says otherwise.
 */
static void label_rows(score_source *source, grt_binder *binder)
{
    static const grt_name labels_name = {NULL, "classifier.output_labels"};
    const char *no = decoder_of(binder)->no;
    const grt_meta_value *labels = grt_key_get(binder, labels_name);
    bool is_no_first = no && labels && labels->type == GRT_META_TEXT &&
                       labels->n == 2 && labels->texts[0].size == strlen(no) &&
                       memcmp(labels->texts[0].data, no, labels->texts[0].size) == 0;
    source->yes_row = is_no_first;
    source->no_row = !is_no_first;
    source->has_no = true;
}

/* A head that is there for ranking: one row, or one for each answer. */
static grt_status classifier_rows(score_source *source, grt_binder *binder,
                                  grt_error *err)
{
    uint64_t n = source->tensor->n_dims == 2 ? source->tensor->shape[0] : 1;
    source->text = n == 1 ? "score vector on the last token"
                          : "yes - no rows of the head, last token";
    if (n == 1) return GRT_OK;
    if (n == 2 && binder->is_gguf) {
        label_rows(source, binder);
        return GRT_OK;
    }
    GRT_FAIL(err, GRT_E_UNSUPPORTED, "%s: %s has %llu labels; a reranker has one",
             binder->checkpoint->path, source->tensor->name, (unsigned long long)n);
}

/* The token that the tokenizer makes of a word; GRT_NO_TOKEN when there are several. */
static grt_status encoded(int32_t *out, const grt_tokenizer *tokenizer,
                          const char *word, grt_error *err)
{
    grt_ids ids = {0};
    grt_status status = grt_tokenizer_encode(tokenizer, word, strlen(word), &ids, err);
    if (status == GRT_OK) *out = ids.n == 1 ? ids.ids[0] : GRT_NO_TOKEN;
    grt_ids_release(&ids);
    return status;
}

static grt_status token_row(uint64_t *out, grt_binder *binder, const char *token,
                            grt_error *err)
{
    int32_t id = grt_tokenizer_id(binder->tokenizer, token, strlen(token));
    if (decoder_of(binder)->encodes_answer)
        GRT_TRY(encoded(&id, binder->tokenizer, token, err));
    if (id == GRT_NO_TOKEN)
        GRT_FAIL(err, GRT_E_FORMAT,
                 "the vocabulary has no single token \"%s\", which a %s reranker "
                 "answers with",
                 token, binder->network->architecture->name);
    *out = (uint64_t)id;
    return GRT_OK;
}

/* The output matrix, or the embedding where the two are one. */
static grt_status find_output(score_source *source, grt_binder *binder, grt_error *err)
{
    static const grt_name tied_name = {"tie_word_embeddings", NULL};
    const grt_network *network = binder->network;
    const grt_decoder *decoder = decoder_of(binder);
    const char *path = binder->checkpoint->path;
    source->tensor = grt_tensor_find(binder, output_name);
    source->text = decoder->no ? "yes - no rows of the head, last token"
                               : "yes row of the head, last token";
    if (source->tensor) return GRT_OK;
    /* a GGUF has no key for it: no output matrix means tied */
    bool is_tied = binder->is_gguf || decoder->is_tied;
    (void)grt_key_flag(binder, tied_name, &is_tied);
    if (!is_tied)
        GRT_FAIL(err, GRT_E_FORMAT,
                 "%s: no ranking head: neither score.weight nor %s is there, and "
                 "tie_word_embeddings is not set",
                 path, grt_spelled(binder, output_name));
    if (binder->is_gguf && decoder->untied_width &&
        network->hidden_size >= decoder->untied_width)
        GRT_FAIL(err, GRT_E_FORMAT,
                 "%s: no ranking head: neither cls.output.weight nor output.weight is "
                 "there, and %s models of width %zu do not share it with the embedding",
                 path, network->architecture->name, network->hidden_size);
    source->tensor = network->token_embedding;
    source->text = decoder->no ? "yes - no rows of the tied embedding, last token"
                               : "yes row of the tied embedding, last token";
    return GRT_OK;
}

static grt_status find_score(score_source *source, grt_binder *binder, grt_error *err)
{
    const grt_decoder *decoder = decoder_of(binder);
    *source = (score_source){.tensor = grt_tensor_find(binder, score_name)};
    if (source->tensor) return classifier_rows(source, binder, err);
    GRT_TRY(find_output(source, binder, err));
    GRT_TRY(token_row(&source->yes_row, binder, decoder->yes, err));
    source->has_no = decoder->no != NULL;
    if (!source->has_no) return GRT_OK;
    return token_row(&source->no_row, binder, decoder->no, err);
}

/* Its shape, and that it has the rows. */
static grt_status check_score(const score_source *source, grt_binder *binder,
                              grt_error *err)
{
    const grt_tensor *tensor = source->tensor, *checked;
    const grt_network *network = binder->network;
    uint64_t n_rows = tensor->n_dims == 2 ? tensor->shape[0] : 1;
    bool is_embedding = tensor == network->token_embedding;
    grt_name name = {tensor->name, tensor->name};
    GRT_TRY(grt_bind_tensor(&checked, binder, name, n_rows, network->hidden_size,
                            is_embedding ? GRT_PART_EMBEDDING : GRT_PART_HEAD, err));
    if (source->yes_row < n_rows && source->no_row < n_rows) return GRT_OK;
    GRT_FAIL_AT(err, GRT_E_FORMAT, tensor->offset,
                "%s: tensor %s has %llu rows; a token of the answer has none",
                binder->checkpoint->path, tensor->name, (unsigned long long)n_rows);
}

grt_status grt_decoder_bind_score(grt_binder *binder, grt_error *err)
{
    score_source source;
    grt_network *network = binder->network;
    GRT_TRY(find_score(&source, binder, err));
    GRT_TRY(check_score(&source, binder, err));
    size_t d = network->hidden_size;
    float *score, *no;
    GRT_TRY(grt_arena_alloc(&network->arena, &score, d, sizeof(*score), err));
    GRT_TRY(grt_arena_alloc(&network->arena, &no, d, sizeof(*no), err));
    GRT_TRY(
        grt_read_row(binder->checkpoint, source.tensor, source.yes_row, score, err));
    if (source.has_no)
        GRT_TRY(
            grt_read_row(binder->checkpoint, source.tensor, source.no_row, no, err));
    for (size_t i = 0; i < d; i++)
        score[i] -= no[i];
    grt_bind_values(network, GRT_DECODER_SCORE, score, 1, d);
    network->head_text = source.text;
    return GRT_OK;
}
