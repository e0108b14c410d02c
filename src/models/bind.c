/* bind.c - see bind.h. */
#include "models/bind.h"

#include "base/checked.h"
#include "base/memory.h"
#include "compute/unpack.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Names ---- */

static bool has(const grt_binder *binder, const char *name)
{
    return grt_catalogue_get(&binder->checkpoint->catalogue, name) != NULL;
}

const char *grt_spelled(const grt_binder *binder, grt_name name)
{
    return binder->is_gguf ? name.gguf : name.hf;
}

static void join(char *out, size_t n_out, const char *a, const char *b, const char *c)
{
    int n = snprintf(out, n_out, "%s%s%s", a, b, c);
    if (n < 0 || (size_t)n >= n_out) out[0] = '\0'; /* nothing has such a name */
}

void grt_binder_init(grt_binder *binder, grt_network *network,
                     grt_checkpoint *checkpoint, const grt_tokenizer *tokenizer)
{
    /* what a model with a head, or one part of several, puts before the tensors of the
     * model that it was made from */
    static const char *const bases[] = {"",
                                        "model.",
                                        "bert.",
                                        "roberta.",
                                        "electra.",
                                        "model.language_model.",
                                        "language_model.model.",
                                        "language_model."};
    enum { N_BASES = sizeof(bases) / sizeof(bases[0]) };
    *binder = (grt_binder){.network = network,
                           .checkpoint = checkpoint,
                           .tokenizer = tokenizer,
                           .is_gguf = checkpoint->format == GRT_FORMAT_GGUF,
                           .base = ""};
    for (size_t i = 0; i < N_BASES && !binder->is_gguf; i++) {
        join(binder->name, sizeof(binder->name), bases[i],
             network->architecture->embedding.hf, "");
        if (!has(binder, binder->name)) continue;
        binder->base = bases[i];
        return;
    }
}

/* LayerNorm's vectors were called gamma and beta once. */
static bool try_old_norm(grt_binder *binder)
{
    static const char *const names[][2] = {{".weight", ".gamma"}, {".bias", ".beta"}};
    size_t n = strlen(binder->name);
    for (size_t i = 0; i < 2; i++) {
        size_t n_end = strlen(names[i][0]);
        if (n < n_end || strcmp(binder->name + n - n_end, names[i][0]) != 0) continue;
        char old[GRT_MAX_TENSOR_NAME_BYTES];
        (void)snprintf(old, sizeof(old), "%.*s%s", (int)(n - n_end), binder->name,
                       names[i][1]);
        if (!has(binder, old)) return false;
        memcpy(binder->name, old, sizeof(old));
        return true;
    }
    return false;
}

/* Puts the name below `before` into binder->name; is such a tensor there? */
static bool resolve(grt_binder *binder, const char *before, grt_name name)
{
    const char *below = grt_spelled(binder, name);
    binder->name[0] = '\0';
    if (!below) return false;
    join(binder->name, sizeof(binder->name), before, below, "");
    return has(binder, binder->name) || (!binder->is_gguf && try_old_norm(binder));
}

const char *grt_tensor_name(grt_binder *binder, grt_name name)
{
    if (binder->is_gguf || resolve(binder, "", name)) {
        (void)resolve(binder, "", name);
        return binder->name;
    }
    (void)resolve(binder, binder->base, name);
    return binder->name;
}

const grt_tensor *grt_tensor_find(grt_binder *binder, grt_name name)
{
    return grt_catalogue_get(&binder->checkpoint->catalogue,
                             grt_tensor_name(binder, name));
}

/* ---- Keys ---- */

const char *grt_key_name(grt_binder *binder, grt_name name)
{
    const char *below = grt_spelled(binder, name);
    binder->key[0] = '\0';
    if (!below) return binder->key;
    if (binder->is_gguf) {
        join(binder->key, sizeof(binder->key), binder->network->architecture->gguf_name,
             ".", below);
        return binder->key;
    }
    /* of a model for several kinds of input, whose text part we read */
    join(binder->key, sizeof(binder->key), "text_config.", below, "");
    if (!grt_metadata_get(&binder->checkpoint->metadata, binder->key))
        join(binder->key, sizeof(binder->key), below, "", "");
    return binder->key;
}

