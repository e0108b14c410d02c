/* prompt.c - see prompt.h. */
#include "models/blocks/prompt.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static grt_segment *add_segment(grt_prompt *prompt, grt_slot slot)
{
    assert(prompt->pair.n_segments < GRT_MAX_SEGMENTS);
    grt_segment *segment = &prompt->pair.segments[prompt->pair.n_segments++];
    *segment = (grt_segment){.slot = slot};
    return segment;
}

static grt_status append_control(grt_ids *ids, const grt_tokenizer *tokenizer,
                                 const char *name, grt_error *err)
{
    int32_t id = grt_tokenizer_id(tokenizer, name, strlen(name));
    if (id == GRT_NO_TOKEN)
        GRT_FAIL(err, GRT_E_FORMAT, "the vocabulary has no token \"%s\"", name);
    return grt_ids_append(ids, &id, 1, err);
}

static grt_status append_marked(grt_ids *ids, const grt_tokenizer *tokenizer,
                                const char *text, grt_error *err)
{
    static const char *const controls[] = {"<|im_start|>", "<|im_end|>", "<think>",
                                           "</think>"};
    enum { N_CONTROLS = sizeof(controls) / sizeof(controls[0]) };
    while (*text) {
        const char *next = NULL, *control = NULL;
        for (size_t i = 0; i < N_CONTROLS; i++) {
            const char *at = strstr(text, controls[i]);
            if (at && (!next || at < next)) {
                next = at;
                control = controls[i];
            }
        }
        size_t n_plain = next ? (size_t)(next - text) : strlen(text);
        GRT_TRY(grt_tokenizer_encode(tokenizer, text, n_plain, ids, err));
        if (!next) return GRT_OK;
        GRT_TRY(append_control(ids, tokenizer, control, err));
        text = next + strlen(control);
    }
    return GRT_OK;
}

/* Adds a copy of the ids. */
static grt_status add_ids(grt_prompt *prompt, const grt_ids *list, grt_error *err)
{
    int32_t *ids;
    GRT_TRY(grt_arena_alloc(&prompt->arena, &ids, list->n, sizeof(*ids), err));
    if (list->n) memcpy(ids, list->ids, list->n * sizeof(*ids));
    grt_segment *segment = add_segment(prompt, GRT_SLOT_FIXED);
    segment->ids = ids;
    segment->n_ids = list->n;
    return GRT_OK;
}

grt_status grt_prompt_words(grt_prompt *prompt, const grt_tokenizer *tokenizer,
                            const char *text, grt_error *err)
{
    grt_ids list = {0};
    grt_status status = append_marked(&list, tokenizer, text, err);
    if (status == GRT_OK) status = add_ids(prompt, &list, err);
    grt_ids_release(&list);
    return status;
}

grt_status grt_prompt_control(grt_prompt *prompt, const grt_tokenizer *tokenizer,
                              const char *name, grt_error *err)
{
    grt_ids list = {0};
    grt_status status = append_control(&list, tokenizer, name, err);
    if (status == GRT_OK) status = add_ids(prompt, &list, err);
    grt_ids_release(&list);
    return status;
}

void grt_prompt_place(grt_prompt *prompt, grt_slot slot, const char *before,
                      const char *after)
{
    grt_segment *segment = add_segment(prompt, slot);
    segment->before = before;
    segment->after = after;
}

grt_status grt_prompt_join(const char **out, grt_prompt *prompt, const char *before,
                           const char *text, const char *after, grt_error *err)
{
    size_t n = strlen(before) + strlen(text) + strlen(after) + 1;
    char *joined;
    GRT_TRY(grt_arena_alloc(&prompt->arena, &joined, n, 1, err));
    (void)snprintf(joined, n, "%s%s%s", before, text, after);
    *out = joined;
    return GRT_OK;
}

static const char bge_question[] =
    "Given a query A and a passage B, determine whether the passage contains an answer "
    "to the query by providing a prediction of either 'Yes' or 'No'.";

static grt_status add_bos(grt_prompt *prompt, const grt_tokenizer *tokenizer,
                          grt_error *err)
{
    int32_t bos = grt_tokenizer_vocabulary(tokenizer)->bos;
    if (bos == GRT_NO_TOKEN)
        GRT_FAIL(err, GRT_E_FORMAT, "the vocabulary has no token that begins a text");
    return add_ids(prompt, &(grt_ids){.ids = &bos, .n = 1}, err);
}

grt_status grt_prompt_bge(grt_prompt *prompt, const grt_network *network,
                          const grt_tokenizer *tokenizer, const char *bos,
                          const char *instruction, grt_error *err)
{
    if (instruction)
        GRT_FAIL(err, GRT_E_UNSUPPORTED, "this model takes no instruction (%s)",
                 network->architecture->name);
    prompt->pair.max_tokens = network->max_tokens;
    if (bos)
        GRT_TRY(grt_prompt_control(prompt, tokenizer, bos, err));
    else
        GRT_TRY(add_bos(prompt, tokenizer, err));
    grt_prompt_place(prompt, GRT_SLOT_QUERY, "A: ", NULL);
    GRT_TRY(grt_prompt_words(prompt, tokenizer, "\n", err));
    grt_prompt_place(prompt, GRT_SLOT_DOCUMENT, "B: ", NULL);
    GRT_TRY(grt_prompt_words(prompt, tokenizer, "\n", err));
    return grt_prompt_words(prompt, tokenizer, bge_question, err);
}
