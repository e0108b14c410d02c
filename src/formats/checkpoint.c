/* checkpoint.c - see checkpoint.h.
 *
 * Finds out what lies at the path, hands the bytes to the readers, and, for a sharded
 * checkpoint, holds the index against what the shards really contain. */
#include "formats/checkpoint.h"

#include "base/memory.h"
#include "formats/config_spelling.h"
#include "formats/guess.h"
#include "formats/json.h"
#include "formats/keys.h"
#include "formats/names.h"

#include <stdio.h>
#include <string.h>

enum { MAX_CONFIG_BYTES = 16 << 20, MAX_INDEX_BYTES = 64 << 20, MAX_NAME_BYTES = 256 };

static const char *const single_name = "model.safetensors";
static const char *const index_name = "model.safetensors.index.json";

/* A template of its own, or one in tokenizer_config.json. */
static grt_status find_chat_template(grt_checkpoint *c, const char *directory,
                                     grt_error *err)
{
    char *path, *text;
    size_t n;
    GRT_TRY(
        grt_path_find_in(&c->has_chat_template, directory, "chat_template.jinja", err));
    if (c->has_chat_template) return GRT_OK;
    GRT_TRY(grt_path_join(&path, directory, "tokenizer_config.json", err));
    grt_error ignored; /* who needs the file reads it, and says what is wrong */
    grt_status status = grt_file_load(&text, &n, path, MAX_CONFIG_BYTES, &ignored);
    if (status == GRT_OK) {
        c->has_chat_template = strstr(text, "\"chat_template\"") != NULL;
        grt_free(text);
    }
    grt_free(path);
    if (status == GRT_E_NO_MEMORY)
        GRT_FAIL(err, status, "no memory for tokenizer_config.json");
    return GRT_OK;
}

static grt_status load_config(grt_checkpoint *c, const char *directory, grt_error *err)
{
    char *path, *text;
    size_t n;
    GRT_TRY(grt_arena_copy_text(&c->arena, &c->directory, directory, strlen(directory),
                                err));
    GRT_TRY(grt_path_find_in(&c->is_pooled, directory, "1_Pooling/config.json", err));
    GRT_TRY(find_chat_template(c, directory, err));
    GRT_TRY(grt_path_join(&path, directory, "config.json", err));
    grt_status status = grt_file_load(&text, &n, path, MAX_CONFIG_BYTES, err);
    if (status == GRT_OK) {
        status = grt_config_read(&c->metadata, text, n, path, err);
        grt_free(text);
    } else if (status == GRT_E_NOT_FOUND) {
        status = grt_error_set(err, status, -1,
                               "%s: no such file; it must lie beside the weights",
                               grt_path_tail(path));
    }
    grt_free(path);
    return status;
}

static grt_status add_safetensors(grt_checkpoint *c, const char *path, grt_error *err)
{
    grt_file *file;
    GRT_TRY(grt_file_open(&file, path, err));
    return grt_safetensors_read(&c->catalogue, file, err);
}

static grt_status add_shard(grt_checkpoint *c, const char *directory, const char *index,
                            const char *shard, grt_error *err)
{
    const char *fault = grt_name_fault(shard, strlen(shard), MAX_NAME_BYTES);
    if (!fault && (strchr(shard, '/') || strstr(shard, "..")))
        fault = "leaves the directory";
    if (fault)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: the shard name \"%.80s\" %s",
                 grt_path_tail(index), shard, fault);
    char *path;
    GRT_TRY(grt_path_join(&path, directory, shard, err));
    grt_status status = add_safetensors(c, path, err);
    if (status == GRT_E_NOT_FOUND)
        status = grt_error_set(err, status, -1,
                               "%s: lists the shard \"%.80s\", which is "
                               "not there",
                               grt_path_tail(index), shard);
    grt_free(path);
    return status;
}

/* Opens each shard of `map` once; `numbers` gets {shard name: index of its file}. */
static grt_status add_shards(grt_checkpoint *c, const char *directory,
                             const char *index, json_t *map, json_t *numbers,
                             grt_error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach(map, name, value)
    {
        const char *shard = json_string_value(value);
        if (!shard)
            GRT_FAIL(err, GRT_E_FORMAT, "%s: tensor \"%.80s\" is not given a file name",
                     grt_path_tail(index), name);
        if (json_object_get(numbers, shard)) continue;
        GRT_TRY(add_shard(c, directory, index, shard, err));
        json_t *number = json_integer((json_int_t)c->catalogue.n_files - 1);
        if (json_object_set_new(numbers, shard, number) != 0)
            GRT_FAIL(err, GRT_E_NO_MEMORY, "%s: no memory for the list of shards",
                     grt_path_tail(index));
    }
    return GRT_OK;
}

