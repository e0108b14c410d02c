/*
 * request.c - reads a request to rank.
 *
 * Names of members, by meaning; clients of one server or another write
 *
 *     query         query, text_1, queries, data_1; a text, or {"text"}; where pairs
 * are scored also a list documents     texts, or objects with "text", or with the
 * fields that "rank_fields" lists top_n         top_n, top_k: null, 0 and -1 are all
 *     instruction   instruction, instruct
 *     truncation    truncate ("NONE", false: too long is an error), truncation,
 *                   max_tokens_per_doc, truncate_prompt_tokens, max_tokens_per_query;
 *                   max_chunks_per_doc: the best chunk counts
 */
#include "serve/request.h"

#include "serve/dialects.h"

#include <stdlib.h>
#include <string.h>

/* Values of JSON that a body may hold: so many, and for each document that is allowed.
 */
enum { BASE_VALUES = 1000, DOCUMENT_VALUES = 64 };
/* Each of them is looked for in each document. */
enum { FIELDS_MAX = 64 };

/* ---- Wishes ---- */

serve_fault_kind serve_wishes_read(serve_wishes *out, const json_t *object,
                                   serve_fault *fault)
{
    size_t k = SIZE_MAX;
    double precision = 0, deadline_ms = 0;
    serve_text policy = {0}, promise = {0};
    if (!object) return fault->kind;
    if (!json_is_object(object))
        return serve_fail(fault, SERVE_BAD_REQUEST, "grating",
                          "\"grating\" must be an object");
    (void)serve_take_count(&k, object, "k", fault);
    (void)serve_take_real(&precision, object, "precision", fault);
    (void)serve_take_real(&deadline_ms, object, "deadline_ms", fault);
    (void)serve_take_text(&policy, object, "policy", fault);
    (void)serve_take_text(&promise, object, "promise", fault);
    if (fault->kind) return fault->kind;
    if (precision < 0 || precision >= 1)
        return serve_fail(fault, SERVE_BAD_REQUEST, "precision",
                          "\"precision\" must be above 0 and below 1");
    if (deadline_ms < 0 || deadline_ms > 1e9)
        return serve_fail(fault, SERVE_BAD_REQUEST, "deadline_ms",
                          "\"deadline_ms\" must be a time from 0 to 1e9");
    grt_policy policy_value = GRT_POLICY_DEFAULT;
    if (policy.data && grt_policy_from_text(&policy_value, policy.data))
        return serve_fail(fault, SERVE_BAD_REQUEST, "policy",
                          "\"policy\" must be \"bound\", \"cluster\" or \"none\"");
    grt_promise promise_value = GRT_PROMISE_DEFAULT;
    if (promise.data && grt_promise_from_text(&promise_value, promise.data))
        return serve_fail(fault, SERVE_BAD_REQUEST, "promise",
                          "\"promise\" must be \"set\", \"order\" or \"scores\"");
    if (k != SIZE_MAX) {
        out->has_k = 1;
        out->k = k;
    }
    out->precision = (float)precision;
    out->deadline_ns = (uint64_t)(deadline_ms * 1e6);
    out->policy = (int32_t)policy_value;
    out->promise = (int32_t)promise_value;
    return SERVE_OK;
}

void serve_wishes_fill(serve_wishes *own, const serve_wishes *other)
{
    if (!own->has_k) {
        own->has_k = other->has_k;
        own->k = other->k;
    }
    if (!(own->precision > 0)) own->precision = other->precision;
    if (!own->deadline_ns) own->deadline_ns = other->deadline_ns;
    if (!own->policy) own->policy = other->policy;
    if (!own->promise) own->promise = other->promise;
}

/* ---- Queries ---- */

static int is_blank(serve_text text)
{
    for (size_t i = 0; i < text.bytes; i++) {
        if (!memchr(" \t\r\n\v\f", text.data[i], 6)) return 0;
    }
    return 1;
}

/* The text of a value: a string, or an object with a text in it. */
static serve_text text_in(const json_t *value)
{
    static const char *const names[] = {"text", "content", NULL};
    if (json_is_object(value)) value = serve_first_member(value, names, NULL);
    return json_is_string(value) ? serve_text_of(value) : (serve_text){0};
}

