/* values.c - see addon.h. */
#include "addon.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void node_failed(napi_env env)
{
    bool is_pending = false;
    const napi_extended_error_info *info = NULL;
    (void)napi_get_last_error_info(env, &info);
    (void)napi_is_exception_pending(env, &is_pending);
    if (!is_pending)
        (void)napi_throw_error(env, NULL,
                               info && info->error_message ? info->error_message
                                                           : "Node-API failed");
}

void node_free(void *memory)
{
    free(memory);
}

bool node_type_error(napi_env env, const char *what, const char *wanted)
{
    char text[300];
    (void)snprintf(text, sizeof text, "%s is not %s", what, wanted);
    (void)napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", text);
    return false;
}

void node_unknown_name(napi_env env, const char *name, const char *text)
{
    char line[300];
    (void)snprintf(line, sizeof line, "%s: \"%.100s\" is not known", name, text);
    (void)napi_throw_range_error(env, "ERR_INVALID_ARG_VALUE", line);
}

static const char *code_of(grt_status status)
{
    switch (status) {
#define NODE_CODE(name, value, text) \
    case GRT_##name: return "GRT_" #name;
        GRT_STATUS_LIST(NODE_CODE)
#undef NODE_CODE
    default: return "GRT";
    }
}

napi_value node_error(napi_env env, grt_status status, const grt_error *err)
{
    napi_value code, text, error = NULL;
    const char *line = err && err->text[0] ? err->text : grt_status_text(status);
    if (napi_create_string_utf8(env, code_of(status), NAPI_AUTO_LENGTH, &code) !=
            napi_ok ||
        napi_create_string_utf8(env, line, NAPI_AUTO_LENGTH, &text) != napi_ok ||
        napi_create_error(env, code, text, &error) != napi_ok)
        return NULL;
    (void)node_set_number(env, error, "status", status);
    if (err && err->offset >= 0)
        (void)node_set_number(env, error, "offset", (double)err->offset);
    if (err && err->smallest_bytes)
        (void)node_set_number(env, error, "smallestBytes", (double)err->smallest_bytes);
    return error;
}

bool node_text(napi_env env, napi_value value, const char *what, char **out,
               size_t *n_bytes)
{
    size_t n = 0;
    napi_status status = napi_get_value_string_utf8(env, value, NULL, 0, &n);
    if (status == napi_string_expected) return node_type_error(env, what, "a string");
    NODE_TRY(env, status, false);
    char *text = malloc(n + 1);
    if (!text) {
        (void)napi_throw_error(env, "GRT_E_NO_MEMORY", "no memory for the texts");
        return false;
    }
    if (napi_get_value_string_utf8(env, value, text, n + 1, n_bytes) != napi_ok) {
        free(text);
        node_failed(env);
        return false;
    }
    *out = text;
    return true;
}

bool node_member(napi_env env, napi_value object, const char *name, napi_value *out)
{
    napi_valuetype type;
    *out = NULL;
    if (!object) return true;
    NODE_TRY(env, napi_typeof(env, object, &type), false);
    if (type == napi_undefined || type == napi_null) return true;
    if (type != napi_object)
        return node_type_error(env, "the options argument", "an object");
    napi_value found;
    NODE_TRY(env, napi_get_named_property(env, object, name, &found), false);
    NODE_TRY(env, napi_typeof(env, found, &type), false);
    if (type != napi_undefined && type != napi_null) *out = found;
    return true;
}

bool node_number_of(napi_env env, napi_value object, const char *name, double least,
                    double most, double *out)
{
    napi_value found;
    double value;
    if (!node_member(env, object, name, &found)) return false;
    if (!found) return true;
    napi_status status = napi_get_value_double(env, found, &value);
    if (status == napi_number_expected) return node_type_error(env, name, "a number");
    NODE_TRY(env, status, false);
    if (!(value >= least && value <= most)) {
        char line[200];
        (void)snprintf(line, sizeof line, "%s: %g is not from %g to %g", name, value,
                       least, most);
        (void)napi_throw_range_error(env, "ERR_OUT_OF_RANGE", line);
        return false;
    }
    *out = value;
    return true;
}

bool node_text_of(napi_env env, napi_value object, const char *name, char **out,
                  size_t *n_bytes)
{
    napi_value found;
    if (!node_member(env, object, name, &found)) return false;
    return !found || node_text(env, found, name, out, n_bytes);
}

bool node_set_number(napi_env env, napi_value object, const char *name, double value)
{
    napi_value made;
    NODE_TRY(env, napi_create_double(env, value, &made), false);
    NODE_TRY(env, napi_set_named_property(env, object, name, made), false);
    return true;
}

bool node_set_text(napi_env env, napi_value object, const char *name, const char *text)
{
    napi_value made;
    if (text)
        NODE_TRY(env, napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &made),
                 false);
    else
        NODE_TRY(env, napi_get_null(env, &made), false);
    NODE_TRY(env, napi_set_named_property(env, object, name, made), false);
    return true;
}

bool node_set_bool(napi_env env, napi_value object, const char *name, bool value)
{
    napi_value made;
    NODE_TRY(env, napi_get_boolean(env, value, &made), false);
    NODE_TRY(env, napi_set_named_property(env, object, name, made), false);
    return true;
}

bool node_set_array(napi_env env, napi_value object, const char *name,
                    napi_typedarray_type type, const void *values, size_t n,
                    size_t width)
{
    void *bytes = NULL;
    napi_value buffer, made;
    NODE_TRY(env, napi_create_arraybuffer(env, n * width, &bytes, &buffer), false);
    if (n) memcpy(bytes, values, n * width);
    NODE_TRY(env, napi_create_typedarray(env, type, n, buffer, 0, &made), false);
    NODE_TRY(env, napi_set_named_property(env, object, name, made), false);
    return true;
}