const grt_meta_value *grt_key_get(grt_binder *binder, grt_name name)
{
    return grt_metadata_get(&binder->checkpoint->metadata, grt_key_name(binder, name));
}

grt_status grt_key_need(grt_binder *binder, grt_name name, uint64_t min, uint64_t max,
                        uint64_t *out, grt_error *err)
{
    return grt_metadata_need_u64(&binder->checkpoint->metadata,
                                 grt_key_name(binder, name), min, max, out, err);
}

grt_status grt_key_want(grt_binder *binder, grt_name name, uint64_t min, uint64_t max,
                        uint64_t *out, grt_error *err)
{
    if (!grt_key_get(binder, name)) return GRT_OK;
    return grt_key_need(binder, name, min, max, out, err);
}

bool grt_key_number(grt_binder *binder, grt_name name, double *out)
{
    return grt_metadata_get_f64(&binder->checkpoint->metadata,
                                grt_key_name(binder, name), out);
}

bool grt_key_flag(grt_binder *binder, grt_name name, bool *out)
{
    return grt_metadata_get_bool(&binder->checkpoint->metadata,
                                 grt_key_name(binder, name), out);
}

bool grt_key_text(grt_binder *binder, grt_name name, grt_text *out)
{
    return grt_metadata_get_text(&binder->checkpoint->metadata,
                                 grt_key_name(binder, name), out);
}

bool grt_list_holds(const char *list, grt_text word)
{
    for (const char *at = list; *at;) {
        size_t n = strcspn(at, " ");
        if (n == word.size && memcmp(at, word.data, n) == 0) return true;
        at += n + (at[n] == ' ');
    }
    return false;
}

grt_status grt_key_allow(grt_binder *binder, grt_name name, const char *expected,
                         grt_error *err)
{
    grt_text text;
    if (!grt_key_text(binder, name, &text)) return GRT_OK;
    if (grt_list_holds(expected, text)) return GRT_OK;
    GRT_FAIL(err, GRT_E_UNSUPPORTED, "%s: %s is \"%.*s\"; only \"%s\" is supported",
             binder->checkpoint->metadata.source, binder->key,
             (int)(text.size < 60 ? text.size : 60), text.data, expected);
}

grt_status grt_key_note_default(grt_binder *binder, grt_name name, double taken,
                                grt_error *err)
{
    if (!binder->is_gguf || !name.gguf) return GRT_OK;
    return grt_notes_add(&binder->checkpoint->notes, GRT_NOTE_RESULT, err,
                         "%s: no %s; the family's %g is taken",
                         binder->checkpoint->metadata.source, name.gguf, taken);
}

grt_status grt_key_epsilon(grt_binder *binder, grt_name name, double *out,
                           grt_error *err)
{
    if (!grt_key_number(binder, name, out))
        GRT_TRY(grt_key_note_default(binder, name, *out, err));
    if (*out > 0.0 && *out < 1.0) return GRT_OK;
    GRT_FAIL(err, GRT_E_FORMAT, "%s: a norm's epsilon of %g makes no sense",
             binder->checkpoint->metadata.source, *out);
}

enum { MAX_WIDTH = 65536, MAX_FFN = 1 << 20, MAX_POSITIONS = 1 << 24 };

grt_status grt_key_whole_rope(grt_binder *binder, grt_error *err)
{
    static const grt_name part_name = {"partial_rotary_factor", NULL};
    static const grt_name width_name = {NULL, "rope.dimension_count"};
    double part = 1.0;
    uint64_t width = binder->network->head_size;
    const char *source = binder->checkpoint->metadata.source;
    if (grt_key_number(binder, part_name, &part) && part != 1.0)
        GRT_FAIL(err, GRT_E_UNSUPPORTED, "%s: %s is %g; only 1 is supported", source,
                 binder->key, part);
    GRT_TRY(grt_key_want(binder, width_name, 0, MAX_WIDTH, &width, err));
    if (width != binder->network->head_size)
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "%s: %s is %llu; only that of the whole head, %zu, is supported",
                 source, binder->key, (unsigned long long)width,
                 binder->network->head_size);
    return GRT_OK;
}