static serve_fault_kind take_query(serve_text *out, const json_t *value,
                                   const char *name, const serve_limits *limits,
                                   serve_fault *fault)
{
    *out = text_in(value);
    if (!out->data)
        return serve_fail(fault, SERVE_BAD_REQUEST, name, "\"%s\" must be a string",
                          name);
    if (is_blank(*out))
        return serve_fail(fault, SERVE_BAD_REQUEST, name,
                          "\"%s\" must not be empty or only white space", name);
    if (out->bytes > limits->text_bytes)
        return serve_fail(fault, SERVE_TOO_LONG, name,
                          "\"%s\" has %zu bytes, at most %zu are read", name,
                          out->bytes, limits->text_bytes);
    return SERVE_OK;
}

static serve_fault_kind read_queries(serve_request *out, const serve_limits *limits,
                                     serve_fault *fault)
{
    static const char *const names[] = {"query", "text_1", "queries", "data_1", NULL};
    const char *name = "query";
    const json_t *value = serve_first_member(out->root, names, &name);
    if (!value)
        return serve_fail(fault, SERVE_BAD_REQUEST, "query", "\"query\" is missing");
    size_t n = json_is_array(value) ? json_array_size(value) : 1;
    if (n == 0)
        return serve_fail(fault, SERVE_BAD_REQUEST, name, "\"%s\" must not be empty",
                          name);
    if (n > limits->n_documents)
        return serve_fail(fault, SERVE_TOO_MANY, name,
                          "\"%s\" holds %zu texts, at most %zu are taken", name, n,
                          limits->n_documents);
    out->queries = calloc(n, sizeof *out->queries);
    if (!out->queries)
        return serve_fail(fault, SERVE_OUT_OF_MEMORY, NULL, "out of memory");
    out->n_queries = n;
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
        if (take_query(&out->queries[i], one, name, limits, fault)) return fault->kind;
    }
    return SERVE_OK;
}

/* ---- Documents ---- */

/* "name: value" lines of the fields that are there; one field is its value alone.
 * NULL: memory is out. */
static char *join_fields(const json_t *object, const json_t *fields, size_t *bytes)
{
    wire_buffer out = {0};
    size_t n = json_array_size(fields);
    for (size_t i = 0; i < n; i++) {
        const char *name = json_string_value(json_array_get(fields, i));
        const json_t *value = name ? serve_member(object, name) : NULL;
        if (!value) continue;
        if (n > 1) wire_printf(&out, "%s%s: ", out.bytes ? "\n" : "", name);
        if (json_is_string(value)) {
            serve_text text = serve_text_of(value);
            wire_put(&out, text.data, text.bytes);
        } else {
            char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
            if (dumped)
                wire_put_string(&out, dumped);
            else
                out.has_failed = 1;
            free(dumped);
        }
    }
    *bytes = out.bytes;
    wire_put(&out, "", 1);
    if (!out.has_failed) return out.data;
    wire_release(&out);
    return NULL;
}

static int has_field(const json_t *object, const json_t *fields)
{
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const char *name = json_string_value(json_array_get(fields, i));
        if (name && serve_member(object, name)) return 1;
    }
    return 0;
}

static serve_fault_kind take_document(serve_request *out, size_t i, const char *name,
                                      const serve_limits *limits, serve_fault *fault)
{
    const json_t *value = out->values[i];
    const json_t *fields = serve_member(out->root, "rank_fields");
    serve_text text = {0};
    if (json_is_object(value) && has_field(value, fields)) {
        char *joined = join_fields(value, fields, &text.bytes);
        if (!joined)
            return serve_fail(fault, SERVE_OUT_OF_MEMORY, NULL, "out of memory");
        out->joined[out->n_joined++] = joined;
        text.data = joined;
    } else {
        text = text_in(value);
    }
    if (!text.data)
        return serve_fail(fault, SERVE_BAD_REQUEST, name,
                          "\"%s\"[%zu] must be a string, or an object with \"text\"%s",
                          name, i, fields ? " or one of \"rank_fields\"" : "");
    if (text.bytes > limits->text_bytes)
        return serve_fail(fault, SERVE_TOO_LONG, name,
                          "\"%s\"[%zu] has %zu bytes, at most %zu are read", name, i,
                          text.bytes, limits->text_bytes);
    out->texts[i] = text.data;
    out->bytes[i] = text.bytes;
    return SERVE_OK;
}

