/* model.c - grt_model_*: see grating.h. */
#include "rank/model.h"

#include "api/structs.h"
#include "base/memory.h"
#include "find/find.h"
#include "profile/widening.h"

#include <string.h>

#define GRT_TEXT_OF(x)            #x
#define GRT_VERSION_TEXT(a, b, c) GRT_TEXT_OF(a) "." GRT_TEXT_OF(b) "." GRT_TEXT_OF(c)

const char *grt_version(void)
{
    return GRT_VERSION_TEXT(GRT_VERSION_MAJOR, GRT_VERSION_MINOR, GRT_VERSION_PATCH);
}

static grt_status check(const grt_model_options *options, grt_error *err)
{
    if (options->residency < 0 || options->residency > GRT_RESIDENCY_RESIDENT)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "residency %d is not known",
                 (int)options->residency);
    if (options->arithmetic < 0 || options->arithmetic > GRT_ARITHMETIC_INT8)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "arithmetic %d is not known",
                 (int)options->arithmetic);
    return GRT_OK;
}

static grt_status open_on(grt_model **out, grt_engine *engine,
                          const grt_model_place *place,
                          const grt_model_options *options, grt_error *err)
{
    grt_model *model;
    GRT_TRY(grt_engine_check_process(engine, err));
    GRT_TRY(grt_alloc_array(&model, 1, sizeof(*model), "the model", err));
    grt_status status = grt_model_init(model, engine, place->path, options, err);
    if (status == GRT_OK && place->note[0])
        status = grt_notes_add(&model->opened.checkpoint.notes, GRT_NOTE_RESULT, err,
                               "%s", place->note);
    if (status != GRT_OK) {
        grt_model_close(model);
        return status;
    }
    *out = model;
    return GRT_OK;
}

grt_status grt_model_open(grt_model **out, grt_engine *engine, const char *path,
                          const grt_model_options *options, grt_error *err)
{
    if (!out || !path || !path[0])
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_model_open: no %s",
                 out ? "path" : "output");
    grt_model_place place;
    grt_model_options used = GRT_MODEL_OPTIONS_INIT;
    GRT_TRY(grt_take_struct(&used, sizeof(used),
                            GRT_FIRST_SIZE(grt_model_options, n_cached_rows), options,
                            "grt_model_open: options", err));
    GRT_TRY(check(&used, err));
    GRT_TRY(grt_find(&place, path, err));
    if (engine) return open_on(out, engine, &place, &used, err);
    GRT_TRY(grt_engine_create(&engine, NULL, err));
    grt_status status = open_on(out, engine, &place, &used, err);
    if (status == GRT_OK)
        (*out)->owns_engine = true;
    else
        grt_engine_free(engine);
    return status;
}

void grt_model_close(grt_model *model)
{
    if (!model) return;
    grt_engine *engine = model->owns_engine ? model->engine : NULL;
    grt_model_release(model);
    grt_free(model);
    grt_engine_free(engine);
}

grt_engine *grt_model_engine(const grt_model *model)
{
    return model->engine;
}

static const char *tokenizer_name(grt_tokenizer_kind kind)
{
    switch (kind) {
    case GRT_TOKENIZER_WORDPIECE: return "wordpiece";
    case GRT_TOKENIZER_BPE: return "bpe";
    case GRT_TOKENIZER_UNIGRAM: return "unigram";
    case GRT_TOKENIZER_SENTENCE_BPE: return "sentencepiece-bpe";
    }
    return "unknown";
}

static uint64_t n_values(const grt_tensor *tensor)
{
    uint64_t n = 1;
    for (uint32_t i = 0; i < tensor->n_dims; i++)
        n *= tensor->shape[i];
    return n;
}

static void count_parts(const grt_model *model, grt_model_info *out)
{
    const grt_catalogue *catalogue = &model->opened.checkpoint.catalogue;
    for (size_t i = 0; i < catalogue->n_tensors; i++) {
        const grt_tensor *tensor = &catalogue->tensors[i];
        int32_t part = model->opened.network.part_of[i];
        if (part != GRT_PART_UNUSED) out->n_parameters += n_values(tensor);
        if (part >= 0)
            out->layers_bytes += tensor->n_bytes;
        else if (part == GRT_PART_EMBEDDING)
            out->embedding_bytes += tensor->n_bytes;
        else if (part == GRT_PART_HEAD)
            out->head_bytes += tensor->n_bytes;
        else
            out->other_bytes += tensor->n_bytes;
    }
}

