/*
 * grating.h - semantic top-K selection on your own machine.
 *
 * A reranker reads (query, document) pairs with a transformer and says how well each
 * document answers the query.  This header opens the checkpoints people already have
 * and returns the K best of N documents:
 *
 *     grt_error err;
 *     grt_model *model = NULL;
 *     grt_session *session = NULL;
 *     grt_result *result = NULL;
 *     if (grt_model_open(&model, "models/grating-mini", NULL, &err) ||
 *         grt_session_create(&session, model, NULL, &err))
 *         ... err.text says what was wrong, in one line ...
 *     grt_request request = GRT_REQUEST_INIT;
 *     request.query = "how do owls hunt";
 *     request.documents = documents;     (array of NUL-terminated UTF-8 strings)
 *     request.n_documents = 20;
 *     request.k = 5;
 *     if (grt_rank(session, &request, &result, &err)) ...
 *     for (size_t i = 0; i < grt_result_count(result); i++)
 *         ... grt_result_items(result)[i].index, .score ...
 *     grt_result_free(result);
 *     grt_session_free(session);
 *     grt_model_close(model);
 *
 * Conventions, true for every function unless its comment says otherwise:
 *   - Returns GRT_OK (0) or a negative grt_status; outputs are written only on GRT_OK.
 *   - Output pointers come first; `err` may be NULL and comes last.
 *   - Sizes are bytes when named `_bytes`, counts when named `n_` or `_count`,
 * nanoseconds when named `_ns`.
 *   - Whoever gets a pointer through `out` owns it and releases it with the matching
 *     _free or _close; these accept NULL.  A returned `const T *` is borrowed and lives
 * as long as its parent.
 *   - Arguments are copied unless the comment says that they are kept.
 *   - Options structs begin with their size.  Initialise them with their _INIT macro; a
 *     field that is 0 or NULL asks for the default.  New fields are added at the end
 * only.
 *   - Text is UTF-8.  Invalid bytes are read as U+FFFD, one for each maximal invalid
 * part, and never make a call fail.  Text in requests never produces control tokens.
 *
 * Threads: a grt_model is immutable after open and may be shared by threads; a
 * grt_session is used by one thread at a time (it has worker threads of its own).
 *
 * Environment: GRT_ISA=scalar|avx2|avx512 caps the instructions used.  Nothing else is
 * read from the environment.
 */
#ifndef GRATING_H
#define GRATING_H

#include <stddef.h>
#include <stdint.h>

#define GRT_VERSION_MAJOR 0
#define GRT_VERSION_MINOR 1
#define GRT_VERSION_PATCH 0

#if defined(__GNUC__)
#define GRT_API       __attribute__((visibility("default")))
#define GRT_NODISCARD __attribute__((warn_unused_result))
#else
#define GRT_API
#define GRT_NODISCARD
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Status and errors ---- */

/* clang-format off */
/* Every status the library can return.  Values never change meaning or get reused. */
#define GRT_STATUS_LIST(X)                                                       \
    X(OK,              0, "success")                                             \
    X(E_INVALID_ARG,  -1, "invalid argument")                                    \
    X(E_NO_MEMORY,    -2, "out of memory")                                       \
    X(E_IO,           -3, "input/output error")                                  \
    X(E_FORMAT,       -4, "malformed or truncated file")                         \
    X(E_UNSUPPORTED,  -5, "valid but not supported")                             \
    X(E_TOO_LONG,     -6, "input exceeds a limit")                               \
    X(E_CANCELLED,    -7, "cancelled by the caller")                             \
    X(E_NOT_FOUND,    -8, "file not found")

typedef enum grt_status {
#define GRT_X(name, value, text) GRT_##name = value,
    GRT_STATUS_LIST(GRT_X)
#undef GRT_X
    GRT_STATUS_FORCE_INT32 = 0x7fffffff
} grt_status;
/* clang-format on */

/* Filled on failure; lives on the caller's stack, so it needs no free. */
typedef struct grt_error {
    grt_status status;
    int64_t offset; /* byte offset in the file at fault, or -1 */
    char text[240]; /* one line that names the thing, no trailing period or newline */
} grt_error;

/* Static English text for a status; never NULL.  Thread safe. */
GRT_API const char *grt_status_text(grt_status status);

/* "0.1.0".  Static.  Thread safe. */
GRT_API const char *grt_version(void);

/* ---- Models ---- */

/* An opened checkpoint.  Immutable after open; thread safe. */
typedef struct grt_model grt_model;

