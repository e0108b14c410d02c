/* test_refusals.c - checkpoints that cannot rank are called what they are, and encoders
 * that the graphs do not compute are refused with the reason. */
#include "test.h"

#include "formats/writer.h"
#include "models/open.h"
#include "temp_dir.h"

static temp_dir dir;
static grt_error err;

static int set_up(void **state)
{
    (void)state;
    temp_make(&dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_remove(&dir);
    return 0;
}

static grt_status open_at(const char *path)
{
    grt_opened model = {0};
    grt_status status = grt_open(&model, path, &err);
    grt_opened_release(&model);
    return status;
}

static const char *in_dir(const char *name)
{
    static char path[128];
    return temp_path(&dir, name, path);
}

/* ---- What a class or an architecture is ---- */

static void write_holding(const char *class_name, const char *name, const char *tensor)
{
    static writer w;
    char config[200];
    int n = snprintf(config, sizeof(config),
                     "{\"architectures\":[\"%s\"],\"_name_or_path\":\"%s\"}",
                     class_name, name);
    write_whole(in_dir("config.json"), config, (size_t)n);
    char header[200];
    (void)snprintf(header, sizeof(header),
                   "{\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
                   tensor);
    safetensors_file(&w, header, 4);
    write_whole(in_dir("model.safetensors"), w.data, w.size);
}

static void write_named(const char *class_name, const char *name)
{
    write_holding(class_name, name, "a");
}

static void write_class(const char *class_name)
{
    write_named(class_name, "");
}

static void test_a_class_without_reranking_head(void **state)
{
    (void)state;
    static const struct {
        const char *class_name, *fragment;
    } cases[] = {
        {"BertModel", "is an embedding model (BertModel): it has no reranking head"},
        {"XLMRobertaModel", "is an embedding model (XLMRobertaModel)"},
        {"LlamaForCausalLM", "is a generative model (LlamaForCausalLM): it has no"},
        {"GPT2LMHeadModel", "is a generative model (GPT2LMHeadModel)"},
        {"T5ForConditionalGeneration", "is a generative model"},
        {"ModernBertForMaskedLM", "is a masked language model (ModernBertForMaskedLM)"},
        {"BertForTokenClassification", "is a classifier of tokens"},
        {"BertForQuestionAnswering", "is a model that marks answers"},
        {"DebertaV2ForSequenceClassification",
         "architecture \"DebertaV2ForSequenceClassification\" is not supported; "
         "supported "
         "are rerankers of the families bert, roberta, electra, modernbert, qwen3"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_class(cases[i].class_name);
        assert_refused(open_at(dir.path), GRT_E_UNSUPPORTED, &err, cases[i].fragment);
    }
}

/* Rerankers that come with code of their own have classes named after what they were
 * made from: that their kind has no head would be false. */
static void test_an_unknown_class_with_a_head_is_not_said_to_have_none(void **state)
{
    (void)state;
    static const struct {
        const char *class_name, *name, *tensor;
    } cases[] = {
        {"JinaBertForMaskedLM", "", "classifier.weight"},
        {"CostWiseGemmaForCausalLM", "", "lm_head.0.linear_head.weight"},
        {"SomeT5ForConditionalGeneration", "", "classification_head.out_proj.weight"},
        {"NewModel", "", "score.weight"},
        {"SomeForCausalLM", "someone/reranker-1B", "a"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char sentence[120];
        (void)snprintf(sentence, sizeof(sentence),
                       "architecture \"%s\" is not supported", cases[i].class_name);
        write_holding(cases[i].class_name, cases[i].name, cases[i].tensor);
        assert_refused(open_at(dir.path), GRT_E_UNSUPPORTED, &err, sentence);
    }
    write_holding("NewForTokenClassification", "", "classifier.weight");
    assert_refused(open_at(dir.path), GRT_E_UNSUPPORTED, &err,
                   "is a classifier of tokens");
}

/* A cache that was copied without what its links lead to: that a file cannot be read is
 * not that it is not there. */
static void test_links_to_nowhere(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_dir("1_Pooling"), 0700), 0);
    static const char *const names[] = {"chat_template.jinja", "model.safetensors",
                                        "model.safetensors.index.json",
                                        "1_Pooling/config.json", "config.json"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[80];
        (void)snprintf(text, sizeof(text), "%s: is a link to a file that is gone",
                       names[i]);
        write_class("Qwen3ForCausalLM");
        (void)unlink(in_dir(names[i]));
        assert_int_equal(symlink("nowhere", in_dir(names[i])), 0);
        assert_refused(open_at(dir.path), GRT_E_IO, &err, text);
        assert_int_equal(unlink(in_dir(names[i])), 0);
    }
    assert_int_equal(rmdir(in_dir("1_Pooling")), 0);
}

/* Qwen3-Embedding has the class of Qwen3-Reranker. */
static void test_the_pooling_of_sentence_transformers(void **state)
{
    (void)state;
    write_class("Qwen3ForCausalLM");
    assert_int_equal(mkdir(in_dir("1_Pooling"), 0700), 0);
    write_whole(in_dir("1_Pooling/config.json"), "{}", 2);
    assert_refused(open_at(dir.path), GRT_E_UNSUPPORTED, &err,
                   "is an embedding model (Qwen3ForCausalLM)");
    assert_int_equal(unlink(in_dir("1_Pooling/config.json")), 0);
    assert_int_equal(rmdir(in_dir("1_Pooling")), 0);
}

/* Qwen3 and Qwen3-Reranker have one class, too; so have Llama and what was made of it.
 */
static void test_chat_models_are_told_from_rerankers(void **state)
{
    (void)state;
    static const char *const classes[] = {"Qwen2ForCausalLM", "Qwen3ForCausalLM",
                                          "GemmaForCausalLM", "Gemma3ForCausalLM",
                                          "LlamaForCausalLM"};
    static const char template[] = "{\"chat_template\": \"{{ messages }}\"}";
    write_whole(in_dir("tokenizer_config.json"), template, sizeof(template) - 1);
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        char sentence[160];
        (void)snprintf(
            sentence, sizeof(sentence),
            "is a chat model (%s): it has no reranking head, and nothing says "
            "that it was trained to rank",
            classes[i]);
        write_named(classes[i], "someone/chat-0.6B");
        assert_refused(open_at(dir.path), GRT_E_UNSUPPORTED, &err, sentence);
        write_named(classes[i],
                    "someone/Chat-ReRanker-0.6B"); /* goes on to its files */
        assert_refused(open_at(dir.path), GRT_E_NOT_FOUND, &err, "tokenizer.json");
    }
    assert_int_equal(unlink(in_dir("tokenizer_config.json")), 0);
    /* without a template a family that mostly chats has to say that it ranks */
    write_named("LlamaForCausalLM", "someone/base-1B");
    assert_refused(
        open_at(dir.path), GRT_E_UNSUPPORTED, &err,
        "is a generative model (LlamaForCausalLM): it has no reranking head, "
        "and nothing says that it was trained to rank");
    write_named("Qwen3ForCausalLM", "someone/base-1B");
    assert_refused(open_at(dir.path), GRT_E_NOT_FOUND, &err, "tokenizer.json");
}