grt_status grt_key_plain_rope(grt_binder *binder, grt_error *err)
{
    static const grt_name kinds[] = {{"rope_scaling.rope_type", "rope.scaling.type"},
                                     {"rope_scaling.type", NULL}};
    static const grt_name factors[] = {{"rope_scaling.factor", "rope.scaling.factor"},
                                       {NULL, "rope.scale_linear"}};
    double factor = 1.0;
    for (size_t i = 0; i < 2; i++)
        GRT_TRY(grt_key_allow(binder, kinds[i], "default none", err));
    grt_text kind;
    bool is_said =
        grt_key_text(binder, kinds[0], &kind) || grt_key_text(binder, kinds[1], &kind);
    for (size_t i = 0; i < 2 && !is_said; i++)
        if (grt_key_number(binder, factors[i], &factor) && factor != 1.0 &&
            !(binder->is_gguf && factor == 0.0))
            GRT_FAIL(err, GRT_E_UNSUPPORTED, "%s: %s is %g; only 1 is supported",
                     binder->checkpoint->metadata.source, binder->key, factor);
    return grt_key_whole_rope(binder, err);
}

grt_status grt_key_refuse_flag(grt_binder *binder, grt_name name, grt_error *err)
{
    bool is_set = false;
    if (!grt_key_flag(binder, name, &is_set) || !is_set) return GRT_OK;
    GRT_FAIL(err, GRT_E_UNSUPPORTED, "%s: %s is not supported for %s",
             binder->checkpoint->metadata.source, binder->key,
             binder->network->architecture->name);
}

/* ---- Numbers that all families have ---- */

/* A number that the file says, unless it may leave it to *out, which is not 0 then. */
static grt_status need_or_default(grt_binder *binder, grt_name name, uint64_t min,
                                  uint64_t max, uint64_t *out, grt_error *err)
{
    if (*out) return grt_key_want(binder, name, min, max, out, err);
    return grt_key_need(binder, name, min, max, out, err);
}

/* Heads, from what was read of them. */
static grt_status set_heads(grt_binder *binder, const grt_size_defaults *defaults,
                            grt_error *err)
{
    static const grt_name heads_name = {"num_attention_heads", "attention.head_count"};
    static const grt_name kv_name = {"num_key_value_heads", "attention.head_count_kv"};
    static const grt_name size_name = {"head_dim", "attention.key_length"};
    grt_network *network = binder->network;
    uint64_t hidden = network->hidden_size, heads = defaults->heads;
    GRT_TRY(need_or_default(binder, heads_name, 1, MAX_WIDTH, &heads, err));
    uint64_t kv_heads = defaults->kv_heads ? defaults->kv_heads : heads;
    uint64_t size = defaults->head_size ? defaults->head_size : hidden / heads;
    GRT_TRY(grt_key_want(binder, kv_name, 1, heads, &kv_heads, err));
    GRT_TRY(grt_key_want(binder, size_name, 2, GRT_MAX_HEAD_SIZE, &size, err));
    bool has_size = defaults->head_size || grt_key_get(binder, size_name);
    if (!has_size && hidden % heads != 0)
        GRT_FAIL(err, GRT_E_FORMAT,
                 "%s: hidden size %llu does not split into %llu heads",
                 binder->checkpoint->metadata.source, (unsigned long long)hidden,
                 (unsigned long long)heads);
    if (heads % kv_heads != 0 || size == 0 || size > GRT_MAX_HEAD_SIZE)
        GRT_FAIL(
            err, GRT_E_FORMAT,
            "%s: %llu query heads, %llu key heads of %llu values do not fit together",
            binder->checkpoint->metadata.source, (unsigned long long)heads,
            (unsigned long long)kv_heads, (unsigned long long)size);
    network->n_heads = heads;
    network->n_kv_heads = kv_heads;
    network->head_size = size;
    binder->sizes[GRT_EXTENT_QUERIES] = heads * size;
    binder->sizes[GRT_EXTENT_KEYS] = kv_heads * size;
    binder->sizes[GRT_EXTENT_HEAD] = size;
    return GRT_OK;
}