static serve_fault_kind read_documents(serve_request *out, const serve_limits *limits,
                                       serve_fault *fault)
{
    const char *name = out->dialect->documents[0];
    const json_t *value = serve_first_member(out->root, out->dialect->documents, &name);
    /* A pair may be given as two texts. */
    int is_single = json_is_string(value) || json_is_object(value);
    if (!value)
        return serve_fail(fault, SERVE_BAD_REQUEST, name, "\"%s\" is missing", name);
    if (!json_is_array(value) && !is_single)
        return serve_fail(fault, SERVE_BAD_REQUEST, name,
                          "\"%s\" must be a list of texts", name);
    size_t n = is_single ? 1 : json_array_size(value);
    if (json_array_size(serve_member(out->root, "rank_fields")) > FIELDS_MAX)
        return serve_fail(fault, SERVE_TOO_MANY, "rank_fields",
                          "\"rank_fields\" may hold %d names", FIELDS_MAX);
    if (n == 0)
        return serve_fail(fault, SERVE_BAD_REQUEST, name, "\"%s\" must not be empty",
                          name);
    if (n > limits->n_documents)
        return serve_fail(fault, SERVE_TOO_MANY, name,
                          "\"%s\" holds %zu documents, at most %zu are taken", name, n,
                          limits->n_documents);
    out->texts = calloc(n, sizeof *out->texts);
    out->bytes = calloc(n, sizeof *out->bytes);
    out->values = calloc(n, sizeof *out->values);
    out->joined = calloc(n, sizeof *out->joined);
    if (!out->texts || !out->bytes || !out->values || !out->joined)
        return serve_fail(fault, SERVE_OUT_OF_MEMORY, NULL, "out of memory");
    out->n_documents = n;
    for (size_t i = 0; i < n; i++) {
        out->values[i] = is_single ? value : json_array_get(value, i);
        if (take_document(out, i, name, limits, fault)) return fault->kind;
    }
    return SERVE_OK;
}

static serve_fault_kind check_pairs(const serve_request *out, serve_fault *fault)
{
    if (out->n_queries == 1 || out->n_queries == out->n_documents) return SERVE_OK;
    return serve_fail(fault, SERVE_BAD_REQUEST, "queries",
                      "%zu queries and %zu documents: there must be one query, or as "
                      "many as documents",
                      out->n_queries, out->n_documents);
}

/* ---- Options ---- */

/* TEI sends a truth value or null, NIM "END" or "NONE". */
static serve_fault_kind read_truncation(serve_request *out, serve_fault *fault)
{
    int truncates = 1;
    const json_t *value = serve_member(out->root, "truncate");
    serve_text text = json_is_string(value) ? serve_text_of(value) : (serve_text){0};
    if (text.data &&
        (strcasecmp(text.data, "end") == 0 || strcasecmp(text.data, "start") == 0))
        truncates = 1;
    else
        (void)serve_take_bool(&truncates, out->root, "truncate", fault);
    (void)serve_take_bool(&truncates, out->root, "truncation", fault);
    if (!truncates) out->long_documents = GRT_LONG_REFUSE;
    /* -1 is the model's own limit in some, a count in all. */
    (void)serve_take_count(&out->max_document_tokens, out->root,
                           "truncate_prompt_tokens", fault);
    (void)serve_take_count(&out->max_document_tokens, out->root, "max_tokens_per_doc",
                           fault);
    (void)serve_take_count(&out->max_query_tokens, out->root, "max_tokens_per_query",
                           fault);
    serve_text side = {0};
    (void)serve_take_text(&side, out->root, "truncation_direction", fault);
    (void)serve_take_text(&side, out->root, "truncation_side", fault);
    out->cuts_starts = side.data && strcasecmp(side.data, "left") == 0;
    /* Cohere v1 splits long documents, and the best chunk counts. */
    size_t n_chunks = 1;
    (void)serve_take_count(&n_chunks, out->root, "max_chunks_per_doc", fault);
    if (n_chunks > 1 && truncates) out->long_documents = GRT_LONG_BEST;
    return fault->kind;
}

