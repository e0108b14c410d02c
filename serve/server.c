/* server.c - starts and stops the parts of a server in their order. */
#include "serve/server.h"

#include "serve/clock.h"
#include "serve/listen.h"
#include "serve/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int serve_is_ready(serve_server *server)
{
    pthread_mutex_lock(&server->lock);
    int is_ready = server->is_ready;
    pthread_mutex_unlock(&server->lock);
    return is_ready;
}

int serve_is_stopping(serve_server *server)
{
    pthread_mutex_lock(&server->lock);
    int is_stopping = server->is_stopping;
    pthread_mutex_unlock(&server->lock);
    return is_stopping;
}

void serve_options_init(serve_options *options)
{
    const uint64_t second = 1000000000;
    *options = (serve_options){.listen_fd = -1,
                               .engine = GRT_ENGINE_OPTIONS_INIT,
                               .model = GRT_MODEL_OPTIONS_INIT,
                               .wishes = {.has_k = 1, .k = 10},
                               .n_parallel = 4,
                               .queue_limit = 64,
                               .busy_status = 429,
                               .drain_ns = 30 * second,
                               .limits = {.n_documents = 10000, .text_bytes = 8 << 20},
                               .body_bytes = 32 << 20,
                               .n_connections = 512,
                               .n_per_address = 256,
                               .idle_s = 75,
                               .read_s = 60};
}

const char *serve_server_address(const serve_server *server)
{
    return server->address;
}

static grt_status start_http(serve_server *server, grt_error *err)
{
    const serve_options *options = &server->options;
    int fd = options->listen_fd;
    grt_status status = GRT_OK;
    char place[300];
    if (fd < 0)
        status = serve_listen(&fd, options->host ? options->host : "127.0.0.1",
                              options->port ? options->port : "8080", err);
    if (status) return status;
    serve_listen_address(fd, place, sizeof place);
    snprintf(server->address, sizeof server->address, "%s://%s",
             options->certificate ? "https" : "http", place);
    http_options http = {.listen_fd = fd,
                         .body_bytes = options->body_bytes,
                         .total_bytes = 4 * options->body_bytes,
                         .n_connections = options->n_connections,
                         .n_per_address = options->n_per_address,
                         .idle_s = options->idle_s,
                         .read_s = options->read_s,
                         .keeps_half_closed = options->keeps_half_closed,
                         .certificate = options->certificate,
                         .key = options->key,
                         .check = serve_check,
                         .handle = serve_route,
                         .refuse = serve_refuse,
                         .payload = server};
    return http_start(&server->http, &http, err);
}

/* Started threads are marked, so that the end knows whom to wait for. */
static grt_status start_threads(serve_server *server, grt_error *err)
{
    size_t n = server->options.n_parallel;
    *err = (grt_error){.status = GRT_E_NO_MEMORY, .offset = -1};
    snprintf(err->text, sizeof err->text, "the system gives no more threads");
    server->workers = calloc(n, sizeof *server->workers);
    if (!server->workers) return GRT_E_NO_MEMORY;
    server->has_reader =
        !pthread_create(&server->reader, NULL, serve_reader_main, server);
    server->has_watch = !pthread_create(&server->watch, NULL, serve_watch_main, server);
    server->has_checker = !pthread_create(&server->checker, NULL, serve_selfcheck_main,
                                          &server->selfcheck);
    server->has_late = !pthread_create(&server->late, NULL, serve_late_main, server);
    while (server->n_workers < n && !pthread_create(&server->workers[server->n_workers],
                                                    NULL, serve_worker_main, server))
        server->n_workers++;
    return server->has_reader && server->has_watch && server->has_late &&
                   server->has_checker && server->n_workers == n
               ? GRT_OK
               : GRT_E_NO_MEMORY;
}

