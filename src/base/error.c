/* error.c - see error.h. */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

grt_status grt_error_set(grt_error *err, grt_status status, int64_t offset,
                         const char *format, ...)
{
    if (!err) return status;
    err->status = status;
    err->offset = offset;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    return status;
}

void grt_error_prepend(grt_error *err, const char *format, ...)
{
    if (!err) return;
    char inner[sizeof(err->text)];
    memcpy(inner, err->text, sizeof(inner));
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof(err->text)) return;
    (void)snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %s", inner);
}

const char *grt_status_text(grt_status status)
{
    switch (status) {
#define GRT_X(name, value, text) \
    case GRT_##name: return text;
        GRT_STATUS_LIST(GRT_X)
#undef GRT_X
    case GRT_STATUS_FORCE_INT32: break;
    }
    return "unknown status";
}
