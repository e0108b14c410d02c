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

static void write_class(const char *class_name)
{
    static writer w;
    char config[200];
    int n =
        snprintf(config, sizeof(config), "{\"architectures\":[\"%s\"]}", class_name);
    write_whole(in_dir("config.json"), config, (size_t)n);
    safetensors_file(
        &w, "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4);
    write_whole(in_dir("model.safetensors"), w.data, w.size);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_class_without_reranking_head, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_the_pooling_of_sentence_transformers,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_gguf_without_reranking_head, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_the_graphs_do_not_compute, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
