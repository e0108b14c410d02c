/*
 * grating.h - semantic top-K selection on your own machine.
 *
 * A reranker reads (query, document) pairs with a transformer and says how well each
 * document answers the query.  This header opens the checkpoints people already have
 * and returns the K best of N documents:
 *
 *     grt_error err;
 *     grt_model *model = NULL;
 *     grt_result *result = NULL;
 *     if (grt_model_open(&model, NULL, "models/grating-small", NULL, &err))
 *         ... err.text says what was wrong, in one line ...
 *     grt_request request = GRT_REQUEST_INIT;
 *     request.query = "how do owls hunt";
 *     request.documents = documents;     (array of NUL-terminated UTF-8 strings)
 *     request.n_documents = 20;
 *     request.k = 5;
 *     if (grt_rank(&result, model, &request, &err)) ...
 *     const size_t *indices = grt_result_indices(result);
 *     const float *scores = grt_result_scores(result);
 *     for (size_t i = 0; i < grt_result_top(result); i++)
 *         ... documents[indices[i]] has scores[i] ...
 *     grt_result_free(result);
 *     grt_model_close(model);
 *
 * Objects, each made from the one before:
 *
 *     grt_engine    threads and a memory budget; one for a process is usual
 *     grt_model     an open checkpoint; its weights are in memory once
 *     grt_ranking   one request in progress, a layer at a time
 *     grt_result    what came out; independent of all others
 *
 * Conventions, true for every function unless its comment says otherwise:
 *   - Returns GRT_OK (0) or a negative grt_status; outputs are written only on GRT_OK.
 *   - Output pointers come first; `err` may be NULL and comes last.
 *   - Sizes are bytes when named `_bytes`, counts when named `n_` or `_count`,
 * nanoseconds when named `_ns`.
 *   - Whoever gets a pointer through `out` owns it and releases it with the matching
 * _free or _close; these accept NULL.  A returned `const T *` is borrowed and lives as
 * long as its parent.
 *   - Arguments are copied unless the comment says that they are kept or borrowed.
 *   - Structs begin with their size (grt_error apart, which never changes).  Initialise
 * them with their _INIT macro; a field that is 0 or NULL asks for the default.  New
 * fields are added at the end only: a program built with an older header gets what it
 * knows, and one built with a newer header is refused only when it sets a field that
 * this library does not know.  docs/ABI.md.
 *   - Text is UTF-8.  A text's length GRT_NUL_TERMINATED says that it ends at its NUL.
 * Invalid bytes are read as U+FFFD, one for each maximal invalid part, and never make a
 * call fail.  Text in requests never produces control tokens.
 *
 * Threads: engines and models are thread safe; a ranking is used by one thread at a
 * time, but any thread may cancel it; a result is immutable.  Threads of the library
 * block all signals.  After fork a child must not use what its parent made: functions
 * that compute return GRT_E_UNSUPPORTED there.  docs/threads.md.
 *
 * Environment: GRT_ISA=scalar|avx2|avx_vnni|avx512|avx512_vnni|avx512_bf16|amx_bf16|
 * amx_int8, on 64-bit Arm scalar|neon|neon_dotprod|neon_bf16|neon_i8mm, caps the
 * instructions used. For models by name alone the variables are read that say where the
 * Hugging Face cache and Ollama's store are (HF_HOME, HF_HUB_CACHE, XDG_CACHE_HOME,
 * OLLAMA_MODELS, HOME ...).  Nothing else is read from the environment.  On a CPU with
 * AMX, and unless a cap leaves it out, the process is given Linux's permission for tile
 * data when the CPU is first asked about; alternate signal stacks must have room for it
 * (8 KiB).
 */
#ifndef GRATING_H
#define GRATING_H

#include <stddef.h>
#include <stdint.h>

#define GRT_VERSION_MAJOR 0
#define GRT_VERSION_MINOR 2
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
    X(E_NOT_FOUND,    -8, "file not found")                                      \
    X(E_BUSY,         -9, "fits once others have ended")

typedef enum grt_status {
#define GRT_X(name, value, text) GRT_##name = value,
    GRT_STATUS_LIST(GRT_X)
#undef GRT_X
    GRT_STATUS_FORCE_INT32 = 0x7fffffff
} grt_status;
/* clang-format on */

/* Filled on failure; lives on the caller's stack, so it needs no free.  Never grows. */
typedef struct grt_error {
    int32_t status; /* grt_status */
    int32_t reserved;
    int64_t offset;          /* byte offset in the file at fault, or -1 */
    uint64_t smallest_bytes; /* of GRT_E_NO_MEMORY and GRT_E_BUSY: the smallest budget
                                of the engine that works; 0: not known */
    char text[240]; /* one line that names the thing, no trailing period or newline */
} grt_error;

/* Static English text for a status; never NULL.  Thread safe. */
GRT_API const char *grt_status_text(grt_status status);

/* "0.2.0".  Static.  Thread safe. */
GRT_API const char *grt_version(void);

/* A text's length: it ends at its NUL. */
#define GRT_NUL_TERMINATED ((size_t)-1)

/* ---- Engines ---- */

/* Threads and a budget of bytes, for the models that are opened on it.  Thread safe.
 * Rankings of one engine take turns on its threads: the one that has had the least
 * time goes next, so that a large request does not hold up a small one. */
typedef struct grt_engine grt_engine;

/* How hidden states are kept between layers. */
typedef enum grt_hidden_storage {
    GRT_HIDDEN_AUTO = 0, /* f32; under a budget: the first that fits */
    GRT_HIDDEN_F32 = 1,
    GRT_HIDDEN_BF16 = 2, /* half the memory; logits move as with bf16 matrices */
    GRT_HIDDEN_FILE = 3  /* f32 in a nameless temporary file, three chunks in memory */
} grt_hidden_storage;

