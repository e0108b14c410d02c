/* encoder.c - see encoder.h. */
#include "models/encoder.h"

#include <stdio.h>
#include <string.h>

/* ---- Pairs ---- */

/* The token of a role, which files may give to any; else the one of this name, else
 * that of the other role. */
static int32_t control(const grt_tokenizer *tokenizer, const char *name, int32_t role,
                       int32_t other_role)
{
    if (role != GRT_NO_TOKEN) return role;
    int32_t id = grt_tokenizer_id(tokenizer, name, strlen(name));
    return id != GRT_NO_TOKEN ? id : other_role;
}

static grt_segment *add_segment(grt_pair_template *pair, grt_slot slot, uint8_t type)
{
    grt_segment *segment = &pair->segments[pair->n_segments++];
    *segment = (grt_segment){.slot = slot, .token_type = type};
    return segment;
}

/* The pair as the vocabulary's file builds it; types no higher than `most`. */
static grt_status follow_file(grt_prompt *out, const grt_vocabulary *vocabulary,
                              uint8_t most, grt_error *err)
{
    int32_t *ids;
    _Static_assert((int)GRT_MAX_PAIR_PARTS <= (int)GRT_MAX_SEGMENTS,
                   "more parts than a template has segments");
    GRT_TRY(grt_arena_alloc(&out->arena, &ids, vocabulary->n_pair, sizeof(*ids), err));
    for (size_t i = 0; i < vocabulary->n_pair; i++) {
        grt_pair_part part = vocabulary->pair[i];
        uint8_t type = part.type < most ? part.type : most;
        ids[i] = part.id;
        if (part.id == GRT_PAIR_QUERY || part.id == GRT_PAIR_DOCUMENT) {
            bool is_query = part.id == GRT_PAIR_QUERY;
            (void)add_segment(&out->pair, is_query ? GRT_SLOT_QUERY : GRT_SLOT_DOCUMENT,
                              type);
            continue;
        }
        grt_segment *segment = add_segment(&out->pair, GRT_SLOT_FIXED, type);
        segment->ids = &ids[i];
        segment->n_ids = 1;
    }
    return GRT_OK;
}

grt_status grt_encoder_prompt(grt_prompt *out, const grt_network *network,
                              const grt_tokenizer *tokenizer, const char *instruction,
                              const grt_encoder_pair *pair, grt_error *err)
{
    if (instruction)
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "this model takes no instruction (a %s cross-encoder)",
                 network->architecture->name);
    const grt_vocabulary *vocabulary = grt_tokenizer_vocabulary(tokenizer);
    out->pair.max_tokens = network->max_tokens;
    if (vocabulary->n_pair)
        return follow_file(out, vocabulary, pair->document_type, err);
    int32_t begin = control(tokenizer, pair->begin, vocabulary->cls, vocabulary->bos);
    int32_t end = control(tokenizer, pair->end, vocabulary->sep, vocabulary->eos);
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
    return GRT_OK;
}

/* ---- Classifiers ---- */

/* Names of two labels, by what they mean; small letters. */
static const char relevant_words[] = "label_1 1 relevant yes true is_relevant";
static const char other_words[] =
    "label_0 0 irrelevant not_relevant not-relevant non_relevant non-relevant "
    "nonrelevant no false not";

