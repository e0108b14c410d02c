/* json.c - see json.h.  jansson checks UTF-8 and limits nesting to 2,048 levels itself.
 */
#include "formats/json.h"

#include "base/memory.h"
#include "formats/json_relax.h"
#include "formats/names.h"
#include "io/file.h"

#include <string.h>

static grt_status parse(json_t **out, const char *text, size_t n, size_t flags,
                        const char *path, uint64_t base, grt_error *err)
{
    json_error_t fault;
    json_t *root = json_loadb(text, n, flags, &fault);
    if (root && json_is_object(root)) {
        *out = root;
        return GRT_OK;
    }
    if (root) {
        json_decref(root);
        GRT_FAIL_AT(err, GRT_E_FORMAT, base, "%s: not a JSON object",
                    grt_path_tail(path));
    }
    /* Jansson leaves the text empty where its first allocation fails. */
    if (json_error_code(&fault) == json_error_out_of_memory || !fault.text[0])
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
    return parse(out, text, n, JSON_REJECT_DUPLICATES, path, base, err);
}

/* A text in UTF-16 or a compressed file, by its first bytes; NULL: nothing known. */
static const char *what_else(const char *text, size_t n)
{
    if (n >= 2 &&
        (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
        return "a text in UTF-16; save it as UTF-8";
    if (n >= 2 && memcmp(text, "\x1f\x8b", 2) == 0)
        return "compressed by gzip; decompress it";
    if (n >= 16 && memcmp(text, "version https://", 16) == 0)
        return "a Git LFS pointer; run \"git lfs pull\"";
    return NULL;
}

/* Strictly but for keys that appear twice. */
static grt_status parse_doubled(json_t **out, const grt_json_relaxed *relaxed,
                                const char *path, grt_notes *notes, grt_error *err)
{
    grt_error fault = {0};
    if (parse(out, relaxed->text, relaxed->n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
              path, 0, &fault) == GRT_OK)
        return GRT_OK;
    GRT_TRY(parse(out, relaxed->text, relaxed->n, JSON_ALLOW_NUL, path, 0, err));
    grt_status status = grt_notes_add(notes, GRT_NOTE_RESULT, err,
                                      "%s: a key appears twice; the last one counts",
                                      grt_path_tail(path));
    if (status != GRT_OK) json_decref(*out);
    return status;
}

grt_status grt_json_lenient(json_t **out, const char *text, size_t n, const char *path,
                            grt_notes *notes, grt_error *err)
{
    grt_error strict = {0};
    grt_status status =
        parse(out, text, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, path, 0, &strict);
    if (status == GRT_OK) return status;
    const char *other = what_else(text, n);
    if (other)
        GRT_FAIL_AT(err, GRT_E_FORMAT, 0, "%s: is not JSON but %s", grt_path_tail(path),
                    other);
    if (status != GRT_E_FORMAT) {
        if (err) *err = strict;
        return status;
    }
    grt_json_relaxed relaxed;
    GRT_TRY(grt_json_relax(&relaxed, text, n, err));
    grt_error fault = {0};
    status = parse_doubled(out, &relaxed, path, notes, &fault);
    if (status != GRT_OK && err) /* of the text as it is where nothing was changed */
        *err =
            status != GRT_E_FORMAT || grt_json_was_relaxed(&relaxed) ? fault : strict;
    if (status == GRT_OK) {
        status = grt_json_note_relaxed(notes, &relaxed, path, err);
        if (status != GRT_OK) json_decref(*out);
    }
    grt_free(relaxed.text);
    return status;
}

grt_status grt_json_load(json_t **out, const char *path, size_t limit_bytes,
                         grt_notes *notes, grt_error *err)
{
    char *text;
    size_t n;
    GRT_TRY(grt_file_load(&text, &n, path, limit_bytes, err));
    grt_status status = grt_json_lenient(out, text, n, path, notes, err);
    grt_free(text);
    return status;
}
