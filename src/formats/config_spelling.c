/* config_spelling.c - see config_spelling.h.
 *
 * transformers 5 writes what a rotary position needs into one object, rope_parameters,
 * for models with two kinds of layers into one for each kind, and the kind of each
 * layer into layer_types.  Graphs read the keys that transformers 4 had. */
#include "formats/config_spelling.h"

#include "io/file.h"

#include <stdio.h>
#include <string.h>

/* Models whose layers differ, and their keys. */
static const struct {
    const char *model_type, *full_theta, *sliding_theta, *period;
    size_t first_full; /* layer i is full where i % period is this, counted from 0;
                          SIZE_MAX: period - 1 */
} mixed[] = {
    {"modernbert", "global_rope_theta", "local_rope_theta",
     "global_attn_every_n_layers", 0},
    {"gemma3_text", "rope_theta", "rope_local_base_freq", "sliding_window_pattern",
     SIZE_MAX},
    {"gemma3", "rope_theta", "rope_local_base_freq", "sliding_window_pattern",
     SIZE_MAX},
};
enum { N_MIXED = sizeof(mixed) / sizeof(mixed[0]), NOT_MIXED = N_MIXED };

static bool text_is(grt_text text, const char *wanted)
{
    return text.size == strlen(wanted) && memcmp(text.data, wanted, text.size) == 0;
}

static size_t find_mixed(const grt_metadata *config)
{
    grt_text type = {"", 0};
    (void)grt_metadata_get_text(config, "model_type", &type);
    for (size_t i = 0; i < N_MIXED; i++)
        if (text_is(type, mixed[i].model_type)) return i;
    /* a config without it: by what only these have */
    if (type.size == 0 && grt_metadata_get(config, "local_attention")) return 0;
    return NOT_MIXED;
}

/* ---- Rotary positions ---- */

/* Gives `key` the value of `from`, with a note where it had another. */
static grt_status move_value(grt_metadata *config, const char *from, const char *key,
                             grt_error *err)
{
    const grt_meta_value *value = grt_metadata_get(config, from);
    if (!value) return GRT_OK;
    double old, new;
    if (grt_metadata_get_f64(config, key, &old) &&
        grt_metadata_get_f64(config, from, &new) && (old < new || old > new))
        GRT_TRY(grt_notes_add(&config->notes, GRT_NOTE_RESULT, err,
                              "%s: %s is %g and %s is %g; the first one counts",
                              grt_path_tail(config->source), from, new, key, old));
    grt_meta_value copy = *value;
    return grt_metadata_put(config, key, &copy, err);
}

/* The members of one object of rotary parameters. */
static grt_status move_rope(grt_metadata *config, const char *object, const char *theta,
                            const char *scaling, grt_error *err)
{
    static const char *const members[] = {
        "rope_type",        "type",
        "factor",           "original_max_position_embeddings",
        "low_freq_factor",  "high_freq_factor",
        "attention_factor", "beta_fast",
        "beta_slow",        "short_factor",
        "long_factor",      "mscale",
        "mscale_all_dim",   "truncate"};
    char from[96], to[96];
    (void)snprintf(from, sizeof(from), "%s.rope_theta", object);
    GRT_TRY(move_value(config, from, theta, err));
    (void)snprintf(from, sizeof(from), "%s.partial_rotary_factor", object);
    GRT_TRY(move_value(config, from, "partial_rotary_factor", err));
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        (void)snprintf(from, sizeof(from), "%s.%s", object, members[i]);
        (void)snprintf(to, sizeof(to), "%s.%s", scaling,
                       i == 1 ? "rope_type" : members[i]);
        GRT_TRY(move_value(config, from, to, err));
    }
    return GRT_OK;
}

/* Local layers with scaled positions: no graph here has them. */
static grt_status refuse_local_scaling(const grt_metadata *config, grt_error *err)
{
    grt_text type = {"", 0};
    const char *key = "rope_parameters.sliding_attention.rope_type";
    if (grt_metadata_get_text(config, key, &type) && !text_is(type, "default"))
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "%s: %s is \"%.*s\"; only default is supported",
                 grt_path_tail(config->source), key,
                 (int)(type.size < 40 ? type.size : 40), type.data);
    return GRT_OK;
}

static grt_status unify_rope(grt_metadata *config, size_t family, grt_error *err)
{
    bool is_mixed = family != NOT_MIXED;
    const char *theta = is_mixed ? mixed[family].full_theta : "rope_theta";
    GRT_TRY(move_rope(config, "rope_parameters", theta, "rope_scaling", err));
    GRT_TRY(move_rope(config, "rope_parameters.full_attention", theta, "rope_scaling",
                      err));
    GRT_TRY(refuse_local_scaling(config, err));
    if (!is_mixed) return GRT_OK;
    const char *local = mixed[family].sliding_theta;
    GRT_TRY(
        move_value(config, "rope_parameters.sliding_attention.rope_theta", local, err));
    /* of ModernBERT null means the base of the other layers */
    if (family == 0 && grt_metadata_is_null(config, local) &&
        !grt_metadata_get(config, local)) {
        double global = 160000.0;
        (void)grt_metadata_get_f64(config, theta, &global);
        double *copy;
        GRT_TRY(grt_arena_alloc(&config->arena, &copy, 1, sizeof(*copy), err));
        *copy = global;
        grt_meta_value value = {.type = GRT_META_FLOAT, .n = 1, .floats = copy};
        return grt_metadata_put(config, local, &value, err);
    }
    return GRT_OK;
}

