/* faults.c - what is wrong with a request, and how it is told. */
#include "serve/faults.h"

#include "wire/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct kind_row {
    unsigned status;
    const char *type;     /* as OpenAI's and llama.cpp's servers name it */
    const char *tei_type; /* as text-embeddings-inference does */
} kind_row;

static const kind_row rows[SERVE_N_FAULTS] = {
    [SERVE_OK] = {200, "", ""},
    [SERVE_BAD_REQUEST] = {400, "invalid_request_error", "validation"},
    [SERVE_UNAUTHORIZED] = {401, "authentication_error", "unauthorized"},
    [SERVE_FORBIDDEN] = {403, "permission_error", "forbidden"},
    [SERVE_NOT_FOUND] = {404, "not_found_error", "not_found"},
    [SERVE_BAD_METHOD] = {405, "invalid_request_error", "validation"},
    [SERVE_TOO_LARGE] = {413, "invalid_request_error", "validation"},
    [SERVE_TOO_MANY] = {413, "invalid_request_error", "validation"},
    [SERVE_TOO_LONG] = {422, "invalid_request_error", "validation"},
    [SERVE_UNPROCESSABLE] = {422, "invalid_request_error", "validation"},
    [SERVE_BAD_MODEL] = {424, "model_error", "backend"},
    [SERVE_BUSY] = {429, "rate_limit_error", "overloaded"},
    [SERVE_LOADING] = {503, "unavailable_error", "unhealthy"},
    [SERVE_STOPPING] = {503, "unavailable_error", "unhealthy"},
    [SERVE_OUT_OF_MEMORY] = {503, "unavailable_error", "overloaded"}};

serve_fault_kind serve_fail(serve_fault *out, serve_fault_kind kind, const char *param,
                            const char *format, ...)
{
    va_list arguments;
    *out = (serve_fault){.kind = kind};
    snprintf(out->param, sizeof out->param, "%s", param ? param : "");
    va_start(arguments, format);
    vsnprintf(out->text, sizeof out->text, format, arguments);
    va_end(arguments);
    return kind;
}

static serve_fault_kind kind_of(grt_status status)
{
    switch (status) {
    case GRT_OK: return SERVE_OK;
    case GRT_E_INVALID_ARG: return SERVE_BAD_REQUEST;
    case GRT_E_TOO_LONG: return SERVE_TOO_LONG;
    case GRT_E_UNSUPPORTED:
    case GRT_E_NO_MEMORY: return SERVE_UNPROCESSABLE;
    case GRT_E_BUSY: return SERVE_BUSY;
    case GRT_E_CANCELLED: return SERVE_STOPPING;
    case GRT_E_IO:
    case GRT_E_FORMAT:
    case GRT_E_NOT_FOUND:
    case GRT_STATUS_FORCE_INT32:
    default: return SERVE_BAD_MODEL;
    }
}

serve_fault_kind serve_fail_status(serve_fault *out, grt_status status,
                                   const grt_error *error)
{
    serve_fault_kind kind = kind_of(status);
    /* Memory that the system refuses is another matter than a budget. */
    if (status == GRT_E_NO_MEMORY && !error->smallest_bytes) kind = SERVE_OUT_OF_MEMORY;
    (void)serve_fail(out, kind, NULL, "%s",
                     error->text[0] ? error->text : grt_status_text(status));
    if (kind == SERVE_BUSY || kind == SERVE_OUT_OF_MEMORY) out->retry_after_s = 1;
    return kind;
}

unsigned serve_fault_status(serve_fault_kind kind, unsigned busy_status)
{
    return kind == SERVE_BUSY ? busy_status : rows[kind].status;
}

void serve_put_fault(wire_buffer *out, const serve_fault *fault,
                     serve_error_shape shape, unsigned status)
{
    wire_json json = {.out = out};
    const kind_row *row = &rows[fault->kind];
    wire_begin(&json, NULL, '{');
    if (shape == SERVE_ERROR_STRING) {
        wire_string(&json, "error", fault->text);
        wire_string(&json, "error_type", row->tei_type);
        wire_end(&json, '}');
        return;
    }
    if (shape == SERVE_ERROR_OBJECT) {
        wire_begin(&json, "error", '{');
        wire_string(&json, "message", fault->text);
        wire_string(&json, "type", row->type);
        wire_count(&json, "code", status);
        wire_string(&json, "param", fault->param[0] ? fault->param : NULL);
        wire_end(&json, '}');
    }
    wire_string(&json, "message", fault->text);
    wire_string(&json, "detail", fault->text);
    wire_end(&json, '}');
}

/* Texts that headers need for as long as http_answer runs: the few seconds that are
 * told. */
static const char *seconds_text(unsigned seconds)
{
    static const char *const texts[] = {"1", "2", "5", "10", "20", "30", "60"};
    static const unsigned values[] = {1, 2, 5, 10, 20, 30, 60};
    size_t i = 0;
    while (i + 1 < sizeof values / sizeof values[0] && values[i] < seconds)
        i++;
    return texts[i];
}

void serve_fault_response(http_response *out, const serve_fault *fault,
                          serve_error_shape shape, unsigned busy_status)
{
    unsigned status = serve_fault_status(fault->kind, busy_status);
    out->status = status;
    out->type = "application/json";
    serve_put_fault(&out->body, fault, shape, status);
    if (fault->retry_after_s)
        http_add_header(out, "Retry-After", seconds_text(fault->retry_after_s));
    if (fault->kind == SERVE_UNAUTHORIZED)
        http_add_header(out, "WWW-Authenticate", "Bearer");
}
