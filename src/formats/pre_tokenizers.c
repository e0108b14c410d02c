/* pre_tokenizers.c - see pre_tokenizers.h.
 *
 * A name stands for an expression and for what else the tokenizer.json of that family
 * says, which a GGUF does not repeat: NFC, and words that are pieces taken whole. */
#include "formats/pre_tokenizers.h"

#include "formats/tokenizer_build.h"

#include <stdio.h>
#include <string.h>

const char grt_pattern_gpt2[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| "
                                "?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const char grt_pattern_qwen2[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const char grt_pattern_llama3[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

typedef struct known {
    const char *name;
    const char *pattern;
    bool use_nfc;
    bool whole_words_first;
} known;

static const known pre_tokenizers[] = {
    {"qwen2", grt_pattern_qwen2, true, false},
    {"gpt-2", grt_pattern_gpt2, false, false},
    {"roberta-bpe", grt_pattern_gpt2, false, false},
    {"modern-bert", grt_pattern_gpt2, true, false},
    {"llama-bpe", grt_pattern_llama3, false, true},
    {"llama3", grt_pattern_llama3, false, true},
    {"llama-v3", grt_pattern_llama3, false, true},
};
enum { N_PRE_TOKENIZERS = sizeof(pre_tokenizers) / sizeof(pre_tokenizers[0]) };

/* Architectures all of whose files were made from one tokenizer. */
static const struct {
    const char *architecture, *name;
} of_architectures[] = {
    {"qwen2", "qwen2"},
    {"qwen3", "qwen2"},
    {"modern-bert", "modern-bert"},
    {"gpt2", "gpt-2"},
};

/* A control token that only vocabularies of one pre-tokeniser have. */
static const struct {
    const char *token, *name;
} of_tokens[] = {
    {"<|begin_of_text|>", "llama-bpe"},
};

static bool text_is(grt_text text, const char *wanted)
{
    return text.size == strlen(wanted) && memcmp(text.data, wanted, text.size) == 0;
}

static const known *find(grt_text name)
{
    for (size_t i = 0; i < N_PRE_TOKENIZERS; i++)
        if (text_is(name, pre_tokenizers[i].name)) return &pre_tokenizers[i];
    return NULL;
}

/* What is certain without a name, or {NULL, 0}. */
static grt_text implied(const grt_vocabulary *v, const grt_metadata *metadata)
{
    const char *name = NULL;
    grt_text architecture = {"", 0};
    (void)grt_metadata_get_text(metadata, "general.architecture", &architecture);
    for (size_t i = 0; i < sizeof(of_architectures) / sizeof(of_architectures[0]); i++)
        if (text_is(architecture, of_architectures[i].architecture))
            name = of_architectures[i].name;
    for (size_t i = 0; i < sizeof(of_tokens) / sizeof(of_tokens[0]) && !name; i++)
        if (grt_vocabulary_find(v, of_tokens[i].token, strlen(of_tokens[i].token)) !=
            GRT_NO_TOKEN)
            name = of_tokens[i].name;
    return (grt_text){name, name ? strlen(name) : 0};
}

grt_status grt_pre_tokenizer_choose(grt_vocabulary *v, const grt_metadata *metadata,
                                    grt_error *err)
{
    grt_text name = {"", 0};
    bool is_named = grt_metadata_get_text(metadata, "tokenizer.ggml.pre", &name) &&
                    !text_is(name, "default") && !text_is(name, "");
    if (!is_named) name = implied(v, metadata);
    if (!name.data) {
        name = (grt_text){"gpt-2", 5};
        GRT_TRY(grt_notes_add(
            &v->notes, GRT_NOTE_RESULT, err,
            "the file does not say how texts are cut into words (tokenizer.ggml.pre): "
            "GPT-2's expression is used; scores are wrong if the model has another"));
    }
    const known *pre = find(name);
    if (!pre) {
        char names[160] = "";
        for (size_t i = 0; i < N_PRE_TOKENIZERS; i++) {
            size_t at = strlen(names);
            (void)snprintf(names + at, sizeof(names) - at, "%s%s", i ? ", " : "",
                           pre_tokenizers[i].name);
        }
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "%s: pre-tokeniser \"%.*s\" is not known; known: %s", metadata->source,
                 (int)(name.size < 60 ? name.size : 60), name.data, names);
    }
    v->split_pattern = pre->pattern;
    v->use_nfc = pre->use_nfc;
    v->whole_words_first = pre->whole_words_first;
    return GRT_OK;
}
