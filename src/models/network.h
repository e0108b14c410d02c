/* network.h - a checkpoint bound to an architecture: what to read, and how to compute
 * it.
 *
 * An architecture is one file with tables of tensor names and a handful of functions
 * (grt_architecture); registry.c lists them.  bind.c finds the tensors and checks their
 * shapes, so that the forward pass never meets a tensor that does not fit. */
#ifndef GRT_MODELS_NETWORK_H
#define GRT_MODELS_NETWORK_H

#include "compute/device.h"
#include "formats/checkpoint.h"
#include "stream/row_cache.h"
#include "stream/window.h"
#include "tokenizer/pair.h"

enum {
    GRT_MAX_LAYER_PARTS = 24,
    GRT_MAX_FIXED_PARTS = 12,
    GRT_MAX_LAYERS = 1000,
    GRT_MAX_ROPES = 2
};

typedef struct grt_network grt_network;

/* A tensor or a key as the two kinds of checkpoint call it; bind.h says what stands
 * before it.  NULL: it does not exist there. */
typedef struct grt_name {
    const char *hf;
    const char *gguf;
} grt_name;

/* A dimension of a tensor, by what it counts. */
typedef enum grt_extent {
    GRT_EXTENT_NONE, /* no such dimension: the tensor is a vector */
    GRT_EXTENT_ONE,
    GRT_EXTENT_HIDDEN,
    GRT_EXTENT_QUERIES, /* n_heads * head_size */
    GRT_EXTENT_KEYS,    /* n_kv_heads * head_size */
    GRT_EXTENT_HEAD,    /* head_size */
    GRT_EXTENT_FFN,
    GRT_EXTENT_EMBEDDING, /* width of the token embedding */
    GRT_EXTENT_VOCABULARY,
    GRT_EXTENT_POSITIONS, /* rows of a position table */
    GRT_EXTENT_TYPES,     /* token types */
    GRT_EXTENT_LABELS,    /* rows of a classifier */
    GRT_EXTENT_COUNT
} grt_extent;

/* When a layer may lack a part. */
typedef enum grt_part_need {
    GRT_NEED_ALWAYS,
    GRT_NEED_NOT_FIRST,
    GRT_NEED_NEVER
} grt_part_need;

/* One way in which a checkpoint may hold a part.  A table lists several for one part
 * where files differ, the first that is there counts.  Layer tensors: the name below
 * the layer's. */
typedef struct grt_part_spec {
    uint8_t part; /* index of the part */
    grt_name name;
    grt_extent n_out; /* rows; the length of a vector */
    grt_extent n_in;  /* columns, or GRT_EXTENT_NONE */
    /* Of layer tensors.  A fused tensor ("Wqkv") holds the rows of several parts, one
     * after the other, of which this is number `slice`; all NONE: it is not fused. */
    grt_extent slices[3];
    uint8_t slice;
    grt_part_need need; /* of the first line of a part: NEVER may be missing in all
                           layers, NOT_FIRST in layer 0 only */
    bool is_norm;       /* network->norm_offset is added */
    grt_name beside;    /* counts only where this tensor is there, too */
} grt_part_spec;

/* Lines of a grt_part_spec table; extents without GRT_EXTENT_. */
#define GRT_PART(index, hf_name, gguf_name, out, in)                                  \
    {                                                                                 \
        .part = (index), .name = {(hf_name), (gguf_name)}, .n_out = GRT_EXTENT_##out, \
        .n_in = GRT_EXTENT_##in                                                       \
    }
#define GRT_NORM(index, hf_name, gguf_name, out)                                      \
    {                                                                                 \
        .part = (index), .name = {(hf_name), (gguf_name)}, .n_out = GRT_EXTENT_##out, \
        .is_norm = true                                                               \
    }
#define GRT_OPTIONAL(index, hf_name, gguf_name, out)                                  \
    {                                                                                 \
        .part = (index), .name = {(hf_name), (gguf_name)}, .n_out = GRT_EXTENT_##out, \
        .need = GRT_NEED_NEVER                                                        \
    }
