/* finish.c - the end of a request: its answer, its line in the log, its numbers. */
#include "serve/state.h"

#include "serve/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* What a client that has left would have been told, by nginx's habit. */
enum { STATUS_GONE = 499 };

unsigned serve_retry_after(serve_server *server)
{
    double each = serve_metrics_service_s(&server->metrics);
    size_t n = serve_queue_count(&server->queue, SERVE_JOB_WAITING) + 1;
    double seconds = ceil(each * (double)n / (double)server->options.n_parallel);
    return seconds < 1 ? 1 : seconds > 60 ? 60 : (unsigned)seconds;
}

static void log_request(serve_server *server, const serve_job *job, unsigned status,
                        const serve_answer *answer, const serve_fault *fault)
{
    const serve_request *request = &job->request;
    if (server->options.is_quiet) return;
    wire_json *json = serve_log_begin(&server->log, "request");
    wire_string(json, "id", job->id);
    wire_string(json, "remote", http_request_of(job->exchange)->remote);
    wire_string(json, "path", job->path);
    wire_string(json, "dialect", request->dialect ? request->dialect->name : NULL);
    wire_count(json, "status", status);
    wire_string(json, "model", request->model);
    wire_count(json, "documents", request->n_documents);
    if (server->options.logs_texts && request->n_queries)
        wire_text(json, "query", request->queries[0].data, request->queries[0].bytes);
    wire_ms(json, "total_ms", serve_now_ns() - job->received_ns);
    if (fault) wire_string(json, "error", fault->text);
    if (answer) {
        wire_ms(json, "queue_ms", answer->queue_ns);
        wire_ms(json, "compute_ms", answer->stats.compute_ns);
        wire_count(json, "k", answer->k);
        wire_count(json, "tokens", answer->n_tokens);
        wire_count(json, "tokens_x_layers", answer->stats.tokens_x_layers);
        wire_count(json, "full_tokens_x_layers", answer->stats.full_tokens_x_layers);
        wire_bool(json, "deadline_hit", answer->stats.deadline_hit);
        if (answer->n_truncated) wire_count(json, "truncated", answer->n_truncated);
    }
    serve_log_end(&server->log);
}

/* Milliseconds as TEI's headers have them. */
static void add_time(http_response *response, const char *name, char text[24],
                     uint64_t ns)
{
    snprintf(text, 24, "%llu", (unsigned long long)(ns / 1000000));
    http_add_header(response, name, text);
}

static void send_answer(serve_job *job, const serve_answer *answer)
{
    char total[24], queue[24], inference[24], tokenize[24], compute[24], tokens[24],
        characters[24];
    http_response response = {.status = 200, .type = "application/json"};
    wire_json json = {.out = &response.body};
    const grt_stats *stats = &answer->stats;
    size_t n_bytes = 0;
    job->request.dialect->put(&json, answer);
    if (job->is_streaming) {
        serve_stream_end(job, "result", &response.body);
        wire_release(&response.body);
        return;
    }
    for (size_t i = 0; i < job->request.n_documents; i++)
        n_bytes += job->request.bytes[i];
    http_add_header(&response, "X-Request-Id", job->id);
    http_add_header(&response, "X-Compute-Type", "cpu");
    add_time(&response, "X-Total-Time", total, answer->total_ns);
    add_time(&response, "X-Queue-Time", queue, answer->queue_ns);
    add_time(&response, "X-Tokenization-Time", tokenize, stats->tokenize_ns);
    add_time(&response, "X-Inference-Time", inference, stats->compute_ns);
    add_time(&response, "X-Compute-Time", compute, stats->compute_ns);
    snprintf(tokens, sizeof tokens, "%llu", (unsigned long long)answer->n_tokens);
    http_add_header(&response, "X-Compute-Tokens", tokens);
    snprintf(characters, sizeof characters, "%zu", n_bytes);
    http_add_header(&response, "X-Compute-Characters", characters);
    http_answer(job->exchange, &response);
}

void serve_finish(serve_server *server, serve_job *job, serve_answer *answer)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    answer->created_s = (uint64_t)now.tv_sec;
    answer->queue_ns = job->started_ns - job->received_ns;
    answer->total_ns = serve_now_ns() - job->received_ns;
    snprintf(answer->id, sizeof answer->id, "%s", job->id);
    serve_metrics_request(&server->metrics, job->request.dialect->name, 200,
                          answer->total_ns);
    serve_metrics_answer(&server->metrics, answer);
    log_request(server, job, 200, answer, NULL);
    /* The exchange is not ours afterwards, and the watch must not look at it. */
    serve_queue_remove(&server->queue, job);
    send_answer(job, answer);
    serve_selfcheck_offer(&server->selfcheck, job->alias, &job->request, answer,
                          job->precision);
    serve_request_release(&job->request);
    free(job);
}

void serve_finish_fault(serve_server *server, serve_job *job, const serve_fault *fault)
{
    serve_error_shape shape =
        job->request.dialect ? job->request.dialect->errors : SERVE_ERROR_OBJECT;
    const char *dialect = job->request.dialect ? job->request.dialect->name : "rerank";
    unsigned busy = server->options.busy_status;
    serve_queue_remove(&server->queue, job);
    unsigned status =
        job->is_gone ? STATUS_GONE : serve_fault_status(fault->kind, busy);
    if (job->is_gone) serve_metrics_gone(&server->metrics);
    serve_metrics_request(&server->metrics, dialect, status,
                          serve_now_ns() - job->received_ns);
    log_request(server, job, status, NULL, fault);
    if (job->is_streaming) {
        wire_buffer body = {0};
        serve_put_fault(&body, fault, shape, status);
        serve_stream_end(job, "error", &body);
        wire_release(&body);
    } else {
        http_response response = {0};
        serve_fault_response(&response, fault, shape, busy);
        response.closes = job->is_gone;
        http_add_header(&response, "X-Request-Id", job->id);
        http_answer(job->exchange, &response);
    }
    serve_request_release(&job->request);
    free(job);
}
