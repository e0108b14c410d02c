/* tokenizer_config.c - see tokenizer_config.h.
 *
 * A class is known here by what it does to the files: those that change what
 * tokenizer.json says (BertTokenizer sets lower case from its own options), and those
 * that cut words by a program of their own, which no file holds. */
#include "formats/tokenizer_config.h"

#include "base/memory.h"
#include "formats/keys.h"
#include "formats/tokenizer_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CONFIG_BYTES = 16 << 20 };

/* What a class does besides reading its files. */
enum {
    BERT_OPTIONS = 1, /* do_lower_case, strip_accents, tokenize_chinese_chars count */
    NO_TYPES = 2,     /* no token types unless model_input_names has them */
    PREFIX_SPACE = 4, /* add_prefix_space counts, false when it is not said */
    QWEN_WORDS = 8    /* of vocab.json: Qwen2's expression and NFC */
};

enum {
    JSON = 1 << GRT_SOURCE_JSON,
    WORDS = 1 << GRT_SOURCE_WORDS,
    MERGES = 1 << GRT_SOURCE_MERGES,
    XLMR = 1 << GRT_SOURCE_XLMR,
    SENTENCE = 1 << GRT_SOURCE_SENTENCE
};

struct grt_tokenizer_class {
    const char *name; /* without "Fast" at its end */
    unsigned files;   /* that it reads as we do; 0: words are cut by a program */
    unsigned flags;
};

typedef struct grt_tokenizer_class known_class;

static const known_class known_classes[] = {
    {"BertTokenizer", JSON | WORDS, BERT_OPTIONS},
    {"ElectraTokenizer", JSON | WORDS, BERT_OPTIONS},
    {"DistilBertTokenizer", JSON | WORDS, BERT_OPTIONS | NO_TYPES},
    {"MobileBertTokenizer", JSON | WORDS, BERT_OPTIONS},
    {"ConvBertTokenizer", JSON | WORDS, BERT_OPTIONS},
    {"RobertaTokenizer", JSON | MERGES, PREFIX_SPACE | NO_TYPES},
    {"GPT2Tokenizer", JSON | MERGES, PREFIX_SPACE | NO_TYPES},
    {"Qwen2Tokenizer", JSON | MERGES, QWEN_WORDS | NO_TYPES},
    {"XLMRobertaTokenizer", JSON | XLMR, NO_TYPES},
    {"CamembertTokenizer", JSON, NO_TYPES}, /* its .model has other ids */
    {"LlamaTokenizer", JSON | SENTENCE, NO_TYPES},
    {"CodeLlamaTokenizer", JSON | SENTENCE, NO_TYPES},
    {"GemmaTokenizer", JSON | SENTENCE, NO_TYPES},
    {"PreTrainedTokenizer", JSON, 0}, /* PreTrainedTokenizerFast */
    {"TokenizersBackend", JSON, 0},   /* the same in transformers 5 */
    {"GPTNeoXTokenizer", JSON, 0},
    {"MPNetTokenizer", JSON, 0},
    {"DebertaV2Tokenizer", JSON, 0},
    {"AlbertTokenizer", JSON, 0},
    {"T5Tokenizer", JSON, 0},
    {"BertJapaneseTokenizer", 0, 0},
    {"BertSudachipyTokenizer", 0, 0},
    {"PhobertTokenizer", 0, 0},
    {"BertweetTokenizer", 0, 0},
    {"XLMTokenizer", 0, 0},
    {"FlaubertTokenizer", 0, 0},
    {"CpmTokenizer", 0, 0},
    {"RoFormerTokenizer", 0, 0},
    {"KoBertTokenizer", 0, 0},
};

/* The class that AutoTokenizer takes where none is named. */
static const struct {
    const char *model_type, *class;
} of_models[] = {
    {"bert", "BertTokenizer"},
    {"electra", "ElectraTokenizer"},
    {"distilbert", "DistilBertTokenizer"},
    {"roberta", "RobertaTokenizer"},
    {"xlm-roberta", "XLMRobertaTokenizer"},
    {"camembert", "CamembertTokenizer"},
    {"modernbert", "TokenizersBackend"},
    {"qwen2", "Qwen2Tokenizer"},
    {"qwen3", "Qwen2Tokenizer"},
    {"llama", "LlamaTokenizer"},
    {"gemma", "GemmaTokenizer"},
    {"gemma3_text", "GemmaTokenizer"},
};

