/*
 * stream.c - a ranking as server-sent events: "layer" for each layer, then "result"
 * with what would have been the body, or "error".
 */
#include "serve/state.h"

#include "serve/clock.h"
#include "wire/results.h"

static void note_written(serve_server *server, serve_job *job)
{
    pthread_mutex_lock(&server->queue.lock);
    job->written_ns = serve_now_ns();
    pthread_mutex_unlock(&server->queue.lock);
}

void serve_stream_begin(serve_server *server, serve_job *job)
{
    http_response response = {.status = 200, .type = "text/event-stream"};
    http_add_header(&response, "Cache-Control", "no-store");
    http_add_header(&response, "X-Accel-Buffering", "no"); /* nginx: pass it on now */
    http_add_header(&response, "X-Request-Id", job->id);
    wire_put_string(&response.body, ": ranking\n\n");
    http_stream_begin(job->exchange, &response);
    pthread_mutex_lock(&server->queue.lock);
    job->is_streaming = 1;
    job->written_ns = serve_now_ns();
    pthread_mutex_unlock(&server->queue.lock);
}

void serve_stream_step(serve_server *server, serve_job *job, const grt_step *step)
{
    wire_buffer event = {0};
    wire_json json = {.out = &event};
    wire_put_string(&event, "event: layer\ndata: ");
    wire_begin(&json, NULL, '{');
    wire_count(&json, "n_layers", step->n_layers);
    wire_count(&json, "n_active", step->n_active);
    wire_count(&json, "n_selected", step->n_selected);
    wire_count(&json, "n_dropped", step->n_dropped);
    wire_ms(&json, "elapsed_ms", step->elapsed_ns);
    wire_put_step(&json, "step", step);
    wire_end(&json, '}');
    wire_put_string(&event, "\n\n");
    /* A reader that is too slow misses layers, never the result. */
    if (!event.has_failed)
        (void)http_stream_write(job->exchange, event.data, event.bytes, 0);
    wire_release(&event);
    note_written(server, job);
}

void serve_stream_end(serve_job *job, const char *event, const wire_buffer *data)
{
    wire_buffer out = {0};
    wire_printf(&out, "event: %s\ndata: ", event);
    wire_put(&out, data->data, data->bytes);
    wire_put_string(&out, "\n\n");
    if (!out.has_failed && !data->has_failed)
        (void)http_stream_write(job->exchange, out.data, out.bytes, 1);
    wire_release(&out);
    http_stream_end(job->exchange);
}
