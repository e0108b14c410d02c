/* json_relax.h - JSON as Python's json module reads it, made into strict JSON. */
#ifndef GRT_FORMATS_JSON_RELAX_H
#define GRT_FORMATS_JSON_RELAX_H

#include "base/notes.h"

#include <stdbool.h>

/* What was rewritten. */
typedef struct grt_json_relaxed {
    char *text; /* [n], of grt_alloc: the caller frees it */
    size_t n;
    bool had_mark; /* a byte order mark at the start: dropped */
    bool
        had_not_finite; /* NaN, Infinity, numbers beyond a double: texts of that name */
    bool had_large;     /* whole numbers beyond 64 bits: fractions */
    bool had_surrogate; /* half of a pair: U+FFFD */
} grt_json_relaxed;

/* Rewrites text[n].  What is malformed otherwise stays so.  GRT_E_NO_MEMORY. */
GRT_NODISCARD grt_status grt_json_relax(grt_json_relaxed *out, const char *text,
                                        size_t n, grt_error *err);

/* Whether anything was rewritten. */
bool grt_json_was_relaxed(const grt_json_relaxed *relaxed);

/* A note for each kind of thing that was; `path` names the file. */
GRT_NODISCARD grt_status grt_json_note_relaxed(grt_notes *notes,
                                               const grt_json_relaxed *relaxed,
                                               const char *path, grt_error *err);

#endif /* GRT_FORMATS_JSON_RELAX_H */