/* What clients leave to the server in "grating": long documents too. */
static serve_fault_kind read_own(serve_request *out, serve_fault *fault)
{
    const json_t *own = serve_member(out->root, "grating");
    serve_text handling = {0};
    grt_long_documents value = GRT_LONG_CUT;
    if (serve_wishes_read(&out->wishes, own, fault)) return fault->kind;
    (void)serve_take_bool(&out->is_traced, own, "trace", fault);
    if (serve_take_text(&handling, own, "long_documents", fault)) return fault->kind;
    if (!handling.data) return SERVE_OK;
    if (grt_long_documents_from_text(&value, handling.data))
        return serve_fail(fault, SERVE_BAD_REQUEST, "long_documents",
                          "\"long_documents\" must be \"cut\", \"best\" or \"refuse\"");
    out->long_documents = (int32_t)value;
    return SERVE_OK;
}

static serve_fault_kind read_options(serve_request *out, serve_fault *fault)
{
    const json_t *root = out->root;
    serve_text model = {0};
    if (read_truncation(out, fault)) return fault->kind;
    (void)serve_take_text(&model, root, "model", fault);
    (void)serve_take_text(&out->instruction, root, "instruct", fault);
    (void)serve_take_text(&out->instruction, root, "instruction", fault);
    (void)serve_take_count(&out->top_n, root, "top_k", fault);
    (void)serve_take_count(&out->top_n, root, "top_n", fault);
    (void)serve_take_integer(&out->priority, root, "priority", fault);
    (void)serve_take_bool(&out->returns_documents, root, "return_text", fault);
    (void)serve_take_bool(&out->returns_documents, root, "return_input", fault);
    (void)serve_take_bool(&out->returns_documents, root, "return_documents", fault);
    (void)serve_take_bool(&out->gives_logits, root, "raw_scores", fault);
    (void)serve_take_bool(&out->is_streamed, root, "stream", fault);
    int activates = 1; /* vLLM's word for the opposite of raw_scores */
    (void)serve_take_bool(&activates, root, "use_activation", fault);
    if (!activates) out->gives_logits = 1;
    if (fault->kind) return fault->kind;
    if (model.data && strlen(model.data) != model.bytes)
        return serve_fail(fault, SERVE_BAD_REQUEST, "model",
                          "\"model\" must not hold a NUL");
    out->model = model.data && model.bytes ? model.data : NULL;
    if (out->instruction.bytes == 0) out->instruction.data = NULL;
    return read_own(out, fault);
}

/* Values in a body, at most: what stands before each comma, colon and bracket outside
 * of strings.  Two bytes of "1," become a value of some thirty, so that a body within
 * its limit might take gigabytes. */
static size_t count_values(const char *body, size_t bytes)
{
    size_t n = 1;
    for (size_t i = 0; i < bytes; i++) {
        char c = body[i];
        n += c == ',' || c == ':' || c == '[' || c == '{';
        if (c != '"') continue;
        for (i++; i < bytes && body[i] != '"'; i++)
            i += body[i] == '\\';
    }
    return n;
}

serve_fault_kind serve_request_read(serve_request *out, const char *path,
                                    const char *body, size_t bytes,
                                    const serve_limits *limits, serve_fault *fault)
{
    json_error_t error;
    *out = (serve_request){.dialect = serve_dialect_for(path, NULL)};
    *fault = (serve_fault){0};
    if (!body || bytes == 0)
        return serve_fail(fault, SERVE_BAD_REQUEST, NULL, "the body is empty");
    size_t most = BASE_VALUES + DOCUMENT_VALUES * limits->n_documents;
    if (count_values(body, bytes) > most)
        return serve_fail(fault, SERVE_TOO_MANY, NULL,
                          "the body holds more than %zu values", most);
    out->root = json_loadb(body, bytes, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    if (!out->root)
        return serve_fail(fault, SERVE_BAD_REQUEST, NULL,
                          "the body is not JSON: %s (line %d, column %d)", error.text,
                          error.line, error.column);
    out->dialect = serve_dialect_for(path, out->root);
    if (!json_is_object(out->root))
        return serve_fail(fault, SERVE_BAD_REQUEST, NULL,
                          "the body must be a JSON object");
    if (read_queries(out, limits, fault)) return fault->kind;
    if (read_documents(out, limits, fault)) return fault->kind;
    if (check_pairs(out, fault)) return fault->kind;
    return read_options(out, fault);
}

void serve_request_release(serve_request *request)
{
    for (size_t i = 0; i < request->n_joined; i++)
        free(request->joined[i]);
    free(request->joined);
    free(request->queries);
    free(request->texts);
    free(request->bytes);
    free(request->values);
    json_decref(request->root);
    *request = (serve_request){0};
}
