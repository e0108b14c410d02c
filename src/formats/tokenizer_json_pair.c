/* tokenizer_json_pair.c - how tokenizer.json puts two texts together.
 *
 * Its post-processor is a template of tokens and texts; Hugging Face's library builds
 * pairs by it whatever the model's family usually does.  Decoders have prompts of their
 * own and never look at it. */
#include "formats/tokenizer_json.h"

#include <string.h>

static bool is_type(const json_t *part, const char *type)
{
    return strcmp(grt_json_text_of(part, "type"), type) == 0;
}

static grt_status add(grt_json_reader *r, int32_t id, json_int_t type)
{
    grt_vocabulary *v = r->v;
    if (v->n_pair == GRT_MAX_PAIR_PARTS)
        GRT_FAIL(r->err, GRT_E_UNSUPPORTED,
                 "%s: post_processor puts more than %d tokens into a pair", r->path,
                 (int)GRT_MAX_PAIR_PARTS);
    if (type < 0 || type > 1)
        GRT_FAIL(r->err, GRT_E_UNSUPPORTED,
                 "%s: post_processor has the token type %lld; 0 and 1 are supported",
                 r->path, (long long)type);
    v->pair[v->n_pair++] = (grt_pair_part){id, (uint8_t)type};
    return GRT_OK;
}

static grt_status add_token(grt_json_reader *r, const json_t *id, json_int_t type)
{
    json_int_t n = (json_int_t)r->v->n_pieces;
    json_int_t value = json_is_integer(id) ? json_integer_value(id) : -1;
    if (value < 0 || value >= n || !r->v->pieces[value].text)
        GRT_FAIL(r->err, GRT_E_FORMAT,
                 "%s: post_processor has a token that is not in the vocabulary",
                 r->path);
    return add(r, (int32_t)value, type);
}

/* {"SpecialToken": {"id": "[CLS]", "type_id": 0}} or {"Sequence": {"id": "A", ...}} */
static grt_status read_template_part(grt_json_reader *r, const json_t *part,
                                     const json_t *tokens)
{
    const json_t *token = json_object_get(part, "SpecialToken");
    const json_t *text = json_object_get(part, "Sequence");
    const json_t *type = json_object_get(token ? token : text, "type_id");
    const char *id = grt_json_text_of(token ? token : text, "id");
    bool is_first = strcmp(id, "A") == 0;
    if (!json_is_integer(type) || (!token && !is_first && strcmp(id, "B") != 0))
        GRT_FAIL(r->err, GRT_E_FORMAT,
                 "%s: post_processor has a part that is neither a token nor a text",
                 r->path);
    if (!token)
        return add(r, is_first ? GRT_PAIR_QUERY : GRT_PAIR_DOCUMENT,
                   json_integer_value(type));
    const json_t *ids = json_object_get(json_object_get(tokens, id), "ids");
    if (json_array_size(ids) == 0)
        GRT_FAIL(r->err, GRT_E_FORMAT,
                 "%s: post_processor has the token \"%.40s\", but not its id", r->path,
                 id);
    for (size_t i = 0; i < json_array_size(ids); i++)
        GRT_TRY(add_token(r, json_array_get(ids, i), json_integer_value(type)));
    return GRT_OK;
}

static grt_status read_template(grt_json_reader *r, const json_t *processor)
{
    const json_t *pair = json_object_get(processor, "pair");
    if (json_array_size(pair) == 0)
        GRT_FAIL(r->err, GRT_E_FORMAT, "%s: post_processor has no template for pairs",
                 r->path);
    for (size_t i = 0; i < json_array_size(pair); i++)
        GRT_TRY(read_template_part(r, json_array_get(pair, i),
                                   json_object_get(processor, "special_tokens")));
    return GRT_OK;
}

/* "cls": ["[CLS]", 101]: BERT's pair, or RoBERTa's with two ends between the texts. */
static grt_status read_fixed(grt_json_reader *r, const json_t *processor,
                             bool is_roberta)
{
    const json_t *cls = json_array_get(json_object_get(processor, "cls"), 1);
    const json_t *sep = json_array_get(json_object_get(processor, "sep"), 1);
    json_int_t second = is_roberta ? 0 : 1;
    GRT_TRY(add_token(r, cls, 0));
    GRT_TRY(add(r, GRT_PAIR_QUERY, 0));
    GRT_TRY(add_token(r, sep, 0));
    if (is_roberta) GRT_TRY(add_token(r, sep, 0));
    GRT_TRY(add(r, GRT_PAIR_DOCUMENT, second));
    return add_token(r, sep, second);
}

static grt_status read_processor(grt_json_reader *r, const json_t *processor)
{
    if (is_type(processor, "ByteLevel")) return GRT_OK; /* moves offsets only */
    if (r->v->n_pair)
        return grt_json_unsupported(r, "a second post_processor",
                                    grt_json_text_of(processor, "type"));
    if (is_type(processor, "TemplateProcessing")) return read_template(r, processor);
    if (is_type(processor, "BertProcessing")) return read_fixed(r, processor, false);
    if (is_type(processor, "RobertaProcessing")) return read_fixed(r, processor, true);
    return grt_json_unsupported(r, "a post_processor",
                                grt_json_text_of(processor, "type"));
}

/* A template without the texts is of no use. */
static grt_status check(const grt_json_reader *r)
{
    size_t n_first = 0, n_second = 0;
    for (size_t i = 0; i < r->v->n_pair; i++) {
        n_first += r->v->pair[i].id == GRT_PAIR_QUERY;
        n_second += r->v->pair[i].id == GRT_PAIR_DOCUMENT;
        if (n_second > n_first) break;
    }
    if (r->v->n_pair && (n_first != 1 || n_second != 1))
        GRT_FAIL(r->err, GRT_E_UNSUPPORTED,
                 "%s: post_processor does not put the first text once before the "
                 "second",
                 r->path);
    return GRT_OK;
}

grt_status grt_json_read_pair(grt_json_reader *r, const json_t *root)
{
    const json_t *processor = json_object_get(root, "post_processor");
    if (!json_is_object(processor)) return GRT_OK;
    if (is_type(processor, "Sequence")) {
        const json_t *list = json_object_get(processor, "processors");
        for (size_t i = 0; i < json_array_size(list); i++)
            GRT_TRY(read_processor(r, json_array_get(list, i)));
    } else {
        GRT_TRY(read_processor(r, processor));
    }
    return check(r);
}
