/* deep_checkpoint.h - Qwen3 checkpoints of any depth in a temporary directory: the
 * tokenizer of a golden model, and weights that are noise. */
#ifndef GRT_TESTS_API_DEEP_CHECKPOINT_H
#define GRT_TESTS_API_DEEP_CHECKPOINT_H

#include "test.h"

#include <unistd.h>

/* 388 KiB a layer in BF16. */
enum {
    DEEP_HIDDEN = 128,
    DEEP_HEADS = 4,
    DEEP_KV_HEADS = 2,
    DEEP_HEAD = 32,
    DEEP_FFN = 384,
    DEEP_VOCABULARY = 414
};

typedef struct deep_checkpoint {
    char directory[64];
} deep_checkpoint;

static inline void deep_path(const deep_checkpoint *c, const char *name, char path[160])
{
    (void)snprintf(path, 160, "%s/%s", c->directory, name);
}

static inline FILE *deep_create(const deep_checkpoint *c, const char *name)
{
    char path[160];
    deep_path(c, name, path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    return file;
}

static inline void deep_copy(const deep_checkpoint *c, const char *name)
{
    FILE *in, *out = deep_create(c, name);
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/golden/qwen3-f32-tied/%s", GRT_TEST_DATA,
                   name);
    in = fopen(path, "rb");
    assert_non_null(in);
    for (int byte; (byte = fgetc(in)) != EOF;)
        (void)fputc(byte, out);
    (void)fclose(in);
    assert_int_equal(fclose(out), 0);
}

static inline void deep_write_config(const deep_checkpoint *c, size_t n_layers)
{
    FILE *file = deep_create(c, "config.json");
    (void)fprintf(
        file,
        "{\"architectures\": [\"Qwen3ForCausalLM\"], \"model_type\": \"qwen3\","
        " \"hidden_act\": \"silu\", \"tie_word_embeddings\": true,"
        " \"rms_norm_eps\": 1e-06, \"rope_theta\": 1000000,"
        " \"max_position_embeddings\": 4096, \"hidden_size\": %d,"
        " \"num_attention_heads\": %d, \"num_key_value_heads\": %d,"
        " \"head_dim\": %d, \"intermediate_size\": %d, \"vocab_size\": %d,"
        " \"num_hidden_layers\": %zu}",
        DEEP_HIDDEN, DEEP_HEADS, DEEP_KV_HEADS, DEEP_HEAD, DEEP_FFN, DEEP_VOCABULARY,
        n_layers);
    assert_int_equal(fclose(file), 0);
}

/* Writes tensor headers first, then in a second round the tensors. */
typedef struct deep_writer {
    FILE *file;
    int writes_data;
    size_t offset;
    uint32_t seed;
} deep_writer;

static inline void deep_put(deep_writer *w, uint16_t value)
{
    (void)fputc(value & 0xFF, w->file);
    (void)fputc(value >> 8, w->file);
}

/* A vector (columns 0) is ones, a matrix noise below 1/8. */
static inline void deep_tensor(deep_writer *w, const char *name, size_t rows,
                               size_t columns)
{
    size_t n = rows * (columns ? columns : 1), end = w->offset + 2 * n;
    if (w->writes_data) {
        for (size_t i = 0; i < n; i++) {
            w->seed = w->seed * 1664525u + 1013904223u;
            uint16_t sign = (uint16_t)(w->seed >> 16 & 0x8000);
            uint16_t noise = (uint16_t)(0x3D00 + (w->seed >> 20 & 0xFF));
            deep_put(w, columns ? sign | noise : 0x3F80);
        }
        return;
    }
    (void)fprintf(w->file, "%s\"%s\": {\"dtype\": \"BF16\", \"shape\": [%zu",
                  w->offset ? ",\n" : "", name, rows);
    if (columns) (void)fprintf(w->file, ", %zu", columns);
    (void)fprintf(w->file, "], \"data_offsets\": [%zu, %zu]}", w->offset, end);
    w->offset = end;
}

static inline void deep_layer(deep_writer *w, size_t layer)
{
    enum { Q = DEEP_HEADS * DEEP_HEAD, K = DEEP_KV_HEADS * DEEP_HEAD };
    static const struct {
        const char *name;
        size_t rows, columns;
    } parts[] = {
        {"input_layernorm", DEEP_HIDDEN, 0},
        {"self_attn.q_proj", Q, DEEP_HIDDEN},
        {"self_attn.k_proj", K, DEEP_HIDDEN},
        {"self_attn.v_proj", K, DEEP_HIDDEN},
        {"self_attn.o_proj", DEEP_HIDDEN, Q},
        {"self_attn.q_norm", DEEP_HEAD, 0},
        {"self_attn.k_norm", DEEP_HEAD, 0},
        {"post_attention_layernorm", DEEP_HIDDEN, 0},
        {"mlp.gate_proj", DEEP_FFN, DEEP_HIDDEN},
        {"mlp.up_proj", DEEP_FFN, DEEP_HIDDEN},
        {"mlp.down_proj", DEEP_HIDDEN, DEEP_FFN},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        char name[80];
        (void)snprintf(name, sizeof(name), "model.layers.%zu.%s.weight", layer,
                       parts[i].name);
        deep_tensor(w, name, parts[i].rows, parts[i].columns);
    }
}

static inline void deep_tensors(deep_writer *w, size_t n_layers)
{
    deep_tensor(w, "model.embed_tokens.weight", DEEP_VOCABULARY, DEEP_HIDDEN);
    for (size_t layer = 0; layer < n_layers; layer++)
        deep_layer(w, layer);
    deep_tensor(w, "model.norm.weight", DEEP_HIDDEN, 0);
}

static inline void deep_write_weights(const deep_checkpoint *c, size_t n_layers)
{
    deep_writer w = {.file = deep_create(c, "model.safetensors"), .seed = 5};
    static const unsigned char no_length[8];
    (void)fwrite(no_length, 1, 8, w.file);
    (void)fputc('{', w.file);
    deep_tensors(&w, n_layers);
    (void)fputc('}', w.file);
    uint64_t length = (uint64_t)ftell(w.file) - 8;
    w.writes_data = 1;
    deep_tensors(&w, n_layers);
    rewind(w.file);
    for (int i = 0; i < 8; i++)
        (void)fputc((int)(length >> (8 * i) & 0xFF), w.file);
    assert_int_equal(fclose(w.file), 0);
}

static inline void deep_write(deep_checkpoint *c, size_t n_layers)
{
    (void)snprintf(c->directory, sizeof(c->directory), "/tmp/grating_deep_XXXXXX");
    assert_non_null(mkdtemp(c->directory));
    deep_write_config(c, n_layers);
    deep_copy(c, "tokenizer.json");
    deep_copy(c, "tokenizer_config.json");
    deep_write_weights(c, n_layers);
}

static inline void deep_remove(const deep_checkpoint *c)
{
    static const char *const names[] = {"config.json", "tokenizer.json",
                                        "tokenizer_config.json", "model.safetensors"};
    for (size_t i = 0; i < 4; i++) {
        char path[160];
        deep_path(c, names[i], path);
        (void)unlink(path);
    }
    (void)rmdir(c->directory);
}

#endif /* GRT_TESTS_API_DEEP_CHECKPOINT_H */