/* "f32", "bf16" or "file"; "auto".  Static. */
GRT_API const char *grt_hidden_storage_text(grt_hidden_storage storage);
/* The storage of that name; GRT_E_INVALID_ARG when there is none. */
GRT_API GRT_NODISCARD grt_status grt_hidden_storage_from_text(grt_hidden_storage *out,
                                                              const char *text);

typedef struct grt_engine_options {
    size_t struct_size;
    size_t n_threads; /* that compute, the caller's included; 0: one per usable CPU */
    /* What the library may have allocated for this engine: models, weights, hidden
     * states, scratch; 0: no limit.  Each ranking is planned before its first token is
     * computed, and refused when its plan does not fit beside the others.  Layers are
     * then read past the page cache where the file system allows.  Programs that
     * promise the size of a whole process subtract what else they have resident. */
    uint64_t memory_bytes;
    int32_t hidden;    /* grt_hidden_storage, of all rankings */
    int32_t reserved;  /* 0 */
    size_t chunk_rows; /* tokens worked on at a time; 0: chosen by the plan */
    const char *temporary_directory; /* for GRT_HIDDEN_FILE; NULL: /var/tmp */
} grt_engine_options;
/* clang-format off */
#define GRT_ENGINE_OPTIONS_INIT {sizeof(grt_engine_options), 0, 0, 0, 0, 0, 0}
/* clang-format on */

/* Starts the threads.  `options` may be NULL.
 * Errors: GRT_E_NO_MEMORY, GRT_E_INVALID_ARG (more than 1,024 threads). */
GRT_API GRT_NODISCARD grt_status grt_engine_create(grt_engine **out,
                                                   const grt_engine_options *options,
                                                   grt_error *err);

/* All models of the engine must be closed before. */
GRT_API void grt_engine_free(grt_engine *engine);

/* Sets the budget anew, for rankings that are opened from now on; 0: no limit.  What is
 * reserved already stays.  Thread safe. */
GRT_API void grt_engine_set_memory(grt_engine *engine, uint64_t memory_bytes);

/* Frees what models of the engine that have no ranking open keep for their next one:
 * layers in memory, scratch, hidden states.  It is made again when it is needed.  Waits
 * for a step that is being computed.  Thread safe. */
GRT_API void grt_engine_trim(grt_engine *engine);

/* What the engine holds.  Thread safe. */
typedef struct grt_engine_usage {
    size_t struct_size;
    uint64_t budget_bytes;    /* 0: no limit */
    uint64_t reserved_bytes;  /* by its models and rankings; never above the budget */
    uint64_t allocated_bytes; /* by the library in this process, now */
    uint64_t peak_bytes;      /* the most that it had allocated */
    uint64_t resident_bytes;  /* the part of allocated_bytes that has been touched */
    size_t n_threads;
    size_t n_models;
    size_t n_rankings; /* open */
} grt_engine_usage;
/* clang-format off */
#define GRT_ENGINE_USAGE_INIT {sizeof(grt_engine_usage), 0, 0, 0, 0, 0, 0, 0, 0}
/* clang-format on */

/* Fills *out, whose struct_size the caller has set.  GRT_E_INVALID_ARG without one. */
GRT_API GRT_NODISCARD grt_status grt_engine_describe(grt_engine *engine,
                                                     grt_engine_usage *out);

/* ---- Models by name ---- */

/* The bundled model that is used where none is named. */
#define GRT_DEFAULT_MODEL "grating-small"

/* Where a model is. */
typedef enum grt_model_source {
    GRT_SOURCE_PATH = 0,         /* at the path that was given */
    GRT_SOURCE_BUNDLED = 1,      /* came along with grating */
    GRT_SOURCE_HUGGING_FACE = 2, /* in the cache of the Hugging Face hub */
    GRT_SOURCE_OLLAMA = 3        /* in the store of Ollama */
} grt_model_source;

/* "path", "bundled", "hugging-face" or "ollama".  Static. */
GRT_API const char *grt_model_source_text(grt_model_source source);
GRT_API GRT_NODISCARD grt_status grt_model_source_from_text(grt_model_source *out,
                                                            const char *text);

/* A model that was found on this machine.  Texts end at their NUL; "": none. */
typedef struct grt_model_place {
    size_t struct_size;
    int32_t source;   /* grt_model_source */
    int32_t reserved; /* 0 */
    char name[512];   /* by which grt_model_open opens it; "": a path that is longer */
    char path[4096];  /* "": it cannot be opened */
    char note[512];   /* why it cannot, or what was chosen where there was a choice */
} grt_model_place;
/* clang-format off */
#define GRT_MODEL_PLACE_INIT {sizeof(grt_model_place), 0, 0, {0}, {0}, {0}}
/* clang-format on */

/* Looks a model up; what is in it is not looked at.  `name` is a path, the name of a
 * bundled model, "owner/name" in the Hugging Face cache, also with "@revision" or, of
 * several GGUF files, ":Q4_K_M", or "ollama:name"; NULL is GRT_DEFAULT_MODEL.  Nothing
 * is downloaded.
 * Errors: GRT_E_NOT_FOUND (nobody has it: the text says what would fetch it),
 * GRT_E_UNSUPPORTED (it is there and cannot be opened: a download that was not
 * finished, several files to choose from), GRT_E_INVALID_ARG.  Thread safe, while
 * nobody changes the environment. */
GRT_API GRT_NODISCARD grt_status grt_model_find(grt_model_place *out, const char *name,
                                                grt_error *err);

/* Called for one model, which is borrowed for the call.  Not 0 ends the walk. */
typedef int grt_model_place_fn(const grt_model_place *found, void *payload);

