/* fuzz_gguf_tokenizer.c - the tokenizer of a GGUF file, which then tokenises the file.
 */
#include "memory_file.h"
#include "tokenise.h"

#include "formats/tokenizer_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    memory_file memory = {data, size};
    grt_catalogue catalogue = {0};
    grt_metadata metadata = {0};
    grt_vocabulary vocabulary = {0};
    grt_error err = {0};
    if (grt_gguf_read(&catalogue, &metadata, memory_open(&memory), &err) == GRT_OK) {
        grt_status status = grt_vocabulary_read_gguf(&vocabulary, &metadata, &err);
        if (status == GRT_OK)
            tokenise(&vocabulary, data, size);
        else
            check_error(status, &err);
    }
    grt_vocabulary_release(&vocabulary);
    grt_metadata_release(&metadata);
    grt_catalogue_release(&catalogue);
    return 0;
}
