/* json.c - see json.h.  jansson checks UTF-8 and limits nesting to 2,048 levels itself.
 */
#include "formats/json.h"

#include "base/memory.h"
#include "formats/names.h"
#include "io/file.h"

static grt_status parse(json_t **out, const char *text, size_t n, size_t flags,
                        const char *path, uint64_t base, grt_error *err)
{
    json_error_t fault;
    json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES | flags, &fault);
    if (root && json_is_object(root)) {
        *out = root;
        return GRT_OK;
    }
    if (root) {
        json_decref(root);
        GRT_FAIL_AT(err, GRT_E_FORMAT, base, "%s: not a JSON object",
                    grt_path_tail(path));
    }
    if (json_error_code(&fault) == json_error_out_of_memory)
        GRT_FAIL(err, GRT_E_NO_MEMORY, "%s: no memory for its JSON",
                 grt_path_tail(path));
    int64_t at = (int64_t)base + (fault.position > 0 ? fault.position : 0);
    grt_text_one_line(fault.text);
    GRT_FAIL_AT(err, GRT_E_FORMAT, at, "%s: malformed JSON in line %d, column %d: %s",
                grt_path_tail(path), fault.line, fault.column, fault.text);
}

grt_status grt_json_object(json_t **out, const char *text, size_t n, const char *path,
                           uint64_t base, grt_error *err)
{
    return parse(out, text, n, 0, path, base, err);
}

grt_status grt_json_object_of_reals(json_t **out, const char *text, size_t n,
                                    const char *path, grt_error *err)
{
    return parse(out, text, n, JSON_DECODE_INT_AS_REAL, path, 0, err);
}

grt_status grt_json_load(json_t **out, const char *path, size_t limit_bytes,
                         grt_error *err)
{
    char *text;
    size_t n;
    GRT_TRY(grt_file_load(&text, &n, path, limit_bytes, err));
    grt_status status = grt_json_object(out, text, n, path, 0, err);
    grt_free(text);
    return status;
}