/* ---- Opening ---- */

static grt_status load_if_there(json_t **out, const char *directory, const char *name,
                                grt_notes *notes, grt_error *err)
{
    char *path;
    GRT_TRY(grt_path_join(&path, directory, name, err));
    bool is_there = false;
    grt_status status = grt_path_find(&is_there, path, err);
    if (status == GRT_OK && is_there)
        status = grt_json_load(out, path, MAX_CONFIG_BYTES, notes, err);
    grt_free(path);
    return status;
}

/* The class, in its short form, that a text names ("tokenization_x.XTokenizerFast"). */
static void set_class(grt_tokenizer_config *config, const char *name, size_t n)
{
    for (size_t i = n; i-- > 0;)
        if (name[i] == '.') {
            name += i + 1;
            n -= i + 1;
            break;
        }
    if (n > 4 && memcmp(name + n - 4, "Fast", 4) == 0) n -= 4;
    (void)snprintf(config->class_name, sizeof(config->class_name), "%.*s",
                   (int)(n < 79 ? n : 79), name);
    for (size_t i = 0; i < sizeof(known_classes) / sizeof(known_classes[0]); i++)
        if (strcmp(config->class_name, known_classes[i].name) == 0)
            config->class = &known_classes[i];
}

/* Code that comes with the checkpoint, which only Python runs; NULL: none. */
static const char *own_code(const grt_tokenizer_config *config)
{
    const json_t *map = json_object_get(config->root, "auto_map");
    const json_t *names = json_object_get(map, "AutoTokenizer");
    if (!json_is_array(names)) return json_string_value(names);
    for (size_t i = 0; i < json_array_size(names); i++)
        if (json_is_string(json_array_get(names, i)))
            return json_string_value(json_array_get(names, i));
    return NULL;
}

static void find_class(grt_tokenizer_config *config, const grt_metadata *model)
{
    const char *name =
        json_string_value(json_object_get(config->root, "tokenizer_class"));
    const char *code = own_code(config);
    grt_text text = {"", 0};
    if (code)
        set_class(config, code, strlen(code));
    else if (name)
        set_class(config, name, strlen(name));
    else if (model && grt_metadata_get_text(model, "tokenizer_class", &text))
        set_class(config, text.data, text.size);
    else if (model && grt_metadata_get_text(model, "model_type", &text))
        for (size_t i = 0; i < sizeof(of_models) / sizeof(of_models[0]); i++)
            if (text.size == strlen(of_models[i].model_type) &&
                memcmp(text.data, of_models[i].model_type, text.size) == 0)
                set_class(config, of_models[i].class, strlen(of_models[i].class));
}

grt_status grt_tokenizer_config_open(grt_tokenizer_config *out, const char *directory,
                                     const grt_metadata *model, grt_notes *notes,
                                     grt_error *err)
{
    grt_tokenizer_config config = {.directory = directory};
    grt_status status =
        load_if_there(&config.root, directory, "tokenizer_config.json", notes, err);
    if (status == GRT_OK)
        status = load_if_there(&config.specials, directory, "special_tokens_map.json",
                               notes, err);
    if (status != GRT_OK) {
        grt_tokenizer_config_release(&config);
        return status;
    }
    find_class(&config, model);
    *out = config;
    return GRT_OK;
}

grt_status grt_tokenizer_config_parse(grt_tokenizer_config *out, const char *text,
                                      size_t n, const char *path, grt_notes *notes,
                                      grt_error *err)
{
    grt_tokenizer_config config = {.directory = path};
    GRT_TRY(grt_json_lenient(&config.root, text, n, path, notes, err));
    find_class(&config, NULL);
    *out = config;
    return GRT_OK;
}

void grt_tokenizer_config_release(grt_tokenizer_config *config)
{
    json_decref(config->root);
    json_decref(config->specials);
    memset(config, 0, sizeof(*config));
}

/* ---- Checking ---- */

static const char *const source_names[GRT_N_SOURCES] = {
    "tokenizer.json", "vocab.txt", "vocab.json and merges.txt",
    "sentencepiece.bpe.model", "tokenizer.model"};

