/* bind.h - what an architecture asks while a checkpoint is bound: tensors and keys by
 * their names in both kinds of checkpoint.
 *
 * The one place that knows how names are put together: "bert." or nothing before the
 * tensors of a base model, LayerNorm.gamma of old files, "blk.N." and "<architecture>."
 * of GGUF, a config.json whose numbers lie below text_config. */
#ifndef GRT_MODELS_BIND_H
#define GRT_MODELS_BIND_H

#include "models/network.h"

typedef struct grt_binder {
    grt_network *network;       /* to fill */
    grt_checkpoint *checkpoint; /* only its notes grow */
    const grt_tokenizer *tokenizer;
    bool is_gguf; /* for numbers that a converter changes; names: grt_spelled */
    uint64_t sizes[GRT_EXTENT_COUNT];
    /* bind.c */
    const char *base; /* before tensors of the base model */
    char name[GRT_MAX_TENSOR_NAME_BYTES];
    char key[GRT_MAX_KEY_BYTES];
} grt_binder;

/* Finds out what stands before the names.  The network's architecture is set. */
void grt_binder_init(grt_binder *binder, grt_network *network,
                     grt_checkpoint *checkpoint, const grt_tokenizer *tokenizer);

/* How a checkpoint of this kind spells a name, before anything is put around it; NULL:
 * it does not exist there. */
const char *grt_spelled(const grt_binder *binder, grt_name name);

/* ---- Keys ---- */

/* The key as the file has it, also for messages; "" where it has none of the kind.
 * Valid until the next call. */
const char *grt_key_name(grt_binder *binder, grt_name name);
/* As grt_metadata_need_u64. */
GRT_NODISCARD grt_status grt_key_need(grt_binder *binder, grt_name name, uint64_t min,
                                      uint64_t max, uint64_t *out, grt_error *err);
/* The same where the file may be silent, and *out holds what it means then. */
GRT_NODISCARD grt_status grt_key_want(grt_binder *binder, grt_name name, uint64_t min,
                                      uint64_t max, uint64_t *out, grt_error *err);
/* NULL, or false with *out untouched, when it is absent or of another type. */
const grt_meta_value *grt_key_get(grt_binder *binder, grt_name name);
bool grt_key_number(grt_binder *binder, grt_name name, double *out);
bool grt_key_flag(grt_binder *binder, grt_name name, bool *out);
bool grt_key_text(grt_binder *binder, grt_name name, grt_text *out);
/* Refuses a text that is none of the space-separated ones in `expected` (absent is
 * fine), or a flag that is set. */
GRT_NODISCARD grt_status grt_key_allow(grt_binder *binder, grt_name name,
                                       const char *expected, grt_error *err);
/* Notes that a GGUF file leaves out a key which its kind has, and that `taken` stands
 * for it; a config.json may leave out what its class has a default for. */
GRT_NODISCARD grt_status grt_key_note_default(grt_binder *binder, grt_name name,
                                              double taken, grt_error *err);
/* The epsilon of norms, which stays as it is where the file says none. */
GRT_NODISCARD grt_status grt_key_epsilon(grt_binder *binder, grt_name name, double *out,
                                         grt_error *err);
/* Refuses scaled or partial rotary positions, of graphs that compute neither. */
GRT_NODISCARD grt_status grt_key_plain_rope(grt_binder *binder, grt_error *err);
/* Refuses rotary positions that turn a part of each head only. */
GRT_NODISCARD grt_status grt_key_whole_rope(grt_binder *binder, grt_error *err);
GRT_NODISCARD grt_status grt_key_refuse_flag(grt_binder *binder, grt_name name,
                                             grt_error *err);

/* What a class of config.json leaves out; 0: the file has to say it. */
typedef struct grt_size_defaults {
    uint64_t heads, kv_heads, head_size, positions;
} grt_size_defaults;

/* Layers, widths, heads and the longest pair, into network and sizes; `most_tokens`: no
 * pair is longer, whatever the file says.  defaults NULL: none. */
GRT_NODISCARD grt_status grt_bind_sizes(grt_binder *binder, size_t most_tokens,
                                        const grt_size_defaults *defaults,
                                        grt_error *err);

/* One kind for all layers; *out can be changed until the network is bound. */
GRT_NODISCARD grt_status grt_bind_kinds(grt_binder *binder, grt_layer_kind kind,
                                        grt_layer_kind **out, grt_error *err);

/* Rotary positions of base theta: theta^(-2i / head_size), each divided by
 * divisors[head_size / 2] where these are given. */
GRT_NODISCARD grt_status grt_bind_rope(grt_binder *binder, double theta,
                                       const float *divisors, grt_error *err);

/* ---- Tensors ---- */

/* NULL when there is none of that name. */
const grt_tensor *grt_tensor_find(grt_binder *binder, grt_name name);
/* How the file calls it, or should; valid until the next call. */
const char *grt_tensor_name(grt_binder *binder, grt_name name);

/* The tensor, checked to be [n_out][n_in] ([n_out] when n_in is 0) in a readable
 * storage type, and marked as belonging to `part`.  GRT_E_FORMAT names tensor, shape
 * found and shape expected. */
GRT_NODISCARD grt_status grt_bind_tensor(const grt_tensor **out, grt_binder *binder,
                                         grt_name name, uint64_t n_out, uint64_t n_in,
                                         int32_t part, grt_error *err);

/* Binds and loads fixed part `index`. */
GRT_NODISCARD grt_status grt_bind_fixed(grt_binder *binder, size_t index, grt_name name,
                                        uint64_t n_out, uint64_t n_in, int32_t part,
                                        grt_error *err);

/* Fixed part `index` is values[n_out][n_in] ([n_out] when n_in is 0), which the
 * network's arena holds. */
void grt_bind_values(grt_network *network, size_t index, const float *values,
                     size_t n_out, size_t n_in);

/* The same for tables of fixed parts, which go to fixed[spec.part]. */
GRT_NODISCARD grt_status grt_bind_fixed_table(grt_binder *binder,
                                              const grt_part_spec *specs, size_t n,
                                              int32_t part, grt_error *err);

/* Rows of a matrix, 1 to `most`, into sizes[extent]. */
GRT_NODISCARD grt_status grt_bind_rows(grt_binder *binder, grt_extent extent,
                                       grt_name name, uint64_t most, grt_error *err);

/* Binds the token embedding, [vocab_size][embedding_size]. */
GRT_NODISCARD grt_status grt_bind_embedding(grt_binder *binder, grt_error *err);

/* Binds every layer by the architecture's table. */
GRT_NODISCARD grt_status grt_bind_layers(grt_binder *binder, grt_error *err);

/* Row `row` of a matrix, as f32, into dst[n_in]. */
GRT_NODISCARD grt_status grt_read_row(const grt_checkpoint *checkpoint,
                                      const grt_tensor *tensor, uint64_t row,
                                      float *dst, grt_error *err);

/* Does the space-separated list hold this word? */
bool grt_list_holds(const char *list, grt_text word);

#endif /* GRT_MODELS_BIND_H */
