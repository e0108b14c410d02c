/* registry.c - tells from the checkpoint alone which architecture it is. */
#include "models/architectures.h"

#include "models/bind.h"
#include "models/surplus.h"

#include <stdio.h>
#include <string.h>

static const grt_architecture *const architectures[] = {
    &grt_architecture_bert,       &grt_architecture_roberta, &grt_architecture_electra,
    &grt_architecture_modernbert, &grt_architecture_qwen3,   &grt_architecture_qwen2,
    &grt_architecture_minicpm,    &grt_architecture_gemma,   &grt_architecture_gemma3,
    &grt_architecture_llama,
};
enum { N_ARCHITECTURES = sizeof(architectures) / sizeof(architectures[0]) };

/* What a class of Hugging Face is when no architecture here claims it, by its end. */
static const struct {
    const char *end, *kind;
    bool has_classifier; /* one that scores no pairs */
} hf_kinds[] = {
    {"ForCausalLM", "a generative model", false},
    {"LMHeadModel", "a generative model", false},
    {"ForConditionalGeneration", "a generative model", false},
    {"ForMaskedLM", "a masked language model", false},
    {"ForPreTraining", "a masked language model", false},
    {"ForTokenClassification", "a classifier of tokens", true},
    {"ForQuestionAnswering", "a model that marks answers", true},
    {"ForMultipleChoice", "a model of multiple choice", true},
    {"Model", "an embedding model", false},
};

/* Encoders of GGUF: without a classifier they give embeddings.  Others generate. */
static const char gguf_encoders[] =
    "bert modern-bert nomic-bert nomic-bert-moe jina-bert-v2 jina-bert-v3 neo-bert "
    "eurobert gemma-embedding t5encoder";

/* What a checkpoint says of its architecture, whichever kind of file it is. */
typedef struct arch_claim {
    const char *key; /* under which it stands */
    grt_text name;   /* size 0: it says nothing */
    bool is_gguf;
    bool has_head;    /* tensors of one that ranks */
    uint64_t pooling; /* how a GGUF pools hidden states */
} arch_claim;
enum { POOLS_MEAN = 1, POOLS_FIRST, POOLS_LAST, POOLS_RANK };

static bool has_tensor(const grt_checkpoint *checkpoint, const char *name)
{
    return grt_catalogue_get(&checkpoint->catalogue, name) != NULL;
}

static uint64_t pooling_of(const grt_checkpoint *checkpoint, grt_text architecture)
{
    char key[GRT_MAX_KEY_BYTES];
    uint64_t pooling = 0;
    int n = snprintf(key, sizeof(key), "%.*s.pooling_type",
                     (int)(architecture.size < 100 ? architecture.size : 100),
                     architecture.data);
    if (n > 0 && (size_t)n < sizeof(key))
        (void)grt_metadata_get_u64(&checkpoint->metadata, key, &pooling);
    return pooling;
}

static arch_claim claim_of(const grt_checkpoint *checkpoint)
{
    const grt_metadata *metadata = &checkpoint->metadata;
    if (checkpoint->format == GRT_FORMAT_GGUF) {
        arch_claim gguf = {.key = "general.architecture", .is_gguf = true};
        (void)grt_metadata_get_text(metadata, gguf.key, &gguf.name);
        gguf.has_head = has_tensor(checkpoint, "cls.output.weight") ||
                        has_tensor(checkpoint, "cls.weight");
        gguf.pooling = pooling_of(checkpoint, gguf.name);
        return gguf;
    }
    arch_claim hf = {.key = "architectures",
                     .has_head = has_tensor(checkpoint, "score.weight")};
    const grt_meta_value *classes = grt_metadata_get(metadata, hf.key);
    if (classes && classes->type == GRT_META_TEXT && classes->n > 0)
        hf.name = classes->texts[0];
    return hf;
}

static bool ends_with(grt_text text, const char *end)
{
    size_t n = strlen(end);
    return text.size >= n && memcmp(text.data + text.size - n, end, n) == 0;
}

static bool holds_rerank(const char *text, size_t n)
{
    static const char word[] = "rerank";
    for (size_t at = 0, same = 0; at < n; at++) {
        char c = text[at] >= 'A' && text[at] <= 'Z' ? (char)(text[at] + 32) : text[at];
        same = c == word[same] ? same + 1 : c == word[0];
        if (same == sizeof(word) - 1) return true;
    }
    return false;
}