/* Calls `fn` for all models: bundled ones, then the Hugging Face cache, then Ollama's
 * store, each by name; returns what it returned last, or 0; GRT_E_IO or GRT_E_NO_MEMORY
 * where a folder could not be looked through. */
GRT_API int grt_models_walk(grt_model_place_fn *fn, void *payload);

/* ---- Models ---- */

/* An open checkpoint, with the layers that are in memory.  Thread safe. */
typedef struct grt_model grt_model;

/* Which layers stay in memory between rankings. */
typedef enum grt_residency {
    GRT_RESIDENCY_AUTO = 0,     /* all while they fill less than half of the memory that
                                   is free; under a budget: as many as fit */
    GRT_RESIDENCY_STREAMED = 1, /* two layers in memory, the next one being read: for a
                                   single request; one where the budget leaves no
                                   room for two */
    GRT_RESIDENCY_RESIDENT = 2  /* all */
} grt_residency;

/* What matrices are multiplied in, and in attention weights and values.  Sums are f32
 * always, and so are the model's head, norms, and scores and softmax of attention.  How
 * far each moves the logits differs from model to model: grt_model_effect.  A profile
 * serves the arithmetic that it was made in, finer ones (f32 is finer than bf16, bf16
 * than int8), and those that its calibration measured beside it: spreads are widened by
 * what they add.  In others it is not used, and a grt_note says so. */
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
GRT_API GRT_NODISCARD grt_status grt_arithmetic_from_text(grt_arithmetic *out,
                                                          const char *text);

typedef struct grt_model_options {
    size_t struct_size;
    /* The profile that `grating calibrate` made.  NULL: what is there of, in this
     * order, FINGERPRINT.profile.safetensors in profile_folder, and
     * "grating.profile.safetensors" in a model's directory or
     * "MODEL.profile.safetensors" beside a GGUF file.  "": none. */
    const char *profile_path;
    int32_t arithmetic; /* grt_arithmetic */
    int32_t residency;  /* grt_residency */
    /* For models whose layers have heads of their own
     * (bge-reranker-v2-minicpm-layerwise): requests run through so many layers and rank
     * by the head of the last one; 0: all.  A profile, which is about all layers, is
     * then not read. */
    size_t cutoff_layer;
    size_t n_cached_rows; /* of the token embedding; 0: a tenth of the vocabulary */
    /* Profiles of any models, under names that are made of names, shapes and weights of
     * their tensors: a user's own calibrations, also of models in places that he cannot
     * write to.  NULL, or a folder that is not there: none. */
    const char *profile_folder;
} grt_model_options;
/* clang-format off */
#define GRT_MODEL_OPTIONS_INIT {sizeof(grt_model_options), 0, 0, 0, 0, 0, 0}
/* clang-format on */

/* Opens the checkpoint at `path`: a Hugging Face directory (config.json,
 * model.safetensors or its shards with model.safetensors.index.json, and tokenizer
 * files) or a GGUF file (v2, v3; of a split one the first part).  Where nothing is at
 * `path` it may be a name, as of grt_model_find.  Reads names, shapes
 * and the tokenizer; weights are read when a ranking needs them.  When a file changes
 * while the model is open, results are GRT_E_IO until it is closed and opened again; a
 * file that is deleted or replaced by another of its name stays the one that was
 * opened.  `engine` is kept and must outlive the model; NULL: the model gets one of its
 * own, with default options.  `options` may be NULL.
 *
 * Errors: GRT_E_NOT_FOUND (nothing there), GRT_E_IO, GRT_E_FORMAT (malformed,
 * truncated, duplicate, overlapping or wrongly shaped tensors: `err->text` names file
 * and tensor, `err->offset` the byte), GRT_E_UNSUPPORTED (an architecture, storage type
 * or tokenizer that this version does not know: the text says which and lists those
 * that it knows; a checkpoint that has no reranking head: the text says what it is; a
 * cutoff layer for a model with one head), GRT_E_INVALID_ARG (a cutoff layer that has
 * no head: the text says which have one), GRT_E_NO_MEMORY (also: it does not fit the
 * engine's budget).  A profile that is damaged, or that was made for another
 * checkpoint, is GRT_E_FORMAT too. */
GRT_API GRT_NODISCARD grt_status grt_model_open(grt_model **out, grt_engine *engine,
                                                const char *path,
                                                const grt_model_options *options,
                                                grt_error *err);

/* All rankings and calibrations of the model must be freed before. */
GRT_API void grt_model_close(grt_model *model);

/* The engine that the model was opened on, or its own.  Borrowed from the model. */
GRT_API grt_engine *grt_model_engine(const grt_model *model);

/* What a checkpoint is.  Strings are borrowed from the model. */
typedef struct grt_model_info {
    size_t struct_size;
    const char *architecture; /* the family: "bert", "roberta", "electra", "modernbert",
                                 "qwen2", "qwen3", "minicpm", "gemma", "gemma3",
                                 "llama" */
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
    const char *profile;        /* path of the profile in use; NULL: none */
    int32_t arithmetic;         /* grt_arithmetic that runs here; never AUTO */
    int32_t profile_arithmetic; /* in which the profile in use was made; AUTO: it does
                                   not say, or there is none */
    const char *isa;            /* instruction set of the matrix kernels; static */
    size_t n_notes;             /* grt_model_note */
    const char *profile_home;   /* path at which a profile is looked for first: in the
                                   options' folder, or beside the checkpoint */
} grt_model_info;
/* clang-format off */
#define GRT_MODEL_INFO_INIT {sizeof(grt_model_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
/* clang-format on */

/* Fills `*out` up to the struct_size that the caller has set. */
GRT_API void grt_model_describe(const grt_model *model, grt_model_info *out);

