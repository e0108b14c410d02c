/* device.h - what models are computed with: a table of operations on rows.
 *
 *     models/, rank/ -> grt_op_...(device, rows, ...) -> the device's table
 *
 * compute/cpu/ is the first device.  Another one is a folder beside it that fills a
 * grt_device_table; tests/compute/ runs every table against plain loops.
 *
 * Operations take effect in the order in which they are asked for, whenever the device
 * gets to them: what they made is there for the next operation, and for the host after
 * a download.  Arrays of the host (offsets, positions, ids, spans) have been read when
 * an operation returns.  What fails in a device is told by the next download or
 * grt_op_give_back.  Any count may be 0.  Results do not depend on threads, and those
 * of a row not on the other rows in the call.
 *
 * Rows are f32.  dst may be the rows that are read only where that is said. */
#ifndef GRT_COMPUTE_DEVICE_H
#define GRT_COMPUTE_DEVICE_H

#include "base/error.h"
#include "base/pool.h"
#include "compute/rows.h"

/* One thread at a time. */
typedef struct grt_device grt_device;

/* ---- Devices ---- */

/* This machine's CPU: threads of `pool`, which is kept, instructions of `features`
 * (grt_cpu_features()), and matrices in `arithmetic` where it has units for it. */
GRT_NODISCARD grt_status grt_device_create(grt_device **out, grt_pool *pool,
                                           uint32_t features, grt_arithmetic arithmetic,
                                           grt_error *err);
/* After everything that was allocated on it was freed.  Accepts NULL. */
void grt_device_free(grt_device *device);

/* What matrices are multiplied in (never AUTO), and with which instructions. */
grt_arithmetic grt_device_arithmetic(const grt_device *device);
const char *grt_device_isa(const grt_device *device);

/* ---- Memory ---- */

/* n_bytes, not initialised; GRT_E_NO_MEMORY names `what`. */
GRT_NODISCARD grt_status grt_device_alloc(grt_device *device, grt_memory **out,
                                          size_t n_bytes, const char *what,
                                          grt_error *err);
/* Accepts NULL. */
void grt_device_release(grt_device *device, grt_memory *memory);

/* The largest that operations are asked for. */
typedef struct grt_device_load {
    size_t n_rows;      /* of a chunk */
    size_t most_inputs; /* of a matrix */
    size_t n_longest;   /* rows of a sequence, those that it shares included */
    size_t n_sharing;   /* query heads that share keys and values */
    size_t head_size;
} grt_device_load;

/* Scratch that operations take beside their rows: one part that grows with n_rows, and
 * one that does not; UINT64_MAX when it cannot be counted. */
uint64_t grt_device_rows_scratch_bytes(const grt_device *device,
                                       const grt_device_load *load);
uint64_t grt_device_scratch_bytes(const grt_device *device,
                                  const grt_device_load *load);

/* From now on operations use this scratch, of at least so many bytes for `load`. */
void grt_device_use_scratch(grt_device *device, const grt_device_load *load,
                            grt_memory *rows_scratch, grt_memory *scratch);

/* ---- To the device and back ---- */

/* Memory that grt_op_place fills for weights of these shapes. */
size_t grt_device_place_bytes(const grt_device *device, const grt_weight_shape *shapes,
                              size_t n);

/* Places n weights, for which data[i] holds storage type: vectors become f32 in
 * `memory`; a matrix may stay at data[i], which is kept.  Valid until the memory is
 * used again. */
void grt_op_place(grt_device *device, grt_memory *memory,
                  const grt_weight_shape *shapes, const void *const *data, size_t n,
                  grt_weight *out);

/* dst[n_rows] = `data`, whose rows lie end to end in storage type; as wide as dst, in
 * whole blocks. */
void grt_op_upload(grt_device *device, grt_rows dst, const void *data, grt_dtype dtype,
                   size_t n_rows);

/* out[n_rows][width of src] = src. */
GRT_NODISCARD grt_status grt_op_download(grt_device *device, grt_rows src,
                                         size_t n_rows, float *out, grt_error *err);

/* Rows that the host holds, stored[n_rows][width], as rows of the device, until they
 * are given back: a device that computes in the host's memory copies nothing. */
grt_rows grt_op_borrow(grt_device *device, float *stored, size_t n_rows, size_t width);
GRT_NODISCARD grt_status grt_op_give_back(grt_device *device, grt_rows rows,
                                          size_t n_rows, float *stored, grt_error *err);

/* ---- Matrices ---- */

