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
 * Environment: GRT_ISA=scalar|avx2|avx_vnni|avx512|avx512_vnni|avx512_bf16|amx_bf16|
 * amx_int8, on 64-bit Arm scalar|neon|neon_dotprod|neon_bf16|neon_i8mm, caps the
 * instructions used. Nothing else is read from the environment.  On a CPU with AMX, and
 * unless a cap leaves it out, the process is given Linux's permission for tile data
 * when the CPU is first asked about; alternate signal stacks must have room for it (8
 * KiB).
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
    /* The profile that `grating calibrate` made.  NULL: "grating.profile.safetensors"
     * in a model's directory, "MODEL.profile.safetensors" beside a GGUF file, none when
     * that is not there.  "": none. */
    const char *profile_path;
} grt_model_options;
/* clang-format off */
#define GRT_MODEL_OPTIONS_INIT {sizeof(grt_model_options), 0}
/* clang-format on */

/* Opens the checkpoint at `path`: a Hugging Face directory (config.json,
 * model.safetensors or its shards with model.safetensors.index.json, and tokenizer
 * files) or a GGUF file (v2, v3; of a split one the first part).  Reads names, shapes
 * and the tokenizer; weights are read when a session ranks.  The files must not change
 * while the model is open. `options` may be NULL.
 *
 * Errors: GRT_E_NOT_FOUND (nothing there), GRT_E_IO, GRT_E_FORMAT (malformed,
 * truncated, duplicate, overlapping or wrongly shaped tensors: `err->text` names file
 * and tensor, `err->offset` the byte), GRT_E_UNSUPPORTED (an architecture, storage type
 * or tokenizer that this version does not know: the text says which and lists those
 * that it knows; a checkpoint that has no reranking head: the text says what it is),
 * GRT_E_NO_MEMORY.  A profile that is damaged, or that was made for
 * another checkpoint, is GRT_E_FORMAT too. */
GRT_API GRT_NODISCARD grt_status grt_model_open(grt_model **out, const char *path,
                                                const grt_model_options *options,
                                                grt_error *err);

/* All sessions of the model must be freed before. */
GRT_API void grt_model_close(grt_model *model);

/* What a checkpoint is.  Strings are borrowed from the model. */
typedef struct grt_model_info {
    const char *architecture; /* the family: "bert", "roberta", "electra", "modernbert",
                                 "qwen2", "qwen3", "minicpm", "gemma" */
    const char *format;       /* "safetensors", "gguf" */
    const char *tokenizer;    /* "wordpiece", "bpe", "unigram", "sentencepiece-bpe" */
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
    const char *profile; /* path of the profile in use; NULL: none */
} grt_model_info;

/* Fills `*out`.  Cannot fail. */
GRT_API void grt_model_describe(const grt_model *model, grt_model_info *out);

