/* model.c - what a checkpoint is, and what went wrong, as JSON. */
#include "wire/results.h"

const char *wire_status_name(grt_status status)
{
    switch (status) {
    case GRT_OK: return "ok";
    case GRT_E_INVALID_ARG: return "invalid_argument";
    case GRT_E_NO_MEMORY: return "no_memory";
    case GRT_E_IO: return "io";
    case GRT_E_FORMAT: return "format";
    case GRT_E_UNSUPPORTED: return "unsupported";
    case GRT_E_TOO_LONG: return "too_long";
    case GRT_E_CANCELLED: return "cancelled";
    case GRT_E_NOT_FOUND: return "not_found";
    case GRT_E_BUSY: return "busy";
    case GRT_STATUS_FORCE_INT32: break;
    }
    return "unknown";
}

void wire_put_error(wire_json *json, const char *name, grt_status status,
                    const grt_error *error)
{
    int has_text = error && error->text[0];
    wire_begin(json, name, '{');
    wire_string(json, "status", wire_status_name(status));
    wire_string(json, "text", has_text ? error->text : grt_status_text(status));
    if (error && error->offset >= 0) wire_integer(json, "offset", error->offset);
    wire_end(json, '}');
}

void wire_put_model_members(wire_json *json, const grt_model_info *info)
{
    wire_string(json, "architecture", info->architecture);
    wire_string(json, "format", info->format);
    wire_string(json, "tokenizer", info->tokenizer);
    wire_string(json, "head", info->head);
    wire_string(json, "profile", info->profile);
    wire_string(json, "profile_arithmetic",
                info->profile_arithmetic
                    ? grt_arithmetic_text((grt_arithmetic)info->profile_arithmetic)
                    : NULL);
    wire_count(json, "n_layers", info->n_layers);
    wire_count(json, "hidden_size", info->hidden_size);
    wire_count(json, "n_heads", info->n_heads);
    wire_count(json, "n_kv_heads", info->n_kv_heads);
    wire_count(json, "head_size", info->head_size);
    wire_count(json, "ffn_size", info->ffn_size);
    wire_count(json, "vocab_size", info->vocab_size);
    wire_count(json, "max_tokens", info->max_tokens);
    wire_count(json, "n_parameters", info->n_parameters);
    wire_count(json, "n_tensors", info->n_tensors);
    wire_begin(json, "bytes", '{');
    wire_count(json, "embedding", info->embedding_bytes);
    wire_count(json, "layers", info->layers_bytes);
    wire_count(json, "head", info->head_bytes);
    wire_count(json, "unused", info->other_bytes);
    wire_end(json, '}');
}

static void put_known(wire_json *json, const char *name, int is_known, float value)
{
    if (is_known)
        wire_float(json, name, value);
    else
        wire_null(json, name);
}

static void put_effect(wire_json *json, grt_arithmetic arithmetic,
                       const grt_arithmetic_effect *effect)
{
    int is_known = effect->is_known;
    wire_begin(json, NULL, '{');
    wire_string(json, "arithmetic", grt_arithmetic_text(arithmetic));
    if (is_known)
        wire_bool(json, "safe", effect->is_safe);
    else
        wire_null(json, "safe");
    wire_count(json, "pairs", effect->n_pairs);
    put_known(json, "mean_difference", is_known, effect->mean);
    put_known(json, "largest_difference", is_known, effect->largest);
    put_known(json, "share_of_differences", is_known, effect->share);
    put_known(json, "kept_of_10_best", is_known, effect->kept);
    wire_end(json, '}');
}

void wire_put_effects(wire_json *json, const char *name, const grt_model *model)
{
    wire_begin(json, name, '[');
    for (int a = GRT_ARITHMETIC_F32; a <= GRT_ARITHMETIC_INT8; a++) {
        grt_arithmetic_effect effect = GRT_ARITHMETIC_EFFECT_INIT;
        if (grt_model_effect(model, (grt_arithmetic)a, &effect) == GRT_OK)
            put_effect(json, (grt_arithmetic)a, &effect);
    }
    wire_end(json, ']');
}

void wire_put_notes(wire_json *json, const char *name, const grt_model *model,
                    grt_note_level level)
{
    grt_note note = GRT_NOTE_INIT;
    int has_begun = 0;
    for (size_t i = 0; grt_model_note(model, i, &note) == GRT_OK; i++) {
        if (note.level < (int32_t)level) continue;
        if (!has_begun) wire_begin(json, name, '[');
        has_begun = 1;
        wire_begin(json, NULL, '{');
        wire_string(json, "level", grt_note_level_text((grt_note_level)note.level));
        wire_string(json, "text", note.text);
        wire_end(json, '}');
    }
    if (has_begun) wire_end(json, ']');
}

void wire_put_tensor(wire_json *json, const grt_tensor_view *view)
{
    wire_begin(json, NULL, '{');
    wire_string(json, "name", view->name);
    wire_string(json, "dtype", view->dtype);
    wire_string(json, "part", view->part);
    if (view->layer >= 0) wire_integer(json, "layer", view->layer);
    wire_begin(json, "shape", '[');
    for (size_t d = 0; d < view->n_dims && d < 4; d++)
        wire_count(json, NULL, view->shape[d]);
    wire_end(json, ']');
    wire_string(json, "file", view->file);
    wire_count(json, "offset_bytes", view->offset_bytes);
    wire_count(json, "size_bytes", view->size_bytes);
    wire_end(json, '}');
}
