/* arguments.c - see arguments.h. */
#include "api/arguments.h"

grt_status grt_check_request(const char *caller, const grt_request *request,
                             grt_error *err)
{
    if (!request) GRT_FAIL(err, GRT_E_INVALID_ARG, "%s: no request", caller);
    if (request->struct_size < sizeof(grt_request))
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "%s: request.struct_size is %zu; use GRT_REQUEST_INIT", caller,
                 request->struct_size);
    if (!request->query) GRT_FAIL(err, GRT_E_INVALID_ARG, "%s: no query", caller);
    if (!request->documents || request->n_documents == 0)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "%s: no documents", caller);
    for (size_t i = 0; i < request->n_documents; i++)
        if (!request->documents[i])
            GRT_FAIL(err, GRT_E_INVALID_ARG, "%s: document %zu is NULL", caller, i);
    return GRT_OK;
}
