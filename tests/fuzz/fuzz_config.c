/* fuzz_config.c - any bytes as config.json. */
#include "memory_file.h"

static volatile uint64_t sink;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    grt_metadata metadata = {0};
    grt_error err = {0};
    grt_status status =
        grt_config_read(&metadata, (const char *)data, size, "fuzz", &err);
    if (status == GRT_OK)
        sink = check_metadata(&metadata);
    else
        check_error(status, &err);
    grt_metadata_release(&metadata);
    return 0;
}