/* The number of the shard in which the index has a tensor, or -1. */
static int64_t shard_of(const json_t *map, const json_t *numbers, const char *name)
{
    const char *shard = json_string_value(json_object_get(map, name));
    const json_t *number = shard ? json_object_get(numbers, shard) : NULL;
    return number ? json_integer_value(number) : -1;
}

/* Where a tensor is in several shards, the one that the index names stays. */
static grt_status drop_doubles(grt_checkpoint *c, const char *index, const json_t *map,
                               const json_t *numbers, json_t *right, grt_error *err)
{
    grt_catalogue *catalogue = &c->catalogue;
    for (size_t i = 0; i < catalogue->n_tensors; i++) {
        const grt_tensor *tensor = &catalogue->tensors[i];
        if (shard_of(map, numbers, tensor->name) == (int64_t)tensor->file &&
            json_object_set_new(right, tensor->name, json_true()) != 0)
            GRT_FAIL(err, GRT_E_NO_MEMORY, "%s: no memory for the list of tensors",
                     grt_path_tail(index));
    }
    size_t n_kept = 0;
    for (size_t i = 0; i < catalogue->n_tensors; i++) {
        const grt_tensor *tensor = &catalogue->tensors[i];
        bool is_double =
            shard_of(map, numbers, tensor->name) != (int64_t)tensor->file &&
            json_object_get(right, tensor->name);
        if (is_double)
            GRT_TRY(grt_notes_add(&c->notes, GRT_NOTE_DETAIL, err,
                                  "%s: tensor %.80s is in several shards; that of the "
                                  "index is read",
                                  grt_path_tail(index), tensor->name));
        else
            catalogue->tensors[n_kept++] = *tensor;
    }
    catalogue->n_tensors = n_kept;
    return GRT_OK;
}

/* What the index has in a shard that lacks it is looked for in the others; a model that
 * needs what is nowhere is refused when it is bound. */
static grt_status check_index(grt_checkpoint *c, const char *index, json_t *map,
                              const json_t *numbers, grt_error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach(map, name, value)
    {
        const grt_tensor *tensor = grt_catalogue_get(&c->catalogue, name);
        if (!tensor || (int64_t)tensor->file != shard_of(map, numbers, name))
            GRT_TRY(grt_notes_add(&c->notes, GRT_NOTE_DETAIL, err,
                                  "%s: tensor %.80s is %s", grt_path_tail(index), name,
                                  tensor ? "in another shard than it says"
                                         : "in no shard"));
    }
    return GRT_OK;
}

static grt_status read_index(grt_checkpoint *c, const char *directory,
                             const char *index, json_t *root, grt_error *err)
{
    json_t *map = json_object_get(root, "weight_map");
    if (!json_is_object(map) || json_object_size(map) == 0)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: has no \"weight_map\" object",
                 grt_path_tail(index));
    json_t *numbers = json_object(), *right = json_object();
    grt_status status = numbers && right
                            ? add_shards(c, directory, index, map, numbers, err)
                            : grt_error_set(err, GRT_E_NO_MEMORY, -1,
                                            "%s: no memory for the list of shards",
                                            grt_path_tail(index));
    if (status == GRT_OK) status = drop_doubles(c, index, map, numbers, right, err);
    if (status == GRT_OK) status = grt_catalogue_finish(&c->catalogue, err);
    if (status == GRT_OK) status = check_index(c, index, map, numbers, err);
    json_decref(numbers);
    json_decref(right);
    return status;
}

static grt_status open_sharded(grt_checkpoint *c, const char *directory, grt_error *err)
{
    char *index;
    GRT_TRY(grt_path_join(&index, directory, index_name, err));
    json_t *root;
    grt_status status = grt_json_load(&root, index, MAX_INDEX_BYTES, &c->notes, err);
    if (status == GRT_OK) {
        status = read_index(c, directory, index, root, err);
        if (status != GRT_OK && err) grt_text_one_line(err->text);
        json_decref(root);
    }
    grt_free(index);
    return status;
}

