/*
 * pages.c - what is answered to GET: health, models, metrics, and files that are built
 * in.
 */
#include "serve/state.h"

#include "serve/assets.h"
#include "serve/clock.h"

#include <string.h>

typedef void page_fn(serve_server *server, http_response *out);

static void put_health(serve_server *server, http_response *out)
{
    wire_json json = {.out = &out->body};
    int is_ready = serve_is_ready(server) && !serve_is_stopping(server);
    out->status = is_ready ? 200 : 503;
    wire_begin(&json, NULL, '{');
    wire_string(&json, "status",
                is_ready                    ? "ok"
                : serve_is_stopping(server) ? "stopping"
                                            : "loading");
    wire_end(&json, '}');
    if (!is_ready) http_add_header(out, "Retry-After", "1");
}

/* Whether the process is there at all. */
static void put_alive(serve_server *server, http_response *out)
{
    (void)server;
    wire_put_string(&out->body, "{\"status\": \"ok\"}");
}

static void put_wishes(wire_json *json, const serve_wishes *wishes)
{
    wire_begin(json, "grating", '{');
    if (wishes->has_k) wire_count(json, "k", wishes->k);
    if (wishes->precision > 0) wire_float(json, "precision", wishes->precision);
    if (wishes->deadline_ns) wire_ms(json, "deadline_ms", wishes->deadline_ns);
    if (wishes->policy)
        wire_string(json, "policy", grt_policy_text((grt_policy)wishes->policy));
    if (wishes->promise)
        wire_string(json, "promise", grt_promise_text((grt_promise)wishes->promise));
    wire_end(json, '}');
}

static void put_models(serve_server *server, http_response *out)
{
    wire_json json = {.out = &out->body};
    wire_begin(&json, NULL, '{');
    wire_string(&json, "object", "list");
    wire_begin(&json, "data", '[');
    for (size_t i = 0; i < server->options.n_aliases; i++) {
        const serve_alias *alias = &server->options.aliases[i];
        serve_wishes wishes = alias->wishes;
        serve_wishes_fill(&wishes, &server->options.wishes);
        wire_begin(&json, NULL, '{');
        wire_string(&json, "id", alias->name);
        wire_string(&json, "object", "model");
        wire_count(&json, "created", 0);
        wire_string(&json, "owned_by", "grating");
        wire_string(&json, "type", "rerank");
        wire_bool(&json, "is_open", serve_models_is_open(&server->models, i));
        put_wishes(&json, &wishes);
        wire_end(&json, '}');
    }
    wire_end(&json, ']');
    wire_end(&json, '}');
}

/* As text-embeddings-inference tells it. */
static void put_info(serve_server *server, http_response *out)
{
    const serve_options *options = &server->options;
    wire_json json = {.out = &out->body};
    grt_model_info info = GRT_MODEL_INFO_INIT;
    grt_model *model = NULL;
    serve_fault fault = {0};
    int is_open = serve_models_is_open(&server->models, 0) &&
                  serve_models_take(&server->models, 0, &model, &fault) == SERVE_OK;
    wire_begin(&json, NULL, '{');
    wire_string(&json, "model_id", options->aliases[0].name);
    wire_null(&json, "model_sha");
    if (is_open) {
        grt_model_describe(model, &info);
        wire_string(&json, "model_dtype",
                    grt_arithmetic_text((grt_arithmetic)info.arithmetic));
    }
    wire_string(&json, "served_model_name", options->aliases[0].name);
    wire_raw(&json, "model_type",
             "{\"reranker\": {\"id2label\": {\"0\": \"LABEL_0\"}, \"label2id\": "
             "{\"LABEL_0\": 0}}}");
    wire_count(&json, "max_concurrent_requests",
               options->n_parallel + options->queue_limit);
    if (is_open) wire_count(&json, "max_input_length", info.max_tokens);
    wire_null(&json, "max_batch_tokens");
    wire_null(&json, "max_batch_requests");
    wire_count(&json, "max_client_batch_size", options->limits.n_documents);
    wire_bool(&json, "auto_truncate", 1);
    wire_count(&json, "tokenization_workers", options->engine.n_threads);
    wire_string(&json, "version", grt_version());
    wire_null(&json, "sha");
    wire_null(&json, "docker_label");
    if (is_open) {
        wire_string(&json, "architecture", info.architecture);
        wire_count(&json, "n_layers", info.n_layers);
        wire_bool(&json, "profile", info.profile != NULL);
        wire_string(&json, "isa", info.isa);
        serve_models_give_back(&server->models, 0, 0);
    }
    wire_end(&json, '}');
}

/* As Weaviate's modules are asked what they are. */
static void put_meta(serve_server *server, http_response *out)
{
    wire_json json = {.out = &out->body};
    wire_begin(&json, NULL, '{');
    wire_string(&json, "model_name", server->options.aliases[0].name);
    wire_string(&json, "server", "grating");
    wire_string(&json, "version", grt_version());
    wire_end(&json, '}');
}

static void put_metrics(serve_server *server, http_response *out)
{
    serve_gauges gauges = {
        .n_unread = serve_queue_count(&server->queue, SERVE_JOB_UNREAD),
        .n_waiting = serve_queue_count(&server->queue, SERVE_JOB_WAITING),
        .n_running = serve_queue_count(&server->queue, SERVE_JOB_RUNNING),
        .n_connections = http_n_exchanges(server->http),
        .is_ready = serve_is_ready(server),
        .uptime_ns = serve_now_ns() - server->started_ns,
        .usage = GRT_ENGINE_USAGE_INIT};
    if (server->options.resident_bytes)
        gauges.resident_bytes = server->options.resident_bytes();
    (void)!grt_engine_describe(server->engine, &gauges.usage);
    out->type = "text/plain; version=0.0.4; charset=utf-8";
    serve_metrics_put(&out->body, &server->metrics, &gauges);
    serve_selfcheck_put(&out->body, &server->selfcheck);
}

typedef struct page_row {
    const char *path;
    page_fn *put;
} page_row;

static const page_row rows[] = {
    {"/health", put_health},    {"/.well-known/ready", put_health},
    {"/livez", put_alive},      {"/.well-known/live", put_alive},
    {"/v1/models", put_models}, {"/models", put_models},
    {"/info", put_info},        {"/meta", put_meta},
    {"/metrics", put_metrics},
};

/* The page takes nothing from elsewhere, talks to nobody else, and makes no markup out
 * of texts. */
static const char csp[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

static int put_asset(http_exchange *exchange, const char *path, http_response *out)
{
    const serve_asset *asset = serve_asset_at(path);
    if (!asset) return 0;
    const char *known = http_header_of(exchange, "If-None-Match");
    out->type = asset->type;
    http_add_header(out, "ETag", asset->tag);
    http_add_header(out, "Cache-Control", "no-cache");
    http_add_header(out, "Content-Security-Policy", csp);
    http_add_header(out, "X-Content-Type-Options", "nosniff");
    http_add_header(out, "Referrer-Policy", "no-referrer");
    if (known && strcmp(known, asset->tag) == 0)
        out->status = 304;
    else
        wire_put(&out->body, (const char *)asset->data, asset->bytes);
    return 1;
}

int serve_page(serve_server *server, http_exchange *exchange, const char *path)
{
    http_response response = {.status = 200, .type = "application/json"};
    size_t n = sizeof rows / sizeof rows[0], i = 0;
    while (i < n && strcmp(rows[i].path, path) != 0)
        i++;
    if (i < n)
        rows[i].put(server, &response);
    else if (!put_asset(exchange, path, &response))
        return 0;
    http_answer(exchange, &response);
    return 1;
}
