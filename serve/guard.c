/* guard.c - who may ask: Host, Origin and keys. */
#include "serve/guard.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { NAME_BYTES = 300 };

/* The name in "name:port" or "[address]:port"; 0: it is none. */
static int split_host(const char *text, char out[NAME_BYTES])
{
    size_t length;
    if (*text == '[') {
        text++;
        length = strcspn(text, "]");
        if (!text[length]) return 0;
    } else {
        length = strcspn(text, ":");
    }
    if (length == 0 || length >= NAME_BYTES) return 0;
    memcpy(out, text, length);
    out[length] = 0;
    return strcspn(out, "/@?# \t") == length;
}

static int is_address(const char *name)
{
    struct in6_addr place;
    return inet_pton(AF_INET, name, &place) == 1 ||
           inet_pton(AF_INET6, name, &place) == 1;
}

static int is_listed(const char *const *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(list[i], name) == 0 || strcmp(list[i], "*") == 0) return 1;
    }
    return 0;
}

/* Names that nobody can register for a page of his. */
static int is_own_name(const serve_options *options, const char *name)
{
    static const char local[] = ".localhost", docker[] = "host.docker.internal";
    size_t n = strlen(name), n_local = strlen(local);
    if (is_address(name) || !strchr(name, '.')) return 1;
    if (n > n_local && strcasecmp(name + n - n_local, local) == 0) return 1;
    if (strcasecmp(name, docker) == 0) return 1;
    if (options->host && strcasecmp(name, options->host) == 0) return 1;
    return is_listed(options->hosts, options->n_hosts, name);
}

int serve_is_named_origin(const serve_options *options, const char *origin)
{
    return origin && is_listed(options->origins, options->n_origins, origin);
}

/* What follows "http://" or "https://", or NULL. */
static const char *behind_scheme(const char *origin)
{
    if (strncasecmp(origin, "http://", 7) == 0) return origin + 7;
    if (strncasecmp(origin, "https://", 8) == 0) return origin + 8;
    return NULL;
}

serve_fault_kind serve_check_host(const serve_options *options,
                                  const serve_caller *caller, serve_fault *fault)
{
    char name[NAME_BYTES];
    if (caller->host &&
        (!split_host(caller->host, name) || !is_own_name(options, name)))
        return serve_fail(fault, SERVE_FORBIDDEN, NULL,
                          "the Host \"%.100s\" is not this server; --allow-host names "
                          "others",
                          caller->host);
    if (!caller->origin || serve_is_named_origin(options, caller->origin))
        return SERVE_OK;
    const char *there = behind_scheme(caller->origin);
    if (there && caller->host && strcasecmp(there, caller->host) == 0) return SERVE_OK;
    return serve_fail(fault, SERVE_FORBIDDEN, NULL,
                      "pages of the Origin \"%.100s\" may not ask; --allow-origin "
                      "names those that may",
                      caller->origin);
}

/* 1: equal.  Goes through all of `given` whatever it finds. */
static int is_equal(const char *key, const char *given)
{
    size_t n_key = strlen(key), n_given = strlen(given);
    unsigned char difference = n_key != n_given;
    for (size_t i = 0; i < n_given; i++)
        difference |= (unsigned char)(given[i] ^ key[n_key ? i % n_key : 0]);
    return difference == 0;
}

static const char *bearer_of(const char *authorization)
{
    if (!authorization) return NULL;
    if (strncasecmp(authorization, "Bearer", 6) == 0) {
        authorization += 6;
        while (*authorization == ' ')
            authorization++;
    }
    return authorization;
}

serve_fault_kind serve_check_key(const serve_options *options,
                                 const serve_caller *caller, serve_fault *fault)
{
    const char *given[] = {bearer_of(caller->authorization), caller->x_api_key,
                           caller->api_key};
    int is_known = options->n_keys == 0, has_any = 0;
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        if (!given[i] || !given[i][0]) continue;
        has_any = 1;
        for (size_t j = 0; j < options->n_keys; j++)
            is_known |= is_equal(options->keys[j], given[i]);
    }
    if (is_known) return SERVE_OK;
    return serve_fail(fault, SERVE_UNAUTHORIZED, NULL,
                      has_any ? "the API key is not right"
                              : "an API key is needed: Authorization: Bearer KEY");
}
