/* request.c - see request.h. */
#include "api/request.h"

#include "api/structs.h"

#include <stdio.h>

static grt_status check(const char *caller, const grt_request *request, grt_error *err)
{
    if (!request->query) GRT_FAIL(err, GRT_E_INVALID_ARG, "%s: no query", caller);
    if (!request->documents || request->n_documents == 0)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "%s: no documents", caller);
    for (size_t i = 0; i < request->n_documents; i++)
        if (!request->documents[i])
            GRT_FAIL(err, GRT_E_INVALID_ARG, "%s: document %zu is NULL", caller, i);
    if (request->long_documents < 0 || request->long_documents > GRT_LONG_REFUSE)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "%s: long_documents %d is not known", caller,
                 (int)request->long_documents);
    if (!(request->min_score >= 0.0f && request->min_score <= 1.0f))
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "%s: a min_score of %g; it must lie between 0 and 1", caller,
                 (double)request->min_score);
    return GRT_OK;
}

grt_status grt_take_request(grt_taken_request *out, const char *caller,
                            const grt_request *request, grt_error *err)
{
    char what[80];
    if (!request) GRT_FAIL(err, GRT_E_INVALID_ARG, "%s: no request", caller);
    out->request = (grt_request)GRT_REQUEST_INIT;
    out->policy = (grt_policy_options)GRT_POLICY_OPTIONS_INIT;
    (void)snprintf(what, sizeof(what), "%s: request", caller);
    GRT_TRY(grt_take_struct(&out->request, sizeof(out->request),
                            GRT_FIRST_SIZE(grt_request, priors), request, what, err));
    (void)snprintf(what, sizeof(what), "%s: policy", caller);
    GRT_TRY(grt_take_struct(&out->policy, sizeof(out->policy),
                            GRT_FIRST_SIZE(grt_policy_options, first_layer),
                            out->request.policy, what, err));
    out->request.policy = &out->policy;
    return check(caller, &out->request, err);
}
