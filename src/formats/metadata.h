/* metadata.h - what a checkpoint says about itself, as typed key-value pairs.
 *
 * GGUF key-values as they stand ("qwen3.block_count"); config.json flattened, with a
 * dot between levels ("rope_scaling.rope_type").  Arrays of strings, integers, floats
 * and booleans are kept as arrays; an array of one type of scalar only.  A JSON null is
 * as if it were absent but for grt_metadata_is_null.  Immutable once its reader
 * returned it. */
#ifndef GRT_FORMATS_METADATA_H
#define GRT_FORMATS_METADATA_H

#include "base/notes.h"

#include <stdbool.h>

enum { GRT_MAX_META_VALUES = 100000, GRT_MAX_KEY_BYTES = 512 };

typedef enum grt_meta_type {
    GRT_META_BOOL,
    GRT_META_INT,
    GRT_META_FLOAT,
    GRT_META_TEXT
} grt_meta_type;

typedef struct grt_text { /* not NUL-terminated in general; may hold any bytes */
    const char *data;
    size_t size;
} grt_text;

typedef struct grt_meta_value {
    const char *key;
    grt_meta_type type;
    bool is_array;
    size_t n; /* 1 for a scalar */
    union {
        const int64_t *ints; /* BOOL (0 or 1) and INT; u64 above INT64_MAX is refused */
        const double *floats;
        const grt_text *texts;
    };
} grt_meta_value;

/* A key that is there without a value of these types. */
typedef struct grt_meta_absent {
    const char *key;
    const char *what; /* NULL: null; "an object", whose members have keys of their own;
                         "a list of mixed values" */
} grt_meta_absent;

typedef struct grt_metadata {
    grt_arena arena;
    grt_notes notes;    /* of readers; grt_checkpoint_open takes them over */
    const char *source; /* path of the file, for messages */
    grt_meta_value *values;
    size_t n_values;
    grt_meta_absent *absents; /* [n_absents] */
    size_t n_absents;
} grt_metadata;

/* For readers: adds a value under a copy of key[n_key].  The arrays that *value points
 * to are kept and must live in metadata->arena.  GRT_E_TOO_LONG past
 * GRT_MAX_META_VALUES. */
GRT_NODISCARD grt_status grt_metadata_add(grt_metadata *metadata, const char *key,
                                          size_t n_key, const grt_meta_value *value,
                                          grt_error *err);

/* For readers, after the last value: makes the keys searchable; a key that appears
 * twice is GRT_E_FORMAT. */
GRT_NODISCARD grt_status grt_metadata_finish(grt_metadata *metadata, grt_error *err);

/* For readers, after grt_metadata_finish: gives a key this value, in the place of
 * another one if there is. */
GRT_NODISCARD grt_status grt_metadata_put(grt_metadata *metadata, const char *key,
                                          const grt_meta_value *value, grt_error *err);

/* For readers: a key without a value; `what` is static. */
GRT_NODISCARD grt_status grt_metadata_add_absent(grt_metadata *metadata,
                                                 const char *key, const char *what,
                                                 grt_error *err);
bool grt_metadata_is_null(const grt_metadata *metadata, const char *key);

/* NULL when absent. */
const grt_meta_value *grt_metadata_get(const grt_metadata *metadata, const char *key);

/* Scalars.  True and *out when the key is there with a type that converts without loss
 * (an integer reads as float; a float never as integer); false otherwise, *out
 * untouched. */
bool grt_metadata_get_u64(const grt_metadata *metadata, const char *key, uint64_t *out);
bool grt_metadata_get_f64(const grt_metadata *metadata, const char *key, double *out);
bool grt_metadata_get_bool(const grt_metadata *metadata, const char *key, bool *out);
bool grt_metadata_get_text(const grt_metadata *metadata, const char *key,
                           grt_text *out);

/* As grt_metadata_get_u64, but absent, of another type, or outside min..max is
 * GRT_E_FORMAT naming source, key, what was found and what was expected. */
GRT_NODISCARD grt_status grt_metadata_need_u64(const grt_metadata *metadata,
                                               const char *key, uint64_t min,
                                               uint64_t max, uint64_t *out,
                                               grt_error *err);

void grt_metadata_release(grt_metadata *metadata);

#endif /* GRT_FORMATS_METADATA_H */
