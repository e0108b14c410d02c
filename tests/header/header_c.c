/* header_c.c - grating.h alone in C99, and a call into the library. */
#include "grating.h"

int main(void)
{
    grt_request request = GRT_REQUEST_INIT;
    grt_model_options model = GRT_MODEL_OPTIONS_INIT;
    grt_session_options session = GRT_SESSION_OPTIONS_INIT;
    return request.struct_size == 0 || model.struct_size == 0 ||
           session.struct_size == 0 || grt_status_text(GRT_OK)[0] == 0 ||
           grt_version()[0] != '0';
}
