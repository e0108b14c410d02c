/* route.c - what a path and a method lead to. */
#include "serve/state.h"

#include "serve/assets.h"
#include "serve/clock.h"
#include "serve/guard.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Where rankings are asked for.  A prefix that is part of a client's base URL, as
 * "/v1", comes with it. */
static const char *const rank_paths[] = {
    "/rerank",     "/reranking",  "/v1/rerank", "/v1/reranking", "/v2/rerank",
    "/api/rerank", "/score",      "/v1/score",  "/ranking",      "/v1/ranking",
    "/v3/rerank",  "/v2/ranking", NULL};

/* What may be asked without a key: whether the server is well, and what is built in,
 * which holds nobody's data. */
static const char *const open_paths[] = {"/health", "/livez", "/.well-known/ready",
                                         "/.well-known/live", NULL};

static const char *listed(const char *const *paths, const char *path)
{
    for (; *paths; paths++) {
        if (strcmp(*paths, path) == 0) return *paths;
    }
    return NULL;
}

static serve_error_shape shape_of(const char *path)
{
    return serve_dialect_for(path, NULL)->errors;
}

/* A page that may ask may also read the answer. */
static void allow_origin(const serve_server *server, http_response *response,
                         const char *origin)
{
    if (!serve_is_named_origin(&server->options, origin)) return;
    http_add_header(response, "Access-Control-Allow-Origin", origin);
    http_add_header(response, "Vary", "Origin");
}

static void answer_fault(serve_server *server, http_exchange *exchange,
                         const serve_fault *fault)
{
    const http_request *request = http_request_of(exchange);
    http_response response = {0};
    unsigned busy = server->options.busy_status;
    serve_fault_response(&response, fault, shape_of(request->path), busy);
    allow_origin(server, &response, http_header_of(exchange, "Origin"));
    serve_metrics_request(&server->metrics, "none", response.status,
                          serve_now_ns() - request->received_ns);
    http_answer(exchange, &response);
}

void serve_refuse(http_response *out, http_exchange *exchange, unsigned status,
                  const char *text, void *payload)
{
    serve_server *server = payload;
    serve_fault fault;
    serve_fault_kind kind = status == 413   ? SERVE_TOO_LARGE
                            : status == 503 ? SERVE_OUT_OF_MEMORY
                                            : SERVE_BAD_REQUEST;
    (void)serve_fail(&fault, kind, NULL, "%s", text);
    serve_fault_response(out, &fault, shape_of(http_request_of(exchange)->path),
                         server->options.busy_status);
    serve_metrics_request(&server->metrics, "none", status, 0);
}

/* ---- Before the body ---- */

void serve_check(http_exchange *exchange, void *payload)
{
    serve_server *server = payload;
    const http_request *request = http_request_of(exchange);
    serve_caller caller = {.host = http_header_of(exchange, "Host"),
                           .origin = http_header_of(exchange, "Origin"),
                           .authorization = http_header_of(exchange, "Authorization"),
                           .x_api_key = http_header_of(exchange, "X-Api-Key"),
                           .api_key = http_header_of(exchange, "Api-Key")};
    serve_fault fault = {0};
    (void)serve_check_host(&server->options, &caller, &fault);
    int is_asking = strcmp(request->method, "OPTIONS") == 0; /* what it may */
    int is_open = listed(open_paths, request->path) || serve_asset_at(request->path);
    if (!fault.kind && !is_asking && !is_open)
        (void)serve_check_key(&server->options, &caller, &fault);
    const char *coding = http_header_of(exchange, "Content-Encoding");
    if (!fault.kind && coding && strcasecmp(coding, "identity") != 0)
        (void)serve_fail(&fault, SERVE_BAD_REQUEST, NULL,
                         "a body in Content-Encoding \"%.40s\" is not read", coding);
    if (!fault.kind && strcmp(request->method, "POST") == 0 &&
        serve_is_stopping(server)) {
        (void)serve_fail(&fault, SERVE_STOPPING, NULL, "the server is stopping");
        fault.retry_after_s = 1;
    }
    if (fault.kind) answer_fault(server, exchange, &fault);
}

/* ---- With the body ---- */

static void queue_request(serve_server *server, http_exchange *exchange,
                          const char *path)
{
    serve_fault fault;
    const http_request *request = http_request_of(exchange);
    if (!serve_is_ready(server)) {
        (void)serve_fail(&fault, SERVE_LOADING, NULL, "Loading model");
        fault.retry_after_s = 1;
        answer_fault(server, exchange, &fault);
        return;
    }
    serve_job *job = calloc(1, sizeof *job);
    if (!job) {
        (void)serve_fail(&fault, SERVE_OUT_OF_MEMORY, NULL, "out of memory");
        answer_fault(server, exchange, &fault);
        return;
    }
    job->exchange = exchange;
    job->path = path;
    job->received_ns = request->received_ns;
    pthread_mutex_lock(&server->lock);
    uint64_t number = ++server->n_ids;
    pthread_mutex_unlock(&server->lock);
    snprintf(job->id, sizeof job->id, "rerank-%08" PRIx64 "%06" PRIx64,
             server->started_ns & 0xffffffff, number);
    serve_queue_add(&server->queue, job);
}

/* A browser asks before it sends JSON or a key from another page. */
static void answer_options(serve_server *server, http_exchange *exchange)
{
    http_response response = {.status = 204};
    http_add_header(&response, "Allow", "GET, HEAD, POST, OPTIONS");
    const char *origin = http_header_of(exchange, "Origin");
    if (serve_is_named_origin(&server->options, origin)) {
        allow_origin(server, &response, origin);
        http_add_header(&response, "Access-Control-Allow-Methods",
                        "GET, POST, OPTIONS");
        http_add_header(&response, "Access-Control-Allow-Headers",
                        "Authorization, Content-Type, X-Api-Key, Api-Key");
        http_add_header(&response, "Access-Control-Max-Age", "600");
    }
    http_answer(exchange, &response);
}

/* "/v1/rerank/" is "/v1/rerank". */
static void cut_slash(char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        path[--n] = 0;
}

void serve_route(http_exchange *exchange, void *payload)
{
    serve_server *server = payload;
    const http_request *request = http_request_of(exchange);
    char path[256];
    serve_fault fault = {0};
    snprintf(path, sizeof path, "%s", request->path);
    cut_slash(path);
    const char *rank_path = listed(rank_paths, path);
    int is_post = strcmp(request->method, "POST") == 0;
    int is_get =
        strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    if (strcmp(request->method, "OPTIONS") == 0) {
        answer_options(server, exchange);
        return;
    }
    if (rank_path && is_post) {
        queue_request(server, exchange, rank_path);
        return;
    }
    if (is_get && !rank_path && serve_page(server, exchange, path)) return;
    if (rank_path)
        (void)serve_fail(&fault, SERVE_BAD_METHOD, NULL,
                         "%.100s is asked with POST and a JSON body", path);
    else
        (void)serve_fail(&fault, SERVE_NOT_FOUND, NULL,
                         "there is nothing at %.10s %.100s", request->method, path);
    answer_fault(server, exchange, &fault);
}
