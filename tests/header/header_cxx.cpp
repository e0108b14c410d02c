/* header_cxx.cpp - the same in C++11. */
#include "grating.h"

int main()
{
    grt_request request = GRT_REQUEST_INIT;
    return request.struct_size == 0 || grt_status_text(GRT_OK)[0] == 0;
}