/* What an arithmetic does to the model's final logits, beside the one that its profile
 * was made in: measured by a calibration on a part of its pairs. */
typedef struct grt_arithmetic_effect {
    size_t struct_size;
    int32_t is_known; /* 0: nobody has measured it, and the rest is 0 */
    int32_t is_safe;  /* 1: `share` is at most 0.05 */
    size_t n_pairs;   /* measured on so many; 0: the profile's own arithmetic */
    float mean;       /* size of a logit's difference */
    float largest;    /* the same */
    float share; /* what the difference of two logits of one query moves by, as a share
                    of such differences (root mean squares) */
    float kept;  /* mean share of a query's 10 best that stays; 1 where no query had
                    more documents */
} grt_arithmetic_effect;
/* clang-format off */
#define GRT_ARITHMETIC_EFFECT_INIT {sizeof(grt_arithmetic_effect), 0, 0, 0, 0, 0, 0, 0}
/* clang-format on */

/* Fills *out for an arithmetic other than AUTO; GRT_E_INVALID_ARG for others. */
GRT_API GRT_NODISCARD grt_status grt_model_effect(const grt_model *model,
                                                  grt_arithmetic arithmetic,
                                                  grt_arithmetic_effect *out);

/* One tensor of the checkpoint. */
typedef struct grt_tensor_view {
    size_t struct_size;
    const char *name;
    const char *dtype; /* storage type: "F32", "BF16", "Q8_0", "Q4_K", ... */
    const char *part;  /* "embedding", "layer", "head", or "unused" */
    int32_t layer;     /* of a layer's tensor, from 0; else -1 */
    uint32_t n_dims;
    uint64_t shape[4]; /* outermost first */
    const char *file;
    uint64_t offset_bytes;
    uint64_t size_bytes;
} grt_tensor_view;
/* clang-format off */
#define GRT_TENSOR_VIEW_INIT {sizeof(grt_tensor_view), 0, 0, 0, 0, 0, {0}, 0, 0, 0}
/* clang-format on */

/* Fills `*out` with tensor `i`, i < n_tensors, in file order.
 * GRT_E_INVALID_ARG when i is too large. */
GRT_API GRT_NODISCARD grt_status grt_model_tensor(const grt_model *model, size_t i,
                                                  grt_tensor_view *out);

/* Whom a note is for. */
typedef enum grt_note_level {
    GRT_NOTE_DETAIL = 0, /* whoever looks at the model: a key that is not read */
    GRT_NOTE_RESULT = 1  /* whoever uses its rankings: a default that was taken, sources
                            that disagree; scores may differ from what is expected */
} grt_note_level;

/* "detail" or "result".  Static. */
GRT_API const char *grt_note_level_text(grt_note_level level);
GRT_API GRT_NODISCARD grt_status grt_note_level_from_text(grt_note_level *out,
                                                          const char *text);

/* What the checkpoint's files left open when the model was opened, and how it was
 * taken, although nothing failed; a profile that is not used, or an arithmetic that is
 * not safe for the model. */
typedef struct grt_note {
    size_t struct_size;
    const char *text; /* one line that names file or key, no trailing period, at most
                         240 bytes; borrowed from the model */
    int32_t level;    /* grt_note_level */
    int32_t reserved;
} grt_note;
/* clang-format off */
#define GRT_NOTE_INIT {sizeof(grt_note), 0, 0, 0}
/* clang-format on */

/* Fills `*out` with note `i`, i < n_notes, in the order in which they were found; there
 * are 101 at most, the last of which then says that there is more.
 * GRT_E_INVALID_ARG when i is too large.  Thread safe. */
GRT_API GRT_NODISCARD grt_status grt_model_note(const grt_model *model, size_t i,
                                                grt_note *out);

/* Tokens of a text on its own, without what a prompt puts around it.
 * GRT_E_NO_MEMORY, GRT_E_TOO_LONG (over 1 GiB).  Thread safe. */
GRT_API GRT_NODISCARD grt_status grt_count_tokens(size_t *out, const grt_model *model,
                                                  const char *text, size_t n_bytes,
                                                  grt_error *err);

/* ---- Memory ---- */

/* Where the memory of a ranking goes, in bytes that the library allocates. */
typedef struct grt_memory_plan {
    size_t struct_size;
    uint64_t budget_bytes; /* of the engine; 0: none */
    uint64_t total_bytes;  /* sum of the parts below */
    uint64_t other_bytes;  /* reserved by other models and rankings, and by this model
                              for its tokenizer and tables */
    uint64_t layers_bytes; /* weights, as stored in the file */
    uint64_t hidden_bytes; /* hidden states */
    uint64_t chunk_bytes;  /* intermediates of one chunk */
    uint64_t embedding_bytes; /* cached rows */
    uint64_t scratch_bytes;   /* of threads; small arrays; tokens */
    uint64_t smallest_bytes;  /* the smallest budget that such a ranking works with */
    size_t n_slots;           /* layers in memory */
    size_t n_layers;
    size_t chunk_rows;
    size_t n_cached_rows;
    int32_t hidden; /* grt_hidden_storage */
    int32_t reserved;
} grt_memory_plan;
/* clang-format off */
#define GRT_MEMORY_PLAN_INIT {sizeof(grt_memory_plan), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
    0, 0, 0, 0}
/* clang-format on */

/* Plans a ranking of n_documents pairs of n_tokens tokens each, nothing of them shared,
 * beside what the engine holds now.  GRT_E_NO_MEMORY or GRT_E_BUSY when it does not fit
 * the budget; *out is filled then too.  Thread safe. */
GRT_API GRT_NODISCARD grt_status grt_plan_memory(grt_memory_plan *out, grt_model *model,
                                                 size_t n_documents, size_t n_tokens,
                                                 grt_error *err);