typedef struct grt_model_options {
    size_t struct_size;
} grt_model_options;
/* clang-format off */
#define GRT_MODEL_OPTIONS_INIT {sizeof(grt_model_options)}
/* clang-format on */

/* Opens the checkpoint at `path`: a Hugging Face directory (config.json,
 * model.safetensors or its shards with model.safetensors.index.json, and tokenizer
 * files) or a GGUF file (v2, v3).  Reads names, shapes and the tokenizer; weights are
 * read when a session ranks.  The files must not change while the model is open.
 * `options` may be NULL.
 *
 * Errors: GRT_E_NOT_FOUND (nothing there), GRT_E_IO, GRT_E_FORMAT (malformed,
 * truncated, duplicate, overlapping or wrongly shaped tensors: `err->text` names file
 * and tensor, `err->offset` the byte), GRT_E_UNSUPPORTED (an architecture, storage type
 * or tokenizer that this version does not know: the text says which and lists those
 * that it knows), GRT_E_NO_MEMORY. */
GRT_API GRT_NODISCARD grt_status grt_model_open(grt_model **out, const char *path,
                                                const grt_model_options *options,
                                                grt_error *err);

/* All sessions of the model must be freed before. */
GRT_API void grt_model_close(grt_model *model);

/* What a checkpoint is.  Strings are borrowed from the model. */
typedef struct grt_model_info {
    const char *architecture; /* "bert", "qwen3" */
    const char *format;       /* "safetensors", "gguf" */
    const char *tokenizer;    /* "wordpiece", "bpe" */
    const char *head;         /* how a logit is read, e.g. "pooler + classifier" */
    size_t n_layers;
    size_t hidden_size;
    size_t n_heads;
    size_t n_kv_heads;
    size_t head_size;
    size_t ffn_size;
    size_t vocab_size;
    size_t max_tokens; /* longest (query, document) pair, in tokens */
    uint64_t n_parameters;
    uint64_t embedding_bytes; /* bytes in the file, by part */
    uint64_t layers_bytes;
    uint64_t head_bytes;
    uint64_t other_bytes; /* tensors in the file that ranking does not read */
    size_t n_tensors;
} grt_model_info;

/* Fills `*out`.  Cannot fail. */
GRT_API void grt_model_describe(const grt_model *model, grt_model_info *out);

/* One tensor of the checkpoint. */
typedef struct grt_tensor_view {
    const char *name;
    const char *dtype; /* storage type: "F32", "F16", "BF16", "Q8_0", ... */
    const char *part;  /* "embedding", "layer", "head", or "unused" */
    int layer;         /* of a layer's tensor, from 0; else -1 */
    size_t n_dims;
    uint64_t shape[4]; /* outermost first */
    const char *file;
    uint64_t offset_bytes;
    uint64_t size_bytes;
} grt_tensor_view;

/* Fills `*out` with tensor `i`, i < n_tensors, in file order.
 * GRT_E_INVALID_ARG when i is too large. */
GRT_API GRT_NODISCARD grt_status grt_model_tensor(const grt_model *model, size_t i,
                                                  grt_tensor_view *out);

/* ---- Sessions ---- */

/* The working set for ranking.  One thread at a time. */
typedef struct grt_session grt_session;

typedef struct grt_session_options {
    size_t struct_size;
    size_t n_threads; /* workers, the caller's thread included; 0: one per usable CPU */
} grt_session_options;
/* clang-format off */
#define GRT_SESSION_OPTIONS_INIT {sizeof(grt_session_options), 0}
/* clang-format on */

/* Creates a session on `model`, which is kept and must outlive it.
 * Errors: GRT_E_NO_MEMORY, GRT_E_INVALID_ARG (more than 1,024 threads). */
GRT_API GRT_NODISCARD grt_status grt_session_create(grt_session **out,
                                                    const grt_model *model,
                                                    const grt_session_options *options,
                                                    grt_error *err);
GRT_API void grt_session_free(grt_session *session);

/* ---- Ranking ---- */

/* Called after each layer, on the thread that called grt_rank.  Return 0 to go on;
 * anything else ends the call with GRT_E_CANCELLED and leaves the session usable. */
typedef struct grt_progress {
    size_t layer;    /* layers finished, 0 before the first one */
    size_t n_layers; /* of how many */
    size_t n_active; /* candidates that still compute */
    size_t n_selected;
    size_t n_dropped;
} grt_progress;
typedef int grt_progress_fn(const grt_progress *progress, void *payload);

