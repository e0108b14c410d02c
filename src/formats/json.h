/* json.h - JSON text to jansson's values, with our errors.  For formats/ only. */
#ifndef GRT_FORMATS_JSON_H
#define GRT_FORMATS_JSON_H

#include "base/error.h"

#include <jansson.h>
#include <stdint.h>

/* Parses text[n], which must be one JSON object without duplicate keys; the caller ends
 * with json_decref(*out).  `path` names it in messages, `base` is its offset in that
 * file. GRT_E_FORMAT (err->offset: where), GRT_E_NO_MEMORY. */
GRT_NODISCARD grt_status grt_json_object(json_t **out, const char *text, size_t n,
                                         const char *path, uint64_t base,
                                         grt_error *err);

/* The same with every number as a real, for files that hold whole numbers beyond 64
 * bits (tokenizer_config.json: "model_max_length": 1e30, written out). */
GRT_NODISCARD grt_status grt_json_object_of_reals(json_t **out, const char *text,
                                                  size_t n, const char *path,
                                                  grt_error *err);

/* The same as grt_json_object from a file of at most limit_bytes. */
GRT_NODISCARD grt_status grt_json_load(json_t **out, const char *path,
                                       size_t limit_bytes, grt_error *err);

#endif /* GRT_FORMATS_JSON_H */