grt_status grt_tokenizer_config_check(const grt_tokenizer_config *config,
                                      grt_tokenizer_source source, grt_notes *notes,
                                      grt_error *err)
{
    const char *directory = grt_path_tail(config->directory);
    GRT_TRY(grt_keys_check_json(config->root, GRT_KEYS_TOKENIZER_CONFIG,
                                "tokenizer_config.json", notes, err));
    GRT_TRY(grt_keys_check_json(config->specials, GRT_KEYS_TOKENIZER_CONFIG,
                                "special_tokens_map.json", notes, err));
    const char *cutter =
        json_string_value(json_object_get(config->root, "word_tokenizer_type"));
    if (cutter && strcmp(cutter, "basic") != 0)
        GRT_FAIL(
            err, GRT_E_UNSUPPORTED,
            "%s: word_tokenizer_type is \"%.40s\": words are cut by a program that "
            "is not part of the files, so %s alone would give other tokens",
            directory, cutter, source_names[source]);
    if (!*config->class_name) return GRT_OK;
    const known_class *class = config->class;
    if (class && class->files & 1u << source) return GRT_OK;
    if ((class && class->files == 0) || (!class && own_code(config)))
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "%s: the tokenizer is a %s, which is not supported: its code is not "
                 "part of the files, so %s alone would give other tokens",
                 directory, config->class_name, source_names[source]);
    if (source != GRT_SOURCE_JSON)
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "%s: the tokenizer is a %s, which is not known to read %s as grating "
                 "does; save it as tokenizer.json",
                 directory, config->class_name, source_names[source]);
    return grt_notes_add(notes, GRT_NOTE_RESULT, err,
                         "%s: the tokenizer's class %s is not known here; "
                         "tokenizer.json is read as it stands",
                         directory, config->class_name);
}

/* ---- Applying ---- */