typedef struct grt_request {
    size_t struct_size;
    const char *query;            /* borrowed for the call; must not be NULL */
    size_t query_bytes;           /* 0: `query` ends at its NUL */
    const char *const *documents; /* [n_documents], borrowed for the call */
    const size_t *document_bytes; /* [n_documents], or NULL: each ends at its NUL */
    size_t n_documents;           /* at least 1 */
    size_t k;                     /* how many are wanted; 0 or more than N: all */
    const char *instruction;      /* for models that take one; NULL: the model's own */
    grt_progress_fn *progress;    /* NULL: none */
    void *progress_payload;
} grt_request;
/* clang-format off */
#define GRT_REQUEST_INIT {sizeof(grt_request), 0, 0, 0, 0, 0, 0, 0, 0, 0}
/* clang-format on */

/* How a candidate was decided. */
typedef enum grt_state {
    GRT_STATE_FINISHED = 0, /* ran through all layers */
    GRT_STATE_SELECTED = 1, /* chosen before the last layer */
    GRT_STATE_DROPPED = 2   /* discarded before the last layer */
} grt_state;

/* "finished", "selected" or "dropped".  Static. */
GRT_API const char *grt_state_text(grt_state state);

typedef struct grt_item {
    size_t index; /* position in the request's documents */
    float score;  /* 0..1: the logistic function of `logit` */
    float logit;  /* what the model's head gives */
    grt_state state;
    size_t decided_at_layer; /* layers computed for it when it was decided */
    size_t n_tokens;         /* tokens of the pair as computed */
    int truncated;           /* 1: the document or query was cut to the model's limit */
} grt_item;

typedef struct grt_stats {
    size_t n_documents;
    size_t n_layers;
    uint64_t n_tokens;        /* of all pairs */
    uint64_t tokens_x_layers; /* token rows computed, summed over layers */
    uint64_t weight_bytes;    /* read from the checkpoint for this request */
    uint64_t memory_bytes;    /* most that the library had allocated so far */
    uint64_t tokenize_ns;
    uint64_t compute_ns;
    uint64_t total_ns;
    const char *isa; /* instruction set of the matrix kernels; static */
} grt_stats;

/* Owned by the caller of grt_rank; independent of its session. */
typedef struct grt_result grt_result;

/* Ranks the request's documents.  All N come back, best first; equal logits keep the
 * order of the request.  The first min(k, N) are the top K.
 *
 * Pairs longer than the model's limit are cut at the end of the longer text, never
 * silently: see grt_item.truncated.
 *
 * Errors: GRT_E_INVALID_ARG (no query, no documents, a NULL document),
 * GRT_E_UNSUPPORTED (an instruction for a model that takes none), GRT_E_TOO_LONG (the
 * instruction leaves no room), GRT_E_IO and GRT_E_FORMAT (the checkpoint could not be
 * read or holds a value that is not finite), GRT_E_CANCELLED, GRT_E_NO_MEMORY.  The
 * session stays usable after each. */
GRT_API GRT_NODISCARD grt_status grt_rank(grt_session *session,
                                          const grt_request *request, grt_result **out,
                                          grt_error *err);

/* Number of items: the request's n_documents. */
GRT_API size_t grt_result_count(const grt_result *result);
/* [count], best first; borrowed from the result. */
GRT_API const grt_item *grt_result_items(const grt_result *result);
/* Borrowed from the result. */
GRT_API const grt_stats *grt_result_stats(const grt_result *result);
GRT_API void grt_result_free(grt_result *result);

/* ---- What this machine runs ---- */

/* One variant of one kernel, as it stands in the dispatch list (best first). */
typedef struct grt_kernel_info {
    const char *operation; /* "gemm_f32" */
    const char *isa;       /* "avx512", "avx2", "scalar" */
    int is_chosen;         /* 1: sessions use this one */
    const char *reason;    /* why it was passed over: "this CPU lacks it", "capped by
                              GRT_ISA", "a better one runs"; NULL when chosen */
} grt_kernel_info;

/* Fills `*out` with entry `i` of all lists; GRT_E_INVALID_ARG past the end. */
GRT_API GRT_NODISCARD grt_status grt_kernel_describe(size_t i, grt_kernel_info *out);

/* CPU features found, as a space-separated list ("avx2 avx512").  Static. */
GRT_API const char *grt_cpu_features_text(void);

#ifdef __cplusplus
}
#endif
#endif /* GRATING_H */
