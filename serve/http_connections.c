/*
 * http_connections.c - connections that take too long.
 *
 * The library closes a connection that is silent, but not one that sends a byte now and
 * then.  So a list is kept, and a connection that has waited for the end of a request
 * for too long is shut down; the library sees that and closes it.
 */
#include "serve/http_private.h"

#include "serve/clock.h"

#include <stdlib.h>
#include <sys/socket.h>

static int socket_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

void http_connection_changed(void *payload, struct MHD_Connection *connection,
                             void **socket_context,
                             enum MHD_ConnectionNotificationCode code)
{
    http_server *server = payload;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        http_connection *link = calloc(1, sizeof *link);
        *socket_context = link;
        if (!link) return;
        link->fd = socket_of(connection);
        link->waits_since_ns = serve_now_ns();
        pthread_mutex_lock(&server->lock);
        link->after = server->connections;
        if (link->after) link->after->before = link;
        server->connections = link;
        pthread_mutex_unlock(&server->lock);
        return;
    }
    http_connection *link = *socket_context;
    if (!link) return;
    pthread_mutex_lock(&server->lock);
    if (link->before)
        link->before->after = link->after;
    else
        server->connections = link->after;
    if (link->after) link->after->before = link->before;
    pthread_mutex_unlock(&server->lock);
    *socket_context = NULL;
    free(link);
}

void http_sweep(http_server *server)
{
    uint64_t most = (uint64_t)server->options.read_s * 1000000000U;
    pthread_mutex_lock(&server->lock);
    uint64_t now = serve_now_ns(); /* not before any time that stands in the list */
    for (http_connection *link = server->connections; link; link = link->after) {
        if (!link->waits_since_ns || link->was_closed || link->fd < 0) continue;
        if (now - link->waits_since_ns < most) continue;
        (void)shutdown(link->fd, SHUT_RDWR);
        link->was_closed = 1;
    }
    pthread_mutex_unlock(&server->lock);
}