typedef enum grt_linear_kind {
    GRT_LINEAR_SET,
    GRT_LINEAR_ADD,    /* y += ... */
    GRT_LINEAR_PRECISE /* set, in f32 whatever the device multiplies in: for heads */
} grt_linear_kind;

/* y[n_rows][n_out] = x[n_rows][n_in] * W^T + bias; bias NULL or lacking: none. */
void grt_op_linear(grt_device *device, grt_linear_kind kind, grt_rows y, grt_rows x,
                   size_t n_rows, const grt_weight *weight, const grt_weight *bias);

/* Attention of whole sequences whose rows lie end to end: for each head
 * out = softmax(scale * q . k) v over the keys that a query sees.  These are those of
 * the prefix, which sequences share, and then its own; causal: the own ones up to its
 * place; with a window: of all only so many on each side of its place.  Query head h
 * reads key head h / (n_heads / n_kv_heads). */
typedef struct grt_attention_op {
    grt_rows queries; /* rows as keys, or one for each sequence: `places` */
    grt_rows out;     /* likewise; not the queries */
    grt_rows keys, values;
    grt_rows prefix_keys, prefix_values; /* [n_prefix] */
    size_t n_prefix;
    size_t n_alone;        /* so many sequences, the first, see no prefix */
    const size_t *offsets; /* [n_sequences + 1] rows of keys and values */
    size_t n_sequences;
    const size_t *places; /* [n_sequences] the row, counted as offsets are, at which the
                             one query of each stands; NULL: every row is a query */
    size_t n_heads, n_kv_heads, head_size;
    float scale; /* >= 0 */
    bool is_causal;
    size_t window; /* 0: none */
} grt_attention_op;
void grt_op_attention(grt_device *device, const grt_attention_op *op);

/* ---- Rows ---- */

/* dst = (x - mean) / sqrt(var + eps) * weight + bias over each row; dst may be x. */
void grt_op_layer_norm(grt_device *device, grt_rows dst, grt_rows x, size_t n_rows,
                       const grt_weight *weight, const grt_weight *bias, float eps);

/* dst = x / sqrt(mean(x^2) + eps) * weight; dst may be x. */
void grt_op_rms_norm(grt_device *device, grt_rows dst, grt_rows x, size_t n_rows,
                     const grt_weight *weight, float eps);

typedef enum grt_activation {
    GRT_ACTIVATION_GELU,      /* x / 2 (1 + erf(x / sqrt 2)) */
    GRT_ACTIVATION_GELU_TANH, /* its tanh form */
    GRT_ACTIVATION_SILU,      /* x / (1 + exp(-x)) */
    GRT_ACTIVATION_TANH
} grt_activation;

/* x = activation(x): GELU or TANH. */
void grt_op_activate(grt_device *device, grt_activation activation, grt_rows x,
                     size_t n_rows);

/* gate = activation(gate) * up: GELU, GELU_TANH or SILU. */
void grt_op_gate(grt_device *device, grt_activation activation, grt_rows gate,
                 grt_rows up, size_t n_rows);

/* Queries or keys before they meet: norm of each head, then the turn by its row's
 * position. */
typedef struct grt_rope_op {
    const uint32_t *positions; /* [n_rows] */
    grt_rows cosines, sines;   /* [positions][head_size / 2] */
    size_t n_heads;
    size_t head_size;
    const grt_weight *norm; /* [head_size] of an RMS norm; NULL or lacking: none */
    float eps;
    bool is_interleaved; /* values 2i and 2i + 1 turn together: heads are put in order
                            first, which changes no product of a query and a key */
} grt_rope_op;
void grt_op_rope(grt_device *device, grt_rows x, size_t n_rows, const grt_rope_op *op);

/* y += x. */
void grt_op_add(grt_device *device, grt_rows y, grt_rows x, size_t n_rows);
/* x *= factor. */
void grt_op_scale(grt_device *device, grt_rows x, float factor, size_t n_rows);
/* dst = src. */
void grt_op_copy(grt_device *device, grt_rows dst, grt_rows src, size_t n_rows);
/* Row i of dst = row rows[i] of src.  dst may be src where rows rise. */
void grt_op_gather(grt_device *device, grt_rows dst, grt_rows src, const size_t *rows,
                   size_t n);
/* Row i of dst = the mean of the rows spans[i] of src; of none: zeros. */
void grt_op_mean(grt_device *device, grt_rows dst, grt_rows src, const grt_span *spans,
                 size_t n);
/* Row i of x += row ids[i] of the table. */
void grt_op_embed(grt_device *device, grt_rows x, const grt_weight *table,
                  const uint32_t *ids, size_t n_rows);

#endif /* GRT_COMPUTE_DEVICE_H */