/* One tensor of the checkpoint. */
typedef struct grt_tensor_view {
    const char *name;
    const char *dtype; /* storage type: "F32", "BF16", "Q8_0", "Q4_K", ... */
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

/* Tokens of a text on its own, without what a prompt puts around it.  n_bytes 0: up to
 * its NUL.  GRT_E_NO_MEMORY, GRT_E_TOO_LONG (over 1 GiB).  Thread safe. */
GRT_API GRT_NODISCARD grt_status grt_count_tokens(size_t *out, const grt_model *model,
                                                  const char *text, size_t n_bytes,
                                                  grt_error *err);

/* ---- Sessions ---- */

/* The working set for ranking.  One thread at a time. */
typedef struct grt_session grt_session;

/* Which layers stay in memory between requests. */
typedef enum grt_residency {
    GRT_RESIDENCY_AUTO = 0,     /* all while they fill less than half of the memory that
                                   is free; with memory_bytes: as many as fit */
    GRT_RESIDENCY_STREAMED = 1, /* two layers in memory, the next one being read: for a
                                   single request */
    GRT_RESIDENCY_RESIDENT = 2  /* all */
} grt_residency;

/* How hidden states are kept between layers. */
typedef enum grt_hidden_storage {
    GRT_HIDDEN_AUTO = 0, /* f32; with memory_bytes: the first that fits */
    GRT_HIDDEN_F32 = 1,
    GRT_HIDDEN_BF16 = 2, /* half the memory; logits move by some 1e-2 */
    GRT_HIDDEN_FILE = 3  /* f32 in a nameless temporary file, three chunks in memory */
} grt_hidden_storage;

/* "f32", "bf16" or "file"; "auto".  Static. */
GRT_API const char *grt_hidden_storage_text(grt_hidden_storage storage);

/* What matrices are multiplied in, and in attention weights and values.  Sums are f32
 * always, and so are the model's head, norms, and scores and softmax of attention. */
typedef enum grt_arithmetic {
    GRT_ARITHMETIC_AUTO = 0, /* bf16 where the CPU has units for it, else f32 */
    GRT_ARITHMETIC_F32 = 1,
    GRT_ARITHMETIC_BF16 = 2, /* weights and activations rounded to 8 bits of mantissa;
                                f32 where the CPU has no units for it */
    GRT_ARITHMETIC_INT8 = 3  /* weights and activations rounded to whole numbers within
                                +-127, with a scale for each 256 inputs of a row (AVX2
                                without VNNI: weights within +-63); never chosen by
                                AUTO; the same as AUTO where the CPU cannot */
} grt_arithmetic;

/* "auto", "f32", "bf16" or "int8".  Static. */
GRT_API const char *grt_arithmetic_text(grt_arithmetic arithmetic);

typedef struct grt_session_options {
    size_t struct_size;
    size_t n_threads; /* workers, the caller's thread included; 0: one per usable CPU */
    /* What the whole process may have resident at its peak, this session's requests
     * included; 0: no promise.  Each request is planned before its first token is
     * computed, and refused when the plan does not fit.  Layers are then read past the
     * page cache where the file system allows. */
    uint64_t memory_bytes;
    grt_residency residency;
    grt_hidden_storage hidden;
    size_t chunk_rows;    /* tokens worked on at a time; 0: chosen by the plan */
    size_t n_cached_rows; /* of the token embedding; 0: a tenth of the vocabulary */
    const char *temporary_directory; /* kept; for GRT_HIDDEN_FILE; NULL: /var/tmp */
    int computes_prefix_apart; /* 1: each pair computes the rows that all pairs share */
    int computes_all_rows;     /* 1: also those of the last layer that nobody reads */
    grt_arithmetic arithmetic;
    /* For models whose layers have heads of their own
     * (bge-reranker-v2-minicpm-layerwise): requests run through so many layers and rank
     * by the head of the last one; 0: all. A profile, which is about all layers, is
     * then not read. */
    size_t cutoff_layer;
} grt_session_options;
/* clang-format off */
#define GRT_SESSION_OPTIONS_INIT {sizeof(grt_session_options), 0, 0, \
    GRT_RESIDENCY_AUTO, GRT_HIDDEN_AUTO, 0, 0, 0, 0, 0, GRT_ARITHMETIC_AUTO, 0}
/* clang-format on */

/* Creates a session on `model`, which is kept and must outlive it.
 * Errors: GRT_E_NO_MEMORY (also: the process has already had more than memory_bytes
 * resident), GRT_E_INVALID_ARG (more than 1,024 threads; a cutoff layer that has no
 * head: the text says which have one), GRT_E_UNSUPPORTED (a cutoff layer for a model
 * with one head). */
GRT_API GRT_NODISCARD grt_status grt_session_create(grt_session **out,
                                                    const grt_model *model,
                                                    const grt_session_options *options,
                                                    grt_error *err);
GRT_API void grt_session_free(grt_session *session);

/* Where the memory of a request goes, in bytes resident at the peak. */
typedef struct grt_memory_plan {
    uint64_t budget_bytes;  /* 0: none */
    uint64_t total_bytes;   /* sum of the parts below */
    uint64_t process_bytes; /* what is resident without the rest: program, libraries,
                               tokenizer, texts */
    uint64_t layers_bytes;
    uint64_t hidden_bytes;
    uint64_t chunk_bytes;     /* intermediates of one chunk */
    uint64_t embedding_bytes; /* cached rows */
    uint64_t scratch_bytes;   /* of threads; small arrays */
    size_t n_slots;           /* layers in memory */
    size_t n_layers;
    size_t chunk_rows;
    size_t n_cached_rows;
    grt_hidden_storage hidden;
    uint64_t smallest_bytes; /* the smallest budget that such a request works with */
} grt_memory_plan;