static grt_status open_single(grt_checkpoint *c, const char *path, grt_error *err)
{
    GRT_TRY(add_safetensors(c, path, err));
    return grt_catalogue_finish(&c->catalogue, err);
}

/* Folders that hold something else by their own account. */
static grt_status refuse_what_is_known(const char *path, grt_error *err)
{
    bool is_adapter, is_cache;
    const char *tail = grt_path_tail(path);
    GRT_TRY(grt_path_find_in(&is_adapter, path, "adapter_config.json", err));
    if (is_adapter)
        GRT_FAIL(
            err, GRT_E_UNSUPPORTED,
            "%s: holds an adapter (LoRA), not a model: merge it into the model that "
            "its adapter_config.json names, and save that",
            tail);
    GRT_TRY(grt_path_find_in(&is_cache, path, "snapshots", err));
    if (is_cache)
        GRT_FAIL(
            err, GRT_E_NOT_FOUND,
            "%s: is a model's folder in the cache of the hub: give the folder below "
            "%s/snapshots that holds config.json",
            tail, tail);
    return GRT_OK;
}

/* What to do about a directory without safetensors. */
static grt_status refuse_directory(const char *path, grt_error *err)
{
    static const struct {
        const char *suffix;
        const char *advice;
    } hints[] = {
        {".gguf", "give the path of the GGUF file itself"},
        {".safetensors", "weights must be named model.safetensors or have an index"},
        {".bin", "convert the PyTorch weights to safetensors"},
        {".pt", "convert the PyTorch weights to safetensors"},
        {".onnx", "ONNX is not read; get the safetensors or GGUF version"},
        {".pth", "convert the PyTorch weights to safetensors"},
        {".h5", "convert the TensorFlow weights to safetensors"},
        {".msgpack", "convert the Flax weights to safetensors"},
        {".npz", "weights in NumPy's format are not read; get the safetensors version"},
        {"openvino_model.xml", "OpenVINO is not read; get the safetensors version"},
    };
    char name[MAX_NAME_BYTES];
    GRT_TRY(refuse_what_is_known(path, err));
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
        if (grt_directory_find(path, hints[i].suffix, name, sizeof(name)))
            GRT_FAIL(err, GRT_E_NOT_FOUND,
                     "%s: neither %s nor its index is there, but %.40s: %s",
                     grt_path_tail(path), single_name, name, hints[i].advice);
    bool has_onnx = false;
    GRT_TRY(grt_path_find_in(&has_onnx, path, "onnx", err));
    if (has_onnx)
        GRT_FAIL(
            err, GRT_E_NOT_FOUND,
            "%s: holds no %s, but onnx/: ONNX is not read; get the safetensors version",
            grt_path_tail(path), single_name);
    GRT_FAIL(err, GRT_E_NOT_FOUND, "%s: holds neither %s nor its index",
             grt_path_tail(path), single_name);
}

static grt_status open_directory(grt_checkpoint *c, const char *path, grt_error *err)
{
    c->format = GRT_FORMAT_SAFETENSORS;
    bool is_single = false, is_sharded = false;
    GRT_TRY(grt_path_find_in(&is_single, path, single_name, err));
    GRT_TRY(grt_path_find_in(&is_sharded, path, index_name, err));
    if (!is_single && !is_sharded) return refuse_directory(path, err);
    GRT_TRY(load_config(c, path, err));
    if (!is_single) return open_sharded(c, path, err);
    char *weights;
    GRT_TRY(grt_path_join(&weights, path, single_name, err));
    grt_status status = open_single(c, weights, err);
    grt_free(weights);
    return status;
}

static grt_status open_safetensors_file(grt_checkpoint *c, const char *path,
                                        grt_error *err)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    if (strstr(base, "-of-"))
        GRT_FAIL(err, GRT_E_FORMAT,
                 "%s: is one shard of several; give the directory that it lies in",
                 grt_path_tail(path));
    const char *directory = ".";
    if (slash)
        GRT_TRY(grt_arena_copy_text(&c->arena, &directory, path, (size_t)(base - path),
                                    err));
    c->format = GRT_FORMAT_SAFETENSORS;
    GRT_TRY(load_config(c, directory, err));
    return open_single(c, path, err);
}