static void write_gguf(const char *architecture, const char *pooling_key,
                       uint32_t pooling, const char *tensor)
{
    static writer w;
    const uint64_t one = 1;
    gguf_start(&w, 3, 1, pooling_key ? 2 : 1);
    gguf_key(&w, "general.architecture", 8);
    put_text(&w, architecture);
    if (pooling_key) {
        gguf_key(&w, pooling_key, 4);
        put_le(&w, pooling, 4);
    }
    gguf_tensor(&w, tensor, 1, &one, 0, 0);
    gguf_data(&w, 32, 4);
    write_whole(in_dir("model.gguf"), w.data, w.size);
}

static void test_a_gguf_without_reranking_head(void **state)
{
    (void)state;
    write_gguf("bert", "bert.pooling_type", 2, "token_embd.weight");
    assert_refused(open_at(in_dir("model.gguf")), GRT_E_UNSUPPORTED, &err,
                   "is an embedding model (bert): it has no reranking head");
    write_gguf("qwen3", "qwen3.pooling_type", 3, "token_embd.weight");
    assert_refused(open_at(in_dir("model.gguf")), GRT_E_UNSUPPORTED, &err,
                   "is an embedding model (qwen3): it has no reranking head");
    write_gguf("nomic-bert", NULL, 0, "token_embd.weight");
    assert_refused(open_at(in_dir("model.gguf")), GRT_E_UNSUPPORTED, &err,
                   "is an embedding model (nomic-bert)");
    write_gguf("llama", NULL, 0, "output.weight");
    assert_refused(open_at(in_dir("model.gguf")), GRT_E_UNSUPPORTED, &err,
                   "is a generative model (llama): it has no reranking head");
    write_gguf("jina-bert-v2", "jina-bert-v2.pooling_type", 4, "cls.output.weight");
    assert_refused(open_at(in_dir("model.gguf")), GRT_E_UNSUPPORTED, &err,
                   "architecture \"jina-bert-v2\" is not supported; supported are");
}

/* ---- Encoders that are almost right ---- */