/* Plans a request of n_documents pairs of n_tokens tokens each, nothing of them shared.
 * GRT_E_NO_MEMORY when it does not fit options->memory_bytes; the text names the
 * smallest budget that works, and out->smallest_bytes is filled then too. */
GRT_API GRT_NODISCARD grt_status grt_plan_memory(grt_memory_plan *out,
                                                 const grt_model *model,
                                                 const grt_session_options *options,
                                                 size_t n_documents, size_t n_tokens,
                                                 grt_error *err);

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

/* When candidates are decided before the last layer; docs/algorithms/selection.md. */
typedef enum grt_policy {
    GRT_POLICY_DEFAULT = 0, /* bound */
    GRT_POLICY_NONE = 1,    /* all run to the end: the full forward pass */
    GRT_POLICY_CLUSTER = 2, /* the published one: clusters of scores */
    GRT_POLICY_BOUND = 3,   /* calibrated: the precision that is asked for */
    GRT_POLICY_SCHEDULE = 4 /* by count, for benchmarks */
} grt_policy;

/* "default", "none", "cluster", "bound" or "schedule".  Static. */
GRT_API const char *grt_policy_text(grt_policy policy);

/* After `layer` layers the n_select best candidates are selected and the n_drop worst
 * dropped. */
typedef struct grt_schedule_entry {
    size_t layer;
    size_t n_select;
    size_t n_drop;
} grt_schedule_entry;

/* How a candidate was decided. */
typedef enum grt_state {
    GRT_STATE_FINISHED = 0, /* ran through all layers */
    GRT_STATE_SELECTED = 1, /* chosen before the last layer */
    GRT_STATE_DROPPED = 2,  /* discarded before the last layer */
    GRT_STATE_ACTIVE = 3    /* in a trace: goes on */
} grt_state;

/* "finished", "selected", "dropped" or "active".  Static. */
GRT_API const char *grt_state_text(grt_state state);

/* The candidates that computed a layer, their scores after it and what became of them.
 * Called on the thread that called grt_rank; all is borrowed for the call. */
typedef struct grt_trace_step {
    size_t layer; /* layers computed, from 1 */
    size_t n_layers;
    size_t n;                /* candidates */
    const size_t *indices;   /* [n] positions in the request's documents */
    const float *scores;     /* [n] logits as the policy reads them */
    const grt_state *states; /* [n] */
} grt_trace_step;
typedef void grt_trace_fn(const grt_trace_step *step, void *payload);

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
    grt_policy policy;
    float precision;    /* bound, cluster: expected share of the full pass's top K that
                           comes back, below 1; 0: 0.99 */
    int keeps_order;    /* 1: drop only; the top K run to the end, so that their order
                           and scores are those of the full pass */
    float dispersion;   /* cluster: threshold on |std / mean| of the scores; 0: the
                           profile's, or 0.5 */
    size_t n_clusters;  /* cluster: at most; 0: 4 */
    size_t first_layer; /* no decision after fewer layers; 0: the policy's own.  Where
                           layers have heads, never before the first of them */
    const grt_schedule_entry *schedule; /* [n_schedule], for GRT_POLICY_SCHEDULE */
    size_t n_schedule;
    grt_trace_fn *trace; /* NULL: none */
    void *trace_payload;
} grt_request;
/* clang-format off */
#define GRT_REQUEST_INIT {sizeof(grt_request), 0, 0, 0, 0, 0, 0, 0, 0, 0, \
    GRT_POLICY_DEFAULT, 0, 0, 0, 0, 0, 0, 0, 0, 0}
/* clang-format on */

