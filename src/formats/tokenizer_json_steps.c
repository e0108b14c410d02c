/* tokenizer_json_steps.c - normalisers and pre-tokenisers of tokenizer.json as steps:
 * for files that the switches of grt_vocabulary do not fit. */
#include "formats/tokenizer_json.h"

#include "base/memory.h"
#include "formats/base64.h"

#include <string.h>

static const char mark[] = "\xe2\x96\x81"; /* U+2581 */

/* What Rust's \w takes: PCRE2's knows no marks and takes all numbers. */
#define WORD "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{200C}\\x{200D}\\x{24B6}-\\x{24E9}"

typedef struct step_list {
    grt_text_step list[GRT_MAX_STEPS];
    size_t n;
} step_list;

static grt_status add(grt_json_reader *r, step_list *steps, grt_text_step step)
{
    if (steps->n == GRT_MAX_STEPS)
        GRT_FAIL(r->err, GRT_E_UNSUPPORTED,
                 "%s: more than %d normalizers or pre_tokenizers", r->path,
                 (int)GRT_MAX_STEPS);
    steps->list[steps->n++] = step;
    return GRT_OK;
}

static bool is_type(const char *type, const char *wanted)
{
    return strcmp(type, wanted) == 0;
}

static bool flag(const json_t *part, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(part, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

/* {"Regex": "..."} as it stands, {"String": "..."} quoted. */
static grt_status read_pattern(grt_json_reader *r, const json_t *part, const char **out)
{
    const json_t *pattern = json_object_get(part, "pattern");
    const json_t *regex = json_object_get(pattern, "Regex");
    const json_t *text = json_object_get(pattern, "String");
    if (json_is_string(regex))
        return grt_arena_copy_text(&r->v->arena, out, json_string_value(regex),
                                   json_string_length(regex), r->err);
    if (!json_is_string(text) || json_string_length(text) == 0)
        return grt_json_unsupported(r, "a pattern", "neither Regex nor String");
    size_t n = json_string_length(text);
    const char *plain = json_string_value(text);
    char *quoted; /* at most \x{FF} for a byte of ASCII */
    GRT_TRY(grt_arena_alloc(&r->v->arena, &quoted, 2 * n + 1, 1, r->err));
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)plain[i];
        bool is_alone = c >= 128 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                        (c >= 'a' && c <= 'z') || c <= ' ';
        if (c == '\0') return grt_json_unsupported(r, "a pattern", "with a NUL");
        if (!is_alone) quoted[at++] = '\\';
        quoted[at++] = (char)c;
    }
    *out = quoted;
    return GRT_OK;
}

static grt_status read_content(grt_json_reader *r, const json_t *value,
                               grt_text_step *step)
{
    if (!json_is_string(value))
        return grt_json_unsupported(r, "a normalizer", "without its content");
    step->n_content = json_string_length(value);
    return grt_arena_copy_text(&r->v->arena, &step->content, json_string_value(value),
                               step->n_content, r->err);
}

/* ---- Normalisers ---- */

static grt_status read_bert(grt_json_reader *r, const json_t *part, step_list *steps)
{
    bool lower = flag(part, "lowercase", true);
    if (flag(part, "clean_text", true))
        GRT_TRY(add(r, steps, (grt_text_step){.kind = GRT_STEP_CLEAN}));
    if (flag(part, "handle_chinese_chars", true))
        GRT_TRY(add(r, steps, (grt_text_step){.kind = GRT_STEP_APART}));
    if (flag(part, "strip_accents", lower)) {
        GRT_TRY(add(r, steps, (grt_text_step){.kind = GRT_STEP_NFD}));
        GRT_TRY(add(r, steps, (grt_text_step){.kind = GRT_STEP_DROP_MN}));
    }
    return lower ? add(r, steps, (grt_text_step){.kind = GRT_STEP_LOWERCASE}) : GRT_OK;
}

static grt_status read_charsmap(grt_json_reader *r, const json_t *part,
                                step_list *steps)
{
    const json_t *text = json_object_get(part, "precompiled_charsmap");
    if (!text || json_is_null(text)) return GRT_OK;
    if (r->v->charsmap.n_units)
        return grt_json_unsupported(r, "a second normalizer", "Precompiled");
    GRT_TRY(grt_json_read_charsmap(r, text));
    return add(r, steps, (grt_text_step){.kind = GRT_STEP_CHARSMAP});
}