/* Copies file `name` of a golden case, with `from` replaced by `to` where it stands;
 * NULL: as it is. */
static void copy_file(const char *golden, const char *name, const char *from,
                      const char *to)
{
    char path[512];
    size_t n, at = 0;
    (void)snprintf(path, sizeof(path), "%s/golden/%s/%s", GRT_TEST_DATA, golden, name);
    unsigned char *bytes = read_whole(path, &n);
    FILE *file = fopen(in_dir(name), "wb");
    assert_non_null(file);
    size_t n_from = from ? strlen(from) : 0, n_found = 0;
    while (from && at + n_from <= n) {
        if (memcmp(bytes + at, from, n_from) == 0) {
            assert_int_equal(fwrite(bytes, 1, at, file), at);
            assert_true(fputs(to, file) >= 0);
            memmove(bytes, bytes + at + n_from, n - at - n_from);
            n -= at + n_from;
            at = 0;
            n_found++;
        } else
            at++;
    }
    assert_true(!from || n_found > 0);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
    free(bytes);
}

typedef struct change {
    const char *golden, *tokenizer; /* the case, and its file of the vocabulary */
    const char *file, *from, *to;
    grt_status status;
    const char *fragment;
} change;

static void check_change(const change *c)
{
    const char *const files[] = {"config.json", "model.safetensors", c->tokenizer};
    for (size_t i = 0; i < 3; i++) {
        bool is_changed = strcmp(files[i], c->file) == 0;
        copy_file(c->golden, files[i], is_changed ? c->from : NULL, c->to);
    }
    if (strcmp(c->tokenizer, "vocab.txt") == 0) { /* of RoBERTa too, in these cases */
        FILE *class = fopen(in_dir("tokenizer_config.json"), "w");
        assert_non_null(class);
        assert_true(fputs("{\"tokenizer_class\": \"BertTokenizer\"}", class) >= 0);
        assert_int_equal(fclose(class), 0);
    }
    assert_refused(open_at(dir.path), c->status, &err, c->fragment);
    (void)temp_entries(&dir, 1);
}