#define GRT_OPTIONAL_NORM(index, hf_name, gguf_name, out)                             \
    {                                                                                 \
        .part = (index), .name = {(hf_name), (gguf_name)}, .n_out = GRT_EXTENT_##out, \
        .need = GRT_NEED_NEVER, .is_norm = true                                       \
    }
#define GRT_SLICE(index, hf_name, gguf_name, in, number, a, b, c) \
    {                                                             \
        .part = (index), .name = {(hf_name), (gguf_name)},        \
        .n_out = (number) == 0   ? GRT_EXTENT_##a                 \
                 : (number) == 1 ? GRT_EXTENT_##b                 \
                                 : GRT_EXTENT_##c,                \
        .n_in = GRT_EXTENT_##in, .slice = (number), .slices = {   \
            GRT_EXTENT_##a,                                       \
            GRT_EXTENT_##b,                                       \
            GRT_EXTENT_##c                                        \
        }                                                         \
    }

/* After each table: no part's index runs past a grt_layer_view. */
#define GRT_LAYER_PARTS_FIT(n_parts)                                 \
    _Static_assert((size_t)(n_parts) <= (size_t)GRT_MAX_LAYER_PARTS, \
                   "a layer has more parts than a view")

/* How the rows of a layer see each other. */
typedef struct grt_layer_kind {
    size_t window; /* keys that a row sees on each side of its own; 0: all */
    size_t rope;   /* index of the rotary positions */
    float scale;   /* of queries times keys */
} grt_layer_kind;

/* A layer ready to compute, made by grt_layer_view_init. */
typedef struct grt_layer_view {
    size_t index;
    const grt_layer_kind *kind;
    grt_weight parts[GRT_MAX_LAYER_PARTS];
} grt_layer_view;

/* Keys and values of the rows that all pairs of a causal model share at their start, in
 * the layer at hand. */
typedef struct grt_prefix {
    size_t n_rows;
    grt_rows keys;   /* [n_rows][n_kv_heads * head_size] */
    grt_rows values; /* [n_rows][n_kv_heads * head_size] */
} grt_prefix;

/* Whole sequences whose rows lie end to end; computed in place. */
typedef struct grt_chunk {
    grt_rows hidden;     /* [n_rows][hidden_size] */
    uint32_t *positions; /* [n_rows] of each row in its pair */
    size_t n_rows;
    const size_t *offsets; /* [n_sequences + 1] first row of each, from 0 */
    size_t n_sequences;
    const grt_prefix *prefix; /* rows before every sequence; NULL: none */
    bool begins_with_prefix;  /* sequence 0 is the prefix itself: its keys and values
                                 are kept for the others */
    const size_t *scored;     /* the row that the head reads of each sequence but the
                                 prefix: they alone are computed, and left end to end at
                                 the front of hidden.  NULL: all rows are */
} grt_chunk;

/* What layers are computed with and in. */
typedef struct grt_workspace {
    grt_device *device;
    grt_memory *memory; /* [chunk rows][grt_architecture.floats_per_row] */
    grt_rows ropes;     /* as grt_rope_fill leaves them, of rope_rows positions */
    size_t rope_rows;
} grt_workspace;

/* Rows of one request before the first layer. */
typedef struct grt_token_rows {
    const int32_t *ids;        /* [n_rows] */
    const uint8_t *types;      /* [n_rows] */
    const uint32_t *positions; /* [n_rows] from 0 in each sequence */
    size_t n_rows;
} grt_token_rows;

/* Memory for the ids and texts of a pair template. */
typedef struct grt_prompt {
    grt_arena arena;
    grt_pair_template pair;
} grt_prompt;

struct grt_binder; /* bind.h */

