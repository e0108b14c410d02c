/*
 * http.c - the server of http.h, by libmicrohttpd.
 *
 * A request that is being worked on is *suspended*: the library neither reads nor
 * watches its connection, and does not time it out.  Whether the client is still there
 * is then asked of the socket itself (http_is_gone).  An answer is stored in the
 * exchange and the connection resumed; the library calls back and is given it.
 *
 *     reading --handle--> suspended --http_answer--> queued --completed--> freed
 *                         suspended --http_stream_begin--> queued, and suspended again
 *                         whenever there is nothing to send
 *
 * One lock guards all exchanges.  The library's callbacks take it; the library is
 * called with it held only for what does not call back (suspend, resume).
 */
#include "serve/http_private.h"

#include "serve/clock.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a client that sends too much may still send while it is told so. */
enum { SWALLOWED_BYTES = 64 << 20 };
/* Of a stream, waiting for a slow reader. */
enum { PENDING_BYTES = 1 << 20 };
enum { HEADERS_BYTES = 32 << 10, STREAM_BLOCK = 16 << 10 };
/* The library's name for it has changed. */
enum { STATUS_TOO_LARGE = 413 };

const http_request *http_request_of(const http_exchange *exchange)
{
    return &exchange->request;
}

const char *http_header_of(const http_exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

void http_add_header(http_response *response, const char *name, const char *value)
{
    if (response->n_headers == HTTP_MAX_HEADERS) return;
    response->headers[response->n_headers++] = (http_header){name, value};
}

/* ---- Exchanges ---- */

static void describe_client(http_exchange *exchange)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        exchange->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    const void *place = NULL;
    if (address && address->sa_family == AF_INET)
        place = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    else if (address && address->sa_family == AF_INET6)
        place = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (!place || !inet_ntop(address->sa_family, place, exchange->remote,
                             sizeof exchange->remote))
        snprintf(exchange->remote, sizeof exchange->remote, "local");
    exchange->request.remote = exchange->remote;
    info = MHD_get_connection_info(exchange->connection,
                                   MHD_CONNECTION_INFO_CONNECTION_FD);
    exchange->fd = info ? info->connect_fd : -1;
    info = MHD_get_connection_info(exchange->connection,
                                   MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    exchange->link = info ? info->socket_context : NULL;
}

static http_exchange *new_exchange(http_server *server,
                                   struct MHD_Connection *connection,
                                   const char *method, const char *path)
{
    http_exchange *self = calloc(1, sizeof *self);
    if (!self) return NULL;
    self->server = server;
    self->connection = connection;
    self->n_owners = 2;
    self->method = strdup(method);
    self->path = strdup(path);
    if (!self->method || !self->path) {
        free(self->method);
        free(self->path);
        free(self);
        return NULL;
    }
    self->request.method = self->method;
    self->request.path = self->path;
    self->request.received_ns = serve_now_ns();
    describe_client(self);
    pthread_mutex_lock(&server->lock);
    self->after = server->exchanges;
    if (self->after) self->after->before = self;
    server->exchanges = self;
    server->n_exchanges++;
    pthread_mutex_unlock(&server->lock);
    return self;
}

/* Gives up one ownership; the lock is held.  Returns what nobody owns any more, for
 * dispose: the library takes locks of its own, in which it calls us. */
static http_exchange *release(http_exchange *self)
{
    http_server *server = self->server;
    if (--self->n_owners > 0) return NULL;
    if (self->before)
        self->before->after = self->after;
    else
        server->exchanges = self->after;
    if (self->after) self->after->before = self->before;
    server->n_exchanges--;
    server->total_bytes -= self->counted_bytes;
    return self;
}

/* Without the lock. */
static void dispose(http_exchange *self)
{
    if (!self) return;
    if (self->response) MHD_destroy_response(self->response);
    wire_release(&self->body);
    wire_release(&self->pending);
    free(self->method);
    free(self->path);
    free(self);
}

static void resume(http_exchange *self)
{
    if (!self->connection || !self->is_suspended) return;
    self->is_suspended = 0;
    MHD_resume_connection(self->connection);
}

/* ---- Answers ---- */

static struct MHD_Response *response_of(http_response *response)
{
    wire_buffer *body = &response->body;
    struct MHD_Response *out =
        MHD_create_response_from_buffer(body->bytes, body->data, MHD_RESPMEM_MUST_FREE);
    if (out)
        *body = (wire_buffer){0};
    else
        wire_release(body);
    return out;
}

static void put_headers(struct MHD_Response *out, const http_response *response,
                        int closes)
{
    if (!out) return;
    if (response->type)
        (void)MHD_add_response_header(out, MHD_HTTP_HEADER_CONTENT_TYPE,
                                      response->type);
    for (size_t i = 0; i < response->n_headers; i++)
        (void)MHD_add_response_header(out, response->headers[i].name,
                                      response->headers[i].value);
    if (closes) (void)MHD_add_response_header(out, MHD_HTTP_HEADER_CONNECTION, "close");
}

void http_answer(http_exchange *self, http_response *response)
{
    http_server *server = self->server;
    if (response->body.has_failed) {
        wire_release(&response->body);
        response->status = MHD_HTTP_SERVICE_UNAVAILABLE;
    }
    struct MHD_Response *out = response_of(response);
    pthread_mutex_lock(&server->lock);
    put_headers(out, response, response->closes || server->is_draining);
    self->response = out;
    self->is_answered = 1;
    self->status = response->status;
    if (self->link) self->link->waits_since_ns = 0;
    resume(self);
    http_exchange *unowned = release(self);
    pthread_mutex_unlock(&server->lock);
    dispose(unowned);
}

/* MHD_ContentReaderCallback: what is pending, or nothing until there is more. */
static ssize_t read_stream(void *payload, uint64_t position, char *out, size_t most)
{
    http_exchange *self = payload;
    http_server *server = self->server;
    (void)position;
    pthread_mutex_lock(&server->lock);
    size_t left = self->pending.bytes - self->sent_bytes;
    ssize_t n = 0;
    if (left > 0) {
        n = (ssize_t)(left < most ? left : most);
        memcpy(out, self->pending.data + self->sent_bytes, (size_t)n);
        self->sent_bytes += (size_t)n;
        if (self->sent_bytes == self->pending.bytes) {
            wire_clear(&self->pending);
            self->sent_bytes = 0;
        }
    } else if (self->has_ended) {
        n = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        self->is_suspended = 1;
        MHD_suspend_connection(self->connection);
    }
    pthread_mutex_unlock(&server->lock);
    return n;
}

void http_stream_begin(http_exchange *self, http_response *response)
{
    http_server *server = self->server;
    struct MHD_Response *out = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, self, NULL);
    pthread_mutex_lock(&server->lock);
    put_headers(out, response, response->closes || server->is_draining);
    self->response = out;
    self->status = response->status;
    self->is_answered = 1;
    self->pending = response->body;
    response->body = (wire_buffer){0};
    if (self->link) self->link->waits_since_ns = 0;
    resume(self);
    pthread_mutex_unlock(&server->lock);
}