static grt_status read_normaliser(grt_json_reader *r, const json_t *part,
                                  step_list *steps)
{
    static const struct {
        const char *type;
        grt_step_kind kind;
    } plain[] = {{"NFC", GRT_STEP_NFC},
                 {"NFD", GRT_STEP_NFD},
                 {"NFKC", GRT_STEP_NFKC},
                 {"NFKD", GRT_STEP_NFKD},
                 {"Nmt", GRT_STEP_NMT},
                 {"Lowercase", GRT_STEP_LOWERCASE},
                 {"StripAccents", GRT_STEP_DROP_MARKS}};
    const char *type = grt_json_text_of(part, "type");
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        if (is_type(type, plain[i].type))
            return add(r, steps, (grt_text_step){.kind = plain[i].kind});
    if (is_type(type, "BertNormalizer")) return read_bert(r, part, steps);
    if (is_type(type, "Precompiled")) return read_charsmap(r, part, steps);
    grt_text_step step = {.kind = GRT_STEP_STRIP,
                          .is_left = flag(part, "strip_left", true),
                          .is_right = flag(part, "strip_right", true)};
    if (is_type(type, "Strip")) return add(r, steps, step);
    if (is_type(type, "Prepend")) {
        step.kind = GRT_STEP_PREPEND;
        GRT_TRY(read_content(r, json_object_get(part, "prepend"), &step));
        return add(r, steps, step);
    }
    if (!is_type(type, "Replace")) return grt_json_unsupported(r, "a normalizer", type);
    step.kind = GRT_STEP_REPLACE;
    GRT_TRY(read_pattern(r, part, &step.pattern));
    GRT_TRY(read_content(r, json_object_get(part, "content"), &step));
    return add(r, steps, step);
}

/* ---- Pre-tokenisers ---- */

static grt_status read_behavior(grt_json_reader *r, const json_t *part,
                                grt_text_step *step, grt_cut_behavior otherwise)
{
    static const char *const names[] = {"Removed", "Isolated", "MergedWithPrevious",
                                        "MergedWithNext", "Contiguous"};
    const char *name = grt_json_text_of(part, "behavior");
    step->behavior = otherwise;
    if (!*name) return GRT_OK;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0) {
            step->behavior = (grt_cut_behavior)i;
            return GRT_OK;
        }
    return grt_json_unsupported(r, "a pre_tokenizer with the behavior", name);
}

static grt_status add_class(grt_json_reader *r, step_list *steps,
                            grt_character_class class, grt_cut_behavior behavior)
{
    return add(r, steps,
               (grt_text_step){
                   .kind = GRT_STEP_CUT_CLASS, .class = class, .behavior = behavior});
}

static grt_status read_byte_level(grt_json_reader *r, const json_t *part,
                                  step_list *steps)
{
    if (flag(part, "add_prefix_space", true))
        GRT_TRY(add(r, steps, (grt_text_step){.kind = GRT_STEP_PREFIX_SPACE}));
    if (!flag(part, "use_regex", true)) return GRT_OK;
    return add(r, steps,
               (grt_text_step){.kind = GRT_STEP_CUT,
                               .pattern = grt_pattern_gpt2,
                               .behavior = GRT_CUT_ISOLATED});
}

static grt_status read_metaspace(grt_json_reader *r, const json_t *part,
                                 step_list *steps)
{
    const json_t *replacement = json_object_get(part, "replacement");
    if (json_is_string(replacement) &&
        strcmp(json_string_value(replacement), mark) != 0)
        return grt_json_unsupported(r, "a pre_tokenizer with another replacement",
                                    "Metaspace");
    const char *scheme = grt_json_text_of(part, "prepend_scheme");
    if (!*scheme) scheme = flag(part, "add_prefix_space", true) ? "always" : "never";
    grt_text_step step = {.kind = GRT_STEP_METASPACE,
                          .is_left = flag(part, "split", true)};
    GRT_TRY(grt_arena_copy_text(&r->v->arena, &step.content, scheme, strlen(scheme),
                                r->err));
    return add(r, steps, step);
}

static grt_status read_split(grt_json_reader *r, const json_t *part, step_list *steps)
{
    grt_text_step step = {.kind = GRT_STEP_CUT,
                          .is_inverted = flag(part, "invert", false)};
    GRT_TRY(read_pattern(r, part, &step.pattern));
    GRT_TRY(read_behavior(r, part, &step, GRT_CUT_REMOVED));
    return add(r, steps, step);
}