typedef struct grt_architecture {
    const char *name;       /* "bert" */
    const char *hf_classes; /* space-separated "architectures" of config.json */
    const char *gguf_name;  /* general.architecture; NULL: no such GGUF is read */
    grt_name layers;        /* what stands before ".0.": space-separated, the first that
                               is there counts */
    grt_name embedding;     /* of tokens */
    const grt_part_spec *layer_specs; /* [n_layer_specs] */
    size_t n_layer_specs;
    size_t n_layer_parts;    /* parts that the specs speak of */
    uint32_t needed_parts;   /* bits of optional parts that this family always has */
    const void *description; /* of blocks that several families share; NULL: none */
    bool takes_instruction;
    bool reads_last_row; /* the head reads the last row of a sequence, else the first */
    bool is_causal;      /* a row sees the rows before it only */
    bool must_say_rank;  /* most checkpoints of the family chat: one that says nothing
                            of ranking is refused */

    /* Of several architectures with one gguf_name: is it this one?  NULL: yes. */
    bool (*fits_tokenizer)(const grt_tokenizer *tokenizer);
    /* Reads hyperparameters, binds every tensor, loads the fixed ones. */
    grt_status (*bind)(struct grt_binder *binder, grt_error *err);
    /* Fills *prompt; instruction NULL: the model's own. */
    grt_status (*prompt)(grt_prompt *prompt, const grt_network *network,
                         const grt_tokenizer *tokenizer, const char *instruction,
                         grt_error *err);
    size_t (*floats_per_row)(const grt_network *network);
    /* Turns token rows (already in `hidden`) into the input of layer 0; NULL: they are.
     */
    void (*embed)(const grt_network *network, grt_device *device,
                  const grt_token_rows *rows, grt_rows hidden);
    void (*layer)(const grt_network *network, const grt_layer_view *layer,
                  const grt_workspace *workspace, const grt_chunk *chunk);
    /* Widens n rows of a chunk, [n_rows][hidden_size], whose first embedding_size
     * values are set; NULL: the embedding is as wide as hidden states. */
    void (*widen)(const grt_network *network, const grt_workspace *workspace,
                  grt_rows hidden, size_t n_rows);
    /* What the head reads of n rows; dst may be rows.  NULL: the rows. */
    void (*head_rows)(const grt_network *network, grt_device *device, grt_rows dst,
                      grt_rows rows, size_t n_rows);
    /* The logits of n sequences after `layer` layers, from what the head reads of each
     * (the mean of grt_scored_rows), after head_rows: rows [n][hidden_size];
     * out [n]; scratch of grt_logits_floats(network, n). */
    grt_status (*logits)(const grt_network *network, grt_device *device, size_t layer,
                         grt_rows rows, size_t n, float *out, grt_space scratch,
                         grt_error *err);
} grt_architecture;

/* Immutable after bind, and after grt_network_place, before which nothing is computed.
 */
struct grt_network {
    const grt_architecture *architecture;
    size_t n_layers;
    size_t hidden_size;
    size_t embedding_size; /* of the token embedding */
    size_t n_heads;
    size_t n_kv_heads;
    size_t head_size;
    size_t ffn_size;
    size_t vocab_size;
    size_t max_tokens;
    float norm_eps;
    float norm_offset;           /* added to the weights of norms: stored less one */
    const grt_layer_kind *kinds; /* [n_layers] */
    const double *ropes[GRT_MAX_ROPES]; /* [head_size / 2] angle of one position */
    size_t n_ropes;
    bool reads_mean;       /* the head reads the mean of a sequence's rows */
    const char *head_text; /* for people */
    const void *own;       /* numbers of the family, by its own struct */