static grt_status read_start(const char *path, unsigned char *start, size_t *n,
                             grt_error *err)
{
    grt_file *file;
    GRT_TRY(grt_file_open(&file, path, err));
    *n = grt_file_size(file) < GRT_GUESS_BYTES ? (size_t)grt_file_size(file)
                                               : GRT_GUESS_BYTES;
    grt_status status = grt_file_read_at(file, 0, start, *n, err);
    grt_file_close(file);
    return status;
}

static grt_status open_gguf(grt_checkpoint *c, const char *path, grt_error *err)
{
    grt_file *file;
    c->format = GRT_FORMAT_GGUF;
    GRT_TRY(grt_file_open(&file, path, err));
    GRT_TRY(grt_gguf_read(&c->catalogue, &c->metadata, file, err));
    GRT_TRY(grt_gguf_read_parts(&c->catalogue, &c->metadata, path, err));
    return grt_catalogue_finish(&c->catalogue, err);
}

static bool ends_in(const char *path, const char *suffix)
{
    size_t n = strlen(path), n_suffix = strlen(suffix);
    return n >= n_suffix && strcmp(path + n - n_suffix, suffix) == 0;
}

static grt_status open_any(grt_checkpoint *c, const char *path, grt_error *err)
{
    GRT_TRY(grt_arena_copy_text(&c->arena, &c->path, path, strlen(path), err));
    if (grt_path_is_directory(path)) return open_directory(c, path, err);
    unsigned char start[GRT_GUESS_BYTES] = {0};
    size_t n;
    GRT_TRY(read_start(path, start, &n, err));
    const char *found;
    switch (grt_guess_format(start, n, &found)) {
    case GRT_GUESS_GGUF: return open_gguf(c, path, err);
    case GRT_GUESS_SAFETENSORS: return open_safetensors_file(c, path, err);
    case GRT_GUESS_OTHER: break;
    }
    if (ends_in(path, ".safetensors")) return open_safetensors_file(c, path, err);
    GRT_FAIL_AT(err, GRT_E_FORMAT, 0, "%s: neither GGUF nor safetensors: this is %s",
                grt_path_tail(path), found);
}

grt_status grt_checkpoint_open(grt_checkpoint *out, const char *path, grt_error *err)
{
    grt_checkpoint c = {0};
    grt_status status = open_any(&c, path, err);
    if (status == GRT_OK && c.format == GRT_FORMAT_SAFETENSORS)
        status = grt_config_name_class(&c.metadata, &c.catalogue, err);
    if (status == GRT_OK) status = grt_notes_append(&c.notes, &c.metadata.notes, err);
    if (status != GRT_OK) {
        grt_checkpoint_release(&c);
        return status;
    }
    *out = c;
    return GRT_OK;
}

static grt_status refuse_prompt(const char *source, const char *name, grt_error *err)
{
    GRT_FAIL(err, GRT_E_UNSUPPORTED,
             "%s: \"default_prompt_name\" (%.80s) is not supported: its text would "
             "stand before every query",
             source, name);
}

/* A prompt that sentence-transformers puts before texts unless told otherwise. */
static grt_status check_prompts(const json_t *root, const char *source, grt_error *err)
{
    const char *name = json_string_value(json_object_get(root, "default_prompt_name"));
    const json_t *prompts = json_object_get(root, "prompts");
    const char *text = name ? json_string_value(json_object_get(prompts, name)) : "";
    return !name || (text && !*text) ? GRT_OK : refuse_prompt(source, name, err);
}

/* The same, where sentence-transformers 5 keeps it: in config.json. */
static grt_status check_inner_prompt(const grt_checkpoint *c, grt_error *err)
{
    grt_text name, text;
    char key[GRT_MAX_KEY_BYTES];
    if (!grt_metadata_get_text(&c->metadata,
                               "sentence_transformers.default_prompt_name", &name))
        return GRT_OK;
    (void)snprintf(key, sizeof(key), "sentence_transformers.prompts.%.*s",
                   (int)(name.size < 200 ? name.size : 200), name.data);
    if (grt_metadata_get_text(&c->metadata, key, &text) && text.size == 0)
        return GRT_OK;
    return refuse_prompt(grt_path_tail(c->metadata.source), name.data, err);
}

