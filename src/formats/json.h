/* json.h - JSON text to jansson's values, with our errors.  For formats/ only. */
#ifndef GRT_FORMATS_JSON_H
#define GRT_FORMATS_JSON_H

#include "base/notes.h"

#include <jansson.h>
#include <stdint.h>

/* Parses text[n], which must be one JSON object without duplicate keys; the caller ends
 * with json_decref(*out).  `path` names it in messages, `base` is its offset in that
 * file. GRT_E_FORMAT (err->offset: where), GRT_E_NO_MEMORY. */
GRT_NODISCARD grt_status grt_json_object(json_t **out, const char *text, size_t n,
                                         const char *path, uint64_t base,
                                         grt_error *err);

/* The same for files that Python's json module writes and reads: also with a byte order
 * mark, NaN and Infinity (texts of that name then), whole numbers beyond 64 bits
 * (reals), half of a surrogate pair (U+FFFD), and keys that appear twice, the last of
 * which counts.  Each of these adds a note. */
GRT_NODISCARD grt_status grt_json_lenient(json_t **out, const char *text, size_t n,
                                          const char *path, grt_notes *notes,
                                          grt_error *err);

/* grt_json_lenient of a file of at most limit_bytes. */
GRT_NODISCARD grt_status grt_json_load(json_t **out, const char *path,
                                       size_t limit_bytes, grt_notes *notes,
                                       grt_error *err);

#endif /* GRT_FORMATS_JSON_H */
