/* fuzz_json.c - lenient JSON: what is strict already must mean the same afterwards. */
#include "fuzz.h"

#include "base/memory.h"
#include "formats/json.h"
#include "formats/json_relax.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    grt_notes notes = {0};
    json_t *root = NULL, *strict = NULL;
    grt_json_relaxed relaxed;
    if (grt_json_lenient(&root, text, size, "fuzz", &notes, NULL) != GRT_OK)
        root = NULL;
    if (grt_json_relax(&relaxed, text, size, NULL) == GRT_OK) {
        if (relaxed.n > 2 * size + 16) abort();
        strict = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
        json_t *again = json_loadb(relaxed.text, relaxed.n, JSON_ALLOW_NUL, NULL);
        if (strict && (grt_json_was_relaxed(&relaxed) || !json_equal(strict, again)))
            abort();
        json_decref(again);
        grt_free(relaxed.text);
    }
    if (strict && json_is_object(strict) && !root) abort();
    json_decref(strict);
    json_decref(root);
    grt_notes_release(&notes);
    return 0;
}
