/* serve.c - `grating serve`: the HTTP server. */
#include "frame/cli.h"
#include "serve/command.h"

#ifdef GRT_HAVE_SERVE
#include "serve/listen.h"
#include "serve/server.h"

#include "frame/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* Signals that end the server are waited for, by one thread, instead of being handled:
 * the first one lets it finish what has begun, the second ends it at once. */
static void take_signals(sigset_t *out)
{
    cli_signals_restore();
    (void)signal(SIGPIPE, SIG_IGN); /* a client that left is told by its socket */
    sigemptyset(out);
    sigaddset(out, SIGINT);
    sigaddset(out, SIGTERM);
    sigaddset(out, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, out, NULL);
}

static void *end_at_once(void *payload)
{
    int number = 0;
    (void)sigwait(payload, &number);
    _exit(128 + number);
}

static int serve(cli_serve_options *options)
{
    sigset_t signals;
    serve_server *server = NULL;
    grt_error error = {0};
    pthread_t second;
    int number = 0;
    grt_status status = serve_listen_inherited(&options->serve.listen_fd, &error);
    take_signals(&signals);
    if (!status) status = serve_server_start(&server, &options->serve, &error);
    if (status) return cli_fail_status(NULL, status, &error);
    cli_note("listening at %s with %zu model%s, %s first", serve_server_address(server),
             options->serve.n_aliases, options->serve.n_aliases == 1 ? "" : "s",
             options->aliases[0].name);
    (void)sigwait(&signals, &number);
    cli_note("ending: what has begun is finished");
    if (pthread_create(&second, NULL, end_at_once, &signals) == 0)
        (void)pthread_detach(second);
    serve_server_stop(server);
    return CLI_SUCCESS;
}

static int run(int argc, char **argv)
{
    static cli_serve_options options; /* large */
    cli_parser parser;
    serve_options_init(&options.serve);
    cli_parser_init(&parser, &cli_serve_command, argc, argv);
    int key, code = CLI_SUCCESS;
    while (!code && (key = cli_parser_next(&parser)) != CLI_END) {
        if (key == CLI_BAD) return CLI_USAGE;
        if (key == 'h') return cli_print_help(&cli_serve_command);
        if (key == CLI_OPERAND)
            code = cli_usage(&cli_serve_command, "unexpected argument \"%s\"",
                             parser.value);
        else
            code = cli_serve_option(&options, key, parser.value);
    }
    if (!code) code = cli_serve_check(&options);
    if (!code) code = serve(&options);
    cli_serve_release(&options);
    return code;
}

#else

static int run(int argc, char **argv)
{
    cli_parser parser;
    cli_parser_init(&parser, &cli_serve_command, argc, argv);
    int key;
    while ((key = cli_parser_next(&parser)) != CLI_END) {
        if (key == CLI_BAD) return CLI_USAGE;
        if (key == 'h') return cli_print_help(&cli_serve_command);
    }
    return cli_fail("this build has no server: it was made without libmicrohttpd "
                    "(Debian: libmicrohttpd-dev), or not for Linux");
}

#endif

const cli_command cli_serve_command = {
    .name = "serve",
    .summary = "answer rerank requests over HTTP",
    .usage = "serve [OPTION]...",
    .details =
        "Serves models to clients of rerank services: those of Cohere, Jina, vLLM,\n"
        "text-embeddings-inference, NVIDIA NIM, Mixedbread, Voyage and Weaviate are\n"
        "understood, at the paths that they use.  Ctrl-C, or SIGTERM, finishes what\n"
        "has begun; a second one ends it at once.",
    .examples =
        "  grating serve\n"
        "  grating serve -m fast=grating-small,k=10,deadline=2s --port 9000\n"
        "  curl -d '{\"query\": \"owls\", \"documents\": [\"an owl\", \"bread\"]}' \\\n"
        "      http://127.0.0.1:8080/v1/rerank",
    .options = cli_serve_options_table,
    .run = run};