static bool is_one_of(const char *words, grt_text label)
{
    char word[40];
    if (label.size >= sizeof(word)) return false;
    for (size_t i = 0; i < label.size; i++) {
        char c = label.data[i];
        word[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c == ' ' ? '_' : c;
    }
    return grt_list_holds(words, (grt_text){word, label.size});
}

/* "LABEL_0" and "LABEL_1", which Hugging Face's code writes where nobody named them. */
static bool are_numbered(const grt_text labels[2])
{
    return is_one_of("label_0", labels[0]) && is_one_of("label_1", labels[1]);
}

/* The same the other way round: {"relevant": 1, "irrelevant": 0}. */
static bool read_ids(grt_binder *binder, grt_text labels[2])
{
    static const char before[] = "label2id.";
    const grt_metadata *metadata = &binder->checkpoint->metadata;
    bool is_found[2] = {false, false};
    for (size_t i = 0; i < metadata->n_values && !binder->is_gguf; i++) {
        const grt_meta_value *value = &metadata->values[i];
        if (strncmp(value->key, before, sizeof(before) - 1) != 0) continue;
        if (value->type != GRT_META_INT || value->is_array || value->ints[0] < 0 ||
            value->ints[0] > 1)
            return false;
        const char *name = value->key + sizeof(before) - 1;
        labels[value->ints[0]] = (grt_text){name, strlen(name)};
        is_found[value->ints[0]] = true;
    }
    return is_found[0] && is_found[1];
}

/* Two labels of which each may be true or not have no logit of one against the other.
 */
static grt_status refuse_many(grt_binder *binder, grt_error *err)
{
    static const grt_name problem = {"problem_type", NULL};
    grt_text text;
    if (!grt_key_text(binder, problem, &text) ||
        !grt_list_holds("multi_label_classification", text))
        return GRT_OK;
    GRT_FAIL(err, GRT_E_UNSUPPORTED,
             "%s: problem_type is \"multi_label_classification\" with two labels, "
             "which is not supported",
             binder->checkpoint->metadata.source);
}

/* Names of both labels; false where the file has none. */
static bool read_labels(grt_binder *binder, grt_text labels[2])
{
    static const grt_name listed = {NULL, "classifier.output_labels"};
    static const grt_name names[] = {{"id2label.0", NULL}, {"id2label.1", NULL}};
    const grt_meta_value *list = grt_key_get(binder, listed);
    if (list && list->type == GRT_META_TEXT && list->n == 2) {
        labels[0] = list->texts[0];
        labels[1] = list->texts[1];
        return true;
    }
    if (grt_key_text(binder, names[0], &labels[0]) &&
        grt_key_text(binder, names[1], &labels[1]) && !are_numbered(labels))
        return true;
    return read_ids(binder, labels) && !are_numbered(labels);
}

static int clip(size_t n)
{
    return (int)(n < 40 ? n : 40);
}

static grt_status find_relevant(size_t *out, grt_binder *binder, const char *tensor,
                                grt_error *err)
{
    grt_text labels[2];
    *out = 1;
    if (!read_labels(binder, labels)) return GRT_OK;
    for (size_t i = 0; i < 2; i++) {
        if (!is_one_of(relevant_words, labels[i]) ||
            !is_one_of(other_words, labels[1 - i]))
            continue;
        *out = i;
        return GRT_OK;
    }
    GRT_FAIL(
        err, GRT_E_UNSUPPORTED,
        "%s: a classifier (%s) with the labels \"%.*s\" and \"%.*s\": neither says "
        "\"relevant\", so there is nothing to rank by",
        binder->checkpoint->path, tensor, clip(labels[0].size), labels[0].data,
        clip(labels[1].size), labels[1].data);
}

/* values[0] of row `more` less row `other` of a matrix [2][n], or of a vector [2]. */
static grt_status read_difference(float **out, grt_binder *binder,
                                  const grt_tensor *tensor, size_t n, size_t more,
                                  grt_error *err)
{
    float *values, *others;
    bool is_vector = tensor->n_dims == 1;
    size_t n_read = is_vector ? 2 : n;
    GRT_TRY(grt_arena_alloc(&binder->network->arena, &values, n_read, sizeof(*values),
                            err));
    GRT_TRY(grt_arena_alloc(&binder->network->arena, &others, n_read, sizeof(*others),
                            err));
    GRT_TRY(
        grt_read_row(binder->checkpoint, tensor, is_vector ? 0 : more, values, err));
    if (is_vector) {
        values[0] = values[more] - values[1 - more];
    } else {
        GRT_TRY(grt_read_row(binder->checkpoint, tensor, 1 - more, others, err));
        for (size_t i = 0; i < n; i++)
            values[i] -= others[i];
    }
    *out = values;
    return GRT_OK;
}

static grt_status bind_two_labels(grt_binder *binder, size_t index, grt_name weight,
                                  grt_name bias, grt_error *err)
{
    grt_network *network = binder->network;
    const grt_tensor *tensor;
    size_t d = network->hidden_size, relevant;
    float *values;
    GRT_TRY(grt_bind_tensor(&tensor, binder, weight, 2, d, GRT_PART_HEAD, err));
    GRT_TRY(refuse_many(binder, err));
    GRT_TRY(find_relevant(&relevant, binder, tensor->name, err));
    GRT_TRY(read_difference(&values, binder, tensor, d, relevant, err));
    grt_bind_values(network, index, values, 1, d);
    if (!grt_tensor_find(binder, bias)) return GRT_OK;
    GRT_TRY(grt_bind_tensor(&tensor, binder, bias, 2, 0, GRT_PART_HEAD, err));
    GRT_TRY(read_difference(&values, binder, tensor, 2, relevant, err));
    grt_bind_values(network, index + 1, values, 1, 0);
    return GRT_OK;
}

static grt_status set_head_text(grt_network *network, const char *text,
                                uint64_t n_labels, grt_error *err)
{
    char *joined;
    size_t n = strlen(text) + 60;
    GRT_TRY(grt_arena_alloc(&network->arena, &joined, n, 1, err));
    (void)snprintf(joined, n, "%s, %s", text,
                   n_labels == 1 ? "one-label classifier"
                                 : "classifier, relevant minus other label");
    network->head_text = joined;
    return GRT_OK;
}

grt_status grt_encoder_bind_classifier(grt_binder *binder, size_t index,
                                       grt_name weight, grt_name bias,
                                       const char *head_text, grt_error *err)
{
    grt_network *network = binder->network;
    const char *spelled = grt_spelled(binder, weight);
    const grt_tensor *labels = grt_tensor_find(binder, weight);
    if (!labels)
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "%s: is an embedding model: it has no reranking head (no %s)",
                 binder->checkpoint->path, spelled);
    uint64_t n = labels->n_dims == 2 ? labels->shape[0] : 1;
    if (n > 2)
        GRT_FAIL(
            err, GRT_E_UNSUPPORTED,
            "%s: a classifier with %llu labels (%s); a reranker has one, or two of "
            "which one means relevant, so there is nothing to rank by",
            binder->checkpoint->path, (unsigned long long)n, spelled);
    GRT_TRY(set_head_text(network, head_text, n, err));
    if (n == 2) return bind_two_labels(binder, index, weight, bias, err);
    GRT_TRY(grt_bind_fixed(binder, index, weight, 1, network->hidden_size,
                           GRT_PART_HEAD, err));
    if (!grt_tensor_find(binder, bias)) return GRT_OK;
    return grt_bind_fixed(binder, index + 1, bias, 1, 0, GRT_PART_HEAD, err);
}