void grt_model_describe(const grt_model *model, grt_model_info *out)
{
    const grt_network *network = &model->opened.network;
    const grt_checkpoint *checkpoint = &model->opened.checkpoint;
    grt_model_info info = {.architecture = network->architecture->name,
                           .format = grt_checkpoint_format_text(checkpoint),
                           .tokenizer = tokenizer_name(model->opened.vocabulary.kind),
                           .head = network->head_text,
                           .n_layers = network->n_layers,
                           .hidden_size = network->hidden_size,
                           .n_heads = network->n_heads,
                           .n_kv_heads = network->n_kv_heads,
                           .head_size = network->head_size,
                           .ffn_size = network->ffn_size,
                           .vocab_size = network->vocab_size,
                           .max_tokens = network->max_tokens,
                           .n_tensors = model->opened.checkpoint.catalogue.n_tensors,
                           .profile = model->profile.path,
                           .profile_home = model->profile_home,
                           .profile_arithmetic = model->profile.arithmetic,
                           .arithmetic = grt_device_arithmetic(model->device),
                           .isa = grt_device_isa(model->device),
                           .n_notes = model->opened.checkpoint.notes.n};
    count_parts(model, &info);
    grt_give_struct(out, &info, sizeof(info));
}

grt_status grt_model_effect(const grt_model *model, grt_arithmetic arithmetic,
                            grt_arithmetic_effect *out)
{
    grt_logit_effect found;
    grt_arithmetic_effect effect = {.is_known = 0};
    if (arithmetic <= GRT_ARITHMETIC_AUTO || (int)arithmetic >= (int)GRT_N_ARITHMETICS)
        return GRT_E_INVALID_ARG;
    if (grt_profile_effect(&model->profile, arithmetic, &found))
        effect =
            (grt_arithmetic_effect){.is_known = 1,
                                    .is_safe = found.share <= GRT_SAFE_SHARE,
                                    .n_pairs = (size_t)found.n_pairs,
                                    .mean = found.mean,
                                    .largest = found.largest,
                                    .share = found.share,
                                    .kept = found.n_queries > 0.0f ? found.kept : 1.0f};
    grt_give_struct(out, &effect, sizeof(effect));
    return GRT_OK;
}

grt_status grt_model_tensor(const grt_model *model, size_t i, grt_tensor_view *out)
{
    const grt_catalogue *catalogue = &model->opened.checkpoint.catalogue;
    if (i >= catalogue->n_tensors) return GRT_E_INVALID_ARG;
    const grt_tensor *tensor = &catalogue->tensors[i];
    int32_t part = model->opened.network.part_of[i];
    grt_tensor_view view = {.name = tensor->name,
                            .dtype = tensor->dtype_name,
                            .part = part >= 0                    ? "layer"
                                    : part == GRT_PART_EMBEDDING ? "embedding"
                                    : part == GRT_PART_HEAD      ? "head"
                                                                 : "unused",
                            .layer = part >= 0 ? part : -1,
                            .n_dims = tensor->n_dims,
                            .file = grt_file_path(catalogue->files[tensor->file]),
                            .offset_bytes = tensor->offset,
                            .size_bytes = tensor->n_bytes};
    for (uint32_t d = 0; d < tensor->n_dims; d++)
        view.shape[d] = tensor->shape[d];
    grt_give_struct(out, &view, sizeof(view));
    return GRT_OK;
}

grt_status grt_model_note(const grt_model *model, size_t i, grt_note *out)
{
    const grt_notes *notes = &model->opened.checkpoint.notes;
    if (i >= notes->n) return GRT_E_INVALID_ARG;
    grt_give_struct(out, &notes->list[i], sizeof(notes->list[i]));
    return GRT_OK;
}

grt_status grt_count_tokens(size_t *out, const grt_model *model, const char *text,
                            size_t n_bytes, grt_error *err)
{
    if (!out || !model || !text)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_count_tokens: no %s",
                 !out     ? "output"
                 : !model ? "model"
                          : "text");
    grt_ids ids = {0};
    grt_status status = grt_tokenizer_encode(
        model->opened.tokenizer, text,
        n_bytes == GRT_NUL_TERMINATED ? strlen(text) : n_bytes, &ids, err);
    if (status == GRT_OK) *out = ids.n;
    grt_ids_release(&ids);
    return status;
}