typedef struct grt_item {
    size_t index; /* position in the request's documents */
    float score;  /* 0..1: the logistic function of `logit` */
    float logit;  /* what the model's head gives; of those decided early, as the policy
                     read it then */
    grt_state state;
    size_t decided_at_layer; /* layers computed for it when it was decided */
    size_t n_tokens;         /* tokens of the pair as computed */
    int truncated;           /* 1: the document or query was cut to the model's limit */
} grt_item;

typedef struct grt_stats {
    size_t n_documents;
    size_t n_layers;
    uint64_t n_tokens;             /* of all pairs */
    uint64_t tokens_x_layers;      /* token rows computed, summed over layers */
    uint64_t full_tokens_x_layers; /* what the full pass over unshared rows computes */
    uint64_t candidates_x_layers;  /* layers computed, summed over candidates */
    uint64_t weight_bytes;         /* of layers, read for this request */
    uint64_t embedding_bytes;      /* of the token embedding, read for this request */
    uint64_t read_ns;              /* reading layers, beside the computation */
    uint64_t wait_ns;              /* waiting for layers */
    uint64_t memory_bytes;         /* most that the library had allocated so far */
    uint64_t tokenize_ns;
    uint64_t compute_ns;
    uint64_t total_ns;
    grt_memory_plan plan;
    grt_policy policy; /* never GRT_POLICY_DEFAULT */
    float precision;   /* asked for; 0 where the policy promises none */
    int has_profile;   /* 1: the policy's numbers come from a profile */
    float drift;       /* bound with a profile: how many times farther than on the
                          queries of the calibration scores moved from layer to layer, at
                          least 1; bounds were widened by it.  Well above 1 (2 and more):
                          another kind of text.  Else 0 */
    size_t n_prefix;   /* rows that all pairs share, computed once per layer */
    const char *isa;   /* instruction set of the matrix kernels; static */
    grt_arithmetic arithmetic; /* never GRT_ARITHMETIC_AUTO */
} grt_stats;

/* Owned by the caller of grt_rank; independent of its session. */
typedef struct grt_result grt_result;

/* Ranks the request's documents.  All N come back, best first; equal logits keep the
 * order of the request.  The first min(k, N) are the top K.
 *
 * Candidates decided before the last layer keep the score that they had then: selected
 * ones rank above all others, earlier ones first, and dropped ones below, later ones
 * first.  When all are wanted (k is 0 or at least N) nobody is decided early.
 *
 * Pairs longer than the model's limit are cut at the end of the longer text, never
 * silently: see grt_item.truncated.
 *
 * Errors: GRT_E_INVALID_ARG (no query, no documents, a NULL document),
 * GRT_E_UNSUPPORTED (an instruction for a model that takes none), GRT_E_TOO_LONG (the
 * instruction leaves no room), GRT_E_IO and GRT_E_FORMAT (the checkpoint could not be
 * read or holds a value that is not finite), GRT_E_CANCELLED, GRT_E_NO_MEMORY (also:
 * the request does not fit memory_bytes; the text names the smallest budget that
 * works). The session stays usable after each. */
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

/* ---- Calibration ---- */

/* Fits the policies to a model and a kind of queries, from full passes over unlabelled
 * queries; docs/algorithms/calibration.md.  Queries are added one by one, and what was
 * computed for them is kept in a file, so that an interrupted calibration goes on where
 * it stopped.  One thread at a time. */
typedef struct grt_calibration grt_calibration;

typedef struct grt_calibration_options {
    size_t struct_size;
    const char *samples_path; /* the file that is kept; must not be NULL */
    const char *profile_path; /* to write; NULL: where grt_model_open looks for it */
    float precision;          /* the target that the report is about; 0: 0.99 */
    size_t k_max; /* largest K of the report and the profile (1, 5, 10, ...); 0: 10 */
    grt_session_options session; /* for the full passes; no cutoff layer */
} grt_calibration_options;
/* clang-format off */
#define GRT_CALIBRATION_OPTIONS_INIT {sizeof(grt_calibration_options), 0, 0, 0, 0, \
    GRT_SESSION_OPTIONS_INIT}
/* clang-format on */