    grt_arena arena;
    const grt_tensor *token_embedding;
    const grt_file *token_embedding_file;
    grt_layer_plan *layers;        /* [n_layers] */
    grt_weight_shape *layer_parts; /* [n_layers][n_layer_parts] */
    /* Parts that stay in memory, as the host has them, and on the device. */
    grt_weight_shape fixed_shapes[GRT_MAX_FIXED_PARTS];
    const void *fixed_data[GRT_MAX_FIXED_PARTS];
    grt_weight fixed[GRT_MAX_FIXED_PARTS];
    grt_memory *fixed_memory;
    grt_device *device; /* of these; NULL: not placed yet */
    /* The first layer (from 1) whose output a head of its own was trained to read; 0:
     * the last layer alone has one. */
    size_t first_head;
    int32_t *part_of; /* [n_tensors of the catalogue] GRT_PART_... or a layer */
};

enum { GRT_PART_UNUSED = -1, GRT_PART_EMBEDDING = -2, GRT_PART_HEAD = -3 };

/* The architecture that a checkpoint's metadata names, and of several of one name the
 * one that the tokenizer fits (NULL: any).  GRT_E_UNSUPPORTED says what the checkpoint
 * is instead: an embedding model, a generative one, or what was found and what is
 * supported. */
GRT_NODISCARD grt_status grt_network_recognise(const grt_architecture **out,
                                               const grt_checkpoint *checkpoint,
                                               const grt_tokenizer *tokenizer,
                                               grt_error *err);

/* Recognises the checkpoint and binds it; *out is released by the caller. Keeps
 * `checkpoint`, which must outlive it. */
GRT_NODISCARD grt_status grt_network_bind(grt_network *out, grt_checkpoint *checkpoint,
                                          const grt_tokenizer *tokenizer,
                                          grt_error *err);
void grt_network_release(grt_network *network);

/* Places the fixed parts on the device, which is kept and must outlive the network. */
GRT_NODISCARD grt_status grt_network_place(grt_network *network, grt_device *device,
                                           grt_error *err);

/* Places an acquired layer, in `memory` of grt_layer_place_bytes. */
void grt_layer_view_init(grt_layer_view *view, const grt_network *network,
                         grt_device *device, size_t layer, const void *const *parts,
                         grt_memory *memory);
size_t grt_layer_place_bytes(const grt_network *network, const grt_device *device);

/* The most inputs of a matrix of any layer. */
size_t grt_layer_most_inputs(const grt_network *network);

/* The rows of a sequence of n_rows whose mean the head reads. */
grt_span grt_scored_rows(const grt_network *network, size_t n_rows);

/* Rotary positions: for each of the network's n_ropes cosines and then sines,
 * [n_positions][head_size / 2] each.  Source: Su et al. 2021, arXiv 2104.09864. */
size_t grt_rope_floats(const grt_network *network, size_t n_positions);
grt_rows grt_rope_fill(const grt_network *network, grt_device *device,
                       size_t n_positions, grt_memory *memory);

/* Scratch of grt_architecture.logits. */
size_t grt_logits_floats(const grt_network *network, size_t n);

/* What a profile's readouts read of one sequence: pooled states, [pools][hidden_size]
 * (what the head reads, the document's mean, and where rows see each other in both
 * directions the query's mean). */
bool grt_pools_query(const grt_network *network);
size_t grt_pooled_size(const grt_network *network);
/* The same, and |document's mean - query's mean| where there is one of the query. */
size_t grt_features_size(const grt_network *network);

/* The embedding rows of ids, read through `cache`, to hidden [n_rows][hidden_size];
 * then runs the architecture's embed.  Where the embedding is narrower,
 * architecture->widen is to be called on all rows of a chunk afterwards. */
GRT_NODISCARD grt_status grt_embed(const grt_network *network, grt_device *device,
                                   grt_row_cache *cache, const grt_token_rows *rows,
                                   grt_rows hidden, grt_error *err);

/* The cache that grt_embed reads through, for so many rows of the token embedding. */
GRT_NODISCARD grt_status grt_embed_cache_create(grt_row_cache **out,
                                                const grt_network *network,
                                                size_t n_cached, grt_error *err);
size_t grt_embed_cache_bytes(const grt_network *network, size_t n_cached);

#endif /* GRT_MODELS_NETWORK_H */
