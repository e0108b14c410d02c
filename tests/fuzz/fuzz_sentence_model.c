/* fuzz_sentence_model.c - a SentencePiece model, which then tokenises itself.
 *
 * The first byte says whether its ids are XLM-RoBERTa's. */
#include "tokenise.h"

#include "formats/tokenizer_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    const char *model = (const char *)data + 1;
    grt_vocabulary vocabulary = {0};
    grt_status status =
        data[0] & 1
            ? grt_vocabulary_read_model_xlmr(&vocabulary, model, size - 1, "fuzz", NULL)
            : grt_vocabulary_read_model(&vocabulary, model, size - 1, "fuzz", NULL);
    if (status == GRT_OK) tokenise(&vocabulary, data, size);
    grt_vocabulary_release(&vocabulary);
    return 0;
}