/* ---- Requests ---- */

/* When candidates are decided before the last layer; docs/algorithms/selection.md. */
typedef enum grt_policy {
    GRT_POLICY_DEFAULT = 0, /* bound */
    GRT_POLICY_NONE = 1,    /* all run to the end: the full forward pass */
    GRT_POLICY_CLUSTER = 2, /* the published one: clusters of scores */
    GRT_POLICY_BOUND = 3    /* calibrated: the precision that is asked for */
} grt_policy;

/* "default", "none", "cluster" or "bound".  Static. */
GRT_API const char *grt_policy_text(grt_policy policy);
GRT_API GRT_NODISCARD grt_status grt_policy_from_text(grt_policy *out,
                                                      const char *text);

/* What the promise of a policy covers. */
typedef enum grt_promise {
    GRT_PROMISE_DEFAULT = 0, /* order */
    GRT_PROMISE_SET = 1,     /* who is in the top K */
    /* And in which order: a member computes on until its place among the others is
     * settled, which matters more at the top.  What the order may lose is 1 - precision
     * of its DCG, with gains from 0 for the K-th to 1 for the first.  Where nothing
     * predicts the last layer's logit (no profile, or GRT_POLICY_CLUSTER) the top K run
     * to the end. */
    GRT_PROMISE_ORDER = 2,
    GRT_PROMISE_SCORES = 3 /* and with which score: the top K run to the end */
} grt_promise;

/* "default", "set", "order" or "scores".  Static. */
GRT_API const char *grt_promise_text(grt_promise promise);
GRT_API GRT_NODISCARD grt_status grt_promise_from_text(grt_promise *out,
                                                       const char *text);

typedef struct grt_policy_options {
    size_t struct_size;
    int32_t policy;     /* grt_policy */
    int32_t promise;    /* grt_promise */
    float precision;    /* bound, cluster: expected share of the full pass's top K that
                           comes back, below 1; 0: 0.99 */
    float dispersion;   /* cluster: threshold on |std / mean| of the scores; 0: the
                           profile's, or 0.5 */
    size_t n_clusters;  /* cluster: at most; 0: 4 */
    size_t first_layer; /* no decision after fewer layers; 0: the policy's own.  Where
                           layers have heads, never before the first of them */
} grt_policy_options;
/* clang-format off */
#define GRT_POLICY_OPTIONS_INIT {sizeof(grt_policy_options), 0, 0, 0, 0, 0, 0}
/* clang-format on */

/* What happens to a document that is too long. */
typedef enum grt_long_documents {
    GRT_LONG_CUT = 0,   /* cut at its end, and marked GRT_FLAG_TRUNCATED */
    GRT_LONG_BEST = 1,  /* split into chunks that share one place in the ranking: the
                           best counts */
    GRT_LONG_REFUSE = 2 /* GRT_E_TOO_LONG names the document */
} grt_long_documents;

/* "cut", "best" or "refuse".  Static. */
GRT_API const char *grt_long_documents_text(grt_long_documents value);
GRT_API GRT_NODISCARD grt_status grt_long_documents_from_text(grt_long_documents *out,
                                                              const char *text);

/* All pointers are borrowed: by grt_rank for the call, by grt_ranking_open until the
 * first grt_ranking_step has returned. */
typedef struct grt_request {
    size_t struct_size;
    const char *query; /* must not be NULL */
    size_t query_bytes;
    const char *const *documents; /* [n_documents] */
    const size_t *document_bytes; /* [n_documents], or NULL: each ends at its NUL */
    size_t n_documents;           /* at least 1 */
    size_t k;                     /* how many are wanted; 0 or more than N: all */
    const char *instruction;      /* for models that take one; NULL: the model's own */
    size_t instruction_bytes;
    const grt_policy_options *policy; /* NULL: defaults */
    /* Nanoseconds from the opening of the ranking after which no further chunk is
     * computed: the order as it stands is the result, and grt_stats.deadline_hit is 1.
     * Chunks are made so small that one takes a 32nd of it; it ends later than that
     * only by the chunk at hand, which holds one whole document at least, or by a
     * document that is tokenized, or a MiB that is read.  Before the first layer's
     * scores, at about 1 / n_layers of the time, there is no order but the request's.
     * 0: none. */
    uint64_t deadline_ns;
    size_t
        max_document_tokens; /* of a document's own tokens; 0: what the model takes */
    int32_t long_documents;  /* grt_long_documents */
    float min_score; /* 0..1: grt_result_top counts no candidate below it; 0: all */
    /* [n_documents], or NULL: added to each document's logit at every layer before
     * anything is decided (recency, importance, popularity), so that the top K is that
     * of the sum.  Finite. */
    const float *priors;
} grt_request;
/* clang-format off */
#define GRT_REQUEST_INIT {sizeof(grt_request), 0, GRT_NUL_TERMINATED, 0, 0, 0, 0, 0, \
    GRT_NUL_TERMINATED, 0, 0, 0, 0, 0, 0}
/* clang-format on */

/* ---- Ranking ---- */

/* How a candidate was decided. */
typedef enum grt_state {
    GRT_STATE_FINISHED = 0, /* ran through all layers */
    GRT_STATE_SELECTED = 1, /* chosen before the last layer */
    GRT_STATE_DROPPED = 2,  /* discarded before the last layer */
    GRT_STATE_ACTIVE = 3    /* not decided: goes on, or was stopped by a deadline */
} grt_state;

/* "finished", "selected", "dropped" or "active".  Static. */
GRT_API const char *grt_state_text(grt_state state);
GRT_API GRT_NODISCARD grt_status grt_state_from_text(grt_state *out, const char *text);

