/* metadata.c - see metadata.h.  Values are sorted by key once, then found by halving.
 */
#include "formats/metadata.h"

#include "formats/grow.h"
#include "io/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

grt_status grt_metadata_add(grt_metadata *metadata, const char *key, size_t n_key,
                            const grt_meta_value *value, grt_error *err)
{
    if (metadata->n_values >= GRT_MAX_META_VALUES)
        GRT_FAIL(err, GRT_E_TOO_LONG, "more than %d metadata keys",
                 GRT_MAX_META_VALUES);
    GRT_TRY(grt_grow(&metadata->values, metadata->n_values, sizeof(*metadata->values),
                     "metadata", err));
    grt_meta_value *added = &metadata->values[metadata->n_values];
    *added = *value;
    GRT_TRY(grt_arena_copy_text(&metadata->arena, &added->key, key, n_key, err));
    metadata->n_values++;
    return GRT_OK;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const grt_meta_value *)a)->key, ((const grt_meta_value *)b)->key);
}

grt_status grt_metadata_finish(grt_metadata *metadata, grt_error *err)
{
    if (metadata->n_values == 0) return GRT_OK;
    qsort(metadata->values, metadata->n_values, sizeof(*metadata->values),
          compare_keys);
    for (size_t i = 1; i < metadata->n_values; i++)
        if (compare_keys(&metadata->values[i - 1], &metadata->values[i]) == 0)
            GRT_FAIL(err, GRT_E_FORMAT, "%s: key \"%.80s\" appears twice",
                     grt_path_tail(metadata->source ? metadata->source : "metadata"),
                     metadata->values[i].key);
    return GRT_OK;
}

grt_status grt_metadata_put(grt_metadata *metadata, const char *key,
                            const grt_meta_value *value, grt_error *err)
{
    for (size_t i = 0; i < metadata->n_values; i++)
        if (strcmp(metadata->values[i].key, key) == 0) {
            const char *old = metadata->values[i].key;
            metadata->values[i] = *value;
            metadata->values[i].key = old;
            return GRT_OK;
        }
    GRT_TRY(grt_metadata_add(metadata, key, strlen(key), value, err));
    return grt_metadata_finish(metadata, err);
}

grt_status grt_metadata_add_absent(grt_metadata *metadata, const char *key,
                                   const char *what, grt_error *err)
{
    const char *copy;
    if (metadata->n_absents >= GRT_MAX_META_VALUES)
        GRT_FAIL(err, GRT_E_TOO_LONG, "more than %d keys without a value",
                 GRT_MAX_META_VALUES);
    GRT_TRY(grt_grow(&metadata->absents, metadata->n_absents,
                     sizeof(*metadata->absents), "metadata", err));
    GRT_TRY(grt_arena_copy_text(&metadata->arena, &copy, key, strlen(key), err));
    metadata->absents[metadata->n_absents++] = (grt_meta_absent){copy, what};
    return GRT_OK;
}

bool grt_metadata_is_null(const grt_metadata *metadata, const char *key)
{
    for (size_t i = 0; i < metadata->n_absents; i++)
        if (!metadata->absents[i].what && strcmp(metadata->absents[i].key, key) == 0)
            return true;
    return false;
}

const grt_meta_value *grt_metadata_get(const grt_metadata *metadata, const char *key)
{
    if (metadata->n_values == 0) return NULL;
    grt_meta_value wanted = {.key = key};
    return bsearch(&wanted, metadata->values, metadata->n_values, sizeof(wanted),
                   compare_keys);
}

static const grt_meta_value *get_scalar(const grt_metadata *metadata, const char *key,
                                        grt_meta_type type)
{
    const grt_meta_value *value = grt_metadata_get(metadata, key);
    return value && !value->is_array && value->type == type ? value : NULL;
}

bool grt_metadata_get_u64(const grt_metadata *metadata, const char *key, uint64_t *out)
{
    const grt_meta_value *value = get_scalar(metadata, key, GRT_META_INT);
    if (!value || value->ints[0] < 0) return false;
    *out = (uint64_t)value->ints[0];
    return true;
}

bool grt_metadata_get_f64(const grt_metadata *metadata, const char *key, double *out)
{
    const int64_t exact = INT64_C(1) << 53; /* above, not every integer is a double */
    const grt_meta_value *value = get_scalar(metadata, key, GRT_META_FLOAT);
    if (value) {
        *out = value->floats[0];
        return true;
    }
    value = get_scalar(metadata, key, GRT_META_INT);
    if (!value || value->ints[0] > exact || value->ints[0] < -exact) return false;
    *out = (double)value->ints[0];
    return true;
}

bool grt_metadata_get_bool(const grt_metadata *metadata, const char *key, bool *out)
{
    const grt_meta_value *value = get_scalar(metadata, key, GRT_META_BOOL);
    if (!value) return false;
    *out = value->ints[0] != 0;
    return true;
}

bool grt_metadata_get_text(const grt_metadata *metadata, const char *key, grt_text *out)
{
    const grt_meta_value *value = get_scalar(metadata, key, GRT_META_TEXT);
    if (!value) return false;
    *out = value->texts[0];
    return true;
}

/* "nothing", "5", "a text", "an array of 3 integers" */
static void describe(const grt_meta_value *value, char *text, size_t n)
{
    static const char *const one[] = {"a boolean", "an integer", "a fraction",
                                      "a text"};
    static const char *const many[] = {"booleans", "integers", "fractions", "texts"};
    if (!value)
        (void)snprintf(text, n, "nothing");
    else if (value->is_array)
        (void)snprintf(text, n, "an array of %zu %s", value->n, many[value->type]);
    else if (value->type == GRT_META_INT)
        (void)snprintf(text, n, "%" PRId64, value->ints[0]);
    else if (value->type == GRT_META_FLOAT)
        (void)snprintf(text, n, "%g", value->floats[0]);
    else
        (void)snprintf(text, n, "%s", one[value->type]);
}

grt_status grt_metadata_need_u64(const grt_metadata *metadata, const char *key,
                                 uint64_t min, uint64_t max, uint64_t *out,
                                 grt_error *err)
{
    uint64_t value;
    if (grt_metadata_get_u64(metadata, key, &value) && value >= min && value <= max) {
        *out = value;
        return GRT_OK;
    }
    char found[64];
    describe(grt_metadata_get(metadata, key), found, sizeof(found));
    GRT_FAIL(err, GRT_E_FORMAT,
             "%s: \"%.80s\": found %s, expected an integer from %" PRIu64
             " to %" PRIu64,
             grt_path_tail(metadata->source ? metadata->source : "metadata"), key,
             found, min, max);
}

void grt_metadata_release(grt_metadata *metadata)
{
    grt_free(metadata->values);
    grt_free(metadata->absents);
    grt_notes_release(&metadata->notes);
    grt_arena_release(&metadata->arena);
    memset(metadata, 0, sizeof(*metadata));
}
