/* listen.c - the socket that clients connect to. */
#include "serve/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 511, FIRST_INHERITED_FD = 3 };

static grt_status __attribute__((format(printf, 3, 4)))
fail(grt_error *err, grt_status status, const char *format, ...)
{
    va_list arguments;
    *err = (grt_error){.status = status, .offset = -1};
    va_start(arguments, format);
    vsnprintf(err->text, sizeof err->text, format, arguments);
    va_end(arguments);
    return status;
}

/* A socket that listens at one of the addresses of a name, or -1. */
static int listen_at(const struct addrinfo *place)
{
    const int yes = 1;
    int fd = socket(place->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, place->ai_addr, place->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

grt_status serve_listen(int *out, const char *host, const char *port, grt_error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *places = NULL;
    int code = getaddrinfo(host, port, &hints, &places);
    if (code)
        return fail(err, GRT_E_IO, "cannot listen at %s port %s: %s", host, port,
                    gai_strerror(code));
    int fd = -1;
    for (const struct addrinfo *one = places; one && fd < 0; one = one->ai_next)
        fd = listen_at(one);
    int error = errno;
    freeaddrinfo(places);
    if (fd < 0)
        return fail(err, GRT_E_IO, "cannot listen at %s port %s: %s", host, port,
                    strerror(error));
    *out = fd;
    return GRT_OK;
}

void serve_listen_address(int fd, char *out, size_t capacity)
{
    struct sockaddr_storage place;
    socklen_t length = sizeof place;
    char host[256], port[32];
    if (getsockname(fd, (struct sockaddr *)&place, &length) != 0 ||
        getnameinfo((struct sockaddr *)&place, length, host, sizeof host, port,
                    sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        snprintf(out, capacity, "a socket");
        return;
    }
    snprintf(out, capacity, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

/* 1: the variable holds this number. */
static int is_number(const char *name, long wanted)
{
    const char *text = getenv(name);
    char *end = NULL;
    return text && text[0] && strtol(text, &end, 10) == wanted && !*end;
}

grt_status serve_listen_inherited(int *out, grt_error *err)
{
    *out = -1;
    if (!getenv("LISTEN_FDS") || !is_number("LISTEN_PID", (long)getpid()))
        return GRT_OK;
    if (!is_number("LISTEN_FDS", 1))
        return fail(err, GRT_E_INVALID_ARG,
                    "LISTEN_FDS: one socket is taken, not \"%.20s\"",
                    getenv("LISTEN_FDS"));
    int listens = 0;
    socklen_t length = sizeof listens;
    if (getsockopt(FIRST_INHERITED_FD, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) !=
            0 ||
        !listens)
        return fail(err, GRT_E_INVALID_ARG,
                    "LISTEN_FDS: descriptor %d is no socket that listens",
                    FIRST_INHERITED_FD);
    (void)fcntl(FIRST_INHERITED_FD, F_SETFD, FD_CLOEXEC);
    int flags = fcntl(FIRST_INHERITED_FD, F_GETFL);
    (void)fcntl(FIRST_INHERITED_FD, F_SETFL, flags | O_NONBLOCK);
    *out = FIRST_INHERITED_FD;
    return GRT_OK;
}