/* What came out of a ranking.  Immutable. */
typedef struct grt_result grt_result;

/* Ranks the request's documents: grt_ranking_open, grt_ranking_step to the end and
 * grt_ranking_result in one.  All N come back, best first; equal logits keep the order
 * of the request.
 *
 * Candidates decided before the last layer have the logit that a profile predicts for
 * them, without one that which they had then.  When all are wanted (k is 0 or at least
 * N) nobody is decided early.
 *
 * Pairs longer than the model's limit are cut at the end of the longer text, never
 * silently: see GRT_FLAG_TRUNCATED and GRT_FLAG_QUERY_TRUNCATED.
 *
 * Errors: GRT_E_INVALID_ARG (no query, no documents, a NULL document, a prior that is
 * not finite), GRT_E_UNSUPPORTED (an instruction for a model that takes none; a use
 * after fork), GRT_E_TOO_LONG (the instruction leaves no room; a document that is
 * refused), GRT_E_IO and GRT_E_FORMAT (the checkpoint could not be read or holds a
 * value that is not finite), GRT_E_NO_MEMORY (also: the request does not fit the
 * engine's budget), GRT_E_BUSY (it fits when others have ended).  The model stays
 * usable after each.  Thread safe. */
GRT_API GRT_NODISCARD grt_status grt_rank(grt_result **out, grt_model *model,
                                          const grt_request *request, grt_error *err);

/* One request in progress.  One thread at a time; grt_ranking_cancel from any.
 *
 *     grt_ranking_open(&ranking, model, &request, &err)
 *     grt_step step = GRT_STEP_INIT;
 *     do
 *         grt_ranking_step(&step, ranking, &err)      ... show step.scores ...
 *     while (!step.is_done);
 *     grt_ranking_result(&result, ranking, &err)
 *     grt_ranking_free(ranking)
 */
typedef struct grt_ranking grt_ranking;

/* Checks the request; texts are read by the first step.  Errors as of grt_rank. */
GRT_API GRT_NODISCARD grt_status grt_ranking_open(grt_ranking **out, grt_model *model,
                                                  const grt_request *request,
                                                  grt_error *err);

/* What one layer gave.  Arrays are borrowed until the ranking's next step. */
typedef struct grt_step {
    size_t struct_size;
    int32_t is_done; /* 1: nothing is left to compute */
    int32_t deadline_hit;
    size_t layer; /* layers computed; 0: texts were read, and memory is planned */
    size_t n_layers;
    size_t n_active; /* candidates that compute on */
    size_t n_selected;
    size_t n_dropped;
    uint64_t elapsed_ns; /* since the opening */
    /* The candidates that computed this layer; none where the layer has no scores. */
    size_t n;
    const size_t *indices;    /* [n] positions in the request's documents */
    const float *scores;      /* [n] logits as the policy reads them, priors included */
    const int32_t *states;    /* [n] grt_state */
    float expected_precision; /* of the order as it stands, as in grt_stats */
    int32_t reserved;
} grt_step;
/* clang-format off */
#define GRT_STEP_INIT {sizeof(grt_step), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
/* clang-format on */

/* The first step reads the texts and reserves memory, each further one computes one
 * layer.  After the last, or after a deadline, is_done is 1 and further steps change
 * nothing.  Errors as of grt_rank, and GRT_E_CANCELLED: within a chunk or a document's
 * tokenizing, or a MiB that is being read, of grt_ranking_cancel.  After an error the
 * ranking computes no further; its result is still there when there were scores. */
GRT_API GRT_NODISCARD grt_status grt_ranking_step(grt_step *out, grt_ranking *ranking,
                                                  grt_error *err);

/* Has the ranking stop soon: its step returns GRT_E_CANCELLED.  Any thread, any number
 * of times, while the ranking is not freed. */
GRT_API void grt_ranking_cancel(grt_ranking *ranking);

/* The order as it stands, at any time after the first step: when nothing is left to
 * compute it is the ranking; before, candidates that are not decided stand in the order
 * of their last scores, and before the first scores in that of their priors, else in
 * that of the request.
 * GRT_E_INVALID_ARG before the first step, GRT_E_NO_MEMORY. */
GRT_API GRT_NODISCARD grt_status grt_ranking_result(grt_result **out,
                                                    grt_ranking *ranking,
                                                    grt_error *err);

/* At any time, but not while a step runs. */
GRT_API void grt_ranking_free(grt_ranking *ranking);

/* ---- Results ---- */

/* Flags of a candidate. */
enum {
    GRT_FLAG_EXACT = 1,          /* its logit is the full pass's */
    GRT_FLAG_TRUNCATED = 2,      /* the document was cut to a limit */
    GRT_FLAG_QUERY_TRUNCATED = 4 /* the query was, in its pair with this document */
};

/* Columns of a result: arrays of grt_result_count values, best first, borrowed from it.
 * A grt_result is immutable. */

/* Candidates: the request's n_documents. */
GRT_API size_t grt_result_count(const grt_result *result);
/* The top K: the first min(k, N) candidates; fewer where min_score says so. */
GRT_API size_t grt_result_top(const grt_result *result);
/* Positions in the request's documents. */
GRT_API const size_t *grt_result_indices(const grt_result *result);
/* 0..1, never rising: the logistic function of the logit.  A candidate that was
 * selected early shows no less than one below it, one that was dropped no more than one
 * above it: who sorts by score gets the ranking.  Who compares scores with a threshold
 * asks for GRT_PROMISE_SCORES. */
GRT_API const float *grt_result_scores(const grt_result *result);
/* What the model's head gives, priors included.  Of those decided early: with
 * GRT_POLICY_BOUND and a profile, what it is predicted to give after the last layer;
 * else what the policy read when they were decided. */
