/* log.c - what the server says about itself. */
#include "serve/log.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

void serve_log_init(serve_log *log)
{
    *log = (serve_log){0};
    log->json.out = &log->buffer;
    pthread_mutex_init(&log->lock, NULL);
}

void serve_log_release(serve_log *log)
{
    wire_release(&log->buffer);
    pthread_mutex_destroy(&log->lock);
}

wire_json *serve_log_begin(serve_log *log, const char *event)
{
    char text[40];
    struct timespec now;
    struct tm parts;
    pthread_mutex_lock(&log->lock);
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + n, sizeof text - n, ".%03ldZ", now.tv_nsec / 1000000);
    wire_clear(&log->buffer);
    log->json.needs_comma = 0;
    wire_begin(&log->json, NULL, '{');
    wire_string(&log->json, "time", text);
    wire_string(&log->json, "event", event);
    return &log->json;
}

/* A line goes out in one call, so that others cannot come between.  What cannot be
 * written (a full disk) is no reason to end. */
void serve_log_end(serve_log *log)
{
    wire_end(&log->json, '}');
    wire_put_string(&log->buffer, "\n");
    if (!log->buffer.has_failed)
        (void)!write(STDERR_FILENO, log->buffer.data, log->buffer.bytes);
    pthread_mutex_unlock(&log->lock);
}