/* ---- Kinds of layers ---- */

/* Whether layer i of a model whose period is p sees all tokens. */
static bool is_full(size_t i, size_t period, size_t first_full)
{
    return i % period == (first_full == SIZE_MAX ? period - 1 : first_full);
}

static bool has_period(const grt_meta_value *types, size_t period, size_t first_full)
{
    for (size_t i = 0; i < types->n; i++)
        if (text_is(types->texts[i], "full_attention") !=
            is_full(i, period, first_full))
            return false;
    return true;
}

static grt_status unify_layer_types(grt_metadata *config, size_t family, grt_error *err)
{
    const grt_meta_value *types = grt_metadata_get(config, "layer_types");
    if (!types || types->n == 0) return GRT_OK;
    const char *source = grt_path_tail(config->source);
    if (types->type != GRT_META_TEXT)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: layer_types is not a list of texts", source);
    bool are_full = true;
    for (size_t i = 0; i < types->n; i++) {
        grt_text type = types->texts[i];
        bool is_sliding = text_is(type, "sliding_attention");
        if (!text_is(type, "full_attention") && !(is_sliding && family != NOT_MIXED))
            GRT_FAIL(err, GRT_E_UNSUPPORTED,
                     "%s: layer_types has \"%.*s\" for layer %zu, which is not "
                     "supported for this family",
                     source, (int)(type.size < 40 ? type.size : 40), type.data, i);
        are_full &= !is_sliding;
    }
    uint64_t n_layers;
    if (grt_metadata_get_u64(config, "num_hidden_layers", &n_layers) &&
        n_layers != types->n)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: layer_types has %zu entries for %llu layers",
                 source, types->n, (unsigned long long)n_layers);
    if (family == NOT_MIXED) return GRT_OK;
    size_t period = 1; /* larger than all layers: the first one only, or none */
    while (period <= types->n + 1 &&
           !has_period(types, period, mixed[family].first_full))
        period++;
    if (period > types->n + 1)
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "%s: layer_types follows no period, so it is not supported", source);
    const char *key = mixed[family].period;
    uint64_t said;
    if (grt_metadata_get_u64(config, key, &said) && said != period && !are_full)
        GRT_TRY(grt_notes_add(&config->notes, GRT_NOTE_RESULT, err,
                              "%s: %s is %llu, but layer_types has a period of %zu, "
                              "which counts",
                              source, key, (unsigned long long)said, period));
    int64_t *copy;
    GRT_TRY(grt_arena_alloc(&config->arena, &copy, 1, sizeof(*copy), err));
    *copy = (int64_t)period;
    grt_meta_value value = {.type = GRT_META_INT, .n = 1, .ints = copy};
    return grt_metadata_put(config, key, &value, err);
}

grt_status grt_config_unify(grt_metadata *config, grt_error *err)
{
    size_t family = find_mixed(config);
    GRT_TRY(unify_rope(config, family, err));
    return unify_layer_types(config, family, err);
}

/* ---- The class ---- */

/* What AutoModelForSequenceClassification and AutoModelForCausalLM make of a type. */
static const struct {
    const char *model_type, *classifier, *causal;
} classes[] = {
    {"bert", "BertForSequenceClassification", NULL},
    {"roberta", "RobertaForSequenceClassification", NULL},
    {"xlm-roberta", "XLMRobertaForSequenceClassification", NULL},
    {"camembert", "CamembertForSequenceClassification", NULL},
    {"electra", "ElectraForSequenceClassification", NULL},
    {"modernbert", "ModernBertForSequenceClassification", NULL},
    {"qwen2", "Qwen2ForSequenceClassification", "Qwen2ForCausalLM"},
    {"qwen3", "Qwen3ForSequenceClassification", "Qwen3ForCausalLM"},
    {"llama", "LlamaForSequenceClassification", "LlamaForCausalLM"},
    {"gemma", "GemmaForSequenceClassification", "GemmaForCausalLM"},
    {"gemma3_text", "Gemma3TextForSequenceClassification", "Gemma3ForCausalLM"},
};

static bool has_classifier(const grt_catalogue *catalogue)
{
    static const char *const names[] = {"classifier.weight",
                                        "classifier.out_proj.weight", "score.weight"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (grt_catalogue_get(catalogue, names[i])) return true;
    return false;
}

grt_status grt_config_name_class(grt_metadata *config, const grt_catalogue *catalogue,
                                 grt_error *err)
{
    const grt_meta_value *known = grt_metadata_get(config, "architectures");
    grt_text type = {"", 0};
    if ((known && known->n > 0) || !grt_metadata_get_text(config, "model_type", &type))
        return GRT_OK;
    const char *name = NULL;
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (text_is(type, classes[i].model_type))
            name =
                has_classifier(catalogue) ? classes[i].classifier : classes[i].causal;
    if (!name) return GRT_OK;
    GRT_TRY(grt_notes_add(&config->notes, GRT_NOTE_DETAIL, err,
                          "%s: names no class; its model_type \"%.*s\" and its tensors "
                          "say %s",
                          grt_path_tail(config->source),
                          (int)(type.size < 40 ? type.size : 40), type.data, name));
    grt_text *text;
    GRT_TRY(grt_arena_alloc(&config->arena, &text, 1, sizeof(*text), err));
    *text = (grt_text){name, strlen(name)};
    grt_meta_value value = {
        .type = GRT_META_TEXT, .is_array = true, .n = 1, .texts = text};
    return grt_metadata_put(config, "architectures", &value, err);
}