static void test_what_the_graphs_do_not_compute(void **state)
{
    (void)state;
#define ROBERTA    "roberta-f32", "vocab.txt"
#define JINA       "roberta-jina-f16", "vocab.txt"
#define ELECTRA    "electra-f32", "vocab.txt"
#define TWO_LABELS "bert-two-labels", "vocab.txt"
#define MODERNBERT "modernbert-f32", "tokenizer.json"
    static const change changes[] = {
        {ROBERTA, "config.json", "\"pad_token_id\": 1", "\"pad_token_id\": 95",
         GRT_E_FORMAT, "98 positions, of which the first 96 are not used"},
        {ROBERTA, "config.json", "\"gelu\"", "\"relu\"", GRT_E_UNSUPPORTED,
         "hidden_act is \"relu\"; only \"gelu\" is supported"},
        {ROBERTA, "config.json", "\"num_attention_heads\": 4",
         "\"num_attention_heads\": 5", GRT_E_FORMAT, "does not split into 5 heads"},
        {ROBERTA, "model.safetensors", "classifier.out_proj.weight",
         "classifier.out_prog.weight", GRT_E_UNSUPPORTED,
         "is an embedding model: it has no reranking head (no "
         "classifier.out_proj.weight"},
        {JINA, "model.safetensors", "[144,48]", "[48,144]", GRT_E_FORMAT,
         "Wqkv.weight has shape [48][144], expected [144][48]"},
        {TWO_LABELS, "config.json", "\"LABEL_1\"\n", "\"POSITIVE\"\n",
         GRT_E_UNSUPPORTED,
         "a classifier (classifier.weight) with the labels \"LABEL_0\" and "
         "\"POSITIVE\": "
         "neither says \"relevant\""},
        {ELECTRA, "config.json", "\"embedding_size\": 20", "\"embedding_size\": 96",
         GRT_E_FORMAT, "embedding_size"},
        {ELECTRA, "config.json", "\"embedding_size\": 20", "\"embedding_size\": 24",
         GRT_E_FORMAT, "expected"},
        {MODERNBERT, "config.json", "\"attention_bias\": false",
         "\"attention_bias\": true", GRT_E_UNSUPPORTED,
         "attention_bias is not supported for modernbert"},
        {MODERNBERT, "config.json", "\"mean\"", "\"max\"", GRT_E_UNSUPPORTED,
         "classifier_pooling is \"max\""},
        {MODERNBERT, "config.json", "\"local_attention\": 16",
         "\"local_attention\": -1", GRT_E_FORMAT, "local_attention"},
        {MODERNBERT, "config.json", "\"local_rope_theta\": 10000.0",
         "\"local_rope_theta\": -2.5", GRT_E_FORMAT,
         "a rotary base of -2.5 makes no sense"},
        {MODERNBERT, "config.json", "\"num_attention_heads\": 4",
         "\"num_attention_heads\": 16", GRT_E_FORMAT,
         "heads of 3 values cannot be rotated"},
        {MODERNBERT, "model.safetensors", "layers.2.attn_norm", "layers.2.attn_norn",
         GRT_E_FORMAT, "tensor model.layers.2.attn_norm.weight is missing"},
        {MODERNBERT, "model.safetensors", "layers.1.mlp_norm", "layers.1.mlp_norn",
         GRT_E_FORMAT, "tensor model.layers.1.mlp_norm.weight is missing"},
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
        check_change(&changes[i]);
}

/* ---- Other spellings of the same ---- */

static void check_same(const change *c)
{
    char path[512];
    const char *const files[] = {"config.json", "model.safetensors", c->tokenizer};
    grt_opened wanted = {0}, found = {0};
    for (size_t i = 0; i < 3; i++)
        copy_file(c->golden, files[i], strcmp(files[i], c->file) == 0 ? c->from : NULL,
                  c->to);
    (void)snprintf(path, sizeof(path), "%s/golden/%s", GRT_TEST_DATA, c->golden);
    assert_ok(grt_open(&wanted, path, &err), &err);
    assert_ok(grt_open(&found, dir.path, &err), &err);
    const grt_network *a = &wanted.network, *b = &found.network;
    assert_int_equal(a->n_ropes, b->n_ropes);
    for (size_t i = 0; i < a->n_ropes; i++)
        assert_memory_equal(a->ropes[i], b->ropes[i],
                            a->head_size / 2 * sizeof(*a->ropes[i]));
    for (size_t i = 0; i < a->n_layers; i++) {
        assert_int_equal(a->kinds[i].window, b->kinds[i].window);
        assert_int_equal(a->kinds[i].rope, b->kinds[i].rope);
        for (size_t part = 0; part < a->layers[i].n_parts; part++)
            assert_int_equal(a->layers[i].parts[part].offset,
                             b->layers[i].parts[part].offset);
    }
    grt_opened_release(&wanted);
    grt_opened_release(&found);
    (void)temp_entries(&dir, 1);
}

static void test_other_spellings_bind_the_same(void **state)
{
    (void)state;
    static const change changes[] = {
        {.golden = "bert-f32",
         .tokenizer = "vocab.txt",
         .file = "model.safetensors",
         .from = "LayerNorm.weight\"",
         .to = "LayerNorm.gamma\" "},
        {.golden = "bert-f32",
         .tokenizer = "vocab.txt",
         .file = "model.safetensors",
         .from = "LayerNorm.bias\"",
         .to = "LayerNorm.beta\""},
        {.golden = "bert-f32",
         .tokenizer = "vocab.txt",
         .file = "model.safetensors",
         .from = "\"bert.",
         .to = "     \""},
        {.golden = "electra-f32",
         .tokenizer = "vocab.txt",
         .file = "model.safetensors",
         .from = "\"electra.",
         .to = "        \""},
        {.golden = "modernbert-f32",
         .tokenizer = "tokenizer.json",
         .file = "model.safetensors",
         .from = "\"model.",
         .to = "      \""},
        {.golden = "modernbert-f32",
         .tokenizer = "tokenizer.json",
         .file = "config.json",
         .from = "\"global_rope_theta\": 160000.0,\n "
                 "\"hidden",
         .to = "\"rope_parameters\": {\"full_attention\": {\"rope_theta\": 160000, "
               "\"rope_type\": \"default\"}},\n \"hidden"},
        {.golden = "modernbert-f32",
         .tokenizer = "tokenizer.json",
         .file = "config.json",
         .from = "\"global_attn_every_n_layers\": 3",
         .to = "\"layer_types\": [\"full_attention\", \"sliding_attention\", "
               "\"sliding_attention\", \"full_attention\"]"},
        {.golden = "gemma3-f32",
         .tokenizer = "tokenizer.json",
         .file = "config.json",
         .from = "\"rope_local_base_freq\": 10000.0",
         .to = "\"rope_parameters\": {\"sliding_attention\": {\"rope_theta\": 10000}}"},
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
        check_same(&changes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_class_without_reranking_head, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_an_unknown_class_with_a_head_is_not_said_to_have_none, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(test_links_to_nowhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_pooling_of_sentence_transformers,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_chat_models_are_told_from_rerankers,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_gguf_without_reranking_head, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_the_graphs_do_not_compute, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_other_spellings_bind_the_same, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