int http_stream_write(http_exchange *self, const char *data, size_t bytes,
                      int must_keep)
{
    http_server *server = self->server;
    pthread_mutex_lock(&server->lock);
    int fits = must_keep || self->pending.bytes - self->sent_bytes < PENDING_BYTES;
    if (fits && self->connection) wire_put(&self->pending, data, bytes);
    resume(self);
    pthread_mutex_unlock(&server->lock);
    return fits;
}

void http_stream_end(http_exchange *self)
{
    http_server *server = self->server;
    pthread_mutex_lock(&server->lock);
    self->has_ended = 1;
    resume(self);
    http_exchange *unowned = release(self);
    pthread_mutex_unlock(&server->lock);
    dispose(unowned);
}

int http_is_gone(http_exchange *self)
{
    http_server *server = self->server;
    pthread_mutex_lock(&server->lock);
    int is_gone = !self->connection;
    if (!is_gone && self->is_suspended && self->fd >= 0) {
        int half = server->options.keeps_half_closed ? 0 : POLLRDHUP;
        struct pollfd look = {.fd = self->fd, .events = (short)half};
        is_gone = poll(&look, 1, 0) > 0 && (look.revents & (POLLHUP | POLLERR | half));
    }
    pthread_mutex_unlock(&server->lock);
    return is_gone;
}

/* ---- The library's callbacks ---- */

static void refuse(http_exchange *self, unsigned status, const char *text)
{
    http_response response = {.status = status, .closes = 1};
    self->server->options.refuse(&response, self, status, text,
                                 self->server->options.payload);
    http_answer(self, &response);
}