static grt_status check_sentence_config(grt_checkpoint *c, grt_error *err)
{
    static const char name[] = "config_sentence_transformers.json";
    bool is_there;
    char *path;
    json_t *root;
    GRT_TRY(grt_path_find_in(&is_there, c->directory, name, err));
    if (!is_there) return GRT_OK;
    GRT_TRY(grt_path_join(&path, c->directory, name, err));
    grt_status status = grt_json_load(&root, path, MAX_CONFIG_BYTES, &c->notes, err);
    if (status == GRT_OK) {
        status = grt_keys_check_json(root, GRT_KEYS_SENTENCE, name, &c->notes, err);
        if (status == GRT_OK) status = check_prompts(root, name, err);
        json_decref(root);
    }
    grt_free(path);
    return status;
}

/* The number N of a tensor of layer N ("blk.N.", "layer.N.", "layers.N."), plus one; 0:
 * of no layer of texts. */
static uint64_t layer_count_of(const char *name, bool is_gguf)
{
    static const char *const stems[] = {"blk.", "layer.", "layers."};
    if (strstr(name, "vision")) return 0;
    for (size_t i = is_gguf ? 0 : 1; i < (is_gguf ? 1 : 3); i++) {
        const char *at = strstr(name, stems[i]);
        if (!at || (at != name && at[-1] != '.')) continue;
        uint64_t layer = 0;
        at += strlen(stems[i]);
        if (*at < '0' || *at > '9') continue;
        for (; *at >= '0' && *at <= '9' && layer < 1000000; at++)
            layer = layer * 10 + (uint64_t)(*at - '0');
        if (*at == '.') return layer + 1;
    }
    return 0;
}

static bool said_layers(const grt_checkpoint *c, uint64_t *out)
{
    grt_text architecture = {"", 0};
    char key[GRT_MAX_KEY_BYTES];
    if (c->format == GRT_FORMAT_SAFETENSORS)
        return grt_metadata_get_u64(&c->metadata, "num_hidden_layers", out) ||
               grt_metadata_get_u64(&c->metadata, "text_config.num_hidden_layers", out);
    (void)grt_metadata_get_text(&c->metadata, "general.architecture", &architecture);
    (void)snprintf(key, sizeof(key), "%.*s.block_count",
                   (int)(architecture.size < 100 ? architecture.size : 100),
                   architecture.data);
    return grt_metadata_get_u64(&c->metadata, key, out);
}

/* Layers behind the last one that the file says it has: llama.cpp stops there, and
 * Hugging Face's code leaves them unread with a warning. */
static grt_status check_layers(grt_checkpoint *c, grt_error *err)
{
    bool is_gguf = c->format == GRT_FORMAT_GGUF;
    uint64_t said, found = 0;
    if (!said_layers(c, &said)) return GRT_OK;
    for (size_t i = 0; i < c->catalogue.n_tensors; i++) {
        uint64_t n = layer_count_of(c->catalogue.tensors[i].name, is_gguf);
        if (n > found) found = n;
    }
    if (found <= said) return GRT_OK;
    const char *source = grt_path_tail(c->metadata.source);
    if (is_gguf)
        GRT_FAIL(err, GRT_E_FORMAT,
                 "%s: has tensors of %llu layers, but its block_count is %llu", source,
                 (unsigned long long)found, (unsigned long long)said);
    return grt_notes_add(&c->notes, GRT_NOTE_RESULT, err,
                         "%s: num_hidden_layers is %llu, but the weights have %llu "
                         "layers; those behind are not read",
                         source, (unsigned long long)said, (unsigned long long)found);
}

grt_status grt_checkpoint_check_keys(grt_checkpoint *c, grt_error *err)
{
    bool is_gguf = c->format == GRT_FORMAT_GGUF;
    GRT_TRY(grt_keys_check(&c->metadata, is_gguf ? GRT_KEYS_GGUF : GRT_KEYS_CONFIG,
                           &c->notes, err));
    GRT_TRY(check_layers(c, err));
    if (is_gguf) return GRT_OK;
    GRT_TRY(check_inner_prompt(c, err));
    return check_sentence_config(c, err);
}

const char *grt_checkpoint_format_text(const grt_checkpoint *checkpoint)
{
    return checkpoint->format == GRT_FORMAT_GGUF ? "gguf" : "safetensors";
}

void grt_checkpoint_release(grt_checkpoint *checkpoint)
{
    grt_catalogue_release(&checkpoint->catalogue);
    grt_metadata_release(&checkpoint->metadata);
    grt_notes_release(&checkpoint->notes);
    grt_arena_release(&checkpoint->arena);
    memset(checkpoint, 0, sizeof(*checkpoint));
}
