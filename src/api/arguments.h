/* arguments.h - checks that several exported functions share. */
#ifndef GRT_API_ARGUMENTS_H
#define GRT_API_ARGUMENTS_H

#include "base/error.h"

/* Size, query and documents of a request for the function `caller`. */
GRT_NODISCARD grt_status grt_check_request(const char *caller,
                                           const grt_request *request, grt_error *err);

#endif /* GRT_API_ARGUMENTS_H */