grt_status grt_bind_sizes(grt_binder *binder, size_t most_tokens,
                          const grt_size_defaults *defaults, grt_error *err)
{
    static const grt_size_defaults none;
    if (!defaults || binder->is_gguf) defaults = &none; /* GGUF files are complete */
    static const grt_name hidden_name = {"hidden_size", "embedding_length"};
    static const grt_name layers_name = {"num_hidden_layers", "block_count"};
    static const grt_name ffn_name = {"intermediate_size", "feed_forward_length"};
    static const grt_name positions_name = {"max_position_embeddings",
                                            "context_length"};
    grt_network *network = binder->network;
    uint64_t hidden, layers, ffn, positions = defaults->positions;
    GRT_TRY(grt_key_need(binder, hidden_name, 1, MAX_WIDTH, &hidden, err));
    GRT_TRY(grt_key_need(binder, layers_name, 1, GRT_MAX_LAYERS, &layers, err));
    GRT_TRY(grt_key_need(binder, ffn_name, 1, MAX_FFN, &ffn, err));
    GRT_TRY(need_or_default(binder, positions_name, 4, MAX_POSITIONS, &positions, err));
    network->hidden_size = network->embedding_size = hidden;
    network->n_layers = layers;
    network->ffn_size = ffn;
    network->max_tokens = positions < most_tokens ? positions : most_tokens;
    binder->sizes[GRT_EXTENT_ONE] = 1;
    binder->sizes[GRT_EXTENT_HIDDEN] = binder->sizes[GRT_EXTENT_EMBEDDING] = hidden;
    binder->sizes[GRT_EXTENT_FFN] = ffn;
    binder->sizes[GRT_EXTENT_POSITIONS] = positions;
    return set_heads(binder, defaults, err);
}

grt_status grt_bind_kinds(grt_binder *binder, grt_layer_kind kind, grt_layer_kind **out,
                          grt_error *err)
{
    grt_network *network = binder->network;
    grt_layer_kind *kinds;
    GRT_TRY(grt_arena_alloc(&network->arena, &kinds, network->n_layers, sizeof(*kinds),
                            err));
    for (size_t i = 0; i < network->n_layers; i++)
        kinds[i] = kind;
    network->kinds = kinds;
    if (out) *out = kinds;
    return GRT_OK;
}

grt_status grt_bind_rope(grt_binder *binder, double theta, const float *divisors,
                         grt_error *err)
{
    grt_network *network = binder->network;
    size_t size = network->head_size;
    const char *source = binder->checkpoint->metadata.source;
    assert(network->n_ropes < GRT_MAX_ROPES);
    if (!(theta >= 1.0 && theta < 1e30))
        GRT_FAIL(err, GRT_E_FORMAT, "%s: a rotary base of %g makes no sense", source,
                 theta);
    if (size % 2 != 0)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: heads of %zu values cannot be rotated", source,
                 size);
    double *angles;
    GRT_TRY(grt_arena_alloc(&network->arena, &angles, size / 2, sizeof(*angles), err));
    for (size_t i = 0; i < size / 2; i++) {
        angles[i] = pow(theta, -2.0 * (double)i / (double)size);
        if (!divisors) continue;
        if (!(divisors[i] > 0.0f && divisors[i] < INFINITY))
            GRT_FAIL(err, GRT_E_FORMAT, "%s: a rotary factor of %g makes no sense",
                     source, (double)divisors[i]);
        angles[i] /= (double)divisors[i];
    }
    network->ropes[network->n_ropes++] = angles;
    return GRT_OK;
}

/* ---- Tensors ---- */

static void shape_text(char *out, size_t n_out, const grt_tensor *tensor)
{
    size_t at = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < tensor->n_dims && at < n_out; i++) {
        int n = snprintf(out + at, n_out - at, "[%llu]",
                         (unsigned long long)tensor->shape[i]);
        at += n > 0 ? (size_t)n : 0;
    }
}