GRT_API const float *grt_result_logits(const grt_result *result);
/* grt_state. */
GRT_API const int32_t *grt_result_states(const grt_result *result);
/* Layers computed when the candidate was decided. */
GRT_API const size_t *grt_result_layers(const grt_result *result);
/* Tokens of the pair as computed; of a split document, of its best chunk. */
GRT_API const size_t *grt_result_tokens(const grt_result *result);
/* GRT_FLAG_... */
GRT_API const uint32_t *grt_result_flags(const grt_result *result);

typedef struct grt_item {
    size_t struct_size;
    size_t index;
    float score;
    float logit;
    int32_t state; /* grt_state */
    uint32_t flags;
    size_t layer;
    size_t n_tokens;
} grt_item;
/* clang-format off */
#define GRT_ITEM_INIT {sizeof(grt_item), 0, 0, 0, 0, 0, 0, 0}
/* clang-format on */

/* The columns of candidate i, i < count, in one struct; GRT_E_INVALID_ARG past the end.
 */
GRT_API GRT_NODISCARD grt_status grt_result_item(const grt_result *result, size_t i,
                                                 grt_item *out);

typedef struct grt_stats {
    size_t struct_size;
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
    uint64_t turn_ns;              /* waiting for other rankings */
    uint64_t tokenize_ns;
    uint64_t compute_ns;
    uint64_t total_ns;     /* from the opening to the last step */
    uint64_t memory_bytes; /* most that the library had allocated so far */
    int32_t policy;        /* grt_policy, never GRT_POLICY_DEFAULT */
    int32_t promise;       /* grt_promise, never GRT_PROMISE_DEFAULT */
    float precision;       /* asked for; 0 where the policy promises none */
    int32_t has_profile;   /* 1: the policy's numbers come from a profile */
    float drift;           /* bound with a profile: how many times farther than on the
                              queries of the calibration scores moved from layer to layer, at
                              least 1; bounds were widened by it.  Well above 1 (2 and more):
                              another kind of text.  Else 0 */
    int32_t deadline_hit;  /* 1: the deadline ended it */
    /* Where candidates are not decided yet: the share of the full pass's top K that
     * stands in this one, as the scores' movements so far, or the profile, let expect.
     * Else the precision asked for; 0: nothing is known. */
    float expected_precision;
    int32_t arithmetic; /* grt_arithmetic, never AUTO */
    size_t n_prefix;    /* rows that all pairs share, computed once per layer */
    const char *isa;    /* instruction set of the matrix kernels; static */
} grt_stats;
/* clang-format off */
#define GRT_STATS_INIT {sizeof(grt_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
/* clang-format on */

/* Fills *out up to the struct_size that the caller has set. */
GRT_API void grt_result_stats(const grt_result *result, grt_stats *out);
GRT_API void grt_result_plan(const grt_result *result, grt_memory_plan *out);
GRT_API void grt_result_free(grt_result *result);

/* ---- Calibration ---- */

/* Fits the policies to a model and a kind of queries, from full passes over unlabelled
 * queries; docs/algorithms/calibration.md.  Queries are added one by one, and what was
 * computed for them is kept in a file, so that an interrupted calibration goes on where
 * it stopped.  One thread at a time; grt_calibration_cancel from any. */
typedef struct grt_calibration grt_calibration;

typedef struct grt_calibration_options {
    size_t struct_size;
    const char *samples_path; /* the file that is kept; must not be NULL */
    const char *profile_path; /* to write; NULL: grt_model_info.profile_home */
    float precision;          /* the target that the report is about; 0: 0.99 */
    int32_t replaces; /* 1: also a profile that rests on more queries than the fit */
    size_t k_max; /* largest K of the report and the profile (1, 5, 10, ...); 0: 10 */
} grt_calibration_options;
/* clang-format off */
#define GRT_CALIBRATION_OPTIONS_INIT {sizeof(grt_calibration_options), 0, 0, 0, 0, 0}
/* clang-format on */

/* Opens the samples file or creates it.  `model` is kept; it runs through all layers.
 * GRT_E_FORMAT when the file was made for another model or is damaged (a last record
 * that was cut off by an interruption is dropped), GRT_E_IO, GRT_E_NO_MEMORY,
 * GRT_E_INVALID_ARG (also: a model with a cutoff layer), GRT_E_UNSUPPORTED (a model of
 * one layer). */
GRT_API GRT_NODISCARD grt_status
grt_calibration_open(grt_calibration **out, grt_model *model,
                     const grt_calibration_options *options, grt_error *err);

/* Queries that the file holds. */
GRT_API size_t grt_calibration_count(const grt_calibration *calibration);

/* Queries that the profile rests on which stands where the new one is to be written; 0
 * when there is none that can be read, SIZE_MAX when it does not say.  A fit of fewer
 * queries does not replace it unless options.replaces says so. */
GRT_API size_t grt_calibration_replaced(const grt_calibration *calibration);

/* Ranks the request's documents in full and appends what every layer gave; does nothing
 * when the file holds this query with these documents already.  The first queries, and
 * a part of the others, are also ranked in the other arithmetics that this CPU has
 * units for, so that the profile knows what they do (grt_model_effect); where the
 * engine's budget does not suffice for that it is left out.  Policy, k, priors and
 * deadline are not read, long documents are cut.  At least 2 documents.  Errors as of
 * grt_rank, GRT_E_IO when the file cannot be written: what was there before stays; and
 * GRT_E_INVALID_ARG when the file holds queries that were computed in another
 * arithmetic than the model's. */
GRT_API GRT_NODISCARD grt_status grt_calibration_add(grt_calibration *calibration,
                                                     const grt_request *request,
                                                     grt_error *err);

