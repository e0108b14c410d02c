/* config.c - config.json to metadata.
 *
 * Objects are flattened with a dot between levels.  Arrays of one type of scalar are
 * kept (integers and fractions together read as fractions; an empty one has no elements
 * and type INT).  Nulls, objects as such, and arrays that hold objects, arrays, nulls
 * or a mixture have no value: where one stands in the place of a value that is read,
 * the check of keys refuses it, and configurations carry many others. */
#include "formats/checkpoint.h"

#include "formats/config_spelling.h"
#include "formats/json.h"
#include "formats/names.h"

#include <string.h>

enum { MAX_DEPTH = 16 };

typedef struct flattener {
    grt_metadata *metadata;
    const char *path; /* for messages */
    char key[GRT_MAX_KEY_BYTES + 1];
    grt_error *err;
} flattener;

/* True when the scalar has a place in metadata. */
static bool scalar_type(const json_t *json, grt_meta_type *out)
{
    switch (json_typeof(json)) {
    case JSON_STRING: *out = GRT_META_TEXT; return true;
    case JSON_INTEGER: *out = GRT_META_INT; return true;
    case JSON_REAL: *out = GRT_META_FLOAT; return true;
    case JSON_TRUE:
    case JSON_FALSE: *out = GRT_META_BOOL; return true;
    case JSON_OBJECT:
    case JSON_ARRAY:
    case JSON_NULL: return false;
    }
    return false;
}

/* The type of all elements, or false. */
static bool array_type(const json_t *array, grt_meta_type *out)
{
    *out = GRT_META_INT;
    for (size_t i = 0; i < json_array_size(array); i++) {
        grt_meta_type type;
        if (!scalar_type(json_array_get(array, i), &type)) return false;
        bool is_mixed_number =
            i > 0 && ((type == GRT_META_INT && *out == GRT_META_FLOAT) ||
                      (type == GRT_META_FLOAT && *out == GRT_META_INT));
        if (i > 0 && type != *out && !is_mixed_number) return false;
        *out = is_mixed_number ? GRT_META_FLOAT : type;
    }
    return true;
}

/* Element i of an array, or the scalar itself. */
static const json_t *element(const json_t *json, size_t i)
{
    return json_is_array(json) ? json_array_get(json, i) : json;
}

static grt_status copy_texts(flattener *f, const json_t *json, grt_meta_value *value)
{
    grt_arena *arena = &f->metadata->arena;
    grt_text *texts;
    GRT_TRY(grt_arena_alloc(arena, &texts, value->n, sizeof(*texts), f->err));
    for (size_t i = 0; i < value->n; i++) {
        const json_t *text = element(json, i);
        texts[i].size = json_string_length(text);
        GRT_TRY(grt_arena_copy_text(arena, &texts[i].data, json_string_value(text),
                                    texts[i].size, f->err));
    }
    value->texts = texts;
    return GRT_OK;
}

static grt_status copy_floats(flattener *f, const json_t *json, grt_meta_value *value)
{
    double *floats;
    GRT_TRY(grt_arena_alloc(&f->metadata->arena, &floats, value->n, sizeof(*floats),
                            f->err));
    for (size_t i = 0; i < value->n; i++)
        floats[i] = json_number_value(element(json, i));
    value->floats = floats;
    return GRT_OK;
}

static grt_status copy_ints(flattener *f, const json_t *json, grt_meta_value *value)
{
    int64_t *ints;
    GRT_TRY(
        grt_arena_alloc(&f->metadata->arena, &ints, value->n, sizeof(*ints), f->err));
    for (size_t i = 0; i < value->n; i++) {
        const json_t *number = element(json, i);
        ints[i] =
            json_is_integer(number) ? json_integer_value(number) : json_is_true(number);
    }
    value->ints = ints;
    return GRT_OK;
}

static grt_status add_value(flattener *f, const json_t *json)
{
    if (json_is_null(json))
        return grt_metadata_add_absent(f->metadata, f->key, NULL, f->err);
    grt_meta_value value = {.is_array = json_is_array(json), .n = 1};
    if (value.is_array) value.n = json_array_size(json);
    if (!(value.is_array ? array_type(json, &value.type)
                         : scalar_type(json, &value.type)))
        return grt_metadata_add_absent(f->metadata, f->key, "a list of mixed values",
                                       f->err);
    switch (value.type) {
    case GRT_META_TEXT: GRT_TRY(copy_texts(f, json, &value)); break;
    case GRT_META_FLOAT: GRT_TRY(copy_floats(f, json, &value)); break;
    case GRT_META_INT:
    case GRT_META_BOOL: GRT_TRY(copy_ints(f, json, &value)); break;
    }
    return grt_metadata_add(f->metadata, f->key, strlen(f->key), &value, f->err);
}

/* f->key[0..n_prefix) is the path to `object`, with its dot. */
static grt_status flatten(flattener *f, json_t *object, size_t n_prefix, int depth)
{
    if (depth > MAX_DEPTH)
        GRT_FAIL(f->err, GRT_E_FORMAT, "%s: \"%.80s\" is nested deeper than %d levels",
                 f->path, f->key, MAX_DEPTH);
    const char *name;
    json_t *member;
    json_object_foreach(object, name, member)
    {
        size_t n = strlen(name);
        if (n + 1 > GRT_MAX_KEY_BYTES - n_prefix)
            GRT_FAIL(f->err, GRT_E_FORMAT,
                     "%s: the key \"%.40s...\" has more than %d bytes", f->path, name,
                     GRT_MAX_KEY_BYTES);
        memcpy(f->key + n_prefix, name, n + 1);
        if (!json_is_object(member)) {
            GRT_TRY(add_value(f, member));
            continue;
        }
        GRT_TRY(grt_metadata_add_absent(f->metadata, f->key, "an object", f->err));
        f->key[n_prefix + n] = '.';
        f->key[n_prefix + n + 1] = '\0';
        GRT_TRY(flatten(f, member, n_prefix + n + 1, depth + 1));
    }
    return GRT_OK;
}

grt_status grt_config_read(grt_metadata *metadata, const char *json, size_t n_bytes,
                           const char *path, grt_error *err)
{
    flattener f = {.metadata = metadata, .path = grt_path_tail(path), .err = err};
    GRT_TRY(grt_arena_copy_text(&metadata->arena, &metadata->source, path, strlen(path),
                                err));
    json_t *root;
    GRT_TRY(grt_json_lenient(&root, json, n_bytes, path, &metadata->notes, err));
    grt_status status = flatten(&f, root, 0, 1);
    if (status == GRT_OK) status = grt_metadata_finish(metadata, err);
    if (status == GRT_OK) status = grt_config_unify(metadata, err);
    if (status != GRT_OK && err) grt_text_one_line(err->text);
    json_decref(root);
    return status;
}
