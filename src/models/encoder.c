/* encoder.c - see encoder.h. */
#include "models/encoder.h"

#include <string.h>

grt_status grt_encoder_prompt(grt_prompt *out, const grt_network *network,
                              const grt_tokenizer *tokenizer, const char *instruction,
                              const grt_encoder_pair *pair, grt_error *err)
{
    if (instruction)
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "this model takes no instruction (a %s cross-encoder)",
                 network->architecture->name);
    int32_t begin = grt_tokenizer_id(tokenizer, pair->begin, strlen(pair->begin));
    int32_t end = grt_tokenizer_id(tokenizer, pair->end, strlen(pair->end));
    if (begin == GRT_NO_TOKEN || end == GRT_NO_TOKEN)
        GRT_FAIL(err, GRT_E_FORMAT, "the vocabulary has no %s or %s", pair->begin,
                 pair->end);
    int32_t *ids;
    GRT_TRY(grt_arena_alloc(&out->arena, &ids, 3, sizeof(*ids), err));
    ids[0] = begin;
    ids[1] = ids[2] = end;
    uint8_t type = pair->document_type;
    grt_segment segments[] = {
        {.slot = GRT_SLOT_FIXED, .ids = ids, .n_ids = 1},
        {.slot = GRT_SLOT_QUERY},
        {.slot = GRT_SLOT_FIXED, .ids = ids + 1, .n_ids = pair->n_between},
        {.slot = GRT_SLOT_DOCUMENT, .token_type = type},
        {.slot = GRT_SLOT_FIXED, .token_type = type, .ids = ids + 1, .n_ids = 1},
    };
    memcpy(out->pair.segments, segments, sizeof(segments));
    _Static_assert(sizeof(segments) / sizeof(segments[0]) <= GRT_MAX_SEGMENTS,
                   "more segments than a template has");
    out->pair.n_segments = sizeof(segments) / sizeof(segments[0]);
    out->pair.max_tokens = network->max_tokens;
    return GRT_OK;
}

grt_status grt_encoder_need_one_label(const grt_checkpoint *checkpoint,
                                      const char *name, grt_error *err)
{
    const grt_tensor *labels = grt_catalogue_get(&checkpoint->catalogue, name);
    if (!labels)
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "%s: is an embedding model: it has no reranking head (no %s)",
                 checkpoint->path, name);
    if (labels->n_dims == 2 && labels->shape[0] != 1)
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "%s: a classifier with %llu labels (%s); a reranker has one, so there "
                 "is nothing to rank by",
                 checkpoint->path, (unsigned long long)labels->shape[0], name);
    return GRT_OK;
}

grt_status grt_encoder_split_heads(grt_network *network,
                                   const grt_checkpoint *checkpoint, grt_error *err)
{
    network->n_kv_heads = network->n_heads;
    network->head_size = network->hidden_size / network->n_heads;
    if (network->hidden_size % network->n_heads != 0 ||
        network->head_size > GRT_MAX_HEAD_SIZE)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: hidden size %zu does not split into %zu heads",
                 checkpoint->metadata.source, network->hidden_size, network->n_heads);
    return GRT_OK;
}

grt_status grt_encoder_count_rows(size_t *out, const grt_checkpoint *checkpoint,
                                  const char *name, uint64_t most, grt_error *err)
{
    const grt_tensor *table = grt_catalogue_get(&checkpoint->catalogue, name);
    if (!table || table->n_dims != 2)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: tensor %s is missing or not a matrix",
                 checkpoint->path, name);
    if (table->shape[0] < 1 || table->shape[0] > most)
        GRT_FAIL_AT(err, GRT_E_FORMAT, table->offset,
                    "%s: %s has %llu rows, 1 to %llu are read", checkpoint->path, name,
                    (unsigned long long)table->shape[0], (unsigned long long)most);
    *out = (size_t)table->shape[0];
    return GRT_OK;
}