static grt_status check_shape(const grt_checkpoint *checkpoint,
                              const grt_tensor *tensor, uint64_t n_out, uint64_t n_in,
                              grt_error *err)
{
    const char *path = grt_file_path(checkpoint->catalogue.files[tensor->file]);
    bool fits = n_in == 0 ? tensor->n_dims == 1 && tensor->shape[0] == n_out
                          : tensor->n_dims == 2 && tensor->shape[0] == n_out &&
                                tensor->shape[1] == n_in;
    /* a matrix of one row may be stored as a vector */
    if (n_out == 1 && tensor->n_dims == 1 && tensor->shape[0] == n_in) fits = true;
    if (!fits) {
        char found[96];
        shape_text(found, sizeof(found), tensor);
        if (n_in == 0)
            GRT_FAIL_AT(err, GRT_E_FORMAT, tensor->offset,
                        "%s: tensor %s has shape %s, expected [%llu]", path,
                        tensor->name, found, (unsigned long long)n_out);
        GRT_FAIL_AT(err, GRT_E_FORMAT, tensor->offset,
                    "%s: tensor %s has shape %s, expected [%llu][%llu]", path,
                    tensor->name, found, (unsigned long long)n_out,
                    (unsigned long long)n_in);
    }
    uint64_t row_bytes;
    if (tensor->dtype == GRT_DTYPE_OTHER)
        GRT_FAIL_AT(err, GRT_E_UNSUPPORTED, tensor->offset,
                    "%s: tensor %s has storage type %s; known are %s", path,
                    tensor->name, tensor->dtype_name, grt_dtype_names());
    if (!grt_dtype_bytes(&row_bytes, tensor->dtype, n_in ? n_in : n_out))
        GRT_FAIL_AT(err, GRT_E_FORMAT, tensor->offset,
                    "%s: rows of tensor %s do not fill whole %s blocks", path,
                    tensor->name, grt_dtype_name(tensor->dtype));
    return GRT_OK;
}

static grt_status bind_resolved(const grt_tensor **out, grt_binder *binder,
                                uint64_t n_out, uint64_t n_in, int32_t part,
                                grt_error *err)
{
    const grt_checkpoint *checkpoint = binder->checkpoint;
    const grt_tensor *tensor = grt_catalogue_get(&checkpoint->catalogue, binder->name);
    if (!tensor)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: tensor %s is missing", checkpoint->path,
                 binder->name);
    GRT_TRY(check_shape(checkpoint, tensor, n_out, n_in, err));
    binder->network->part_of[tensor - checkpoint->catalogue.tensors] = part;
    *out = tensor;
    return GRT_OK;
}

/* Resolves the name; a head that is missing would stand beside the base model. */
static void name_for_message(grt_binder *binder, grt_name name, int32_t part)
{
    if (!grt_tensor_find(binder, name) && part == GRT_PART_HEAD)
        (void)resolve(binder, "", name);
}

grt_status grt_bind_tensor(const grt_tensor **out, grt_binder *binder, grt_name name,
                           uint64_t n_out, uint64_t n_in, int32_t part, grt_error *err)
{
    name_for_message(binder, name, part);
    return bind_resolved(out, binder, n_out, n_in, part, err);
}

static grt_status load_tensor(void **out, const grt_checkpoint *checkpoint,
                              const grt_tensor *tensor, grt_arena *arena,
                              grt_error *err)
{
    GRT_TRY(grt_arena_alloc(arena, out, tensor->n_bytes, 1, err));
    return grt_file_read_at(checkpoint->catalogue.files[tensor->file], tensor->offset,
                            *out, tensor->n_bytes, err);
}

