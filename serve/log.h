/*
 * log.h - what the server says about itself on standard error: one JSON object a line.
 * Texts of users are not in it unless options.logs_texts says so.  Thread safe.
 */
#ifndef SERVE_LOG_H
#define SERVE_LOG_H

#include "wire/json.h"

#include <pthread.h>

typedef struct serve_log {
    pthread_mutex_t lock;
    wire_buffer buffer;
    wire_json json;
} serve_log;

void serve_log_init(serve_log *log);
void serve_log_release(serve_log *log);

/* {"time": ..., "event": EVENT, and members that the caller writes into what it
 * returns. Others wait until the line is ended. */
wire_json *serve_log_begin(serve_log *log, const char *event);
void serve_log_end(serve_log *log);

#endif