/* Opens the samples file or creates it.  `model` is kept.  GRT_E_FORMAT when the file
 * was made for another model or is damaged (a last record that was cut off by an
 * interruption is dropped), GRT_E_IO, GRT_E_NO_MEMORY, GRT_E_INVALID_ARG,
 * GRT_E_UNSUPPORTED (a model of one layer). */
GRT_API GRT_NODISCARD grt_status
grt_calibration_open(grt_calibration **out, const grt_model *model,
                     const grt_calibration_options *options, grt_error *err);

/* Queries that the file holds. */
GRT_API size_t grt_calibration_count(const grt_calibration *calibration);

/* Ranks the request's documents in full and appends what every layer gave; does nothing
 * when the file holds this query with these documents already.  Policy, k and trace are
 * not read.  At least 2 documents.  Errors as of grt_rank, and GRT_E_IO when the file
 * cannot be written: what was there before stays. */
GRT_API GRT_NODISCARD grt_status grt_calibration_add(grt_calibration *calibration,
                                                     const grt_request *request,
                                                     grt_error *err);

/* One policy at one K, on queries that the fit has not seen. */
typedef struct grt_calibration_row {
    grt_policy policy;
    int has_readouts; /* 0: scores from the model's own head */
    size_t k;
    float precision; /* asked for */
    float reached;   /* mean share of the full pass's top K that comes back */
    float reached_low, reached_high; /* 95 % interval of that mean (bootstrap) */
    float computed;                  /* layers x candidates, share of the full pass */
    float drift; /* mean of grt_stats.drift; 1 where the policy watches none */
} grt_calibration_row;

enum { GRT_CALIBRATION_MAX_ROWS = 32, GRT_CALIBRATION_MAX_LAYERS = 1000 };

typedef struct grt_calibration_report {
    size_t n_fitted;   /* queries that readouts and policies were fitted on */
    size_t n_reported; /* other queries, which the rows are about */
    size_t n_layers;
    size_t n_rows;
    grt_calibration_row rows[GRT_CALIBRATION_MAX_ROWS];
    /* [n_layers - 1] Goodman-Kruskal gamma between the order after layer l + 1 and the
     * final order, on the reported queries: by the model's head, and by the readouts */
    float gamma_head[GRT_CALIBRATION_MAX_LAYERS];
    float gamma_readout[GRT_CALIBRATION_MAX_LAYERS];
    char profile_path[1024];
} grt_calibration_report;

/* Called now and then while fitting: `done` of `total` steps.  Return 0 to go on. */
typedef int grt_calibration_progress_fn(size_t done, size_t total, void *payload);

/* Fits on three quarters of the queries, reports on the others, and writes the profile.
 * GRT_E_INVALID_ARG with fewer than 8 queries, GRT_E_CANCELLED, GRT_E_IO (nothing is
 * left half written), GRT_E_NO_MEMORY. */
GRT_API GRT_NODISCARD grt_status grt_calibration_fit(
    grt_calibration *calibration, grt_calibration_report *out,
    grt_calibration_progress_fn *progress, void *payload, grt_error *err);

GRT_API void grt_calibration_close(grt_calibration *calibration);

/* ---- What this machine runs ---- */

/* One variant of one kernel, as it stands in the dispatch list (best first). */
typedef struct grt_kernel_info {
    const char *operation; /* "gemm_f32" */
    const char *isa;       /* "amx_bf16", "avx512_bf16", "avx512", "avx2", "neon_bf16",
                              "neon", "scalar" */
    int is_chosen;         /* 1: sessions use this one */
    const char *reason;    /* why it was passed over: "this CPU lacks it" (or the system
                              keeps it back), "capped by GRT_ISA", "a better one runs";
                              NULL when chosen */
} grt_kernel_info;

/* Fills `*out` with entry `i` of all lists; GRT_E_INVALID_ARG past the end. */
GRT_API GRT_NODISCARD grt_status grt_kernel_describe(size_t i, grt_kernel_info *out);

/* CPU features found, as a space-separated list ("avx2 avx512").  Static. */
GRT_API const char *grt_cpu_features_text(void);

#ifdef __cplusplus
}
#endif
#endif /* GRATING_H */