static grt_status read_splitter(grt_json_reader *r, const json_t *part,
                                step_list *steps)
{
    const char *type = grt_json_text_of(part, "type");
    if (is_type(type, "BertPreTokenizer") || is_type(type, "WhitespaceSplit")) {
        GRT_TRY(add_class(r, steps, GRT_CLASS_WHITE_SPACE, GRT_CUT_REMOVED));
        return is_type(type, "WhitespaceSplit")
                   ? GRT_OK
                   : add_class(r, steps, GRT_CLASS_PUNCTUATION, GRT_CUT_ISOLATED);
    }
    if (is_type(type, "Whitespace"))
        return add(r, steps,
                   (grt_text_step){.kind = GRT_STEP_CUT,
                                   .pattern = "[" WORD "]+|[^" WORD "\\s]+",
                                   .behavior = GRT_CUT_REMOVED,
                                   .is_inverted = true});
    if (is_type(type, "Punctuation")) {
        grt_text_step step = {.kind = GRT_STEP_CUT_CLASS,
                              .class = GRT_CLASS_PUNCTUATION};
        GRT_TRY(read_behavior(r, part, &step, GRT_CUT_ISOLATED));
        return add(r, steps, step);
    }
    if (is_type(type, "Digits"))
        return add_class(r, steps, GRT_CLASS_NUMBER,
                         flag(part, "individual_digits", false) ? GRT_CUT_ISOLATED
                                                                : GRT_CUT_CONTIGUOUS);
    if (is_type(type, "ByteLevel")) return read_byte_level(r, part, steps);
    if (is_type(type, "Metaspace")) return read_metaspace(r, part, steps);
    if (is_type(type, "Split")) return read_split(r, part, steps);
    return grt_json_unsupported(r, "a pre_tokenizer", type);
}

/* ---- Both ---- */

typedef grt_status read_part_fn(grt_json_reader *r, const json_t *part,
                                step_list *steps);

/* One part, or those of a Sequence (also in one another), in their order. */
static grt_status read_parts(grt_json_reader *r, const json_t *part, const char *list,
                             read_part_fn *read, step_list *steps, int depth)
{
    if (!part || json_is_null(part)) return GRT_OK;
    if (!is_type(grt_json_text_of(part, "type"), "Sequence"))
        return read(r, part, steps);
    if (depth > 4) return grt_json_unsupported(r, "a deep list", "Sequence");
    const json_t *parts = json_object_get(part, list);
    for (size_t i = 0; i < json_array_size(parts); i++)
        GRT_TRY(read_parts(r, json_array_get(parts, i), list, read, steps, depth + 1));
    return GRT_OK;
}

static grt_status keep(grt_json_reader *r, const step_list *steps, grt_text_step **out,
                       size_t *n)
{
    GRT_TRY(
        grt_arena_alloc(&r->v->arena, out, steps->n, sizeof(grt_text_step), r->err));
    if (steps->n) memcpy(*out, steps->list, steps->n * sizeof(grt_text_step));
    *n = steps->n;
    return GRT_OK;
}

/* ByteLevel turns texts into letters of its own, which no splitter after it sees here.
 */
static bool has_late_bytes(const json_t *splitter)
{
    const json_t *parts = json_object_get(splitter, "pretokenizers");
    for (size_t i = 0; i + 1 < json_array_size(parts); i++)
        if (is_type(grt_json_text_of(json_array_get(parts, i), "type"), "ByteLevel"))
            return true;
    return false;
}

grt_status grt_json_read_steps(grt_json_reader *r, const json_t *root)
{
    step_list steps = {.n = 0};
    const json_t *splitter = json_object_get(root, "pre_tokenizer");
    r->v->charsmap = (grt_charsmap){0};
    GRT_TRY(read_parts(r, json_object_get(root, "normalizer"), "normalizers",
                       read_normaliser, &steps, 0));
    GRT_TRY(keep(r, &steps, &r->v->normalisers, &r->v->n_normalisers));
    steps.n = 0;
    if (has_late_bytes(splitter))
        return grt_json_unsupported(r, "a pre_tokenizer behind that", "ByteLevel");
    GRT_TRY(read_parts(r, splitter, "pretokenizers", read_splitter, &steps, 0));
    GRT_TRY(keep(r, &steps, &r->v->splitters, &r->v->n_splitters));
    r->v->has_steps = true;
    return GRT_OK;
}
