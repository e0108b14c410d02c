/* session.c - grt_session_*, grt_rank, grt_result_*: see grating.h. */
#include "rank/session.h"

#include "base/memory.h"

enum { MAX_THREADS = 1024 };

grt_status grt_session_create(grt_session **out, const grt_model *model,
                              const grt_session_options *options, grt_error *err)
{
    if (!out || !model)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_session_create: no %s",
                 out ? "model" : "output");
    if (options && options->struct_size < sizeof(grt_session_options))
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "grt_session_create: options.struct_size is %zu; use "
                 "GRT_SESSION_OPTIONS_INIT",
                 options->struct_size);
    size_t n_threads = options ? options->n_threads : 0;
    if (n_threads == 0) n_threads = grt_usable_cpus();
    if (n_threads > MAX_THREADS)
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "%zu threads asked for, at most %d are allowed", n_threads,
                 (int)MAX_THREADS);
    grt_session *session;
    GRT_TRY(grt_alloc_array(&session, 1, sizeof(*session), "the session", err));
    grt_status status = grt_session_init(session, model, n_threads, err);
    if (status != GRT_OK) {
        grt_session_free(session);
        return status;
    }
    *out = session;
    return GRT_OK;
}

void grt_session_free(grt_session *session)
{
    if (!session) return;
    grt_session_release(session);
    grt_free(session);
}

grt_status grt_rank(grt_session *session, const grt_request *request, grt_result **out,
                    grt_error *err)
{
    if (!session || !request || !out)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_rank: no %s",
                 !session   ? "session"
                 : !request ? "request"
                            : "output");
    if (request->struct_size < sizeof(grt_request))
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "grt_rank: request.struct_size is %zu; use GRT_REQUEST_INIT",
                 request->struct_size);
    if (!request->query) GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_rank: no query");
    if (!request->documents || request->n_documents == 0)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_rank: no documents");
    for (size_t i = 0; i < request->n_documents; i++)
        if (!request->documents[i])
            GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_rank: document %zu is NULL", i);
    return grt_session_rank(session, request, out, err);
}

size_t grt_result_count(const grt_result *result)
{
    return result->n_items;
}

const grt_item *grt_result_items(const grt_result *result)
{
    return result->items;
}

const grt_stats *grt_result_stats(const grt_result *result)
{
    return &result->stats;
}

void grt_result_free(grt_result *result)
{
    grt_free(result);
}

const char *grt_state_text(grt_state state)
{
    switch (state) {
    case GRT_STATE_FINISHED: return "finished";
    case GRT_STATE_SELECTED: return "selected";
    case GRT_STATE_DROPPED: return "dropped";
    }
    return "unknown";
}