/* A name in which the checkpoint calls itself a reranker, or a key that only rerankers
 * have. */
static bool says_rank(const grt_checkpoint *checkpoint, const arch_claim *claim)
{
    static const char *const names[] = {"_name_or_path",    "general.name",
                                        "general.basename", "general.finetune",
                                        "general.tags",     "general.description"};
    static const char *const keys[] = {"tokenizer.chat_template.rerank",
                                       "sentence_transformers.version",
                                       "sentence_transformers.activation_fn"};
    const grt_metadata *metadata = &checkpoint->metadata;
    if (holds_rerank(checkpoint->path, strlen(checkpoint->path))) return true;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (grt_metadata_get(metadata, keys[i])) return true;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const grt_meta_value *value = grt_metadata_get(metadata, names[i]);
        for (size_t j = 0; value && value->type == GRT_META_TEXT && j < value->n; j++)
            if (holds_rerank(value->texts[j].data, value->texts[j].size)) return true;
    }
    return claim->pooling == POOLS_RANK;
}

/* Whether a class that nobody here claims may score pairs all the same, whatever its
 * name ends with: it holds a classifier, or calls itself a reranker. */
static bool may_score(const grt_checkpoint *checkpoint, const arch_claim *claim)
{
    static const char *const heads[] = {"score.", "classifier.", "classification_head.",
                                        "lm_head.0."};
    const grt_catalogue *catalogue = &checkpoint->catalogue;
    for (size_t i = 0; i < catalogue->n_tensors; i++)
        for (size_t j = 0; j < sizeof(heads) / sizeof(heads[0]); j++)
            if (!strncmp(catalogue->tensors[i].name, heads[j], strlen(heads[j])))
                return true;
    return says_rank(checkpoint, claim);
}

static bool has_chat_template(const grt_checkpoint *checkpoint)
{
    return checkpoint->has_chat_template ||
           grt_metadata_get(&checkpoint->metadata, "tokenizer.chat_template");
}

/* What a checkpoint is that cannot rank, "an embedding model"; NULL where it may. */
static const char *kind_of(const grt_checkpoint *checkpoint, const arch_claim *claim,
                           const grt_architecture *known)
{
    if (claim->is_gguf) {
        if (claim->has_head) return NULL;
        if (claim->pooling >= POOLS_MEAN && claim->pooling <= POOLS_LAST)
            return "an embedding model";
        if (!known)
            return grt_list_holds(gguf_encoders, claim->name) ? "an embedding model"
                                                              : "a generative model";
    }
    /* causal embedding models have the class of a generative one, as rerankers do */
    if (checkpoint->is_pooled && ends_with(claim->name, "ForCausalLM"))
        return "an embedding model";
    for (size_t i = 0; i < sizeof(hf_kinds) / sizeof(hf_kinds[0]) && !known; i++)
        if (ends_with(claim->name, hf_kinds[i].end))
            return !hf_kinds[i].has_classifier && may_score(checkpoint, claim)
                       ? NULL
                       : hf_kinds[i].kind;
    if (!known || !known->is_causal || claim->has_head) return NULL;
    bool is_chat = has_chat_template(checkpoint);
    if ((!is_chat && !known->must_say_rank) || says_rank(checkpoint, claim))
        return NULL;
    return is_chat ? "a chat model" : "a generative model";
}

static grt_status refuse_unknown(const grt_checkpoint *checkpoint, grt_text found,
                                 grt_error *err)
{
    char known[160] = "";
    for (size_t i = 0; i < N_ARCHITECTURES; i++) {
        size_t at = strlen(known);
        (void)snprintf(known + at, sizeof(known) - at, "%s%s", at ? ", " : "",
                       architectures[i]->name);
    }
    GRT_FAIL(err, GRT_E_UNSUPPORTED,
             "%s: architecture \"%.*s\" is not supported; supported are rerankers of "
             "the families %s",
             checkpoint->metadata.source, (int)(found.size < 60 ? found.size : 60),
             found.data, known);
}