/* How far grt_calibration_step has come with a query. */
typedef struct grt_calibration_progress {
    size_t struct_size;
    int32_t is_done; /* 1: nothing is left to compute */
    int32_t reserved;
    size_t done, total; /* layers computed for the query, in all arithmetics */
} grt_calibration_progress;
/* clang-format off */
#define GRT_CALIBRATION_PROGRESS_INIT {sizeof(grt_calibration_progress), 0, 0, 0, 0}
/* clang-format on */

/* grt_calibration_add a layer at a time: start, and step until is_done.  Texts are
 * borrowed until then, or until a step fails, which ends the query.  Errors as of
 * grt_calibration_add, and GRT_E_INVALID_ARG from start while a query is not done. */
GRT_API GRT_NODISCARD grt_status grt_calibration_start(grt_calibration *calibration,
                                                       const grt_request *request,
                                                       grt_error *err);
GRT_API GRT_NODISCARD grt_status grt_calibration_step(grt_calibration_progress *out,
                                                      grt_calibration *calibration,
                                                      grt_error *err);

/* Whether a fit of so many queries and documents in all would fit the engine's budget,
 * for those who would rather know before the passes; 0 queries: of what the samples
 * hold.  GRT_E_NO_MEMORY when it does not, with the budget that works. */
GRT_API GRT_NODISCARD grt_status
grt_calibration_plan_fit(const grt_calibration *calibration, size_t n_queries,
                         size_t n_documents, grt_error *err);

/* Has grt_calibration_add, _step or _fit stop soon with GRT_E_CANCELLED, as
 * grt_ranking_cancel.  Any thread, also from a signal handler; it stays so. */
GRT_API void grt_calibration_cancel(grt_calibration *calibration);

/* What a fit found. */
typedef struct grt_calibration_report {
    size_t struct_size;
    size_t n_fitted;   /* queries that readouts and policies were fitted on */
    size_t n_reported; /* other queries, which the rows are about */
    size_t n_layers;
    size_t n_rows;
    const char *profile_path; /* borrowed from the calibration */
} grt_calibration_report;
/* clang-format off */
#define GRT_CALIBRATION_REPORT_INIT {sizeof(grt_calibration_report), 0, 0, 0, 0, 0}
/* clang-format on */

/* Called now and then while fitting: `done` of `total` steps.  Return 0 to go on. */
typedef int grt_calibration_fit_fn(size_t done, size_t total, void *payload);

/* Fits on three quarters of the queries, reports on the others, and writes the profile.
 * GRT_E_INVALID_ARG with fewer than 8 queries, or where a profile that rests on more of
 * them would be replaced; GRT_E_CANCELLED, GRT_E_IO (nothing is
 * left half written), GRT_E_NO_MEMORY. */
GRT_API GRT_NODISCARD grt_status grt_calibration_fit(grt_calibration_report *out,
                                                     grt_calibration *calibration,
                                                     grt_calibration_fit_fn *progress,
                                                     void *payload, grt_error *err);

/* One policy at one K, on queries that the fit has not seen. */
typedef struct grt_calibration_row {
    size_t struct_size;
    int32_t policy;       /* grt_policy */
    int32_t has_readouts; /* 0: scores from the model's own head */
    size_t k;
    float precision; /* asked for */
    float reached;   /* mean share of the full pass's top K that comes back */
    float reached_low, reached_high; /* 95 % interval of that mean (Wilson) */
    float computed;                  /* layers x candidates, share of the full pass */
    float drift; /* mean of grt_stats.drift; 1 where the policy watches none */
} grt_calibration_row;
/* clang-format off */
#define GRT_CALIBRATION_ROW_INIT {sizeof(grt_calibration_row), 0, 0, 0, 0, 0, 0, 0, 0, 0}
/* clang-format on */

/* Row i of the last fit's report; GRT_E_INVALID_ARG past n_rows. */
GRT_API GRT_NODISCARD grt_status grt_calibration_report_row(
    const grt_calibration *calibration, size_t i, grt_calibration_row *out);

/* Goodman-Kruskal gamma between the order after `layer` layers, 1..n_layers - 1, and
 * the final order, on the reported queries: by the model's head, and by the readouts.
 * GRT_E_INVALID_ARG for other layers and before a fit. */
GRT_API GRT_NODISCARD grt_status grt_calibration_gamma(
    const grt_calibration *calibration, size_t layer, float *head, float *readout);

GRT_API void grt_calibration_close(grt_calibration *calibration);

/* ---- What this machine runs ---- */

/* One variant of one kernel, as it stands in the dispatch list (best first). */
typedef struct grt_kernel_info {
    size_t struct_size;
    const char *operation; /* "gemm_f32" */
    const char *isa;       /* "amx_bf16", "avx512_bf16", "avx512", "avx2", "neon_bf16",
                              "neon", "scalar" */
    int32_t is_chosen;     /* 1: models use this one */
    int32_t reserved;
    const char *reason; /* why it was passed over: "this CPU lacks it" (or the system
                           keeps it back), "capped by GRT_ISA", "a better one runs";
                           NULL when chosen */
} grt_kernel_info;
/* clang-format off */
#define GRT_KERNEL_INFO_INIT {sizeof(grt_kernel_info), 0, 0, 0, 0, 0}
/* clang-format on */

/* Fills `*out` with entry `i` of all lists; GRT_E_INVALID_ARG past the end. */
GRT_API GRT_NODISCARD grt_status grt_kernel_describe(size_t i, grt_kernel_info *out);

/* CPU features found, as a space-separated list ("avx2 avx512").  Static. */
GRT_API const char *grt_cpu_features_text(void);

#ifdef __cplusplus
}
#endif
#endif /* GRATING_H */
