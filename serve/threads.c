/* threads.c - what the reader, the workers and the watch do. */
#include "serve/state.h"

#include "serve/clock.h"

#include <stdlib.h>

/* ---- The reader: JSON is taken apart, and the queue knows priorities ---- */

static void read_job(serve_server *server, serve_job *job)
{
    const http_request *http = http_request_of(job->exchange);
    serve_fault fault = {0};
    serve_request request;
    (void)serve_request_read(&request, job->path, http->body, http->bytes,
                             &server->options.limits, &fault);
    pthread_mutex_lock(&server->queue.lock);
    job->request = request;
    pthread_mutex_unlock(&server->queue.lock);
    if (fault.kind) {
        serve_finish_fault(server, job, &fault);
        return;
    }
    job->deadline_ns = serve_deadline_of(server, job);
    /* Nobody else puts, so what fits now fits below. */
    int fits = serve_queue_fits(&server->queue);
    if (fits && job->request.is_streamed) serve_stream_begin(server, job);
    if (fits) {
        serve_queue_put(&server->queue, job);
        return;
    }
    (void)serve_fail(&fault, SERVE_BUSY, NULL,
                     "%zu requests are waiting already: try again later",
                     server->queue.limit);
    fault.retry_after_s = serve_retry_after(server);
    serve_finish_fault(server, job, &fault);
}

void *serve_reader_main(void *payload)
{
    serve_server *server = payload;
    serve_job *job;
    while ((job = serve_queue_next_unread(&server->queue)))
        read_job(server, job);
    return NULL;
}

/* ---- Workers ---- */

static void run_job(serve_server *server, serve_job *job)
{
    wire_buffer trace = {0};
    serve_fault fault = {0};
    serve_answer answer = {.request = &job->request};
    job->started_ns = serve_now_ns();
    if (job->request.is_traced) {
        answer.trace = &trace;
        wire_put_string(&trace, "[");
    }
    if (serve_rank(server, job, &answer, &fault)) {
        if (fault.kind == SERVE_BUSY) fault.retry_after_s = serve_retry_after(server);
        serve_finish_fault(server, job, &fault);
    } else {
        wire_put_string(&trace, "]");
        serve_finish(server, job, &answer);
    }
    wire_release(&trace);
    free(answer.entries);
}

void *serve_worker_main(void *payload)
{
    serve_server *server = payload;
    serve_job *job;
    while ((job = serve_queue_next(&server->queue)))
        run_job(server, job);
    return NULL;
}

/* An answer that is due is given while all workers are busy: the order of the request,
 * since nothing was computed. */
void *serve_late_main(void *payload)
{
    serve_server *server = payload;
    serve_job *job;
    while ((job = serve_queue_next_late(&server->queue)))
        run_job(server, job);
    return NULL;
}

/* ---- The watch ---- */

/* A client that has left: what waits for it is dropped by whoever takes it next, what
 * computes is cancelled. */
static void look_after_clients(serve_server *server)
{
    const uint64_t silence_ns = 1000000000;
    static const char alive[] = ": keep-alive\n\n";
    serve_queue *queue = &server->queue;
    pthread_mutex_lock(&queue->lock);
    uint64_t now = serve_now_ns(); /* not before any time that stands in the list */
    for (serve_job *job = queue->first; job; job = job->after) {
        if (!job->is_gone && http_is_gone(job->exchange)) job->is_gone = 1;
        if (job->is_gone && job->ranking) grt_ranking_cancel(job->ranking);
        if (job->is_gone || !job->is_streaming || now - job->written_ns < silence_ns)
            continue;
        (void)http_stream_write(job->exchange, alive, sizeof alive - 1, 0);
        job->written_ns = now;
    }
    pthread_mutex_unlock(&queue->lock);
}

/* Takes one that waits and has nobody to wait for any more; NULL: there is none. */
static serve_job *take_gone(serve_queue *queue)
{
    serve_job *job;
    pthread_mutex_lock(&queue->lock);
    for (job = queue->first; job; job = job->after) {
        if (job->state == SERVE_JOB_WAITING && job->is_gone) break;
    }
    if (job) {
        queue->counts[SERVE_JOB_WAITING]--;
        queue->counts[SERVE_JOB_RUNNING]++;
        job->state = SERVE_JOB_RUNNING;
    }
    pthread_mutex_unlock(&queue->lock);
    return job;
}

static void drop_gone(serve_server *server)
{
    serve_job *job;
    while ((job = take_gone(&server->queue))) {
        serve_fault fault;
        (void)serve_fail(&fault, SERVE_STOPPING, NULL, "the client has left");
        serve_finish_fault(server, job, &fault);
    }
}

void *serve_watch_main(void *payload)
{
    serve_server *server = payload;
    const struct timespec pause = {.tv_nsec = 50000000};
    uint64_t idle_ns = server->options.idle_unload_ns;
    int ends = 0;
    while (!ends) {
        nanosleep(&pause, NULL);
        look_after_clients(server);
        drop_gone(server);
        if (serve_queue_total(&server->queue))
            serve_selfcheck_yield(&server->selfcheck);
        http_sweep(server->http);
        if (idle_ns) (void)serve_models_unload(&server->models, idle_ns);
        pthread_mutex_lock(&server->lock);
        ends = server->watch_ends;
        pthread_mutex_unlock(&server->lock);
    }
    return NULL;
}
