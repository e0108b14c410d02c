/* keys.c - see keys.h. */
#include "formats/keys.h"

#include "io/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct key_row {
    grt_key_source source;
    const char *key;
    grt_key_use use;
    char type;
    const char *neutral;
} key_row;

static const key_row rows[] = {
#define GRT_KEY(source, key, use, type, neutral, what) \
    {GRT_KEYS_##source, key, GRT_KEY_##use, type, neutral},
#include "formats/keys.inc"
#undef GRT_KEY
};
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

/* A key or a value on its way through the checks. */
typedef struct seen {
    const char *key;
    char type;      /* as in keys.inc */
    char value[64]; /* as text, of a scalar */
    bool is_listed; /* an array */
} seen;

/* Whether key[n] fits a pattern that may have one "*". */
static bool fits(const char *pattern, const char *key, size_t n)
{
    const char *star = strchr(pattern, '*');
    if (!star) return strlen(pattern) == n && memcmp(pattern, key, n) == 0;
    size_t n_before = (size_t)(star - pattern), n_after = strlen(star + 1);
    return n >= n_before + n_after && memcmp(pattern, key, n_before) == 0 &&
           memcmp(star + 1, key + n - n_after, n_after) == 0;
}

static bool fits_row(const key_row *row, const char *key, const char *architecture)
{
    static const char arch[] = "{arch}";
    size_t n = strlen(key);
    if (strncmp(row->key, arch, sizeof(arch) - 1) != 0) return fits(row->key, key, n);
    size_t n_arch = architecture ? strlen(architecture) : 0;
    if (n_arch == 0 || n < n_arch || memcmp(key, architecture, n_arch) != 0)
        return false;
    return fits(row->key + sizeof(arch) - 1, key + n_arch, n - n_arch);
}

/* Models of texts and pictures have the keys of their language model one level down. */
static const char *plain_key(grt_key_source source, const char *key)
{
    static const char text[] = "text_config.";
    bool is_inner =
        source == GRT_KEYS_CONFIG && strncmp(key, text, sizeof(text) - 1) == 0;
    return is_inner ? key + sizeof(text) - 1 : key;
}

/* Exact keys before patterns, so that those may be wide. */
static const key_row *find(grt_key_source source, const char *key,
                           const char *architecture)
{
    const key_row *wide = NULL;
    key = plain_key(source, key);
    for (size_t i = 0; i < N_ROWS; i++) {
        if (rows[i].source != source || !fits_row(&rows[i], key, architecture))
            continue;
        if (!strchr(rows[i].key, '*')) return &rows[i];
        if (!wide) wide = &rows[i];
    }
    return wide;
}

grt_key_use grt_key_use_of(grt_key_source source, const char *key,
                           const char *architecture)
{
    const key_row *row = find(source, key, architecture);
    return row ? row->use : GRT_KEY_UNKNOWN;
}

/* Parts of names of things that change scores. */
static bool could_matter(const char *key)
{
    static const char *const parts[] = {
        "rope",    "rotary", "norm",   "eps",    "window",  "layer",   "scale",
        "scaling", "bias",   "type",   "lower",  "truncat", "templ",   "softca",
        "head",    "pool",   "positi", "attent", "expert",  "multipl", "act",
        "prefix",  "split",  "strip",  "prompt", "instruc", "max_len"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (strstr(key, parts[i])) return true;
    return false;
}

static bool type_fits(const key_row *row, const seen *s)
{
    switch (row->type) {
    case 'i': return s->type == 'i' && !s->is_listed;
    case 'n': return (s->type == 'i' || s->type == 'n') && !s->is_listed;
    case 'b': return s->type == 'b' && !s->is_listed;
    case 't': return s->type == 't' && !s->is_listed;
    case 'l': return s->is_listed && (s->type == 't' || s->type == 'i');
    case 'o': return s->type == 'o';
    case 'k': return (s->type == 't' && !s->is_listed) || s->type == 'o';
    default: return true;
    }
}

static bool is_neutral(const char *list, const char *value)
{
    size_t n = strlen(value);
    for (const char *at = list; n && (at = strstr(at, value)); at += n)
        if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
            return true;
    return false;
}

static grt_status check(const seen *s, grt_key_source source, const char *architecture,
                        const char *path, grt_notes *notes, grt_error *err)
{
    const key_row *row = find(source, s->key, architecture);
    if (!row && could_matter(s->key))
        return grt_notes_add(notes, GRT_NOTE_DETAIL, err,
                             "%s: the key \"%.80s\" is not known here and not read",
                             grt_path_tail(path), s->key);
    if (row && row->use == GRT_KEY_READ && !type_fits(row, s))
        GRT_FAIL(err, GRT_E_FORMAT,
                 "%s: \"%.80s\" is %s%s, which is no value it can have",
                 grt_path_tail(path), s->key, s->is_listed ? "a list" : s->value,
                 s->type == 't' && !s->is_listed ? " (a text)" : "");
    if (row && row->use == GRT_KEY_REFUSE && !is_neutral(row->neutral, s->value))
        GRT_FAIL(err, GRT_E_UNSUPPORTED, "%s: \"%.80s\" (%s) is not supported",
                 grt_path_tail(path), s->key, s->is_listed ? "a list" : s->value);
    return GRT_OK;
}

static void write_text(char *out, size_t n_out, const char *text, size_t n)
{
    (void)snprintf(out, n_out, "%.*s", (int)(n < n_out - 1 ? n : n_out - 1), text);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F) *c = '?';
}

static void see_value(seen *s, const grt_meta_value *value)
{
    static const char types[] = {[GRT_META_BOOL] = 'b',
                                 [GRT_META_INT] = 'i',
                                 [GRT_META_FLOAT] = 'n',
                                 [GRT_META_TEXT] = 't'};
    *s = (seen){
        .key = value->key, .type = types[value->type], .is_listed = value->is_array};
    if (value->is_array || value->n == 0) return;
    switch (value->type) {
    case GRT_META_BOOL:
        write_text(s->value, sizeof(s->value), value->ints[0] ? "true" : "false", 5);
        break;
    case GRT_META_INT:
        (void)snprintf(s->value, sizeof(s->value), "%" PRId64, value->ints[0]);
        break;
    case GRT_META_FLOAT:
        (void)snprintf(s->value, sizeof(s->value), "%g", value->floats[0]);
        break;
    case GRT_META_TEXT:
        write_text(s->value, sizeof(s->value), value->texts[0].data,
                   value->texts[0].size);
        break;
    }
}

/* Keys of which null is none of the values that Hugging Face's code takes, but which it
 * has a default for. */
static bool is_odd_null(const char *key)
{
    static const char *const keys[] = {
        "layer_norm_eps",     "rms_norm_eps",    "norm_eps",
        "classifier_pooling", "local_attention", "global_attn_every_n_layers",
        "rope_theta",         "type_vocab_size", "position_embedding_type"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(keys[i], key) == 0) return true;
    return false;
}

/* Objects, null, and lists of several things, where a value is read. */
static grt_status check_absent(const grt_meta_absent *absent, grt_key_source source,
                               const char *path, grt_notes *notes, grt_error *err)
{
    bool is_object = absent->what && strcmp(absent->what, "an object") == 0;
    seen s = {.key = absent->key,
              .type = is_object ? 'o' : '?',
              .is_listed = absent->what && !is_object};
    if (!absent->what)
        return is_odd_null(plain_key(source, absent->key))
                   ? grt_notes_add(notes, GRT_NOTE_RESULT, err,
                                   "%s: %.80s is null; the default of its family is "
                                   "taken",
                                   grt_path_tail(path), absent->key)
                   : GRT_OK;
    const key_row *row = find(source, s.key, NULL);
    if (!row) return GRT_OK; /* its members are looked at, or nobody asks for it */
    (void)snprintf(s.value, sizeof(s.value), "%s", absent->what);
    return check(&s, source, NULL, path, notes, err);
}

grt_status grt_keys_check(const grt_metadata *metadata, grt_key_source source,
                          grt_notes *notes, grt_error *err)
{
    char architecture[64] = "";
    grt_text text;
    if (grt_metadata_get_text(metadata, "general.architecture", &text))
        write_text(architecture, sizeof(architecture), text.data, text.size);
    for (size_t i = 0; i < metadata->n_values; i++) {
        seen s;
        see_value(&s, &metadata->values[i]);
        GRT_TRY(check(&s, source, architecture, metadata->source, notes, err));
    }
    for (size_t i = 0; i < metadata->n_absents; i++)
        GRT_TRY(
            check_absent(&metadata->absents[i], source, metadata->source, notes, err));
    return GRT_OK;
}

static void see_json(seen *s, const char *key, const json_t *value)
{
    *s = (seen){.key = key, .is_listed = json_is_array(value)};
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        s->type = 'o';
        write_text(s->value, sizeof(s->value), "an object", 9);
        break;
    case JSON_ARRAY: s->type = 't'; break;
    case JSON_STRING:
        s->type = 't';
        write_text(s->value, sizeof(s->value), json_string_value(value),
                   json_string_length(value));
        break;
    case JSON_INTEGER:
        s->type = 'i';
        (void)snprintf(s->value, sizeof(s->value), "%lld",
                       (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        s->type = 'n';
        (void)snprintf(s->value, sizeof(s->value), "%g", json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        s->type = 'b';
        write_text(s->value, sizeof(s->value), json_is_true(value) ? "true" : "false",
                   5);
        break;
    case JSON_NULL: break;
    }
}

grt_status grt_keys_check_json(json_t *root, grt_key_source source, const char *path,
                               grt_notes *notes, grt_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value)
    {
        seen s;
        if (json_is_null(value)) continue;
        see_json(&s, key, value);
        GRT_TRY(check(&s, source, NULL, path, notes, err));
    }
    return GRT_OK;
}

/* ---- tokenizer.json ---- */

static grt_status check_member(const char *type, const char *name, const json_t *value,
                               const char *path, grt_notes *notes, grt_error *err)
{
    char key[GRT_MAX_KEY_BYTES];
    seen s;
    (void)snprintf(key, sizeof(key), "%.100s.%.300s", type, name);
    see_json(&s, key, value);
    return check(&s, GRT_KEYS_TOKENIZER_JSON, NULL, path, notes, err);
}

/* A part and those in its lists; `type` of one that does not say it. */
static grt_status check_part(json_t *part, const char *type, int depth,
                             const char *path, grt_notes *notes, grt_error *err)
{
    const char *own = json_string_value(json_object_get(part, "type"));
    const char *name;
    json_t *value;
    if (own) type = own;
    json_object_foreach(part, name, value)
    {
        if (json_is_null(value)) continue;
        GRT_TRY(check_member(type, name, value, path, notes, err));
        bool is_list =
            strcmp(name, "normalizers") == 0 || strcmp(name, "pretokenizers") == 0;
        for (size_t i = 0; is_list && depth < 8 && i < json_array_size(value); i++)
            GRT_TRY(check_part(json_array_get(value, i), "Sequence", depth + 1, path,
                               notes, err));
    }
    return GRT_OK;
}

grt_status grt_keys_check_tokenizer(json_t *root, const char *path, grt_notes *notes,
                                    grt_error *err)
{
    static const char *const parts[] = {"truncation", "normalizer", "pre_tokenizer",
                                        "post_processor", "model"};
    GRT_TRY(grt_keys_check_json(root, GRT_KEYS_TOKENIZER_JSON, path, notes, err));
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        bool is_model = i == 4; /* of old files without a type */
        json_t *part = json_object_get(root, parts[i]);
        GRT_TRY(check_part(part, is_model ? "BPE" : parts[i], 0, path, notes, err));
    }
    json_t *added = json_object_get(root, "added_tokens");
    return json_array_size(added) == 0
               ? GRT_OK
               : check_part(json_array_get(added, 0), "added_tokens", 0, path, notes,
                            err);
}
