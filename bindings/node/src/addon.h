/* addon.h - the pieces of the Node addon: values.c turns JavaScript's values into C's
 * and back, request.c reads requests, addon.c holds models and rankings.
 *
 * Functions that return bool have thrown a JavaScript exception when they give false.
 */
#ifndef GRATING_NODE_ADDON_H
#define GRATING_NODE_ADDON_H

#include <grating.h>

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>

/* ---- values.c ---- */

/* Ends the calling function with `result` when a call of Node-API fails, which throws
 * only where nothing is thrown yet. */
#define NODE_TRY(env, call, result)                             \
    do {                                                        \
        if ((call) != napi_ok) return node_failed(env), result; \
    } while (0)
void node_failed(napi_env env);

/* Throws a TypeError. */
bool node_type_error(napi_env env, const char *what, const char *wanted);

/* An Error with the properties status, code ("GRT_E_IO"), offset and smallestBytes. */
napi_value node_error(napi_env env, grt_status status, const grt_error *err);

/* A text in UTF-8, ended by a NUL that *n_bytes does not count; to be freed. */
bool node_text(napi_env env, napi_value value, const char *what, char **out,
               size_t *n_bytes);

/* Members of an options object; `out` stays as it is where the member is undefined or
 * null, or where there is no object. */
bool node_number_of(napi_env env, napi_value object, const char *name, double least,
                    double most, double *out);
bool node_text_of(napi_env env, napi_value object, const char *name, char **out,
                  size_t *n_bytes);
/* The member, or NULL. */
bool node_member(napi_env env, napi_value object, const char *name, napi_value *out);
/* One of an enum's names, read by grt_..._from_text. */
#define NODE_ENUM(type)                                                      \
    static inline bool node_##type##_of(napi_env env, napi_value object,     \
                                        const char *name, type *out)         \
    {                                                                        \
        char *text = NULL;                                                   \
        size_t n_bytes;                                                      \
        if (!node_text_of(env, object, name, &text, &n_bytes)) return false; \
        bool is_known = !text || type##_from_text(out, text) == GRT_OK;      \
        if (!is_known) node_unknown_name(env, name, text);                   \
        node_free(text);                                                     \
        return is_known;                                                     \
    }
void node_unknown_name(napi_env env, const char *name, const char *text);
void node_free(void *memory);

bool node_set_number(napi_env env, napi_value object, const char *name, double value);
bool node_set_text(napi_env env, napi_value object, const char *name, const char *text);
bool node_set_bool(napi_env env, napi_value object, const char *name, bool value);
/* A typed array with a copy of n values. */
bool node_set_array(napi_env env, napi_value object, const char *name,
                    napi_typedarray_type type, const void *values, size_t n,
                    size_t width);

/* ---- request.c ---- */

/* A request with texts of its own. */
typedef struct node_request {
    grt_request raw;
    grt_policy_options policy;
    char **documents;
    size_t *document_bytes;
    char *query, *instruction;
    float *priors;
} node_request;

bool node_request_read(napi_env env, node_request *out, napi_value query,
                       napi_value documents, napi_value options);
void node_request_release(node_request *request);

#endif
