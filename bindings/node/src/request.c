/* request.c - see addon.h. */
#include "addon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

NODE_ENUM(grt_policy)
NODE_ENUM(grt_promise)
NODE_ENUM(grt_long_documents)

enum { MOST_DOCUMENTS = 1000000000 };

static bool no_memory(napi_env env)
{
    (void)napi_throw_error(env, "GRT_E_NO_MEMORY", "no memory for the documents");
    return false;
}

void node_request_release(node_request *request)
{
    for (size_t i = 0; request->documents && i < request->raw.n_documents; i++)
        free(request->documents[i]);
    free(request->documents);
    free(request->document_bytes);
    free(request->query);
    free(request->instruction);
    free(request->priors);
    *request = (node_request){.query = NULL};
}

static bool read_documents(napi_env env, node_request *out, napi_value documents)
{
    bool is_array = false;
    uint32_t n = 0;
    NODE_TRY(env, napi_is_array(env, documents, &is_array), false);
    if (!is_array) return node_type_error(env, "documents", "an array of strings");
    NODE_TRY(env, napi_get_array_length(env, documents, &n), false);
    out->documents = calloc((size_t)n + 1, sizeof *out->documents);
    out->document_bytes = calloc((size_t)n + 1, sizeof *out->document_bytes);
    if (!out->documents || !out->document_bytes) return no_memory(env);
    out->raw.n_documents = n;
    for (uint32_t i = 0; i < n; i++) {
        napi_handle_scope scope;
        napi_value text;
        char what[40];
        (void)snprintf(what, sizeof what, "documents[%u]", (unsigned)i);
        NODE_TRY(env, napi_open_handle_scope(env, &scope), false);
        bool is_read = napi_get_element(env, documents, i, &text) == napi_ok
                           ? node_text(env, text, what, &out->documents[i],
                                       &out->document_bytes[i])
                           : (node_failed(env), false);
        (void)napi_close_handle_scope(env, scope);
        if (!is_read) return false;
    }
    return true;
}

static bool read_priors(napi_env env, node_request *out, napi_value options)
{
    napi_value priors;
    bool is_array = false;
    uint32_t n = 0;
    if (!node_member(env, options, "priors", &priors)) return false;
    if (!priors) return true;
    NODE_TRY(env, napi_is_array(env, priors, &is_array), false);
    if (!is_array) return node_type_error(env, "priors", "an array of numbers");
    NODE_TRY(env, napi_get_array_length(env, priors, &n), false);
    if (n != out->raw.n_documents)
        return node_type_error(env, "priors", "one number for each document");
    out->priors = calloc((size_t)n + 1, sizeof *out->priors);
    if (!out->priors) return no_memory(env);
    for (uint32_t i = 0; i < n; i++) {
        napi_value one;
        double value;
        NODE_TRY(env, napi_get_element(env, priors, i, &one), false);
        if (napi_get_value_double(env, one, &value) != napi_ok)
            return node_type_error(env, "priors", "an array of numbers");
        out->priors[i] = (float)value;
    }
    out->raw.priors = out->priors;
    return true;
}

static bool read_options(napi_env env, node_request *out, napi_value options)
{
    double k = 10, precision = 0, deadline = 0, most = 0, min_score = 0, first = 0;
    grt_policy policy = GRT_POLICY_DEFAULT;
    grt_promise promise = GRT_PROMISE_DEFAULT;
    grt_long_documents longer = GRT_LONG_CUT;
    size_t n_bytes = 0;
    if (!node_number_of(env, options, "k", 0, MOST_DOCUMENTS, &k) ||
        !node_number_of(env, options, "precision", 0, 1, &precision) ||
        !node_number_of(env, options, "deadlineMs", 1e-6, 1e12, &deadline) ||
        !node_number_of(env, options, "maxDocumentTokens", 0, MOST_DOCUMENTS, &most) ||
        !node_number_of(env, options, "minScore", 0, 1, &min_score) ||
        !node_number_of(env, options, "firstLayer", 0, MOST_DOCUMENTS, &first) ||
        !node_grt_policy_of(env, options, "policy", &policy) ||
        !node_grt_promise_of(env, options, "promise", &promise) ||
        !node_grt_long_documents_of(env, options, "longDocuments", &longer) ||
        !node_text_of(env, options, "instruction", &out->instruction, &n_bytes) ||
        !read_priors(env, out, options))
        return false;
    out->policy = (grt_policy_options)GRT_POLICY_OPTIONS_INIT;
    out->policy.policy = policy;
    out->policy.promise = promise;
    out->policy.precision = (float)precision;
    out->policy.first_layer = (size_t)first;
    out->raw.k = (size_t)k;
    out->raw.deadline_ns = (uint64_t)(deadline * 1e6);
    out->raw.max_document_tokens = (size_t)most;
    out->raw.min_score = (float)min_score;
    out->raw.long_documents = longer;
    if (out->instruction) {
        out->raw.instruction = out->instruction;
        out->raw.instruction_bytes = n_bytes;
    }
    return true;
}

bool node_request_read(napi_env env, node_request *out, napi_value query,
                       napi_value documents, napi_value options)
{
    *out = (node_request){.raw = GRT_REQUEST_INIT};
    bool is_read = node_text(env, query, "query", &out->query, &out->raw.query_bytes) &&
                   read_documents(env, out, documents) &&
                   read_options(env, out, options);
    if (!is_read) {
        node_request_release(out);
        return false;
    }
    out->raw.query = out->query;
    out->raw.documents = (const char *const *)out->documents;
    out->raw.document_bytes = out->document_bytes;
    return true;
}