/* The tensor of binder->name as fixed part `index`; `offset` is added to a vector. */
static grt_status fix(grt_binder *binder, size_t index, uint64_t n_out, uint64_t n_in,
                      float offset, int32_t part, grt_error *err)
{
    grt_network *network = binder->network;
    const grt_tensor *tensor;
    GRT_TRY(bind_resolved(&tensor, binder, n_out, n_in, part, err));
    assert(index < GRT_MAX_FIXED_PARTS);
    void *data;
    GRT_TRY(load_tensor(&data, binder->checkpoint, tensor, &network->arena, err));
    network->fixed_data[index] = data;
    network->fixed_shapes[index] =
        (grt_weight_shape){tensor->dtype, (size_t)n_out, (size_t)n_in, offset};
    return GRT_OK;
}

void grt_bind_values(grt_network *network, size_t index, const float *values,
                     size_t n_out, size_t n_in)
{
    network->fixed_data[index] = values;
    network->fixed_shapes[index] = (grt_weight_shape){GRT_DTYPE_F32, n_out, n_in, 0.0f};
}

grt_status grt_bind_fixed(grt_binder *binder, size_t index, grt_name name,
                          uint64_t n_out, uint64_t n_in, int32_t part, grt_error *err)
{
    name_for_message(binder, name, part);
    return fix(binder, index, n_out, n_in, 0.0f, part, err);
}

grt_status grt_bind_rows(grt_binder *binder, grt_extent extent, grt_name name,
                         uint64_t most, grt_error *err)
{
    const grt_tensor *table = grt_tensor_find(binder, name);
    const char *path = binder->checkpoint->path;
    if (!table || table->n_dims != 2)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: tensor %s is missing or not a matrix", path,
                 binder->name);
    if (table->shape[0] < 1 || table->shape[0] > most)
        GRT_FAIL_AT(err, GRT_E_FORMAT, table->offset,
                    "%s: %s has %llu rows, 1 to %llu are read", path, binder->name,
                    (unsigned long long)table->shape[0], (unsigned long long)most);
    binder->sizes[extent] = table->shape[0];
    return GRT_OK;
}

grt_status grt_bind_embedding(grt_binder *binder, grt_error *err)
{
    static const grt_name vocabulary = {"vocab_size", NULL};
    grt_network *network = binder->network;
    grt_name name = network->architecture->embedding;
    GRT_TRY(
        grt_bind_rows(binder, GRT_EXTENT_VOCABULARY, name, GRT_MAX_VOCABULARY, err));
    uint64_t n = binder->sizes[GRT_EXTENT_VOCABULARY];
    GRT_TRY(grt_key_want(binder, vocabulary, 1, GRT_MAX_VOCABULARY, &n, err));
    GRT_TRY(grt_bind_tensor(&network->token_embedding, binder, name, n,
                            network->embedding_size, GRT_PART_EMBEDDING, err));
    network->vocab_size = (size_t)n;
    network->token_embedding_file =
        binder->checkpoint->catalogue.files[network->token_embedding->file];
    return GRT_OK;
}

/* ---- Tables ---- */

/* A table, and what stands before its names. */
typedef struct part_table {
    const grt_part_spec *specs; /* [n] */
    size_t n;
    const char *before; /* NULL: the base or nothing, as elsewhere */
} part_table;

static bool is_there(grt_binder *binder, const part_table *table, grt_name name)
{
    if (table->before) return resolve(binder, table->before, name);
    return grt_tensor_find(binder, name) != NULL;
}

/* The line of the table that holds `part` here, with its tensor's name in binder->name;
 * the first line of the part where none does, which *is_found tells. NULL: the table
 * has no such part. */
static const grt_part_spec *pick(grt_binder *binder, const part_table *table,
                                 size_t part, bool *is_found)
{
    const grt_part_spec *first = NULL;
    *is_found = false;
    for (size_t i = 0; i < table->n; i++) {
        const grt_part_spec *spec = &table->specs[i];
        if (spec->part != part) continue;
        if (!first) first = spec;
        if (grt_spelled(binder, spec->beside) && !is_there(binder, table, spec->beside))
            continue;
        if (!is_there(binder, table, spec->name)) continue;
        *is_found = true;
        return spec;
    }
    if (first) (void)is_there(binder, table, first->name);
    return first;
}

