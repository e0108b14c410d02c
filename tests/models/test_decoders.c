/* test_decoders.c - configs, heads and tokenizers that a decoder must refuse, each a
 * golden checkpoint with one thing changed. */
#include "formats/writer.h"
#include "temp_dir.h"

#define FOLDER GRT_TEST_DATA "/golden"

static grt_error err;

/* Links golden checkpoint `name` into dir, but for `file`, in which `from` is replaced
 * wherever it stands. */
static void change(const temp_dir *dir, const char *name, const char *file,
                   const char *from, const char *to)
{
    char path[128], source[512];
    (void)snprintf(source, sizeof(source), "%s/%s", FOLDER, name);
    DIR *directory = opendir(source);
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.' || !strcmp(entry->d_name, file)) continue;
        (void)snprintf(source, sizeof(source), "%s/%s/%s", FOLDER, name, entry->d_name);
        assert_int_equal(symlink(source, temp_path(dir, entry->d_name, path)), 0);
    }
    (void)closedir(directory);
    size_t n;
    (void)snprintf(source, sizeof(source), "%s/%s/%s", FOLDER, name, file);
    char *text = (char *)read_whole(source, &n);
    const char *rest = text, *at = strstr(text, from);
    if (!at) fail_msg("%s of %s holds no %s", file, name, from);
    FILE *out = fopen(temp_path(dir, file, path), "wb");
    assert_non_null(out);
    for (; at; at = strstr(rest, from)) {
        (void)fprintf(out, "%.*s%s", (int)(at - rest), rest, to);
        rest = at + strlen(from);
    }
    (void)fputs(rest, out);
    assert_int_equal(fclose(out), 0);
    free(text);
}

typedef struct changed {
    const char *name, *from, *to;
    grt_status status;
    const char *text;
} changed;

