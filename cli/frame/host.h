/*
 * host.h - an engine and a model opened for a command, and the promise of --memory.
 *
 * An engine's budget is about what the library allocates, --memory about all that the
 * process has resident at its peak.  Before each request the host measures what the
 * process has without the library; the engine gets the rest.
 *
 * Nothing is printed here: failures are for cli_fail_status, which takes
 * GRT_E_CANCELLED for an interrupt and returns CLI_INTERRUPTED.
 */
#ifndef CLI_HOST_H
#define CLI_HOST_H

#include "frame/engine_options.h"
#include "frame/stats.h"

typedef struct cli_host {
    cli_engine_options options;
    grt_engine *engine;
    grt_model *model;
    uint64_t opened_peak_bytes; /* most that was resident when the model was open */
    uint64_t process_bytes; /* resident without the library, before the last request */
    size_t n_around;        /* tokens of a pair that are not the document's, at most */
    size_t max_tokens;      /* of a pair */
    int splits;             /* long documents become several pairs */
} cli_host;

/* `profile_path` as in grt_model_options; the folder is that of the user's profiles.
 * `host` is for cli_host_close to release also after a failure. */
grt_status cli_host_open(cli_host *host, const char *path, const char *profile_path,
                         const cli_engine_options *options, grt_error *error);
void cli_host_close(cli_host *host);
/* What is read from here on is to be ranked for such a query: refusals (tally.h) name
 * budgets for it.  `query` NULL: not known yet; `instruction` may be NULL.
 * `max_document_tokens` 0: as many as the model takes; SIZE_MAX: long documents are
 * read whole.  `host` is kept until it is closed. */
void cli_host_expect(cli_host *host, const char *query, size_t bytes,
                     const char *instruction, size_t max_document_tokens);

/* Before each request that does not go through the functions below: sets the engine's
 * budget. */
grt_status cli_host_prepare(cli_host *host, grt_error *error);
/* After a failure of such a request: a text about the engine's budget becomes one about
 * the process. */
void cli_host_explain(const cli_host *host, size_t n_documents, grt_status status,
                      grt_error *error);

/* Called on the thread of cli_host_rank after each step. */
typedef void cli_step_fn(const grt_step *step, void *payload);

/* Ranks step by step; `on_step` may be NULL.  GRT_E_CANCELLED within a chunk of an
 * interrupt. */
grt_status cli_host_rank(cli_host *host, const grt_request *request,
                         cli_step_fn *on_step, void *payload, grt_result **out,
                         grt_error *error);
/* The plan of the last request, in terms of the process. */
cli_plan cli_host_plan(const cli_host *host, const grt_result *result);
/* Plans such a request (grt_plan_memory), in terms of the process; also filled with
 * GRT_E_NO_MEMORY. */
grt_status cli_host_plan_memory(cli_host *host, size_t n_documents, size_t n_tokens,
                                cli_plan *out, grt_error *error);

#endif
