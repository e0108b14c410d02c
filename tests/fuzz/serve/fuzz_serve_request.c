/* fuzz_serve_request.c - any bytes as a request to the server: read, and answered in
 * the dialect that it is taken for.  The first byte chooses the path. */
#include "fuzz.h"

#include "serve/dialects.h"

#include <string.h>

static const char *const paths[] = {"/rerank",     "/v1/rerank",  "/v2/rerank",
                                    "/reranking",  "/v1/ranking", "/score",
                                    "/api/rerank", "/v1/score"};
enum { N_PATHS = sizeof(paths) / sizeof(paths[0]) };

static const serve_limits limits = {.n_documents = 64, .text_bytes = 4096};

/* What was written is JSON, whatever the texts were. */
static void need_json(const wire_buffer *out, const char *what)
{
    json_error_t error;
    fuzz_need(!out->has_failed, "there is memory");
    json_t *root = json_loadb(out->data, out->bytes, JSON_ALLOW_NUL, &error);
    if (!root) fprintf(stderr, "%s: %.*s\n", error.text, (int)out->bytes, out->data);
    fuzz_need(root != NULL, what);
    json_decref(root);
}

static void check_fault(const serve_request *request, const serve_fault *fault)
{
    wire_buffer out = {0};
    unsigned status = serve_fault_status(fault->kind, 429);
    fuzz_need(fault->text[0] != 0, "a fault says what it is");
    fuzz_need(status >= 400 && status < 500, "a request that is not read is a 4xx");
    fuzz_need(request->dialect != NULL, "an error has a shape");
    serve_put_fault(&out, fault, request->dialect->errors, status);
    need_json(&out, "an error is JSON");
    wire_release(&out);
}

static void check_request(const serve_request *request)
{
    fuzz_need(request->n_documents >= 1 && request->n_documents <= limits.n_documents,
              "documents within the limit");
    fuzz_need(request->n_queries == 1 || request->n_queries == request->n_documents,
              "one query, or one for each document");
    for (size_t i = 0; i < request->n_documents; i++) {
        fuzz_need(request->texts[i] && request->bytes[i] <= limits.text_bytes,
                  "a document is a text within the limit");
        fuzz_need(request->texts[i][request->bytes[i]] == 0, "it ends with a NUL");
    }
    for (size_t i = 0; i < request->n_queries; i++)
        fuzz_need(request->queries[i].data && request->queries[i].bytes > 0,
                  "a query is a text");
    fuzz_need(request->wishes.precision >= 0 && request->wishes.precision < 1,
              "a precision is below 1");
}

/* Ranked backwards. */
static void answer(const serve_request *request)
{
    wire_buffer out = {0};
    wire_json json = {.out = &out};
    serve_entry entries[64];
    serve_answer answer = {.request = request,
                           .id = "rerank-1",
                           .model = request->model ? request->model : "mini",
                           .entries = entries,
                           .n = request->n_documents,
                           .k = 1,
                           .n_truncated = 1,
                           .stats = {.deadline_hit = 1}};
    for (size_t i = 0; i < answer.n; i++)
        entries[i] = (serve_entry){.index = answer.n - 1 - i,
                                   .score = 0.5F,
                                   .flags = i % 2 ? GRT_FLAG_TRUNCATED : GRT_FLAG_EXACT,
                                   .state = GRT_STATE_DROPPED};
    request->dialect->put(&json, &answer);
    need_json(&out, "an answer is JSON");
    wire_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    serve_request request;
    serve_fault fault;
    if (size == 0) return 0;
    serve_fault_kind kind =
        serve_request_read(&request, paths[data[0] % N_PATHS], (const char *)data + 1,
                           size - 1, &limits, &fault);
    fuzz_need(kind == fault.kind, "what is returned is what is told");
    if (kind) {
        check_fault(&request, &fault);
    } else {
        check_request(&request);
        answer(&request);
    }
    serve_request_release(&request);
    return 0;
}