static void test_configs_that_ask_for_something_else(void **state)
{
    (void)state;
    static const changed cases[] = {
        {"qwen2-f32-tied", "\"use_sliding_window\": false",
         "\"use_sliding_window\": true", GRT_E_UNSUPPORTED,
         "use_sliding_window is not supported for qwen2"},
        {"qwen2-f32-tied", "\"silu\"", "\"gelu\"", GRT_E_UNSUPPORTED,
         "hidden_act is \"gelu\"; only \"silu\""},
        {"qwen2-f32-tied", "\"tie_word_embeddings\": true",
         "\"tie_word_embeddings\": false", GRT_E_FORMAT,
         "neither score.weight nor lm_head.weight is there, and tie_word_embeddings"},
        {"qwen2-f32-tied", "\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3",
         GRT_E_FORMAT, "4 query heads, 3 key heads of 12 values do not fit"},
        {"qwen2-f32-tied", "\"rope_theta\": 1000000.0", "\"rope_theta\": -1.0",
         GRT_E_FORMAT, "a rotary base of -1 makes no sense"},
        {"qwen2-f32-tied", "\"rms_norm_eps\": 1e-06", "\"rms_norm_eps\": 0.0",
         GRT_E_FORMAT, "a norm's epsilon of 0 makes"},
        {"qwen2-f32-tied", "\"rope_theta\": 1000000.0",
         "\"rope_theta\": 1e6, \"rope_scaling\": {\"rope_type\": \"yarn\"}",
         GRT_E_UNSUPPORTED, "rope_scaling.rope_type is \"yarn\""},
        {"qwen2-seq-cls", "\"hidden_size\": 48", "\"hidden_size\": 56", GRT_E_FORMAT,
         "has shape"},
        {"gemma-f32", "\"gelu\"", "\"relu\"", GRT_E_UNSUPPORTED,
         "hidden_act is \"relu\"; only \"gelu_pytorch_tanh gelu\""},
        {"gemma-f32", "\"attention_bias\": false", "\"attention_bias\": true",
         GRT_E_FORMAT, "attention_bias is true, but layer 0 has no biases"},
        {"gemma-f32", "\"attention_bias\": false", "\"tie_word_embeddings\": false",
         GRT_E_FORMAT, "neither score.weight nor lm_head.weight is there"},
        {"llama-f32", "\"llama3\"", "\"yarn\"", GRT_E_UNSUPPORTED,
         "rope_scaling.rope_type is \"yarn\"; only \"default linear llama3\""},
        {"llama-f32", "\"factor\": 4.0", "\"factor\": 0.0", GRT_E_FORMAT,
         "a rotary factor of"},
        {"llama-f32", "\"mlp_bias\": false", "\"mlp_bias\": true", GRT_E_FORMAT,
         "mlp_bias is true, but layer 0 has no biases"},
        {"llama-f32", "\"mlp_bias\": false", "\"partial_rotary_factor\": 0.5",
         GRT_E_UNSUPPORTED, "partial_rotary_factor is 0.5; only 1"},
        {"gemma3-f32", "\"sliding_window\": 8", "\"sliding_window\": 1", GRT_E_FORMAT,
         "sliding_window"},
        {"gemma3-f32", "\"attn_logit_softcapping\": null",
         "\"attn_logit_softcapping\": 50.0", GRT_E_UNSUPPORTED,
         "attn_logit_softcapping is 50"},
        {"gemma3-f32", "\"full_attention\",", "", GRT_E_FORMAT,
         "layer_types has 2 entries for 3 layers"},
        {"qwen2-f32-tied", "\"use_sliding_window\": false",
         "\"layer_types\": [\"full_attention\", \"sliding_attention\"]",
         GRT_E_UNSUPPORTED, "layer_types has \"sliding_attention\" for layer 1"},
        {"minicpm-f32", "\"simple\"", "\"raw\"", GRT_E_UNSUPPORTED,
         "head_type is \"raw\"; only \"simple\""},
        {"minicpm-f32", "\"head_multi\": true", "\"head_multi\": false",
         GRT_E_UNSUPPORTED, "head_multi is false"},
        {"minicpm-f32", "\"start_layer\"", "\"stop_layer\"", GRT_E_FORMAT,
         "start_layer"},
        {"minicpm-f32", "\"start_layer\": 2", "\"start_layer\": 0", GRT_E_FORMAT,
         "start_layer"},
        {"minicpm-f32", "\"start_layer\": 2", "\"start_layer\": 5", GRT_E_FORMAT,
         "start_layer"},
        {"minicpm-f32", "\"start_layer\": 2", "\"start_layer\": 1", GRT_E_FORMAT,
         "tensor lm_head.3.linear_head.weight is missing"},
        {"minicpm-f32", "\"scale_emb\": 12", "\"scale_emb\": -12", GRT_E_FORMAT,
         "scale_emb -12 and scale_depth 1.4 make no sense"},
        {"minicpm-f32", "\"scale_depth\": 1.4", "\"scale_depth\": 0", GRT_E_FORMAT,
         "scale_emb 12 and scale_depth 0 make no sense"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        temp_dir dir;
        grt_model *model = NULL;
        temp_make(&dir);
        change(&dir, cases[i].name, "config.json", cases[i].from, cases[i].to);
        assert_refused(grt_model_open(&model, NULL, dir.path, NULL, &err),
                       cases[i].status, &err, cases[i].text);
        temp_remove(&dir);
    }
}

/* An index that has forgotten a shard. */
static void test_a_tensor_in_no_shard_is_named(void **state)
{
    (void)state;
    temp_dir dir;
    char path[128];
    grt_model *model = NULL;
    temp_make(&dir);
    const char *index = "model.safetensors.index.json";
    change(&dir, "qwen3-mixed-shards", index, "{", "{");
    const char *text = "{\"weight_map\": {\"model.embed_tokens.weight\": "
                       "\"model-00001-of-00003.safetensors\", \"model.norm.weight\": "
                       "\"model-00003-of-00003.safetensors\"}}";
    write_whole(temp_path(&dir, index, path), text, strlen(text));
    assert_refused(grt_model_open(&model, NULL, dir.path, NULL, &err), GRT_E_FORMAT,
                   &err, "tensor model.layers.1.");
    assert_non_null(strstr(err.text, " is missing"));
    temp_remove(&dir);
}

/* ---- What shows when a request is made ---- */

static grt_status try_to_rank(const char *path, const char *instruction)
{
    const char *document = "a document";
    grt_model *model = NULL;
    grt_result *result = NULL;
    grt_request request = GRT_REQUEST_INIT;
    request.query = "a query";
    request.documents = &document;
    request.n_documents = 1;
    request.instruction = instruction;
    assert_ok(grt_model_open(&model, NULL, path, NULL, &err), &err);
    grt_status status = grt_rank(&result, model, &request, &err);
    grt_result_free(result);
    grt_model_close(model);
    return status;
}

static void test_prompts_that_cannot_be_made(void **state)
{
    (void)state;
    static const char *const bge[] = {"gemma-f32", "minicpm-f32"};
    for (size_t i = 0; i < 2; i++) {
        char path[512];
        (void)snprintf(path, sizeof(path), "%s/%s", FOLDER, bge[i]);
        assert_ok(try_to_rank(path, NULL), &err);
        assert_refused(try_to_rank(path, "find causes"), GRT_E_UNSUPPORTED, &err,
                       "takes no instruction");
    }
    static const changed cases[] = {
        {"gemma-f32", "<bos>", "<bxs>", GRT_E_FORMAT,
         "the vocabulary has no token \"<bos>\""},
        {"minicpm-f32", "\"<s>\"", "\"<x>\"", GRT_E_FORMAT,
         "the vocabulary has no token \"<s>\""},
        {"qwen2-f32-tied", "\"<|im_end|>\"", "\"<|xx_end|>\"", GRT_E_FORMAT,
         "the vocabulary has no token \"<|im_end|>\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        temp_dir dir;
        temp_make(&dir);
        change(&dir, cases[i].name, "tokenizer.json", cases[i].from, cases[i].to);
        assert_refused(try_to_rank(dir.path, NULL), cases[i].status, &err,
                       cases[i].text);
        temp_remove(&dir);
    }
}

/* ---- Qwen3 8B without its head ---- */

static void put_byte_tokens(writer *w)
{
    gguf_array(w, "tokenizer.ggml.tokens", 8, 256);
    for (unsigned byte = 0, extra = 256; byte < 256; byte++) {
        int is_shown = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
        unsigned c = is_shown ? byte : extra++;
        char text[3] = {(char)c};
        if (c >= 128) {
            text[0] = (char)(0xC0 | c >> 6);
            text[1] = (char)(0x80 | (c & 0x3F));
        }
        put_text(w, text);
    }
    gguf_array(w, "tokenizer.ggml.merges", 8, 0);
}

/* A GGUF of the width, with an embedding and a norm of zeros: a hole in the file. */
static void write_headless(const char *path, const char *architecture, size_t width)
{
    static writer w;
    char key[64];
    static const struct {
        const char *key;
        size_t value; /* 0: the width */
    } numbers[] = {{"block_count", 1},          {"context_length", 512},
                   {"embedding_length", 0},     {"feed_forward_length", 64},
                   {"attention.head_count", 8}, {"attention.head_count_kv", 8}};
    gguf_start(&w, 3, 2, 10);
    gguf_key(&w, "general.architecture", 8);
    put_text(&w, architecture);
    for (size_t i = 0; i < 6; i++) {
        (void)snprintf(key, sizeof(key), "%s.%s", architecture, numbers[i].key);
        gguf_key(&w, key, 4);
        put_le(&w, numbers[i].value ? numbers[i].value : width, 4);
    }
    gguf_key(&w, "tokenizer.ggml.model", 8);
    put_text(&w, "gpt2");
    put_byte_tokens(&w);
    const uint64_t table[] = {width, 256}, vector[] = {width};
    gguf_tensor(&w, "token_embd.weight", 2, table, 0, 0);
    gguf_tensor(&w, "output_norm.weight", 1, vector, 0, width * 256 * 4);
    gguf_data(&w, 32, 0);
    assert_true(w.size < sizeof(w.data));
    write_whole(path, w.data, w.size);
    assert_int_equal(truncate(path, (off_t)(w.size + width * 257 * 4)), 0);
}

static void test_wide_models_have_a_head_of_their_own(void **state)
{
    (void)state;
    static const struct {
        const char *architecture;
        size_t width;
        const char *text;
    } cases[] = {
        {"qwen3", 4096,
         "neither cls.output.weight nor output.weight is there, and "
         "qwen3 models of width 4096 do not share it"},
        {"qwen3", 2560, "no single token \"yes\""},
        {"qwen2", 3584, "qwen2 models of width 3584 do not share it"},
        {"qwen2", 2048, "tensor blk.0.attn_norm.weight is missing"}, /* has its head */
    };
    temp_dir dir;
    char path[128];
    temp_make(&dir);
    temp_path(&dir, "model.gguf", path);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        grt_model *model = NULL;
        write_headless(path, cases[i].architecture, cases[i].width);
        assert_refused(grt_model_open(&model, NULL, path, NULL, &err), GRT_E_FORMAT,
                       &err, cases[i].text);
    }
    temp_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configs_that_ask_for_something_else),
        cmocka_unit_test(test_a_tensor_in_no_shard_is_named),
        cmocka_unit_test(test_prompts_that_cannot_be_made),
        cmocka_unit_test(test_wide_models_have_a_head_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
