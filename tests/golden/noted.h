/* noted.h - a golden checkpoint whose files leave three things open: one that only who
 * looks at the model wants to know, two that its rankings may show. */
#ifndef GRT_TESTS_GOLDEN_NOTED_H
#define GRT_TESTS_GOLDEN_NOTED_H

#include "temp_dir.h"

enum { N_NOTED = 3, N_NOTED_RESULTS = 2 };

static inline void noted_write(const temp_dir *dir, const char *name, const char *text)
{
    char path[128];
    write_whole(temp_path(dir, name, path), text, strlen(text));
}

/* bert-f32 with its third layer left out by its config, which says hidden_size twice
 * and has a key that nobody knows; temp_remove takes it away. */
static inline void noted_make(temp_dir *dir)
{
    static const char *const kept[] = {"model.safetensors", "tokenizer_config.json",
                                       "vocab.txt"};
    static const char config[] =
        "{\"architectures\":[\"BertForSequenceClassification\"],\"hidden_act\":"
        "\"gelu\","
        "\"hidden_size\":48,\"intermediate_size\":100,\"layer_norm_eps\":1e-12,"
        "\"max_position_embeddings\":96,\"model_type\":\"bert\",\"hidden_size\":48,"
        "\"num_attention_heads\":4,\"num_hidden_layers\":2,\"type_vocab_size\":2,"
        "\"my_rope_factor\":2,\"num_labels\":1,\"vocab_size\":400}";
    temp_make(dir);
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        char from[512], to[128];
        (void)snprintf(from, sizeof(from), "%s/golden/bert-f32/%s", GRT_TEST_DATA,
                       kept[i]);
        assert_int_equal(symlink(from, temp_path(dir, kept[i], to)), 0);
    }
    noted_write(dir, "config.json", config);
}

#endif /* GRT_TESTS_GOLDEN_NOTED_H */
