/* fuzz_tokenizer_json.c - a tokenizer.json, which then tokenises itself. */
#include "tokenise.h"

#include "formats/tokenizer_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    grt_vocabulary vocabulary = {0};
    if (grt_vocabulary_read_tokenizer_json(&vocabulary, (const char *)data, size,
                                           "fuzz", NULL) == GRT_OK)
        tokenise(&vocabulary, data, size);
    grt_vocabulary_release(&vocabulary);
    return 0;
}
