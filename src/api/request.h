/* request.h - from a caller's request to a checked copy. */
#ifndef GRT_API_REQUEST_H
#define GRT_API_REQUEST_H

#include "base/error.h"

/* A request and the policy that it points to. */
typedef struct grt_taken_request {
    grt_request request; /* .policy points to the field below */
    grt_policy_options policy;
} grt_taken_request;

/* Sizes, texts and enums of a request for the function `caller`. */
GRT_NODISCARD grt_status grt_take_request(grt_taken_request *out, const char *caller,
                                          const grt_request *request, grt_error *err);

#endif /* GRT_API_REQUEST_H */
