/* fuzz_plain_files.c - vocab.json, merges.txt, added_tokens.json and
 * tokenizer_config.json, separated by NUL bytes, in this order. */
#include "tokenise.h"

#include "formats/tokenizer_config.h"

#include <string.h>

static grt_status read_config(grt_vocabulary *out, const char *text, size_t n,
                              const char *path, grt_error *err)
{
    grt_tokenizer_config config;
    GRT_TRY(grt_tokenizer_config_parse(&config, text, n, path, &out->notes, err));
    grt_status status =
        grt_tokenizer_config_check(&config, GRT_SOURCE_MERGES, &out->notes, err);
    if (status == GRT_OK)
        status = grt_tokenizer_config_apply(out, &config, GRT_SOURCE_MERGES, err);
    grt_tokenizer_config_release(&config);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    typedef grt_status read_fn(grt_vocabulary *, const char *, size_t, const char *,
                               grt_error *);
    read_fn *const readers[] = {grt_vocabulary_read_vocab_json,
                                grt_vocabulary_read_merges, grt_vocabulary_read_added,
                                read_config};
    grt_vocabulary vocabulary = {0};
    grt_status status = GRT_OK;
    const uint8_t *at = data;
    for (size_t i = 0; i < 4 && status == GRT_OK; i++) {
        size_t left = size - (size_t)(at - data);
        const uint8_t *end = left ? memchr(at, 0, left) : NULL;
        size_t n = end ? (size_t)(end - at) : left;
        status = readers[i](&vocabulary, (const char *)at, n, "fuzz", NULL);
        at += n + (end != NULL);
    }
    if (status == GRT_OK) tokenise(&vocabulary, data, size);
    grt_vocabulary_release(&vocabulary);
    return 0;
}
