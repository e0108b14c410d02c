/* fuzz_gguf.c - any bytes as a GGUF file. */
#include "memory_file.h"

static volatile uint64_t sink;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    memory_file memory = {data, size};
    grt_catalogue catalogue = {0};
    grt_metadata metadata = {0};
    grt_error err = {0};
    grt_status status =
        grt_gguf_read(&catalogue, &metadata, memory_open(&memory), &err);
    if (status == GRT_OK) status = grt_catalogue_finish(&catalogue, &err);
    if (status == GRT_OK) {
        check_catalogue(&catalogue);
        sink = check_metadata(&metadata);
    } else {
        check_error(status, &err);
    }
    grt_catalogue_release(&catalogue);
    grt_metadata_release(&metadata);
    return 0;
}