typedef struct framing {
    size_t n_lengths, n_encodings;
    const char *length;
} framing;

static enum MHD_Result count_framing(void *payload, enum MHD_ValueKind kind,
                                     const char *name, const char *value)
{
    framing *found = payload;
    (void)kind;
    if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
        found->n_lengths++;
        found->length = value;
    }
    if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) found->n_encodings++;
    return MHD_YES;
}

static void refuse_size(http_exchange *self)
{
    char text[96];
    snprintf(text, sizeof text, "the body is larger than the %zu bytes allowed",
             self->server->options.body_bytes);
    refuse(self, STATUS_TOO_LARGE, text);
}

/* Whoever stands before this server may believe the other of two lengths, and take the
 * rest of a body for a request of its own. */
static void check_framing(http_exchange *self)
{
    framing found = {0};
    MHD_get_connection_values(self->connection, MHD_HEADER_KIND, count_framing, &found);
    if (found.n_lengths > 1 || found.n_encodings > 1) {
        refuse(self, MHD_HTTP_BAD_REQUEST,
               "the length of the body is given more than once");
        return;
    }
    if (found.n_lengths && found.n_encodings) {
        refuse(self, MHD_HTTP_BAD_REQUEST,
               "Content-Length beside Transfer-Encoding: which is the body's length?");
        return;
    }
    unsigned long long length = found.length ? strtoull(found.length, NULL, 10) : 0;
    size_t most = self->server->options.body_bytes;
    if (length <= most) return;
    self->is_too_large = 1;
    /* A client that waits to be asked for its body is told at once.  One that sends it
     * meanwhile would not read the answer, and is let finish where that is not too
     * much. */
    if (http_header_of(self, MHD_HTTP_HEADER_EXPECT) || length - most > SWALLOWED_BYTES)
        refuse_size(self);
}

/* 0: over a limit. */
static int take_body(http_exchange *self, const char *data, size_t bytes)
{
    http_server *server = self->server;
    self->request.bytes += bytes;
    if (self->request.bytes > server->options.body_bytes) self->is_too_large = 1;
    if (self->is_too_large)
        return self->request.bytes < server->options.body_bytes + SWALLOWED_BYTES;
    wire_put(&self->body, data, bytes);
    size_t grown = self->body.capacity - self->counted_bytes;
    pthread_mutex_lock(&server->lock);
    int fits = server->total_bytes + grown <= server->options.total_bytes;
    if (fits) {
        server->total_bytes += grown;
        self->counted_bytes += grown;
    }
    pthread_mutex_unlock(&server->lock);
    return fits && !self->body.has_failed;
}

