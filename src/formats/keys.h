/* keys.h - one table of the keys of a checkpoint's files: what is read, what cannot
 * change a score, and what would change it and is refused (keys.inc). */
#ifndef GRT_FORMATS_KEYS_H
#define GRT_FORMATS_KEYS_H

#include "formats/json.h"
#include "formats/metadata.h"

typedef enum grt_key_source {
    GRT_KEYS_CONFIG,           /* config.json */
    GRT_KEYS_SENTENCE,         /* config_sentence_transformers.json */
    GRT_KEYS_TOKENIZER_CONFIG, /* tokenizer_config.json */
    GRT_KEYS_TOKENIZER_JSON,   /* tokenizer.json: "BertNormalizer.lowercase" */
    GRT_KEYS_GGUF
} grt_key_source;

typedef enum grt_key_use {
    GRT_KEY_UNKNOWN,
    GRT_KEY_READ,
    GRT_KEY_HARMLESS,
    GRT_KEY_REFUSE /* unless its value is neutral */
} grt_key_use;

/* What a key is.  `architecture` stands for "{arch}" of GGUF; NULL: none. */
grt_key_use grt_key_use_of(grt_key_source source, const char *key,
                           const char *architecture);

/* Goes through all keys of config.json or of a GGUF.  GRT_E_UNSUPPORTED naming a key
 * that is refused and its value, GRT_E_FORMAT naming one that is read and has another
 * type; notes for unknown keys that sound as if they could matter. */
GRT_NODISCARD grt_status grt_keys_check(const grt_metadata *metadata,
                                        grt_key_source source, grt_notes *notes,
                                        grt_error *err);

/* The same of the members of a JSON object (not of theirs). */
GRT_NODISCARD grt_status grt_keys_check_json(json_t *root, grt_key_source source,
                                             const char *path, grt_notes *notes,
                                             grt_error *err);

/* The same of a tokenizer.json, with the members of its parts. */
GRT_NODISCARD grt_status grt_keys_check_tokenizer(json_t *root, const char *path,
                                                  grt_notes *notes, grt_error *err);

#endif /* GRT_FORMATS_KEYS_H */
