/* fuzz_safetensors.c - any bytes as a safetensors file. */
#include "memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    memory_file memory = {data, size};
    grt_catalogue catalogue = {0};
    grt_error err = {0};
    grt_status status = grt_safetensors_read(&catalogue, memory_open(&memory), &err);
    if (status == GRT_OK) status = grt_catalogue_finish(&catalogue, &err);
    if (status == GRT_OK)
        check_catalogue(&catalogue);
    else
        check_error(status, &err);
    grt_catalogue_release(&catalogue);
    return 0;
}