static void dispatch(http_exchange *self)
{
    self->is_dispatched = 1;
    if (self->link) {
        pthread_mutex_lock(&self->server->lock);
        self->link->waits_since_ns = 0;
        pthread_mutex_unlock(&self->server->lock);
    }
    if (self->is_too_large) {
        refuse_size(self);
        return;
    }
    if (self->body.bytes > 0) {
        wire_put(&self->body, "", 1);
        if (self->body.has_failed) {
            refuse(self, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
            return;
        }
        self->request.body = self->body.data;
        self->request.bytes = self->body.bytes - 1;
    }
    self->server->options.handle(self, self->server->options.payload);
}

/* Answers when there is an answer, else waits for one. */
static enum MHD_Result go_on(http_exchange *self)
{
    http_server *server = self->server;
    pthread_mutex_lock(&server->lock);
    int is_answered = self->is_answered, was_queued = self->is_queued;
    struct MHD_Response *response = self->response;
    self->is_queued = is_answered;
    if (!is_answered) {
        self->is_suspended = 1;
        MHD_suspend_connection(self->connection);
    }
    pthread_mutex_unlock(&server->lock);
    if (!is_answered || was_queued) return MHD_YES;
    if (!response) return MHD_NO; /* out of memory: the connection is closed */
    return MHD_queue_response(self->connection, self->status, response);
}

static enum MHD_Result progress(void *payload, struct MHD_Connection *connection,
                                const char *url, const char *method,
                                const char *version, const char *data, size_t *bytes,
                                void **context)
{
    http_server *server = payload;
    http_exchange *self = *context;
    (void)version;
    if (!self) {
        self = *context = new_exchange(server, connection, method, url);
        if (!self) return MHD_NO;
        check_framing(self);
        if (!self->is_answered) server->options.check(self, server->options.payload);
        return self->is_answered ? go_on(self) : MHD_YES;
    }
    if (*bytes > 0) {
        int fits = take_body(self, data, *bytes);
        *bytes = 0;
        return fits ? MHD_YES : MHD_NO;
    }
    if (!self->is_dispatched) dispatch(self);
    return go_on(self);
}

static void completed(void *payload, struct MHD_Connection *connection, void **context,
                      enum MHD_RequestTerminationCode code)
{
    http_server *server = payload;
    http_exchange *self = *context;
    (void)connection;
    (void)code;
    if (!self) return;
    *context = NULL;
    pthread_mutex_lock(&server->lock);
    self->connection = NULL;
    if (self->link) self->link->waits_since_ns = serve_now_ns();
    self->link = NULL;
    /* Nobody was given the exchange when it broke off while it was read. */
    if (!self->is_dispatched && !self->is_answered) self->n_owners--;
    http_exchange *unowned = release(self);
    pthread_mutex_unlock(&server->lock);
    dispose(unowned);
}

/* ---- The server ---- */

static void be_silent(void *payload, const char *format, va_list arguments)
{
    (void)payload;
    (void)format;
    (void)arguments;
}

static grt_status fail(grt_error *err, grt_status status, const char *text)
{
    if (err) {
        *err = (grt_error){.status = status, .offset = -1};
        snprintf(err->text, sizeof err->text, "%s", text);
    }
    return status;
}

static struct MHD_Daemon *start_daemon(http_server *server)
{
    const http_options *options = &server->options;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_ERROR_LOG | (options->certificate ? MHD_USE_TLS : 0);
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)options->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)options->key},
        {MHD_OPTION_END, 0, NULL}};
    if (!options->certificate) tls[0] = tls[2];
    return MHD_start_daemon(
        flags, 0, NULL, NULL, progress, server, MHD_OPTION_EXTERNAL_LOGGER, be_silent,
        NULL, MHD_OPTION_ARRAY, tls, MHD_OPTION_LISTEN_SOCKET, options->listen_fd,
        MHD_OPTION_NOTIFY_COMPLETED, completed, server, MHD_OPTION_NOTIFY_CONNECTION,
        http_connection_changed, server, MHD_OPTION_CONNECTION_LIMIT,
        options->n_connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        options->n_per_address, MHD_OPTION_CONNECTION_TIMEOUT, options->idle_s,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS_BYTES,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_END);
}

grt_status http_start(http_server **out, const http_options *options, grt_error *err)
{
    if (options->certificate && MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        return fail(err, GRT_E_UNSUPPORTED, "this libmicrohttpd was built without TLS");
    http_server *server = calloc(1, sizeof *server);
    if (!server) return fail(err, GRT_E_NO_MEMORY, "out of memory");
    server->options = *options;
    server->listen_fd = options->listen_fd;
    pthread_mutex_init(&server->lock, NULL);
    server->daemon = start_daemon(server);
    if (!server->daemon) {
        pthread_mutex_destroy(&server->lock);
        free(server);
        return fail(err, GRT_E_IO,
                    options->certificate
                        ? "the server does not start: certificate and key must be PEM "
                          "texts that belong together"
                        : "the server does not start");
    }
    *out = server;
    return GRT_OK;
}

void http_drain(http_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->is_draining = 1;
    pthread_mutex_unlock(&server->lock);
    int fd = MHD_quiesce_daemon(server->daemon);
    if (fd < 0) return;
    server->listen_fd = -1;
    close(fd);
}

size_t http_n_exchanges(http_server *server)
{
    pthread_mutex_lock(&server->lock);
    size_t n = server->n_exchanges;
    pthread_mutex_unlock(&server->lock);
    return n;
}

void http_stop(http_server *server)
{
    if (!server) return;
    /* Nobody may be suspended when the library stops. */
    pthread_mutex_lock(&server->lock);
    for (http_exchange *one = server->exchanges; one; one = one->after) {
        one->has_ended = 1;
        resume(one);
    }
    pthread_mutex_unlock(&server->lock);
    MHD_stop_daemon(server->daemon);
    pthread_mutex_destroy(&server->lock);
    free(server);
}