static bool flag_of(const json_t *root, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(root, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

/* One switch of BERT's normaliser. */
static grt_status set_switch(grt_vocabulary *v, bool *is_on, bool wanted,
                             const char *key, bool is_json, grt_error *err)
{
    if (is_json && *is_on != wanted)
        GRT_TRY(grt_notes_add(&v->notes, GRT_NOTE_RESULT, err,
                              "%s: %s by tokenizer_config.json and its class, the "
                              "opposite by tokenizer.json; the first counts, as in "
                              "Hugging Face's",
                              key, wanted ? "true" : "false"));
    *is_on = wanted;
    return GRT_OK;
}

/* BertTokenizer and its kin set the normaliser from their own options, whose defaults
 * count where a file does not say them; `is_class` is false where no class is known. */
static grt_status apply_bert(grt_vocabulary *v, const json_t *root, bool is_class,
                             bool is_json, grt_error *err)
{
    bool keeps = is_json && !is_class;
    bool lower = flag_of(root, "do_lower_case", keeps ? v->lower_case : true);
    bool strip = flag_of(root, "strip_accents", keeps ? v->strip_accents : lower);
    bool cjk = flag_of(root, "tokenize_chinese_chars", keeps ? v->split_cjk : true);
    if (keeps) return GRT_OK;
    GRT_TRY(set_switch(v, &v->lower_case, lower, "do_lower_case", is_json, err));
    GRT_TRY(set_switch(v, &v->strip_accents, strip, "strip_accents", is_json, err));
    return set_switch(v, &v->split_cjk, cjk, "tokenize_chinese_chars", is_json, err);
}

/* {"151643": {"content": "<|endoftext|>", ...}, ...} */
static grt_status read_decoder(grt_vocabulary *v, json_t *decoder, const char *path,
                               grt_error *err)
{
    const char *key;
    json_t *token;
    json_object_foreach(decoder, key, token)
    {
        char *end;
        unsigned long long id = strtoull(key, &end, 10);
        const json_t *content = json_object_get(token, "content");
        if (*end || end == key || !json_is_string(content))
            GRT_FAIL(err, GRT_E_FORMAT,
                     "%s: added_tokens_decoder has an entry \"%.40s\" without id and "
                     "content",
                     path, key);
        GRT_TRY(grt_vocabulary_add_token(v, id, json_string_value(content),
                                         json_string_length(content),
                                         grt_json_token_flags(token), path, err));
    }
    return GRT_OK;
}

/* "bos_token": "<s>", or {"content": "<s>", ...}; what the vocabulary lacks is no role.
 * `is_noted` where pairs are built of them: Hugging Face's code would make a new token,
 * for which the model has no row. */
static grt_status apply_roles(grt_vocabulary *v, const json_t *root, bool is_noted,
                              grt_error *err)
{
    const struct {
        const char *key;
        int32_t *id;
        bool is_needed;
    } roles[] = {{"unk_token", &v->unk, true},  {"bos_token", &v->bos, false},
                 {"eos_token", &v->eos, false}, {"cls_token", &v->cls, true},
                 {"sep_token", &v->sep, true},  {"pad_token", &v->pad, false}};
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        const json_t *token = json_object_get(root, roles[i].key);
        if (json_is_object(token)) token = json_object_get(token, "content");
        if (!json_is_string(token)) continue;
        int32_t id =
            grt_vocabulary_find(v, json_string_value(token), json_string_length(token));
        if (id != GRT_NO_TOKEN)
            *roles[i].id = id;
        else if (is_noted && roles[i].is_needed)
            GRT_TRY(grt_notes_add(&v->notes, GRT_NOTE_RESULT, err,
                                  "%s is \"%.40s\", which is not in the vocabulary; "
                                  "the usual one of the family is taken",
                                  roles[i].key, json_string_value(token)));
    }
    return GRT_OK;
}

/* model_max_length, of old files max_len; numbers that mean "no limit" are none. */
static void apply_length(grt_vocabulary *v, const json_t *root)
{
    const json_t *value = json_object_get(root, "model_max_length");
    if (!json_is_number(value)) value = json_object_get(root, "max_len");
    double n = json_is_number(value) ? json_number_value(value) : 0;
    if (n >= 1 && n < (double)(1 << 30)) v->max_tokens = (size_t)n;
}

static grt_status apply_side(grt_vocabulary *v, const json_t *root, grt_error *err)
{
    const char *side = json_string_value(json_object_get(root, "truncation_side"));
    if (!side) return GRT_OK;
    if (strcmp(side, "left") != 0 && strcmp(side, "right") != 0)
        GRT_FAIL(
            err, GRT_E_FORMAT,
            "tokenizer_config.json: truncation_side is \"%.40s\", neither left nor "
            "right",
            side);
    v->cuts_left = strcmp(side, "left") == 0;
    return GRT_OK;
}

/* Without token_type_ids among the inputs all are of type 0. */
static void apply_inputs(grt_vocabulary *v, const json_t *root, bool has_types)
{
    const json_t *names = json_object_get(root, "model_input_names");
    if (json_is_array(names)) {
        has_types = false;
        for (size_t i = 0; i < json_array_size(names); i++) {
            const char *name = json_string_value(json_array_get(names, i));
            has_types |= name && strcmp(name, "token_type_ids") == 0;
        }
    }
    if (!has_types) v->has_one_type = true;
}

grt_status grt_tokenizer_config_apply(grt_vocabulary *v,
                                      const grt_tokenizer_config *config,
                                      grt_tokenizer_source source, grt_error *err)
{
    bool is_json = source == GRT_SOURCE_JSON;
    const json_t *root = config->root;
    unsigned flags = config->class ? config->class->flags : 0;
    if (v->kind == GRT_TOKENIZER_WORDPIECE)
        GRT_TRY(apply_bert(v, root, flags & BERT_OPTIONS, is_json, err));
    if (v->kind == GRT_TOKENIZER_BPE && (!is_json || flags & PREFIX_SPACE))
        v->add_prefix_space = flag_of(root, "add_prefix_space", false);
    if (flags & QWEN_WORDS && source == GRT_SOURCE_MERGES) {
        v->split_pattern = grt_pattern_qwen2;
        v->use_nfc = true;
    }
    json_t *decoder = json_object_get(root, "added_tokens_decoder");
    if (!is_json) GRT_TRY(read_decoder(v, decoder, config->directory, err));
    if (!is_json && v->kind == GRT_TOKENIZER_WORDPIECE) grt_vocabulary_hide_words(v);
    bool is_noted = !is_json && v->kind == GRT_TOKENIZER_WORDPIECE;
    GRT_TRY(apply_roles(v, root, is_noted, err));
    if (!decoder) /* as Hugging Face has it */
        GRT_TRY(apply_roles(v, config->specials, is_noted, err));
    apply_length(v, root);
    apply_inputs(v, root, !(flags & NO_TYPES));
    return apply_side(v, root, err);
}