static size_t n_parts_of(const part_table *table)
{
    size_t n = 0;
    for (size_t i = 0; i < table->n; i++)
        if (table->specs[i].part >= n) n = table->specs[i].part + (size_t)1;
    return n;
}

grt_status grt_bind_fixed_table(grt_binder *binder, const grt_part_spec *specs,
                                size_t n, int32_t part, grt_error *err)
{
    part_table table = {specs, n, NULL};
    size_t n_parts = n_parts_of(&table);
    for (size_t i = 0; i < n_parts; i++) {
        bool is_found;
        const grt_part_spec *spec = pick(binder, &table, i, &is_found);
        if (!spec || (!is_found && spec->need == GRT_NEED_NEVER)) continue;
        float offset = spec->is_norm ? binder->network->norm_offset : 0.0f;
        GRT_TRY(fix(binder, i, binder->sizes[spec->n_out], binder->sizes[spec->n_in],
                    offset, part, err));
    }
    return GRT_OK;
}

/* The part that `spec` tells of a layer's tensor binder->name; the whole tensor where
 * it is not fused.  A vector may not be cut within a block. */
static grt_status bind_part(grt_part *part, grt_weight_shape *shape, grt_binder *binder,
                            const grt_part_spec *spec, size_t layer, grt_error *err)
{
    const grt_checkpoint *checkpoint = binder->checkpoint;
    uint64_t n_out = binder->sizes[spec->n_out], n_in = binder->sizes[spec->n_in];
    uint64_t n_all = 0, n_before = 0, row_bytes;
    for (size_t i = 0; i < 3; i++) {
        uint64_t n = binder->sizes[spec->slices[i]];
        n_all += n;
        if (i < spec->slice) n_before += n;
    }
    const grt_tensor *tensor;
    GRT_TRY(bind_resolved(&tensor, binder, n_all ? n_all : n_out, n_in, (int32_t)layer,
                          err));
    uint64_t n_bytes, skipped = 0;
    if (!grt_dtype_bytes(&row_bytes, tensor->dtype, n_in ? n_in : n_out) ||
        (n_before && !n_in && !grt_dtype_bytes(&skipped, tensor->dtype, n_before)))
        GRT_FAIL_AT(err, GRT_E_FORMAT, tensor->offset,
                    "%s: the parts of tensor %s do not fill whole %s blocks",
                    checkpoint->path, binder->name, grt_dtype_name(tensor->dtype));
    n_bytes = n_in ? row_bytes * n_out : row_bytes; /* no more than the tensor's */
    if (n_in) skipped = row_bytes * n_before;
    *part = (grt_part){checkpoint->catalogue.files[tensor->file],
                       tensor->offset + skipped, (size_t)n_bytes};
    *shape = (grt_weight_shape){tensor->dtype, (size_t)n_out, (size_t)n_in,
                                spec->is_norm ? binder->network->norm_offset : 0.0f};
    return GRT_OK;
}

/* May the layer lack the part, of which `spec` is the first line? */
static grt_status check_lack(const grt_binder *binder, const grt_part_spec *spec,
                             size_t layer, grt_error *err)
{
    const grt_network *network = binder->network;
    const grt_architecture *architecture = network->architecture;
    bool may = spec->need == GRT_NEED_NEVER ||
               (spec->need == GRT_NEED_NOT_FIRST && layer == 0);
    if (architecture->needed_parts >> spec->part & 1) may = false;
    /* what layer 0 has, all have */
    if (layer > 0 && network->layer_parts[spec->part].n_out) may = false;
    if (may) return GRT_OK;
    GRT_FAIL(err, GRT_E_FORMAT, "%s: tensor %s is missing", binder->checkpoint->path,
             binder->name);
}