/* Of several classes the first that is here: Hugging Face's code looks at none. */
static void choose_class(arch_claim *claim, const grt_checkpoint *checkpoint)
{
    const grt_meta_value *classes = grt_metadata_get(&checkpoint->metadata, claim->key);
    for (size_t i = 0;
         !claim->is_gguf && classes && classes->type == GRT_META_TEXT && i < classes->n;
         i++)
        for (size_t a = 0; a < N_ARCHITECTURES; a++)
            if (grt_list_holds(architectures[a]->hf_classes, classes->texts[i])) {
                claim->name = classes->texts[i];
                return;
            }
}

/* The first that has the name, and whose vocabulary it may be. */
static const grt_architecture *find(const arch_claim *claim,
                                    const grt_tokenizer *tokenizer)
{
    for (size_t i = 0; i < N_ARCHITECTURES; i++) {
        const grt_architecture *a = architectures[i];
        const char *names = claim->is_gguf ? a->gguf_name : a->hf_classes;
        if (!names || !grt_list_holds(names, claim->name)) continue;
        if (!claim->is_gguf || !tokenizer || !a->fits_tokenizer ||
            a->fits_tokenizer(tokenizer))
            return a;
    }
    return NULL;
}

/* A GGUF whose attention goes another way than its family's. */
static grt_status check_causal(const grt_checkpoint *checkpoint,
                               const arch_claim *claim,
                               const grt_architecture *architecture, grt_error *err)
{
    char key[GRT_MAX_KEY_BYTES];
    bool is_causal = architecture->is_causal;
    (void)snprintf(key, sizeof(key), "%.*s.attention.causal",
                   (int)(claim->name.size < 100 ? claim->name.size : 100),
                   claim->name.data);
    if (claim->is_gguf)
        (void)grt_metadata_get_bool(&checkpoint->metadata, key, &is_causal);
    if (is_causal == architecture->is_causal) return GRT_OK;
    GRT_FAIL(err, GRT_E_UNSUPPORTED, "%s: %s is %s, which is not supported for %s",
             checkpoint->metadata.source, key, is_causal ? "true" : "false",
             architecture->name);
}

grt_status grt_network_recognise(const grt_architecture **out,
                                 const grt_checkpoint *checkpoint,
                                 const grt_tokenizer *tokenizer, grt_error *err)
{
    arch_claim claim = claim_of(checkpoint);
    if (claim.name.size == 0)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: no %s that names the model's architecture",
                 checkpoint->metadata.source, claim.key);
    choose_class(&claim, checkpoint);
    const grt_architecture *architecture = find(&claim, tokenizer);
    const char *kind = kind_of(checkpoint, &claim, architecture);
    bool may_rank = architecture && architecture->is_causal && !checkpoint->is_pooled;
    if (kind)
        GRT_FAIL(err, GRT_E_UNSUPPORTED, "%s: is %s (%.*s): it has no reranking head%s",
                 checkpoint->path, kind,
                 (int)(claim.name.size < 60 ? claim.name.size : 60), claim.name.data,
                 may_rank ? ", and nothing says that it was trained to rank (such as "
                            "\"rerank\" in its name)"
                          : "");
    if (!architecture) return refuse_unknown(checkpoint, claim.name, err);
    *out = architecture;
    return check_causal(checkpoint, &claim, architecture, err);
}

grt_status grt_network_bind(grt_network *out, grt_checkpoint *checkpoint,
                            const grt_tokenizer *tokenizer, grt_error *err)
{
    grt_network network = {0};
    grt_binder binder;
    GRT_TRY(grt_network_recognise(&network.architecture, checkpoint, tokenizer, err));
    size_t n_tensors = checkpoint->catalogue.n_tensors;
    grt_status status = grt_arena_alloc(&network.arena, &network.part_of, n_tensors,
                                        sizeof(*network.part_of), err);
    if (status == GRT_OK) {
        for (size_t i = 0; i < n_tensors; i++)
            network.part_of[i] = GRT_PART_UNUSED;
        grt_binder_init(&binder, &network, checkpoint, tokenizer);
        status = network.architecture->bind(&binder, err);
    }
    if (status == GRT_OK) status = grt_surplus_check(&network, checkpoint, err);
    if (status != GRT_OK) {
        grt_network_release(&network);
        return status;
    }
    *out = network;
    return GRT_OK;
}
