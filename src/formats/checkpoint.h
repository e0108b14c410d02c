/* checkpoint.h - opens what lies at a path: a Hugging Face directory or a GGUF file. */
#ifndef GRT_FORMATS_CHECKPOINT_H
#define GRT_FORMATS_CHECKPOINT_H

#include "base/notes.h"
#include "formats/catalogue.h"
#include "formats/metadata.h"

typedef enum grt_format { GRT_FORMAT_SAFETENSORS, GRT_FORMAT_GGUF } grt_format;

typedef struct grt_checkpoint {
    const char *path;      /* as given */
    const char *directory; /* that the files lie in; NULL: a GGUF */
    grt_format format;
    grt_catalogue catalogue;
    grt_metadata metadata; /* config.json, or the GGUF key-values */
    grt_notes notes; /* what the files leave open; after grt_open the tokenizer's too */
    bool has_chat_template; /* says how to chat with it */
    bool is_pooled; /* sentence-transformers' "1_Pooling/config.json" lies beside */
    grt_arena arena;
} grt_checkpoint;

/* Fills *out, which the caller releases.  `path` is a directory with config.json and
 * model.safetensors or model.safetensors.index.json, a .safetensors file in such a
 * directory, or a GGUF file (told by its first bytes, not by its name), of a split one
 * the first part. */
GRT_NODISCARD grt_status grt_checkpoint_open(grt_checkpoint *out, const char *path,
                                             grt_error *err);
/* Holds the keys of config.json, config_sentence_transformers.json or the GGUF against
 * the table of those that are known (keys.h), and the layers of the weights against the
 * number that is said.  After the family was told: a model that
 * is none of those known here is to be refused for that. */
GRT_NODISCARD grt_status grt_checkpoint_check_keys(grt_checkpoint *checkpoint,
                                                   grt_error *err);
/* "gguf" or "safetensors". */
const char *grt_checkpoint_format_text(const grt_checkpoint *checkpoint);
void grt_checkpoint_release(grt_checkpoint *checkpoint);

/* Readers that grt_checkpoint_open calls; for tests and fuzz targets.  Each takes the
 * file (owned by the catalogue then, also on failure) and adds to catalogue and
 * metadata. */
GRT_NODISCARD grt_status grt_gguf_read(grt_catalogue *catalogue, grt_metadata *metadata,
                                       grt_file *file, grt_error *err);
/* The other files of a split GGUF, whose first one at `path` has been read. */
GRT_NODISCARD grt_status grt_gguf_read_parts(grt_catalogue *catalogue,
                                             const grt_metadata *metadata,
                                             const char *path, grt_error *err);
GRT_NODISCARD grt_status grt_safetensors_read(grt_catalogue *catalogue, grt_file *file,
                                              grt_error *err);
/* config.json, n_bytes of JSON text. */
GRT_NODISCARD grt_status grt_config_read(grt_metadata *metadata, const char *json,
                                         size_t n_bytes, const char *path,
                                         grt_error *err);

#endif /* GRT_FORMATS_CHECKPOINT_H */