/* Ready when the first model is open; the others come when they are asked for. */
static grt_status open_first(serve_server *server, grt_error *err)
{
    grt_model *model = NULL;
    serve_fault fault = {0};
    if (serve_models_take(&server->models, 0, &model, &fault)) {
        *err = (grt_error){.status = GRT_E_IO, .offset = -1};
        snprintf(err->text, sizeof err->text, "%.239s", fault.text);
        return GRT_E_IO;
    }
    serve_models_give_back(&server->models, 0, 0);
    pthread_mutex_lock(&server->lock);
    server->is_ready = 1;
    pthread_mutex_unlock(&server->lock);
    return GRT_OK;
}

grt_status serve_server_start(serve_server **out, const serve_options *options,
                              grt_error *err)
{
    serve_server *server = calloc(1, sizeof *server);
    *err = (grt_error){.offset = -1};
    if (!server) return GRT_E_NO_MEMORY;
    server->options = *options;
    server->started_ns = serve_now_ns();
    pthread_mutex_init(&server->lock, NULL);
    serve_log_init(&server->log);
    serve_metrics_init(&server->metrics);
    serve_queue_init(&server->queue, options->queue_limit);
    grt_status status = grt_engine_create(&server->engine, &options->engine, err);
    if (!status)
        status =
            serve_models_init(&server->models, &server->options, server->engine, err);
    if (!status)
        status = serve_selfcheck_init(&server->selfcheck, &server->options,
                                      &server->models, &server->queue, &server->log);
    /* Clients of a socket that was there before wait in it, and are not told that a
     * model is being opened. */
    int is_inherited = options->listen_fd >= 0;
    if (!status && is_inherited) status = open_first(server, err);
    if (!status) status = start_http(server, err);
    if (!status) status = start_threads(server, err);
    if (!status && !is_inherited) status = open_first(server, err);
    if (status) {
        serve_server_stop(server);
        return status;
    }
    *out = server;
    return GRT_OK;
}

/* ---- The end ---- */

static void wait_for_jobs(serve_server *server, uint64_t until_ns)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    while (serve_queue_total(&server->queue) && serve_now_ns() < until_ns)
        nanosleep(&pause, NULL);
}

/* What is not finished is told that the server stops. */
static void cancel_jobs(serve_server *server)
{
    serve_queue *queue = &server->queue;
    pthread_mutex_lock(&queue->lock);
    for (serve_job *job = queue->first; job; job = job->after) {
        job->is_cancelled = 1;
        if (job->ranking) grt_ranking_cancel(job->ranking);
    }
    pthread_mutex_unlock(&queue->lock);
}

static void finish_jobs(serve_server *server)
{
    const uint64_t second = 1000000000;
    wait_for_jobs(server, serve_now_ns() + server->options.drain_ns);
    cancel_jobs(server);
    wait_for_jobs(server, UINT64_MAX);
    /* Answers are still on their way to clients. */
    const struct timespec pause = {.tv_nsec = 5000000};
    uint64_t until = serve_now_ns() + 5 * second;
    while (http_n_exchanges(server->http) && serve_now_ns() < until)
        nanosleep(&pause, NULL);
}

static void join_threads(serve_server *server)
{
    serve_queue_close(&server->queue);
    serve_selfcheck_close(&server->selfcheck);
    if (server->has_checker) pthread_join(server->checker, NULL);
    if (server->has_reader) pthread_join(server->reader, NULL);
    if (server->has_late) pthread_join(server->late, NULL);
    for (size_t i = 0; i < server->n_workers; i++)
        pthread_join(server->workers[i], NULL);
    pthread_mutex_lock(&server->lock);
    server->watch_ends = 1;
    pthread_mutex_unlock(&server->lock);
    if (server->has_watch) pthread_join(server->watch, NULL);
}

void serve_server_stop(serve_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->is_stopping = 1;
    pthread_mutex_unlock(&server->lock);
    if (server->http) {
        http_drain(server->http);
        finish_jobs(server);
    }
    join_threads(server);
    http_stop(server->http);
    serve_selfcheck_release(&server->selfcheck);
    if (server->models.options) serve_models_release(&server->models);
    grt_engine_free(server->engine);
    serve_queue_release(&server->queue);
    serve_metrics_release(&server->metrics);
    serve_log_release(&server->log);
    pthread_mutex_destroy(&server->lock);
    free(server->workers);
    free(server);
}