static grt_status bind_layer(grt_binder *binder, size_t layer, const char *before,
                             grt_error *err)
{
    grt_network *network = binder->network;
    const grt_architecture *architecture = network->architecture;
    size_t n_parts = architecture->n_layer_parts;
    part_table table = {architecture->layer_specs, architecture->n_layer_specs, before};
    grt_part *parts;
    GRT_TRY(grt_arena_alloc(&network->arena, &parts, n_parts, sizeof(*parts), err));
    for (size_t i = 0; i < n_parts; i++) {
        grt_weight_shape *shape = &network->layer_parts[layer * n_parts + i];
        bool is_found;
        const grt_part_spec *spec = pick(binder, &table, i, &is_found);
        assert(spec);
        if (spec->need == GRT_NEED_NOT_FIRST && layer == 0) is_found = false;
        if (!is_found) {
            GRT_TRY(check_lack(binder, spec, layer, err));
            continue;
        }
        if (layer > 0 && spec->need == GRT_NEED_NEVER && !network->layer_parts[i].n_out)
            GRT_FAIL(err, GRT_E_FORMAT,
                     "%s: tensor %s is there, but not that of layer 0",
                     binder->checkpoint->path, binder->name);
        GRT_TRY(bind_part(&parts[i], shape, binder, spec, layer, err));
    }
    /* parts of no bytes lie where the first one does */
    const grt_part *some = parts;
    while (some->n_bytes == 0)
        some++;
    for (size_t i = 0; i < n_parts; i++)
        if (parts[i].n_bytes == 0) parts[i] = (grt_part){some->file, some->offset, 0};
    network->layers[layer] = (grt_layer_plan){parts, n_parts};
    return GRT_OK;
}

/* What stands before the number of a layer, of the names that the family knows. */
static void find_layers(grt_binder *binder, char *out, size_t n_out)
{
    const grt_architecture *architecture = binder->network->architecture;
    const char *list = grt_spelled(binder, architecture->layers);
    char before[GRT_MAX_TENSOR_NAME_BYTES] = "";
    for (const char *at = list; *at;) {
        int n = (int)strcspn(at, " ");
        (void)snprintf(before, sizeof(before), "%s%.*s.0.", binder->base, n, at);
        if (at == list) (void)snprintf(out, n_out, "%s%.*s", binder->base, n, at);
        for (size_t i = 0; i < architecture->n_layer_specs; i++)
            if (resolve(binder, before, architecture->layer_specs[i].name)) {
                (void)snprintf(out, n_out, "%s%.*s", binder->base, n, at);
                return;
            }
        at += n + (at[n] == ' ');
    }
}

grt_status grt_bind_layers(grt_binder *binder, grt_error *err)
{
    grt_network *network = binder->network;
    size_t n_parts = network->architecture->n_layer_parts;
    assert(n_parts <= GRT_MAX_LAYER_PARTS && network->kinds);
    GRT_TRY(grt_arena_alloc(&network->arena, &network->layers, network->n_layers,
                            sizeof(*network->layers), err));
    GRT_TRY(grt_arena_alloc(&network->arena, &network->layer_parts,
                            network->n_layers * n_parts, sizeof(*network->layer_parts),
                            err));
    char layers[64] = "", before[96];
    find_layers(binder, layers, sizeof(layers));
    for (size_t layer = 0; layer < network->n_layers; layer++) {
        (void)snprintf(before, sizeof(before), "%s.%zu.", layers, layer);
        GRT_TRY(bind_layer(binder, layer, before, err));
    }
    return GRT_OK;
}

grt_status grt_read_row(const grt_checkpoint *checkpoint, const grt_tensor *tensor,
                        uint64_t row, float *dst, grt_error *err)
{
    size_t n = (size_t)tensor->shape[tensor->n_dims - 1];
    uint64_t row_bytes;
    if (!grt_dtype_bytes(&row_bytes, tensor->dtype, n))
        GRT_FAIL(err, GRT_E_FORMAT, "rows of tensor %s do not fill whole blocks",
                 tensor->name);
    void *data;
    GRT_TRY(grt_alloc(&data, (size_t)row_bytes, "a row", err));
    grt_status status = grt_file_read_at(checkpoint->catalogue.files[tensor->file],
                                         tensor->offset + row * row_bytes, data,
                                         (size_t)row_bytes, err);
    if (status == GRT_OK) grt_unpack(dst, data, tensor->dtype, n);
    grt_free(data);
    return status;
}
