/* lenient.c - members of a JSON object as clients really write them. */
#include "serve/lenient.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const json_t *serve_member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_null(value) ? NULL : value;
}

const json_t *serve_first_member(const json_t *object, const char *const *names,
                                 const char **found)
{
    for (; *names; names++) {
        const json_t *value = serve_member(object, *names);
        if (!value) continue;
        if (found) *found = *names;
        return value;
    }
    return NULL;
}

serve_text serve_text_of(const json_t *string)
{
    return (serve_text){json_string_value(string), json_string_length(string)};
}

static int is_word(serve_text text, const char *const *words)
{
    for (; *words; words++) {
        if (strlen(*words) == text.bytes &&
            strncasecmp(text.data, *words, text.bytes) == 0)
            return 1;
    }
    return 0;
}

/* A string that is only white space stands for nothing, as from a form left empty. */
static int is_blank(serve_text text)
{
    for (size_t i = 0; i < text.bytes; i++) {
        if (!strchr(" \t\r\n", text.data[i]) || !text.data[i]) return 0;
    }
    return 1;
}

serve_fault_kind serve_take_bool(int *out, const json_t *object, const char *name,
                                 serve_fault *fault)
{
    static const char *const yes[] = {"true", "1", "yes", "on", NULL};
    static const char *const no[] = {"false", "0", "no", "off", "none", "null", NULL};
    const json_t *value = serve_member(object, name);
    if (!value || fault->kind) return fault->kind;
    if (json_is_boolean(value)) {
        *out = json_is_true(value);
    } else if (json_is_number(value)) {
        double number = json_number_value(value);
        *out = number > 0 || number < 0;
    } else if (json_is_string(value) && is_word(serve_text_of(value), yes)) {
        *out = 1;
    } else if (json_is_string(value) &&
               (is_word(serve_text_of(value), no) || is_blank(serve_text_of(value)))) {
        *out = 0;
    } else {
        return serve_fail(fault, SERVE_BAD_REQUEST, name,
                          "\"%s\" must be true or false", name);
    }
    return SERVE_OK;
}

serve_fault_kind serve_take_real(double *out, const json_t *object, const char *name,
                                 serve_fault *fault)
{
    const json_t *value = serve_member(object, name);
    if (!value || fault->kind) return fault->kind;
    if (json_is_number(value)) {
        *out = json_number_value(value);
        return SERVE_OK;
    }
    serve_text text = serve_text_of(value);
    if (text.data && is_blank(text)) return SERVE_OK;
    char *end = NULL;
    double number = text.data ? strtod(text.data, &end) : 0;
    if (!text.data || end != text.data + text.bytes || !isfinite(number))
        return serve_fail(fault, SERVE_BAD_REQUEST, name, "\"%s\" must be a number",
                          name);
    *out = number;
    return SERVE_OK;
}

serve_fault_kind serve_take_integer(long long *out, const json_t *object,
                                    const char *name, serve_fault *fault)
{
    const double most = 9e15; /* a double holds all whole numbers up to here */
    double number = 0;
    if (!serve_member(object, name) || fault->kind) return fault->kind;
    serve_text text = serve_text_of(serve_member(object, name));
    if (text.data && is_blank(text)) return SERVE_OK;
    if (serve_take_real(&number, object, name, fault) ||
        !(number >= -most && number <= most) || floor(number) < number)
        return serve_fail(fault, SERVE_BAD_REQUEST, name,
                          "\"%s\" must be a whole number", name);
    *out = (long long)number;
    return SERVE_OK;
}

serve_fault_kind serve_take_count(size_t *out, const json_t *object, const char *name,
                                  serve_fault *fault)
{
    long long number = -1;
    if (!serve_member(object, name) || fault->kind) return fault->kind;
    if (serve_take_integer(&number, object, name, fault)) return fault->kind;
    *out = number > 0 ? (size_t)number : 0;
    return SERVE_OK;
}

serve_fault_kind serve_take_text(serve_text *out, const json_t *object,
                                 const char *name, serve_fault *fault)
{
    const json_t *value = serve_member(object, name);
    if (!value || fault->kind) return fault->kind;
    if (!json_is_string(value))
        return serve_fail(fault, SERVE_BAD_REQUEST, name, "\"%s\" must be a string",
                          name);
    *out = serve_text_of(value);
    return SERVE_OK;
}
